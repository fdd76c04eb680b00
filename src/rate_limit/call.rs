//! What is known of a call that may be one too many.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::client::ClientId;
use crate::identifier::{Subject, Tenant};
use crate::observer::Endpoint;

/// Where a request comes from: the address of whoever sent it, as far as the host knows.
///
/// An IPv4 address that is written as one of IPv6, mapped or by a translator of networks (`64:ff9b::/96`, RFC 6052 §2.1), is
/// the IPv4 address.
///
/// ```
/// use grantor::rate_limit::Peer;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(Peer::new([203, 0, 113, 7].into()));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Peer(IpAddr);

impl Peer {
    /// The peer at this address.
    #[must_use]
    pub const fn new(address: IpAddr) -> Self {
        let address = address.to_canonical();
        if let IpAddr::V6(translated) = address
            && let [0x64, 0xFF9B, 0, 0, 0, 0, high, low] = translated.segments()
        {
            return Self(IpAddr::V4(Ipv4Addr::from_bits((high as u32) << 16 | low as u32)));
        }
        Self(address)
    }

    /// Its address.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        self.0
    }

    /// What to count it under: an IPv4 address as it is, and of an IPv6 address the first 64 bits, since one household
    /// or server has all the rest.
    #[must_use]
    pub const fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !(u64::MAX as u128))),
        }
    }
}

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        Self::new(address)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a call has come when a limiter is asked.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// It was read; nothing it says was checked, and no store was asked.
    Arrived,
    /// The secret or token that it came with is wrong. The answer is the refusal, or 429 if the limiter says so.
    Failed,
    /// A confidential client proved who it is, or the API accepted an access token.
    Authenticated,
    /// A user has decided what a client may have, now or, where that is remembered, before; nothing of it is stored.
    Decided,
    /// The document of a client is about to be fetched for an authorization request (feature `cimd`), which nobody need
    /// have signed in for.
    Fetching,
}

/// A call, as far as it is known when a limiter is asked.
#[derive(Clone, Copy, Debug)]
pub struct LimitedCall<'a> {
    endpoint: Endpoint,
    stage: Stage,
    peer: Option<Peer>,
    claimed_client: Option<&'a ClientId>,
    client: Option<&'a ClientId>,
    subject: Option<&'a Subject>,
    tenant: Option<&'a Tenant>,
}

impl<'a> LimitedCall<'a> {
    /// A call of which nothing else is known.
    #[must_use]
    pub const fn new(endpoint: Endpoint, stage: Stage) -> Self {
        Self { endpoint, stage, peer: None, claimed_client: None, client: None, subject: None, tenant: None }
    }

    /// Says where it comes from, if that is known.
    #[must_use]
    pub const fn with_peer(mut self, peer: Option<Peer>) -> Self {
        self.peer = peer;
        self
    }

    /// Says which client it names.
    #[must_use]
    pub const fn with_claimed_client(mut self, client: Option<&'a ClientId>) -> Self {
        self.claimed_client = client;
        self
    }

    /// Says which client it certainly comes from.
    #[must_use]
    pub const fn with_client(mut self, client: Option<&'a ClientId>) -> Self {
        self.client = client;
        self
    }

    /// Says on whose behalf it comes.
    #[must_use]
    pub const fn with_subject(mut self, subject: Option<&'a Subject>) -> Self {
        self.subject = subject;
        self
    }

    /// Says which tenant it is confined to.
    #[must_use]
    pub const fn with_tenant(mut self, tenant: Option<&'a Tenant>) -> Self {
        self.tenant = tenant;
        self
    }

    /// What is called.
    #[must_use]
    pub const fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// How far the call has come.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Where it comes from, if the host said so.
    #[must_use]
    pub const fn peer(&self) -> Option<Peer> {
        self.peer
    }

    /// The client that the request names, if it names one; it may be somebody else's.
    #[must_use]
    pub const fn claimed_client(&self) -> Option<&'a ClientId> {
        self.claimed_client
    }

    /// The client that it certainly comes from: a confidential one that proved who it is, or the one that the access
    /// token was issued to. Of a public client only a token is proof.
    #[must_use]
    pub const fn client(&self) -> Option<&'a ClientId> {
        self.client
    }

    /// The user on whose behalf it comes; known at protected resources, and at the authorization endpoint once they have
    /// decided.
    #[must_use]
    pub const fn subject(&self) -> Option<&'a Subject> {
        self.subject
    }

    /// The tenant that the client is confined to, and at protected resources the access token.
    #[must_use]
    pub const fn tenant(&self) -> Option<&'a Tenant> {
        self.tenant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> String {
        Peer::new(address.parse().unwrap()).network().to_string()
    }

    #[test]
    fn an_ipv4_address_is_counted_alone_however_it_is_written() {
        assert_eq!(network("203.0.113.7"), "203.0.113.7");
        assert_eq!(network("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(Peer::new("::ffff:203.0.113.7".parse().unwrap()).to_string(), "203.0.113.7");
    }

    // RFC 6052 §2.1: all who come through such a translator would be one network.
    #[test]
    fn an_ipv4_address_behind_a_translator_is_counted_as_what_it_is() {
        assert_eq!(network("64:ff9b::203.0.113.7"), "203.0.113.7");
        assert_ne!(network("64:ff9b::203.0.113.7"), network("64:ff9b::203.0.113.8"));
        assert_eq!(
            network("64:ff9b:1::1"),
            "64:ff9b:1::",
            "that prefix is for local use, and says nothing of its rest"
        );
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_counted_together() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2:ffff::1"), network("2001:db8:1:2::"));
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
    }
}
