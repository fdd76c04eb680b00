//! Token responses (RFC 6749 §5.1).

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::json;
use crate::clock::Timestamp;
use crate::configuration::{NoRefreshToken, ResponseMember, TokenResponseShape};
use crate::identifier::{Extra, Tenant};
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
    /// What the operator has it say beyond the protocol.
    pub(crate) shaped: Option<Box<Shaped>>,
}

/// What a response says beyond the protocol, and of what.
#[derive(Debug)]
pub(crate) struct Shaped {
    pub(crate) shape: Arc<TokenResponseShape>,
    pub(crate) no_refresh_token: NoRefreshToken,
    pub(crate) issued_at: Timestamp,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) extra: Extra,
}

/// The response as JSON, but for the access token.
struct TokenBody<'a>(&'a TokenResponse);

impl Serialize for TokenBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let TokenResponse { access_token: _, expires_in, refresh_token, scope, shaped } = self.0;
        let shaped = shaped.as_deref();
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("token_type", "Bearer")?;
        if let Some(lifetime) = expires_in {
            // Some clients take zero for never.
            members.serialize_entry("expires_in", &lifetime.as_secs().clamp(1, MAX_EXPIRES_IN))?;
        }
        match refresh_token {
            Some(token) => members.serialize_entry("refresh_token", token.expose())?,
            None if shaped.is_some_and(|shaped| shaped.no_refresh_token == NoRefreshToken::Null) => {
                members.serialize_entry("refresh_token", &())?;
            }
            None => {}
        }
        if !scope.is_empty() {
            members.serialize_entry("scope", scope.as_str())?;
        }
        if let Some(shaped) = shaped {
            for (name, member) in &shaped.shape.members {
                shaped.serialize_member(&mut members, name, member)?;
            }
        }
        members.end()
    }
}

impl Shaped {
    /// Writes a member, unless it has no value here.
    fn serialize_member<M: SerializeMap>(
        &self,
        members: &mut M,
        name: &str,
        member: &ResponseMember,
    ) -> Result<(), M::Error> {
        let value = match member {
            ResponseMember::IssuedAt => return members.serialize_entry(name, &self.issued_at.unix_seconds()),
            ResponseMember::Constant(value) => Some(value),
            ResponseMember::Tenant => match &self.tenant {
                Some(tenant) => return members.serialize_entry(name, tenant.as_str()),
                None => None,
            },
            ResponseMember::Extra(own) => self.extra.get(own),
        };
        value.map_or(Ok(()), |value| members.serialize_entry(name, value))
    }
}

impl TokenResponse {
    /// The same without a `null`.
    pub(crate) fn without_null(mut self) -> Self {
        if let Some(shaped) = &mut self.shaped {
            shaped.no_refresh_token = NoRefreshToken::LeftOut;
        }
        self
    }

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

    /// The response: 200, JSON, not to be stored. Members without a value are left out, and what
    /// [`TokenResponseShape`] adds comes last.
    #[must_use]
    pub fn into_http(self) -> Response<String> {
        let access_token = self.access_token.expose();
        let mut text = Vec::with_capacity(240 + access_token.len() + self.scope.as_str().len());
        // Nothing in a token has to be escaped, and a signed one is too long to look for it.
        for part in ["{\"access_token\":\"", access_token, "\","] {
            text.extend_from_slice(part.as_bytes());
        }
        let rest = text.len();
        let written = serde_json::to_writer(&mut text, &TokenBody(&self));
        // The other members go on in the same object.
        drop(text.drain(rest..text.len().min(rest + 1)));
        let text = written.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_default();
        json(StatusCode::OK, text)
    }
}
