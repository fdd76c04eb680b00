//! Signed access tokens at a resource server: with the store's word on them, or without any.

use std::sync::Arc;

use super::ResourceServer;
#[cfg(feature = "jwt")]
use super::unrestricted;
use crate::grant::{AccessTokenRecord, Grant};
use crate::jwt::SignedClaims;
use crate::store::FoundAccessToken;
#[cfg(feature = "jwt")]
use crate::{jwt::JwtVerifier, resource::ResourceIndicator};

#[cfg(feature = "jwt")]
impl ResourceServer {
    /// Accepts signed tokens (RFC 9068) for this resource without asking anybody: by their signature, issuer, audience and
    /// life, with no leeway. **A revoked token works until it expires**, so let tokens live for minutes.
    ///
    /// [`Access`](super::Access) is what the token says: its extra members are those that the issuer shows, and a resource
    /// server for tokens that name no resource is one for the issuer's own URL. Only signed tokens are accepted.
    #[must_use]
    pub fn offline(verifier: JwtVerifier, resource: ResourceIndicator) -> Self {
        unrestricted(None).with_jwt(verifier).with_resource(resource)
    }

    /// Accepts signed tokens (RFC 9068) beside opaque ones. If there is a store it is asked about them too, so that a
    /// revocation is seen at once.
    #[must_use]
    pub fn with_jwt(self, verifier: JwtVerifier) -> Self {
        self.with_verifier(Some(verifier))
    }
}

impl ResourceServer {
    /// What a signed token says of itself, if it is good already (RFC 7519 §4.1.5).
    pub(super) fn read(&self, text: &str) -> Option<FoundAccessToken> {
        let claims = self.jwt.as_ref()?.claims(text)?;
        let begun = claims.not_before.is_none_or(|at| at <= self.clock.now());
        begun.then(|| found(claims))
    }
}

/// A token as a store would have found it. The grant is as old as the token, as far as anybody here knows, and as wide.
fn found(claims: SignedClaims) -> FoundAccessToken {
    let SignedClaims { key, client, subject, scope, resource, tenant, extra, issued_at, expires_at, .. } = claims;
    let grant = Grant {
        id: key.grant,
        client,
        subject,
        scope: scope.clone(),
        resource: resource.clone(),
        tenant,
        name: None,
        extra,
        created_at: issued_at,
    };
    FoundAccessToken {
        token: AccessTokenRecord { key, scope, resource, issued_at, expires_at: Some(expires_at) },
        grant: Arc::new(grant),
    }
}
