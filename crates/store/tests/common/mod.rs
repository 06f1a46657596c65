//! A store in a folder of its own, with a clock that the test sets.

#![expect(dead_code, reason = "each test file uses its part of this")]
#![expect(clippy::unwrap_used, reason = "only tests use this")]

pub(crate) mod postgres;
mod rows;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use dns::apex::{Apex, ApexNameserver};
use dns::change::{Edit, Limits, NewRecord, TtlChoice};
use dns::{Name, OwnerName, RecordData, RecordId, RecordType, Ttl, ZoneName};
use store::*;

pub(crate) use rows::Rows;

/// 2024-01-15T10:30:00Z.
pub(crate) const START: i64 = 1_705_314_600;

/// Keeps every record.
pub(crate) struct Collect(pub(crate) Vec<StoredRecord>);

impl RecordVisitor for Collect {
    fn zone(&mut self, _: &Zone) {
        assert!(self.0.is_empty(), "the zone comes first");
    }

    fn record(&mut self, record: &StoredRecord) -> ControlFlow<()> {
        self.0.push(record.clone());
        ControlFlow::Continue(())
    }
}

/// A store, the folder that it is in, and its clock.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) clock: TestClock,
    folder: tempfile::TempDir,
    database: Database,
}

/// Seconds since 1970, as the test sets them.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl Default for TestClock {
    fn default() -> Self {
        TestClock(Arc::new(AtomicI64::new(START)))
    }
}

impl TestClock {
    pub(crate) fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Clock::from_fn(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap())
    }
}

impl Fixture {
    pub(crate) fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        if !postgres::is_wanted() {
            return Fixture::on_sqlite();
        }
        let database = postgres::migrated_database(&usual(&TestClock::default()));
        Fixture::on(folder, Address::parse(&database).unwrap().into())
    }

    /// For tests of the file itself.
    pub(crate) fn on_sqlite() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        Fixture::on(folder, Database::Sqlite(file))
    }

    fn on(folder: tempfile::TempDir, database: Database) -> Fixture {
        let clock = TestClock::default();
        let options = Options { key_file: Some(folder.path().join("secret.key")), ..usual(&clock) };
        let store = Store::open(database.clone(), options).unwrap();
        Fixture { store, clock, folder, database }
    }

    /// The file of a test of the file itself.
    pub(crate) fn path(&self) -> PathBuf {
        self.database.file().unwrap().to_owned()
    }

    /// A second store on the same database, as another process has it.
    pub(crate) fn open(&self, options: Options) -> Store {
        let options = Options { key_file: Some(self.folder.path().join("secret.key")), ..options };
        Store::open(self.database.clone(), options).unwrap()
    }

    /// Runs statements beside the store.
    pub(crate) fn execute(&self, sql: &str) {
        match &self.database {
            Database::Sqlite(path) => rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap(),
            Database::Postgres(address) => postgres::execute(address.url(), sql),
        }
    }

    /// Octets as SQL has them.
    pub(crate) fn octets(&self, octets: &[u8]) -> String {
        let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        match &self.database {
            Database::Sqlite(_) => format!("x'{hex}'"),
            Database::Postgres(_) => format!("'\\x{hex}'::bytea"),
        }
    }

    /// A second store on the same file, as another process has it.
    pub(crate) fn another(&self) -> Store {
        self.another_with(apex(&[("ns1.zonewright.test", &[])]))
    }

    pub(crate) fn another_with(&self, apex: Apex) -> Store {
        self.open(options(&self.clock, apex))
    }

    /// A second store, of a server that is reached under this name.
    pub(crate) fn another_named(&self, name: &str) -> Store {
        let options = options(&self.clock, apex(&[("ns1.zonewright.test", &[])]));
        self.open(Options { own_names: vec![Name::parse(name).unwrap()], ..options })
    }

    pub(crate) fn operator(&self) -> Operator {
        self.store.command_line()
    }

    pub(crate) fn tenant(&self, author: &Author) -> Tenant {
        self.store.tenant(author.clone(), ZoneScope::All)
    }

    pub(crate) async fn account(&self, email: &str) -> Author {
        let new = NewAccount { email: email.to_owned(), ..NewAccount::default() };
        author(self.operator().create_account(new).await.unwrap().id)
    }

    pub(crate) async fn zone(&self, author: &Author, name: &str) -> Zone {
        self.store.create_zone(author, zone_name(name)).await.unwrap()
    }

    pub(crate) async fn add(&self, author: &Author, zone: &Zone, owner: &str, address: &str) -> StoredRecord {
        let edit = self.create(zone, owner, address);
        let committed = self.store.change(author, zone.id, vec![edit]).await.unwrap();
        committed.records[0].clone().unwrap()
    }

    /// The wish for an A record.
    pub(crate) fn create(&self, zone: &Zone, owner: &str, address: &str) -> Edit {
        Edit::Create(self.store.new_record_id(), wish(zone, owner, RecordType::A, address))
    }

    /// How many rows the file has.
    pub(crate) fn count(&self, rows: Rows) -> i64 {
        self.count_by(&rows.sql())
    }

    fn count_by(&self, sql: &str) -> i64 {
        match &self.database {
            Database::Sqlite(path) => count_by(path, sql),
            Database::Postgres(address) => postgres::number(address.url(), sql),
        }
    }

    /// Each zone and each limited account has as many rows in kept versions as is noted.
    pub(crate) fn check_stored(&self) {
        let rows =
            "(SELECT count(*) FROM records r JOIN zones z ON z.id = r.zone WHERE r.from_version <= z.version AND";
        let zones = format!("SELECT count(*) FROM zones o WHERE o.stored <> {rows} z.id = o.id)");
        assert_eq!(self.count_by(&zones), 0, "zones whose rows are others");
        let accounts = format!(
            "SELECT count(*) FROM accounts o
             WHERE CASE WHEN o.max_stored IS NOT NULL THEN {rows} z.account = o.id) END IS DISTINCT FROM o.held_stored"
        );
        assert_eq!(self.count_by(&accounts), 0, "accounts whose rows are others");
    }
}

fn usual(clock: &TestClock) -> Options {
    options(clock, apex(&[("ns1.zonewright.test", &[])]))
}

/// Rows of a file.
pub(crate) fn count(path: &Path, rows: Rows) -> i64 {
    count_by(path, &rows.sql())
}

fn count_by(path: &Path, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

pub(crate) fn options(clock: &TestClock, apex: Apex) -> Options {
    Options {
        clock: clock.clock(),
        limits: Limits::default(),
        apex,
        key_file: None,
        own_names: Vec::new(),
        policy: store::Policy::default(),
    }
}

pub(crate) fn apex(nameservers: &[(&str, &[&str])]) -> Apex {
    let nameservers = nameservers
        .iter()
        .map(|(name, addresses)| ApexNameserver {
            name: Name::parse(name).unwrap(),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        })
        .collect();
    Apex::new(nameservers).unwrap()
}

pub(crate) fn author(account: AccountId) -> Author {
    Author { account, name: "test".to_owned(), source: Source::Api, address: None }
}

pub(crate) fn zone_name(name: &str) -> ZoneName {
    ZoneName::parse(name).unwrap()
}

/// A zone that is created although zones of others are above or below it.
pub(crate) fn overriding(name: ZoneName) -> NewZone {
    NewZone { override_related: true, ..NewZone::named(name) }
}

pub(crate) fn wish(zone: &Zone, owner: &str, record_type: RecordType, value: &str) -> NewRecord {
    NewRecord {
        owner: OwnerName::parse(owner, &zone.name).unwrap(),
        data: RecordData::parse(record_type, value, None, &zone.name).unwrap(),
        ttl: TtlChoice::Join(Ttl::DEFAULT),
    }
}

pub(crate) fn replace(record: &StoredRecord, wanted: NewRecord) -> Edit {
    Edit::Replace(record.record.id, wanted)
}

pub(crate) fn delete(id: RecordId) -> Edit {
    Edit::Delete(id)
}

/// Asks until the answer is yes; fails after thirty seconds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) -> Duration {
    let started = Instant::now();
    while !ask().await {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}: not within thirty seconds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    started.elapsed()
}
