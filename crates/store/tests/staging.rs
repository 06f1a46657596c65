//! Changes that are too large for one job of the writer: nobody sees a part of one, others write meanwhile, and what a server
//! leaves behind that stops in the middle is as if it had never been.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod common;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use common::{Collect, Fixture, Rows, START, eventually, wish, zone_name};
use dns::change::{NewRecord, TtlChoice};
use dns::{RecordId, RecordType, ResourceRecord, Serial, Ttl, ZoneSnapshot};
use store::*;

/// So many addresses at names of their own from number `from` on, with this TTL.
fn addresses(zone: &Zone, from: u32, to: u32, ttl: u32) -> Vec<NewRecord> {
    (from..to)
        .map(|number| {
            let [_, b, c, d] = number.to_be_bytes();
            let record = wish(zone, &format!("h{number}"), RecordType::A, &format!("10.{b}.{c}.{d}"));
            NewRecord { ttl: TtlChoice::Set(Ttl::new(ttl).unwrap()), ..record }
        })
        .collect()
}

fn content(records: Vec<NewRecord>) -> Change {
    Change::of(Wish::Content(records))
}

async fn records(store: &Store, me: &Author, zone: &Zone) -> Vec<StoredRecord> {
    let all = RecordFilter::default();
    store.visit_records(me.account, zone.id, all, Collect(Vec::new())).await.unwrap().unwrap().0
}

type Line = (String, RecordType, Vec<u8>);

fn lines(records: &[ResourceRecord]) -> BTreeMap<Line, u32> {
    let line = |record: &ResourceRecord| {
        let key = (record.owner.to_string(), record.data.record_type(), record.data.wire());
        (key, record.ttl.seconds())
    };
    let lines: BTreeMap<_, _> = records.iter().map(line).collect();
    assert_eq!(lines.len(), records.len(), "a record stands twice");
    lines
}

/// Everything that can be asked of a zone must say the same of each of its versions.
async fn check(store: &Store, me: &Author, zone: &Zone) {
    let now = store.zone(me.account, zone.id).await.unwrap().unwrap();
    let listed = records(store, me, zone).await;
    assert_eq!(listed.len() as u64, now.record_count);
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map(|last: &StoredRecord| last.record.id);
        let page =
            store.records(me.account, Some(zone.id), RecordFilter::default(), after, 400).await.unwrap().unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, listed);
    let snapshot = store.journal().snapshot(zone.id).await.unwrap().unwrap();
    let head = lines(&snapshot.records);
    let history = store.history(me.account, zone.id, None, 100).await.unwrap().unwrap();
    for version in &history.versions {
        let then = store.snapshot_at(me.account, zone.id, version.serial).await.unwrap();
        let (_, made) = store.version(me.account, zone.id, version.serial).await.unwrap();
        assert_eq!(
            (made.removed.len(), made.added.len()),
            (version.counts.removed as usize, version.counts.added as usize)
        );
        let delta = store.journal().delta(zone.id, version.serial).await.unwrap().unwrap();
        let mut stepped = lines(&then.records);
        for (gone, _) in lines(&delta.removed) {
            assert!(stepped.remove(&gone).is_some(), "{gone:?} is removed and was not there");
        }
        stepped.extend(lines(&delta.added));
        assert!(stepped == head, "the step from version {:?} leads elsewhere", version.number);
    }
}

/// How many rows there are that belong to no version, or are yet to be settled.
fn left_over(f: &Fixture) -> i64 {
    f.count(Rows::LeftOver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_change_is_seen_whole_or_not_at_all_while_others_write() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let (zone, theirs) = (f.zone(&me, "example.com").await, f.zone(&other, "example.net").await);
    let first = f.store.change(&me, zone.id, content(addresses(&zone, 0, 2_000, 60))).await.unwrap();
    assert_eq!(first.zone.record_count, 2_000);
    check(&f.store, &me, &zone).await;

    // Of 2,000 records, 500 stay, 500 get another TTL, and 1,000 go; 2,000 come.
    let wanted =
        [addresses(&zone, 0, 500, 60), addresses(&zone, 500, 1_000, 90), addresses(&zone, 5_000, 7_000, 60)].concat();
    f.clock.advance(10);
    let (store, author, id) = (f.store.clone(), me.clone(), zone.id);
    let running = tokio::spawn(async move { store.change(&author, id, content(wanted)).await });
    let mut seen = Vec::new();
    let mut written = 0;
    while !running.is_finished() {
        let now = f.store.zone(me.account, zone.id).await.unwrap().unwrap();
        let listed = records(&f.store, &me, &zone).await;
        seen.push(listed.len());
        assert!([2_000, 3_000].contains(&listed.len()), "{}", listed.len());
        let snapshot = f.store.journal().snapshot(zone.id).await.unwrap().unwrap();
        assert!([2_001, 3_001].contains(&snapshot.records.len()), "{}", snapshot.records.len());
        assert!(now.version >= first.zone.version);
        let at_h0 = RecordFilter { owner: Some(listed[0].record.owner.clone()), ..RecordFilter::default() };
        let found = f.store.records(me.account, None, at_h0, None, 10).await.unwrap().unwrap();
        assert_eq!(found.len(), 1);
        let found = f.tenant(&me).find_records(zone.id, "h6", None, 10_000).await.unwrap().unwrap();
        assert!([111, 1_111].contains(&found.records.len()), "{}", found.records.len());
        let started = Instant::now();
        f.add(&other, &theirs, &format!("w{written}"), "192.0.2.1").await;
        assert!(started.elapsed() < Duration::from_secs(5), "a single write waited {:?}", started.elapsed());
        written += 1;
    }
    let made = running.await.unwrap().unwrap();
    assert!(written > 1 && seen.contains(&2_000), "{written} {seen:?}");
    assert_eq!((made.removed.len(), made.added.len(), made.zone.record_count), (1_500, 2_500, 3_000));
    assert_eq!(f.store.history(me.account, zone.id, None, 10).await.unwrap().unwrap().versions.len(), 3, "one version");
    check(&f.store, &me, &zone).await;
    eventually("the ended records are settled", async || left_over(&f) == 0).await;
    check(&f.store, &me, &zone).await;
    let kept = records(&f.store, &me, &zone).await;
    let changed = kept.iter().filter(|stored| stored.record.ttl.seconds() == 90);
    let before: BTreeMap<RecordId, Timestamp> =
        first.added.iter().map(|stored| (stored.record.id, stored.created_at)).collect();
    let mut count = 0;
    for stored in changed {
        assert_eq!(before.get(&stored.record.id), Some(&stored.created_at), "a changed record keeps its identity");
        count += 1;
    }
    assert_eq!(count, 500);

    let back = f.store.change(&me, zone.id, Change::of(Wish::Version(first.zone.serial))).await.unwrap();
    assert_eq!((back.removed.len(), back.added.len()), (2_500, 1_500));
    check(&f.store, &me, &zone).await;
    let again = lines(&f.store.journal().snapshot(zone.id).await.unwrap().unwrap().records);
    let then: ZoneSnapshot = f.store.snapshot_at(me.account, zone.id, first.zone.serial).await.unwrap();
    assert!(again == lines(&then.records), "the rollback leads to what was");
    // Deleted before everything is settled, and brought back.
    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    f.operator().undelete_zone(zone.id).await.unwrap();
    eventually("the ended records are settled", async || left_over(&f) == 0).await;
    let again = lines(&f.store.journal().snapshot(zone.id).await.unwrap().unwrap().records);
    assert!(again == lines(&then.records), "the zone comes back as it was");
    assert!(f.operator().check().await.unwrap().is_empty());
    f.check_stored();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_changes_of_the_zone_wait_and_conditions_hold() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let old = content(addresses(&zone, 0, 1_000, 60)).on(Condition::Zone(vec![Serial(1)]));
    assert!(matches!(f.store.change(&me, zone.id, old).await, Err(ChangeError::Condition)));
    let none = content(addresses(&zone, 0, 1_000, 60));
    let none = Change { allowed: Some(Permissions::default()), ..none };
    assert!(matches!(f.store.change(&me, zone.id, none).await, Err(ChangeError::Forbidden(Permission::Create))));
    let dry = Change { dry_run: true, ..content(addresses(&zone, 0, 1_000, 60)) };
    assert_eq!(f.store.change(&me, zone.id, dry).await.unwrap().added.len(), 1_000);
    assert_eq!((left_over(&f), f.count(Rows::Records)), (0, 0), "nothing was written");

    let large = content(addresses(&zone, 0, 3_000, 60)).on(Condition::Zone(vec![zone.serial]));
    let (store, author, id) = (f.store.clone(), me.clone(), zone.id);
    let running = tokio::spawn(async move { store.change(&author, id, large).await });
    eventually("it is being written", async || f.count(Rows::Stages) > 0).await;
    let small = f.store.change(&me, zone.id, vec![f.create(&zone, "small", "192.0.2.1")]).await.unwrap();
    assert_eq!(small.zone.record_count, 3_001, "it was made on top of the large one");
    let large = running.await.unwrap().unwrap();
    assert_eq!(small.before.serial, large.zone.serial);
    check(&f.store, &me, &zone).await;

    // Two large ones at once: both are made, one after the other.
    let [one, two] = [(0, 2_000), (1_000, 4_000)].map(|(from, to)| {
        let (store, author, wanted) = (f.store.clone(), me.clone(), content(addresses(&zone, from, to, 60)));
        tokio::spawn(async move { store.change(&author, id, wanted).await })
    });
    let outcomes = [one.await.unwrap(), two.await.unwrap()];
    let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let busy = outcomes.iter().filter(|it| matches!(it, Err(ChangeError::Store(StoreError::Busy)))).count();
    assert!(made >= 1 && made + busy == 2, "{made} {busy}");
    check(&f.store, &me, &zone).await;
}

fn once<T: 'static>(account: AccountId, head: fn(&T) -> Head) -> Once<T> {
    let request = Repeatable { account, operation: "PUT /".to_owned(), key: "key".to_owned(), fingerprint: [7; 32] };
    let answer = move |made: &T| {
        let (headers, body) = (Vec::new(), b"made".to_vec());
        Ok(Answer { status: 200, headers, body, rest: None, head: head(made), deleted: false })
    };
    Once { request, answer: Box::new(answer) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_makes_one_large_change() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let tries = (0..2).map(|_| {
        let (store, author, id) = (f.store.clone(), me.clone(), zone.id);
        let wanted = content(addresses(&zone, 0, 1_500, 60));
        let once = once(me.account, |made: &Committed| Head::from(made.zone.clone()));
        tokio::spawn(async move { store.change_once(&author, id, wanted, once).await })
    });
    let mut now = 0;
    for attempt in tries.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(Done::Now(_)) => now += 1,
            Ok(Done::Before(answer)) => assert_eq!(answer.body, b"made"),
            Ok(Done::KeyReused(_)) => panic!("it is the same request"),
            // It may be told to come again, and finds the answer then.
            Err(ChangeError::Store(StoreError::Busy)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(now, 1);
    let again = once(me.account, |made: &Committed| Head::from(made.zone.clone()));
    let again = f.store.change_once(&me, zone.id, content(addresses(&zone, 0, 1_500, 60)), again).await.unwrap();
    assert!(matches!(again, Done::Before(_)));
    assert_eq!(f.store.history(me.account, zone.id, None, 10).await.unwrap().unwrap().versions.len(), 2);
    check(&f.store, &me, &zone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_large_requests_at_once_get_one_answer_and_small_changes_wait() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    let wanted = addresses(&zone, 0, 6_000, 300);
    let large: Vec<_> = (0..4)
        .map(|_| {
            let (store, me, change) = (f.store.clone(), me.clone(), content(wanted.clone()));
            tokio::spawn(async move {
                let keyed = once(me.account, |made: &Committed| Head::from(made.zone.clone()));
                store.change_once(&me, zone.id, change, keyed).await
            })
        })
        .collect();
    eventually("the change is being written", async || f.count(Rows::RunningStages) > 0).await;
    let small: Vec<_> = (0..4)
        .map(|number| {
            let (store, me) = (f.store.clone(), me.clone());
            let edit = f.create(&zone, &format!("small{number}"), "192.0.2.1");
            tokio::spawn(async move { store.change(&me, zone.id, vec![edit]).await })
        })
        .collect();
    let (mut first, mut answers) = (0, Vec::new());
    for large in large {
        match large.await.unwrap().unwrap() {
            Done::Now(answer) => {
                first += 1;
                answers.push(answer);
            }
            Done::Before(answer) => answers.push(answer),
            Done::KeyReused(_) => panic!("the requests are equal"),
        }
    }
    assert_eq!((first, answers.len()), (1, 4));
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    for small in small {
        small.await.unwrap().unwrap();
    }
    assert_eq!(records(&f.store, &me, &zone).await.len(), 6_004);
    check(&f.store, &me, &zone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_that_stopped_left_behind_is_invisible_and_removed() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    f.store.change(&me, zone.id, content(addresses(&zone, 0, 1_000, 60))).await.unwrap();
    let before = lines(&f.store.journal().snapshot(zone.id).await.unwrap().unwrap().records);
    // Another process, which ends in the middle.
    let another = f.another();
    let wanted = content([addresses(&zone, 0, 500, 90), addresses(&zone, 2_000, 8_000, 60)].concat());
    let (store, author, id) = (another.clone(), me.clone(), zone.id);
    let running = tokio::spawn(async move { store.change(&author, id, wanted).await });
    eventually("some of it is written", async || f.count(Rows::RecordsSince(2)) > 500).await;
    another.close().await;
    assert!(matches!(running.await.unwrap(), Err(ChangeError::Store(StoreError::Closed))));
    assert!(left_over(&f) > 500);

    check(&f.store, &me, &zone).await;
    assert!(
        lines(&f.store.journal().snapshot(zone.id).await.unwrap().unwrap().records) == before,
        "nothing of it is seen"
    );
    let refused = f.store.change(&me, zone.id, vec![f.create(&zone, "x", "192.0.2.1")]).await;
    assert!(matches!(refused, Err(ChangeError::Store(StoreError::Busy))), "{refused:?}");
    let refused = f.store.delete_zone(&me, zone.id, Vec::new()).await;
    assert!(matches!(refused, Err(ChangeError::Store(StoreError::Busy))), "{refused:?}");
    f.clock.advance(11);
    eventually("what was left behind is removed", async || left_over(&f) == 0).await;
    check(&f.store, &me, &zone).await;
    assert!(lines(&f.store.journal().snapshot(zone.id).await.unwrap().unwrap().records) == before);
    f.add(&me, &zone, "x", "192.0.2.1").await;
    check(&f.store, &me, &zone).await;
    assert!(f.operator().check().await.unwrap().is_empty());
    f.check_stored();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_with_a_large_content_is_there_whole_or_not_at_all() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let template = Zone {
        id: dns::ZoneId(uuid::Uuid::nil()),
        name: zone_name("example.com"),
        created_at: Timestamp::from_second(START).unwrap(),
        record_count: 0,
        version: VersionNumber(0),
        serial: Serial(0),
        withheld: Withheld::default(),
    };
    // So many that writing them takes longer than the questions below.
    let new = || NewZone { content: addresses(&template, 0, 30_000, 60), ..NewZone::named(zone_name("example.com")) };
    let nothing_left = async || {
        eventually("nothing is left", async || left_over(&f) + f.count(Rows::Records) + f.count(Rows::Zones) == 0).await
    };
    f.operator()
        .set_limits(other.account, AccountLimits { records: Some(2_999), ..AccountLimits::default() })
        .await
        .unwrap();
    assert!(matches!(f.store.create_zone(&other, new()).await, Err(CreateZoneError::Faults(_))));
    nothing_left().await;

    // Somebody takes the name while it is being made.
    let (store, author, wanted) = (f.store.clone(), me.clone(), new());
    let running = tokio::spawn(async move { store.create_zone(&author, wanted).await });
    eventually("it is being written", async || f.count(Rows::Records) > 0).await;
    assert!(f.store.zones(me.account, None, None, 10).await.unwrap().is_empty());
    assert!(f.operator().deleted_zones(None, 10).await.unwrap().is_empty());
    assert!(f.store.records(me.account, None, RecordFilter::default(), None, 10).await.unwrap().unwrap().is_empty());
    let taken = f.store.create_zone(&other, zone_name("example.com")).await.unwrap();
    assert!(matches!(running.await.unwrap(), Err(CreateZoneError::Exists)));
    eventually("nothing is left", async || left_over(&f) + f.count(Rows::Records) == 0).await;
    f.store.delete_zone(&other, taken.id, Vec::new()).await.unwrap();
    f.operator().release_name(&zone_name("example.com")).await.unwrap();

    let keyed = || once(me.account, |made: &Zone| Head::from(made.clone()));
    let Done::Now(made) = f.store.create_zone_once(&me, new(), keyed()).await.unwrap() else {
        panic!("it is the first")
    };
    assert!(
        matches!(f.store.create_zone_once(&me, new(), keyed()).await.unwrap(), Done::Before(again) if again == made)
    );
    let zone = f.store.zone(me.account, made.head.id).await.unwrap().unwrap();
    assert_eq!((zone.record_count, zone.version), (30_000, VersionNumber(1)));
    assert!(zone.serial.is_newer_than(taken.serial), "above every serial that the name had");
    check(&f.store, &me, &zone).await;
    assert_eq!(left_over(&f), 0);
    assert!(f.operator().check().await.unwrap().is_empty());
    f.check_stored();
}

/// Takes so many records at a time.
struct Part(Vec<StoredRecord>, usize);

impl RecordVisitor for Part {
    fn zone(&mut self, _: &Zone) {}

    fn record(&mut self, record: &StoredRecord) -> ControlFlow<()> {
        self.0.push(record.clone());
        if self.0.len() == self.1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_read_in_parts_stays_at_its_version() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    f.store.change(&me, zone.id, content(addresses(&zone, 0, 6_000, 60))).await.unwrap();
    let listed = records(&f.store, &me, &zone).await;
    let version = listed[0].version;
    for wanted in [
        addresses(&zone, 0, 6_000, 60),
        [addresses(&zone, 0, 1_000, 90), addresses(&zone, 3_000, 5_990, 60), addresses(&zone, 7_000, 9_000, 60)]
            .concat(),
        Vec::new(),
    ] {
        // Also before what ended is settled.
        f.store.change(&me, zone.id, content(wanted)).await.unwrap();
        for at_a_time in [700, 100_000] {
            let all = RecordFilter::default();
            let mut read = listed[..1].to_vec();
            loop {
                let after = read.last().unwrap().record.id;
                let visitor = Part(Vec::new(), at_a_time);
                let part = f.store.visit_version(me.account, zone.id, version, all.clone(), after, visitor).await;
                let part = part.unwrap().unwrap().0;
                let is_last = part.len() < at_a_time;
                read.extend(part);
                if is_last {
                    break;
                }
            }
            assert!(read == listed, "{} of {}", read.len(), listed.len());
        }
    }
    let (last, filter) = (listed[0].record.id, RecordFilter::default());
    let unknown = VersionNumber(99);
    let gone = f.store.visit_version(me.account, zone.id, unknown, filter.clone(), last, Part(Vec::new(), 9)).await;
    assert!(gone.unwrap().is_none());
    let other = f.account("other@example.com").await;
    let hidden =
        f.store.visit_version(other.account, zone.id, version, filter.clone(), last, Part(Vec::new(), 9)).await;
    assert!(hidden.unwrap().is_none());
    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    let gone = f.store.visit_version(me.account, zone.id, version, filter, last, Part(Vec::new(), 9)).await;
    assert!(gone.unwrap().is_none());
}
