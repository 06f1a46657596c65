//! The parts that only PostgreSQL needs: its schema, the writer's lock, and the proof that a transaction was committed.
//!
//! Several nodes share the database. Only the node that holds an advisory lock writes; the lock ends with the transaction. So the
//! guarantees of a single writer still hold: `versions.seq` is the order of the commits, and a rule that reads several zones
//! never sees a part of another change.
//!
//! If the connection is lost during a commit, the transaction may be stored or not. So each transaction writes its number into the
//! row of this process in `writers`. After a new connection, that row, read under the lock, shows whether the transaction is stored.
//!
//! Decided against: locks for each zone (slower, and wrong for limits and names), SERIALIZABLE (most attempts fail), a sequence for
//! `seq` (numbers do not become visible in their order), and `pg_xact_status` (after a failover, the id can be another transaction's).

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use super::db::{Address, Connection, DbError, Failure, Session, Use, params, value};
use super::key_file;
use crate::sealing::SecretKeys;
use crate::{DatabaseError, StoreError};

/// Every schema change since the first release with PostgreSQL, oldest first. Never change or remove one. A change must
/// not remove anything that the previous release uses, so that nodes of both releases can run together.
const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/postgres/0001_first.sql"), include_str!("migrations/postgres/0002_update_keys.sql")];

/// The oldest supported version of PostgreSQL, in the form of `server_version_num`.
const OLDEST: i64 = 150_000;

/// The writer's lock: "ZWrt" in hexadecimal.
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(1515680372)";
const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock(1515680372)";

/// The channel of notifications about the journal.
const CHANNEL: &str = "zonewright_journal";

/// How long a transaction waits for a database that cannot be reached before its changes are refused.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(100);

/// Creates or updates the schema. Returns the writer's connection and the keys of the secrets.
pub(super) fn prepare(address: &Address, key_file: &Path) -> Result<(Connection, SecretKeys), StoreError> {
    let connection = connect(address, Use::Write)?;
    let Connection::Postgres(session) = &connection else { return Err(StoreError::Bug("no session")) };
    let version: i64 = connection.one("SELECT current_setting('server_version_num')::bigint", [], value)?;
    if version < OLDEST {
        return Err(StoreError::OldServer { found: version / 10_000, oldest: OLDEST / 10_000 });
    }
    prove_lock(address, session)?;
    begin(session).map_err(DbError::from)?;
    let keys = migrate(&connection, session, address, key_file)?;
    session.end("COMMIT").map_err(DbError::from)?;
    Ok((connection, keys))
}

/// Begins a transaction under the writer's lock, for commands that do not open the store.
pub(super) fn begin_alone(address: &Address) -> Result<Connection, StoreError> {
    let connection = connect(address, Use::Write)?;
    if let Connection::Postgres(session) = &connection {
        begin(session).map_err(DbError::from)?;
    }
    Ok(connection)
}

/// Begins a transaction, and waits for the writer's lock.
fn begin(session: &Session) -> Result<(), Failure> {
    session.begin(BEGIN)?;
    session.flush()
}

/// Opens one more connection.
pub(super) fn connect(address: &Address, purpose: Use) -> Result<Connection, StoreError> {
    Ok(Connection::Postgres(Box::new(Session::connect(address, purpose).map_err(DbError::from)?)))
}

/// Runs in a transaction under the lock: nodes that start together wait for each other.
fn migrate(
    connection: &Connection,
    session: &Session,
    address: &Address,
    key_file: &Path,
) -> Result<SecretKeys, StoreError> {
    let known = MIGRATIONS.len() as i64;
    let has_schema = connection.exists("SELECT 1 WHERE to_regclass('schema_version') IS NOT NULL", [])?;
    if !has_schema {
        if connection.exists("SELECT 1 FROM pg_tables WHERE schemaname = current_schema()", [])? {
            return Err(StoreError::Foreign { path: address.to_string().into() });
        }
        session.batch("CREATE TABLE schema_version (number BIGINT NOT NULL)").map_err(DbError::from)?;
        connection.execute("INSERT INTO schema_version VALUES (0)", [])?;
    }
    let done: i64 = connection.one("SELECT number FROM schema_version", [], value)?;
    let missing = usize::try_from(done).ok().and_then(|done| MIGRATIONS.get(done..));
    let Some(missing) = missing else {
        return Err(StoreError::Newer { path: address.to_string().into(), found: done, known });
    };
    let keys = key_file::load(connection, key_file)?;
    for migration in missing {
        session.batch(migration).map_err(|failure| StoreError::Migration(DbError::from(failure).into()))?;
    }
    connection.execute("UPDATE schema_version SET number = ?1", [known])?;
    key_file::check(connection, key_file, &keys)?;
    Ok(keys)
}

/// Refuses a database whose locks do not exclude each other, for example behind a pooler or in a variant of PostgreSQL.
fn prove_lock(address: &Address, session: &Session) -> Result<(), StoreError> {
    let other = connect(address, Use::Read)?;
    let Connection::Postgres(others_session) = &other else { return Err(StoreError::Bug("no session")) };
    begin(session).map_err(DbError::from)?;
    others_session.begin("BEGIN").map_err(DbError::from)?;
    let is_free: bool = other.one(TRY_LOCK, [], value)?;
    session.end("ROLLBACK").map_err(DbError::from)?;
    if is_free { Err(StoreError::NoLock) } else { Ok(()) }
}

/// The number of the writer's newest transaction, and its row in `writers`.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Random for each start of a process, so that no process uses the row of an earlier one.
    node: [u8; 16],
    number: Cell<i64>,
}

impl Ledger {
    pub(super) fn new(node: [u8; 16]) -> Ledger {
        Ledger { node, number: Cell::new(0) }
    }

    /// Begins a transaction under the writer's lock. If the database cannot be reached, it is retried for ten seconds.
    pub(super) fn begin(&self, session: &Session) -> Result<(), DatabaseError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match begin(session) {
                Err(failure) if failure.is_lost() && Instant::now() < deadline => std::thread::sleep(PAUSE),
                Err(failure) => {
                    // The transaction may still be open.
                    let _ = session.end("ROLLBACK");
                    return Err(DbError::from(failure).into());
                }
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Commits, with a notification if the journal has new versions. `Ok` only if the transaction is known to be stored.
    pub(super) fn commit(
        &self,
        connection: &Connection,
        session: &Session,
        journal_end: Option<i64>,
    ) -> Result<(), DatabaseError> {
        let number = self.number.get() + 1;
        self.number.set(number);
        let ledger = "INSERT INTO writers VALUES (?1, ?2, (extract(epoch FROM now()) * 1000)::bigint)
                      ON CONFLICT (node) DO UPDATE SET number = excluded.number, time = excluded.time";
        connection.write(ledger, params![self.node, number])?;
        if let Some(end) = journal_end {
            connection.write("SELECT pg_notify(?1, ?2)", [CHANNEL, &end.to_string()])?;
        }
        match session.end("COMMIT") {
            Ok(()) if session.was_warned() => Err(DbError::Unsure.into()),
            Ok(()) => Ok(()),
            Err(failure) if failure.is_lost() => self.look_up(connection, session, number, failure),
            Err(failure) => Err(DbError::from(failure).into()),
        }
    }

    /// Whether a transaction whose connection was lost is stored. Reads under the lock, because the old server process may still be
    /// committing.
    fn look_up(
        &self,
        connection: &Connection,
        session: &Session,
        number: i64,
        lost: Failure,
    ) -> Result<(), DatabaseError> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if begin(session).is_ok() {
                let found =
                    connection.optional("SELECT number FROM writers WHERE node = ?1", [self.node], value::<i64>);
                let _ = session.end("ROLLBACK");
                match found {
                    Ok(stored) if stored == Some(number) => {
                        tracing::info!("the connection to the database was lost during a commit, which is stored");
                        return Ok(());
                    }
                    Ok(_) => {
                        tracing::warn!(%lost, "the connection to the database was lost during a commit, which is not stored");
                        return Err(DbError::Lost.into());
                    }
                    Err(_) => {}
                }
            }
            std::thread::sleep(PAUSE);
        }
        tracing::error!("the connection to the database was lost during a commit: its outcome is not known");
        Err(DbError::Unsure.into())
    }
}

/// A number that changes with each commit, so that the watcher notices new data.
pub(super) const POSITION_IN_LOG: &str = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";

/// Listens for journal positions that other nodes commit, until `is_over`. Notifications may be missed: the watcher polls as well.
pub(super) fn listen(address: &Address, is_over: impl Fn() -> bool, moved: impl Fn(i64)) {
    /// How often `is_over` is checked.
    const LOOK: Duration = Duration::from_millis(200);
    while !is_over() {
        let heard = (|| {
            let session = Session::connect(address, Use::Read)?;
            session.batch(&format!("LISTEN {CHANNEL}"))?;
            while !is_over() {
                if let Some(payload) = session.notification(LOOK)?
                    && let Ok(position) = payload.parse()
                {
                    moved(position);
                }
            }
            Ok::<_, Failure>(())
        })();
        if let Err(error) = heard
            && !is_over()
        {
            tracing::warn!(%error, "no notifications from the database; changes of other nodes are found by polling");
            std::thread::sleep(PAUSE * 5);
        }
    }
}
