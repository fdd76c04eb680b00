//! Grants that users gave before this server was there.

use std::sync::Arc;

use super::{AccessTokenRecord, Grant, IssuedTokens, RefreshTokenRecord, RefreshTokenState};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::identifier::{Extra, Name, Subject, Tenant};
use crate::resource::{ResourceIndicator, Resources};
use crate::scope::Scope;
use crate::secret::{ImportedToken, Kind, TokenHash, TokenKey, random};

/// What a user allowed a client before this server was there, with the tokens that stand for it: one row, or one pair
/// of rows, of the old table.
///
/// An access token and a refresh token of one authorization become a grant each, since nothing in their texts says that
/// they belong together. Both are of the same client and the same user, so that
/// [`withdraw`](crate::AuthorizationServer::withdraw) and the revocation of a user or a client end both, and a page that
/// groups grants by client shows one. A client that revokes one of the two ends that one.
///
/// ```
/// use grantor::clock::Timestamp;
/// use grantor::grant::ImportedGrant;
/// use grantor::secret::ImportedToken;
///
/// let expires_at = Timestamp::from_unix_millis(1_900_000_000_000);
/// let row = ImportedGrant::new("board".parse()?, "user-1842".parse()?, "links:read".parse()?)
///     .with_access_token(ImportedToken::plain("2YotnFZFEjr1zCsicMWpAA")?, Some(expires_at))
///     .with_refresh_token(ImportedToken::plain("tGzv3JOkF0XG5Qx2TlKWIA")?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImportedGrant {
    client: Option<ClientId>,
    subject: Option<Subject>,
    name: Option<Name>,
    scope: Scope,
    resources: Vec<ResourceIndicator>,
    tenant: Option<Tenant>,
    extra: Extra,
    created_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    access_token: Option<Expiring>,
    refresh_token: Option<Expiring>,
}

/// A token, and when its life is over.
#[derive(Clone, Copy, Debug)]
struct Expiring {
    token: ImportedToken,
    expires_at: Option<Timestamp>,
}

impl Expiring {
    fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

impl ImportedGrant {
    const fn of(client: Option<ClientId>, subject: Option<Subject>, name: Option<Name>, scope: Scope) -> Self {
        Self {
            client,
            subject,
            name,
            scope,
            resources: Vec::new(),
            tenant: None,
            extra: Extra::EMPTY,
            created_at: None,
            last_used_at: None,
            access_token: None,
            refresh_token: None,
        }
    }

    /// What `subject` allowed `client`.
    #[must_use]
    pub const fn new(client: ClientId, subject: Subject, scope: Scope) -> Self {
        Self::of(Some(client), Some(subject), None, scope)
    }

    /// What `client` may do on its own behalf (`client_credentials`).
    #[must_use]
    pub const fn client_credentials(client: ClientId, scope: Scope) -> Self {
        Self::of(Some(client), None, None, scope)
    }

    /// A personal access token of `subject`, called `name`.
    #[must_use]
    pub const fn personal(subject: Subject, name: Name, scope: Scope) -> Self {
        Self::of(None, Some(subject), Some(name), scope)
    }

    /// Adds an access token; `None` lives until it is revoked.
    #[must_use]
    pub const fn with_access_token(mut self, token: ImportedToken, expires_at: Option<Timestamp>) -> Self {
        self.access_token = Some(Expiring { token, expires_at });
        self
    }

    /// Adds a refresh token; `None` can be used until it is revoked. Its first use replaces it by one of the crate's
    /// own form, which lives as long as the server's or the client's [`Lifetimes`](crate::policy::Lifetimes) say.
    #[must_use]
    pub const fn with_refresh_token(mut self, token: ImportedToken, expires_at: Option<Timestamp>) -> Self {
        self.refresh_token = Some(Expiring { token, expires_at });
        self
    }

    /// Adds a resource that the tokens are for; without any they are for the server's default resources.
    #[must_use]
    pub fn with_resource(mut self, resource: ResourceIndicator) -> Self {
        self.resources.push(resource);
        self
    }

    /// Confines the grant to a tenant; without one it is confined to the client's, if that has one.
    #[must_use]
    pub fn with_tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Sets what the host keeps with the grant.
    #[must_use]
    pub fn with_extra(mut self, extra: Extra) -> Self {
        self.extra = extra;
        self
    }

    /// Sets when it was granted; by default that is when it is imported.
    ///
    /// The absolute lifetime of refresh tokens counts from here.
    #[must_use]
    pub const fn with_created_at(mut self, at: Timestamp) -> Self {
        self.created_at = Some(at);
        self
    }

    /// Sets when it was last used.
    #[must_use]
    pub const fn with_last_used_at(mut self, at: Timestamp) -> Self {
        self.last_used_at = Some(at);
        self
    }

    pub(crate) const fn client(&self) -> Option<&ClientId> {
        self.client.as_ref()
    }

    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(crate) fn resources(&self) -> &[ResourceIndicator] {
        &self.resources
    }

    pub(crate) const fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    pub(crate) const fn last_used_at(&self) -> Option<Timestamp> {
        self.last_used_at
    }

    pub(crate) const fn has_tokens(&self) -> bool {
        self.access_token.is_some() || self.refresh_token.is_some()
    }

    pub(crate) const fn has_refresh_token(&self) -> bool {
        self.refresh_token.is_some()
    }

    /// What is to be stored of it at `now`, a grant for each token that still lives; `scope`, `resource` and `tenant` are
    /// what it says or what stands for that.
    pub(crate) fn records(
        &self,
        scope: &Scope,
        resource: &Resources,
        tenant: Option<&Tenant>,
        now: Timestamp,
    ) -> Vec<IssuedTokens> {
        let grant = |key: TokenKey| {
            Arc::new(Grant {
                id: key.grant,
                client: self.client.clone(),
                subject: self.subject.clone(),
                scope: scope.clone(),
                resource: resource.clone(),
                tenant: tenant.cloned(),
                name: self.name.clone(),
                extra: self.extra.clone(),
                created_at: self.created_at.unwrap_or(now),
            })
        };
        let access = self.access_token.filter(|token| token.is_live(now)).map(|Expiring { token, expires_at }| {
            let key = token.key(Kind::AccessToken);
            let grant = grant(key);
            IssuedTokens { access: access_token(key, &grant, expires_at), grant, refresh: None }
        });
        let refresh = self.refresh_token.filter(|token| token.is_live(now)).map(|Expiring { token, expires_at }| {
            let key = token.key(Kind::RefreshToken);
            let grant = grant(key);
            // Stores take no refresh token without an access token. This one is nobody's, and dead already.
            let nobodys = TokenKey { grant: grant.id, hash: TokenHash::from_bytes(random()) };
            let state = RefreshTokenState::Active;
            let refresh = RefreshTokenRecord { key, issued_at: grant.created_at, expires_at, state };
            IssuedTokens { access: access_token(nobodys, &grant, Some(now)), grant, refresh: Some(refresh) }
        });
        access.into_iter().chain(refresh).collect()
    }
}

fn access_token(key: TokenKey, grant: &Grant, expires_at: Option<Timestamp>) -> AccessTokenRecord {
    AccessTokenRecord {
        key,
        scope: grant.scope.clone(),
        resource: grant.resource.clone(),
        issued_at: grant.created_at,
        expires_at,
    }
}
