//! The scopes of the server, and what they mean to people.

use super::ConfigurationError;
use crate::client::Client;
use crate::error::ErrorReason;
use crate::scope::Scope;

/// Asks for a refresh token; it is understood everywhere and grants nothing by itself (OpenID Connect Core §11).
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

/// The scope tokens that exist, with their descriptions, and the scope of a request that names none.
#[derive(Debug)]
pub(crate) struct ScopeCatalog {
    descriptions: Vec<(String, String)>,
    all: Scope,
    default: Option<Scope>,
}

impl ScopeCatalog {
    pub(crate) fn new(descriptions: Vec<(String, String)>, default: Option<Scope>) -> Result<Self, ConfigurationError> {
        for (at, (token, _)) in descriptions.iter().enumerate() {
            let one = Scope::parse(token).is_ok_and(|scope| scope.as_str() == token && scope.tokens().count() == 1);
            let twice = descriptions.iter().skip(at + 1).any(|(other, _)| other == token);
            if !one || twice {
                return Err(ConfigurationError::ScopeToken(token.clone()));
            }
        }
        let names: Vec<&str> = descriptions.iter().map(|(token, _)| token.as_str()).collect();
        let all = Scope::parse(&names.join(" ")).map_err(|_| ConfigurationError::ScopeToken(names.join(" ")))?;
        let catalog = Self { descriptions, all, default };
        if let Some(default) = &catalog.default {
            catalog.check(default)?;
        }
        Ok(catalog)
    }

    pub(crate) fn check(&self, scope: &Scope) -> Result<(), ConfigurationError> {
        if self.all.contains_all(scope) { Ok(()) } else { Err(ConfigurationError::UndeclaredScope(scope.to_string())) }
    }

    pub(crate) const fn all(&self) -> &Scope {
        &self.all
    }

    pub(crate) fn description(&self, token: &str) -> Option<&str> {
        self.descriptions.iter().find(|(own, _)| own == token).map(|(_, description)| description.as_str())
    }

    /// What `client` gets for the scope that it asks for (RFC 6749 §3.3): all of it, or an error.
    pub(crate) fn resolve(&self, requested: Option<&str>, client: &Client) -> Result<Scope, ErrorReason> {
        let limit = client.scope().unwrap_or(&self.all);
        let asked = match requested {
            Some(text) => {
                without_offline_access(Scope::parse(text).map_err(|_| ErrorReason::ScopeMalformed)?, &self.all)
            }
            None => Scope::empty(),
        };
        if asked.is_empty() {
            let default = self.default.as_ref().ok_or(ErrorReason::ScopeMissing)?.intersection(limit);
            return if default.is_empty() { Err(ErrorReason::ScopeMissing) } else { Ok(default) };
        }
        if limit.contains_all(&asked) && self.all.contains_all(&asked) {
            Ok(asked)
        } else {
            Err(ErrorReason::ScopeNotAllowed)
        }
    }
}

/// Drops `offline_access` unless the service declares it as a scope of its own.
fn without_offline_access(scope: Scope, all: &Scope) -> Scope {
    if all.contains(OFFLINE_ACCESS) { scope } else { scope.without(OFFLINE_ACCESS) }
}

/// What a refresh yields of the granted scope (RFC 6749 §6): all of it, or less if less is asked for.
pub(crate) fn narrow(granted: &Scope, requested: Option<&str>) -> Result<Scope, ErrorReason> {
    let Some(text) = requested else { return Ok(granted.clone()) };
    let asked = without_offline_access(Scope::parse(text).map_err(|_| ErrorReason::ScopeMalformed)?, granted);
    if asked.is_empty() {
        return Ok(granted.clone());
    }
    if granted.contains_all(&asked) { Ok(asked) } else { Err(ErrorReason::ScopeExceedsGrant) }
}
