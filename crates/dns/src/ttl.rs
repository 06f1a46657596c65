//! Time to live: seconds, 31 bits (RFC 2181, section 8).

use std::fmt;

/// How long, in seconds, a resolver may keep an RRset: 0 to 2147483647.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(u32);

impl Ttl {
    /// The default TTL: an hour.
    pub const DEFAULT: Ttl = Ttl(3600);
    /// Not to be cached.
    pub const MIN: Ttl = Ttl(0);
    /// RFC 2181, section 8: the top bit is not used.
    pub const MAX: Ttl = Ttl(i32::MAX as u32);

    /// `None` where `seconds` needs more than 31 bits.
    pub const fn new(seconds: u32) -> Option<Ttl> {
        if seconds <= Self::MAX.0 { Some(Ttl(seconds)) } else { None }
    }

    /// The seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
