//! Parameters of the authorization request that a service has of its own.

use super::ConfigurationError;

/// The longest value of a declared parameter, in bytes.
pub(crate) const MAX_VALUE: usize = 1_000;

/// The longest name of a declared parameter, in bytes.
const MAX_NAME: usize = 100;

/// The most parameters that can be declared.
const MAX_DECLARED: usize = 20;

/// The names of OAuth, and of OpenID Connect Core §3.1.2.1: they have a meaning, or will have one.
pub(crate) const RESERVED: [&str; 37] = [
    "access_token",
    "acr_values",
    "authorization_details",
    "claims",
    "claims_locales",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "display",
    "dpop_jkt",
    "error",
    "error_description",
    "error_uri",
    "grant_type",
    "id_token_hint",
    "iss",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "refresh_token",
    "registration",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "token",
    "token_type_hint",
];

/// The parameters that were declared, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuthorizationParameters(Vec<String>);

impl AuthorizationParameters {
    pub(crate) fn declare(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    /// Each name once, in the characters of RFC 6749 §8.2, and none that means something else.
    pub(crate) fn check(&self) -> Result<(), ConfigurationError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        for (at, name) in self.0.iter().enumerate() {
            let formed = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(allowed);
            let reserved = RESERVED.contains(&name.as_str()) || name == "ui_locales";
            let repeated = self.0.iter().take(at).any(|other| other == name);
            if !formed || reserved || repeated || at >= MAX_DECLARED {
                return Err(ConfigurationError::AuthorizationParameter(name.clone()));
            }
        }
        Ok(())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|own| own == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(names: &[&str]) -> AuthorizationParameters {
        let mut parameters = AuthorizationParameters::default();
        names.iter().for_each(|name| parameters.declare(name));
        parameters
    }

    #[test]
    fn names_of_the_protocol_malformed_and_repeated_ones_are_refused() {
        assert_eq!(declared(&["tenant_name", "x-ref.1", "Tenant_Name"]).check(), Ok(()));
        let long = "a".repeat(MAX_NAME + 1);
        let malformed = ["", "ui_locales", "tenant name", "tenant[]", "tenänt", "a\0", &long, "first"];
        for name in RESERVED.iter().chain(&malformed) {
            let refused = declared(&["first", name]).check();
            assert_eq!(refused, Err(ConfigurationError::AuthorizationParameter((*name).to_owned())));
        }
    }

    #[test]
    fn so_many_can_be_declared_and_no_more() {
        let names: Vec<String> = (0..=MAX_DECLARED).map(|n| format!("p{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(declared(&names[..MAX_DECLARED]).check(), Ok(()));
        assert!(declared(&names).check().is_err());
    }
}
