//! Clients: the applications that ask for access (RFC 6749 §2).

mod authentication;
mod grant_type;
mod id;
mod metadata;
mod policies;
mod review;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::identifier::{Subject, Tenant};
use crate::policy::ClientPolicies;
use crate::redirect_uri::RedirectUri;
use crate::scope::Scope;
use crate::secret::SecretHash;

pub(crate) use authentication::{AuthenticatedClient, ClientCredentials, Proof};
pub use authentication::{ClientAuthentication, ClientSecretSummary, SecretAuthentication, SecretMethod};
pub use grant_type::GrantType;
pub use id::{ClientId, InvalidClientId};
pub(crate) use metadata::web_url;
pub use metadata::{ApplicationType, ClientMetadata, InvalidMetadata};

/// Whether somebody who answers for the service looked at a client before it could ask users for access.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Vetting {
    /// The operator, or one of its signed-in developers, registered it.
    Vetted,
    /// It registered itself (RFC 7591): consent pages should say so, and errors do not redirect an anonymous visitor.
    SelfRegistered,
}

/// Whether a client may be used at all.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientStatus {
    /// In use.
    Enabled,
    /// Treated as unknown wherever a client is looked for. An API looks for none: end the access tokens that it has with
    /// [`AuthorizationServer::revoke_client`](crate::AuthorizationServer::revoke_client).
    Disabled,
}

/// What a client is for, as far as the service tells it apart: an app under development may be sent to places that one
/// in production may not.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Environment {
    /// Used by its developers only: redirect URIs on the developer's own machine are accepted, also `http://localhost`
    /// where the server's policy refuses that.
    Development,
    /// Used by everybody: redirect URIs are `https`, or of a private-use scheme that the server accepts. One on a loopback
    /// host is refused, also if it was registered before.
    Production,
    /// The service makes no difference: what its redirect URI policy accepts is accepted.
    #[default]
    Unspecified,
}

/// A registered client.
///
/// ```
/// use grantor::client::{Client, GrantType};
/// use grantor::secret::{ClientSecret, Prefix};
///
/// let app = Client::public("mobile".parse()?).with_redirect_uri("https://app.example/callback".parse()?);
///
/// let secret = ClientSecret::generate(&Prefix::parse("acme_cs_")?);
/// let report = Client::confidential("nightly-report".parse()?, secret.hash())
///     .with_grant_types([GrantType::ClientCredentials])
///     .with_scope("stats:read".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Client {
    id: ClientId,
    authentication: ClientAuthentication,
    redirect_uris: Vec<RedirectUri>,
    grant_types: Vec<GrantType>,
    scope: Option<Scope>,
    #[serde(default)]
    policies: ClientPolicies,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    tenant: Option<Tenant>,
    vetting: Vetting,
    status: ClientStatus,
    owner: Option<Subject>,
    metadata: ClientMetadata,
    registration_token: Option<SecretHash>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default)]
    review_at: Option<Timestamp>,
    #[serde(default)]
    used_at: Option<Timestamp>,
    version: u64,
}

impl Client {
    /// A client that cannot keep a secret: an app on a user's device, or in a browser (RFC 6749 §2.1).
    #[must_use]
    pub const fn public(id: ClientId) -> Self {
        Self::new(id, ClientAuthentication::None)
    }

    /// A client that keeps a secret, of which `secret` is the hash.
    #[must_use]
    pub fn confidential(id: ClientId, secret: SecretHash) -> Self {
        Self::new(id, ClientAuthentication::Secret(SecretAuthentication::new(secret)))
    }

    pub(crate) const fn new(id: ClientId, authentication: ClientAuthentication) -> Self {
        Self {
            id,
            authentication,
            redirect_uris: Vec::new(),
            grant_types: Vec::new(),
            scope: None,
            policies: ClientPolicies::new(),
            environment: Environment::Unspecified,
            tenant: None,
            vetting: Vetting::Vetted,
            status: ClientStatus::Enabled,
            owner: None,
            metadata: ClientMetadata::new(),
            registration_token: None,
            created_at: Timestamp::from_unix_millis(0),
            updated_at: Timestamp::from_unix_millis(0),
            review_at: None,
            used_at: None,
            version: 0,
        }
    }

    /// Adds a redirect URI, and with the first one the grant types `authorization_code` and `refresh_token` unless
    /// grant types were chosen.
    #[must_use]
    pub fn with_redirect_uri(mut self, uri: RedirectUri) -> Self {
        if self.grant_types.is_empty() {
            self.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
        }
        self.redirect_uris.push(uri);
        self
    }

    /// Sets how the client may obtain tokens.
    #[must_use]
    pub fn with_grant_types(mut self, grant_types: impl IntoIterator<Item = GrantType>) -> Self {
        self.grant_types = grant_types.into_iter().collect();
        self.grant_types.sort_unstable();
        self.grant_types.dedup();
        self
    }

    /// Limits what the client may ask for; without a limit it may ask for every scope of the server.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Sets how the client authenticates.
    #[must_use]
    pub fn with_authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Says whether somebody vouches for the client.
    #[must_use]
    pub const fn with_vetting(mut self, vetting: Vetting) -> Self {
        self.vetting = vetting;
        self
    }

    /// Enables or disables the client.
    #[must_use]
    pub const fn with_status(mut self, status: ClientStatus) -> Self {
        self.status = status;
        self
    }

    /// Says which user of the host manages the client.
    #[must_use]
    pub fn with_owner(mut self, owner: Subject) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Sets what people and tools are told of the client.
    #[must_use]
    pub fn with_metadata(mut self, metadata: ClientMetadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Sets when the client was registered, and so last changed.
    #[must_use]
    pub const fn with_created_at(mut self, created_at: Timestamp) -> Self {
        self.created_at = created_at;
        self.updated_at = created_at;
        self
    }

    /// Sets when what people see of the client was last changed: consent from before is not remembered.
    #[must_use]
    pub const fn with_updated_at(mut self, updated_at: Timestamp) -> Self {
        self.updated_at = updated_at;
        self
    }

    /// Sets the version that a [`ClientRegistry`](crate::store::ClientRegistry) compares; stores call it.
    #[must_use]
    pub const fn with_version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    pub(crate) const fn with_registration_token(mut self, hash: SecretHash) -> Self {
        self.registration_token = Some(hash);
        self
    }

    /// Takes over from `previous` all that its registration does not decide: who vouches for it, who owns it, its policies.
    pub(crate) fn managed_like(mut self, previous: &Self, updated_at: Timestamp) -> Self {
        self.policies.clone_from(&previous.policies);
        self.environment = previous.environment;
        self.tenant.clone_from(&previous.tenant);
        self.vetting = previous.vetting;
        self.status = previous.status;
        self.owner.clone_from(&previous.owner);
        self.registration_token = previous.registration_token;
        self.created_at = previous.created_at;
        self.updated_at = updated_at;
        self.review_at = previous.review_at;
        self.used_at = previous.used_at;
        self.version = previous.version;
        self
    }

    /// Takes over from `previous` all that the document of the client does not decide.
    #[cfg(feature = "cimd")]
    pub(crate) fn described_like(self, previous: &Self, updated_at: Timestamp) -> Self {
        let policies = self.policies.clone();
        self.managed_like(previous, updated_at).with_policies(policies)
    }

    /// Whether only the document at its identifier can say what the client is: that is a URL, and nobody vouches for it.
    pub(crate) fn is_described_by_document(&self) -> bool {
        self.vetting == Vetting::SelfRegistered && self.id.is_url()
    }

    /// What a person consents to of a client that describes itself: where answers go, and what a page may show of it.
    pub(crate) fn consented(&self) -> (&[RedirectUri], [Option<&str>; 5]) {
        let metadata = &self.metadata;
        let shown =
            [metadata.name(), metadata.client_uri(), metadata.logo_uri(), metadata.tos_uri(), metadata.policy_uri()];
        (&self.redirect_uris, shown)
    }

    /// Keeps the secrets of `previous`, if it knows this one: since when, how they were used, and which replaced which.
    pub(crate) fn with_secrets_of(mut self, previous: &Self) -> Self {
        if let (ClientAuthentication::Secret(new), ClientAuthentication::Secret(known)) =
            (&mut self.authentication, &previous.authentication)
            && known.know_secret_of(new)
        {
            *new = known.clone().with_method(new.method());
        }
        self
    }

    pub(crate) fn with_redirect_uris(mut self, uris: Vec<RedirectUri>) -> Self {
        self.redirect_uris = uris;
        self
    }

    /// The identifier.
    #[must_use]
    pub const fn id(&self) -> &ClientId {
        &self.id
    }

    /// How the client authenticates.
    #[must_use]
    pub const fn authentication(&self) -> &ClientAuthentication {
        &self.authentication
    }

    /// The registered redirect URIs.
    #[must_use]
    pub fn redirect_uris(&self) -> &[RedirectUri] {
        &self.redirect_uris
    }

    /// How the client may obtain tokens.
    #[must_use]
    pub fn grant_types(&self) -> &[GrantType] {
        &self.grant_types
    }

    /// Whether the client may use `grant_type`.
    #[must_use]
    pub fn allows(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// What the client may ask for; `None` is every scope of the server.
    #[must_use]
    pub const fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// Whether somebody vouches for the client.
    #[must_use]
    pub const fn vetting(&self) -> Vetting {
        self.vetting
    }

    /// Whether the client may be used.
    #[must_use]
    pub const fn status(&self) -> ClientStatus {
        self.status
    }

    /// The user of the host who manages the client.
    #[must_use]
    pub const fn owner(&self) -> Option<&Subject> {
        self.owner.as_ref()
    }

    /// What people and tools are told of the client.
    #[must_use]
    pub const fn metadata(&self) -> &ClientMetadata {
        &self.metadata
    }

    /// The name to show to people: `client_name`, else the identifier.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.metadata.name().unwrap_or(self.id.as_str())
    }

    /// When the client was registered.
    #[must_use]
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When what people see of the client was last changed.
    #[must_use]
    pub const fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// How often the record was changed.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    pub(crate) const fn registration_token(&self) -> Option<&SecretHash> {
        self.registration_token.as_ref()
    }

    /// Whether the client cannot keep a secret.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self.authentication, ClientAuthentication::None)
    }
}
