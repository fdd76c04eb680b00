//! Which addresses may be connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Which addresses a document may be fetched from: public ones, and what the operator adds.
///
/// A client names the host, and whoever runs its DNS the address. So nothing that is only reachable from inside, or that
/// means something else than a host on the internet, is connected to: every network of the registries of special-purpose
/// addresses (RFC 6890), multicast, and every form of IPv6 address that has one of IPv4 in it.
///
/// An operator whose clients are in an intranet, and a test with a server of its own, add those networks:
///
/// ```
/// use grantor::cimd::AddressPolicy;
///
/// let policy = AddressPolicy::public().with_network("10.20.0.0/16")?;
/// assert!(policy.allows([10, 20, 3, 4].into()));
/// assert!(!policy.allows([10, 21, 3, 4].into()));
/// # Ok::<(), grantor::cimd::InvalidNetwork>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    added: Vec<IpNet>,
}

/// The text is not a network: an address, a slash and the length of the prefix in bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a network is an address, a slash and the length of a prefix, such as 10.20.0.0/16")]
pub struct InvalidNetwork;

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: u16, second: u16, third: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), prefix)
}

/// The IANA registry of special-purpose IPv4 addresses, multicast and what is reserved.
const SPECIAL_V4: [Ipv4Net; 19] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    // A service of Azure for its own machines, at an address that is public only in number.
    v4(168, 63, 129, 16, 32),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 31, 196, 0, 24),
    v4(192, 52, 193, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(192, 175, 48, 0, 24),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// What is given to hosts at all. Loopback, link-local, unique local, multicast, mapped, compatible and translated (NAT64)
/// addresses lie outside of it.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// What of it is not a host's: protocol assignments (Teredo and ORCHID among them), 6to4, documentation and AS112.
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0xdb8, 0, 32),
    v6(0x2002, 0, 0, 16),
    v6(0x2620, 0x4f, 0x8000, 48),
    v6(0x3fff, 0, 0, 20),
];

impl AddressPolicy {
    /// Public addresses only.
    #[must_use]
    pub const fn public() -> Self {
        Self { added: Vec::new() }
    }

    /// Adds a network, written as its address, a slash and the length of its prefix.
    ///
    /// # Errors
    ///
    /// [`InvalidNetwork`] for any other text.
    pub fn with_network(mut self, network: &str) -> Result<Self, InvalidNetwork> {
        self.added.push(network.parse().map_err(|_| InvalidNetwork)?);
        Ok(self)
    }

    /// Whether the address may be connected to.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.added.iter().any(|network| network.contains(&address))
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|network| network.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    // CIMD-012
    #[test]
    fn no_address_that_means_something_inside_is_connected_to() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert!(!AddressPolicy::public().allows(address(text)), "{text}");
        }
    }

    #[test]
    fn hosts_on_the_internet_are_connected_to() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "168.63.129.15",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "3ffe::1",
        ] {
            assert!(AddressPolicy::public().allows(address(text)), "{text}");
        }
    }

    #[test]
    fn what_the_operator_adds_is_allowed_in_the_form_that_was_added_and_no_more() {
        let policy = AddressPolicy::public().with_network("127.0.0.1/32").unwrap().with_network("fd00:1::/32").unwrap();
        for text in ["127.0.0.1", "fd00:1::5", "8.8.8.8"] {
            assert!(policy.allows(address(text)), "{text}");
        }
        for text in ["127.0.0.2", "::ffff:127.0.0.1", "::1", "fd00:2::5", "10.0.0.1"] {
            assert!(!policy.allows(address(text)), "{text}");
        }
        for text in ["", "127.0.0.1", "127.0.0.1/33", "::1/129", "localhost/8", "127.1/8", "10.0.0.0/08x"] {
            assert_eq!(AddressPolicy::public().with_network(text).unwrap_err(), InvalidNetwork, "{text}");
        }
    }
}
