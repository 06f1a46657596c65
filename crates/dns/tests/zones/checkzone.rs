//! Nothing that is accepted may be refused or ignored by BIND.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;

use dns::RecordType;
use dns::change::Edit;
use dns::zonefile::render;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::generate::{history, live_through};
use crate::memory::{Given, Zone, apex};
use crate::{bind, generate};

/// Each costs a process; together they should take some ten seconds on two slow cores.
const ZONES: u32 = 1000;
/// Loaded by one `named`, which takes 30 ms to set up a view.
const SERVED: usize = 150;

#[test]
fn random_zones_load_unaltered() {
    let seen = Mutex::new(Seen::default());
    let threads = thread::available_parallelism().map_or(2, usize::from).min(8) as u32;
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| check_random_zones(ZONES / threads, &seen))).collect();
        for worker in workers {
            worker.join().unwrap();
        }
    });
    seen.into_inner().unwrap().assert_wide();
}

fn check_random_zones(cases: u32, seen: &Mutex<Seen>) {
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: bind::MAX_SHRINK_ITERS,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&history(), |(mut zone, changes)| {
        live_through(&mut zone, &changes);
        let snapshot = zone.snapshot();
        bind::assert_loads_unaltered(&snapshot).map_err(TestCaseError::fail)?;
        assert_eq!(render(&snapshot).lines().count(), snapshot.records.len() + 2, "a line for each record");
        seen.lock().unwrap().note(&zone);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn named_itself_loads_random_zones() {
    use proptest::strategy::{Strategy, ValueTree};

    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let strategy = generate::history();
    let snapshots: Vec<_> = (0..SERVED)
        .map(|_| {
            let (mut zone, changes) = strategy.new_tree(&mut runner).unwrap().current();
            live_through(&mut zone, &changes);
            zone.snapshot()
        })
        .collect();
    let complaints = bind::serve(&snapshots);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What fits an answer by a hair must reach the secondaries too.
#[test]
fn the_largest_record_is_transferred() {
    let mut zone = Zone::new("example.com", apex(&[("ns1.zonewright.test", &[])]));
    let (name, value) = (format!("nn.{}", "n".repeat(63)), "x".repeat(65_000));
    let given = Given { record_type: RecordType::Txt, name, value, priority: None, ttl: None };
    let edit = Edit::Create(zone.new_id(), given.parse(&zone.name).unwrap());
    let plan = zone.plan(&[edit]).unwrap();
    zone.commit(&plan);
    let key = ["k".repeat(40), "k".repeat(21)].join(".");
    assert_eq!(dns::Name::parse(&key).unwrap().wire().len(), 64);
    assert!(bind::transfers(&zone.snapshot(), &key));
}

/// What the random zones had, so that the test cannot become empty unnoticed.
#[derive(Default)]
struct Seen(BTreeMap<String, usize>);

impl Seen {
    fn note(&mut self, zone: &Zone) {
        let mut sets: BTreeMap<_, usize> = BTreeMap::new();
        for record in zone.records() {
            let record_type = record.data.record_type();
            *sets.entry((&record.owner, record_type)).or_default() += 1;
            let mut count = |what: String| *self.0.entry(what).or_default() += 1;
            count(record_type.to_string());
            count(format!("TTL {}", record.ttl));
            if record.owner.is_wildcard() {
                count("wildcard".to_owned());
            }
            if record.owner.in_zone(&zone.name).wire().len() == 255 {
                count("name of 255 octets".to_owned());
            }
            if record.data.wire().len() > 60_000 {
                count("huge TXT".to_owned());
            }
            if record_type == RecordType::Ns {
                let host = record.data.target().unwrap().name();
                let inside = if host.is_within(zone.name.name()) { "inside" } else { "outside" };
                let place = if record.owner.is_apex() { "apex" } else { "delegation" };
                count(format!("{place} NS {inside}"));
            }
        }
        *self.0.entry("RRset of 100".to_owned()).or_default() += sets.values().filter(|count| **count == 100).count();
    }

    fn assert_wide(&self) {
        let types = RecordType::EDITABLE.map(|known| known.to_string());
        let types = types.iter().map(String::as_str).chain(["TYPE65280"]);
        let others = ["TTL 0", "TTL 2147483647", "wildcard", "name of 255 octets", "huge TXT", "RRset of 100"];
        let nameservers = ["apex NS inside", "apex NS outside", "delegation NS inside", "delegation NS outside"];
        for what in types.chain(others).chain(nameservers) {
            assert!(self.0.get(what).copied().unwrap_or_default() >= 5, "{what} is too rare: {:?}", self.0);
        }
    }
}
