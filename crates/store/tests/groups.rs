//! Changes that arrive together are planned and written as groups. What comes of them is the same as one after the other.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers clippy does not know as such")]

mod common;

use common::{Fixture, START, wish, zone_name};
use dns::change::{Edit, NewRecord, NewSet, TtlChoice};
use dns::{RecordId, RecordType, Ttl};
use futures_util::future::join_all;
use proptest::prelude::*;
use store::*;
use uuid::Uuid;

/// The most changes in a day.
const MOST: u32 = 20;
const ZONES: [&str; 2] = ["one.example", "two.example"];
const OWNERS: [&str; 5] = ["@", "a", "b.a", "c.b.a", "d"];
const DATA: [(RecordType, &str); 7] = [
    (RecordType::A, "192.0.2.1"),
    (RecordType::A, "192.0.2.2"),
    (RecordType::Txt, "text"),
    (RecordType::Cname, "host.example.net."),
    (RecordType::Dname, "below.example.net."),
    (RecordType::Ns, "ns.example.net."),
    (RecordType::Ds, "12345 13 2 E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"),
];

/// One edit, with numbers in place of names, data, and the edits that created the records it names.
#[derive(Debug, Clone)]
enum Step {
    Create(usize, usize, u32),
    Replace(usize, usize, usize),
    Delete(usize),
    Set(usize, usize, bool),
}

#[derive(Debug, Clone)]
struct Request {
    zone: usize,
    steps: Vec<Step>,
    key: Option<u8>,
    /// The change is made only if this record was last changed by the zone's first change.
    condition: Option<usize>,
    warn: bool,
    allowed: Option<Permission>,
}

fn request() -> impl Strategy<Value = Request> {
    let step = prop_oneof![
        6 => (0..OWNERS.len(), 0..DATA.len(), 0..3_u32).prop_map(|(owner, data, ttl)| Step::Create(owner, data, ttl)),
        3 => (0..200_usize, 0..OWNERS.len(), 0..DATA.len()).prop_map(|(of, owner, data)| Step::Replace(of, owner, data)),
        4 => (0..200_usize).prop_map(Step::Delete),
        2 => (0..OWNERS.len(), 0..DATA.len(), any::<bool>()).prop_map(|(owner, data, is_gone)| Step::Set(owner, data, is_gone)),
    ];
    let allowed =
        prop_oneof![8 => Just(None), 1 => Just(Some(Permission::Create)), 1 => Just(Some(Permission::Delete))];
    (
        0..ZONES.len(),
        prop::collection::vec(step, 1..4),
        prop_oneof![3 => Just(None), 1 => (0..4_u8).prop_map(Some)],
        prop_oneof![5 => Just(None), 1 => (0..200_usize).prop_map(Some)],
        any::<bool>(),
        allowed,
    )
        .prop_map(|(zone, steps, key, condition, warn, allowed)| Request {
            zone,
            steps,
            key,
            condition,
            warn,
            allowed,
        })
}

/// The identity that an edit gives to what it creates: the same in both stores.
fn identity(request: usize, step: usize) -> RecordId {
    RecordId(Uuid::from_u128((request * 4 + step + 1) as u128))
}

fn edit(zone: &Zone, (request, position): (usize, usize), step: &Step) -> Edit {
    let new = |owner: usize, data: usize, ttl: TtlChoice| {
        let (record_type, value) = DATA[data];
        NewRecord { ttl, ..wish(zone, OWNERS[owner], record_type, value) }
    };
    let earlier = |of: usize| identity(of % (request + 1), of / 64);
    match *step {
        Step::Create(owner, data, ttl) => {
            let ttl = if ttl == 0 { TtlChoice::Default } else { TtlChoice::Set(Ttl::new(ttl * 300).unwrap()) };
            Edit::Create(identity(request, position), new(owner, data, ttl))
        }
        Step::Replace(of, owner, data) => Edit::Replace(earlier(of), new(owner, data, TtlChoice::Default)),
        Step::Delete(of) => Edit::Delete(earlier(of)),
        Step::Set(owner, data, is_gone) => {
            let NewRecord { owner, data, ttl } = new(owner, data, TtlChoice::Join(Ttl::DEFAULT));
            let record_type = data.record_type();
            let records = if is_gone { Vec::new() } else { vec![(identity(request, position), data)] };
            Edit::ReplaceSet(NewSet { owner, record_type, ttl, records })
        }
    }
}

struct Side {
    f: Fixture,
    me: Author,
    zones: Vec<Zone>,
}

impl Side {
    async fn new() -> Side {
        let f = Fixture::new();
        let me = f.account("me@example.com").await;
        let limits = AccountLimits {
            records: Some(9),
            stored_records: Some(40),
            changes_per_day: Some(MOST),
            ..Default::default()
        };
        f.operator().set_limits(me.account, limits).await.unwrap();
        let mut zones = Vec::new();
        for name in ZONES {
            zones.push(f.zone(&me, name).await);
        }
        f.clock.set(START + 1);
        Side { f, me, zones }
    }

    /// Makes one change; what came of it, with the zones' names for their identities.
    async fn make(&self, number: usize, request: &Request) -> String {
        let zone = &self.zones[request.zone];
        let edits: Vec<Edit> =
            request.steps.iter().enumerate().map(|(step, wanted)| edit(zone, (number, step), wanted)).collect();
        let condition = |of: usize| Condition::Unmoved(identity(of % (number + 1), of / 64), VersionNumber(2));
        let change = Change {
            conditions: request.condition.map(condition).into_iter().collect(),
            warn: request.warn,
            allowed: request.allowed.map(|permission| Permissions::from_iter([permission])),
            comment: Comment::parse(&format!("request {number}")).unwrap(),
            ..Change::from(edits)
        };
        let outcome = match request.key {
            None => format!("{:?}", self.f.store.change(&self.me, zone.id, change).await),
            Some(key) => {
                let answer = |made: &Committed| {
                    Ok(Answer {
                        status: 200,
                        headers: Vec::new(),
                        body: format!("{:?}", made.added).into_bytes(),
                        rest: None,
                        head: Head::from(made.zone.clone()),
                        deleted: false,
                    })
                };
                let request = Repeatable {
                    account: self.me.account,
                    operation: "change".to_owned(),
                    key: key.to_string(),
                    fingerprint: [u8::from(number.is_multiple_of(2)); 32],
                };
                let once = Once { request, answer: Box::new(answer) };
                format!("{:?}", self.f.store.change_once(&self.me, zone.id, change, once).await.map(without_body))
            }
        };
        self.named(outcome)
    }

    fn named(&self, text: String) -> String {
        let name = |text: String, (zone, name): (&Zone, &str)| text.replace(&zone.id.0.to_string(), name);
        self.zones.iter().zip(ZONES).fold(text, name)
    }

    /// All versions of both zones, and what they hold.
    async fn history(&self) -> Vec<String> {
        let mut all = Vec::new();
        for zone in &self.zones {
            let now = self.f.store.zone(self.me.account, zone.id).await.unwrap();
            let history = self.f.store.history(self.me.account, zone.id, None, 1000).await.unwrap().unwrap();
            let records =
                self.f.store.records(self.me.account, Some(zone.id), RecordFilter::default(), None, 1000).await;
            all.push(format!("{now:?} {:?}", records.unwrap()));
            for version in history.versions {
                let (version, difference) =
                    self.f.store.version(self.me.account, zone.id, version.serial).await.unwrap();
                all.push(format!("{version:?} {difference:?}"));
            }
        }
        self.f.check_stored();
        // Too many by one, which is refused with the number that is left.
        let limits = AccountLimits { changes_per_day: Some(MOST), ..Default::default() };
        self.f.operator().set_limits(self.me.account, limits).await.unwrap();
        let content = (0..=MOST).map(|n| self.f.create(&self.zones[0], &format!("n{n}"), "192.0.2.9")).collect();
        let change = Change { dry_run: true, ..Change::of(Wish::Edits(content)) };
        let refusal = self.f.store.change(&self.me, self.zones[0].id, change).await.unwrap_err();
        all.push(format!("{refusal:?}"));
        all.into_iter().map(|line| self.named(line)).collect()
    }
}

/// The body has identities of zones in it, as octets.
fn without_body(done: Done) -> Done {
    let empty = |answer: Answer| Answer { body: Vec::new(), ..answer };
    match done {
        Done::Now(answer) => Done::Now(empty(answer)),
        Done::Before(answer) => Done::Before(empty(answer)),
        reused @ Done::KeyReused(_) => reused,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn groups_come_to_the_same_as_single_changes(requests in prop::collection::vec(request(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let (together, alone) = (Side::new().await, Side::new().await);
            // While the writer creates this zone, the changes gather behind it.
            let content = (0..300).map(|n| wish(&together.zones[0], &format!("n{n}"), RecordType::A, "192.0.2.9")).collect();
            let other = together.f.account("other@example.com").await;
            let first = NewZone { content, ..NewZone::named(zone_name("first.example")) };
            let creation = together.f.store.create_zone(&other, first);
            let changes = join_all(requests.iter().enumerate().map(|(number, wanted)| together.make(number, wanted)));
            let (created, outcomes) = tokio::join!(creation, changes);
            created.unwrap();
            for (number, (wanted, outcome)) in requests.iter().zip(outcomes).enumerate() {
                prop_assert_eq!(alone.make(number, wanted).await, outcome, "request {}", number);
            }
            prop_assert_eq!(alone.history().await, together.history().await);
            Ok(())
        })?;
    }
}
