//! The secrets of clients: rotated with an overlap, reset without, and when they were used.

use std::sync::Arc;
use std::time::Duration;

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
    /// # Errors
    ///
    /// [`ErrorReason::ClientUnknown`], also for somebody else's client; [`ErrorReason::MetadataInvalid`] for one without a
    /// secret; [`ErrorReason::RegistrationConflict`] if others kept changing it; or the failure of a store, after which the new
    /// secret may be in use: rotating again makes another one.
    pub async fn rotate_secret(
        &self,
        owner: &Subject,
        id: &ClientId,
        overlap: Duration,
    ) -> Result<ClientSecret, EndpointError> {
        self.account(Operation::RotateSecret, id, self.replace_secret(Some(owner), id, Some(overlap))).await
    }

    /// Gives a client a new secret, whoever owns it, as [`rotate_secret`](Self::rotate_secret) does.
    ///
    /// # Errors
    ///
    /// Those of [`rotate_secret`](Self::rotate_secret).
    pub async fn rotate_client_secret(&self, id: &ClientId, overlap: Duration) -> Result<ClientSecret, EndpointError> {
        self.account(Operation::RotateSecret, id, self.replace_secret(None, id, Some(overlap))).await
    }

    /// Gives a client of `owner` a new secret, and ends what it had at once: for a secret that leaked. Tokens that were
    /// obtained with it live on; [`revoke_client`](Self::revoke_client) ends them.
    ///
    /// # Errors
    ///
    /// Those of [`rotate_secret`](Self::rotate_secret).
    pub async fn reset_secret(&self, owner: &Subject, id: &ClientId) -> Result<ClientSecret, EndpointError> {
        self.account(Operation::ResetSecret, id, self.replace_secret(Some(owner), id, None)).await
    }

    /// Gives a client a new secret, whoever owns it, as [`reset_secret`](Self::reset_secret) does.
    ///
    /// # Errors
    ///
    /// Those of [`rotate_secret`](Self::rotate_secret).
    pub async fn reset_client_secret(&self, id: &ClientId) -> Result<ClientSecret, EndpointError> {
        self.account(Operation::ResetSecret, id, self.replace_secret(None, id, None)).await
    }

    /// Ends the secret that a client of `owner` had before the last rotation, before its overlap is over.
    ///
    /// # Errors
    ///
    /// Those of [`rotate_secret`](Self::rotate_secret).
    pub async fn end_previous_secret(&self, owner: &Subject, id: &ClientId) -> Result<(), EndpointError> {
        let end = async {
            let change = |client: &Client| {
                let secrets = secrets_of(client)?.clone().without_previous();
                Ok(client.clone().with_authentication(ClientAuthentication::Secret(secrets)))
            };
            if let Changed::Now(_) = self.change_client(Some(owner), id, change).await? {
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
        owner: Option<&Subject>,
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
        self.change_client(owner, id, change).await?;
        if overlap.is_none() {
            let by = if owner.is_some() { Actor::User } else { Actor::Operator };
            self.observe(&Event::SecretsEnded { client: id, by });
        }
        self.observe(&Event::SecretMade { client: id });
        Ok(secret)
    }

    /// Changes a client of `owner`, or anybody's: looks at it and stores what `change` makes of it, again and again until nobody
    /// else changed it in between.
    pub(super) async fn change_client(
        &self,
        owner: Option<&Subject>,
        id: &ClientId,
        change: impl Fn(&Client) -> Result<Client, Refusal> + Send + Sync,
    ) -> Result<Changed, Refusal> {
        let registry = self.require_registry()?;
        for _ in 0..CHANGE_ATTEMPTS {
            let known = registry.find_client(id).await?.ok_or(ErrorReason::ClientUnknown)?;
            if owner.is_some() && known.owner() != owner {
                return Err(ErrorReason::ClientUnknown.into());
            }
            let changed = change(&known)?;
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
