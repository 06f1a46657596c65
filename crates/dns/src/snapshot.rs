//! A zone's content at one version, and the difference between two versions.

use uuid::Uuid;

use crate::rdata::Soa;
use crate::{ResourceRecord, Serial, ZoneName};

/// A zone's identity. A zone that is deleted and made again under the same name is another zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub Uuid);

/// Everything a nameserver serves of a zone at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneSnapshot {
    /// Which zone.
    pub id: ZoneId,
    /// Its name.
    pub name: ZoneName,
    /// The SOA, whose serial is the version's.
    pub soa: Soa,
    /// All other records: the users' and the server's own, in no particular order.
    pub records: Vec<ResourceRecord>,
}

impl ZoneSnapshot {
    /// The version's serial.
    pub fn serial(&self) -> Serial {
        self.soa.serial
    }
}

/// The step from one version of a zone to a later one. A record of the later version is never both removed and added, unless
/// its TTL or spelling changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneDelta {
    /// Which zone.
    pub id: ZoneId,
    /// Its name.
    pub name: ZoneName,
    /// The SOA of the version that the step starts from.
    pub from: Soa,
    /// The SOA of the version that it leads to.
    pub to: Soa,
    /// What the later version no longer has.
    pub removed: Vec<ResourceRecord>,
    /// What the later version has in addition.
    pub added: Vec<ResourceRecord>,
}
