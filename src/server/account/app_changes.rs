//! Changing the apps of developers.

use std::sync::Arc;

use super::secrets::{Author, Changed};
use super::{Developer, DeveloperApp};
use crate::client::{Client, ClientAuthentication, ClientId, ClientMetadata, Environment, GrantType, SecretMethod};
use crate::endpoint::{Refusal, check_client, with_new_secret};
use crate::error::{EndpointError, ErrorReason};
use crate::observer::{Actor, Event, Operation};
use crate::policy::ClientPolicies;
use crate::redirect_uri::RedirectUri;
use crate::scope::Scope;
use crate::server::AuthorizationServer;

/// What a developer changes of an app on a page of the host; whatever is not named stays.
///
/// Its tenant, owner and identifier stay for good: an app of another tenant is another app.
#[derive(Clone, Debug, Default)]
pub struct AppChanges {
    metadata: Option<ClientMetadata>,
    redirect_uris: Option<Vec<RedirectUri>>,
    grant_types: Option<Vec<GrantType>>,
    scope: Option<Scope>,
    environment: Option<Environment>,
    policies: Option<ClientPolicies>,
}

impl AppChanges {
    /// Nothing changes.
    #[must_use]
    pub const fn new() -> Self {
        Self { metadata: None, redirect_uris: None, grant_types: None, scope: None, environment: None, policies: None }
    }

    /// Replaces what people and tools are told of the app.
    #[must_use]
    pub fn with_metadata(mut self, metadata: ClientMetadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Replaces the redirect URIs; codes for one that is gone are dead.
    #[must_use]
    pub fn with_redirect_uris(mut self, uris: Vec<RedirectUri>) -> Self {
        self.redirect_uris = Some(uris);
        self
    }

    /// Replaces how the app may obtain tokens.
    #[must_use]
    pub fn with_grant_types(mut self, grant_types: impl IntoIterator<Item = GrantType>) -> Self {
        self.grant_types = Some(grant_types.into_iter().collect());
        self
    }

    /// Limits what the app may ask for from now on; what it was granted stays.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Says what the app is for; its redirect URIs must be acceptable there.
    #[must_use]
    pub const fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Replaces what the app has of its own, instead of what the server has for every client.
    #[must_use]
    pub fn with_policies(mut self, policies: ClientPolicies) -> Self {
        self.policies = Some(policies);
        self
    }

    fn apply(&self, mut client: Client) -> Client {
        if let Some(metadata) = &self.metadata {
            client = client.with_metadata(metadata.clone());
        }
        if let Some(uris) = &self.redirect_uris {
            client = client.with_redirect_uris(uris.clone());
        }
        if let Some(grant_types) = &self.grant_types {
            client = client.with_grant_types(grant_types.iter().copied());
        }
        if let Some(scope) = &self.scope {
            client = client.with_scope(scope.clone());
        }
        if let Some(environment) = self.environment {
            client = client.with_environment(environment);
        }
        match &self.policies {
            Some(policies) => client.with_policies(policies.clone()),
            None => client,
        }
    }
}

impl AuthorizationServer {
    /// Changes an app of `owner`, by the rules that hold for new ones.
    ///
    /// If that changes what people see of it, its name, its links or where it takes them, then consent that was given before
    /// is asked for again; what it was granted works on.
    ///
    /// The [`CredentialPolicy`](super::CredentialPolicy) is asked, and sees the app before and after.
    ///
    /// # Errors
    ///
    /// [`ErrorReason::ClientUnknown`], also for somebody else's app; what is not acceptable of the changes;
    /// [`ErrorReason::CredentialNotAllowed`] or [`ErrorReason::ReauthenticationRequired`];
    /// [`ErrorReason::RegistrationConflict`] if others kept changing the app; or the failure of a store. Nothing was changed
    /// then, or all of it if a store failed.
    pub async fn update_app(
        &self,
        owner: impl Into<Developer<'_>> + Send,
        id: &ClientId,
        changes: AppChanges,
    ) -> Result<Arc<Client>, EndpointError> {
        let author = Author::Change(owner.into());
        let update = async {
            let changed = self.change_app(author, id, |client| Ok(changes.apply(client))).await?;
            let (Changed::Now(client) | Changed::Never(client)) = changed;
            Ok(client)
        };
        self.account(Operation::UpdateApp, id, update).await
    }

    /// Makes a public app of `owner` a confidential one, which authenticates by the secret that comes with the answer. What it
    /// was granted works on, and needs the secret to be refreshed.
    ///
    /// The [`CredentialPolicy`](super::CredentialPolicy) is asked as for any new secret.
    ///
    /// # Errors
    ///
    /// Those of [`update_app`](Self::update_app), and [`ErrorReason::MetadataInvalid`] for an app that has a secret: that is
    /// [rotated](Self::rotate_secret) or [reset](Self::reset_secret).
    pub async fn make_confidential(
        &self,
        owner: impl Into<Developer<'_>> + Send,
        id: &ClientId,
        method: SecretMethod,
    ) -> Result<DeveloperApp, EndpointError> {
        let author = Author::NewSecret(owner.into());
        let switch = async {
            let (secret, authentication) = with_new_secret(method, self.configuration(), self.now());
            let change = |client: Client| {
                if client.is_public() {
                    Ok(client.with_authentication(authentication.clone()))
                } else {
                    Err(Refusal::described(ErrorReason::MetadataInvalid, "the app has a secret already"))
                }
            };
            let (Changed::Now(client) | Changed::Never(client)) = self.change_app(author, id, change).await?;
            self.observe(&Event::SecretMade { client: id });
            Ok(DeveloperApp::new(Arc::unwrap_or_clone(client), Some(secret)))
        };
        self.account(Operation::MakeConfidential, id, switch).await
    }

    /// Makes an app of `owner` a public one: its secrets end at once, and from now on it proves itself by PKCE, unless its
    /// policies or the server's say [`PkceRequirement::Optional`](crate::policy::PkceRequirement::Optional).
    ///
    /// What it was granted works on, so that nobody has to authorize it again: its refresh tokens rotate from now on, and need no
    /// secret. If they may be in the wrong hands, call [`revoke_client`](Self::revoke_client).
    ///
    /// The [`CredentialPolicy`](super::CredentialPolicy) is asked as for any change.
    ///
    /// # Errors
    ///
    /// Those of [`update_app`](Self::update_app), among them one for an app that may use `client_credentials`, which needs a
    /// secret.
    pub async fn make_public(
        &self,
        owner: impl Into<Developer<'_>> + Send,
        id: &ClientId,
    ) -> Result<Arc<Client>, EndpointError> {
        let author = Author::Change(owner.into());
        let switch = async {
            let change = |client: Client| Ok(client.with_authentication(ClientAuthentication::None));
            match self.change_app(author, id, change).await? {
                Changed::Now(client) => {
                    self.observe(&Event::SecretsEnded { client: id, by: Actor::User });
                    Ok(client)
                }
                Changed::Never(client) => Ok(client),
            }
        };
        self.account(Operation::MakePublic, id, switch).await
    }

    async fn change_app(
        &self,
        author: Author<'_>,
        id: &ClientId,
        change: impl Fn(Client) -> Result<Client, Refusal> + Send + Sync,
    ) -> Result<Changed, Refusal> {
        let now = self.now();
        let checked = |known: &Client| {
            let changed = change(known.clone())?;
            check_client(&changed, self.configuration())?;
            let seen = |client: &Client| (client.metadata().clone(), client.redirect_uris().to_vec());
            Ok(if seen(&changed) == seen(known) { changed } else { changed.with_updated_at(now) })
        };
        let changed = self.change_client(author, id, checked).await?;
        if let Changed::Now(_) = changed {
            self.observe(&Event::RegistrationChanged { client: id, by: Actor::User });
        }
        Ok(changed)
    }
}
