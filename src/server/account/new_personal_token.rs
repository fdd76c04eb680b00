//! What a user asks for on the page of personal access tokens.

use std::time::Duration;

use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::grant::Grant;
use crate::identifier::{Extra, Name, Subject, Tenant};
use crate::resource::ResourceIndicator;
use crate::scope::Scope;

/// A personal access token that a signed-in user asks for on a page of the host.
///
/// It works until it is revoked, unless [`with_lifetime`](Self::with_lifetime) or [`with_expiry`](Self::with_expiry) says when
/// it ends.
#[derive(Clone, Debug)]
pub struct NewPersonalToken {
    pub(super) subject: Subject,
    pub(super) name: Name,
    pub(super) scope: Scope,
    pub(super) client: Option<ClientId>,
    pub(super) tenant: Option<Tenant>,
    pub(super) resources: Vec<ResourceIndicator>,
    pub(super) expiry: Expiry,
    pub(super) extra: Extra,
    pub(super) authenticated_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Expiry {
    Never,
    After(Duration),
    At(Timestamp),
}

impl NewPersonalToken {
    /// A token of `subject`, who calls it `name`, for this scope, which the server must have declared.
    #[must_use]
    pub const fn new(subject: Subject, name: Name, scope: Scope) -> Self {
        Self {
            subject,
            name,
            scope,
            client: None,
            tenant: None,
            resources: Vec::new(),
            expiry: Expiry::Never,
            extra: Extra::EMPTY,
            authenticated_at: None,
        }
    }

    /// Issues the token to a client, for its developer to put into the app: it is the client's as if that had obtained it, and
    /// dies with it. That `subject` may do so for this client is for the host to know.
    #[must_use]
    pub fn for_client(mut self, client: ClientId) -> Self {
        self.client = Some(client);
        self
    }

    /// Confines the token to a tenant; without one it reaches all that its user may reach, or what its client is confined to.
    #[must_use]
    pub fn with_tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Adds an API that the token is for; without any it is for the server's
    /// [default ones](crate::AuthorizationServerBuilder::default_resources).
    #[must_use]
    pub fn with_resource(mut self, resource: ResourceIndicator) -> Self {
        self.resources.push(resource);
        self
    }

    /// Sets for how long the token works, at least a second; `None` is until it is revoked.
    #[must_use]
    pub const fn with_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.expiry = match lifetime {
            Some(lifetime) => Expiry::After(lifetime),
            None => Expiry::Never,
        };
        self
    }

    /// Sets when the token stops working; it must work for a second at least.
    #[must_use]
    pub const fn with_expiry(mut self, at: Timestamp) -> Self {
        self.expiry = Expiry::At(at);
        self
    }

    /// Keeps something of the host's own with the token.
    #[must_use]
    pub fn with_extra(mut self, extra: Extra) -> Self {
        self.extra = extra;
        self
    }

    /// Says when the user last proved who they are, by a password or the like, for a server that wants to know
    /// ([`reauthentication`](crate::AuthorizationServerBuilder::reauthentication), [`CredentialPolicy`](super::CredentialPolicy)).
    #[must_use]
    pub const fn with_authenticated_at(mut self, at: Timestamp) -> Self {
        self.authenticated_at = Some(at);
        self
    }

    /// Whose token it will be.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What its user calls it.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// What it will allow.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The client that it is for; `None` if the user uses it.
    #[must_use]
    pub const fn client(&self) -> Option<&ClientId> {
        self.client.as_ref()
    }

    /// What it will be confined to.
    #[must_use]
    pub const fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// When the user last proved who they are.
    #[must_use]
    pub const fn authenticated_at(&self) -> Option<Timestamp> {
        self.authenticated_at
    }

    /// The same as `grant` and its token have it.
    pub(super) fn like(grant: &Grant, name: Name, subject: Subject, expires_at: Option<Timestamp>) -> Self {
        Self {
            subject,
            name,
            scope: grant.scope.clone(),
            client: grant.client.clone(),
            tenant: grant.tenant.clone(),
            resources: grant.resource.iter().cloned().collect(),
            expiry: expires_at.map_or(Expiry::Never, Expiry::At),
            extra: grant.extra.clone(),
            authenticated_at: None,
        }
    }
}
