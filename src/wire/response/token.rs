//! Token responses (RFC 6749 §5.1).

use std::time::Duration;

use http::{Response, StatusCode};
use serde::Serialize;

use super::json;
use crate::scope::Scope;
use crate::secret::{AccessToken, RefreshToken};

/// The highest `expires_in`: some clients keep it in 32 bits.
const MAX_EXPIRES_IN: u64 = 0x7FFF_FFFF;

/// The answer to a token request that was granted.
#[derive(Debug)]
#[must_use = "the client waits for it"]
pub struct TokenResponse {
    pub(crate) access_token: AccessToken,
    pub(crate) expires_in: Option<Duration>,
    pub(crate) refresh_token: Option<RefreshToken>,
    pub(crate) scope: Scope,
}

#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

impl TokenResponse {
    /// The access token.
    #[must_use]
    pub const fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// How long the access token is valid from now; `None` until it is revoked.
    #[must_use]
    pub const fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    /// The refresh token, if one was issued.
    #[must_use]
    pub const fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    /// What the access token allows.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The response: 200, JSON, not to be stored; members without a value are left out.
    #[must_use]
    pub fn into_http(self) -> Response<String> {
        let body = TokenBody {
            access_token: self.access_token.expose(),
            token_type: "Bearer",
            // Some clients take zero for never.
            expires_in: self.expires_in.map(|lifetime| lifetime.as_secs().clamp(1, MAX_EXPIRES_IN)),
            refresh_token: self.refresh_token.as_ref().map(RefreshToken::expose),
            scope: self.scope.as_str(),
        };
        let mut text = Vec::with_capacity(320 + self.scope.as_str().len());
        let written = serde_json::to_writer(&mut text, &body);
        let text = written.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_default();
        json(StatusCode::OK, text)
    }
}
