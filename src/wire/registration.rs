//! Client metadata as JSON (RFC 7591 §2), read strictly.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

use crate::error::ErrorReason;

/// The members that have a meaning here. Unknown ones are ignored (RFC 7591 §2); one that comes twice is refused; `null` and the
/// empty string are as good as absent.
#[derive(Default, Deserialize)]
pub(crate) struct ClientDocument {
    #[serde(default, deserialize_with = "text")]
    pub(crate) client_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) client_secret: Option<String>,
    #[serde(default)]
    pub(crate) redirect_uris: Option<Vec<String>>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    pub(crate) grant_types: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) response_types: Option<Vec<String>>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) client_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) client_uri: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) logo_uri: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) scope: Option<String>,
    #[serde(default)]
    pub(crate) contacts: Option<Vec<String>>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) tos_uri: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) policy_uri: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) initiate_login_uri: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) jwks_uri: Option<String>,
    #[serde(default, deserialize_with = "value")]
    pub(crate) jwks: Option<Value>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) software_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) software_version: Option<String>,
    #[serde(default, deserialize_with = "value")]
    pub(crate) software_statement: Option<Value>,
    #[serde(default, deserialize_with = "text")]
    pub(crate) application_type: Option<String>,
    #[serde(default, deserialize_with = "value")]
    pub(crate) registration_access_token: Option<Value>,
    #[serde(default, deserialize_with = "value")]
    pub(crate) registration_client_uri: Option<Value>,
    #[serde(default, deserialize_with = "value")]
    pub(crate) client_secret_expires_at: Option<Value>,
    #[serde(default, deserialize_with = "value")]
    pub(crate) client_id_issued_at: Option<Value>,
}

impl ClientDocument {
    pub(crate) fn read(body: &[u8]) -> Result<Self, ErrorReason> {
        // Read twice: a struct could also be read from an array, and members that are skipped could be nested without bound.
        let object = serde_json::from_slice::<Value>(body).is_ok_and(|value| value.is_object());
        let document = serde_json::from_slice(body).ok().filter(|_| object);
        document.ok_or(ErrorReason::RegistrationMalformed)
    }

    /// Whether a member is there that only the server may set (RFC 7592 §2.2).
    pub(crate) const fn names_server_members(&self) -> bool {
        self.registration_access_token.is_some()
            || self.registration_client_uri.is_some()
            || self.client_secret_expires_at.is_some()
            || self.client_id_issued_at.is_some()
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    match text {
        Some(text) if text.contains('\0') => Err(D::Error::custom("a member contains NUL")),
        text => Ok(text),
    }
}

fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Ok(Option::<Value>::deserialize(deserializer)?.filter(|value| value != ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_types_repeated_members_and_other_bodies_are_refused() {
        for body in [
            r#"{"redirect_uris":"https://a"}"#,
            r#"{"grant_types":"x"}"#,
            r#"{"client_name":5}"#,
            r#"{"scope":["a"]}"#,
            r#"{"redirect_uris":["https://good"],"redirect_uris":["https://evil"]}"#,
            "[]",
            "[null,null]",
            "5",
            "",
            "\u{feff}{}",
            r#"{"client_name":"\ud800"}"#,
            r#"{"client_name":"a\u0000b"}"#,
        ] {
            assert!(ClientDocument::read(body.as_bytes()).is_err(), "{body}");
        }
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(ClientDocument::read(deep.as_bytes()).is_err());
    }

    #[test]
    fn null_and_empty_members_are_absent_and_unknown_ones_ignored() {
        let document = ClientDocument::read(br#" {"logo_uri":"","scope":null,"foo":{},"redirect_uris":null}"#).unwrap();
        assert!(document.logo_uri.is_none() && document.scope.is_none() && document.redirect_uris.is_none());
    }
}
