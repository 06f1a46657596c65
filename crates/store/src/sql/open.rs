//! Opening the file: who may read it, how its connections behave, and bringing its schema up to date.
//!
//! Migrations are numbered SQL files, compiled in; `PRAGMA user_version` says how many have run. All that are missing run in
//! one immediate transaction, so that a crash leaves the old schema, and a server and a command that start together on an
//! empty file do not both make it. A migration that was released never changes: a test holds their digests.
//!
//! Decided against: the `refinery` crate. It runs each migration in a deferred transaction of its own (two processes race),
//! and panics over a damaged history table.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{ErrorCode, OpenFlags};

use super::db::{Connection, value};
use super::{catalogs, key_file};
use crate::StoreError;
use crate::sealing::SecretKeys;

/// Every schema change since the first release, oldest first. Never change or remove one.
const MIGRATIONS: [&str; 20] = [
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_catalogs.sql"),
    include_str!("migrations/0003_rebuilt.sql"),
    include_str!("migrations/0004_history.sql"),
    include_str!("migrations/0005_people.sql"),
    include_str!("migrations/0006_deleted.sql"),
    include_str!("migrations/0007_answers.sql"),
    include_str!("migrations/0008_search.sql"),
    include_str!("migrations/0009_settings.sql"),
    include_str!("migrations/0010_secret_keys.sql"),
    include_str!("migrations/0011_limits.sql"),
    include_str!("migrations/0012_known_browsers.sql"),
    include_str!("migrations/0013_withheld.sql"),
    include_str!("migrations/0014_claims.sql"),
    include_str!("migrations/0015_mails.sql"),
    include_str!("migrations/0016_staged.sql"),
    include_str!("migrations/0017_rest.sql"),
    include_str!("migrations/0018_stored.sql"),
    include_str!("migrations/0019_decided.sql"),
    include_str!("migrations/0020_update_keys.sql"),
];

/// "ZWrt": marks the file as ours.
const APPLICATION_ID: i64 = 0x5a57_7274;

/// How long a connection waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The only one of this process that writes.
    Writer,
    /// Copies the write-ahead log back; holds no data of its own.
    Checkpointer,
    /// Reads single rows and short lists.
    Reader,
    /// Reads whole zones, which are larger than a cache.
    ScanReader,
}

/// Makes the file where there is none, brings its schema up to date, and gives the writer's connection and the keys of its secrets.
pub(super) fn prepare(path: &Path, key_file: &Path) -> Result<(Connection, SecretKeys), StoreError> {
    check_folder(path)?;
    make_file(path)?;
    let connection = connect(path, Role::Writer)?;
    let keys = migrate(&connection, path, key_file)?;
    Ok((connection, keys))
}

/// Opens one connection to a file that [`prepare`] has seen.
pub(super) fn connect(path: &Path, role: Role) -> Result<Connection, StoreError> {
    let access = match role {
        Role::Writer | Role::Checkpointer => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Role::Reader | Role::ScanReader => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    // Each connection stays on one thread, so SQLite's own locks around it would only cost.
    let connection = rusqlite::Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    // All of them.
    connection.set_prepared_statement_cache_capacity(256);
    // Plans do not depend on bound values: otherwise SQLite prepares most statements again whenever they get other values.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if role == Role::Writer {
        set_wal(&connection).map_err(|error| foreign(error, path))?;
    }
    // The log is copied back by the checkpointer, never inside somebody's commit.
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0;")?;
    // KiB, negative by SQLite's convention.
    let cache = match role {
        Role::Writer => -65_536,
        Role::Reader => -16_384,
        Role::ScanReader => -4_096,
        Role::Checkpointer => -1_024,
    };
    connection.pragma_update(None, "cache_size", cache)?;
    Ok(Connection::Sqlite(connection))
}

fn check_folder(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    match std::fs::metadata(&folder) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(StoreError::File { path: folder, source: io::ErrorKind::NotADirectory.into() }),
        Err(source) => Err(StoreError::File { path: folder, source }),
    }
}

/// SQLite gives the log and the shared index beside the file the same mode.
fn make_file(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|source| StoreError::File { path: path.to_owned(), source })
}

/// Two processes that open a new file together may find each other in the way here without SQLite's own waiting.
fn set_wal(connection: &rusqlite::Connection) -> Result<(), rusqlite::Error> {
    let deadline = Instant::now() + BUSY;
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other.map(drop),
        }
    }
}

fn migrate(connection: &Connection, path: &Path, key_file: &Path) -> Result<SecretKeys, StoreError> {
    let Some(file) = connection.sqlite() else { return Err(StoreError::Bug("a file that is not SQLite's")) };
    let known = MIGRATIONS.len() as i64;
    // Where this ends early, the connection is closed, and the transaction with it.
    connection.control("BEGIN IMMEDIATE")?;
    let number = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0));
    let done = number("PRAGMA user_version")?;
    let is_ours = number("PRAGMA application_id")? == APPLICATION_ID;
    let is_empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    if !is_ours && !is_empty {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let missing = usize::try_from(done).ok().and_then(|done| MIGRATIONS.get(done..));
    let Some(missing) = missing else {
        return Err(StoreError::Newer { path: path.to_owned(), found: done, known });
    };
    let keys = key_file::load(connection, key_file)?;
    if missing.is_empty() {
        key_file::check(connection, key_file, &keys)?;
        connection.control("COMMIT")?;
        return Ok(keys);
    }
    let failed = |error: rusqlite::Error| StoreError::Migration(error.into());
    // What a migration replaces is overwritten in the file, too.
    file.pragma_update(None, "secure_delete", true)?;
    catalogs::define_function(file).map_err(failed)?;
    key_file::define_function(file, &keys).map_err(failed)?;
    if done > 0 {
        tracing::info!(from = done, to = known, "upgrading the database's schema");
    }
    for migration in missing {
        file.execute_batch(migration).map_err(failed)?;
    }
    file.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    file.pragma_update(None, "user_version", known).map_err(failed)?;
    key_file::check(connection, key_file, &keys)?;
    connection.control("COMMIT").map_err(|error| StoreError::Migration(error.into()))?;
    file.pragma_update(None, "secure_delete", false)?;
    // The log still has what a migration replaced, such as secrets in the clear. Another process may hold it, and ends it later.
    let _ = file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    Ok(keys)
}

/// Copies the database into a new file, durably. A copy that fails leaves nothing.
pub(super) fn copy(connection: &Connection, to: &Path) -> Result<(), StoreError> {
    if connection.sqlite().is_none() {
        return Err(StoreError::OnServer);
    }
    let failed = |source: io::Error| StoreError::File { path: to.to_owned(), source };
    check_folder(to)?;
    let Some(name) = to.to_str() else { return Err(failed(io::ErrorKind::InvalidInput.into())) };
    // SQLite takes an empty file for a new one, but makes none with this mode.
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(to).map_err(failed)?;
    let copied = connection.execute("VACUUM INTO ?1", [name]).map_err(StoreError::from);
    let outcome = copied.and_then(|_| file.sync_all().map_err(failed));
    if outcome.is_err() {
        // The copy's own failure is the one to report.
        let _ = std::fs::remove_file(to);
    }
    outcome
}

/// SQLite's own check, of every page, index, constraint and foreign key.
pub(super) fn check(connection: &Connection) -> Result<Vec<String>, StoreError> {
    if connection.sqlite().is_none() {
        // PostgreSQL checks itself (checksums, amcheck), by its operator's tools.
        return Ok(Vec::new());
    }
    let mut complaints: Vec<String> = connection.list("PRAGMA integrity_check", [], value)?;
    complaints.retain(|complaint| complaint != "ok");
    complaints.extend(connection.list("PRAGMA foreign_key_check", [], |row| {
        let (table, parent): (String, String) = (row.get("table")?, row.get("parent")?);
        let id = row.get::<_, Option<i64>>("rowid")?.unwrap_or_default();
        Ok(format!("row {id} of {table} points at no row of {parent}"))
    })?);
    Ok(complaints)
}

fn foreign(error: rusqlite::Error, path: &Path) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { path: path.to_owned() },
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::sealing::Purpose;

    #[test]
    fn the_zones_of_an_older_schema_get_their_catalogs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.sqlite");
        let name = dns::ZoneName::parse("example.com").unwrap();
        let old = rusqlite::Connection::open(&path).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute_batch(
            "INSERT INTO accounts VALUES (1, 'a@b', 'a@b', '', '', '', NULL, 0); INSERT INTO apexes VALUES (1, '');",
        )
        .unwrap();
        old.execute("INSERT INTO zones VALUES (1, zeroblob(16), 1, ?1, 0, NULL, 0, 0, 1, 1, 1)", [name.name().key()])
            .unwrap();
        drop(old);
        let (connection, _) = prepare(&path, &folder.path().join("secret.key")).unwrap();
        let snapshot = catalogs::snapshot(&connection, crate::catalog_of(&name)).unwrap();
        assert_eq!((snapshot.serial, snapshot.members.len()), (dns::Serial(1), 1));
    }

    #[test]
    fn the_versions_of_an_older_schema_get_their_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.sqlite");
        let old = rusqlite::Connection::open(&path).unwrap();
        catalogs::define_function(&old).unwrap();
        old.execute_batch(&MIGRATIONS[..2].concat()).unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        old.pragma_update(None, "user_version", 2).unwrap();
        old.execute_batch(
            "INSERT INTO accounts VALUES (1, 'a@b', 'a@b', '', '', '', NULL, 0);
             INSERT INTO apexes VALUES (1, '');
             INSERT INTO zones VALUES (1, zeroblob(16), 1, x'', 0, NULL, 0, 2, 3, 3, 1, 0);
             INSERT INTO versions (zone, version, serial, time, kind, apex, source, author)
                 VALUES (1, 1, 1, 0, 1, 1, 1, ''), (1, 2, 2, 0, 1, 1, 1, ''), (1, 3, 3, 0, 1, 1, 1, '');
             INSERT INTO records
                 (zone, account, record, owner, type, data, quoted, ttl, created, from_version, from_serial, to_version)
                 VALUES (1, 1, x'01', x'', 1, x'01', 0, 60, 0, 2, 2, 3), (1, 1, x'02', x'', 1, x'02', 0, 60, 0, 2, 2, 3),
                        (1, 1, x'01', x'', 1, x'03', 0, 60, 0, 3, 3, NULL);",
        )
        .unwrap();
        drop(old);
        let (connection, _) = prepare(&path, &folder.path().join("secret.key")).unwrap();
        let connection = connection.sqlite().unwrap();
        let mut counts = connection.prepare("SELECT removed, added, changed FROM versions ORDER BY seq").unwrap();
        let counts = counts.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let counts: Vec<(i64, i64, i64)> = counts.collect::<Result<_, _>>().unwrap();
        assert_eq!(counts, [(0, 0, 0), (0, 2, 0), (2, 1, 1)]);
        let stored: i64 = connection.query_row("SELECT stored FROM zones", [], |row| row.get(0)).unwrap();
        assert_eq!(stored, 3);
    }

    #[test]
    fn the_one_time_keys_of_an_older_schema_are_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key_file) = (folder.path().join("old.sqlite"), folder.path().join("secret.key"));
        let old = connect_new(&path);
        let old = old.sqlite().unwrap();
        catalogs::define_function(old).unwrap();
        old.execute_batch(&MIGRATIONS[..9].concat()).unwrap();
        old.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        old.pragma_update(None, "user_version", 9).unwrap();
        let plain = *b"a key that was plain";
        for id in [1, 2] {
            let sql = "INSERT INTO accounts (id, email, email_key, first_name, last_name, company_name, created, totp)
                 VALUES (?1, ?1, ?1, '', '', '', 0, CASE ?1 WHEN 2 THEN ?2 END)";
            old.execute(sql, rusqlite::params![id, plain]).unwrap();
        }
        let (connection, keys) = prepare(&path, &key_file).unwrap();
        let connection = connection.sqlite().unwrap();
        let totp = |id: i64| {
            let sql = "SELECT totp FROM accounts WHERE id = ?1";
            connection.query_row(sql, [id], |row| row.get::<_, Option<Vec<u8>>>(0)).unwrap()
        };
        assert_eq!(totp(1), None);
        assert_eq!(keys.open(Purpose::OneTimeKey, 2, &totp(2).unwrap()).unwrap(), plain);
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap().path();
            let content = std::fs::read(&file).unwrap();
            assert!(!content.windows(plain.len()).any(|part| part == plain), "the plain key is in {}", file.display());
        }
    }

    fn connect_new(path: &Path) -> Connection {
        make_file(path).unwrap();
        connect(path, Role::Writer).unwrap()
    }

    #[test]
    fn released_migrations_never_change() {
        let digests: Vec<String> = MIGRATIONS
            .iter()
            .map(|sql| Sha256::digest(sql).iter().take(8).map(|octet| format!("{octet:02x}")).collect())
            .collect();
        assert_eq!(
            digests,
            [
                "ba4d8c45d2ea393d",
                "45141186049059c1",
                "ba7b84a6db22d99f",
                "62c78ea24d4e4ac7",
                "ad2be126efa5b240",
                "c498d8cb7cfa49ca",
                "1673752b58c51929",
                "8ee0b7fa5a338278",
                "135662607f84f824",
                "825f6aad3a7ea65f",
                "75461bb14bcbe587",
                "db5168a894fae6ca",
                "aa5fb49b2829e20e",
                "1c854dd64898cf0a",
                "1d96113dfe1f4f02",
                "c43f94bb5e85ab42",
                "38650e248160bcc0",
                "c05438aa6cb55bed",
                "eb95273c6f7973cc",
                "97279bc1f47b3a68"
            ]
        );
    }
}
