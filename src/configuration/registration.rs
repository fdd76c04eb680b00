//! Who may register clients, and what they may register (RFC 7591).

use std::num::NonZeroU32;

use crate::client::GrantType;
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
}

/// What a self-registered client may be.
///
/// # Defaults
///
/// The grants `authorization_code` and `refresh_token`, public and confidential clients, every scope of the server, at most
/// 10,000 clients, and identifiers that begin with `client_`.
#[derive(Clone, Debug)]
pub struct RegistrationRules {
    pub(crate) grant_types: Vec<GrantType>,
    pub(crate) scope: Option<Scope>,
    pub(crate) max_clients: NonZeroU32,
    pub(crate) client_id_prefix: String,
}

impl RegistrationRules {
    /// The default rules.
    #[must_use]
    pub fn new() -> Self {
        Self {
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            scope: None,
            max_clients: NonZeroU32::new(10_000).unwrap_or(NonZeroU32::MIN),
            client_id_prefix: "client_".to_owned(),
        }
    }

    /// Sets which grants a client may register for. `client_credentials` lets anybody who can register call the API without
    /// a user: allow it only if that is meant. A public client never gets it.
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

    /// Sets how many clients there may be in all before registration is refused.
    #[must_use]
    pub const fn with_max_clients(mut self, max_clients: NonZeroU32) -> Self {
        self.max_clients = max_clients;
        self
    }

    /// Sets what generated identifiers begin with; characters other than ASCII letters, digits, `-` and `_` are dropped.
    #[must_use]
    pub fn with_client_id_prefix(mut self, prefix: &str) -> Self {
        self.client_id_prefix = client_id_prefix(prefix);
        self
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
