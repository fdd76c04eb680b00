//! The secrets of clients: rotated with an overlap, reset without, and when they were used.

use std::sync::Arc;
use std::time::Duration;

use super::{CredentialRequest, Developer};
use crate::client::{Client, ClientAuthentication, ClientId, SecretAuthentication};
use crate::clock::Timestamp;
use crate::endpoint::Refusal;
use crate::error::{EndpointError, ErrorReason, StoreError};
use crate::identifier::Subject;
use crate::observer::{Actor, Endpoint, Event, Operation};
use crate::secret::{ClientSecret, SecretId};
use crate::server::AuthorizationServer;
use crate::store::Update;
use crate::telemetry::operate;

/// How often a client is looked at and changed, in vain because somebody else changed it meanwhile.
const CHANGE_ATTEMPTS: u32 = 32;

/// On whose word a client is changed.
#[derive(Clone, Copy)]
pub(super) enum Author<'a> {
    /// The operator's.
    Operator,
    /// Its developer's, who takes something away from it.
    Developer(&'a Subject),
    /// Its developer's, if they may give it a secret.
    NewSecret(Developer<'a>),
    /// Its developer's, if they may change it.
    Change(Developer<'a>),
}

impl<'a> Author<'a> {
    const fn developer(self) -> Option<&'a Subject> {
        match self {
            Self::Operator => None,
            Self::Developer(subject) => Some(subject),
            Self::NewSecret(developer) | Self::Change(developer) => Some(developer.subject()),
        }
    }

    /// What the policy is asked first, if it is.
    const fn request<'b>(self, client: &'b Client, changed: &'b Client) -> Option<CredentialRequest<'b>>
    where
        'a: 'b,
    {
        match self {
            Self::Operator | Self::Developer(_) => None,
            Self::NewSecret(developer) => Some(CredentialRequest::Secret { developer, client }),
            Self::Change(developer) => Some(CredentialRequest::AppChange { developer, client, changed }),
        }
    }
}

/// A client that was to be changed, as it is stored now.
pub(super) enum Changed {
    /// It was changed.
    Now(Arc<Client>),
    /// It was as it should be.
    Never(Arc<Client>),
}

impl AuthorizationServer {
    /// Gives a client of `owner` a new secret; the one that it has works for `overlap` more, so that the app can be changed
    /// without an outage. Whatever worked beside that one ends now: there are never more than two.
    ///
    /// The [`CredentialPolicy`](super::CredentialPolicy) is asked as for a new app.
    ///
    /// # Errors
    ///
    /// [`ErrorReason::ClientUnknown`], also for somebody else's client; [`ErrorReason::MetadataInvalid`] for one without a
    /// secret; [`ErrorReason::CredentialNotAllowed`] or [`ErrorReason::ReauthenticationRequired`];
    /// [`ErrorReason::RegistrationConflict`] if others kept changing it; or the failure of a store, after which the new
    /// secret may be in use: rotating again makes another one.
    pub async fn rotate_secret(
        &self,
        owner: impl Into<Developer<'_>> + Send,
        id: &ClientId,
        overlap: Duration,
    ) -> Result<ClientSecret, EndpointError> {
        let author = Author::NewSecret(owner.into());
        self.account(Operation::RotateSecret, id, self.replace_secret(author, id, Some(overlap))).await
    }

    /// Gives a client a new secret, whoever owns it, as [`rotate_secret`](Self::rotate_secret) does; for the operator, so no
    /// policy is asked.
    ///
    /// # Errors
    ///
    /// Those of [`rotate_secret`](Self::rotate_secret).
    pub async fn rotate_client_secret(&self, id: &ClientId, overlap: Duration) -> Result<ClientSecret, EndpointError> {
        self.account(Operation::RotateSecret, id, self.replace_secret(Author::Operator, id, Some(overlap))).await
    }

    /// Gives a client of `owner` a new secret, and ends what it had at once: for a secret that leaked. Tokens that were
    /// obtained with it live on; [`revoke_client`](Self::revoke_client) ends them.
    ///
    /// # Errors
    ///
    /// Those of [`rotate_secret`](Self::rotate_secret).
    pub async fn reset_secret(
        &self,
        owner: impl Into<Developer<'_>> + Send,
        id: &ClientId,
    ) -> Result<ClientSecret, EndpointError> {
        let author = Author::NewSecret(owner.into());
        self.account(Operation::ResetSecret, id, self.replace_secret(author, id, None)).await
    }

    /// Gives a client a new secret, whoever owns it, as [`reset_secret`](Self::reset_secret) does; for the operator, so no
    /// policy is asked.
    ///
    /// # Errors
    ///
    /// Those of [`rotate_secret`](Self::rotate_secret).
    pub async fn reset_client_secret(&self, id: &ClientId) -> Result<ClientSecret, EndpointError> {
        self.account(Operation::ResetSecret, id, self.replace_secret(Author::Operator, id, None)).await
    }

    /// Ends the secret that a client of `owner` had before the last rotation, before its overlap is over. No policy is asked.
    ///
    /// # Errors
    ///
    /// Those of [`rotate_secret`](Self::rotate_secret) that no policy decides.
    pub async fn end_previous_secret(&self, owner: &Subject, id: &ClientId) -> Result<(), EndpointError> {
        let end = async {
            let change = |client: &Client| {
                let secrets = secrets_of(client)?.clone().without_previous();
                Ok(client.clone().with_authentication(ClientAuthentication::Secret(secrets)))
            };
            if let Changed::Now(_) = self.change_client(Author::Developer(owner), id, change).await? {
                self.observe(&Event::SecretsEnded { client: id, by: Actor::User });
            }
            Ok(())
        };
        self.account(Operation::EndPreviousSecret, id, end).await
    }

    /// Notes that a secret was used, for [`ClientSecretSummary::last_used_at`](crate::client::ClientSecretSummary). A client or
    /// a secret that is gone is fine.
    ///
    /// A request that authenticates a client does not write, so the host does it now and then, beside the requests: call this
    /// from a task of its own, at most once a minute for each secret.
    ///
    /// ```
    /// use std::sync::mpsc::SyncSender;
    ///
    /// use grantor::client::ClientId;
    /// use grantor::observer::{Event, Observer};
    /// use grantor::secret::SecretId;
    ///
    /// /// Passes on which secrets were used. Whoever receives it leaves out what it noted less than a minute ago, and awaits
    /// /// `server.touch_secret(&client, secret_id, SystemClock.now())` for the rest.
    /// #[derive(Debug)]
    /// struct UsedSecrets(SyncSender<(ClientId, SecretId)>);
    ///
    /// impl Observer for UsedSecrets {
    ///     fn observe(&self, event: &Event<'_>) {
    ///         if let Event::Authenticated { client, secret_id: Some(id), .. } = event {
    ///             let _full = self.0.try_send(((*client).clone(), *id));
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not noted.
    pub async fn touch_secret(&self, id: &ClientId, secret: SecretId, at: Timestamp) -> Result<(), StoreError> {
        let touch = async {
            let registry = self.require_registry()?;
            let client = registry.find_client(id).await?;
            let hash = client.as_deref().and_then(|client| secrets_of(client).ok()?.find(secret));
            match hash {
                Some(hash) => registry.touch_secret(id, hash, at).await,
                None => Ok(()),
            }
        };
        self.call(Operation::TouchSecret, touch).await
    }

    async fn replace_secret(
        &self,
        author: Author<'_>,
        id: &ClientId,
        overlap: Option<Duration>,
    ) -> Result<ClientSecret, Refusal> {
        let secret = ClientSecret::generate(self.configuration().prefixes.client_secret());
        let now = self.now();
        let change = |client: &Client| {
            let known = secrets_of(client)?;
            let secrets = match overlap {
                Some(overlap) => known.clone().rotated(secret.hash(), now.saturating_add(overlap)),
                None => SecretAuthentication::new(secret.hash()).with_method(known.method()),
            };
            let authentication = ClientAuthentication::Secret(secrets.with_created_at(now));
            Ok(client.clone().with_authentication(authentication))
        };
        self.change_client(author, id, change).await?;
        if overlap.is_none() {
            let by = if author.developer().is_some() { Actor::User } else { Actor::Operator };
            self.observe(&Event::SecretsEnded { client: id, by });
        }
        self.observe(&Event::SecretMade { client: id });
        Ok(secret)
    }

    /// Changes a client of `author`, or anybody's: looks at it, asks whether that may be, and stores what `change` makes of it,
    /// again and again until nobody else changed it in between.
    pub(super) async fn change_client(
        &self,
        author: Author<'_>,
        id: &ClientId,
        change: impl Fn(&Client) -> Result<Client, Refusal> + Send + Sync,
    ) -> Result<Changed, Refusal> {
        let registry = self.require_registry()?;
        for _ in 0..CHANGE_ATTEMPTS {
            let known = registry.find_client(id).await?.ok_or(ErrorReason::ClientUnknown)?;
            if author.developer().is_some_and(|developer| known.owner() != Some(developer)) {
                return Err(ErrorReason::ClientUnknown.into());
            }
            let changed = change(&known)?;
            if let Some(request) = author.request(&known, &changed) {
                self.permit(request).await?;
            }
            if changed == *known {
                return Ok(Changed::Never(known));
            }
            match registry.update_client(&changed).await? {
                Update::Updated => {
                    let version = changed.version().wrapping_add(1);
                    return Ok(Changed::Now(Arc::new(changed.with_version(version))));
                }
                Update::Conflict => {}
                Update::Unknown => return Err(ErrorReason::ClientUnknown.into()),
            }
        }
        Err(ErrorReason::RegistrationConflict.into())
    }

    /// Runs a call of one of the host's pages that is about a client.
    pub(super) async fn account<T: Send>(
        &self,
        operation: Operation,
        id: &ClientId,
        future: impl Future<Output = Result<T, Refusal>> + Send,
    ) -> Result<T, EndpointError> {
        let told = async { future.await.map_err(|refusal| self.refuse_host(Endpoint::Account, Some(id), refusal)) };
        operate(operation, told).await
    }
}

fn secrets_of(client: &Client) -> Result<&SecretAuthentication, Refusal> {
    match client.authentication() {
        ClientAuthentication::Secret(secrets) => Ok(secrets),
        ClientAuthentication::None => {
            Err(Refusal::described(ErrorReason::MetadataInvalid, "the client has no secret: it is public"))
        }
    }
}
