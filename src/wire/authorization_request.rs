//! A request to the authorization endpoint.

use std::fmt;

use crate::rate_limit::Peer;

/// An authorization request: the query of the URL, and where the browser is. Not printed by `Debug`.
///
/// [`AuthorizationServer::authorize`](crate::AuthorizationServer::authorize) takes a query alone as well.
#[derive(Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    query: &'a str,
    peer: Option<Peer>,
}

impl fmt::Debug for AuthorizationRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationRequest(..)")
    }
}

impl<'a> AuthorizationRequest<'a> {
    /// A request with this query, without the question mark.
    #[must_use]
    pub const fn new(query: &'a str) -> Self {
        Self { query, peer: None }
    }

    /// Says where the request comes from, for the rate limiter.
    #[must_use]
    pub const fn with_peer(mut self, peer: Peer) -> Self {
        self.peer = Some(peer);
        self
    }

    pub(crate) const fn query(&self) -> &'a str {
        self.query
    }

    #[cfg(feature = "cimd")]
    pub(crate) const fn peer(&self) -> Option<Peer> {
        self.peer
    }
}

impl<'a> From<&'a str> for AuthorizationRequest<'a> {
    fn from(query: &'a str) -> Self {
        Self::new(query)
    }
}

impl<'a> From<&'a String> for AuthorizationRequest<'a> {
    fn from(query: &'a String) -> Self {
        Self::new(query)
    }
}
