//! The scopes of the server, and what they mean to people.

use std::borrow::Cow;

use super::ConfigurationError;
use super::scope_declarations::DeclaredScope;
use crate::client::Client;
use crate::error::ErrorReason;
use crate::language::Preferences;
use crate::policy::UnknownScope;
use crate::scope::Scope;

/// Asks for a refresh token; it is understood everywhere and grants nothing by itself (OpenID Connect Core §11).
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

/// The scope tokens that exist, with their descriptions, and the scope of a request that names none.
#[derive(Debug)]
pub(crate) struct ScopeCatalog {
    pub(super) declared: Vec<DeclaredScope>,
    pub(super) all: Scope,
    pub(super) default: Option<Scope>,
    pub(super) unknown: UnknownScope,
    pub(super) wildcard: Option<String>,
}

impl ScopeCatalog {
    pub(crate) fn check(&self, scope: &Scope) -> Result<(), ConfigurationError> {
        if self.all.contains_all(scope) { Ok(()) } else { Err(ConfigurationError::UndeclaredScope(scope.to_string())) }
    }

    /// Checks what may also name the wildcard: what a client may have, or gets by default.
    pub(crate) fn check_limit(&self, scope: &Scope) -> Result<(), ConfigurationError> {
        self.check(&self.without_wildcard(scope))
    }

    pub(crate) const fn all(&self) -> &Scope {
        &self.all
    }

    /// What stands for all that a client may have.
    pub(crate) fn wildcard(&self) -> Option<&str> {
        self.wildcard.as_deref()
    }

    pub(crate) fn description(&self, token: &str) -> Option<&str> {
        self.find(token).map(|scope| scope.description.as_str())
    }

    /// The description in the best of the reader's languages, else in the server's.
    pub(crate) fn description_for(&self, token: &str, preferences: &Preferences<'_>) -> Option<&str> {
        let scope = self.find(token)?;
        let at = preferences.look_up(&scope.languages, |(tag, _)| tag);
        let words = at.and_then(|at| scope.languages.get(at));
        Some(words.map_or(scope.description.as_str(), |(_, words)| words.as_str()))
    }

    /// All that `client` may have: declared tokens, with what they imply.
    pub(crate) fn limit<'a>(&'a self, client: &'a Client) -> Cow<'a, Scope> {
        self.limit_of(client.scope())
    }

    /// All that may be had under a limit; without one, everything.
    pub(crate) fn limit_of<'a>(&'a self, limit: Option<&'a Scope>) -> Cow<'a, Scope> {
        match limit {
            Some(scope) if !self.names_wildcard(scope) => self.expand(scope),
            _ => Cow::Borrowed(&self.all),
        }
    }

    /// What comes with `token`, also by way of others.
    pub(crate) fn implied(&self, token: &str) -> impl Iterator<Item = &str> {
        self.find(token).into_iter().flat_map(|declared| &declared.implied).map(String::as_str)
    }

    /// The scope, with all that its tokens imply.
    pub(crate) fn with_implied(&self, scope: Scope) -> Scope {
        if scope.tokens().all(|token| self.implied(token).next().is_none()) {
            return scope;
        }
        Scope::of(scope.tokens().flat_map(|token| std::iter::once(token).chain(self.implied(token))))
    }

    /// What `client` gets for the scope that it asks for (RFC 6749 §3.3): what it may have of it if it may ask for more,
    /// else all of it or an error.
    pub(crate) fn resolve(&self, requested: Option<&str>, client: &Client) -> Result<Scope, ErrorReason> {
        let limit = self.limit(client);
        let asked = match requested {
            Some(text) => {
                without_offline_access(Scope::parse(text).map_err(|_| ErrorReason::ScopeMalformed)?, &self.all)
            }
            None => Scope::empty(),
        };
        if asked.is_empty() {
            let default = client.policies().default_scope().or(self.default.as_ref());
            let default = default.ok_or(ErrorReason::ScopeMissing)?;
            let granted = if self.names_wildcard(default) { limit.into_owned() } else { default.intersection(&limit) };
            return if granted.is_empty() { Err(ErrorReason::ScopeMissing) } else { Ok(self.with_implied(granted)) };
        }

        let named = self.without_wildcard(&asked);
        let known = limit.contains_all(&named);
        let unknown = client.policies().unknown_scope().copied().unwrap_or(self.unknown);
        if !known && unknown == UnknownScope::Refuse {
            return Err(ErrorReason::ScopeNotAllowed);
        }
        let granted = if self.names_wildcard(&asked) {
            limit.into_owned()
        } else if known {
            named
        } else {
            named.intersection(&limit)
        };
        if granted.is_empty() { Err(ErrorReason::ScopeNotAllowed) } else { Ok(self.with_implied(granted)) }
    }

    /// What a refresh yields of the granted scope (RFC 6749 §6): all of it, or less if less is asked for. A token brings
    /// what it implies, as far as that was granted.
    pub(crate) fn narrow(&self, granted: &Scope, requested: Option<&str>) -> Result<Scope, ErrorReason> {
        let Some(text) = requested else { return Ok(granted.clone()) };
        let asked = without_offline_access(Scope::parse(text).map_err(|_| ErrorReason::ScopeMalformed)?, granted);
        if asked.is_empty() {
            return Ok(granted.clone());
        }
        let named = self.without_wildcard(&asked);
        if !granted.contains_all(&named) {
            return Err(ErrorReason::ScopeExceedsGrant);
        }
        if self.names_wildcard(&asked) {
            return Ok(granted.clone());
        }
        Ok(self.with_implied(named).intersection(granted))
    }

    fn find(&self, token: &str) -> Option<&DeclaredScope> {
        self.declared.iter().find(|declared| declared.token == token)
    }

    /// The declared tokens of what a client was registered for, with what they imply.
    fn expand<'a>(&self, scope: &'a Scope) -> Cow<'a, Scope> {
        let nothing_to_do = self.all.contains_all(scope) && self.declared.iter().all(|own| own.implied.is_empty());
        if nothing_to_do {
            return Cow::Borrowed(scope);
        }
        Cow::Owned(self.with_implied(scope.intersection(&self.all)))
    }

    pub(crate) fn names_wildcard(&self, scope: &Scope) -> bool {
        self.wildcard().is_some_and(|wildcard| scope.contains(wildcard))
    }

    fn without_wildcard(&self, scope: &Scope) -> Scope {
        self.wildcard().map_or_else(|| scope.clone(), |wildcard| scope.without(wildcard))
    }
}

/// Drops `offline_access` unless the service declares it as a scope of its own.
fn without_offline_access(scope: Scope, all: &Scope) -> Scope {
    if all.contains(OFFLINE_ACCESS) { scope } else { scope.without(OFFLINE_ACCESS) }
}
