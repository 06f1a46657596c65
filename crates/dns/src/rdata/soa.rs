//! SOA: the start of a zone of authority (RFC 1035, section 3.3.13). Created by the server, never by users.

use std::fmt;

use crate::{Name, Serial, Ttl};

/// A zone's version and how secondaries and resolvers are to treat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soa {
    /// The primary nameserver.
    pub mname: Name,
    /// The mailbox of the responsible person, with a dot in place of the `@`.
    pub rname: Name,
    /// The version.
    pub serial: Serial,
    /// Seconds between a secondary's looks at the primary.
    pub refresh: u32,
    /// Seconds until a secondary retries after a failed refresh.
    pub retry: u32,
    /// Seconds that a secondary keeps answering without reaching the primary.
    pub expire: u32,
    /// Seconds that resolvers may cache that a record does not exist (RFC 2308, section 4).
    pub minimum: u32,
    /// The TTL of the SOA record itself.
    pub ttl: Ttl,
}

impl Soa {
    /// The record data in wire form, uncompressed.
    pub fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(64);
        wire.extend(self.mname.wire());
        wire.extend(self.rname.wire());
        for number in [self.serial.0, self.refresh, self.retry, self.expire, self.minimum] {
            wire.extend(number.to_be_bytes());
        }
        wire
    }
}

/// As a zone file has it, on one line.
impl fmt::Display for Soa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.mname.fqdn(), self.rname.fqdn(), self.serial)?;
        write!(f, "{} {} {} {}", self.refresh, self.retry, self.expire, self.minimum)
    }
}
