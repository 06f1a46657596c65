//! The reconciler against a real store: what it brings about, and what happens when a nameserver fails.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../store/tests/common/postgres.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest")]
mod postgres;

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deploy::{DeployError, Deployment, Embedded, Nameserver, NameserverKind, Served, Settings, Witness};
use dns::apex::{Apex, ApexNameserver};
use dns::change::{Edit, Limits, NewRecord, TtlChoice};
use dns::rdata::A;
use dns::{Name, OwnerName, RecordData, Ttl, ZoneDelta, ZoneName, ZoneSnapshot};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nameserver::Zones;
use store::{Author, Clock, NewAccount, Options, Source, Store, Zone};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);

/// A nameserver that does what the embedded one does, but for what the test forbids it.
#[derive(Clone)]
struct Faulty {
    inner: Embedded,
    faults: Arc<Mutex<Faults>>,
    /// So many may ask at the same time; others take turns, first come, first served.
    turns: Arc<Semaphore>,
}

#[derive(Default)]
struct Faults {
    /// Every call for these zones fails.
    refused: HashSet<String>,
    /// No step is taken: the whole zone has to be loaded.
    diverged: bool,
    /// How the calls went, in their order.
    calls: Vec<String>,
    /// The zones that are being worked on now.
    busy: HashSet<String>,
}

impl Faulty {
    fn begin(&self, call: &str, name: &ZoneName) -> Result<(), DeployError> {
        let mut faults = self.faults.lock().unwrap();
        faults.calls.push(format!("{call} {name}"));
        assert!(faults.busy.insert(name.to_string()), "two calls for {name} at the same time");
        if faults.refused.contains(&name.to_string()) {
            faults.busy.remove(&name.to_string());
            return Err(DeployError::Refused("the test says so".to_owned()));
        }
        Ok(())
    }

    fn end(&self, name: &ZoneName) {
        self.faults.lock().unwrap().busy.remove(&name.to_string());
    }

    fn calls(&self, call: &str) -> usize {
        self.faults.lock().unwrap().calls.iter().filter(|made| made.starts_with(call)).count()
    }
}

impl Witness for Faulty {
    fn name(&self) -> &str {
        "faulty"
    }

    fn kind(&self) -> NameserverKind {
        NameserverKind::Embedded
    }

    fn served<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<Option<Served>, DeployError>> {
        async move {
            let _turn = self.turns.acquire().await.unwrap();
            tokio::task::yield_now().await;
            self.inner.served(name).await
        }
        .boxed()
    }
}

impl Nameserver for Faulty {
    fn load(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>> {
        async move {
            self.begin("load", &zone.name)?;
            tokio::task::yield_now().await;
            let name = zone.name.clone();
            let result = self.inner.load(zone).await;
            self.end(&name);
            result
        }
        .boxed()
    }

    fn apply(&self, delta: ZoneDelta) -> BoxFuture<'_, Result<(), DeployError>> {
        async move {
            self.begin("apply", &delta.name)?;
            tokio::task::yield_now().await;
            let name = delta.name.clone();
            let diverged = self.faults.lock().unwrap().diverged;
            let result =
                if diverged { Err(DeployError::Diverged("test".to_owned())) } else { self.inner.apply(delta).await };
            self.end(&name);
            result
        }
        .boxed()
    }

    fn remove<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<(), DeployError>> {
        async move {
            self.begin("remove", name)?;
            let result = self.inner.remove(name).await;
            self.end(name);
            result
        }
        .boxed()
    }
}

/// A store in a temporary folder with one account, a faulty nameserver, and the deployment between them.
struct Stage {
    store: Store,
    author: Author,
    zones: Zones,
    faulty: Faulty,
    deployment: Deployment,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        let account = NewAccount { email: "a@example.com".to_owned(), ..NewAccount::default() };
        let account = store.command_line().create_account(account).await.unwrap();
        let author = Author { account: account.id, name: "test".to_owned(), source: Source::Operator, address: None };
        Stage::start(folder, store, author)
    }

    fn start(folder: tempfile::TempDir, store: Store, author: Author) -> Stage {
        let zones = Zones::new();
        let turns = Arc::new(Semaphore::new(8));
        let faulty = Faulty { inner: Embedded::new(zones.clone()), faults: Arc::default(), turns };
        let stop = CancellationToken::new();
        let settings = Settings { sweep_every: Duration::from_millis(100) };
        let (deployment, _) =
            Deployment::start(store.journal(), vec![Arc::new(faulty.clone())], Vec::new(), settings, stop.clone());
        Stage { store, author, zones, faulty, deployment, stop, _folder: folder }
    }

    async fn create(&self, name: &str) -> Zone {
        self.store.create_zone(&self.author, ZoneName::parse(name).unwrap()).await.unwrap()
    }

    /// Adds an address and gives the zone as it is then.
    async fn add(&self, zone: &Zone, last: u8) -> Zone {
        let record = NewRecord {
            owner: OwnerName::apex(),
            data: RecordData::A(A(Ipv4Addr::new(192, 0, 2, last))),
            ttl: TtlChoice::Join(Ttl::DEFAULT),
        };
        let edits = vec![Edit::Create(self.store.new_record_id(), record)];
        self.store.change(&self.author, zone.id, edits).await.unwrap().zone
    }

    async fn served(&self, zone: &Zone) -> bool {
        self.zones.served(&zone.name) == Some((zone.id, zone.serial))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn open(folder: &tempfile::TempDir) -> Store {
    let nameserver = ApexNameserver { name: Name::parse("ns1.example.net").unwrap(), addresses: Vec::new() };
    let apex = Apex::new(vec![nameserver]).unwrap();
    let options = Options {
        clock: Clock::system(),
        limits: Limits::default(),
        apex,
        key_file: None,
        own_names: Vec::new(),
        policy: store::Policy::default(),
    };
    postgres::open(folder.path(), options)
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < DEADLINE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_zone_that_fails_holds_back_no_other_and_is_tried_again() {
    let stage = Stage::new().await;
    stage.faulty.faults.lock().unwrap().refused.insert("broken.example".to_owned());
    let broken = stage.create("broken.example").await;
    let sound = stage.create("sound.example").await;
    eventually("the sound zone is served", || stage.served(&sound)).await;
    eventually("the broken one is tried again", || async { stage.faulty.calls("load broken.example") >= 3 }).await;
    assert!(!stage.served(&broken).await);
    let head = stage.store.journal().head(&broken.name).await.unwrap().unwrap();
    let status = stage.deployment.status(&head).await;
    assert!(!status[0].in_sync);
    assert!(status[0].error.as_deref().unwrap().contains("the test says so"));
    assert!(!stage.deployment.wait(&head, Duration::from_millis(20)).await);

    stage.faulty.faults.lock().unwrap().refused.clear();
    assert!(stage.deployment.wait(&head, DEADLINE).await);
    eventually("the error is forgotten", || async { stage.deployment.status(&head).await[0].error.is_none() }).await;
}

#[tokio::test]
async fn changes_are_steps_and_a_diverged_zone_is_loaded() {
    let stage = Stage::new().await;
    let mut zone = stage.create("example.com").await;
    eventually("the zone is served", || stage.served(&zone)).await;
    for last in 1..=20 {
        zone = stage.add(&zone, last).await;
    }
    eventually("the last change is served", || stage.served(&zone)).await;
    assert_eq!(stage.faulty.calls("load"), 1, "a change does not load the zone again");

    stage.faulty.faults.lock().unwrap().diverged = true;
    zone = stage.add(&zone, 100).await;
    eventually("the diverged zone is loaded", || stage.served(&zone)).await;
    assert_eq!(stage.faulty.calls("load"), 2);
}

#[tokio::test]
async fn what_the_nameserver_lost_or_kept_is_found_by_the_sweep() {
    let stage = Stage::new().await;
    let zone = stage.create("example.com").await;
    eventually("the zone is served", || stage.served(&zone)).await;
    eventually("the first sweep is through", || async { stage.deployment.is_settled() }).await;
    stage.zones.remove(&zone.name);
    eventually("the lost zone is served again", || stage.served(&zone)).await;
}

#[tokio::test]
async fn a_deleted_zone_goes_and_its_successor_is_another_zone() {
    let stage = Stage::new().await;
    let old = stage.create("example.com").await;
    let old = stage.add(&old, 1).await;
    eventually("the old zone is served", || stage.served(&old)).await;
    stage.store.delete_zone(&stage.author, old.id, Vec::new()).await.unwrap();
    eventually("the old zone is gone", || async { stage.zones.served(&old.name).is_none() }).await;
    let new = stage.create("example.com").await;
    assert!(new.serial.is_newer_than(old.serial));
    eventually("the new zone is served", || stage.served(&new)).await;

    // Deleted and made again so quickly that nobody saw it gone.
    stage.store.delete_zone(&stage.author, new.id, Vec::new()).await.unwrap();
    let newest = stage.create("example.com").await;
    eventually("the newest zone is served", || stage.served(&newest)).await;
}

/// Also where the sweep finds more than the driver has places for, and both ask a nameserver that answers few at a time.
#[tokio::test]
async fn a_new_process_serves_everything_there_is() {
    let first = Stage::new().await;
    let mut zones = Vec::new();
    for number in 0..1200 {
        zones.push(first.create(&format!("zone-{number}.example")).await);
    }
    zones[7] = first.add(&zones[7], 1).await;
    let (store, author) = (first.store.clone(), first.author.clone());
    let second = Stage::start(tempfile::tempdir().unwrap(), store, author);
    eventually("everything is loaded", || async { second.deployment.is_settled() }).await;
    for zone in &zones {
        assert!(second.served(zone).await, "{} is served", zone.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_changes_at_once_end_at_the_head() {
    let stage = Arc::new(Stage::new().await);
    let mut zones = Vec::new();
    for number in 0..20 {
        zones.push(stage.create(&format!("zone-{number}.example")).await);
    }
    let mut writers = Vec::new();
    for zone in zones.clone() {
        let stage = Arc::clone(&stage);
        writers.push(tokio::spawn(async move {
            let mut zone = zone;
            for last in 1..=40 {
                zone = stage.add(&zone, last).await;
            }
            zone
        }));
    }
    for writer in writers {
        let zone = writer.await.unwrap();
        eventually("the last change is served", || stage.served(&zone)).await;
    }
}
