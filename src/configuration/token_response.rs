//! What a token response says beyond RFC 6749 §5.1.

use serde_json::Value;

use super::ConfigurationError;

/// What token responses say beyond what the protocol has them say, for clients that rely on it.
///
/// ```
/// use grantor::configuration::{ResponseMember, TokenResponseShape};
///
/// let shape = TokenResponseShape::new()
///     .with_null_refresh_token()
///     .with_member("created_at", ResponseMember::IssuedAt)
///     .with_member("workspace", ResponseMember::Tenant);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenResponseShape {
    pub(crate) no_refresh_token: NoRefreshToken,
    pub(crate) members: Vec<(String, ResponseMember)>,
}

/// How a response says that the client has no refresh token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum NoRefreshToken {
    /// By leaving the member out.
    #[default]
    LeftOut,
    /// By a literal `null`.
    Null,
}

/// What a member of a token response holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponseMember {
    /// When the tokens were issued, in seconds since 1970. The answer to a retried refresh has the instant of the first
    /// answer.
    IssuedAt,
    /// The same in every response.
    Constant(Value),
    /// The tenant that the grant is confined to; left out where it is confined to none.
    Tenant,
    /// The member of this name of what the host keeps with the grant ([`Grant::extra`](crate::grant::Grant::extra));
    /// left out where there is none.
    Extra(String),
}

/// The names of RFC 6749 §5.1 and §5.2, and of what extends them (OpenID Connect, RFC 8693, RFC 9396).
const RESERVED: [&str; 11] = [
    "access_token",
    "authorization_details",
    "error",
    "error_description",
    "error_uri",
    "expires_in",
    "id_token",
    "issued_token_type",
    "refresh_token",
    "scope",
    "token_type",
];

impl TokenResponseShape {
    /// The members of the protocol, and no others.
    #[must_use]
    pub const fn new() -> Self {
        Self { no_refresh_token: NoRefreshToken::LeftOut, members: Vec::new() }
    }

    /// Says `"refresh_token": null` where the client has no refresh token. Where it has one and keeps it
    /// ([`RefreshPolicy::Reuse`](crate::policy::RefreshPolicy::Reuse)), the member is left out all the same: `null` would
    /// have the client forget it. So it is in answers to a token request with a `resource` (RFC 8707): the clients that send
    /// one, agents among them, were not written for this service, and some refuse a `null`, which RFC 6749 §5.1 does not
    /// have.
    #[must_use]
    pub const fn with_null_refresh_token(mut self) -> Self {
        self.no_refresh_token = NoRefreshToken::Null;
        self
    }

    /// Adds a member. Names of the protocol, empty ones and repeated ones are refused when the server is built.
    #[must_use]
    pub fn with_member(mut self, name: &str, member: ResponseMember) -> Self {
        self.members.push((name.to_owned(), member));
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigurationError> {
        for (at, (name, _)) in self.members.iter().enumerate() {
            let repeated = self.members.iter().take(at).any(|(other, _)| other == name);
            if name.is_empty() || repeated || RESERVED.contains(&name.as_str()) {
                return Err(ConfigurationError::ResponseMember(name.clone()));
            }
        }
        Ok(())
    }

    /// Whether it says nothing beyond the protocol.
    pub(crate) fn is_plain(&self) -> bool {
        self.no_refresh_token == NoRefreshToken::LeftOut && self.members.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_protocol_empty_and_repeated_ones_are_refused() {
        let shape = || TokenResponseShape::new().with_member("created_at", ResponseMember::IssuedAt);
        assert_eq!(shape().check(), Ok(()));
        assert_eq!(shape().with_member("Created_At", ResponseMember::Tenant).check(), Ok(()));
        for name in RESERVED.iter().chain(&["", "created_at"]) {
            let refused = shape().with_member(name, ResponseMember::Tenant).check();
            assert_eq!(refused, Err(ConfigurationError::ResponseMember((*name).to_owned())));
        }
    }

    #[test]
    fn only_a_shape_without_anything_is_plain() {
        assert!(TokenResponseShape::new().is_plain());
        assert!(!TokenResponseShape::new().with_null_refresh_token().is_plain());
        assert!(!TokenResponseShape::new().with_member("a", ResponseMember::Tenant).is_plain());
    }
}
