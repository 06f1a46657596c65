//! Forgetting what is too old. Random histories, with zones deleted and brought back, other nameservers rolled out and a clock
//! that jumps, and forgetting at random moments: every version that is promised is there and is what it was, and of what is
//! forgotten there is no row left.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers clippy does not know as such")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{Fixture, Rows, START, apex, delete, eventually, replace, wish};
use dns::change::TtlChoice;
use dns::{RecordId, RecordType, Serial, Ttl, ZoneSnapshot};
use proptest::prelude::*;
use store::*;

#[derive(Debug, Clone)]
enum Step {
    Create(usize, u8),
    Replace(prop::sample::Index, u8, Option<u32>),
    Delete(prop::sample::Index),
    RollOut(u8),
    DeleteAndUndelete,
    Clock(i64),
    Forget(Retention),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let retention = (0..12u64, prop::sample::select(vec![0u64, 1, 3, 50, 1000]))
        .prop_map(|(versions, age)| Retention { versions, age: Duration::from_secs(age), ..Retention::default() });
    let step = prop_oneof![
        8 => (0..4usize, any::<u8>()).prop_map(|(owner, value)| Step::Create(owner, value)),
        6 => (any::<prop::sample::Index>(), any::<u8>(), prop::option::of(60..62u32))
            .prop_map(|(which, value, ttl)| Step::Replace(which, value, ttl)),
        5 => any::<prop::sample::Index>().prop_map(Step::Delete),
        2 => (0..3u8).prop_map(Step::RollOut),
        1 => Just(Step::DeleteAndUndelete),
        3 => prop::sample::select(vec![-100i64, 1, 2, 40, 2000]).prop_map(Step::Clock),
        4 => retention.prop_map(Step::Forget),
    ];
    prop::collection::vec(step, 1..50)
}

/// A version as it was when it was the newest.
struct Seen {
    number: u64,
    time: i64,
    text: String,
}

struct World {
    f: Fixture,
    me: Author,
    zone: Zone,
    seen: BTreeMap<u64, (Serial, Seen)>,
    oldest: u64,
}

fn text(snapshot: &ZoneSnapshot) -> String {
    dns::zonefile::render(snapshot)
}

impl World {
    async fn new() -> World {
        let f = Fixture::new();
        let me = f.account("me@example.com").await;
        let zone = f.zone(&me, "example.com").await;
        World { f, me, zone, seen: BTreeMap::new(), oldest: 1 }
    }

    async fn live(&self) -> Vec<StoredRecord> {
        let all = RecordFilter::default();
        self.f.store.records(self.me.account, Some(self.zone.id), all, None, 1000).await.unwrap().unwrap()
    }

    async fn take(&mut self, step: &Step) {
        let live = self.live().await;
        let pick = |which: &prop::sample::Index| (!live.is_empty()).then(|| which.get(&live));
        let owner = |number: usize| ["@", "www", "a.b", "*"][number];
        let edits = match step {
            Step::Create(at, value) => vec![self.f.create(&self.zone, owner(*at), &format!("192.0.2.{value}"))],
            Step::Replace(which, value, ttl) => {
                let Some(record) = pick(which) else { return };
                let name = record.record.owner.to_string();
                let mut wanted = wish(&self.zone, &name, RecordType::A, &format!("192.0.2.{value}"));
                wanted.ttl = ttl.and_then(Ttl::new).map_or(wanted.ttl, TtlChoice::Set);
                vec![replace(record, wanted)]
            }
            Step::Delete(which) => match pick(which) {
                Some(record) => vec![delete(record.record.id)],
                None => return,
            },
            Step::RollOut(number) => {
                let other = self.f.another_with(apex(&[(&format!("ns{number}.other.test"), &[])]));
                while other.command_line().roll_out_apex(10).await.unwrap() > 0 {}
                other.close().await;
                return;
            }
            Step::DeleteAndUndelete => {
                self.f.store.delete_zone(&self.me, self.zone.id, Vec::new()).await.unwrap();
                self.f.operator().undelete_zone(self.zone.id).await.unwrap();
                return;
            }
            Step::Clock(seconds) => return self.f.clock.advance(*seconds),
            Step::Forget(retention) => return self.forget(*retention).await,
        };
        // What the rules refuse must change nothing, which the checks after the step will see.
        let _ = self.f.store.change(&self.me, self.zone.id, edits).await;
    }

    async fn forget(&mut self, retention: Retention) {
        self.note().await;
        let forgotten = self.f.operator().forget_old_versions(retention).await.unwrap();
        let head = *self.seen.keys().next_back().unwrap();
        let old = self.f.store.now().as_second() - retention.age.as_secs() as i64;
        let is_promised = |seen: &Seen| seen.number > head - retention.versions.clamp(1, head) || seen.time >= old;
        let first_promised = self.seen.values().map(|(_, seen)| seen).find(|seen| is_promised(seen)).unwrap().number;
        let kept_from = self.oldest.max(first_promised);
        assert_eq!(forgotten.versions, kept_from - self.oldest);
        self.oldest = kept_from;
        assert_eq!(self.f.count(Rows::UselessRecords), 0);
    }

    /// Remembers the versions that are new.
    async fn note(&mut self) {
        let history = self.f.store.history(self.me.account, self.zone.id, None, 1000).await.unwrap().unwrap();
        self.zone = history.zone;
        for version in history.versions {
            if !self.seen.contains_key(&version.number.0) {
                let (time, number) = (version.time.as_second(), version.number.0);
                let now = self.f.store.snapshot_at(self.me.account, self.zone.id, version.serial).await.unwrap();
                self.seen.insert(number, (version.serial, Seen { number, time, text: text(&now) }));
            }
        }
    }

    /// Everything that is kept is what it was, and nothing else can be asked for.
    async fn check(&self) {
        let (store, account, zone) = (&self.f.store, self.me.account, self.zone.id);
        let mut content: Option<BTreeMap<RecordId, StoredRecord>> = None;
        let head = store.journal().snapshot(zone).await.unwrap().unwrap();
        for (number, (serial, seen)) in &self.seen {
            if *number < self.oldest {
                assert!(matches!(store.version(account, zone, *serial).await, Err(HistoryError::NoVersion(_))));
                assert!(matches!(store.snapshot_at(account, zone, *serial).await, Err(HistoryError::NoVersion(_))));
                assert!(
                    store.journal().delta(zone, *serial).await.unwrap().is_none(),
                    "nameservers get the whole zone"
                );
                continue;
            }
            assert_eq!(text(&store.snapshot_at(account, zone, *serial).await.unwrap()), seen.text);
            let (version, step) = store.version(account, zone, *serial).await.unwrap();
            let counts = (version.counts.removed as usize, version.counts.added as usize);
            assert_eq!(counts, (step.removed.len(), step.added.len()), "also of the oldest");
            // From version to version, and in one step to the head.
            if let Some(content) = &mut content {
                for stored in &step.removed {
                    assert_eq!(content.remove(&stored.record.id).unwrap().record, stored.record);
                }
                content.extend(step.added.into_iter().map(|stored| (stored.record.id, stored)));
            } else {
                let whole = store.difference(account, zone, *serial, None).await.unwrap();
                let mut then: BTreeMap<_, _> = self.live().await.into_iter().map(|it| (it.record.id, it)).collect();
                for stored in &whole.added {
                    then.remove(&stored.record.id).unwrap();
                }
                then.extend(whole.removed.into_iter().map(|stored| (stored.record.id, stored)));
                content = Some(then);
            }
            assert_eq!(store.journal().delta(zone, *serial).await.unwrap().unwrap().to, head.soa);
        }
        let now: Vec<_> = self.live().await.into_iter().map(|stored| stored.record).collect();
        let replayed: Vec<_> = content.unwrap().into_values().map(|stored| stored.record).collect();
        assert_eq!(replayed, now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_promised_is_kept_and_what_is_not_is_forgotten(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &steps {
                world.take(step).await;
                if matches!(step, Step::Forget(_)) {
                    world.check().await;
                }
            }
            world.note().await;
            world.check().await;
            assert_eq!(world.f.operator().check().await.unwrap(), Vec::<String>::new());
            world.f.store.close().await;
        });
    }
}

#[tokio::test]
async fn the_background_forgets_only_where_it_is_told_to() {
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let zone = f.zone(&me, "example.com").await;
    for number in 0..30 {
        let record = f.add(&me, &zone, "www", &format!("192.0.2.{number}")).await;
        f.store.change(&me, zone.id, vec![delete(record.record.id)]).await.unwrap();
    }
    let small = f.zone(&me, "example.org").await;
    f.clock.advance(2 * 365 * 86_400);
    let looked = std::time::Instant::now();
    eventually("it would have looked", async || looked.elapsed().as_secs() >= 2).await;
    assert_eq!(f.count(Rows::Versions), 62, "nobody said how much is to be kept");
    f.operator().retain(Retention { versions: 10, ..Retention::default() });
    eventually("the old ones are forgotten", async || f.count(Rows::Versions) == 11).await;
    eventually("and their records", async || f.count(Rows::Records) == 5).await;
    let kept = f.store.history(me.account, zone.id, None, 100).await.unwrap().unwrap().versions;
    assert_eq!((kept.first().unwrap().number.0, kept.last().unwrap().number.0), (61, 52));
    assert_eq!(f.store.history(me.account, small.id, None, 100).await.unwrap().unwrap().versions.len(), 1);
    assert_eq!(*f.store.journal().position().borrow(), 62);
    assert!(f.store.now().as_second() > START);
}

#[tokio::test]
async fn the_trail_is_forgotten_when_it_is_old_and_only_then() {
    const DAY: i64 = 86_400;
    let f = Fixture::new();
    let me = f.account("me@example.com").await;
    let by = Actor::command_line();
    let note =
        async |what: &str| f.store.operator(by).note(EventKind::SignInFailed, Some(me.account), what).await.unwrap();
    // A clock that runs ahead once holds back nothing that comes after.
    f.clock.advance(400 * DAY);
    note("ahead").await;
    f.clock.advance(-400 * DAY);
    for _ in 0..450 {
        note("old").await;
    }
    f.clock.advance(DAY);
    note("young").await;
    f.clock.advance(729 * DAY);
    let left = async || {
        let events = f.operator().events(Some(me.account), None, 1000).await.unwrap();
        let noted = events.into_iter().filter(|event| event.kind == EventKind::SignInFailed);
        noted.map(|event| event.detail).collect::<Vec<_>>()
    };
    let looked = std::time::Instant::now();
    eventually("it would have looked", async || looked.elapsed().as_secs() >= 2).await;
    assert_eq!(left().await.len(), 452, "nobody said how much is to be kept");
    f.clock.advance(1);
    f.operator().retain(Retention::default());
    eventually("the old ones are forgotten", async || left().await.len() <= 2).await;
    assert_eq!(left().await, ["young", "ahead"]);
}
