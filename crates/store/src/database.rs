//! Where the data is.

use std::fmt;
use std::path::{Path, PathBuf};

pub use crate::sql::{Address, AddressError};

/// A database: a file of this machine, or a PostgreSQL server that several nodes share.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file of SQLite's.
    Sqlite(PathBuf),
    /// A database on a PostgreSQL server, version 15 or newer.
    Postgres(Box<Address>),
}

impl Database {
    /// The file; `None` where the data is on a server.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Database::Sqlite(path) => Some(path),
            Database::Postgres(_) => None,
        }
    }
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Database {
        Database::Sqlite(path.to_owned())
    }
}

impl From<PathBuf> for Database {
    fn from(path: PathBuf) -> Database {
        Database::Sqlite(path)
    }
}

impl From<&PathBuf> for Database {
    fn from(path: &PathBuf) -> Database {
        Database::Sqlite(path.clone())
    }
}

impl From<Address> for Database {
    fn from(address: Address) -> Database {
        Database::Postgres(Box::new(address))
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::Sqlite(path) => path.display().fmt(f),
            Database::Postgres(address) => address.fmt(f),
        }
    }
}
