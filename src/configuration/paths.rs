//! Where the endpoints are.

use super::ConfigurationError;

/// The paths of the endpoints, on the issuer's origin.
///
/// ```
/// use grantor::configuration::EndpointPaths;
///
/// let paths = EndpointPaths::under("/oauth");
/// assert_eq!(paths.token(), "/oauth/token");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointPaths {
    authorize: String,
    token: String,
    revoke: String,
    introspect: String,
    register: String,
    jwks: String,
}

macro_rules! paths {
    ($($(#[$doc:meta])* $name:ident, $with:ident;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> &str {
                &self.$name
            }

            #[doc = concat!("Sets the path of `", stringify!($name), "`; it begins with a slash.")]
            #[must_use]
            pub fn $with(mut self, path: &str) -> Self {
                self.$name = path.to_owned();
                self
            }
        )*
    };
}

impl EndpointPaths {
    /// `prefix` followed by `/authorize`, `/token`, `/revoke`, `/introspect` and `/register`; the keys are at
    /// `/.well-known/jwks.json`, whatever the prefix.
    #[must_use]
    pub fn under(prefix: &str) -> Self {
        let prefix = prefix.trim_end_matches('/');
        let path = |name: &str| format!("{prefix}/{name}");
        Self {
            authorize: path("authorize"),
            token: path("token"),
            revoke: path("revoke"),
            introspect: path("introspect"),
            register: path("register"),
            jwks: "/.well-known/jwks.json".to_owned(),
        }
    }

    paths! {
        /// The authorization endpoint, which the host serves (RFC 6749 §3.1).
        authorize, with_authorize;
        /// The token endpoint (RFC 6749 §3.2).
        token, with_token;
        /// The revocation endpoint (RFC 7009).
        revoke, with_revoke;
        /// The introspection endpoint (RFC 7662).
        introspect, with_introspect;
        /// The registration endpoint (RFC 7591); a registration is managed below it (RFC 7592).
        register, with_register;
        /// The public keys of signed access tokens (RFC 7517 §5), if the server has any.
        jwks, with_jwks;
    }

    pub(crate) fn check(&self) -> Result<(), ConfigurationError> {
        let paths = [&self.authorize, &self.token, &self.revoke, &self.introspect, &self.register, &self.jwks];
        for (at, path) in paths.iter().enumerate() {
            let twice = paths.iter().skip(at + 1).any(|other| other == path);
            let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"\\".contains(&byte));
            if twice || !plain || !path.starts_with('/') || path.ends_with('/') {
                return Err(ConfigurationError::Path((*path).clone()));
            }
        }
        Ok(())
    }
}
