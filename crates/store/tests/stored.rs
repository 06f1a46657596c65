//! How many records an account may have in all kept versions of its zones: what is refused, what is counted, and that the
//! count is always that of the rows.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers clippy does not know as such")]

mod common;

use std::time::Duration;

use common::{Fixture, Rows, delete, eventually, replace, wish, zone_name};
use dns::change::NewRecord;
use dns::{RecordType, ZoneId};
use proptest::prelude::*;
use store::*;

impl Fixture {
    async fn limit(&self, account: AccountId, most: Option<u32>) {
        let limits = AccountLimits { stored_records: most, ..AccountLimits::default() };
        self.operator().set_limits(account, limits).await.unwrap();
    }

    fn held(&self, account: AccountId) -> i64 {
        self.count(Rows::HeldBy(account.number()))
    }

    async fn records(&self, account: AccountId, zone: ZoneId) -> Vec<StoredRecord> {
        self.store.records(account, Some(zone), RecordFilter::default(), None, 1000).await.unwrap().unwrap()
    }
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, ChangeError>) -> String {
    let Err(ChangeError::Faults(faults)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((faults.len(), faults[0].1.check), (1, "account-stored-records"));
    faults[0].1.detail.to_string()
}

fn addresses(zone: &Zone, names: std::ops::Range<u32>) -> Vec<NewRecord> {
    names.map(|number| wish(zone, &format!("h{number}"), RecordType::A, "192.0.2.1")).collect()
}

fn content(records: Vec<NewRecord>) -> Change {
    Change::of(Wish::Content(records))
}

#[tokio::test]
async fn what_adds_rows_beyond_the_limit_is_refused_and_nothing_else() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    f.limit(me.account, Some(4)).await;
    let zone = f.zone(&me, "example.com").await;
    let empty = zone.serial;
    let a = f.add(&me, &zone, "a", "192.0.2.1").await;
    let b = f.add(&me, &zone, "b", "192.0.2.1").await;
    let changed = |value| vec![replace(&a, wish(&zone, "a", RecordType::A, value))];
    f.store.change(&me, zone.id, changed("192.0.2.2")).await.unwrap();
    f.store.change(&me, zone.id, changed("192.0.2.3")).await.unwrap();
    assert_eq!(f.held(me.account), 4, "two live records, and what one of them was before");

    let detail = refusal(f.store.change(&me, zone.id, changed("192.0.2.4")).await);
    let expected = "This account may have at most 4 records in all kept versions of its zones. ";
    assert_eq!(detail, format!("{expected}The operator can raise this limit"));
    f.operator().retain(Retention { age: Duration::from_secs(36 * 3600), ..Retention::default() });
    let detail = refusal(f.store.change(&me, zone.id, vec![f.create(&zone, "c", "192.0.2.1")]).await);
    let removal =
        "Versions are removed after 36 hours, except each zone's newest 1000, and deleted zones after 30 days. ";
    assert_eq!(detail, format!("{expected}{removal}The operator can raise this limit"));
    let dry = Change { dry_run: true, ..content(addresses(&zone, 0..1)) };
    refusal(f.store.change(&me, zone.id, dry).await);
    refusal(f.store.change(&me, zone.id, content(addresses(&zone, 0..600))).await);
    let before = f.store.zone(me.account, zone.id).await.unwrap().unwrap().serial;
    f.check_stored();

    let settings = SettingsChange { refresh: Some(Some(7200)), ..SettingsChange::default() };
    f.store.change(&me, zone.id, Change::of(Wish::Settings(settings))).await.unwrap();
    f.store.change(&me, zone.id, vec![delete(b.record.id)]).await.unwrap();
    refusal(f.store.change(&me, zone.id, Change::of(Wish::Version(before))).await);
    f.store.change(&me, zone.id, Change::of(Wish::Version(empty))).await.unwrap();
    let operator = Author { source: Source::Operator, ..me.clone() };
    f.add(&operator, &zone, "by-the-operator", "192.0.2.1").await;
    assert_eq!(f.held(me.account), 5);
    let new = NewZone { content: addresses(&zone, 0..1), ..NewZone::named(zone_name("example.net")) };
    let refused = f.store.create_zone(&me, new).await;
    let Err(CreateZoneError::Faults(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].1.check, "account-stored-records");
    f.zone(&me, "example.org").await;
    f.store.delete_zone(&me, zone.id, Vec::new()).await.unwrap();
    assert_eq!(f.held(me.account), 5, "it can be brought back");
    f.check_stored();
}

#[tokio::test]
async fn what_is_forgotten_makes_room() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    f.limit(me.account, Some(3)).await;
    let (one, two) = (f.zone(&me, "one.example").await, f.zone(&me, "two.example").await);
    let a = f.add(&me, &one, "a", "192.0.2.1").await;
    f.store.change(&me, one.id, vec![delete(a.record.id)]).await.unwrap();
    f.add(&me, &one, "b", "192.0.2.1").await;
    f.add(&me, &two, "a", "192.0.2.1").await;
    let one_more = |owner: &str| f.store.change(&me, one.id, vec![f.create(&one, owner, "192.0.2.1")]);
    refusal(one_more("c").await);
    f.clock.advance(10);
    let now = Retention { versions: 1, age: Duration::ZERO, ..Retention::default() };
    assert_eq!(f.operator().forget_old_versions(now).await.unwrap().records, 1);
    f.check_stored();
    one_more("c").await.unwrap();
    refusal(one_more("d").await);
    f.store.delete_zone(&me, two.id, Vec::new()).await.unwrap();
    refusal(one_more("d").await);
    f.operator().purge_zone(two.id).await.unwrap().unwrap();
    f.check_stored();
    one_more("d").await.unwrap();
    assert_eq!(f.held(me.account), 3);
}

#[tokio::test]
async fn the_count_begins_with_the_limit_and_goes_with_the_zone() {
    let f = Fixture::new();
    let (me, other) = (f.account("me@example.com").await, f.account("other@example.com").await);
    let (one, two) = (f.zone(&me, "one.example").await, f.zone(&me, "two.example").await);
    let a = f.add(&me, &one, "a", "192.0.2.1").await;
    f.store.change(&me, one.id, vec![delete(a.record.id)]).await.unwrap();
    f.add(&me, &two, "a", "192.0.2.1").await;
    f.store.delete_zone(&me, two.id, Vec::new()).await.unwrap();
    assert_eq!(f.held(me.account), -1, "no limit, no count");
    f.limit(me.account, Some(1)).await;
    assert_eq!(f.held(me.account), 2, "also of the deleted zone");
    refusal(f.store.change(&me, one.id, vec![f.create(&one, "b", "192.0.2.1")]).await);
    f.limit(me.account, Some(100)).await;
    f.limit(other.account, Some(100)).await;
    f.add(&me, &one, "b", "192.0.2.1").await;
    f.store.move_zone(&one.name, other.account).await.unwrap();
    assert_eq!((f.held(me.account), f.held(other.account)), (1, 2), "with its history");
    f.check_stored();
    f.limit(me.account, None).await;
    f.store.move_zone(&one.name, me.account).await.unwrap();
    assert_eq!((f.held(me.account), f.held(other.account)), (-1, 0));
    f.operator().undelete_zone(two.id).await.unwrap();
    f.limit(me.account, Some(3)).await;
    refusal(f.store.change(&me, two.id, vec![f.create(&two, "b", "192.0.2.1")]).await);
    f.check_stored();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_changes_at_the_same_time_do_not_pass_the_limit_together() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    f.limit(me.account, Some(4_000)).await;
    let zones = [f.zone(&me, "one.example").await, f.zone(&me, "two.example").await];
    let running = zones.clone().map(|zone| {
        let (store, me) = (f.store.clone(), me.clone());
        tokio::spawn(async move { store.change(&me, zone.id, content(addresses(&zone, 0..2_500))).await })
    });
    let mut made = 0;
    for running in running {
        match running.await.unwrap() {
            Ok(_) => made += 1,
            refused => drop(refusal(refused)),
        }
    }
    assert_eq!((made, f.held(me.account)), (1, 2_500));
    f.check_stored();
    let zone = f.store.zones(me.account, None, None, 2).await.unwrap().into_iter().find(|zone| zone.record_count > 0);
    let zone = zone.unwrap();
    // What stays adds no row.
    f.store.change(&me, zone.id, content(addresses(&zone, 0..2_000))).await.unwrap();
    refusal(f.store.change(&me, zone.id, content(addresses(&zone, 1_000..4_000))).await);
    let new = |to| NewZone { content: addresses(&zone, 0..to), ..NewZone::named(zone_name("three.example")) };
    assert!(matches!(f.store.create_zone(&me, new(1_501)).await, Err(CreateZoneError::Faults(_))));
    f.store.create_zone(&me, new(1_500)).await.unwrap();
    assert_eq!(f.held(me.account), 4_000);
    f.check_stored();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_version_that_never_comes_do_not_count() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    f.limit(me.account, Some(100_000)).await;
    let zone = f.zone(&me, "example.com").await;
    f.add(&me, &zone, "a", "192.0.2.1").await;
    let another = f.another();
    let (store, author, wanted) = (another.clone(), me.clone(), content(addresses(&zone, 0..8_000)));
    let running = tokio::spawn(async move { store.change(&author, zone.id, wanted).await });
    eventually("some of it is written", async || f.count(Rows::Records) > 1).await;
    another.close().await;
    assert!(running.await.unwrap().is_err());
    f.check_stored();
    assert_eq!(f.held(me.account), 1);
    f.clock.advance(11);
    eventually("what was left behind is removed", async || f.count(Rows::Records) == 1).await;
    f.check_stored();
    assert_eq!(f.held(me.account), 1);
}

/// One thing that happens to some zone of two accounts.
#[derive(Debug, Clone)]
enum Step {
    Create(u8),
    Change(prop::sample::Index, u8),
    Delete(prop::sample::Index),
    Content(u8),
    Rollback(prop::sample::Index),
    DeleteZone,
    Undelete,
    Purge,
    Move,
    Forget(u64),
    Limit(Option<u32>),
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop_oneof![
        6 => any::<u8>().prop_map(Step::Create),
        5 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(which, value)| Step::Change(which, value)),
        3 => any::<prop::sample::Index>().prop_map(Step::Delete),
        3 => (0..30u8).prop_map(Step::Content),
        2 => any::<prop::sample::Index>().prop_map(Step::Rollback),
        1 => Just(Step::DeleteZone),
        1 => Just(Step::Undelete),
        1 => Just(Step::Purge),
        2 => Just(Step::Move),
        2 => (1..5u64).prop_map(Step::Forget),
        2 => prop::sample::select(vec![None, Some(0), Some(20), Some(60), Some(1000)]).prop_map(Step::Limit),
    ];
    prop::collection::vec((0..3usize, step), 1..40)
}

const NAMES: [&str; 3] = ["one.example", "two.example", "three.example"];

async fn take(f: &Fixture, accounts: &[Author; 2], name: &str, step: Step) {
    let mut live = None;
    for (at, account) in accounts.iter().enumerate() {
        let found = f.store.zones(account.account, Some(zone_name(name)), None, 1).await.unwrap().pop();
        live = live.or(found.map(|zone| (at, zone)));
    }
    let Some((at, zone)) = live else {
        let deleted = f.operator().deleted_zones(None, 100).await.unwrap();
        let last = deleted.into_iter().find(|deleted| deleted.zone.name == zone_name(name));
        match (step, last) {
            (Step::Undelete, Some(last)) => drop(f.operator().undelete_zone(last.zone.id).await),
            (Step::Purge, Some(last)) => drop(f.operator().purge_zone(last.zone.id).await.unwrap()),
            _ => drop(f.store.create_zone(&accounts[0], zone_name(name)).await),
        }
        return;
    };
    let me = &accounts[at];
    let records = f.records(me.account, zone.id).await;
    let change = match step {
        Step::Create(value) => Change::from(vec![f.create(&zone, "a", &format!("192.0.2.{value}"))]),
        Step::Change(which, value) if !records.is_empty() => {
            let wanted = wish(&zone, "a", RecordType::A, &format!("192.0.2.{value}"));
            Change::from(vec![replace(which.get(&records), wanted)])
        }
        Step::Delete(which) if !records.is_empty() => Change::from(vec![delete(which.get(&records).record.id)]),
        Step::Content(to) => content(addresses(&zone, 0..to.into())),
        Step::Rollback(which) => {
            let history = f.store.history(me.account, zone.id, None, 100).await.unwrap().unwrap();
            Change::of(Wish::Version(which.get(&history.versions).serial))
        }
        Step::DeleteZone => return drop(f.store.delete_zone(me, zone.id, Vec::new()).await.unwrap()),
        Step::Move => {
            assert!(f.store.move_zone(&zone.name, accounts[1 - at].account).await.unwrap());
            return;
        }
        Step::Forget(versions) => {
            f.clock.advance(5);
            let retention = Retention { versions, age: Duration::ZERO, ..Retention::default() };
            f.operator().forget_old_versions(retention).await.unwrap();
            return;
        }
        Step::Limit(most) => return f.limit(me.account, most).await,
        Step::Change(..) | Step::Delete(_) | Step::Undelete | Step::Purge => return,
    };
    // What is refused must count nothing.
    let _ = f.store.change(me, zone.id, change).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_count_is_that_of_the_rows(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let f = Fixture::new();
            let accounts = [f.account("one@example.com").await, f.account("two@example.com").await];
            f.limit(accounts[0].account, Some(1000)).await;
            for name in NAMES {
                f.zone(&accounts[0], name).await;
            }
            for (zone, step) in steps {
                take(&f, &accounts, NAMES[zone], step).await;
                f.check_stored();
            }
        });
    }
}
