//! Whether the database file can be used.

use std::error::Error;

use tokio::sync::watch;

use crate::{Chain, DatabaseError, StoreError};

/// The state of the database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Reading and writing work.
    #[default]
    Good,
    /// The last attempt to write found no room on the disk. Changes are refused, reads go on, and writing resumes when there is room.
    DiskFull,
    /// The database server cannot be reached. Changes and reads are refused, and nameservers go on with what they have.
    Unreachable,
    /// SQLite found the file damaged. Nothing is written to it any more by this process.
    Damaged,
}

impl StoreError {
    /// What the error says of the database file; `None` where it is about something else.
    pub fn health(&self) -> Option<Health> {
        health_of(self)
    }
}

/// What an error, or one of its causes, says of the database file.
fn health_of(error: &(dyn Error + 'static)) -> Option<Health> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<DatabaseError>() {
            return error.health();
        }
        cause = error.source();
    }
    None
}

/// The health as the store's threads find it. A damaged file stays damaged until the process ends.
#[derive(Debug, Default)]
pub(crate) struct HealthWatch(watch::Sender<Health>);

impl HealthWatch {
    pub(crate) fn get(&self) -> Health {
        *self.0.borrow()
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.get() == Health::Damaged
    }

    /// Takes note of a failure, and logs what to do when the health changes by it.
    pub(crate) fn failed(&self, error: &(dyn Error + 'static)) {
        let Some(found) = health_of(error) else { return };
        if !self.set(found) {
            return;
        }
        let error = Chain(error).to_string();
        match found {
            Health::Damaged => tracing::error!(
                error,
                "the database file is damaged: nothing is written to it any more, and the nameservers go on with what they have. \
                 Stop the server, keep the file and those beside it, and start again with the newest backup as zonewright.sqlite"
            ),
            Health::DiskFull => tracing::error!(
                error,
                "the disk is full: changes are refused until there is room; reads and the nameservers go on"
            ),
            Health::Unreachable => tracing::error!(
                error,
                "the database cannot be reached: requests are refused, and the nameservers go on with what they have"
            ),
            Health::Good => {}
        }
    }

    /// Takes note of a commit.
    pub(crate) fn committed(&self) {
        match self.get() {
            Health::DiskFull if self.set(Health::Good) => {
                tracing::info!("there is room on the disk again: changes are accepted");
            }
            Health::Unreachable if self.set(Health::Good) => {
                tracing::info!("the database can be reached again");
            }
            _ => {}
        }
    }

    /// Takes note of an answer of the database.
    pub(crate) fn reached(&self) {
        if self.get() == Health::Unreachable {
            self.committed();
        }
    }

    /// Whether that was news.
    fn set(&self, found: Health) -> bool {
        self.0.send_if_modified(|health| {
            let is_news = *health != found && *health != Health::Damaged;
            if is_news {
                *health = found;
            }
            is_news
        })
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi::{self, SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_IOERR_SHMSIZE, SQLITE_NOTADB};

    use super::*;
    use crate::ChangeError;

    fn failure(code: i32) -> DatabaseError {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into()
    }

    #[test]
    fn the_cause_is_found_wherever_it_stands() {
        for (code, expected) in [
            (SQLITE_FULL, Some(Health::DiskFull)),
            (SQLITE_IOERR_SHMSIZE, Some(Health::DiskFull)),
            (SQLITE_CORRUPT, Some(Health::Damaged)),
            (SQLITE_NOTADB, Some(Health::Damaged)),
            (SQLITE_BUSY, None),
        ] {
            assert_eq!(StoreError::Database(failure(code)).health(), expected, "{code}");
            assert_eq!(StoreError::Commit(failure(code)).health(), expected, "{code}");
            assert_eq!(health_of(&ChangeError::Store(StoreError::Database(failure(code)))), expected, "{code}");
        }
        assert_eq!(StoreError::Closed.health(), None);
    }

    #[test]
    fn damage_stays_and_a_full_disk_ends_with_the_next_commit() {
        let watch = HealthWatch::default();
        watch.failed(&failure(SQLITE_BUSY));
        assert_eq!(watch.get(), Health::Good);
        watch.failed(&failure(SQLITE_FULL));
        assert_eq!(watch.get(), Health::DiskFull);
        watch.committed();
        assert_eq!(watch.get(), Health::Good);
        watch.failed(&failure(SQLITE_CORRUPT));
        watch.failed(&failure(SQLITE_FULL));
        watch.committed();
        assert!(watch.is_damaged());
    }
}
