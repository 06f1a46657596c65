//! The content of a catalog zone (RFC 9432, section 4), as records and as a zone file.

use std::fmt::Write as _;

use dns::rdata::Soa;
use dns::{Name, Serial, Ttl};
use domain::base::Rtype;
use store::{CatalogSnapshot, Member};
use wire::WireRecord;

use super::CatalogName;

/// Seconds between a secondary's looks. NOTIFY is quicker; this bounds what a lost one costs.
const REFRESH: u32 = 60;
const RETRY: u32 = 10;
/// Secondaries go on with the zones they know however long the primary is away.
const EXPIRE: u32 = 0x7fff_fffe;
/// Resolvers do not query catalogs.
const TTL: Ttl = Ttl::MIN;

impl CatalogName {
    /// The SOA of a version.
    pub(super) fn soa(self, serial: Serial) -> WireRecord {
        WireRecord::soa(&soa(serial), &self.zone())
    }

    /// What says that a zone is a member.
    pub(super) fn pointer(self, member: &Member) -> WireRecord {
        let data = member.name.name().wire().into();
        WireRecord { owner: self.member(member.id), record_type: Rtype::PTR, ttl: TTL, data }
    }

    /// All records of a version but the SOA.
    pub(super) fn records(self, members: &[Member]) -> Vec<WireRecord> {
        let apex = self.zone().name().clone();
        let ns = WireRecord { owner: apex, record_type: Rtype::NS, ttl: TTL, data: nobody().wire().into() };
        let version =
            WireRecord { owner: self.version(), record_type: Rtype::TXT, ttl: TTL, data: Box::new([1, b'2']) };
        let mut records = vec![ns, version];
        records.extend(members.iter().map(|member| self.pointer(member)));
        records
    }

    /// The zone file of a version.
    pub(super) fn zone_file(self, snapshot: &CatalogSnapshot) -> String {
        let mut text = String::new();
        let ttl = TTL.seconds();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {ttl} IN SOA {}", self.zone().name().fqdn(), soa(snapshot.serial));
        let _ = writeln!(text, "{} {ttl} IN NS {}", self.zone().name().fqdn(), nobody().fqdn());
        let _ = writeln!(text, "{} {ttl} IN TXT \"2\"", self.version().fqdn());
        for member in &snapshot.members {
            let (owner, name) = (self.member(member.id), member.name.name());
            let _ = writeln!(text, "{} {ttl} IN PTR {}", owner.fqdn(), name.fqdn());
        }
        text
    }
}

fn soa(serial: Serial) -> Soa {
    let (refresh, retry, expire) = (REFRESH, RETRY, EXPIRE);
    Soa { mname: nobody(), rname: nobody(), serial, refresh, retry, expire, minimum: 0, ttl: TTL }
}

/// `invalid.`, as RFC 9432, section 4.2 wants it.
#[expect(clippy::expect_used, reason = "one short label")]
fn nobody() -> Name {
    Name::from_labels([b"invalid".as_slice()]).expect("a short name")
}

#[cfg(test)]
mod tests {
    use dns::{ZoneId, ZoneName};
    use uuid::uuid;

    use super::*;

    #[test]
    fn the_file_has_the_records() {
        let member = Member {
            id: ZoneId(uuid!("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f40a7")),
            name: ZoneName::parse("0/25.2.0.192.in-addr.arpa").unwrap(),
        };
        let catalog = CatalogName(0xa7);
        let file = catalog.zone_file(&CatalogSnapshot { serial: Serial(7), members: vec![member.clone()] });
        assert_eq!(
            file,
            "ca7.catalogs.zonewright.invalid. 0 IN SOA invalid. invalid. 7 60 10 2147483646 0\n\
             ca7.catalogs.zonewright.invalid. 0 IN NS invalid.\n\
             version.ca7.catalogs.zonewright.invalid. 0 IN TXT \"2\"\n\
             0190a1b2c3d47e5f8a9b0c1d2e3f40a7.zones.ca7.catalogs.zonewright.invalid. 0 IN PTR 0/25.2.0.192.in-addr.arpa.\n"
        );
        assert_eq!(catalog.records(&[member]).len(), 3);
    }
}
