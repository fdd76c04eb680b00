//! Who may register clients, and what they may register (RFC 7591).

use std::num::NonZeroU32;

use super::{ConfigurationError, ScopeCatalog, UnusedClients};
use crate::client::GrantType;
use crate::policy::ClientPolicies;
use crate::redirect_uri::RedirectDestinations;
use crate::scope::Scope;
use crate::secret::SecretHash;

/// Whether clients may register themselves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Registration {
    /// They may not; the endpoint does not exist.
    Closed,
    /// Anybody may.
    Open(RegistrationRules),
    /// Whoever has one of these initial access tokens may (RFC 7591 §3).
    Guarded {
        /// The hashes of the initial access tokens.
        initial_tokens: Vec<SecretHash>,
        /// What may be registered.
        rules: RegistrationRules,
    },
}

impl Registration {
    pub(crate) const fn rules(&self) -> Option<&RegistrationRules> {
        match self {
            Self::Closed => None,
            Self::Open(rules) | Self::Guarded { rules, .. } => Some(rules),
        }
    }

    /// Whether clients manage their registrations themselves.
    pub(crate) fn is_managed(&self) -> bool {
        self.rules().is_some_and(|rules| rules.management == RegistrationManagement::Enabled)
    }
}

/// How a client that registers itself authenticates at the token endpoint.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum RegistrationAuthentication {
    /// As it asks: by a secret, or not at all (`none`).
    #[default]
    AsAsked,
    /// Not at all: every such client is public, and no secret is ever made. Who asks for a secret is corrected, and the answer
    /// says `none` (RFC 7591 §3.2.1).
    PublicOnly,
}

/// What becomes of the scope that a client names when it registers itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum RegistrationScope {
    /// It limits the client, as far as the rules allow it at all.
    #[default]
    AsAsked,
    /// It is replaced by all that the rules allow, and the answer says so (RFC 7591 §3.2.1).
    ///
    /// Agents want this: they register with the scope that the first refusal of an API names, and ask for more by the same
    /// identifier when a later one does (Model Context Protocol, step-up). What a client denies itself protects nobody, since
    /// it may register again.
    AsAllowed,
}

/// Whether a client may read, change and delete its registration (RFC 7592).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum RegistrationManagement {
    /// It may, with the registration access token that it gets.
    #[default]
    Enabled,
    /// It may not: there is no such token and no such place, also for clients that got one before.
    Disabled,
}

/// A member of the registration answer that may be left out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RegistrationMember {
    /// `client_id_issued_at`, which RFC 7591 §3.2.1 makes optional.
    ClientIdIssuedAt,
    /// `scope`. A client that asks for a scope and gets another one then does not learn it before it is used.
    Scope,
}

/// What a self-registered client may be.
///
/// # Defaults
///
/// The grants `authorization_code` and `refresh_token`, public and confidential clients, every scope of the server, of which a
/// client that asks for less gets that, every redirect URI that it accepts, at most 10,000 clients, unused ones forgotten as
/// [`UnusedClients`] says, identifiers that begin with `client_`, no policies of their own, management by the client, and
/// every member in the answer.
#[derive(Clone, Debug)]
pub struct RegistrationRules {
    pub(crate) grant_types: Vec<GrantType>,
    pub(crate) scope: Option<Scope>,
    pub(crate) requested_scope: RegistrationScope,
    pub(crate) redirect_destinations: RedirectDestinations,
    pub(crate) max_clients: NonZeroU32,
    pub(crate) unused_clients: UnusedClients,
    pub(crate) client_id_prefix: String,
    pub(crate) authentication: RegistrationAuthentication,
    pub(crate) management: RegistrationManagement,
    pub(crate) left_out: Vec<RegistrationMember>,
    pub(crate) policies: ClientPolicies,
}

impl RegistrationRules {
    /// The default rules.
    #[must_use]
    pub fn new() -> Self {
        Self {
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            scope: None,
            requested_scope: RegistrationScope::AsAsked,
            redirect_destinations: RedirectDestinations::new(),
            max_clients: NonZeroU32::new(10_000).unwrap_or(NonZeroU32::MIN),
            unused_clients: UnusedClients::default(),
            client_id_prefix: "client_".to_owned(),
            authentication: RegistrationAuthentication::AsAsked,
            management: RegistrationManagement::Enabled,
            left_out: Vec::new(),
            policies: ClientPolicies::new(),
        }
    }

    /// Sets which grants a client may register for. `client_credentials` lets anybody who can register call the API without
    /// a user: allow it only if that is meant. A public client never gets it. There has to be one that brings a first token, and
    /// that the server has ([`ConfigurationError::NoGrantType`](super::ConfigurationError::NoGrantType)).
    #[must_use]
    pub fn with_grant_types(mut self, grant_types: impl IntoIterator<Item = GrantType>) -> Self {
        self.grant_types = grant_types.into_iter().collect();
        self
    }

    /// Limits which scopes a client may register for.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Sets what becomes of the scope that a client names.
    #[must_use]
    pub const fn with_requested_scope(mut self, requested_scope: RegistrationScope) -> Self {
        self.requested_scope = requested_scope;
        self
    }

    /// Limits where a client may be answered that registers itself, of what the server accepts
    /// ([`redirect_uris`](crate::AuthorizationServerBuilder::redirect_uris)). It holds when a client registers and whenever it
    /// is used, so that a destination that turns out to be bad is closed at once.
    #[must_use]
    pub fn with_redirect_destinations(mut self, destinations: RedirectDestinations) -> Self {
        self.redirect_destinations = destinations;
        self
    }

    /// Sets how many clients there may be in all before registration is refused.
    #[must_use]
    pub const fn with_max_clients(mut self, max_clients: NonZeroU32) -> Self {
        self.max_clients = max_clients;
        self
    }

    /// Sets what becomes of clients that nobody uses.
    #[must_use]
    pub const fn with_unused_clients(mut self, unused: UnusedClients) -> Self {
        self.unused_clients = unused;
        self
    }

    /// Sets what generated identifiers begin with; characters other than ASCII letters, digits, `-` and `_` are dropped.
    #[must_use]
    pub fn with_client_id_prefix(mut self, prefix: &str) -> Self {
        self.client_id_prefix = client_id_prefix(prefix);
        self
    }

    /// Sets how a client authenticates.
    #[must_use]
    pub const fn with_authentication(mut self, authentication: RegistrationAuthentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Sets whether a client manages its registration itself.
    #[must_use]
    pub const fn with_management(mut self, management: RegistrationManagement) -> Self {
        self.management = management;
        self
    }

    /// Leaves members out of the registration answer, for services that document a shorter one.
    #[must_use]
    pub fn without_members(mut self, members: impl IntoIterator<Item = RegistrationMember>) -> Self {
        self.left_out.extend(members);
        self
    }

    /// Sets the policies of every client that registers itself from now on, instead of the server's. The client does not
    /// change them.
    #[must_use]
    pub fn with_policies(mut self, policies: ClientPolicies) -> Self {
        self.policies = policies;
        self
    }

    /// Checks what is declared here against the scopes and the grant types of the server.
    pub(crate) fn check(&self, scopes: &ScopeCatalog, grant_types: &[GrantType]) -> Result<(), ConfigurationError> {
        let obtains = |grant_type: &&GrantType| match grant_type {
            GrantType::AuthorizationCode => true,
            GrantType::RefreshToken => false,
            GrantType::ClientCredentials => self.authentication == RegistrationAuthentication::AsAsked,
        };
        if !grant_types.iter().filter(obtains).any(|grant_type| self.grant_types.contains(grant_type)) {
            return Err(ConfigurationError::NoGrantType);
        }
        for scope in [self.scope.as_ref(), self.policies.default_scope()].into_iter().flatten() {
            scopes.check_limit(scope)?;
        }
        let lifetimes = self.policies.lifetimes();
        if lifetimes.is_some_and(|lifetimes| !lifetimes.are_positive()) {
            return Err(ConfigurationError::ZeroLifetime);
        }
        Ok(())
    }

    pub(crate) fn leaves_out(&self, member: RegistrationMember) -> bool {
        self.left_out.contains(&member)
    }
}

/// What of `prefix` generated identifiers may begin with.
pub(crate) fn client_id_prefix(prefix: &str) -> String {
    prefix.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(64).collect()
}

impl Default for RegistrationRules {
    fn default() -> Self {
        Self::new()
    }
}
