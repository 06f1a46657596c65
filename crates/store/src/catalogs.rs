//! Catalogs: which zones there are, in 256 parts that have serials like zones (RFC 9432).
//!
//! Their serials are kept here, so that all nodes that share the data give the same content the same serial, and secondaries can
//! take it from any of their primaries.

use dns::{Serial, ZoneId, ZoneName};
use sha2::{Digest, Sha256};

/// Which of the 256 catalogs a zone is in: the first octet of a hash of its name. Stored; it never changes.
///
/// By the name and not by the zone's identity: a zone that is deleted and made again is in the same catalog then, and the old
/// member leaves no later than the new one joins. In two catalogs, a secondary that sees the second change first takes the new
/// zone for the old one's double, ignores it, and has none when the old one leaves.
pub fn catalog_of(zone: &ZoneName) -> u8 {
    of_key(&zone.name().key())
}

/// [`catalog_of`] the name with this sort key.
pub(crate) fn of_key(key: &[u8]) -> u8 {
    Sha256::digest(key)[0]
}

/// A zone as a catalog has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "what the types say")]
pub struct Member {
    pub id: ZoneId,
    pub name: ZoneName,
}

/// Everything a catalog holds at its newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSnapshot {
    /// The version's serial.
    pub serial: Serial,
    /// The zones in it, in no particular order.
    pub members: Vec<Member>,
}

/// A version of a catalog, by how it differs from the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "what the types say")]
pub struct CatalogVersion {
    pub serial: Serial,
    pub change: CatalogChange,
}

/// How a version of a catalog differs from the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogChange {
    /// A zone was made, or brought back after it had been deleted.
    Joined {
        /// The zone.
        member: Member,
        /// The serial that it had then: what has an older one under its name is an earlier zone, or this one before it left.
        first: Serial,
    },
    /// A zone was deleted.
    Left(Member),
    /// Only the serial is another.
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_of_a_name_never_changes() {
        for (name, catalog) in [("example.com", 221), ("example.org", 20), ("xn--bcher-kva.example", 179)] {
            assert_eq!(catalog_of(&ZoneName::parse(name).unwrap()), catalog, "{name}");
        }
    }
}
