//! Checking: from a token to its claims.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::claims::SignedClaims;
use super::header::JwtHeader;
use super::key_set::{InvalidKeySet, KeySet, SharedKeys};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::identifier::{Extra, Subject, Tenant};
use crate::issuer::Issuer;
use crate::resource::{ResourceIndicator, Resources};
use crate::scope::Scope;
use crate::secret::TokenKey;

/// The longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// Checks the signatures of one issuer's access tokens, with nothing but its public keys.
///
/// Give it to [`ResourceServer::offline`](crate::ResourceServer::offline) or
/// [`ResourceServer::with_jwt`](crate::ResourceServer::with_jwt). Clones share their keys: fetch the issuer's `jwks_uri`
/// every few minutes, and hand what comes to [`replace_jwks`](Self::replace_jwks) of any of them.
#[derive(Clone, Debug)]
pub struct JwtVerifier {
    pub(super) issuer: Issuer,
    pub(super) header: JwtHeader,
    pub(super) keys: SharedKeys,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    jti: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Body {
    iss: String,
    exp: i64,
    aud: Audience,
    sub: String,
    client_id: Option<String>,
    iat: i64,
    nbf: Option<i64>,
    jti: String,
    scope: Option<String>,
    tenant: Option<String>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl SignedClaims {
    /// The claims that say what the server alone may say (RFC 7519 §4.1, RFC 9068 §2.2, RFC 7800, RFC 8693); no member of
    /// the host's can be one.
    pub(super) const OWN: [&'static str; 17] = [
        "iss",
        "exp",
        "aud",
        "sub",
        "client_id",
        "iat",
        "nbf",
        "jti",
        "scope",
        "tenant",
        "auth_time",
        "acr",
        "amr",
        "cnf",
        "act",
        "may_act",
        "authorization_details",
    ];
}

impl JwtVerifier {
    pub(super) const fn new(issuer: Issuer, header: JwtHeader, keys: SharedKeys) -> Self {
        Self { issuer, header, keys }
    }

    /// Accepts the tokens of `issuer` by the keys of its JWK Set, the document at its `jwks_uri`. Keys of other kinds and
    /// for other purposes are passed over.
    ///
    /// # Errors
    ///
    /// [`InvalidKeySet`] if there is no key among them that can check an access token.
    pub fn from_jwks(issuer: Issuer, jwks: &str) -> Result<Self, InvalidKeySet> {
        Ok(Self::new(issuer, JwtHeader::default(), SharedKeys::new(KeySet::published(jwks)?)))
    }

    /// Sets which header tokens must have.
    #[must_use]
    pub const fn with_header(mut self, header: JwtHeader) -> Self {
        self.header = header;
        self
    }

    /// Replaces the keys, of all clones at once. Calls that are being checked end with the keys that they began with.
    ///
    /// # Errors
    ///
    /// [`InvalidKeySet`], and the keys stay as they are.
    pub fn replace_jwks(&self, jwks: &str) -> Result<(), InvalidKeySet> {
        self.keys.replace(KeySet::published(jwks)?);
        Ok(())
    }

    /// What stores know the token by, if its signature is the issuer's; all else about it is theirs to say.
    pub(crate) fn token_key(&self, text: &str) -> Option<TokenKey> {
        let body = self.signed(text)?;
        let Identity { iss, jti } = serde_json::from_slice(&body).ok()?;
        if iss == self.issuer.as_str() { TokenKey::from_identifier(&jti) } else { None }
    }

    /// What the token says, if its signature is the issuer's. Its life and audience are not looked at.
    pub(crate) fn claims(&self, text: &str) -> Option<SignedClaims> {
        let body: Body = serde_json::from_slice(&self.signed(text)?).ok()?;
        if body.iss != self.issuer.as_str() {
            return None;
        }
        let client = body.client_id.as_deref().map(ClientId::parse).transpose().ok()?;
        // RFC 9068 §2.2, §5: who is client and subject at once acts for itself. A user of that very name gets nothing.
        let own = body.client_id.as_ref() == Some(&body.sub);
        let subject = if own { None } else { Some(Subject::parse(&body.sub).ok()?) };
        let audience = match body.aud {
            Audience::One(only) => vec![only],
            Audience::Several(all) => all,
        };
        let mut extra = body.extra;
        // RFC 7800 §3: a token that is bound to a key is nothing in the hands of whoever cannot prove to have that key.
        if extra.contains_key("cnf") {
            return None;
        }
        extra.retain(|name, _| !SignedClaims::OWN.contains(&name.as_str()));
        let instant = |seconds: i64| Timestamp::from_unix_millis(seconds.saturating_mul(1_000));
        Some(SignedClaims {
            key: TokenKey::from_identifier(&body.jti)?,
            client,
            subject,
            scope: body.scope.as_deref().map_or_else(|| Ok(Scope::empty()), Scope::parse).ok()?,
            resource: audience.iter().filter_map(|text| ResourceIndicator::parse(text).ok()).collect::<Resources>(),
            tenant: body.tenant.as_deref().map(Tenant::parse).transpose().ok()?,
            extra: Extra::new(extra).ok()?,
            issued_at: instant(body.iat),
            not_before: body.nbf.map(instant),
            expires_at: instant(body.exp),
        })
    }

    /// The claims as they were signed. The header only tells which key to try: how to check is the key's own.
    fn signed(&self, text: &str) -> Option<Vec<u8>> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let (message, signature) = text.rsplit_once('.')?;
        let (header, body) = message.split_once('.')?;
        let claimed = self.header.read(header)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let keys = self.keys.get();
        let accepted = keys
            .verification_keys()
            .filter(|key| key.algorithm() == claimed.algorithm)
            .filter(|key| claimed.kid.as_deref().is_none_or(|kid| key.kid() == kid))
            .any(|key| key.accepts(message.as_bytes(), &signature));
        if accepted { URL_SAFE_NO_PAD.decode(body).ok() } else { None }
    }
}
