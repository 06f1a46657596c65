//! The way back to earlier versions.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers clippy does not know as such")]

mod common;

use common::{Fixture, apex, delete, replace, wish};
use dns::change::{Limits, TtlChoice};
use dns::{RecordType, Serial, Ttl, zonefile};
use store::*;

async fn live(f: &Fixture, me: &Author, zone: &Zone) -> Vec<StoredRecord> {
    f.store.records(me.account, Some(zone.id), RecordFilter::default(), None, 1000).await.unwrap().unwrap()
}

/// What clients see of records: all but the version that wrote them.
fn shown(records: &[StoredRecord]) -> Vec<(dns::Record, Timestamp)> {
    records.iter().map(|stored| (stored.record.clone(), stored.created_at)).collect()
}

async fn back(f: &Fixture, me: &Author, zone: &Zone, serial: Serial) -> Result<Committed, ChangeError> {
    f.store.change(me, zone.id, Change::of(Wish::Version(serial))).await
}

fn faults(outcome: Result<Committed, ChangeError>) -> Vec<(Option<&'static str>, String)> {
    let Err(ChangeError::Faults(faults)) = outcome else { panic!("{outcome:?}") };
    faults.into_iter().map(|(_, fault)| (fault.field, fault.detail.to_string())).collect()
}

#[tokio::test]
async fn there_is_no_way_to_what_is_not_there_or_is_anothers() {
    let f = Fixture::new();
    let (me, stranger) = (f.account("me@example.com").await, f.account("stranger@example.com").await);
    let zone = f.zone(&me, "example.com").await;
    assert!(matches!(back(&f, &stranger, &zone, zone.serial).await, Err(ChangeError::NoZone)));
    let missing = "the zone has no version 7; it never had one, or it was too old to be kept".to_owned();
    assert_eq!(faults(back(&f, &me, &zone, Serial(7)).await), [(Some("serial"), missing)]);
    f.clock.advance(60);
    f.add(&me, &zone, "www", "192.0.2.1").await;
    f.clock.advance(60);
    let retention = Retention { versions: 1, age: std::time::Duration::from_secs(1), ..Retention::default() };
    f.operator().forget_old_versions(retention).await.unwrap();
    assert_eq!(faults(back(&f, &me, &zone, zone.serial).await).len(), 1);
    assert_eq!(live(&f, &me, &zone).await.len(), 1);
}

#[tokio::test]
async fn records_come_back_as_they_were_and_the_way_back_can_be_undone() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let (stays, changes, goes) = (
        f.add(&me, &zone, "stays", "192.0.2.1").await,
        f.add(&me, &zone, "changes", "192.0.2.2").await,
        f.add(&me, &zone, "goes", "192.0.2.3").await,
    );
    let then = goes.serial;
    let before = live(&f, &me, &zone).await;
    f.clock.advance(1000);
    let mut other = wish(&zone, "changed", RecordType::A, "198.51.100.2");
    other.ttl = TtlChoice::Set(Ttl::new(60).unwrap());
    f.store.change(&me, zone.id, vec![replace(&changes, other), delete(goes.record.id)]).await.unwrap();
    f.add(&me, &zone, "new", "192.0.2.9").await;
    let after = live(&f, &me, &zone).await;
    let undo = f.store.journal().head(&zone.name).await.unwrap().unwrap().serial;

    let rehearsal = Change { dry_run: true, ..Change::of(Wish::Version(then)) };
    let rehearsed = f.store.change(&me, zone.id, rehearsal).await.unwrap();
    assert_eq!(live(&f, &me, &zone).await, after, "a dry run stores nothing");

    f.clock.advance(1000);
    let done = back(&f, &me, &zone, then).await.unwrap();
    assert_eq!((shown(&done.removed), shown(&done.added)), (shown(&rehearsed.removed), shown(&rehearsed.added)));
    assert_eq!((done.removed.len(), done.added.len()), (2, 2), "only the difference is written");
    let now = live(&f, &me, &zone).await;
    assert_eq!(shown(&now), shown(&before), "identities and times of creation too");
    assert_eq!(now[0], stays, "what did not change is not touched");
    assert!(!back(&f, &me, &zone, then).await.unwrap().changed, "it is there already");

    back(&f, &me, &zone, undo).await.unwrap();
    assert_eq!(shown(&live(&f, &me, &zone).await), shown(&after));
    let empty = back(&f, &me, &zone, zone.serial).await.unwrap();
    assert_eq!((empty.zone.record_count, live(&f, &me, &zone).await.len()), (0, 0));
    assert_eq!(f.operator().check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn every_version_can_be_reached_from_the_last() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let mut past = Vec::new();
    for round in 0..30u32 {
        let known = live(&f, &me, &zone).await;
        let edits = match (round % 6, known.get(round as usize / 2)) {
            (0..=3, _) | (_, None) => {
                let mut wanted =
                    wish(&zone, ["a", "b", "@"][round as usize % 3], RecordType::A, &format!("192.0.2.{round}"));
                wanted.ttl = TtlChoice::Set(Ttl::new(300 + round).unwrap());
                vec![dns::change::Edit::Create(f.store.new_record_id(), wanted)]
            }
            (4, Some(old)) => vec![replace(old, wish(&zone, "c", RecordType::Txt, &format!("text {round}")))],
            (_, Some(old)) => vec![delete(old.record.id)],
        };
        let zone = f.store.change(&me, zone.id, edits).await.unwrap().zone;
        past.push((zone.serial, zonefile::render(&f.store.journal().snapshot(zone.id).await.unwrap().unwrap())));
    }
    for (serial, text) in past.iter().rev().chain(&past) {
        back(&f, &me, &zone, *serial).await.unwrap();
        let mut now = f.store.journal().snapshot(zone.id).await.unwrap().unwrap();
        now.soa.serial = *serial;
        assert_eq!(zonefile::render(&now), *text);
    }
}

#[tokio::test]
async fn what_is_against_the_rules_of_today_does_not_come_back() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    f.add(&me, &zone, "ns1", "192.0.2.1").await;
    let mut short = wish(&zone, "short", RecordType::A, "192.0.2.2");
    short.ttl = TtlChoice::Set(Ttl::new(5).unwrap());
    let edit = dns::change::Edit::Create(f.store.new_record_id(), short);
    let then = f.store.change(&me, zone.id, vec![edit]).await.unwrap().zone.serial;
    back(&f, &me, &zone, zone.serial).await.unwrap();
    f.store.close().await;

    // The operator restarts with a nameserver inside the zone, and with a smallest TTL.
    let mut options = common::options(&f.clock, apex(&[("ns1.example.com", &["192.0.2.53"])]));
    options.limits = Limits { ttl_min: Ttl::new(60).unwrap(), ..Limits::default() };
    let again = f.open(options);
    assert_eq!(again.command_line().roll_out_apex(10).await.unwrap(), 1);
    let refused = again.change(&me, zone.id, Change::of(Wish::Version(then))).await;
    let mut told = faults(refused);
    told.sort();
    assert_eq!(
        told,
        [
            (
                Some("serial"),
                "ns1 A: ns1.example.com is a nameserver of this server, which manages its addresses".to_owned()
            ),
            (Some("serial"), "short A: ttl must be between 60 and 2147483647 seconds here".to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_moved_zone_goes_back_for_its_new_account() {
    let f = Fixture::new();
    let (me, next) = (f.account("me@example.com").await, f.account("next@example.com").await);
    let zone = f.zone(&me, "example.com").await;
    let www = f.add(&me, &zone, "www", "192.0.2.1").await;
    f.store.change(&me, zone.id, vec![delete(www.record.id)]).await.unwrap();
    assert!(f.store.move_zone(&zone.name, next.account).await.unwrap());
    back(&f, &next, &zone, www.serial).await.unwrap();
    assert_eq!(shown(&live(&f, &next, &zone).await), shown(std::slice::from_ref(&www)));
    assert!(f.store.record(next.account, www.record.id).await.unwrap().is_some());
    assert!(f.store.record(me.account, www.record.id).await.unwrap().is_none());
}
