//! The address of the client, also behind reverse proxies.
//!
//! The client is the peer of the connection, unless the peer is a trusted proxy (`Settings::proxies`). Only then are
//! `X-Forwarded-*` headers read, and only the entries that trusted proxies wrote. Each proxy appends the address of its own peer
//! to `X-Forwarded-For`, so the entries are read from the right, and the first that is not a trusted proxy is the client. Entries
//! to the left of it came from the client and cannot be trusted. Of `X-Forwarded-Proto` the last value is used, which the nearest
//! proxy wrote or passed on.
//!
//! Everything that depends on the client's address uses this module: networks of tokens, failed authentications, sign-in delays,
//! the audit log, the history, last uses, the log.
//!
//! Decided against `Forwarded` (RFC 7239): few proxies write it, and a proxy that passes on an unknown header would let a client
//! choose its own address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The client that sent a request: an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The address; IPv4 as IPv4, also on an IPv6 socket.
    pub address: IpAddr,
    /// Whether the client used TLS, with this server or with the proxy before it.
    pub is_https: bool,
    /// The port, where it is the client's own connection.
    port: Option<u16>,
}

impl Client {
    /// The client of a request that came over a connection from `peer`.
    pub(crate) fn new(peer: SocketAddr, is_tls: bool, headers: &HeaderMap, proxies: &[IpNet]) -> Client {
        let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(&address));
        let mut client = Client { address: peer.ip().to_canonical(), is_https: is_tls, port: Some(peer.port()) };
        if !is_proxy(client.address) {
            return client;
        }
        for entry in from_the_right(headers, &FORWARDED_FOR) {
            // The peer of this proxy is unknown, so the proxy is the last address that is known.
            let Some(address) = read_address(entry) else { break };
            client = Client { address, port: None, ..client };
            if !is_proxy(address) {
                break;
            }
        }
        if let Some(scheme) = from_the_right(headers, &FORWARDED_PROTO).next() {
            client.is_https = scheme.eq_ignore_ascii_case("https");
        }
        client
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.address, port).fmt(f),
            None => self.address.fmt(f),
        }
    }
}

/// The network by which limits count an address: an IPv4 address alone, and the /64 of an IPv6 address, all of which usually belongs
/// to one customer. IPv4-mapped IPv6 addresses count as IPv4.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from(u128::from(six) >> 64 << 64)),
        four => four,
    }
}

/// The entries of a list that may stand in several headers, the last one first. A header that is no text is an empty entry.
fn from_the_right<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().rev();
    lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')).map(str::trim)
}

/// An address as proxies write it: bare, or with a port, and IPv6 perhaps in brackets.
fn read_address(entry: &str) -> Option<IpAddr> {
    let bare = || entry.parse::<IpAddr>().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    bare().or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const PROXIES: [&str; 3] = ["192.0.2.1/32", "198.51.100.0/24", "2001:db8:1::/48"];

    fn client(peer: &str, forwarded: &[&[u8]], proto: &[&str]) -> Client {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value).unwrap());
        }
        for value in proto {
            headers.append(FORWARDED_PROTO, HeaderValue::from_str(value).unwrap());
        }
        let proxies: Vec<IpNet> = PROXIES.iter().map(|network| network.parse().unwrap()).collect();
        Client::new(peer.parse().unwrap(), false, &headers, &proxies)
    }

    fn told(peer: &str, forwarded: &[&str]) -> String {
        let forwarded: Vec<&[u8]> = forwarded.iter().map(|value| value.as_bytes()).collect();
        client(peer, &forwarded, &[]).to_string()
    }

    #[test]
    fn whoever_is_no_proxy_is_not_believed() {
        for peer in ["203.0.113.9:4711", "192.0.2.2:1", "198.51.101.1:1", "[2001:db8:2::1]:1", "127.0.0.1:1"] {
            for forwarded in [&["10.0.0.1"][..], &["192.0.2.1"], &["10.0.0.1, 192.0.2.1"], &["10.0.0.1", "192.0.2.1"]] {
                assert_eq!(told(peer, forwarded), peer, "{forwarded:?}");
            }
            assert!(!client(peer, &[b"10.0.0.1"], &["https"]).is_https);
        }
        let over_tls = Client::new("203.0.113.9:1".parse().unwrap(), true, &HeaderMap::new(), &[]);
        assert!(over_tls.is_https);
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("10.0.0.1"));
        assert_eq!(Client::new("203.0.113.9:1".parse().unwrap(), true, &headers, &[]), over_tls);
    }

    #[test]
    fn what_a_client_sent_through_a_proxy_is_not_believed() {
        for sent in ["10.0.0.1", "127.0.0.1", "192.0.2.1", "198.51.100.1, 192.0.2.1", "unknown", "", ",,,", "x\", y"] {
            assert_eq!(told("192.0.2.1:1", &[&format!("{sent}, 203.0.113.9")]), "203.0.113.9", "{sent:?}");
            assert_eq!(told("192.0.2.1:1", &[sent, "203.0.113.9"]), "203.0.113.9", "{sent:?} in a header of its own");
        }
        assert_eq!(client("192.0.2.1:1", &[b"\xff\xfe", b"203.0.113.9"], &[]).to_string(), "203.0.113.9");
        assert!(!client("192.0.2.1:1", &[], &["https", "http"]).is_https);
        assert!(!client("192.0.2.1:1", &[], &["https, http"]).is_https);
    }

    #[test]
    fn where_the_nearest_entry_is_no_address_the_proxy_is_all_that_is_known() {
        for last in
            ["unknown", "_hidden", "", "203.0.113.9 ", "203.0.113", "203.0.113.9:x", "[203.0.113.9]", "fe80::1%eth0"]
        {
            let told = told("192.0.2.1:4711", &[&format!("10.0.0.1, {last}")]);
            let wanted = if last.trim() == "203.0.113.9" { "203.0.113.9" } else { "192.0.2.1:4711" };
            assert_eq!(told, wanted, "{last:?}");
        }
        assert_eq!(client("192.0.2.1:4711", &[b"10.0.0.1, \xff"], &[]).to_string(), "192.0.2.1:4711");
        assert_eq!(told("192.0.2.1:4711", &[]), "192.0.2.1:4711");
    }

    #[test]
    fn the_first_address_from_the_right_that_is_no_proxy_is_the_client() {
        for (forwarded, wanted) in [
            (&["203.0.113.9"][..], "203.0.113.9"),
            (&["10.0.0.1, 203.0.113.9, 198.51.100.7, 2001:db8:1::5"], "203.0.113.9"),
            (&["203.0.113.9,198.51.100.7", "198.51.100.8"], "203.0.113.9"),
            (&["198.51.100.7, 198.51.100.8"], "198.51.100.7"),
            (&["203.0.113.9:4711"], "203.0.113.9"),
            (&["2001:db8:2::9"], "2001:db8:2::9"),
            (&["[2001:db8:2::9]"], "2001:db8:2::9"),
            (&["[2001:db8:2::9]:443"], "2001:db8:2::9"),
            (&["::ffff:203.0.113.9"], "203.0.113.9"),
        ] {
            assert_eq!(told("192.0.2.1:1", forwarded), wanted, "{forwarded:?}");
            assert_eq!(told("[2001:db8:1::1]:1", forwarded), wanted, "{forwarded:?}");
            assert_eq!(told("[::ffff:192.0.2.1]:1", forwarded), wanted, "{forwarded:?}");
        }
        for (proto, is_https) in
            [(&["https"][..], true), (&["HTTPS"], true), (&["http"], false), (&["http, https"], true)]
        {
            assert_eq!(client("192.0.2.1:1", &[], proto).is_https, is_https, "{proto:?}");
        }
    }
}
