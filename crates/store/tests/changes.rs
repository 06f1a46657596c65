//! The one interface for changing a zone: whole contents, conditions, comments, dry runs, serials from elsewhere.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod common;

use common::{Collect, Fixture, Rows, START, delete, wish, zone_name};
use dns::change::{Edit, NewRecord, NewSet, TtlChoice};
use dns::{OwnerName, RecordData, RecordType, Serial, Ttl};
use store::{
    Author, Change, ChangeError, Comment, Condition, CreateZoneError, NewZone, Permission, RecordFilter,
    SettingsChange, StoredRecord, Wish, Zone,
};

async fn content(f: &Fixture, me: &Author, zone: &Zone) -> Vec<StoredRecord> {
    let collect = Collect(Vec::new());
    f.store.visit_records(me.account, zone.id, RecordFilter::default(), collect).await.unwrap().unwrap().0
}

fn with_ttl(record: NewRecord, seconds: u32) -> NewRecord {
    NewRecord { ttl: TtlChoice::Set(Ttl::new(seconds).unwrap()), ..record }
}

#[tokio::test]
async fn a_content_writes_only_the_difference() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let kept = f.add(&me, &zone, "kept", "192.0.2.1").await;
    let gone = f.add(&me, &zone, "gone", "192.0.2.2").await;
    let sibling = f.add(&me, &zone, "sibling", "192.0.2.3").await;
    f.clock.advance(60);

    let wanted = vec![
        wish(&zone, "new", RecordType::A, "192.0.2.9"),
        with_ttl(wish(&zone, "KEPT", RecordType::A, "192.0.2.1"), 3600),
        with_ttl(wish(&zone, "sibling", RecordType::A, "192.0.2.3"), 60),
        with_ttl(wish(&zone, "sibling", RecordType::A, "192.0.2.4"), 60),
    ];
    let change = Change::of(Wish::Content(wanted.clone()));
    let made = f.store.change(&me, zone.id, change.clone()).await.unwrap();
    assert!(made.changed);
    let removed: Vec<_> = made.removed.iter().map(|stored| stored.record.id).collect();
    assert_eq!(removed, [gone.record.id, sibling.record.id], "what ended, and what has another TTL");
    assert_eq!(made.added.len(), 3);

    let now = content(&f, &me, &zone).await;
    assert_eq!(now.len(), 4);
    assert_eq!(now[0], kept, "untouched: identity, time, version");
    assert_eq!((now[1].record.id, now[1].created_at), (sibling.record.id, sibling.created_at));
    assert_eq!(now[1].record.ttl.seconds(), 60);
    assert_eq!(made.zone.record_count, 4);

    let again = f.store.change(&me, zone.id, change).await.unwrap();
    assert!(!again.changed && again.zone == made.zone && again.added.is_empty() && again.removed.is_empty());

    let emptied = f.store.change(&me, zone.id, Change::of(Wish::Content(Vec::new()))).await.unwrap();
    assert_eq!((emptied.removed.len(), emptied.zone.record_count), (4, 0));
}

#[tokio::test]
async fn the_faults_of_a_content_are_those_of_its_records() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    f.add(&me, &zone, "ns", "192.0.2.1").await;
    let ns = wish(&zone, "@", RecordType::Ns, "ns.example.com");
    f.store.change(&me, zone.id, vec![Edit::Create(f.store.new_record_id(), ns.clone())]).await.unwrap();

    let wanted = vec![
        wish(&zone, "a", RecordType::A, "192.0.2.1"),
        // Its address is not among the content.
        ns,
        wish(&zone, "a", RecordType::A, "192.0.2.1"),
        wish(&zone, "a", RecordType::Cname, "b.example.com"),
        with_ttl(wish(&zone, "t", RecordType::A, "192.0.2.1"), 60),
        with_ttl(wish(&zone, "t", RecordType::A, "192.0.2.2"), 61),
    ];
    let refused = f.store.change(&me, zone.id, Change::of(Wish::Content(wanted.clone()))).await;
    let Err(ChangeError::Faults(faults)) = refused else { panic!("{refused:?}") };
    let faults: Vec<_> = faults.iter().map(|(index, fault)| (*index, fault.check)).collect();
    assert_eq!(faults, [(1, "apex-ns-address"), (2, "duplicate"), (3, "cname-alone"), (5, "ttl-conflict")]);

    let new = NewZone { content: wanted, ..NewZone::named(zone_name("example.org")) };
    assert!(matches!(f.store.create_zone(&me, new).await, Err(CreateZoneError::Faults(_))));
    assert_eq!(f.store.zones(me.account, None, None, 9).await.unwrap().len(), 1, "no zone without its content");
}

#[tokio::test]
async fn a_zone_begins_with_its_content_above_the_serial_it_had_elsewhere() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let name = zone_name("example.com");
    let probe = f.zone(&me, "example.com").await;
    f.store.delete_zone(&me, probe.id, Vec::new()).await.unwrap();
    let above = Serial((START + 5_000_000) as u32);
    let new = NewZone {
        content: vec![wish(&probe, "www", RecordType::A, "192.0.2.1")],
        serial_above: Some(above),
        comment: Comment::parse("moved here").unwrap(),
        ..NewZone::named(name)
    };
    let zone = f.store.create_zone(&me, new).await.unwrap();
    assert_eq!((zone.version.0, zone.record_count, zone.serial), (1, 1, Serial(above.0 + 1)));
    assert_eq!(f.count(Rows::VersionsCommented("moved here")), 1);

    let change = |above| Change { serial_above: Some(above), ..Change::of(Wish::Content(Vec::new())) };
    let lower = f.store.change(&me, zone.id, change(Serial(7))).await.unwrap();
    assert_eq!(lower.zone.serial, Serial(above.0 + 2), "a lower one changes nothing");
    let same = f.store.change(&me, zone.id, change(Serial(u32::MAX / 2))).await.unwrap();
    assert!(!same.changed, "a serial is no reason for a version");
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_leaves_nothing() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let one = f.add(&me, &zone, "one", "192.0.2.1").await;
    let before = f.store.zone(me.account, zone.id).await.unwrap().unwrap();
    let position = *f.store.journal().position().borrow();
    let versions = f.count(Rows::Versions);

    let edits = vec![delete(one.record.id), f.create(&zone, "two", "192.0.2.2")];
    let dry = Change { dry_run: true, ..Change::from(edits.clone()) };
    let would = f.store.change(&me, zone.id, dry.clone()).await.unwrap();
    assert!(would.changed && would.before == before);
    assert_eq!((would.removed.len(), would.added.len()), (1, 1));
    assert!(would.zone.serial.is_newer_than(before.serial));

    let broken = Change { dry_run: true, ..Change::from(vec![f.create(&zone, "one", "192.0.2.1")]) };
    assert!(matches!(f.store.change(&me, zone.id, broken).await, Err(ChangeError::Faults(_))));

    assert_eq!(f.store.zone(me.account, zone.id).await.unwrap().unwrap(), before);
    assert_eq!(content(&f, &me, &zone).await, [one]);
    assert_eq!((f.count(Rows::Versions), *f.store.journal().position().borrow()), (versions, position));

    let real = f.store.change(&me, zone.id, edits).await.unwrap();
    assert_eq!(real.zone.record_count, would.zone.record_count);
}

#[tokio::test]
async fn conditions_hold_inside_the_transaction() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let one = f.add(&me, &zone, "one", "192.0.2.1").await;
    let two = f.add(&me, &zone, "two", "192.0.2.1").await;
    let head = f.store.zone(me.account, zone.id).await.unwrap().unwrap().serial;
    let attempt = |condition| f.store.change(&me, zone.id, Change::from(vec![delete(two.record.id)]).on(condition));
    for condition in [
        Condition::Zone(vec![]),
        Condition::Zone(vec![zone.serial, one.serial]),
        Condition::Record(two.record.id, vec![one.serial]),
        Condition::Record(f.store.new_record_id(), vec![head]),
    ] {
        let refused = attempt(condition.clone()).await;
        assert!(matches!(refused, Err(ChangeError::Condition)), "{condition:?}: {refused:?}");
    }
    attempt(Condition::Zone(vec![zone.serial, head])).await.unwrap();
    let still = Condition::Record(one.record.id, vec![one.serial]);
    let change = Change::from(vec![delete(one.record.id)]).on(still);
    f.store.change(&me, zone.id, change).await.unwrap();
}

#[tokio::test]
async fn a_set_is_replaced_as_a_whole() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let first = f.add(&me, &zone, "www", "192.0.2.1").await;
    let second = f.add(&me, &zone, "www", "192.0.2.2").await;
    let set = |addresses: &[&str], ttl| {
        let data = |text: &&str| RecordData::parse(RecordType::A, text, None, &zone.name).unwrap();
        let owner = OwnerName::parse("www", &zone.name).unwrap();
        let records = addresses.iter().map(data).map(|data| (f.store.new_record_id(), data)).collect();
        vec![Edit::ReplaceSet(NewSet { owner, record_type: RecordType::A, ttl, records })]
    };
    let keep = TtlChoice::Join(Ttl::MIN);
    let made = f.store.change(&me, zone.id, set(&["192.0.2.2", "192.0.2.3"], keep)).await.unwrap();
    assert_eq!(made.removed, [first]);
    assert_eq!(made.added.len(), 1);
    assert_eq!(made.added[0].record.ttl, second.record.ttl, "the set keeps its TTL");
    assert!(content(&f, &me, &zone).await.contains(&second), "what stays is not touched");

    let twice = f.store.change(&me, zone.id, set(&["192.0.2.2", "192.0.2.2"], keep)).await;
    assert!(matches!(twice, Err(ChangeError::Faults(faults)) if faults[0].1.check == "duplicate"));
    let nothing = f.store.change(&me, zone.id, set(&["192.0.2.3", "192.0.2.2"], keep)).await.unwrap();
    assert!(!nothing.changed);
    let gone = f.store.change(&me, zone.id, set(&[], keep)).await.unwrap();
    assert_eq!(gone.zone.record_count, 0);
    assert!(!f.store.change(&me, zone.id, set(&[], keep)).await.unwrap().changed, "a set that is not there");
}

#[tokio::test]
async fn every_missing_record_of_a_change_is_a_fault() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let one = f.add(&me, &zone, "one", "192.0.2.1").await;
    let (a, b) = (f.store.new_record_id(), f.store.new_record_id());
    let edits = vec![delete(a), delete(one.record.id), delete(one.record.id), Edit::Delete(b)];
    let refused = f.store.change(&me, zone.id, edits).await;
    let Err(ChangeError::Faults(faults)) = refused else { panic!("{refused:?}") };
    let faults: Vec<_> = faults.iter().map(|(index, fault)| (*index, fault.check)).collect();
    assert_eq!(faults, [(0, "no-record"), (2, "no-record"), (3, "no-record")]);
    let alone = f.store.change(&me, zone.id, vec![delete(one.record.id), delete(a)]).await;
    assert!(matches!(alone, Err(ChangeError::NoRecord { index: 1 })));
}

/// So many addresses, all at names of their own.
fn addresses(zone: &Zone, count: u32) -> Vec<NewRecord> {
    (0..count)
        .map(|number| {
            let [_, b, c, d] = number.to_be_bytes();
            wish(zone, &format!("h{number}"), RecordType::A, &format!("10.{b}.{c}.{d}"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_write_while_a_dry_run_is_planned() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let (mine, theirs) = (f.zone(&me, "example.com").await, f.zone(&other, "example.net").await);
    let rehearsal = Change { dry_run: true, warn: true, ..Change::of(Wish::Content(addresses(&mine, 20_000))) };
    let (store, zone) = (f.store.clone(), mine.id);
    let running = tokio::spawn(async move { store.change(&me, zone, rehearsal).await });
    let mut written = 0;
    while !running.is_finished() {
        f.add(&other, &theirs, &format!("w{written}"), "192.0.2.1").await;
        written += 1;
    }
    let would = running.await.unwrap().unwrap();
    assert_eq!((would.added.len(), would.zone.record_count), (20_000, 20_000));
    assert!(written > 3, "others wrote {written} times meanwhile");
    assert_eq!(f.count(Rows::Records), i64::from(written), "nothing of it is stored");
}

#[tokio::test]
async fn a_difference_needs_the_permissions_of_what_it_does() {
    use Permission::{Create, Delete, List, Update};
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let record = |owner: &str, ttl: u32| NewRecord {
        ttl: TtlChoice::Set(Ttl::new(ttl).unwrap()),
        ..wish(&zone, owner, RecordType::A, "192.0.2.1")
    };
    let start = vec![record("keeps", 60), record("changes", 60), record("goes", 60)];
    let first = f.store.change(&me, zone.id, Change::of(Wish::Content(start.clone()))).await.unwrap().zone;
    let settings = SettingsChange { refresh: Some(Some(7200)), ..SettingsChange::default() };
    let cases: Vec<(Vec<NewRecord>, &[Permission])> = vec![
        (start.clone(), &[]),
        ([start.clone(), vec![record("comes", 60)]].concat(), &[Create]),
        (vec![record("keeps", 60), record("changes", 90), record("goes", 60)], &[Update]),
        (vec![record("keeps", 60), record("changes", 60)], &[Delete]),
        (vec![record("keeps", 90), record("comes", 60)], &[Create, Update, Delete]),
    ];
    for (content, needed) in cases {
        for dry_run in [true, false] {
            let with = |allowed: &[Permission]| Change {
                allowed: Some(allowed.iter().copied().collect()),
                dry_run,
                ..Change::of(Wish::Content(content.clone()))
            };
            for missing in needed {
                let others: Vec<_> = [List, Create, Update, Delete].into_iter().filter(|it| it != missing).collect();
                let refused = f.store.change(&me, zone.id, with(&others)).await;
                assert!(matches!(refused, Err(ChangeError::Forbidden(lacks)) if lacks == *missing), "{refused:?}");
            }
            f.store.change(&me, zone.id, with(needed)).await.unwrap();
        }
        // The way back is judged in the same way, and other settings are a change.
        f.store.change(&me, zone.id, Change::of(Wish::Settings(settings.clone()))).await.unwrap();
        let back = |allowed: &[Permission]| Change {
            allowed: Some(allowed.iter().copied().collect()),
            ..Change::of(Wish::Version(first.serial))
        };
        let refused = f.store.change(&me, zone.id, back(&[Create, Delete])).await;
        assert!(matches!(refused, Err(ChangeError::Forbidden(Update))), "{refused:?}");
        f.store.change(&me, zone.id, back(&[Create, Update, Delete])).await.unwrap();
    }
}
