//! The key file: created with the database, read at every start, and compared with the check value in the database.
//!
//! The check value is encrypted like all secrets (`sealing`). A database with a check value is never opened with another key: what
//! was encrypted with that key could not be read once the right file is back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::functions::FunctionFlags;

use super::db::{Connection, params, value};
use super::readers::Size;
use super::writer::Work;
use super::{cluster, open};
use crate::sealing::{Purpose, SecretKeys};
use crate::{Database, KeyError, Operator, Store, StoreError, Timestamp};

/// The key file of a database for which none is named: beside it.
pub(super) fn beside(database: &Path) -> PathBuf {
    database.with_file_name("secret.key")
}

/// What the check value says when it is opened.
const CHECK: &[u8] = b"zonewright";

/// The keys for a database. Runs in the transaction of the migrations, so that two processes that start together create one file.
pub(super) fn load(connection: &Connection, path: &Path) -> Result<SecretKeys, StoreError> {
    let is_in_use = has_table(connection)? && connection.exists("SELECT 1 FROM secret_keys", [])?;
    match fs::read_to_string(path) {
        Ok(text) => SecretKeys::from_text(&text).ok_or_else(|| KeyError::Malformed { path: path.to_owned() }.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_in_use => create(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(KeyError::Missing { path: path.to_owned() }.into())
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(KeyError::Malformed { path: path.to_owned() }.into())
        }
        Err(source) => Err(KeyError::File { path: path.to_owned(), source }.into()),
    }
}

fn has_table(connection: &Connection) -> Result<bool, StoreError> {
    let sql = match connection {
        Connection::Sqlite(_) => "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'secret_keys'",
        Connection::Postgres(_) => "SELECT 1 WHERE to_regclass('secret_keys') IS NOT NULL",
    };
    connection.exists(sql, [])
}

/// Gives SQL the function `seal_totp`, for a migration.
pub(super) fn define_function(connection: &rusqlite::Connection, keys: &SecretKeys) -> rusqlite::Result<()> {
    let keys = keys.clone();
    connection.create_scalar_function("seal_totp", 2, FunctionFlags::SQLITE_UTF8, move |call| {
        let sealed = keys.seal(Purpose::OneTimeKey, call.get(0)?, call.get_raw(1).as_blob()?);
        sealed.map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))
    })
}

/// Refuses keys that the check value does not open with; a database without one gets it.
pub(super) fn check(connection: &Connection, path: &Path, keys: &SecretKeys) -> Result<(), StoreError> {
    let number = keys.current();
    let sql = "SELECT id, check_value FROM secret_keys";
    let stored: Vec<(i64, Vec<u8>)> = connection.list(sql, [], |row| Ok((row.get("id")?, row.get("check_value")?)))?;
    let mut has_one = false;
    for (id, sealed) in stored {
        if keys.open(Purpose::KeyCheck, id, &sealed).as_deref() != Some(CHECK) {
            return Err(KeyError::Wrong { path: path.to_owned() }.into());
        }
        has_one |= id == i64::from(number);
    }
    if !has_one {
        let sealed = keys.seal(Purpose::KeyCheck, number.into(), CHECK)?;
        connection.execute("INSERT INTO secret_keys (id, check_value) VALUES (?1, ?2)", params![number, sealed])?;
    }
    Ok(())
}

fn create(path: &Path) -> Result<SecretKeys, StoreError> {
    let keys = SecretKeys::draw()?;
    match write_new(path, &keys.to_text()) {
        Ok(()) => Ok(keys),
        // Another database that uses the same file was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(path).map_err(|source| KeyError::File { path: path.to_owned(), source })?;
            SecretKeys::from_text(&text).ok_or_else(|| KeyError::Malformed { path: path.to_owned() }.into())
        }
        Err(source) => Err(KeyError::File { path: path.to_owned(), source }.into()),
    }
}

/// Writes a file that only its owner may read, whole or not at all, durably; one that exists is not touched.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::hard_link(&draft, path)?;
        File::open(folder)?.sync_all()
    })();
    // The draft has done its part, or the failure is the one to report.
    let _ = fs::remove_file(&draft);
    written
}

fn confirmed(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT min(coalesce(confirmed, 0)) FROM secret_keys";
    let time: Option<i64> = connection.one(sql, [], value)?;
    super::rows::Place { table: "secret_keys", row: 0 }.time_or_none("confirmed", time.filter(|time| *time > 0))
}

impl Operator {
    /// Where it is.
    pub fn key_file(&self) -> &Path {
        &self.store.inner.key_file
    }

    /// Notes that there is a copy of the key file, where `copy` is its text; false where that is not so.
    pub async fn confirm_key_copy(&self, copy: &str) -> Result<bool, StoreError> {
        if !self.store.inner.shared.secrets.is_copied_in(copy) {
            return Ok(false);
        }
        let confirm = |work: &Work| -> Result<(), StoreError> {
            work.connection.execute("UPDATE secret_keys SET confirmed = ?1", [work.now().as_millisecond()])?;
            Ok(())
        };
        self.store.inner.writer.run(confirm).await?;
        Ok(true)
    }

    /// When the operator last showed a copy of the key file; `None`: never.
    pub async fn key_copy_confirmed_at(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.inner.readers.run(Size::Small, confirmed).await
    }

    /// Writes a copy of the key file, which must not exist yet; it has the mode 0600.
    pub fn copy_key_file(&self, to: &Path) -> Result<(), StoreError> {
        let failed = |source| KeyError::File { path: to.to_owned(), source };
        Ok(write_new(to, &self.store.inner.shared.secrets.to_text()).map_err(failed)?)
    }
}

impl Store {
    /// For a database whose key is lost: gives up what was sealed with it, so that the next start draws a new key. Accounts with
    /// a second factor keep their recovery codes, and get in with those alone; mail that waits is gone, and update keys
    /// have their tokens only. Gives the number of such
    /// accounts, and `None`, without changing anything, where the key is there and right. Blocks.
    pub fn reset_secrets(database: &Database, key_file: &Path, now: Timestamp) -> Result<Option<usize>, StoreError> {
        // As in `Store::open`.
        std::thread::scope(|scope| scope.spawn(|| reset(database, key_file, now)).join())
            .unwrap_or(Err(StoreError::Panicked))
    }
}

fn reset(database: &Database, key_file: &Path, now: Timestamp) -> Result<Option<usize>, StoreError> {
    let connection = match database {
        Database::Sqlite(path) => {
            let connection = open::connect(path, open::Role::Writer)?;
            connection.control("BEGIN IMMEDIATE")?;
            connection
        }
        Database::Postgres(address) => cluster::begin_alone(address)?,
    };
    if !has_table(&connection)? {
        return Ok(None);
    }
    match load(&connection, key_file).and_then(|keys| check(&connection, key_file, &keys)) {
        Ok(()) => return Ok(None),
        Err(StoreError::Key(KeyError::Missing { .. } | KeyError::Wrong { .. } | KeyError::Malformed { .. })) => {}
        Err(error) => return Err(error),
    }
    // A file that is the key of something else, or nothing's, is not deleted: it may be a copy in the wrong place.
    if key_file.exists() {
        let aside = key_file.with_extension(format!("wrong-{}", now.as_second()));
        fs::rename(key_file, &aside).map_err(|source| KeyError::File { path: key_file.to_owned(), source })?;
    }
    let accounts = connection.execute("UPDATE accounts SET totp = ?1 WHERE totp IS NOT NULL", [[0_u8; 0]])?;
    connection.execute("DELETE FROM mails", [])?;
    connection.execute("UPDATE update_keys SET secret = NULL", [])?;
    connection.execute("DELETE FROM secret_keys", [])?;
    connection.control("COMMIT")?;
    connection.flush()?;
    Ok(Some(accounts))
}
