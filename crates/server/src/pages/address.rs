//! Where a request came from: the other end of the connection, or where it is a reverse proxy of ours, what that saw.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Where a request came from. Of what was forwarded the last entry counts, because our own proxy added it; where that is
/// a proxy of ours, too, the one before it. What stands before those is anybody's words.
pub(super) fn origin(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let ours = |address: IpAddr| proxies.iter().any(|one| one.to_canonical() == address);
    let mut from = peer.to_canonical();
    let values = headers.get_all("x-forwarded-for").iter().rev();
    let entries = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    for entry in entries {
        if !ours(from) {
            break;
        }
        let Ok(address) = entry.trim().parse::<IpAddr>() else {
            break;
        };
        from = address.to_canonical();
    }
    from
}

/// Whose requests are counted together: one address, of IPv6 one network, because a house has as many as it likes.
pub(super) fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a value"));
        }
        let proxies = ["127.0.0.1", "192.0.2.80"].map(|one| one.parse().expect("an address"));
        origin(peer.parse().expect("an address"), &headers, &proxies).to_string()
    }

    #[test]
    fn only_a_proxy_of_ours_is_believed_and_only_what_it_added() {
        assert_eq!(from("192.0.2.7", &["198.51.100.1"]), "192.0.2.7");
        assert_eq!(from("127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("::ffff:127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            from("127.0.0.1", &["10.0.0.1, 198.51.100.1"]),
            "198.51.100.1"
        );
        assert_eq!(
            from("127.0.0.1", &["10.0.0.1", "198.51.100.1"]),
            "198.51.100.1"
        );
        assert_eq!(
            from("127.0.0.1", &["10.9.9.9, 198.51.100.1, 192.0.2.80"]),
            "198.51.100.1",
            "a proxy of ours behind another"
        );
        assert_eq!(
            from("127.0.0.1", &["198.51.100.1", "192.0.2.80"]),
            "198.51.100.1"
        );
        assert_eq!(from("127.0.0.1", &["192.0.2.80"]), "192.0.2.80");
        assert_eq!(from("127.0.0.1", &["nonsense"]), "127.0.0.1");
        assert_eq!(from("127.0.0.1", &["198.51.100.1, "]), "127.0.0.1");
        assert_eq!(from("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn addresses_of_one_network_are_counted_together() {
        let counted = |text: &str| counted_as(text.parse().expect("an address"));
        assert_eq!(counted("2001:db8:1:2:3::1"), counted("2001:db8:1:2:4::9"));
        assert_ne!(counted("2001:db8:1:2::1"), counted("2001:db8:1:3::1"));
        assert_ne!(counted("192.0.2.1"), counted("192.0.2.2"));
    }
}
