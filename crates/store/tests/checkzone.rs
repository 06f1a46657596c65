//! BIND takes the zone file of every version, in a history with everything that makes versions.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers clippy does not know as such")]

mod common;

use std::fs;
use std::process::Command;

use common::{Fixture, apex, delete, replace};
use dns::change::{Edit, NewRecord, TtlChoice};
use dns::{OwnerName, RecordData, RecordType, Serial, Ttl, zonefile};
use store::*;

/// As many changes: some hundred milliseconds of named-checkzone.
const STEPS: usize = 150;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    /// The next, below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

const OWNERS: [&str; 7] = ["@", "www", "ns", "mail", "a.b", "*", "_sip._tcp"];
const VALUES: [(RecordType, &str, Option<u16>); 12] = [
    (RecordType::A, "192.0.2.1", None),
    (RecordType::A, "192.0.2.2", None),
    (RecordType::Aaaa, "2001:db8::1", None),
    (RecordType::Ns, "ns2.other.test", None),
    (RecordType::Ns, "ns.example.com", None),
    (RecordType::Cname, "www.example.net", None),
    (RecordType::Mx, "mail.example.com", Some(10)),
    (RecordType::Mx, ".", Some(0)),
    (RecordType::Txt, "v=spf1 mx -all", None),
    (RecordType::Txt, "\"a \\\"quoted\\\" text\" \"; and no comment\"", None),
    (RecordType::Srv, "5 5060 mail.example.com", Some(10)),
    (RecordType::Caa, "0 issue \"ca.example.net\"", None),
];

fn random_edit(f: &Fixture, zone: &Zone, live: &[StoredRecord], numbers: &mut Numbers) -> Option<Edit> {
    let (record_type, value, priority) = VALUES[numbers.below(VALUES.len())];
    let ttl = [None, Ttl::new(0), Ttl::new(300), Ttl::new(86_400)][numbers.below(4)];
    let wanted = NewRecord {
        owner: OwnerName::parse(OWNERS[numbers.below(OWNERS.len())], &zone.name).unwrap(),
        data: RecordData::parse(record_type, value, priority, &zone.name).unwrap(),
        ttl: ttl.map_or(TtlChoice::Join(Ttl::DEFAULT), TtlChoice::Set),
    };
    let some = |numbers: &mut Numbers| live.get(numbers.below(live.len().max(1)));
    Some(match numbers.below(8) {
        0..=4 => Edit::Create(f.store.new_record_id(), wanted),
        5 => replace(some(numbers)?, wanted),
        _ => delete(some(numbers)?.record.id),
    })
}

#[tokio::test]
async fn every_version_loads() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let mut numbers = Numbers(7);
    let mut serials: Vec<Serial> = vec![zone.serial];
    for step in 0..STEPS {
        f.clock.advance(numbers.below(3) as i64);
        let live =
            f.store.records(me.account, Some(zone.id), RecordFilter::default(), None, 1000).await.unwrap().unwrap();
        match step % 15 {
            5 => {
                let nameservers =
                    [("ns1.zonewright.test", &[][..]), ("ns9.example.com", &["192.0.2.9", "2001:db8::9"])];
                let other = f.another_with(apex(&nameservers[step / 15 % 2..][..1]));
                other.command_line().roll_out_apex(10).await.unwrap();
                other.close().await;
            }
            9 => {
                let back = Wish::Version(serials[numbers.below(serials.len())]);
                // It may be against the rules of today's nameservers.
                let _ = f.store.change(&me, zone.id, Change::of(back)).await;
            }
            14 => {
                f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
                f.operator().undelete_zone(zone.id).await.unwrap();
            }
            _ => {
                let edits: Vec<_> =
                    (0..1 + numbers.below(3)).filter_map(|_| random_edit(&f, &zone, &live, &mut numbers)).collect();
                // What the rules refuse makes no version.
                let _ = f.store.change(&me, zone.id, edits).await;
            }
        }
        serials.push(f.store.journal().head(&zone.name).await.unwrap().unwrap().serial);
    }

    let history = f.store.history(me.account, zone.id, None, 1000).await.unwrap().unwrap().versions;
    let made_by = |source: Source| history.iter().filter(|version| version.source == source).count();
    assert!(made_by(Source::Api) > 50 && made_by(Source::Undelete) > 5 && made_by(Source::Server) > 5, "{history:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zone");
    for version in &history {
        let snapshot = f.store.snapshot_at(me.account, zone.id, version.serial).await.unwrap();
        fs::write(&file, zonefile::render(&snapshot)).unwrap();
        let checked = Command::new("named-checkzone")
            // As named is told for the zones it gets: what depends on other records is the owner's business.
            .args(["-k", "ignore", "-i", "none", "-m", "ignore", "-M", "ignore", "-S", "ignore", "-T", "ignore"])
            .args(["-n", "fail", "-r", "fail", "example.com"])
            .arg(&file)
            .output()
            .expect("named-checkzone runs (Debian: bind9-utils)");
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        let loaded = format!("zone example.com/IN: loaded serial {}\nOK\n", version.serial);
        assert_eq!(said, loaded, "{}", zonefile::render(&snapshot));
    }
}
