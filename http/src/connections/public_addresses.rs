//! Which IP addresses are on the public Internet.
//!
//! A program that fetches URLs from untrusted sources (webhooks, previews, imports) must not send requests to services that
//! trust the internal network: cloud metadata, databases, routers. Filtering private addresses only is not enough, because
//! there are two dozen blocks with a special meaning, and IPv6 addresses that contain an IPv4 address. The tables are those
//! of IANA's special-purpose address registries (RFC 6890, as of 2025); only globally reachable addresses are allowed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An [`address_filter`](crate::ClientSessionBuilder::address_filter) that allows public addresses only: no loopback,
/// private, link-local, shared (100.64.0.0/10), multicast, documentation or otherwise reserved ones, of either version,
/// including IPv6 addresses that contain such an IPv4 address.
///
/// ```
/// use curio_http::{ClientSession, public_addresses_only};
///
/// let session = ClientSession::builder().address_filter(public_addresses_only).build()?;
/// # Ok::<(), curio_http::Error>(())
/// ```
pub fn public_addresses_only(address: &SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// Blocks that are not globally reachable.
const SPECIAL_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
];

/// Exceptions within these blocks.
const PUBLIC_V4: [([u8; 4], u32); 2] = [([192, 0, 0, 9], 32), ([192, 0, 0, 10], 32)];

/// Blocks within the global unicast space, 2000::/3, that are not globally reachable. Teredo and 6to4 addresses contain
/// an IPv4 address that a relay connects to.
const SPECIAL_V6: [([u16; 8], u32); 4] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Exceptions within these blocks.
const PUBLIC_V6: [([u16; 8], u32); 7] = [
    ([0x2001, 1, 0, 0, 0, 0, 0, 1], 128),
    ([0x2001, 1, 0, 0, 0, 0, 0, 2], 128),
    ([0x2001, 1, 0, 0, 0, 0, 0, 3], 128),
    ([0x2001, 3, 0, 0, 0, 0, 0, 0], 32),
    ([0x2001, 4, 0x112, 0, 0, 0, 0, 0], 48),
    ([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28),
    ([0x2001, 0x30, 0, 0, 0, 0, 0, 0], 28),
];

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let is_in = |&(block, bits): &([u8; 4], u32)| {
        let mask = u32::MAX << (32 - bits);
        (ip.to_bits() ^ Ipv4Addr::from(block).to_bits()) & mask == 0
    };
    !SPECIAL_V4.iter().any(is_in) || PUBLIC_V4.iter().any(is_in)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let is_in = |&(block, bits): &([u16; 8], u32)| {
        let mask = u128::MAX << (128 - bits);
        (ip.to_bits() ^ Ipv6Addr::from(block).to_bits()) & mask == 0
    };
    // The system connects to the IPv4 address inside (RFC 4291 §2.5.5.2), or a NAT64 gateway does (RFC 6052 §2.1).
    if is_in(&([0, 0, 0, 0, 0, 0xffff, 0, 0], 96)) || is_in(&([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96)) {
        return is_public_v4(Ipv4Addr::from_bits(ip.to_bits() as u32));
    }
    let is_global_unicast = is_in(&([0x2000, 0, 0, 0, 0, 0, 0, 0], 3));
    is_global_unicast && (!SPECIAL_V6.iter().any(is_in) || PUBLIC_V6.iter().any(is_in))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addresses: &[&str], public: bool) {
        for address in addresses {
            let ip: IpAddr = address.parse().expect(address);
            assert_eq!(public_addresses_only(&SocketAddr::new(ip, 80)), public, "{address}");
        }
    }

    #[test]
    fn special_ipv4_addresses_are_refused_at_both_ends_of_their_blocks() {
        check(
            &[
                "0.0.0.0",
                "0.255.255.255",
                "10.0.0.0",
                "10.255.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "127.0.0.1",
                "127.255.255.255",
                "169.254.0.0",
                "169.254.169.254",
                "172.16.0.0",
                "172.31.255.255",
                "192.0.0.0",
                "192.0.0.255",
                "192.0.2.1",
                "192.88.99.1",
                "192.168.0.1",
                "192.168.255.255",
                "198.18.0.0",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.1",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.255",
            ],
            false,
        );
    }

    #[test]
    fn their_neighbours_are_public() {
        check(
            &[
                "1.0.0.0",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.0",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.0.0.9",
                "192.0.0.10",
                "192.0.1.0",
                "192.0.3.0",
                "192.88.98.255",
                "192.167.255.255",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "203.0.112.255",
                "203.0.114.0",
                "223.255.255.255",
                "8.8.8.8",
            ],
            true,
        );
    }

    #[test]
    fn special_ipv6_addresses_are_refused() {
        check(
            &[
                "::",
                "::1",
                "::7f00:1",
                "fc00::1",
                "fdff:ffff::1",
                "fe80::1",
                "febf::1",
                "fec0::1",
                "ff02::1",
                "100::1",
                "100:0:0:1::1",
                "2001::1",
                "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                "2001:2::1",
                "2001:db8::1",
                "2001:10::1",
                "2002:7f00:1::",
                "2002:808:808::1",
                "3fff::1",
                "3fff:fff::1",
                "5f00::1",
                "64:ff9b:1::1",
                "4000::1",
            ],
            false,
        );
    }

    #[test]
    fn public_ipv6_addresses_are_allowed() {
        check(
            &[
                "2606:4700:4700::1111",
                "2001:4860:4860::8888",
                "2001:200::1",
                "2001:1::1",
                "2001:3::1",
                "2001:4:112::1",
                "2001:20::1",
                "2001:3f::1",
                "2a00::1",
                "3fff:1000::1",
                "2003::1",
            ],
            true,
        );
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_address_decides() {
        check(&["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::10.0.0.1"], false);
        check(&["::ffff:8.8.8.8", "64:ff9b::8.8.8.8"], true);
    }
}
