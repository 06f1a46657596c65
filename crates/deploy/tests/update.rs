//! Dynamic updates of a real named: what it refuses, the traps in the order of an update, and updates whose answer is lost.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::content::{Line, NS, record, step, version};
use common::dynamic::Dynamic;
use deploy::bind9::control::Command;
use deploy::signing;
use dns::{Name, Serial};
use futures_util::future::join_all;
use tokio::sync::Notify;
use wire::WireRecord;
use wire::secret::Algorithm;
use wire::tsig::{TsigFault, TsigKey};
use wire::update::{MessageError, NotSent, Outcome, Settings, UpdateBuilder, UpdateError, UpdateMessage, Updater};

#[tokio::test]
async fn a_wrong_key_changes_nothing_and_is_named() {
    let named = Dynamic::open();
    let before = version("keys.test", 1, &[NS]);
    named.load(&before).await;
    let after = version("keys.test", 2, &[NS, ("www", 300, "A", "192.0.2.1")]);

    let unknown = TsigKey::generate(Name::parse("nobody").unwrap(), Algorithm::Sha256).unwrap();
    let wrong = TsigKey::generate(named.key.name().clone(), Algorithm::Sha256).unwrap();
    for (key, fault) in [(unknown, TsigFault::UnknownKey), (wrong, TsigFault::WrongSecret)] {
        let updater = Updater::new(named.channel.named.dns(), &key, Settings::default(), named.clock.clone());
        let error = updater.apply(&step(&before, &after)).await.unwrap_err();
        assert!(matches!(&error, UpdateError::Tsig(found) if *found == fault), "{error:?}");
    }
    let now = store::Clock::system().now();
    let late = store::Clock::from_fn(move || now - Duration::from_secs(3600));
    let updater = Updater::new(named.channel.named.dns(), &named.key, Settings::default(), signing::clock(&late));
    let error = updater.apply(&step(&before, &after)).await.unwrap_err();
    assert!(matches!(error, UpdateError::Tsig(TsigFault::Clock)), "{error:?}");
    named.assert_serves(&before).await;
}

#[tokio::test]
async fn a_step_that_cannot_be_a_message_is_not_sent() {
    let text = |index: u32| ("big", 300, "TXT", format!("{index:0>250}"));
    let many: Vec<_> = (0..300).map(text).collect();
    let mut lines: Vec<Line<'_>> = vec![NS];
    lines.extend(many.iter().map(|(owner, ttl, record_type, data)| (*owner, *ttl, *record_type, data.as_str())));
    let (small, large) = (version("large.test", 1, &[NS]), version("large.test", 2, &lines));
    let keys = |serial: u32| version("large.test", serial, &[NS, ("www", 300, "DNSKEY", "256 3 13 AAAA")]);
    let next = version("large.test", 2, &[NS]);

    // Nobody listens there: an update that was sent would be an error of another kind.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let key = TsigKey::generate(Name::parse("k").unwrap(), Algorithm::Sha256).unwrap();
    let address = silent.local_addr().unwrap();
    let updater = Updater::new(address, &key, Settings::default(), signing::clock(&store::Clock::system()));
    for (delta, expected) in [
        (step(&small, &large), MessageError::TooLarge { records: 300 }),
        (step(&small, &keys(2)), MessageError::Keys),
        (step(&keys(1), &next), MessageError::Keys),
        (step(&large, &small), MessageError::SerialNotNewer { from: Serial(2), to: Serial(1) }),
        (step(&small, &small), MessageError::SerialNotNewer { from: Serial(1), to: Serial(1) }),
    ] {
        match updater.apply(&delta).await {
            Err(UpdateError::Message(error)) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
    }
    silent.set_nonblocking(true).unwrap();
    assert!(silent.accept().is_err(), "something connected");
}

#[tokio::test]
async fn the_largest_message_is_taken_and_one_record_more_is_refused_here() {
    let named = Dynamic::open();
    let before = version("full.test", 1, &[NS]);
    named.load(&before).await;
    let zone = before.name.clone();
    let mut after = version("full.test", 2, &[NS]);
    let message = loop {
        let index = after.records.len();
        let line = format!("{index:0>250}");
        after.records.push(record(&zone, (&format!("t{}", index % 50), 300, "TXT", &line)));
        if UpdateMessage::from_delta(&step(&before, &after)).is_err() {
            after.records.pop();
            break UpdateMessage::from_delta(&step(&before, &after)).unwrap();
        }
    };
    assert!(message.len() > 64_800, "{}", message.len());
    assert_eq!(named.updater().send(message).await.unwrap(), Outcome::Applied);
    named.assert_serves(&after).await;
}

#[tokio::test]
async fn a_zone_that_is_not_there_is_not_served() {
    let named = Dynamic::open();
    let (before, after) = (version("absent.test", 1, &[NS]), version("absent.test", 2, &[NS]));
    assert_eq!(named.updater().apply(&step(&before, &after)).await.unwrap(), Outcome::NotServed);
}

#[tokio::test]
async fn a_frozen_zone_refuses() {
    let named = Dynamic::open();
    let (before, after) = (version("frozen.test", 1, &[NS]), version("frozen.test", 2, &[NS]));
    named.load(&before).await;
    let updater = named.updater();
    named.channel.ok(Command::Freeze(before.name.clone())).await;
    assert_eq!(updater.apply(&step(&before, &after)).await.unwrap(), Outcome::Refused);
    named.channel.ok(Command::Thaw(before.name.clone())).await;
    common::channel::eventually(async || updater.apply(&step(&before, &after)).await.unwrap() == Outcome::Applied)
        .await;
}

#[tokio::test]
async fn more_records_than_bind_takes_is_its_failure() {
    let named = Dynamic::open();
    let before = version("many.test", 1, &[NS]);
    named.load(&before).await;
    let mut after = version("many.test", 2, &[NS]);
    for host in 0..101 {
        after.records.push(record(&before.name, ("www", 300, "A", &format!("192.0.2.{host}"))));
    }
    assert_eq!(named.updater().apply(&step(&before, &after)).await.unwrap(), Outcome::ServerFailed);
    named.assert_serves(&before).await;
}

#[tokio::test]
async fn a_late_writer_loses_and_changes_nothing() {
    let named = Dynamic::open();
    let first = version("race.test", 1, &[NS, ("www", 300, "A", "192.0.2.1")]);
    named.load(&first).await;
    let winner = version("race.test", 5, &[NS, ("www", 300, "A", "192.0.2.5")]);
    let loser = version("race.test", 9, &[NS, ("www", 300, "A", "192.0.2.9"), ("new", 300, "A", "192.0.2.9")]);
    let updater = named.updater();
    assert_eq!(updater.apply(&step(&first, &winner)).await.unwrap(), Outcome::Applied);
    assert_eq!(updater.apply(&step(&first, &loser)).await.unwrap(), Outcome::Conflict);
    named.assert_serves(&winner).await;

    // Another SOA with the same serial is another version, too.
    let mut other = winner.clone();
    other.soa.refresh += 1;
    assert_eq!(updater.apply(&step(&other, &loser)).await.unwrap(), Outcome::Conflict);
    named.assert_serves(&winner).await;

    // Of many that start from one version, one wins.
    let steps: Vec<_> = (10..40)
        .map(|serial| step(&winner, &version("race.test", serial, &[NS, ("www", 300, "A", "192.0.2.7")])))
        .collect();
    let updaters: Vec<_> = (0..3).map(|_| named.updater()).collect();
    let outcomes = join_all(steps.iter().enumerate().map(|(index, step)| updaters[index % 3].apply(step))).await;
    let applied = outcomes.into_iter().filter(|outcome| *outcome.as_ref().unwrap() == Outcome::Applied).count();
    assert_eq!(applied, 1);
}

#[tokio::test]
async fn every_trap_in_the_order_of_an_update_is_avoided() {
    let named = Dynamic::open();
    let (x, y, z) = (("@", 3600, "NS", "x.net."), ("@", 3600, "NS", "y.net."), ("@", 3600, "NS", "z.net."));
    let many: Vec<String> = (0..100).map(|host| format!("192.0.2.{host}")).collect();
    let others: Vec<String> = (0..100).map(|host| format!("198.51.100.{host}")).collect();
    fn full(addresses: &[String]) -> Vec<Line<'_>> {
        let addresses = addresses.iter().map(|address| ("full", 300, "A", address.as_str()));
        [NS].into_iter().chain(addresses).collect()
    }
    let histories: Vec<(&str, Vec<Vec<Line<'_>>>)> = vec![
        ("the whole NS set is replaced", vec![vec![x, y], vec![z], vec![x, y], vec![y, z], vec![x]]),
        (
            "the NS set gets another TTL",
            vec![
                vec![x, y],
                vec![("@", 60, "NS", "x.net."), ("@", 60, "NS", "y.net.")],
                vec![("@", 7, "NS", "x.net.")],
            ],
        ),
        (
            "the NS set moves into the zone, with its addresses, and out again",
            vec![
                vec![x],
                vec![("@", 3600, "NS", "ns.traps2.test."), ("ns", 300, "A", "192.0.2.1")],
                vec![("@", 3600, "NS", "ns0.traps2.test."), ("ns0", 300, "AAAA", "2001:db8::1")],
                vec![x],
            ],
        ),
        (
            "a CNAME takes the place of an A, and gives it back",
            vec![
                vec![NS, ("www", 300, "A", "192.0.2.1"), ("www", 300, "TXT", "t")],
                vec![NS, ("www", 300, "CNAME", "x.net.")],
                vec![NS, ("www", 60, "CNAME", "y.net.")],
                vec![NS, ("www", 300, "A", "192.0.2.1"), ("www", 300, "MX", "1 x.net.")],
            ],
        ),
        (
            "TTLs change: of one of two, of both, with a record that joins, with one that leaves",
            vec![
                vec![NS, ("www", 300, "A", "192.0.2.1"), ("www", 300, "A", "192.0.2.2")],
                vec![NS, ("www", 600, "A", "192.0.2.1"), ("www", 600, "A", "192.0.2.2")],
                vec![NS, ("www", 60, "A", "192.0.2.1"), ("www", 60, "A", "192.0.2.2"), ("www", 60, "A", "192.0.2.3")],
                vec![NS, ("www", 900, "A", "192.0.2.3")],
                vec![NS, ("www", 0, "A", "192.0.2.4")],
                vec![NS, ("www", 2_147_483_647, "A", "192.0.2.4")],
            ],
        ),
        (
            "the last record of a name goes, also below a wildcard and as an empty non-terminal",
            vec![
                vec![NS, ("*", 300, "A", "192.0.2.1"), ("a.b", 300, "A", "192.0.2.2"), ("www", 300, "A", "192.0.2.3")],
                vec![NS, ("*", 300, "A", "192.0.2.1"), ("a.b", 300, "A", "192.0.2.2")],
                vec![NS, ("*", 300, "A", "192.0.2.1")],
                vec![NS],
            ],
        ),
        (
            "a delegation comes, changes whole, and goes",
            vec![
                vec![NS],
                vec![NS, ("sub", 300, "NS", "x.net."), ("sub", 300, "NS", "y.net.")],
                vec![NS, ("sub", 300, "NS", "z.net.")],
                vec![NS, ("sub", 300, "A", "192.0.2.1")],
            ],
        ),
        ("an RRset as large as BIND takes is replaced", vec![full(&many), full(&others), vec![NS], full(&many)]),
    ];
    let updater = named.updater();
    for (index, (title, versions)) in histories.iter().enumerate() {
        let name = format!("traps{index}.test");
        let mut versions = versions.iter().zip(1..).map(|(lines, serial)| version(&name, serial * 10, lines));
        let mut current = versions.next().unwrap();
        named.load(&current).await;
        named.assert_serves(&current).await;
        for next in versions {
            assert_eq!(updater.apply(&step(&current, &next)).await.unwrap(), Outcome::Applied, "{title}");
            named.assert_serves(&next).await;
            current = next;
        }
    }
}

#[tokio::test]
async fn the_serial_goes_over_the_wrap() {
    let named = Dynamic::open();
    let mut current = version("wrap.test", u32::MAX - 1, &[NS]);
    named.load(&current).await;
    let updater = named.updater();
    for serial in [u32::MAX, 0, 1, 0x8000_0000] {
        let next = version("wrap.test", serial, &[NS, ("www", 300, "TXT", &serial.to_string())]);
        assert_eq!(updater.apply(&step(&current, &next)).await.unwrap(), Outcome::Applied);
        named.assert_serves(&next).await;
        current = next;
    }
}

#[tokio::test]
async fn a_catalog_takes_several_members_at_once() {
    let named = Dynamic::open();
    let catalog = version("c00.catalog.test", 1, &[NS, ("version", 0, "TXT", "2")]);
    named.load(&catalog).await;
    let after = version("c00.catalog.test", 2, &[NS, ("version", 0, "TXT", "2")]);
    let zone = catalog.name.clone();
    let ptr = |member: u32| WireRecord {
        owner: Name::parse(&format!("m{member}.zones.{zone}")).unwrap(),
        record_type: domain::base::Rtype::PTR,
        ttl: dns::Ttl::MIN,
        data: Name::parse(&format!("zone{member}.example")).unwrap().wire().into(),
    };
    let mut members =
        UpdateBuilder::new(zone.clone(), WireRecord::soa(&catalog.soa, &zone), WireRecord::soa(&after.soa, &zone));
    for member in 0..500 {
        members.add(ptr(member));
    }
    let updater = named.updater();
    assert_eq!(updater.send(members.build().unwrap()).await.unwrap(), Outcome::Applied);
    let mut served = named.transfer(&zone).await.records;
    served.retain(|record| record.record_type == domain::base::Rtype::PTR);
    assert_eq!(served.len(), 500);
    assert!((0..500).all(|member| served.contains(&ptr(member))));
}

#[tokio::test]
async fn updates_that_are_lost_with_the_server_can_be_looked_up() {
    let mut named = Dynamic::open();
    let zones: Vec<_> = (0..40).map(|index| version(&format!("kill{index}.test"), 1, &[NS])).collect();
    for zone in &zones {
        named.load(zone).await;
    }
    let updater = named.updater_with(Settings { patience: Duration::from_secs(2), ..Settings::default() });
    let (applied, all_run) = (AtomicUsize::new(0), Notify::new());
    // Each zone goes on from what was applied last, until the server is gone.
    let run = async |index: usize| {
        let mut current = zones[index].clone();
        loop {
            let serial = current.serial().0 + 1;
            let next = version(&format!("kill{index}.test"), serial, &[NS, ("www", 300, "TXT", &serial.to_string())]);
            match updater.apply(&step(&current, &next)).await {
                Ok(outcome) => assert_eq!(outcome, Outcome::Applied),
                Err(error) => return (current, next, error),
            }
            current = next;
            if applied.fetch_add(1, Ordering::Relaxed) == 200 {
                all_run.notify_one();
            }
        }
    };
    let kill = async {
        all_run.notified().await;
        named.channel.named.kill();
    };
    let (ends, ()) = tokio::join!(join_all((0..zones.len()).map(run)), kill);
    named.channel.named.restart();

    let mut lost = 0;
    for (current, next, error) in ends {
        let served = named.transfer(&current.name).await.serial().unwrap();
        match error {
            UpdateError::Lost(_) => lost += 1,
            UpdateError::NotSent(NotSent::Connect(_)) => assert_eq!(served, current.serial(), "nothing was sent"),
            other => panic!("{other:?}"),
        }
        // What was acknowledged is served again, what was lost either is or is not, and both can be gone on from.
        let from = if served == next.serial() { &next } else { &current };
        named.assert_serves(from).await;
        let serial = from.serial().0 + 1;
        let later = version(&current.name.to_string(), serial, &[NS]);
        assert_eq!(updater.apply(&step(from, &later)).await.unwrap(), Outcome::Applied);
    }
    assert!(lost > 0, "the server was killed with updates in flight");
}
