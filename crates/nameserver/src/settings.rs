//! The operator's settings, with their defaults.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{SystemTime, UNIX_EPOCH};

use ipnet::IpNet;

/// How a server answers, beside its zones.
#[derive(Clone)]
pub struct Settings {
    /// Response rate limiting over UDP; `None` answers every query.
    pub rate_limit: Option<RateLimit>,
    /// The secrets of the server cookies (RFC 9018), 128 bits each. New cookies are made with the first one, and cookies of
    /// the others are accepted too, so that a secret can be replaced. Without a secret, the COOKIE option is ignored.
    pub cookie_secrets: Vec<[u8; 16]>,
    /// Whether a query over UDP that has a client cookie and no valid server cookie gets BADCOOKIE instead of an answer.
    /// Queries without the COOKIE option are answered.
    pub require_server_cookie: bool,
    /// The answer to the NSID option (RFC 5001). Empty: the option is ignored.
    pub nsid: Vec<u8>,
    /// Whether clients on this machine may transfer zones. Other clients never may.
    pub loopback_transfers: bool,
    /// How many TCP connections there may be.
    pub tcp: TcpLimits,
    /// The time in seconds since 1970, for the timestamps of cookies.
    pub clock: fn() -> u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            rate_limit: Some(RateLimit::default()),
            cookie_secrets: Vec::new(),
            require_server_cookie: false,
            nsid: Vec::new(),
            loopback_transfers: false,
            tcp: TcpLimits::default(),
            clock: system_time,
        }
    }
}

/// Without the secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { rate_limit, require_server_cookie, nsid, loopback_transfers, tcp, .. } = self;
        f.debug_struct("Settings")
            .field("rate_limit", rate_limit)
            .field("require_server_cookie", require_server_cookie)
            .field("nsid", nsid)
            .field("loopback_transfers", loopback_transfers)
            .field("tcp", tcp)
            .finish_non_exhaustive()
    }
}

/// Response rate limiting, with the meaning that the settings of these names have in BIND 9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// How many equal responses a network gets per second.
    pub responses_per_second: u16,
    /// For how many seconds a network that asks on has to pay back what it got too much.
    pub window: u16,
    /// Every so many limited responses, one is sent truncated, so that real clients can come over TCP. 0: none; 1: all.
    pub slip: u8,
    /// The IPv4 networks that are counted together.
    pub ipv4_prefix: u8,
    /// The IPv6 networks that are counted together.
    pub ipv6_prefix: u8,
    /// How many counters there are, eight octets each. They are allocated at the start, and the number is rounded up to a power
    /// of two.
    pub table_size: u32,
    /// Clients that are never limited.
    pub exempt: Vec<IpNet>,
}

impl Default for RateLimit {
    fn default() -> Self {
        RateLimit {
            responses_per_second: 20,
            window: 15,
            slip: 2,
            ipv4_prefix: 24,
            ipv6_prefix: 56,
            table_size: 100_000,
            exempt: loopback(),
        }
    }
}

/// The TCP connections that a server keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpLimits {
    /// Connections at one time. One address (an IPv6 /64) gets at most a quarter of them.
    pub connections: usize,
    /// Clients that may have more than a quarter.
    pub exempt: Vec<IpNet>,
}

impl Default for TcpLimits {
    fn default() -> Self {
        TcpLimits { connections: 500, exempt: loopback() }
    }
}

/// This machine: `127.0.0.0/8` and `::1`.
fn loopback() -> Vec<IpNet> {
    let v4 = IpNet::new_assert(Ipv4Addr::new(127, 0, 0, 0).into(), 8);
    vec![v4, IpAddr::from(Ipv6Addr::LOCALHOST).into()]
}

#[expect(clippy::disallowed_methods, reason = "other servers check the timestamps by the time of the world")]
fn system_time() -> u64 {
    // Before 1970 no cookie is valid, and every query is answered all the same.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
