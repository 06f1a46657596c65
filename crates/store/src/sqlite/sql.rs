//! What every file of this folder uses of `rusqlite`.

use rusqlite::ffi::{SQLITE_CONSTRAINT_UNIQUE, SQLITE_IOERR_SHMSIZE};
use rusqlite::{Connection, ErrorCode, Params, Row};

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

/// Prepared statements, with the rows read by a function.
pub(super) trait Statements {
    /// The row, if there is one.
    fn optional<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError>;

    /// The row of a statement that always has one.
    fn one<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.optional(sql, values, read)?.ok_or(rusqlite::Error::QueryReturnedNoRows.into())
    }

    /// All rows.
    fn list<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError>;

    /// Whether there is a row.
    fn exists(&self, sql: &str, values: impl Params) -> Result<bool, StoreError>;
}

impl Statements for Connection {
    fn optional<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.prepare_cached(sql)?.query(values)?.next()?.map(read).transpose()
    }

    fn list<T>(
        &self,
        sql: &str,
        values: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    fn exists(&self, sql: &str, values: impl Params) -> Result<bool, StoreError> {
        Ok(self.prepare_cached(sql)?.exists(values)?)
    }
}

/// Reads the only column.
pub(super) fn value<T: rusqlite::types::FromSql>(row: &Row<'_>) -> Result<T, StoreError> {
    Ok(row.get(0)?)
}

/// Whether a statement failed because the row would have been a second one.
pub(super) fn violates_uniqueness(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::ConstraintViolation && error.extended_code == SQLITE_CONSTRAINT_UNIQUE
    })
}

/// The columns of a row that is read in many places: the text that statements select, as a macro for `concat!`, and the index
/// of each column after `first` others. Reading by these indexes costs nothing; by name, SQLite's names are compared for each
/// value of each row, which is for statements with few rows.
macro_rules! columns {
    (
        $text:ident, $indexes:ident of $table:literal: $first:ident $(, $column:ident)*
        $(; $computed:ident = $expression:literal)* $(; ... $end:ident)?
    ) => {
        macro_rules! $text {
            () => {
                concat!($table, ".", stringify!($first) $(, ", ", $table, ".", stringify!($column))* $(, ", ", $expression)*)
            };
        }

        #[derive(Debug, Clone, Copy)]
        pub(super) struct $indexes {
            pub(super) $first: usize,
            $(pub(super) $column: usize,)*
            $(pub(super) $computed: usize,)*
            $(pub(super) $end: usize,)?
        }

        impl $indexes {
            pub(super) const fn after(first: usize) -> $indexes {
                let $first = first;
                let next = first + 1;
                $(let $column = next; let next = next + 1;)*
                $(let $computed = next; let next = next + 1;)*
                let _end = next;
                $(let $end = _end;)?
                $indexes { $first $(, $column)* $(, $computed)* $(, $end)? }
            }
        }
    };
}

pub(super) use columns;
