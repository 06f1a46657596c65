//! One connection type for both databases, so that each statement is written once.
//!
//! | part | job |
//! |---|---|
//! | `value` | values of statements and of rows |
//! | `dialect` | translates statements for PostgreSQL |
//! | `postgres` | a session with PostgreSQL, which collects statements and sends them together |
//! | `address` | the URL of a PostgreSQL database, and its certificates |
//!
//! Statements are written in the part of SQL that both databases understand, with three exceptions that `dialect` translates:
//! parameters (`?1`), `INDEXED BY` and `CROSS JOIN`. Features of only one database (checkpoints, advisory locks) need a `match`.
//!
//! Decided against: a second set of statements for PostgreSQL (200 statements to keep equal), a trait with a method for each
//! operation of the store, and an object-relational mapper.

mod address;
mod dialect;
mod postgres;
mod value;

use rusqlite::ffi::{SQLITE_CONSTRAINT_UNIQUE, SQLITE_IOERR_SHMSIZE};
use rusqlite::{CachedStatement, ErrorCode};
use tokio_postgres::error::SqlState;

pub(super) use self::Error as DbError;
pub use self::address::{Address, AddressError};
pub(super) use self::postgres::{Failure, Session, Use};
pub(super) use self::value::{FromValue, Index, Params, Row, ToValue, params};
use crate::{DatabaseError, Health, StoreError};

/// A connection that one thread uses.
#[derive(Debug)]
pub(super) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<Session>),
}

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Postgres(#[from] postgres::Failure),
    /// The transaction may be stored or not; or it is stored, but may be lost at the next failover.
    #[error("it is not known whether the change is stored")]
    Unsure,
    /// The transaction is not stored.
    #[error("the connection to the database was lost")]
    Lost,
    #[error("another change of the same transaction failed and took it back")]
    TakenBack,
    #[error("a statement gave no row")]
    NoRow,
    #[error("column {0} of a row has another type")]
    Type(String),
}

pub(super) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether a statement failed because a unique value exists already.
    pub(super) fn violates_uniqueness(&self) -> bool {
        match self {
            Error::Sqlite(error) => error.sqlite_error().is_some_and(|error| {
                error.code == ErrorCode::ConstraintViolation && error.extended_code == SQLITE_CONSTRAINT_UNIQUE
            }),
            Error::Postgres(failure) => failure.has_code(&SqlState::UNIQUE_VIOLATION),
            Error::Lost | Error::Unsure | Error::TakenBack | Error::NoRow | Error::Type(_) => false,
        }
    }

    fn health(&self) -> Option<Health> {
        match self {
            Error::Sqlite(error) => error.sqlite_error().and_then(|found| match found.code {
                ErrorCode::DiskFull => Some(Health::DiskFull),
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Some(Health::Damaged),
                _ if found.extended_code == SQLITE_IOERR_SHMSIZE => Some(Health::DiskFull),
                _ => None,
            }),
            Error::Postgres(failure) => failure.health(),
            Error::Lost | Error::Unsure => Some(Health::Unreachable),
            Error::TakenBack | Error::NoRow | Error::Type(_) => None,
        }
    }
}

impl From<Error> for DatabaseError {
    fn from(error: Error) -> DatabaseError {
        DatabaseError::new(error.health(), error)
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> DatabaseError {
        Error::Sqlite(error).into()
    }
}

/// For `?` in this folder. Other crates match on [`StoreError`], never on what the database reported.
impl From<Error> for StoreError {
    fn from(error: Error) -> StoreError {
        StoreError::Database(error.into())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        StoreError::Database(error.into())
    }
}

/// Reads the only column.
pub(super) fn value<T: FromValue>(row: &Row<'_>) -> std::result::Result<T, StoreError> {
    Ok(row.get(0)?)
}

impl Connection {
    /// The connection to SQLite; `None` where it is to PostgreSQL.
    pub(super) fn sqlite(&self) -> Option<&rusqlite::Connection> {
        match self {
            Connection::Sqlite(connection) => Some(connection),
            Connection::Postgres(_) => None,
        }
    }

    /// Waits for the statements that [`Connection::write`] and [`Connection::control`] sent.
    pub(super) fn flush(&self) -> Result<()> {
        match self {
            Connection::Sqlite(_) => Ok(()),
            Connection::Postgres(session) => Ok(session.flush()?),
        }
    }

    /// A statement, which both databases keep prepared.
    pub(super) fn prepare_cached<'a>(&'a self, sql: &'a str) -> Result<Statement<'a>> {
        Ok(match self {
            Connection::Sqlite(connection) => Statement::Sqlite(connection.prepare_cached(sql)?),
            Connection::Postgres(session) => Statement::Postgres(session, sql),
        })
    }

    /// Runs a statement that returns no rows. Returns the number of changed rows.
    pub(super) fn execute(&self, sql: &str, values: impl Params) -> Result<usize> {
        self.prepare_cached(sql)?.execute(values)
    }

    /// The row, if there is one.
    pub(super) fn optional<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> std::result::Result<T, StoreError>,
    ) -> std::result::Result<Option<T>, StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        rows.next()?.map(|row| read(&row)).transpose()
    }

    /// The row of a statement that always has one.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> std::result::Result<T, StoreError>,
    ) -> std::result::Result<T, StoreError> {
        self.optional(sql, values, read)?.ok_or(Error::NoRow.into())
    }

    /// All rows.
    pub(super) fn list<T>(
        &self,
        sql: &str,
        values: impl Params,
        mut read: impl FnMut(&Row<'_>) -> std::result::Result<T, StoreError>,
    ) -> std::result::Result<Vec<T>, StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(&row)?);
        }
        Ok(found)
    }

    /// Whether there is a row.
    pub(super) fn exists(&self, sql: &str, values: impl Params) -> std::result::Result<bool, StoreError> {
        Ok(self.prepare_cached(sql)?.exists(values)?)
    }

    /// Runs a statement that inserts one row and ends with `RETURNING` its number.
    pub(super) fn insert(&self, sql: &str, values: impl Params) -> Result<i64> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let number = rows.next()?.ok_or(Error::NoRow)?.get(0)?;
        // SQLite ends a statement that changes rows when it is asked for the row after the last.
        while rows.next()?.is_some() {}
        Ok(number)
    }

    /// Runs a statement whose number of changed rows does not matter. On PostgreSQL, the next statement with a result awaits it.
    pub(super) fn write(&self, sql: &str, values: impl Params) -> Result<()> {
        match self {
            Connection::Sqlite(_) => self.execute(sql, values).map(drop),
            Connection::Postgres(session) => Ok(session.write_later(sql, values)?),
        }
    }

    /// A statement without values that controls the transaction, such as `SAVEPOINT`.
    pub(super) fn control(&self, sql: &'static str) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => Ok(connection.prepare_cached(sql)?.execute([]).map(drop)?),
            Connection::Postgres(session) => {
                session.control_later(sql);
                Ok(())
            }
        }
    }

    /// Whether no transaction is open: none was begun, or the database rolled it back by itself.
    pub(super) fn is_autocommit(&self) -> bool {
        match self {
            Connection::Sqlite(connection) => connection.is_autocommit(),
            Connection::Postgres(session) => !session.is_in_transaction(),
        }
    }
}

/// A prepared statement.
pub(super) enum Statement<'a> {
    Sqlite(CachedStatement<'a>),
    Postgres(&'a Session, &'a str),
}

impl Statement<'_> {
    /// Runs it. Returns the number of changed rows.
    pub(super) fn execute(&mut self, values: impl Params) -> Result<usize> {
        match self {
            Statement::Sqlite(statement) => {
                values.bind(statement)?;
                Ok(statement.raw_execute()?)
            }
            Statement::Postgres(session, sql) => Ok(session.execute(sql, values)?),
        }
    }

    pub(super) fn query(&mut self, values: impl Params) -> Result<Rows<'_>> {
        match self {
            Statement::Sqlite(statement) => {
                values.bind(statement)?;
                Ok(Rows::Sqlite(statement.raw_query()))
            }
            Statement::Postgres(session, sql) => {
                Ok(Rows::Postgres { rows: session.query(sql, values)?.into_iter(), current: None })
            }
        }
    }

    /// Whether there is a row.
    pub(super) fn exists(&mut self, values: impl Params) -> Result<bool> {
        Ok(self.query(values)?.next()?.is_some())
    }
}

/// The rows of a query. Those of SQLite are read one by one; those of PostgreSQL are all in memory.
pub(super) enum Rows<'a> {
    Sqlite(rusqlite::Rows<'a>),
    Postgres { rows: std::vec::IntoIter<tokio_postgres::Row>, current: Option<tokio_postgres::Row> },
}

impl Rows<'_> {
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>> {
        match self {
            Rows::Sqlite(rows) => Ok(rows.next()?.map(Row::Sqlite)),
            Rows::Postgres { rows, current } => {
                *current = rows.next();
                Ok(current.as_ref().map(Row::Postgres))
            }
        }
    }
}
