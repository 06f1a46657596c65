//! The past of a zone: every version is what it was, whoever reads it and however long ago.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers clippy does not know as such")]

mod common;

use std::collections::BTreeMap;

use common::{Fixture, START, apex, delete, replace, wish};
use dns::change::TtlChoice;
use dns::{RecordData, RecordId, RecordType, Serial, Ttl};
use store::*;

/// The users' records, as the differences of all versions make them.
type Content = BTreeMap<RecordId, (String, RecordData, u32)>;

fn apply(content: &mut Content, difference: &Difference) {
    for stored in &difference.removed {
        let record = &stored.record;
        let was = content.remove(&record.id).unwrap();
        assert_eq!(was, (record.owner.to_string(), record.data.clone(), record.ttl.seconds()));
    }
    for stored in &difference.added {
        let record = &stored.record;
        let new = (record.owner.to_string(), record.data.clone(), record.ttl.seconds());
        assert_eq!(content.insert(record.id, new), None);
    }
}

async fn live(store: &Store, account: AccountId, zone: &Zone) -> Content {
    let found = store.records(account, Some(zone.id), RecordFilter::default(), None, 1000).await.unwrap().unwrap();
    found
        .into_iter()
        .map(|stored| {
            let record = stored.record;
            (record.id, (record.owner.to_string(), record.data, record.ttl.seconds()))
        })
        .collect()
}

async fn history(store: &Store, account: AccountId, zone: &Zone) -> Vec<Version> {
    store.history(account, zone.id, None, 1000).await.unwrap().unwrap().versions
}

#[tokio::test]
async fn a_stranger_sees_nothing_of_the_past() {
    let f = Fixture::new();
    let (me, stranger) = (f.account("me@example.com").await, f.account("stranger@example.com").await);
    let zone = f.zone(&me, "example.com").await;
    assert_eq!(f.store.history(stranger.account, zone.id, None, 10).await.unwrap(), None);
    let serial = zone.serial;
    let version = f.store.version(stranger.account, zone.id, serial).await;
    assert!(matches!(version, Err(HistoryError::NoZone)));
    let difference = f.store.difference(stranger.account, zone.id, serial, None).await;
    assert!(matches!(difference, Err(HistoryError::NoZone)));
    let snapshot = f.store.snapshot_at(stranger.account, zone.id, serial).await;
    assert!(matches!(snapshot, Err(HistoryError::NoZone)));
}

#[tokio::test]
async fn who_made_a_version_is_not_told_to_the_zones_next_account() {
    let f = Fixture::new();
    let (me, next) = (f.account("me@example.com").await, f.account("next@example.com").await);
    let mine = Author { address: Some("192.0.2.7".parse().unwrap()), ..me.clone() };
    let zone = f.zone(&mine, "example.com").await;
    let shown = history(&f.store, me.account, &zone).await;
    let by = MadeBy { email: "me@example.com".to_owned(), name: "test".to_owned(), address: mine.address };
    assert_eq!(shown[0].by, Some(by));
    assert!(f.store.move_zone(&zone.name, next.account).await.unwrap());
    f.add(&next, &zone, "www", "192.0.2.1").await;
    let shown = history(&f.store, next.account, &zone).await;
    assert_eq!(shown[0].by.as_ref().unwrap().email, "next@example.com");
    assert_eq!(shown[1].by, None);
}

#[tokio::test]
async fn each_version_says_what_it_changed() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    f.clock.advance(60);
    let www = f.add(&me, &zone, "www", "192.0.2.1").await;
    let changed = wish(&zone, "www", RecordType::A, "192.0.2.2");
    f.store.change(&me, zone.id, vec![replace(&www, changed), f.create(&zone, "web", "192.0.2.3")]).await.unwrap();
    f.store.change(&me, zone.id, vec![delete(www.record.id)]).await.unwrap();
    f.store.journal().raise_serial(zone.id, Serial(START as u32 + 1000)).await.unwrap();

    let versions = history(&f.store, me.account, &zone).await;
    let events: Vec<_> = versions.iter().map(|version| (version.number.0, version.event, version.source)).collect();
    assert_eq!(
        events,
        [
            (5, Event::Changed, Source::Server),
            (4, Event::Changed, Source::Api),
            (3, Event::Changed, Source::Api),
            (2, Event::Changed, Source::Api),
            (1, Event::Created, Source::Api),
        ]
    );
    let counts: Vec<_> = versions.iter().map(|it| (it.counts.removed, it.counts.added, it.counts.changed)).collect();
    assert_eq!(counts, [(0, 0, 0), (1, 0, 0), (1, 2, 1), (0, 1, 0), (0, 0, 0)]);
    assert_eq!((versions[0].by.clone(), versions[4].time.as_second()), (None, START));

    let (version, difference) = f.store.version(me.account, zone.id, versions[2].serial).await.unwrap();
    assert_eq!((&version, difference.from), (&versions[2], Some(versions[3].serial)));
    assert_eq!(difference.changed().collect::<Vec<_>>(), [www.record.id]);
    assert_eq!(difference.removed, std::slice::from_ref(&www));
    let added: Vec<_> = difference.added.iter().map(|stored| stored.record.data.value()).collect();
    assert_eq!(added, ["192.0.2.3", "192.0.2.2"], "by name: web, www");
    assert!(matches!(f.store.version(me.account, zone.id, Serial(7)).await, Err(HistoryError::NoVersion(Serial(7)))));
}

#[tokio::test]
async fn the_difference_between_two_versions_is_net_and_has_a_direction() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let www = f.add(&me, &zone, "www", "192.0.2.1").await;
    let there = async |value: &str| {
        let changed = replace(&www, wish(&zone, "www", RecordType::A, value));
        f.store.change(&me, zone.id, vec![changed]).await.unwrap().zone.serial
    };
    let away = there("192.0.2.2").await;
    let back = there("192.0.2.1").await;
    let passing = f.add(&me, &zone, "passing", "192.0.2.9").await;
    f.store.change(&me, zone.id, vec![delete(passing.record.id)]).await.unwrap();

    let nothing = f.store.difference(me.account, zone.id, www.serial, None).await.unwrap();
    assert_eq!((nothing.removed, nothing.added), (vec![], vec![]), "it is the same again, and what passed is gone");
    let forth = f.store.difference(me.account, zone.id, www.serial, Some(away)).await.unwrap();
    let values = |list: &[StoredRecord]| list.iter().map(|it| it.record.data.value()).collect::<Vec<_>>();
    assert_eq!((values(&forth.removed), values(&forth.added)), (vec!["192.0.2.1".into()], vec!["192.0.2.2".into()]));
    let reverse = f.store.difference(me.account, zone.id, away, Some(www.serial)).await.unwrap();
    assert_eq!((reverse.removed, reverse.added), (forth.added, forth.removed));
    let same = f.store.difference(me.account, zone.id, back, Some(back)).await.unwrap();
    assert_eq!((same.removed, same.added), (vec![], vec![]));
}

#[tokio::test]
async fn the_differences_replay_to_the_present_and_every_version_is_as_it_was() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let mut seen = vec![(zone.serial, f.store.journal().snapshot(zone.id).await.unwrap().unwrap())];
    let mut known: Vec<StoredRecord> = Vec::new();
    for round in 0..40u32 {
        let edits = match round % 5 {
            0 | 1 => vec![
                f.create(&zone, &format!("n{round}"), "192.0.2.1"),
                f.create(&zone, "many", &format!("192.0.2.{round}")),
            ],
            2 => {
                let mut wanted = wish(&zone, "many", RecordType::A, &format!("198.51.100.{round}"));
                wanted.ttl = TtlChoice::Set(Ttl::new(60 + round).unwrap());
                vec![replace(&known[known.len() / 2], wanted)]
            }
            3 => vec![delete(known[0].record.id)],
            _ => {
                let other =
                    f.another_with(apex(&[("ns1.zonewright.test", &[]), (&format!("ns{round}.other.test"), &[])]));
                assert_eq!(other.command_line().roll_out_apex(10).await.unwrap(), 1);
                other.close().await;
                vec![]
            }
        };
        f.store.change(&me, zone.id, edits).await.unwrap();
        known = f.store.records(me.account, Some(zone.id), RecordFilter::default(), None, 1000).await.unwrap().unwrap();
        let head = f.store.journal().snapshot(zone.id).await.unwrap().unwrap();
        seen.push((head.serial(), head));
    }
    for (serial, mut then) in seen {
        let mut now = f.store.snapshot_at(me.account, zone.id, serial).await.unwrap();
        let text = |snapshot: &mut dns::ZoneSnapshot| dns::zonefile::render(snapshot);
        assert_eq!(text(&mut now), text(&mut then));
    }
    let mut versions = history(&f.store, me.account, &zone).await;
    versions.reverse();
    let mut content = Content::new();
    for version in &versions {
        let (_, difference) = f.store.version(me.account, zone.id, version.serial).await.unwrap();
        let changed = difference.changed().count() as u64;
        let counted =
            Counts { removed: difference.removed.len() as u64, added: difference.added.len() as u64, changed };
        assert_eq!(version.counts, counted);
        apply(&mut content, &difference);
    }
    assert_eq!(content, live(&f.store, me.account, &zone).await);
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_first() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    for number in 0..9 {
        f.add(&me, &zone, &format!("n{number}"), "192.0.2.1").await;
    }
    let mut numbers = Vec::new();
    let mut before = None;
    loop {
        let page = f.store.history(me.account, zone.id, before, 3).await.unwrap().unwrap();
        // What is made meanwhile does not shift the pages that follow.
        f.add(&me, &zone, &format!("m{}", numbers.len()), "192.0.2.1").await;
        let Some(last) = page.versions.last() else { break };
        before = Some(last.number);
        numbers.extend(page.versions.iter().map(|version| version.number.0));
    }
    assert_eq!(numbers, (1..=10).rev().collect::<Vec<_>>());
}
