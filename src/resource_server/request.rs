//! A call of a protected resource, as far as it matters who calls.

use std::fmt;

use http::HeaderMap;
use http::request::Parts;

use crate::rate_limit::Peer;

/// The headers of a call, and where it comes from. Not printed by `Debug`.
///
/// [`ResourceServer::verify`](crate::ResourceServer::verify) takes headers alone as well, and the parts of a request, among
/// whose extensions it finds the [`Peer`].
#[derive(Clone, Copy)]
pub struct ResourceRequest<'a> {
    headers: &'a HeaderMap,
    peer: Option<Peer>,
}

impl fmt::Debug for ResourceRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResourceRequest(..)")
    }
}

impl<'a> ResourceRequest<'a> {
    /// A call with these headers.
    #[must_use]
    pub const fn new(headers: &'a HeaderMap) -> Self {
        Self { headers, peer: None }
    }

    /// Says where the call comes from, for the rate limiter.
    #[must_use]
    pub const fn with_peer(mut self, peer: Peer) -> Self {
        self.peer = Some(peer);
        self
    }

    pub(super) const fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    pub(super) const fn peer(&self) -> Option<Peer> {
        self.peer
    }
}

impl<'a> From<&'a HeaderMap> for ResourceRequest<'a> {
    fn from(headers: &'a HeaderMap) -> Self {
        Self::new(headers)
    }
}

impl<'a> From<&'a Parts> for ResourceRequest<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self { headers: &parts.headers, peer: parts.extensions.get::<Peer>().copied() }
    }
}
