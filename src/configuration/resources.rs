//! The protected resources that tokens are for (RFC 8707, RFC 9728).

use std::borrow::Cow;

use url::{Host, Url};

use super::ConfigurationError;
use crate::error::ErrorReason;
use crate::resource::{MAX_COUNT, ResourceIndicator, Resources};
use crate::scope::Scope;

/// What is put between host and path of a resource, and where the metadata of a whole host is.
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// An API that accepts the server's tokens.
#[derive(Clone, Debug)]
pub struct ProtectedResource {
    pub(crate) indicator: ResourceIndicator,
    pub(crate) name: Option<String>,
    pub(crate) scope: Option<Scope>,
}

impl ProtectedResource {
    /// The API at `indicator`, which understands every scope of the server.
    #[must_use]
    pub const fn new(indicator: ResourceIndicator) -> Self {
        Self { indicator, name: None, scope: None }
    }

    /// Sets the name to show to people (`resource_name`).
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets which scopes the API understands (`scopes_supported`). Of what is granted, a token for it carries these
    /// alone (RFC 8707 §2.1); a token for several APIs, what any of them understands.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// The path of its metadata on its origin: the well-known part, then the resource's own path (RFC 9728 §3.1).
    pub(crate) fn metadata_path(&self) -> String {
        let url = Url::parse(self.indicator.as_str()).ok();
        // Only the slash behind the host goes; a later one makes another resource.
        let path = url.as_ref().map_or("", |url| url.path());
        format!("{WELL_KNOWN}{}", if path == "/" { "" } else { path })
    }

    /// Where its metadata is; the query of the resource comes along (RFC 9728 §3.1).
    pub(crate) fn metadata_url(&self) -> String {
        let (origin, path) = (self.origin(), self.metadata_path());
        match self.indicator.as_str().split_once('?') {
            Some((_, query)) => format!("{origin}{path}?{query}"),
            None => format!("{origin}{path}"),
        }
    }

    pub(crate) fn origin(&self) -> String {
        Url::parse(self.indicator.as_str()).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    pub(crate) fn check(&self) -> Result<(), ConfigurationError> {
        let refused = || ConfigurationError::Resource(self.indicator.to_string());
        let url = Url::parse(self.indicator.as_str()).map_err(|_| refused())?;
        let loopback = match url.host().ok_or_else(refused)? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        if url.scheme() == "https" || (url.scheme() == "http" && loopback) { Ok(()) } else { Err(refused()) }
    }
}

/// The resources of the server.
#[derive(Debug, Default)]
pub(crate) struct ResourceCatalog {
    all: Vec<ProtectedResource>,
    default: Resources,
}

impl ResourceCatalog {
    /// The default is the first unless others are named.
    pub(crate) fn new(all: Vec<ProtectedResource>, default: &[ResourceIndicator]) -> Result<Self, ConfigurationError> {
        let first = Self { default: all.iter().take(1).map(|resource| resource.indicator.clone()).collect(), all };
        let named = default.iter().map(|resource| {
            let known = first.find(resource).map(|known| known.indicator.clone());
            known.ok_or_else(|| ConfigurationError::UndeclaredResource(resource.to_string()))
        });
        let named = distinct(named)?;
        Ok(if named.is_empty() { first } else { Self { default: named, ..first } })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ProtectedResource> {
        self.all.iter()
    }

    /// Which resources a request is for; none named is the default (RFC 8707 §2.1).
    pub(crate) fn resolve(&self, requested: &[Cow<'_, str>]) -> Result<Resources, ErrorReason> {
        if requested.is_empty() {
            return Ok(self.default.clone());
        }
        let requested = parse(requested)?;
        distinct(requested.iter().map(|resource| {
            self.find(resource).map(|known| known.indicator.clone()).ok_or(ErrorReason::ResourceUnknown)
        }))
    }

    /// Whether any API understands a scope token; without a declared one, whoever takes the tokens does.
    pub(crate) fn any_understands(&self, token: &str) -> bool {
        let understands = |resource: &ProtectedResource| resource.scope.as_ref().is_none_or(|own| own.contains(token));
        self.all.is_empty() || self.all.iter().any(understands)
    }

    /// What of `scope` these resources understand, each of them or another (RFC 8707 §2.1): all of it, unless each says
    /// what it understands.
    pub(crate) fn understood(&self, resources: &Resources, scope: Scope) -> Scope {
        let limit = |resource| self.find(resource).and_then(|known| known.scope.as_ref());
        if resources.is_empty() || resources.iter().any(|resource| limit(resource).is_none()) {
            return scope;
        }
        let understands = |token: &&str| resources.iter().filter_map(limit).any(|limit| limit.contains(token));
        if scope.tokens().all(|token| understands(&token)) {
            return scope;
        }
        Scope::of(scope.tokens().filter(understands))
    }

    /// The same of what is asked for; there has to be something.
    pub(crate) fn restrict(&self, resources: &Resources, scope: Scope) -> Result<Scope, ErrorReason> {
        let nothing_asked = scope.is_empty();
        let understood = self.understood(resources, scope);
        if understood.is_empty() && !nothing_asked { Err(ErrorReason::ScopeNotAllowed) } else { Ok(understood) }
    }

    fn find(&self, resource: &ResourceIndicator) -> Option<&ProtectedResource> {
        self.all.iter().find(|known| known.indicator == *resource)
    }
}

/// Which of the granted resources a token request selects; none named is all of them (RFC 8707 §2.2).
pub(crate) fn narrow(granted: &Resources, requested: &[Cow<'_, str>]) -> Result<Resources, ErrorReason> {
    if requested.is_empty() {
        return Ok(granted.clone());
    }
    let requested = parse(requested)?;
    distinct(requested.iter().map(|resource| granted.find(resource).cloned().ok_or(ErrorReason::ResourceExceedsGrant)))
}

fn parse(requested: &[Cow<'_, str>]) -> Result<Vec<ResourceIndicator>, ErrorReason> {
    if requested.len() > MAX_COUNT {
        return Err(ErrorReason::ResourceMalformed);
    }
    requested.iter().map(|text| ResourceIndicator::parse(text).map_err(|_| ErrorReason::ResourceMalformed)).collect()
}

fn distinct<E>(resources: impl Iterator<Item = Result<ResourceIndicator, E>>) -> Result<Resources, E> {
    let mut list: Vec<ResourceIndicator> = Vec::new();
    for resource in resources {
        let resource = resource?;
        if !list.contains(&resource) {
            list.push(resource);
        }
    }
    Ok(list.into())
}
