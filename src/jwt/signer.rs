//! Signing: from claims to a token.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::claims::{SignedClaims, TokenClaims};
use super::header::JwtHeader;
use super::key_set::{KeySet, SharedKeys};
use super::verifier::JwtVerifier;
use crate::configuration::ConfigurationError;
use crate::identifier::Extra;
use crate::issuer::Issuer;
use crate::resource::Resources;

/// How access tokens are to be signed, before it is known whether they can be.
#[derive(Debug, Default)]
pub(crate) struct SignerSettings {
    pub(crate) keys: Option<KeySet>,
    pub(crate) header: JwtHeader,
    pub(crate) extra_claims: BTreeSet<String>,
}

impl SignerSettings {
    pub(crate) fn signer(self, issuer: &Issuer) -> Result<Option<AccessTokenSigner>, ConfigurationError> {
        if let Some(name) = self.extra_claims.iter().find(|name| SignedClaims::OWN.contains(&name.as_str())) {
            return Err(ConfigurationError::AccessTokenClaim(name.clone()));
        }
        let Some(keys) = self.keys else { return Ok(None) };
        let verifier = JwtVerifier::new(issuer.clone(), self.header, SharedKeys::new(keys));
        Ok(Some(AccessTokenSigner { verifier, extra_claims: self.extra_claims }))
    }
}

/// Signs the access tokens of one issuer.
#[derive(Clone, Debug)]
pub(crate) struct AccessTokenSigner {
    verifier: JwtVerifier,
    extra_claims: BTreeSet<String>,
}

impl AccessTokenSigner {
    /// Signs what a token is to say; `None` if that cannot be done.
    pub(crate) fn sign(&self, claims: &TokenClaims<'_>) -> Option<String> {
        let keys = self.verifier.keys.get();
        let key = keys.signing_key()?;
        let body = serde_json::to_vec(&self.body(claims)?).ok()?;
        let header = key.header(self.verifier.header);
        let mut text = String::with_capacity(header.len() + body.len().div_ceil(3) * 4 + 350);
        text.push_str(header);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(body, &mut text);
        let signature = key.sign(text.as_bytes())?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        Some(text)
    }

    /// What checks the tokens, by the keys of this moment and of every later one.
    pub(crate) const fn verifier(&self) -> &JwtVerifier {
        &self.verifier
    }

    /// The public keys as they are published.
    pub(crate) fn jwks(&self) -> String {
        self.verifier.keys.get().to_jwks()
    }

    pub(crate) fn replace_keys(&self, keys: KeySet) {
        self.verifier.keys.replace(keys);
    }

    fn body<'a>(&'a self, claims: &'a TokenClaims<'a>) -> Option<Body<'a>> {
        let issuer = self.verifier.issuer.as_str();
        let subject = claims.subject.map(|subject| subject.as_str());
        let client_id = claims.client.map(|client| client.as_str());
        // RFC 9068 §5: a user who is called like the client would pass for the client itself.
        if subject.is_some() && subject == client_id {
            return None;
        }
        Some(Body {
            iss: issuer,
            exp: claims.expires_at.unix_seconds(),
            aud: Audience { resource: claims.resource, issuer },
            // RFC 9068 §2.2: a client that acts for itself is the subject.
            sub: subject.or(client_id)?,
            client_id,
            iat: claims.issued_at.unix_seconds(),
            jti: claims.key.identifier(),
            scope: claims.scope.as_str(),
            tenant: claims.tenant.map(|tenant| tenant.as_str()),
            extra: Members { names: &self.extra_claims, extra: claims.extra },
        })
    }
}

#[derive(Serialize)]
struct Body<'a> {
    iss: &'a str,
    exp: i64,
    aud: Audience<'a>,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    iat: i64,
    jti: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(flatten)]
    extra: Members<'a>,
}

/// RFC 7519 §4.1.3: one audience is a string, several are an array. RFC 9068 demands one: a token that is for whoever
/// accepts it is for the issuer's own.
struct Audience<'a> {
    resource: &'a Resources,
    issuer: &'a str,
}

impl Serialize for Audience<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut resources = self.resource.iter();
        match (resources.next(), resources.next()) {
            (None, _) => serializer.serialize_str(self.issuer),
            (Some(only), None) => serializer.serialize_str(only.as_str()),
            _ => serializer.collect_seq(self.resource.iter().map(|resource| resource.as_str())),
        }
    }
}

/// Those of the host's own members that tokens show.
struct Members<'a> {
    names: &'a BTreeSet<String>,
    extra: &'a Extra,
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.names.iter().filter_map(|name| Some((name, self.extra.get(name)?))) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_for_no_resource_is_for_the_issuer() {
        let audience = |resources: &[&str]| {
            let resource = resources.iter().map(|text| text.parse().unwrap()).collect();
            serde_json::to_string(&Audience { resource: &resource, issuer: "https://as.test" }).unwrap()
        };
        assert_eq!(audience(&[]), r#""https://as.test""#);
        assert_eq!(audience(&["https://a.test"]), r#""https://a.test""#);
        assert_eq!(audience(&["https://a.test", "https://b.test"]), r#"["https://a.test","https://b.test"]"#);
    }
}
