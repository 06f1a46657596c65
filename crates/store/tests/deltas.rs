//! What nameservers are brought up to date from. Random histories, with zones deleted and made again, other nameservers rolled
//! out and a clock that jumps; after each, every step from every version that ever was must lead to the head.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers clippy does not know as such")]

mod common;

use std::collections::{BTreeSet, HashMap};

use common::{Fixture, Rows, apex, delete, zone_name};
use dns::apex::Apex;
use dns::change::{Edit, NewRecord, TtlChoice};
use dns::rdata::Soa;
use dns::{OwnerName, RecordData, RecordType, ResourceRecord, Serial, Ttl, ZoneId, ZoneSnapshot};
use proptest::prelude::*;
use store::{Author, RecordFilter, StoredRecord, Zone};

/// A record as DNS compares it, with its TTL.
type Line = (String, RecordType, Vec<u8>, u32);

fn line(record: &ResourceRecord) -> Line {
    (record.owner.to_string(), record.data.record_type(), record.data.wire(), record.ttl.seconds())
}

/// The set; fails where a record stands twice.
fn set(records: &[ResourceRecord]) -> BTreeSet<Line> {
    let lines: BTreeSet<Line> = records.iter().map(line).collect();
    assert_eq!(lines.len(), records.len(), "a record stands twice: {records:?}");
    lines
}

#[derive(Debug, Clone)]
enum Step {
    Change(Vec<Wish>),
    DeleteZone { make_again: bool },
    RollOut(usize),
    Clock(i64),
}

#[derive(Debug, Clone)]
enum Wish {
    Create(usize, usize, Option<u32>),
    Replace(prop::sample::Index, usize, usize, Option<u32>),
    Delete(prop::sample::Index),
}

const OWNERS: [&str; 6] = ["@", "www", "ns1", "ns", "a.b", "*"];

/// What the random records hold: chosen so that they meet the server's own, and each other.
const VALUES: [(RecordType, &str); 10] = [
    (RecordType::A, "192.0.2.1"),
    (RecordType::A, "192.0.2.2"),
    (RecordType::A, "192.0.2.53"),
    (RecordType::Aaaa, "2001:db8::1"),
    (RecordType::Ns, "ns2.other.test"),
    (RecordType::Ns, "ns.example.com"),
    (RecordType::Ns, "ns1.example.com"),
    (RecordType::Cname, "www.example.net"),
    (RecordType::Txt, "plain"),
    (RecordType::Txt, "\"plain\""),
];

fn apexes() -> [Apex; 4] {
    let mut other_timers = apex(&[("ns1.zonewright.test", &[])]);
    other_timers.timers.minimum = 60;
    other_timers.ns_ttl = Ttl::new(60).unwrap();
    [
        apex(&[("ns1.zonewright.test", &[])]),
        apex(&[("ns1.zonewright.test", &[]), ("ns2.other.test", &["192.0.2.54"])]),
        apex(&[("ns1.example.com", &["192.0.2.53", "2001:db8::53"])]),
        other_timers,
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ttl = || prop::option::of(prop::sample::select(vec![60u32, 300]));
    let wish = prop_oneof![
        5 => (0..OWNERS.len(), 0..VALUES.len(), ttl()).prop_map(|(owner, value, ttl)| Wish::Create(owner, value, ttl)),
        3 => (any::<prop::sample::Index>(), 0..OWNERS.len(), 0..VALUES.len(), ttl())
            .prop_map(|(which, owner, value, ttl)| Wish::Replace(which, owner, value, ttl)),
        2 => any::<prop::sample::Index>().prop_map(Wish::Delete),
    ];
    let step = prop_oneof![
        20 => prop::collection::vec(wish, 1..4).prop_map(Step::Change),
        1 => any::<bool>().prop_map(|make_again| Step::DeleteZone { make_again }),
        3 => (0..apexes().len()).prop_map(Step::RollOut),
        2 => prop::sample::select(vec![-1_000_000i64, -1, 1, 5, 100_000]).prop_map(Step::Clock),
    ];
    prop::collection::vec(step, 1..25)
}

struct World {
    fixture: Fixture,
    me: Author,
    zone: Option<Zone>,
    /// Every version that was ever seen.
    past: HashMap<(ZoneId, u32), (Soa, BTreeSet<Line>)>,
    highest: Option<Serial>,
}

impl World {
    async fn new() -> World {
        let fixture = Fixture::new();
        let me = fixture.account("me@example.com").await;
        let mut world = World { fixture, me, zone: None, past: HashMap::new(), highest: None };
        world.make_zone().await;
        world
    }

    async fn make_zone(&mut self) {
        self.zone = Some(self.fixture.zone(&self.me, "example.com").await);
    }

    async fn take(&mut self, step: &Step) {
        let Some(zone) = self.zone.clone() else { return self.make_zone().await };
        match step {
            Step::Change(wishes) => {
                let filter = RecordFilter::default();
                let live = self.fixture.store.records(self.me.account, Some(zone.id), filter, None, 1000).await;
                let live = live.unwrap().unwrap();
                let edits: Vec<_> = wishes.iter().filter_map(|wish| self.edit(&zone, &live, wish)).collect();
                // What the rules refuse must change nothing, which the checks after the step will see.
                let _ = self.fixture.store.change(&self.me, zone.id, edits).await;
            }
            Step::DeleteZone { make_again } => {
                let deleted = self.fixture.store.delete_zone(&self.me, zone.id, Vec::new()).await.unwrap();
                self.highest = Some(deleted.serial);
                assert!(self.fixture.store.journal().snapshot(zone.id).await.unwrap().is_none());
                assert!(self.fixture.store.journal().delta(zone.id, zone.serial).await.unwrap().is_none());
                self.zone = None;
                if *make_again {
                    self.make_zone().await;
                }
            }
            Step::RollOut(which) => {
                let other = self.fixture.another_with(apexes()[*which].clone());
                while other.command_line().roll_out_apex(10).await.unwrap() > 0 {}
                other.close().await;
            }
            Step::Clock(seconds) => self.fixture.clock.advance(*seconds),
        }
    }

    fn edit(&self, zone: &Zone, live: &[StoredRecord], wish: &Wish) -> Option<Edit> {
        let wanted = |owner: usize, value: usize, ttl: Option<u32>| {
            let (record_type, value) = VALUES[value];
            NewRecord {
                owner: OwnerName::parse(OWNERS[owner], &zone.name).unwrap(),
                data: RecordData::parse(record_type, value, None, &zone.name).unwrap(),
                ttl: match ttl.and_then(Ttl::new) {
                    Some(ttl) => TtlChoice::Set(ttl),
                    None => TtlChoice::Join(Ttl::DEFAULT),
                },
            }
        };
        let pick = |which: &prop::sample::Index| (!live.is_empty()).then(|| which.get(live).record.id);
        Some(match wish {
            Wish::Create(owner, value, ttl) => {
                Edit::Create(self.fixture.store.new_record_id(), wanted(*owner, *value, *ttl))
            }
            Wish::Replace(which, owner, value, ttl) => Edit::Replace(pick(which)?, wanted(*owner, *value, *ttl)),
            Wish::Delete(which) => delete(pick(which)?),
        })
    }

    /// Everything that must be true after every step.
    async fn check(&mut self) {
        let Some(zone) = &self.zone else { return };
        let store = &self.fixture.store;
        let head = store.journal().snapshot(zone.id).await.unwrap().unwrap();
        let zone = store.zone(self.me.account, zone.id).await.unwrap().unwrap();
        assert_eq!(zone.serial, head.serial());
        check_content(&head);
        assert_eq!(zone.record_count as i64, self.fixture.count(Rows::LiveRecordsOfLiveZones));

        if let Some(highest) = self.highest {
            assert!(head.serial() == highest || head.serial().is_newer_than(highest), "the serial went back");
        }
        self.highest = Some(head.serial());
        let lines = set(&head.records);
        let known = self.past.insert((zone.id, head.serial().0), (head.soa.clone(), lines.clone()));
        if let Some(known) = known {
            assert_eq!(known, (head.soa.clone(), lines.clone()), "one serial, two contents");
        }
        for ((id, serial), (soa, before)) in &self.past {
            if *id != zone.id {
                continue;
            }
            let delta = store.journal().delta(zone.id, Serial(*serial)).await.unwrap().unwrap();
            assert_eq!((&delta.from, &delta.to), (soa, &head.soa));
            let (removed, added) = (set(&delta.removed), set(&delta.added));
            assert!(removed.is_subset(before), "removes what is not there: {removed:?}");
            assert!(added.is_disjoint(before), "adds what is there: {added:?}");
            let mut after: BTreeSet<Line> = before.difference(&removed).cloned().collect();
            after.extend(added);
            assert_eq!(after, lines, "from {serial}");
        }
        self.zone = Some(zone);
    }
}

/// What BIND would refuse, or serve twice.
fn check_content(head: &ZoneSnapshot) {
    set(&head.records);
    let at = |owner: &OwnerName| -> Vec<RecordType> {
        head.records.iter().filter(|record| record.owner == *owner).map(|record| record.data.record_type()).collect()
    };
    let mut ttls = HashMap::new();
    for record in &head.records {
        let types = at(&record.owner);
        assert!(!types.contains(&RecordType::Cname) || types.len() == 1, "a CNAME beside other data: {head:?}");
        let ttl = ttls.entry((record.owner.clone(), record.data.record_type())).or_insert(record.ttl);
        assert_eq!(*ttl, record.ttl, "one RRset, two TTLs: {head:?}");
        if let RecordData::Ns(ns) = &record.data
            && record.owner.is_apex()
            && let Some(host) = OwnerName::of(ns.host.name(), &head.name)
        {
            let types = at(&host);
            assert!(
                types.contains(&RecordType::A) || types.contains(&RecordType::Aaaa),
                "{host} has no address: {head:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn every_step_leads_to_the_head(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            world.check().await;
            for step in &steps {
                world.take(step).await;
                world.check().await;
            }
            assert_eq!(world.fixture.store.command_line().check().await.unwrap(), Vec::<String>::new());
            world.fixture.store.close().await;
        });
    }
}

#[tokio::test]
async fn what_came_and_went_is_in_no_step() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let empty = f.store.journal().delta(zone.id, zone.serial).await.unwrap().unwrap();
    assert_eq!((empty.removed, empty.added, empty.from), (vec![], vec![], empty.to));
    assert!(
        f.store.journal().delta(zone.id, Serial(zone.serial.0 - 1)).await.unwrap().is_none(),
        "there was no such version"
    );

    let passing = f.add(&me, &zone, "www", "192.0.2.1").await;
    f.add(&me, &zone, "web", "192.0.2.2").await;
    f.store.change(&me, zone.id, vec![delete(passing.record.id)]).await.unwrap();
    let delta = f.store.journal().delta(zone.id, zone.serial).await.unwrap().unwrap();
    assert_eq!((delta.removed.len(), delta.added.len()), (0, 1));
    assert_eq!(delta.added[0].owner.to_string(), "web");
}

#[tokio::test]
async fn a_zone_that_cannot_have_new_nameservers_keeps_the_old() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let (refused, taken) = (f.zone(&me, "example.com").await, f.zone(&me, "example.net").await);
    let other = f.another_with(apex(&[("ns1.example.com", &[])]));
    assert_eq!(other.command_line().roll_out_apex(100).await.unwrap(), 1);
    assert_eq!(other.command_line().roll_out_apex(100).await.unwrap(), 0);
    assert_eq!(other.journal().head(&refused.name).await.unwrap().unwrap().version, refused.version);
    let head = other.journal().snapshot(taken.id).await.unwrap().unwrap();
    assert_eq!(head.soa.mname.to_string(), "ns1.example.com");
    let before = f.store.journal().moves(0).await.unwrap();
    assert_eq!(before.names, [zone_name("example.com"), zone_name("example.net")]);
    assert_eq!(before.position, 3);
}

#[tokio::test]
async fn what_would_hide_a_new_nameservers_addresses_leaves_the_zone() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let lines = [
        (RecordType::Ns, "dns", "ns.example.org"),
        (RecordType::Ds, "dns", "1 13 9 00"),
        (RecordType::A, "ns9.dns", "192.0.2.9"),
        (RecordType::Dname, "b", "example.org"),
        (RecordType::Ns, "c", "ns.example.org"),
        (RecordType::Txt, "dns", "stays"),
    ];
    let edits = lines.map(|(kind, owner, value)| {
        dns::change::Edit::Create(f.store.new_record_id(), common::wish(&zone, owner, kind, value))
    });
    f.store.change(&me, zone.id, edits.to_vec()).await.unwrap();
    let addresses = |address: &'static str| [("ns1.dns.example.com", address), ("ns2.b.example.com", address)];
    let nameservers = addresses("192.0.2.53").map(|(name, address)| (name, vec![address]));
    let nameservers: Vec<_> = nameservers.iter().map(|(name, list)| (*name, list.as_slice())).collect();
    let other = f.another_with(apex(&nameservers));
    assert_eq!(other.command_line().roll_out_apex(10).await.unwrap(), 1);
    let text = dns::zonefile::render(&other.journal().snapshot(zone.id).await.unwrap().unwrap());
    for gone in ["DNAME", " DS ", "dns 3600 IN NS"] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    for there in
        ["ns1.dns 3600 IN A 192.0.2.53", "ns2.b 3600 IN A 192.0.2.53", "ns9.dns 3600 IN A", "c 3600 IN NS", "TXT"]
    {
        assert!(text.contains(there), "{there}: {text}");
    }
}

#[tokio::test]
async fn a_zone_that_a_command_makes_has_the_nameservers_of_the_server() {
    let command = Fixture::new();
    let me = command.account("me@example.com").await;
    let server = command.another_with(apex(&[("ns7.other.test", &[])]));
    assert_eq!(server.command_line().roll_out_apex(100).await.unwrap(), 0);
    let zone = command.zone(&me, "example.com").await;
    let head = command.store.journal().snapshot(zone.id).await.unwrap().unwrap();
    assert_eq!(head.soa.mname.to_string(), "ns7.other.test");
}
