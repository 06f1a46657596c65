//! The limits of connections that the operator can set.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};

/// Limits of the server's connections. The defaults suit a server on the open internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long the head of a request may take, and an HTTP/1 connection may wait for the next one.
    pub header_timeout: Duration,
    /// How long an HTTP/2 connection may stand without a request.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of an answer that is ready.
    pub write_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long requests in progress can continue after the server begins to stop.
    pub shutdown_timeout: Duration,
    /// The maximum number of connections. One network has at most a quarter of them; idle ones are closed first.
    pub max_connections: usize,
    /// Networks that have no share of their own of the connections, besides [`Settings::proxies`]. Default: loopback.
    pub exempt: Vec<IpNet>,
    /// The reverse proxies whose `X-Forwarded-*` headers are trusted ([`Client`](crate::Client)).
    pub proxies: Vec<IpNet>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            header_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(20),
            handshake_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(8),
            max_connections: 4096,
            exempt: loopback(),
            proxies: Vec::new(),
        }
    }
}

impl Settings {
    /// Whether an address may have as many connections as there are.
    pub(crate) fn is_exempt(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.exempt.iter().chain(&self.proxies).any(|network| network.contains(&address))
    }
}

/// 127.0.0.0/8 and ::1.
fn loopback() -> Vec<IpNet> {
    let four = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
    vec![four.into(), IpAddr::V6(Ipv6Addr::LOCALHOST).into()]
}
