//! The write-ahead log: its length, and copying it back.

use crate::{Chain, StoreError};

/// Copies back what it can of the log without waiting for readers.
pub(super) fn copy_back(connection: &rusqlite::Connection) {
    if let Err(error) = log(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
        tracing::warn!(error = %Chain(&error), "the log could not be copied back");
    }
}

pub(super) struct Log {
    pub(super) pages: i64,
    pub(super) copied: i64,
}

pub(super) fn log(connection: &rusqlite::Connection, sql: &'static str) -> Result<Log, StoreError> {
    let read = |row: &rusqlite::Row<'_>| Ok(Log { pages: row.get(1)?, copied: row.get(2)? });
    Ok(connection.query_row(sql, [], read)?)
}
