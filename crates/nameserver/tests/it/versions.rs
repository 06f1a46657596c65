//! Versions: what a delta makes is what a load of the same content makes, and no query sees two of them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dns::rdata::Soa;
use dns::{RecordType, ResourceRecord, Serial, Ttl, ZoneDelta, ZoneSnapshot};
use nameserver::{ApplyError, Zones};

use super::common::client::{Line, Query, Transport, ask, transfer};
use super::common::zones::{random_zone, record, zone};
use super::common::{Ours, Random};

/// The step to `next`, which may be any other content of the same zone.
fn delta(from: &ZoneSnapshot, to: &ZoneSnapshot) -> ZoneDelta {
    let missing_in = |other: &ZoneSnapshot, all: &ZoneSnapshot| -> Vec<ResourceRecord> {
        all.records.iter().filter(|record| !other.records.contains(record)).cloned().collect()
    };
    ZoneDelta {
        id: from.id,
        name: from.name.clone(),
        from: from.soa.clone(),
        to: to.soa.clone(),
        removed: missing_in(to, from),
        added: missing_in(from, to),
    }
}

fn content(ours: &Ours, zone: &ZoneSnapshot) -> (Vec<Line>, BTreeSet<Line>) {
    let lines = transfer(ours.address, &Query::new(zone.name.name(), 252)).unwrap();
    let set = lines.iter().cloned().collect();
    (lines, set)
}

#[test]
fn deltas_lead_to_what_a_load_would_have() {
    let (changed, loaded) = (Ours::start(), Ours::start());
    let mut random = Random(99);
    let mut current = random_zone("example.com", 1, &mut random);
    changed.zones.load(current.clone());
    for serial in 2..60 {
        let mut next = random_zone("example.com", serial, &mut random);
        next.id = current.id;
        // Some of the steps are small: what most records were, they are.
        if serial % 3 != 0 {
            next.records.clone_from(&current.records);
            let ttl = Ttl::new(serial).unwrap();
            let at = random.below(next.records.len());
            let (owner, kind) = (next.records[at].owner.clone(), next.records[at].data.record_type());
            for sibling in &mut next.records {
                if sibling.owner == owner && sibling.data.record_type() == kind {
                    sibling.ttl = ttl;
                }
            }
            next.records.push(record(&next.name, &format!("new{serial} 5 TXT added")));
            if kind != RecordType::Ns && serial % 2 == 0 {
                next.records.remove(at);
            }
        }
        changed.zones.apply(&delta(&current, &next)).unwrap();
        loaded.zones.load(next.clone());
        assert_eq!(changed.zones.served(&next.name), Some((next.id, Serial(serial))));
        let ((changed, set), (loaded, same)) = (content(&changed, &next), content(&loaded, &next));
        assert_eq!(set, same, "serial {serial}");
        assert_eq!(changed.len(), loaded.len());
        assert_eq!(changed.len(), next.records.len() + 2);
        current = next;
    }
}

#[test]
fn a_delta_that_does_not_fit_changes_nothing() {
    let zones = Zones::new();
    let lines = ["@ 60 NS ns.example.net", "www 60 A 192.0.2.1", "www 60 A 192.0.2.2"];
    let first = zone("example.com", 1, &lines);
    let second = zone("example.com", 2, &[lines[0], lines[1], "new 60 A 192.0.2.3"]);
    let step = ZoneDelta { id: first.id, ..delta(&first, &second) };
    assert_eq!(zones.apply(&step), Err(ApplyError::NotServed));
    zones.load(first.clone());

    let at = |step: &ZoneDelta, serial| Soa { serial: Serial(serial), ..step.from.clone() };
    let one = |line| vec![record(&first.name, line)];
    let other = |change: &dyn Fn(&mut ZoneDelta)| {
        let mut step = step.clone();
        change(&mut step);
        zones.apply(&step).unwrap_err()
    };
    assert_eq!(other(&|step| step.id = second.id), ApplyError::NotServed);
    assert_eq!(other(&|step| step.name = "example.org".parse_zone()), ApplyError::NotServed);
    assert_eq!(other(&|step| step.from = at(step, 0)), ApplyError::OtherSerial { served: Serial(1) });
    for (removed, added) in [
        (vec![], one("www 60 A 192.0.2.1")),
        (vec![], one("www 61 A 192.0.2.9")),
        (one("www 60 A 192.0.2.9"), vec![]),
        (one("www 61 A 192.0.2.1"), vec![]),
        (one("nothing 60 A 192.0.2.1"), vec![]),
        (one("www 60 TXT text"), vec![]),
    ] {
        let error = other(&|step| (step.removed, step.added) = (removed.clone(), added.clone()));
        assert!(matches!(error, ApplyError::Diverged { .. }), "{error}");
    }
    assert_eq!(zones.served(&first.name), Some((first.id, Serial(1))));
    assert_eq!(zones.apply(&step), Ok(()));
    assert_eq!(zones.served(&first.name), Some((first.id, Serial(2))));
    assert_eq!(zones.apply(&step), Err(ApplyError::OtherSerial { served: Serial(2) }));

    zones.remove(&first.name);
    zones.remove(&first.name);
    assert_eq!((zones.served(&first.name), zones.len(), zones.is_empty()), (None, 0, true));
}

trait ParseZone {
    fn parse_zone(&self) -> dns::ZoneName;
}

impl ParseZone for str {
    fn parse_zone(&self) -> dns::ZoneName {
        dns::ZoneName::parse(self).unwrap()
    }
}

/// Every version has its serial as the text of each of its names, so an answer with two texts, or a text beside another
/// serial, is a mix.
#[test]
fn no_answer_mixes_two_versions() {
    fn version(serial: u32) -> ZoneSnapshot {
        let lines = [
            "@ 60 NS ns.example.net".to_owned(),
            format!("a 60 CNAME v{serial}.example.com"),
            format!("v{serial} 60 MX 10 host.example.com"),
            format!("host 60 A 192.0.2.{}", serial % 200),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut version = zone("example.com", serial, &lines);
        version.id = zone("example.com", 1, &[]).id;
        version
    }
    let ours = Ours::start();
    ours.zones.load(version(1));
    let done = AtomicBool::new(false);
    let (answers, transfers) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let mx = Query::new(&dns::Name::parse("a.example.com").unwrap(), 15);
    let axfr = Query::new(&dns::Name::parse("example.com").unwrap(), 252);
    std::thread::scope(|scope| {
        let readers: Vec<_> = [Transport::Udp, Transport::Udp, Transport::Tcp]
            .map(|transport| {
                let (ours, done, mx, answers) = (&ours, &done, &mx, &answers);
                scope.spawn(move || {
                    let mut seen = BTreeSet::new();
                    while !done.load(Ordering::Relaxed) {
                        let answer = ask(ours.address, mx, transport).unwrap();
                        let (alias, exchange) = (answer.answer.first().unwrap(), answer.answer.last().unwrap());
                        assert_eq!(
                            (answer.rcode, answer.answer.len(), answer.additional.len()),
                            (0, 2, 1),
                            "{answer:?}"
                        );
                        assert_eq!(alias.3.trim_matches(['"', '.']), exchange.0, "{answer:?}");
                        let serial: u32 =
                            exchange.0.trim_start_matches('v').split('.').next().unwrap().parse().unwrap();
                        let address = &answer.additional.first().unwrap().3;
                        assert_eq!(*address, format!("\"192.0.2.{}\"", serial % 200), "{answer:?}");
                        seen.insert(serial);
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                    seen.len()
                })
            })
            .into();
        let transferring = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let lines = transfer(ours.address, &axfr).unwrap();
                let serial = lines[0].3.split(' ').nth(2).unwrap().to_owned();
                assert_eq!(lines.len(), 6);
                assert!(lines.iter().any(|line| line.0 == format!("v{serial}.example.com")), "{lines:?}");
                transfers.fetch_add(1, Ordering::Relaxed);
            }
        });
        let deadline = Instant::now() + Duration::from_secs(60);
        let finished = || answers.load(Ordering::Relaxed) > 3000 && transfers.load(Ordering::Relaxed) > 200;
        for serial in 1.. {
            if finished() || readers.iter().any(|reader| reader.is_finished()) || transferring.is_finished() {
                break;
            }
            assert!(Instant::now() < deadline, "the readers get no answers");
            let step = delta(&version(serial), &version(serial + 1));
            ours.zones.apply(&step).unwrap();
            std::thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
        let seen: usize = readers.into_iter().map(|reader| reader.join().unwrap()).max().unwrap();
        transferring.join().unwrap();
        assert!(seen > 100, "the readers saw only {seen} versions");
    });
}

#[test]
fn of_many_writers_with_one_step_one_succeeds() {
    let zones = Zones::new();
    zones.load(zone("example.com", 1, &["@ 60 NS ns.example.net"]));
    for serial in 1..200 {
        let (from, mut to) = (zone("example.com", serial, &[]), zone("example.com", serial + 1, &[]));
        to.records.push(record(&to.name, &format!("n{serial} 60 A 192.0.2.1")));
        let mut step = delta(&from, &to);
        step.id = zones.served(&from.name).unwrap().0;
        let succeeded: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4).map(|_| scope.spawn(|| usize::from(zones.apply(&step).is_ok()))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        assert_eq!(succeeded, 1);
    }
}
