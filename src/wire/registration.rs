//! Client metadata as JSON (RFC 7591 §2), read strictly.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// Why a body is not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DocumentFault {
    /// It is not one JSON object.
    NotAnObject,
    /// This member comes more than once.
    Repeated(&'static str),
    /// This member is of another type, or is no text.
    Member(&'static str, &'static str),
}

macro_rules! document {
    ($($(#[$doc:meta])* $member:ident: $kind:ident -> $output:ty,)*) => {
        /// The members that have a meaning here. Unknown ones are ignored (RFC 7591 §2); one that comes twice is refused;
        /// `null` and the empty string are as good as absent.
        #[derive(Default)]
        pub(crate) struct ClientDocument {
            $($(#[$doc])* pub(crate) $member: Option<$output>,)*
        }

        impl ClientDocument {
            pub(crate) fn read(body: &[u8]) -> Result<Self, DocumentFault> {
                let mut members: Members = serde_json::from_slice(body).map_err(|_| DocumentFault::NotAnObject)?;
                Ok(Self { $($member: $kind(stringify!($member), members.take(stringify!($member))?)?,)* })
            }
        }
    };
}

document! {
    client_id: text -> String,
    client_secret: text -> String,
    redirect_uris: texts -> Vec<String>,
    token_endpoint_auth_method: text -> String,
    grant_types: texts -> Vec<String>,
    response_types: texts -> Vec<String>,
    client_name: text -> String,
    client_uri: text -> String,
    logo_uri: text -> String,
    scope: text -> String,
    contacts: texts -> Vec<String>,
    tos_uri: text -> String,
    policy_uri: text -> String,
    initiate_login_uri: text -> String,
    jwks_uri: text -> String,
    jwks: value -> Value,
    software_id: text -> String,
    software_version: text -> String,
    software_statement: value -> Value,
    application_type: text -> String,
    registration_access_token: value -> Value,
    registration_client_uri: value -> Value,
    client_secret_expires_at: value -> Value,
    client_id_issued_at: value -> Value,
    /// What the RFC has no name for; only the operator may say it.
    service: value -> Value,
}

impl ClientDocument {
    /// A member that is there and that only the server may set (RFC 7592 §2.2).
    pub(crate) fn server_member(&self) -> Option<&'static str> {
        let members = [
            ("registration_access_token", &self.registration_access_token),
            ("registration_client_uri", &self.registration_client_uri),
            ("client_secret_expires_at", &self.client_secret_expires_at),
            ("client_id_issued_at", &self.client_id_issued_at),
        ];
        members.into_iter().find_map(|(name, value)| value.as_ref().map(|_| name))
    }
}

/// The members of an object as they came, each as often as it did.
struct Members(Vec<(String, Value)>);

impl Members {
    /// The value of a member; `null` if it is not there.
    fn take(&mut self, name: &'static str) -> Result<Value, DocumentFault> {
        let mut found = self.0.iter_mut().filter(|(own, _)| own == name);
        match (found.next(), found.next()) {
            (None, _) => Ok(Value::Null),
            (Some((_, value)), None) => Ok(value.take()),
            (Some(_), Some(_)) => Err(DocumentFault::Repeated(name)),
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

fn text(name: &'static str, value: Value) -> Result<Option<String>, DocumentFault> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.contains('\0') => Err(DocumentFault::Member(name, "contains NUL")),
        Value::String(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        _ => Err(DocumentFault::Member(name, "is not a string")),
    }
}

fn texts(name: &'static str, value: Value) -> Result<Option<Vec<String>>, DocumentFault> {
    let refused = DocumentFault::Member(name, "is not an array of strings");
    let text = |value| if let Value::String(text) = value { Ok(text) } else { Err(refused) };
    match value {
        Value::Null => Ok(None),
        Value::Array(values) => values.into_iter().map(text).collect::<Result<_, _>>().map(Some),
        _ => Err(refused),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one of the kinds of members")]
fn value(_name: &'static str, value: Value) -> Result<Option<Value>, DocumentFault> {
    Ok(Some(value).filter(|value| !value.is_null() && value != ""))
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
    fn whoever_is_refused_is_told_which_member_it_is() {
        use DocumentFault::{Member, NotAnObject, Repeated};
        for (body, fault) in [
            (r#"{"scope":"read","client_name":5}"#, Member("client_name", "is not a string")),
            (r#"{"contacts":["a",null]}"#, Member("contacts", "is not an array of strings")),
            (r#"{"software_id":"a\u0000b"}"#, Member("software_id", "contains NUL")),
            (r#"{"scope":"read","client_name":"A","scope":null}"#, Repeated("scope")),
            (r#"{"redirect_uris":[],"redirect\u005furis":[]}"#, Repeated("redirect_uris")),
            (r#"["client_name"]"#, NotAnObject),
        ] {
            assert_eq!(ClientDocument::read(body.as_bytes()).map(drop), Err(fault), "{body}");
        }
    }

    #[test]
    fn null_and_empty_members_are_absent_and_unknown_ones_ignored() {
        let document = ClientDocument::read(br#" {"logo_uri":"","scope":null,"foo":{},"redirect_uris":null}"#).unwrap();
        assert!(document.logo_uri.is_none() && document.scope.is_none() && document.redirect_uris.is_none());
    }
}
