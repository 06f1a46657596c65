//! Failures of the store: of the database, of the files beside it, or of this program; never of a request.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Health;

/// A failure of the database, of its content, or of this program.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[source] DatabaseError),
    /// The transaction that many writers share could not begin or end: none of them has changed anything.
    #[error("the database could not store the change")]
    Commit(#[source] DatabaseError),
    /// A large change of the same zone is being written, or the zone was changed again and again while one was planned.
    #[error("the zone is being changed by another request")]
    Busy,
    /// The store is shutting down, or its writer has ended.
    #[error("the store is closed")]
    Closed,
    /// More passwords wait to be hashed than may; nothing was looked at.
    #[error("too many passwords wait to be checked")]
    PasswordsBusy,
    /// A panic in an operation, which has had no effect.
    #[error("an operation on the store ended in a panic")]
    Panicked,
    /// A state that this program rules out. The operation has had no effect.
    #[error("a defect of the program: {0}")]
    Bug(&'static str),
    /// The schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date")]
    Migration(#[source] DatabaseError),
    /// The database was written by a newer release, which may mean other things by it.
    #[error(
        "{path} was written by a newer release (schema {found}; this release supports up to {known}): upgrade the program"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema's number.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// A file that is something else.
    #[error("{path} is not a database of this program")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A copy of a database that has its own tools for that.
    #[error("a copy of a PostgreSQL database is made with pg_dump, or by continuous archiving")]
    OnServer,
    /// The server's PostgreSQL is too old.
    #[error("PostgreSQL {found} is too old: this release needs {oldest} or newer")]
    OldServer {
        /// The server's major version.
        found: i64,
        /// The oldest that is supported.
        oldest: i64,
    },
    /// Two connections could hold the writer's lock at the same time.
    #[error(
        "the database does not keep advisory locks: connect to PostgreSQL itself, not through a pooler, and not to a database \
         that only speaks its protocol"
    )]
    NoLock,
    /// A row that this program cannot have written.
    #[error("a row of {table} is damaged (row {row}, column {column})")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's number.
        row: i64,
    },
    /// The key file cannot be used.
    #[error(transparent)]
    Key(#[from] crate::KeyError),
    /// The operating system gave no random octets.
    #[error("no random numbers from the operating system")]
    Random,
    /// A file or folder could not be made or used.
    #[error("{path} cannot be used")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// What the database reported. It can be logged; which database it is does not show.
#[derive(Debug, Clone)]
pub struct DatabaseError {
    health: Option<Health>,
    cause: Arc<dyn Error + Send + Sync>,
}

impl DatabaseError {
    pub(crate) fn new(health: Option<Health>, cause: impl Error + Send + Sync + 'static) -> DatabaseError {
        DatabaseError { health, cause: Arc::new(cause) }
    }

    /// Whether it is an error of this type for which `is` says yes.
    pub(crate) fn is_of<E: Error + 'static>(&self, is: impl FnOnce(&E) -> bool) -> bool {
        self.cause.downcast_ref::<E>().is_some_and(is)
    }

    /// What the failure says of the database file; `None` where it is about something else.
    pub(crate) fn health(&self) -> Option<Health> {
        self.health
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for DatabaseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}
