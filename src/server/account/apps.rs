//! The apps of developers: registered, listed, deleted.

use std::sync::Arc;

use super::CredentialRequest;
use crate::client::{
    Client, ClientAuthentication, ClientId, ClientMetadata, Environment, GrantType, SecretMethod, Vetting,
};
use crate::clock::Timestamp;
use crate::endpoint::{new_client_id, with_new_secret};
use crate::error::{EndpointError, StoreError};
use crate::identifier::{Subject, Tenant};
use crate::observer::{Actor, Endpoint, Event, Operation};
use crate::policy::ClientPolicies;
use crate::redirect_uri::RedirectUri;
use crate::scope::Scope;
use crate::secret::ClientSecret;
use crate::server::AuthorizationServer;
use crate::store::{Deletion, Page};
use crate::telemetry::operate;

/// An app that a signed-in developer registers on a page of the host.
#[derive(Clone, Debug)]
pub struct NewApp {
    owner: Subject,
    metadata: ClientMetadata,
    redirect_uris: Vec<RedirectUri>,
    grant_types: Vec<GrantType>,
    scope: Option<Scope>,
    vetting: Vetting,
    environment: Environment,
    tenant: Option<Tenant>,
    policies: ClientPolicies,
    secret_method: SecretMethod,
    authenticated_at: Option<Timestamp>,
}

impl NewApp {
    /// An app of `owner` for the grants `authorization_code` and `refresh_token`.
    #[must_use]
    pub fn new(owner: Subject, metadata: ClientMetadata, redirect_uris: Vec<RedirectUri>) -> Self {
        let grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        Self {
            owner,
            metadata,
            redirect_uris,
            grant_types,
            scope: None,
            vetting: Vetting::Vetted,
            environment: Environment::Unspecified,
            tenant: None,
            policies: ClientPolicies::new(),
            secret_method: SecretMethod::Basic,
            authenticated_at: None,
        }
    }

    /// Sets how the app may obtain tokens.
    #[must_use]
    pub fn with_grant_types(mut self, grant_types: impl IntoIterator<Item = GrantType>) -> Self {
        self.grant_types = grant_types.into_iter().collect();
        self
    }

    /// Says whether somebody vouches for the app; a service that anybody can sign up to should say
    /// [`Vetting::SelfRegistered`].
    #[must_use]
    pub const fn with_vetting(mut self, vetting: Vetting) -> Self {
        self.vetting = vetting;
        self
    }

    /// Limits what the app may ask for.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Says what the app is for.
    #[must_use]
    pub const fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Confines the app, and whatever is granted to it, to a tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Sets what the app has of its own, instead of what the server has for every client.
    #[must_use]
    pub fn with_policies(mut self, policies: ClientPolicies) -> Self {
        self.policies = policies;
        self
    }

    /// Sets how a confidential app says it will send its secret.
    #[must_use]
    pub const fn with_secret_method(mut self, method: SecretMethod) -> Self {
        self.secret_method = method;
        self
    }

    /// Says when the owner last proved who they are, by a password or the like, for a server that wants to know
    /// ([`reauthentication`](crate::AuthorizationServerBuilder::reauthentication), [`CredentialPolicy`](super::CredentialPolicy)).
    #[must_use]
    pub const fn with_authenticated_at(mut self, at: Timestamp) -> Self {
        self.authenticated_at = Some(at);
        self
    }

    /// The developer.
    #[must_use]
    pub const fn owner(&self) -> &Subject {
        &self.owner
    }

    /// What the app is confined to.
    #[must_use]
    pub const fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// What the app is for.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// When the owner last proved who they are.
    #[must_use]
    pub const fn authenticated_at(&self) -> Option<Timestamp> {
        self.authenticated_at
    }
}

/// An app that was just registered, or changed.
#[derive(Debug)]
#[must_use = "the secret is told only once"]
pub struct DeveloperApp {
    client: Client,
    secret: Option<ClientSecret>,
}

impl DeveloperApp {
    pub(super) const fn new(client: Client, secret: Option<ClientSecret>) -> Self {
        Self { client, secret }
    }

    /// The app.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Its secret, if one was made: show it now, it is not known later.
    #[must_use]
    pub const fn secret(&self) -> Option<&ClientSecret> {
        self.secret.as_ref()
    }

    /// Its secret alone, if one was made.
    #[must_use]
    pub fn into_secret(self) -> Option<ClientSecret> {
        self.secret
    }
}

impl AuthorizationServer {
    /// Registers a public app of a developer.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] says what of it is not acceptable, by the same rules as for clients that register themselves,
    /// or that a store failed; nothing was registered then.
    pub async fn register_public_app(&self, app: NewApp) -> Result<DeveloperApp, EndpointError> {
        operate(Operation::RegisterApp, self.register_app(app, None, ClientAuthentication::None)).await
    }

    /// Registers a confidential app of a developer, and makes its secret.
    ///
    /// # Errors
    ///
    /// [`EndpointError`], as for [`register_public_app`](Self::register_public_app).
    pub async fn register_confidential_app(&self, app: NewApp) -> Result<DeveloperApp, EndpointError> {
        let (secret, authentication) = with_new_secret(app.secret_method, self.configuration(), self.now());
        operate(Operation::RegisterApp, self.register_app(app, Some(secret), authentication)).await
    }

    async fn register_app(
        &self,
        app: NewApp,
        secret: Option<ClientSecret>,
        authentication: ClientAuthentication,
    ) -> Result<DeveloperApp, EndpointError> {
        let refuse = |refusal| self.refuse_host(Endpoint::Registration, None, refusal);
        self.permit(CredentialRequest::App(&app)).await.map_err(refuse)?;
        let id = new_client_id(&self.configuration().app_id_prefix);
        let mut client = Client::new(id, authentication)
            .with_grant_types(app.grant_types)
            .with_redirect_uris(app.redirect_uris)
            .with_metadata(app.metadata)
            .with_owner(app.owner)
            .with_vetting(app.vetting)
            .with_environment(app.environment)
            .with_policies(app.policies)
            .with_created_at(self.now());
        if let Some(scope) = app.scope {
            client = client.with_scope(scope);
        }
        if let Some(tenant) = app.tenant {
            client = client.with_tenant(tenant);
        }
        self.register_checked(&client).await?;
        if secret.is_some() {
            self.observe(&Event::SecretMade { client: client.id() });
        }
        Ok(DeveloperApp { client, secret })
    }

    /// Lists the apps of a developer, ordered by identifier.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told, or the stores have no registry.
    pub async fn apps(&self, owner: &Subject, page: Page<ClientId>) -> Result<Vec<Arc<Client>>, StoreError> {
        self.call(Operation::Apps, async { self.require_registry()?.list_clients(owner, page).await }).await
    }

    /// Finds a client, to show its name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        self.call(Operation::Client, self.inner.clients.find_client(id)).await
    }

    /// Deletes a client of `owner`, as [`delete_client`](Self::delete_client) does; somebody else's is
    /// [`Deletion::Unknown`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something of it may be left; calling again finishes it.
    pub async fn delete_own_client(&self, owner: &Subject, id: &ClientId) -> Result<Deletion, StoreError> {
        let delete = async {
            match self.inner.clients.find_client(id).await? {
                Some(client) if client.owner() == Some(owner) => self.delete_with_grants(id, Actor::User).await,
                _ => Ok(Deletion::Unknown),
            }
        };
        self.call(Operation::DeleteOwnClient, delete).await
    }

    /// Revokes everything that a client was granted: after it is disabled, or when its secret leaked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something may still work; calling again finishes it.
    pub async fn revoke_client(&self, id: &ClientId) -> Result<u64, StoreError> {
        let revoke = async {
            let grants = self.inner.grants.revoke_client(id, self.now()).await?;
            self.observe(&Event::ClientRevoked { client: id, grants });
            Ok(grants)
        };
        self.call(Operation::RevokeClient, revoke).await
    }

    /// Deletes a client, whoever owns it, with all that it was granted. A request of that client which is being
    /// answered in this very moment may still get a token for itself (`client_credentials`); it lives no longer than
    /// its lifetime.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something of it may be left; calling again finishes it.
    pub async fn delete_client(&self, id: &ClientId) -> Result<Deletion, StoreError> {
        self.call(Operation::DeleteClient, self.delete_with_grants(id, Actor::Operator)).await
    }

    pub(crate) async fn delete_with_grants(&self, id: &ClientId, by: Actor) -> Result<Deletion, StoreError> {
        // Once before, so that a crash leaves no token without a client to delete it by; and once after, for what was
        // granted between the two.
        let before = self.inner.grants.revoke_client(id, self.now()).await?;
        let deletion = self.require_registry()?.delete_client(id).await?;
        let after = self.inner.grants.revoke_client(id, self.now()).await?;
        if deletion == Deletion::Deleted {
            self.observe(&Event::Deleted { client: id, grants: before.saturating_add(after), by });
        }
        Ok(deletion)
    }
}
