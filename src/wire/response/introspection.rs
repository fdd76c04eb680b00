//! Introspection answers (RFC 7662 §2.2).

use http::{Response, StatusCode};
use serde::Serialize;

use super::{json, to_json};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::identifier::{Subject, Tenant};
use crate::issuer::Issuer;
use crate::resource::Resources;
use crate::scope::Scope;

/// What a client is told about a token: that it is active, and what it is; or that it is not, and nothing else.
#[derive(Debug)]
#[must_use = "the client waits for it"]
pub struct Introspection(Option<Box<ActiveToken>>);

/// What there is to tell about a valid token.
#[derive(Debug)]
pub(crate) struct ActiveToken {
    pub(crate) issuer: Issuer,
    pub(crate) client: Option<ClientId>,
    pub(crate) subject: Option<Subject>,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) kind: TokenKind,
    pub(crate) scope: Scope,
    pub(crate) resource: Resources,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) identifier: String,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum TokenKind {
    Access,
    Refresh,
}

#[derive(Serialize)]
struct Inactive {
    active: bool,
}

#[derive(Serialize)]
struct Active<'a> {
    active: bool,
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aud: Vec<&'a str>,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    jti: &'a str,
}

impl Introspection {
    pub(crate) const INACTIVE: Self = Self(None);

    pub(crate) fn active(token: ActiveToken) -> Self {
        Self(Some(Box::new(token)))
    }

    /// Whether the token is valid now, and the caller may know.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.0.is_some()
    }

    /// The response: 200, JSON, not to be stored. An inactive token gets `{"active":false}` and nothing else.
    #[must_use]
    pub fn into_http(self) -> Response<String> {
        let body = match &self.0 {
            None => to_json(&Inactive { active: false }),
            Some(token) => {
                let client = token.client.as_ref().map(ClientId::as_str);
                to_json(&Active {
                    active: true,
                    iss: token.issuer.as_str(),
                    client_id: client,
                    // RFC 9068 §2.2: a client that acts for itself is its own subject.
                    sub: token.subject.as_ref().map(Subject::as_str).or(client),
                    tenant: token.tenant.as_ref().map(Tenant::as_str),
                    scope: token.scope.as_str(),
                    token_type: match token.kind {
                        TokenKind::Access => Some("Bearer"),
                        TokenKind::Refresh => None,
                    },
                    aud: token.resource.iter().map(|resource| resource.as_str()).collect(),
                    iat: token.issued_at.unix_seconds(),
                    exp: token.expires_at.map(Timestamp::unix_seconds),
                    jti: &token.identifier,
                })
            }
        };
        json(StatusCode::OK, body)
    }
}
