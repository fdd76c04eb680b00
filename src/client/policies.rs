//! What a client has of its own: policies, an environment, a tenant.

use super::{Client, Environment};
use crate::identifier::Tenant;
use crate::policy::{ClientPolicies, Lifetimes, PkceRequirement, RefreshPolicy};

impl Client {
    /// Replaces the server's policies for this client.
    #[must_use]
    pub fn with_policies(mut self, policies: ClientPolicies) -> Self {
        self.policies = policies;
        self
    }

    /// Replaces the server's refresh policy for this client.
    #[must_use]
    pub fn with_refresh_policy(self, policy: RefreshPolicy) -> Self {
        let policies = self.policies.clone().with_refresh_policy(policy);
        self.with_policies(policies)
    }

    /// Replaces the server's lifetimes for this client.
    #[must_use]
    pub fn with_lifetimes(self, lifetimes: Lifetimes) -> Self {
        let policies = self.policies.clone().with_lifetimes(lifetimes);
        self.with_policies(policies)
    }

    /// Replaces the server's demand for PKCE for this client.
    #[must_use]
    pub fn with_pkce(self, pkce: PkceRequirement) -> Self {
        let policies = self.policies.clone().with_pkce(pkce);
        self.with_policies(policies)
    }

    /// Says what the client is for.
    #[must_use]
    pub const fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Confines the client, and whatever is granted to it from now on, to a tenant. What it was granted before stays as it
    /// was; end that with [`AuthorizationServer::revoke_client`](crate::AuthorizationServer::revoke_client).
    #[must_use]
    pub fn with_tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// What the client has of its own, instead of what the server has for every client.
    #[must_use]
    pub const fn policies(&self) -> &ClientPolicies {
        &self.policies
    }

    /// What the client is for.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// What the client is confined to; `None` is whatever its users choose.
    #[must_use]
    pub const fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }
}
