//! What the operator decides about clients that nobody registered.

use std::sync::Arc;

use super::{ClientIdUrl, DocumentCaching, DocumentFetcher};
use crate::client::ClientId;
use crate::configuration::{RegistrationAuthentication, RegistrationRules, UnusedClients};
use crate::host_pattern::HostPattern;
use crate::policy::ClientPolicies;
use crate::redirect_uri::{Form, RedirectDestinations, RedirectUri};
use crate::scope::Scope;

/// Lets clients identify themselves by the URL of a document; for the builder's
/// [`client_id_metadata_documents`](crate::AuthorizationServerBuilder::client_id_metadata_documents).
///
/// # Defaults
///
/// | | |
/// |---|---|
/// | hosts of documents | every one |
/// | ports of documents | 443 |
/// | scope | every scope of the server |
/// | policies | those of the server |
/// | redirect URIs | those that the server's [`RedirectUriPolicy`](crate::redirect_uri::RedirectUriPolicy) accepts |
/// | clients that nobody uses any more | forgotten as [`UnusedClients`] says |
/// | caching | [`DocumentCaching::new`] |
///
/// At most 32 documents are fetched at once, 4 of them of one host, and 8 that requests from one network began; more are told
/// to come back (429). So the [`Peer`](crate::rate_limit::Peer) has to be the caller, and not a proxy.
#[derive(Clone, Debug)]
pub struct ClientIdMetadataDocuments {
    pub(crate) fetcher: Arc<dyn DocumentFetcher>,
    pub(crate) rules: RegistrationRules,
    pub(crate) caching: DocumentCaching,
    redirects: RedirectOrigins,
    ports: Vec<u16>,
    allowed: Vec<HostPattern>,
    denied: Vec<HostPattern>,
}

/// Where the redirect URIs of a document may lead.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum RedirectOrigins {
    /// Anywhere.
    #[default]
    Any,
    /// An `https` URI to where the document is: the same scheme, host and port. Apps on a person's own device, by loopback
    /// URI or private-use scheme, are not affected.
    SameOrigin,
}

impl ClientIdMetadataDocuments {
    /// The default policy, with this fetcher.
    #[must_use]
    pub fn new(fetcher: Arc<dyn DocumentFetcher>) -> Self {
        Self {
            fetcher,
            rules: RegistrationRules::new().with_authentication(RegistrationAuthentication::PublicOnly),
            caching: DocumentCaching::new(),
            redirects: RedirectOrigins::Any,
            ports: vec![443],
            allowed: Vec::new(),
            denied: Vec::new(),
        }
    }

    /// Limits which scopes such a client may ask for.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.rules = self.rules.with_scope(scope);
        self
    }

    /// Sets the policies of every such client, instead of the server's.
    #[must_use]
    pub fn with_policies(mut self, policies: ClientPolicies) -> Self {
        self.rules = self.rules.with_policies(policies);
        self
    }

    /// Sets where redirect URIs may lead. What leads elsewhere is as good as not in the document.
    #[must_use]
    pub const fn with_redirect_origins(mut self, origins: RedirectOrigins) -> Self {
        self.redirects = origins;
        self
    }

    /// Limits where such a client may be answered, of what the server accepts. What leads elsewhere is as good as not in the
    /// document.
    #[must_use]
    pub fn with_redirect_destinations(mut self, destinations: RedirectDestinations) -> Self {
        self.rules = self.rules.with_redirect_destinations(destinations);
        self
    }

    /// Sets what becomes of such a client that was kept for its tokens, once it has none any more.
    #[must_use]
    pub fn with_unused_clients(mut self, unused: UnusedClients) -> Self {
        self.rules = self.rules.with_unused_clients(unused);
        self
    }

    /// Accepts documents at this port, too.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// Accepts documents at these hosts, and from then on only at hosts that were named so.
    #[must_use]
    pub fn allowing_only(mut self, hosts: impl IntoIterator<Item = HostPattern>) -> Self {
        self.allowed.extend(hosts);
        self
    }

    /// Refuses documents at these hosts, whatever else is allowed. A client that was used before is unknown from then on,
    /// also where it comes with a refresh token.
    #[must_use]
    pub fn denying(mut self, hosts: impl IntoIterator<Item = HostPattern>) -> Self {
        self.denied.extend(hosts);
        self
    }

    /// Sets for how long a document is not fetched again.
    #[must_use]
    pub const fn with_caching(mut self, caching: DocumentCaching) -> Self {
        self.caching = caching;
        self
    }

    /// Whether a document may be at this URL.
    pub(crate) fn accepts(&self, url: &ClientIdUrl) -> bool {
        let named = |patterns: &[HostPattern]| patterns.iter().any(|pattern| pattern.matches(url.host()));
        let allowed = self.allowed.is_empty() || named(&self.allowed);
        allowed && !named(&self.denied) && self.ports.contains(&url.port())
    }

    /// Whether a client with this identifier may be one that a document describes.
    pub(crate) fn accepts_id(&self, id: &ClientId) -> bool {
        ClientIdUrl::parse(id.as_str()).is_ok_and(|url| self.accepts(&url))
    }

    /// Whether an answer may be sent to `uri`, which is in the document at `url`.
    pub(crate) fn accepts_redirect(&self, url: &ClientIdUrl, uri: &RedirectUri) -> bool {
        let near = match (self.redirects, uri.form()) {
            (RedirectOrigins::SameOrigin, Form::Https) => url.has_origin_of(uri.as_str()),
            _ => true,
        };
        near && self.rules.redirect_destinations.accepts(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cimd::HttpsFetcher;

    fn policy() -> ClientIdMetadataDocuments {
        ClientIdMetadataDocuments::new(Arc::new(HttpsFetcher::new()))
    }

    fn accepts(policy: &ClientIdMetadataDocuments, url: &str) -> bool {
        policy.accepts(&url.parse().unwrap())
    }

    // CIMD-020, ATK-081
    #[test]
    fn the_operator_says_at_which_hosts_and_ports_documents_may_be() {
        let anywhere = policy();
        assert!(accepts(&anywhere, "https://client.test/m"));
        assert!(!accepts(&anywhere, "https://client.test:8443/m") && !accepts(&anywhere, "https://client.test:22/m"));
        assert!(accepts(&anywhere.with_port(8443), "https://client.test:8443/m"));

        let some = policy().allowing_only(["client.test", "*.pages.test"].map(|host| host.parse().unwrap()));
        let some = some.denying(["evil.pages.test".parse().unwrap()]);
        for url in ["https://client.test/m", "https://a.pages.test/m", "https://b.a.pages.test/m"] {
            assert!(accepts(&some, url), "{url}");
        }
        for url in [
            "https://pages.test/m",
            "https://evil.pages.test/m",
            "https://a.client.test/m",
            "https://evilclient.test/m",
            "https://client.test.evil.test/m",
            "https://evilpages.test/m",
        ] {
            assert!(!accepts(&some, url), "{url}");
        }
        assert!(some.accepts_id(&"https://client.test/m".parse().unwrap()));
        for id in ["https://client.test", "client.test", "https://evil.pages.test/m"] {
            assert!(!some.accepts_id(&id.parse().unwrap()), "{id}");
        }
    }

    // CIMD-020
    #[test]
    fn web_sites_can_be_held_to_the_origin_of_their_document_and_apps_cannot() {
        let url = "https://client.test/m".parse().unwrap();
        let accepts =
            |policy: &ClientIdMetadataDocuments, uri: &str| policy.accepts_redirect(&url, &uri.parse().unwrap());
        let same = policy().with_redirect_origins(RedirectOrigins::SameOrigin);
        for uri in ["https://client.test/cb", "http://127.0.0.1/cb", "http://localhost/cb", "com.example.app:/cb"] {
            assert!(accepts(&same, uri) && accepts(&policy(), uri), "{uri}");
        }
        for uri in ["https://evil.test/cb", "https://client.test:8443/cb", "https://a.client.test/cb"] {
            assert!(!accepts(&same, uri) && accepts(&policy(), uri), "{uri}");
        }
    }
}
