//! What every file of this folder uses of `rusqlite`.

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

use crate::{DatabaseError, Health, StoreError};

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> DatabaseError {
        let health = error.sqlite_error().and_then(|found| match found.code {
            ErrorCode::DiskFull => Some(Health::DiskFull),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Some(Health::Damaged),
            _ if found.extended_code == SQLITE_IOERR_SHMSIZE => Some(Health::DiskFull),
            _ => None,
        });
        DatabaseError::new(health, error)
    }
}

/// For `?` in this folder. Other crates match on [`StoreError`], never on what the database said.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        StoreError::Database(error.into())
    }
}
