//! Client authentication (RFC 6749 §2.3, OAuth 2.1 §2.4): by secret, or by none.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Client, ClientStatus};
use crate::clock::Timestamp;
use crate::error::ErrorReason;
use crate::secret::{SecretHash, SecretId};

/// How a client proves who it is (`token_endpoint_auth_method` of RFC 7591).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// Not at all: a public client.
    None,
    /// By a secret: a confidential client.
    Secret(SecretAuthentication),
}

/// The secrets of a confidential client.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SecretAuthentication {
    method: SecretMethod,
    secret: StoredSecret,
    previous: Option<StoredSecret>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct StoredSecret {
    hash: SecretHash,
    expires_at: Option<Timestamp>,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    last_used_at: Option<Timestamp>,
}

impl StoredSecret {
    const fn new(hash: SecretHash) -> Self {
        Self { hash, expires_at: None, created_at: None, last_used_at: None }
    }

    const fn summary(&self) -> ClientSecretSummary {
        ClientSecretSummary {
            id: self.hash.id(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
        }
    }

    fn accepts(&self, candidate: &str, now: Timestamp) -> bool {
        self.hash.matches(candidate) && self.expires_at.is_none_or(|at| now < at)
    }
}

/// What a page may show of a client secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ClientSecretSummary {
    /// The short name of the secret.
    pub id: SecretId,
    /// When it was made; `None` if that was not noted.
    pub created_at: Option<Timestamp>,
    /// When it stops working, or stopped; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, as far as uses are noted
    /// ([`AuthorizationServer::touch_secret`](crate::AuthorizationServer::touch_secret)).
    pub last_used_at: Option<Timestamp>,
}

impl ClientSecretSummary {
    /// Whether the secret works at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

/// How a client said it would send its secret. Either way is accepted from every client with a secret.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecretMethod {
    /// `client_secret_basic`: in the `Authorization` header.
    Basic,
    /// `client_secret_post`: in the body.
    Post,
}

impl SecretMethod {
    /// The value of `token_endpoint_auth_method`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }
}

impl SecretAuthentication {
    /// Authentication by the secret whose hash is `secret`; it does not expire.
    #[must_use]
    pub const fn new(secret: SecretHash) -> Self {
        Self { method: SecretMethod::Basic, secret: StoredSecret::new(secret), previous: None }
    }

    /// Sets how the client said it would send the secret.
    #[must_use]
    pub const fn with_method(mut self, method: SecretMethod) -> Self {
        self.method = method;
        self
    }

    /// Sets when the secret expires (`client_secret_expires_at`).
    #[must_use]
    pub const fn with_expiry(mut self, expires_at: Timestamp) -> Self {
        self.secret.expires_at = Some(expires_at);
        self
    }

    /// Sets when the secret was made.
    #[must_use]
    pub const fn with_created_at(mut self, created_at: Timestamp) -> Self {
        self.secret.created_at = Some(created_at);
        self
    }

    /// Replaces the secret; the old one stays valid until `overlap_ends_at`, so that a rotation needs no outage. The one
    /// before that, if it was still valid, ends now: there are never more than two.
    #[must_use]
    pub fn rotated(mut self, secret: SecretHash, overlap_ends_at: Timestamp) -> Self {
        let mut old = std::mem::replace(&mut self.secret, StoredSecret::new(secret));
        old.expires_at = Some(old.expires_at.map_or(overlap_ends_at, |at| at.min(overlap_ends_at)));
        self.previous = Some(old);
        self
    }

    /// How the client said it would send the secret.
    #[must_use]
    pub const fn method(&self) -> SecretMethod {
        self.method
    }

    /// When the secret expires; `None` is never.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.secret.expires_at
    }

    /// Ends the secret that was replaced, before its overlap is over.
    pub(crate) fn without_previous(mut self) -> Self {
        self.previous = None;
        self
    }

    /// The secrets, newest first: one, or two once it was rotated, of which the second may have expired.
    pub fn secrets(&self) -> impl Iterator<Item = ClientSecretSummary> {
        self.stored().map(StoredSecret::summary)
    }

    fn stored(&self) -> impl Iterator<Item = &StoredSecret> {
        std::iter::once(&self.secret).chain(&self.previous)
    }

    /// The hash of the secret that is called `id`.
    pub(crate) fn find(&self, id: SecretId) -> Option<&SecretHash> {
        self.stored().map(|stored| &stored.hash).find(|hash| hash.id() == id)
    }

    /// Whether the newest secret of `other` is one of these, also if it ends or has ended since.
    pub(crate) fn know_secret_of(&self, other: &Self) -> bool {
        self.find(other.secret.hash.id()) == Some(&other.secret.hash)
    }

    /// These secrets after `secret` was used `at` this instant; `None` if it is not one of them, or a use that is as late is
    /// known.
    fn touched(&self, secret: &SecretHash, at: Timestamp) -> Option<Self> {
        let mut touched = self.clone();
        let used = [Some(&mut touched.secret), touched.previous.as_mut()].into_iter().flatten();
        let mut changed = false;
        for stored in used.filter(|stored| stored.hash == *secret && stored.last_used_at < Some(at)) {
            stored.last_used_at = Some(at);
            changed = true;
        }
        changed.then_some(touched)
    }

    /// Which of the secrets `candidate` is, if it is one that works at `now`.
    pub(crate) fn accepts(&self, candidate: &str, now: Timestamp) -> Option<SecretId> {
        // The hash of nothing is what a forgotten setting leaves behind.
        if candidate.is_empty() {
            return None;
        }
        // Both are compared whatever the first one says, so that time does not tell which secret is in use.
        let current = self.secret.accepts(candidate, now);
        let previous = self.previous.as_ref().filter(|previous| previous.accepts(candidate, now));
        if current { Some(self.secret.hash.id()) } else { previous.map(|previous| previous.hash.id()) }
    }
}

impl Client {
    /// This client after `secret` was used `at` this instant, with the same version; `None` if that changes nothing, since it is
    /// not one of its secrets, or a use that is as late is known.
    pub(crate) fn touched(&self, secret: &SecretHash, at: Timestamp) -> Option<Self> {
        let ClientAuthentication::Secret(secrets) = &self.authentication else { return None };
        let authentication = ClientAuthentication::Secret(secrets.touched(secret, at)?);
        Some(Self { authentication, ..self.clone() })
    }
}

/// What a client presented to prove who it is. Not printed by `Debug`.
pub(crate) struct ClientCredentials<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) proof: Proof<'a>,
}

/// The proof that came with a client identifier.
pub(crate) enum Proof<'a> {
    /// Only the identifier was sent.
    None,
    /// A secret in the `Authorization` header: form-decoded, and as it came where that differs.
    Basic { decoded: Cow<'a, str>, raw: Option<Cow<'a, str>> },
    /// A secret in the body.
    Post(Cow<'a, str>),
}

impl fmt::Debug for ClientCredentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A client whose credentials were checked; made only by [`AuthenticatedClient::authenticate`].
#[derive(Clone, Debug)]
pub(crate) struct AuthenticatedClient {
    client: Arc<Client>,
    secret_id: Option<SecretId>,
}

impl AuthenticatedClient {
    /// Checks `credentials` against the client that was found for their identifier.
    ///
    /// An unknown, a disabled and a wrongly authenticated client fail alike.
    pub(crate) fn authenticate(
        client: Option<Arc<Client>>,
        credentials: &ClientCredentials<'_>,
        now: Timestamp,
    ) -> Result<Self, ErrorReason> {
        let Some(client) = client.filter(|client| client.status == ClientStatus::Enabled) else {
            // An unknown client costs the same hash as a wrong secret.
            if let Proof::Basic { decoded: secret, .. } | Proof::Post(secret) = &credentials.proof {
                std::hint::black_box(SecretHash::of(secret));
            }
            return Err(ErrorReason::ClientAuthenticationFailed);
        };
        let accepted = match (&client.authentication, &credentials.proof) {
            (ClientAuthentication::None, Proof::None) => return Ok(Self { client, secret_id: None }),
            // Go and Python clients send Basic with an empty password for a public client.
            (ClientAuthentication::None, Proof::Basic { decoded, .. }) if decoded.is_empty() => {
                return Ok(Self { client, secret_id: None });
            }
            (ClientAuthentication::None, _) => None,
            (ClientAuthentication::Secret(_), Proof::None) => return Err(ErrorReason::ClientAuthenticationMissing),
            (ClientAuthentication::Secret(secrets), Proof::Post(secret)) => secrets.accepts(secret, now),
            (ClientAuthentication::Secret(secrets), Proof::Basic { decoded, raw }) => {
                let raw = raw.as_ref().and_then(|raw| secrets.accepts(raw, now));
                secrets.accepts(decoded, now).or(raw)
            }
        };
        match accepted {
            Some(secret_id) => Ok(Self { client, secret_id: Some(secret_id) }),
            None => Err(ErrorReason::ClientAuthenticationFailed),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Which of its secrets the client proved itself with.
    pub(crate) const fn secret_id(&self) -> Option<SecretId> {
        self.secret_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_millis(second * 1000)
    }

    fn rotated() -> (Client, SecretHash, SecretHash) {
        let (old, new) = (SecretHash::of("old"), SecretHash::of("new"));
        let secrets = SecretAuthentication::new(old).rotated(new, at(100));
        (Client::new("report".parse().unwrap(), ClientAuthentication::Secret(secrets)), old, new)
    }

    #[test]
    fn the_use_of_a_secret_is_remembered_and_nothing_else_changes() {
        let (client, old, new) = rotated();
        let ClientAuthentication::Secret(before) = &client.authentication else { unreachable!() };
        let touched = client.touched(&old, at(5)).unwrap();
        let ClientAuthentication::Secret(after) = &touched.authentication else { unreachable!() };
        assert_eq!(after.previous.as_ref().unwrap().last_used_at, Some(at(5)));
        assert_eq!(after.secret, before.secret);
        assert_eq!(Client { authentication: client.authentication.clone(), ..touched.clone() }, client);
        let ClientAuthentication::Secret(both) = touched.touched(&new, at(6)).unwrap().authentication else {
            unreachable!()
        };
        assert_eq!(both.secret.last_used_at, Some(at(6)));
        assert_eq!(both.previous, after.previous);
    }

    #[test]
    fn a_use_that_is_not_later_and_one_of_an_unknown_secret_change_nothing() {
        let (client, old, _) = rotated();
        let touched = client.touched(&old, at(5)).unwrap();
        assert_eq!(touched.touched(&old, at(5)), None);
        assert_eq!(touched.touched(&old, at(4)), None);
        assert_eq!(client.touched(&SecretHash::of("other"), at(5)), None);
        assert_eq!(Client::public("app".parse().unwrap()).touched(&old, at(5)), None);
    }

    #[test]
    fn a_client_that_was_stored_before_secrets_had_dates_can_be_read() {
        let (client, _, _) = rotated();
        let stored = serde_json::to_string(&client).unwrap();
        let older = stored.replace(",\"created_at\":null,\"last_used_at\":null", "");
        assert_ne!(older, stored);
        assert_eq!(serde_json::from_str::<Client>(&older).unwrap(), client);
    }
}
