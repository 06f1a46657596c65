//! The catalog of a zone, and the names of catalogs.

use dns::{Name, ZoneId, ZoneName};
use store::{CATALOGS, Reservation, Reserved};

/// One of the 256 catalog zones, `c00` to `cff`.
///
/// The number never changes its meaning: secondaries have it in their configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CatalogName(pub u8);

impl CatalogName {
    /// All catalogs, in order.
    pub fn all() -> impl Iterator<Item = CatalogName> {
        (0..=u8::MAX).map(CatalogName)
    }

    /// The catalog a zone is in.
    pub fn for_zone(zone: &ZoneName) -> CatalogName {
        CatalogName(store::catalog_of(zone))
    }

    /// The catalog's own name as a zone.
    pub fn zone(self) -> ZoneName {
        ZoneName::from_stored(self.below(&[]))
    }

    /// Whether a zone of this name could stand in the catalogs' way: no account may hold it, and none is deployed.
    pub(crate) fn is_reserved(name: &ZoneName) -> bool {
        Reserved::default().of(name) == Some(Reservation::Catalogs)
    }

    /// The owner of a member's PTR record: its identity, without hyphens, as the label.
    pub fn member(self, zone: ZoneId) -> Name {
        let label = zone.0.simple().to_string();
        self.below(&[label.as_bytes(), b"zones"])
    }

    /// The owner of the version that the catalog's form has (RFC 9432, section 4.3.1).
    pub fn version(self) -> Name {
        self.below(&[b"version"])
    }

    /// The name of its file.
    pub fn file_name(self) -> String {
        format!("{}.catalog", self.label())
    }

    fn label(self) -> String {
        format!("c{:02x}", self.0)
    }

    #[expect(clippy::expect_used, reason = "at most six short labels")]
    fn below(self, labels: &[&[u8]]) -> Name {
        let own = self.label();
        let labels = labels.iter().copied().chain([own.as_bytes()]).chain(CATALOGS);
        Name::from_labels(labels).expect("a short name")
    }
}

#[cfg(test)]
mod tests {
    use uuid::uuid;

    use super::*;

    #[test]
    fn members_are_named_by_their_identity() {
        let zone = ZoneId(uuid!("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f40a7"));
        let catalog = CatalogName(0xa7);
        assert_eq!(catalog.zone().to_string(), "ca7.catalogs.zonewright.invalid");
        let member = catalog.member(zone);
        assert_eq!(member.to_string(), "0190a1b2c3d47e5f8a9b0c1d2e3f40a7.zones.ca7.catalogs.zonewright.invalid");
        assert_eq!(CatalogName::all().count(), 256);
        assert!(CatalogName::all().all(|catalog| CatalogName::is_reserved(&catalog.zone())));
        assert!(!CatalogName::is_reserved(&ZoneName::parse("example.com").unwrap()));
    }
}
