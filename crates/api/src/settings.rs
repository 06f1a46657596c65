//! What the operator may bound.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};

/// Limits of the server. The defaults suit a server on the open internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The largest request body, in octets.
    pub body_limit: usize,
    /// The largest body of a request that may change a whole zone at once, in octets.
    pub bulk_limit: usize,
    /// How many octets of large request bodies one account may have under way at a time. A body is under way until its request
    /// is answered; one that is larger than this is taken alone.
    pub bulk_per_account: usize,
    /// The same of all accounts together.
    pub bulk_in_all: usize,
    /// How many octets of answers one account may leave unread at a time.
    pub unread_per_account: usize,
    /// The same of all accounts together.
    pub unread_in_all: usize,
    /// How long the head of a request may take, and an HTTP/1 connection may wait for the next one.
    pub header_timeout: Duration,
    /// How long the body of a request may take, all of it.
    pub body_timeout: Duration,
    /// How long an HTTP/2 connection may stand without a request.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of an answer that is ready.
    pub write_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long requests under way may go on once the server is told to stop.
    pub shutdown_timeout: Duration,
    /// How many connections there may be at a time. One network has at most a quarter of them; what is idle gives way.
    pub max_connections: usize,
    /// Networks that have no share of their own of the connections, besides [`Settings::proxies`]. Default: loopback.
    pub exempt: Vec<IpNet>,
    /// How many failed authentications one address (IPv6: one /64) may make at once; 0 counts as 1.
    pub failed_auth_burst: u32,
    /// How many more it may make each second; 0 counts as 1.
    pub failed_auth_per_second: u32,
    /// How many requests with valid tokens each account may make each second; `None`: as many as it likes.
    pub requests_per_second: Option<u32>,
    /// The origins whose pages may use the API from a browser (CORS): `https://app.example.net`, or `*` for all of them.
    pub cors_origins: Vec<String>,
    /// The proxies before the server that are believed whom they speak for ([`Client`](crate::Client)); nobody else is.
    pub proxies: Vec<IpNet>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            body_limit: 1024 * 1024,
            bulk_limit: 16 * 1024 * 1024,
            bulk_per_account: 16 * 1024 * 1024,
            bulk_in_all: 48 * 1024 * 1024,
            unread_per_account: 32 * 1024 * 1024,
            unread_in_all: 256 * 1024 * 1024,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(20),
            handshake_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(8),
            max_connections: 4096,
            exempt: loopback(),
            failed_auth_burst: 200,
            failed_auth_per_second: 10,
            requests_per_second: None,
            cors_origins: Vec::new(),
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
