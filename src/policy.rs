//! What the operator decides about tokens, for the server or for one client: [`Lifetimes`], [`RefreshPolicy`],
//! [`PkceRequirement`], [`AccessTokenFormat`], [`UnknownScope`]; [`ClientPolicies`] holds what one client has of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scope::Scope;

/// How long codes and tokens live.
///
/// # Defaults
///
/// | | |
/// |---|---|
/// | code | 60 seconds |
/// | access token | 1 hour |
/// | access token that came of a refresh | the same |
/// | refresh token, unused | 14 days |
/// | refresh tokens, all of a grant | 90 days after the grant |
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Lifetimes {
    code: Duration,
    access_token: Option<Duration>,
    #[serde(default)]
    refreshed_access_token: RefreshedAccessToken,
    refresh_idle: Option<Duration>,
    refresh_absolute: Option<Duration>,
}

/// How long an access token lives that came of a refresh.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum RefreshedAccessToken {
    /// As long as the first one.
    #[default]
    LikeTheFirst,
    /// As long as this; `None` is until it is revoked.
    Own(Option<Duration>),
}

impl Lifetimes {
    /// The longest that an authorization code may live (RFC 6749 §4.1.2).
    pub const MAX_CODE: Duration = Duration::from_mins(10);

    /// The default lifetimes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            code: Duration::from_secs(60),
            access_token: Some(Duration::from_hours(1)),
            refreshed_access_token: RefreshedAccessToken::LikeTheFirst,
            refresh_idle: Some(Duration::from_hours(14 * 24)),
            refresh_absolute: Some(Duration::from_hours(90 * 24)),
        }
    }

    /// How long an authorization code can be redeemed; more than [`Lifetimes::MAX_CODE`] counts as that.
    #[must_use]
    pub const fn with_code(mut self, lifetime: Duration) -> Self {
        self.code = if lifetime.as_millis() > Self::MAX_CODE.as_millis() { Self::MAX_CODE } else { lifetime };
        self
    }

    /// How long an access token is valid; `None` is until it is revoked, and leaves `expires_in` out of answers.
    #[must_use]
    pub const fn with_access_token(mut self, lifetime: Option<Duration>) -> Self {
        self.access_token = lifetime;
        self
    }

    /// How long an access token is valid that came of a refresh, where that is not as long as the first one of the
    /// grant; `None` is until it is revoked, and leaves `expires_in` out of answers.
    #[must_use]
    pub const fn with_refreshed_access_token(mut self, lifetime: Option<Duration>) -> Self {
        self.refreshed_access_token = RefreshedAccessToken::Own(lifetime);
        self
    }

    /// After how long without use a refresh token expires; `None` is never.
    #[must_use]
    pub const fn with_refresh_idle(mut self, lifetime: Option<Duration>) -> Self {
        self.refresh_idle = lifetime;
        self
    }

    /// How long after the grant its last refresh token expires, however often they are used; `None` is never.
    #[must_use]
    pub const fn with_refresh_absolute(mut self, lifetime: Option<Duration>) -> Self {
        self.refresh_absolute = lifetime;
        self
    }

    /// How long an authorization code can be redeemed.
    #[must_use]
    pub const fn code(&self) -> Duration {
        self.code
    }

    /// How long an access token is valid.
    #[must_use]
    pub const fn access_token(&self) -> Option<Duration> {
        self.access_token
    }

    /// How long an access token is valid that came of a refresh.
    #[must_use]
    pub const fn refreshed_access_token(&self) -> Option<Duration> {
        match self.refreshed_access_token {
            RefreshedAccessToken::LikeTheFirst => self.access_token,
            RefreshedAccessToken::Own(lifetime) => lifetime,
        }
    }

    /// After how long without use a refresh token expires.
    #[must_use]
    pub const fn refresh_idle(&self) -> Option<Duration> {
        self.refresh_idle
    }

    /// How long after the grant its last refresh token expires.
    #[must_use]
    pub const fn refresh_absolute(&self) -> Option<Duration> {
        self.refresh_absolute
    }

    /// Whether everything would live for a second at least.
    pub(crate) fn are_positive(&self) -> bool {
        let lifetimes = [
            Some(self.code),
            self.access_token,
            self.refreshed_access_token(),
            self.refresh_idle,
            self.refresh_absolute,
        ];
        lifetimes.into_iter().flatten().all(|lifetime| lifetime >= Duration::from_secs(1))
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self::new()
    }
}

/// What becomes of a refresh token that is used (RFC 9700 §4.14.2).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefreshPolicy {
    /// No refresh tokens are issued.
    Never,
    /// The refresh token stays valid and each use restarts its idle lifetime. For confidential clients only: a public
    /// client under this policy gets [`RefreshPolicy::default`].
    Reuse,
    /// A new refresh token replaces it, and the use of a replaced one revokes the grant.
    Rotate {
        /// For how long after its first use a refresh token yields its *same* successor again, as long as that
        /// was not used: so that a client whose answer was lost is not signed out. Zero switches it off.
        grace: Duration,
    },
}

impl RefreshPolicy {
    /// How often one refresh token may be retried within the grace.
    pub const MAX_RETRIES: u32 = 64;
}

impl Default for RefreshPolicy {
    /// Rotation with ten seconds of grace.
    fn default() -> Self {
        Self::Rotate { grace: Duration::from_secs(10) }
    }
}

/// Whether an authorization request must carry a code challenge (RFC 9700 §2.1.1). One that is sent is always enforced.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PkceRequirement {
    /// It must.
    #[default]
    Required,
    /// A confidential client may leave it out, for old integrations that the operator cannot change; a public client must
    /// send it.
    Exempt,
    /// Any client may leave it out, also one that cannot keep a secret: whoever intercepts the code of such a client can
    /// redeem it.
    Optional,
}

/// What access tokens look like.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccessTokenFormat {
    /// A random text that says nothing by itself.
    #[default]
    Opaque,
    /// A signed JSON Web Token (RFC 9068); needs the feature `jwt` and signing keys.
    Jwt,
}

/// What becomes of scope tokens that do not exist, or that the client may not have (RFC 6749 §3.3).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnknownScope {
    /// The request is refused with `invalid_scope`.
    #[default]
    Refuse,
    /// They are dropped, and the answer's `scope` shows it. A request that names nothing else is refused.
    Drop,
}

/// What one client has of its own, instead of what the server has for every client.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct ClientPolicies {
    refresh_policy: Option<RefreshPolicy>,
    lifetimes: Option<Lifetimes>,
    pkce: Option<PkceRequirement>,
    access_token_format: Option<AccessTokenFormat>,
    default_scope: Option<Scope>,
    unknown_scope: Option<UnknownScope>,
}

macro_rules! policies {
    ($($(#[$doc:meta])* $name:ident, $with:ident: $type:ty;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub const fn $name(&self) -> Option<&$type> {
                self.$name.as_ref()
            }

            #[doc = concat!("Sets what [`", stringify!($name), "`](Self::", stringify!($name), ") tells.")]
            #[must_use]
            pub fn $with(mut self, value: $type) -> Self {
                self.$name = Some(value);
                self
            }
        )*
    };
}

impl ClientPolicies {
    /// The client has nothing of its own.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            refresh_policy: None,
            lifetimes: None,
            pkce: None,
            access_token_format: None,
            default_scope: None,
            unknown_scope: None,
        }
    }

    policies! {
        /// What becomes of a refresh token that is used.
        refresh_policy, with_refresh_policy: RefreshPolicy;
        /// How long codes and tokens live.
        lifetimes, with_lifetimes: Lifetimes;
        /// Whether an authorization request must carry a code challenge.
        pkce, with_pkce: PkceRequirement;
        /// What access tokens look like.
        access_token_format, with_access_token_format: AccessTokenFormat;
        /// What a request gets that names no scope.
        default_scope, with_default_scope: Scope;
        /// What becomes of scope tokens that do not exist, or that the client may not have.
        unknown_scope, with_unknown_scope: UnknownScope;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refreshed_access_token_lives_like_the_first_or_never_ends_or_has_a_life_of_its_own() {
        let day = Some(Duration::from_hours(24));
        let hour = Some(Duration::from_hours(1));
        let first = Lifetimes::new().with_access_token(day);
        assert_eq!(first.refreshed_access_token(), day);
        assert_eq!(first.with_refreshed_access_token(hour).refreshed_access_token(), hour);
        assert_eq!(first.with_refreshed_access_token(None).refreshed_access_token(), None);
        assert_eq!(Lifetimes::new().with_refreshed_access_token(hour).with_access_token(None).access_token(), None);
    }

    #[test]
    fn lifetimes_come_back_from_json_and_older_json_is_read() {
        let hour = Some(Duration::from_hours(1));
        for lifetimes in [
            Lifetimes::new(),
            Lifetimes::new().with_refreshed_access_token(hour),
            Lifetimes::new().with_refreshed_access_token(None),
        ] {
            let text = serde_json::to_string(&lifetimes).unwrap();
            assert_eq!(serde_json::from_str::<Lifetimes>(&text).unwrap(), lifetimes, "{text}");
        }
        let mut older = serde_json::to_value(Lifetimes::new()).unwrap();
        older.as_object_mut().unwrap().remove("refreshed_access_token").unwrap();
        assert_eq!(serde_json::from_value::<Lifetimes>(older).unwrap(), Lifetimes::new());
    }

    #[test]
    fn a_lifetime_below_a_second_is_noticed_wherever_it_is() {
        let short = Duration::from_millis(999);
        assert!(Lifetimes::new().are_positive());
        for lifetimes in [
            Lifetimes::new().with_code(short),
            Lifetimes::new().with_access_token(Some(short)),
            Lifetimes::new().with_refreshed_access_token(Some(short)),
            Lifetimes::new().with_refresh_idle(Some(short)),
            Lifetimes::new().with_refresh_absolute(Some(short)),
        ] {
            assert!(!lifetimes.are_positive(), "{lifetimes:?}");
        }
    }
}
