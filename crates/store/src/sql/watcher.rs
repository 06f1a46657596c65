//! Notices what other processes (the operator's commands) write into the file.
//!
//! `PRAGMA data_version` tells a connection whether another one has committed since it last asked, at the cost of reading the
//! shared index of the log. After a change, the position of the journal advances, and the cache of tokens is flushed if a token or
//! an account has changed.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::db::{Connection, value};
use super::shared::Shared;
use super::{background, cluster, journal, tokens};
use crate::StoreError;

/// How often it looks. A revoked token is refused within twice this, and the time of a read.
const EVERY: Duration = Duration::from_millis(100);

/// How long it waits at most where it fails again and again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Watches until `stop` is dropped.
pub(super) fn run(connection: &Connection, shared: &Arc<Shared>, stop: &mpsc::Receiver<()>) {
    let mut seen = Seen::default();
    background::repeat("the watch over the database", (EVERY, LONGEST_PAUSE), shared, stop, || {
        // If `data_version` cannot be read, flush the cache.
        look(connection, shared, &mut seen).inspect_err(|_| shared.identities.empty())
    });
}

#[derive(Default)]
struct Seen {
    data_version: Option<i64>,
    revision: Option<i64>,
}

fn look(connection: &Connection, shared: &Shared, seen: &mut Seen) -> Result<(), StoreError> {
    let data_version = data_version(connection)?;
    shared.health.reached();
    if seen.data_version == Some(data_version) {
        return Ok(());
    }
    let revision = tokens::revision(connection)?;
    if seen.revision != Some(revision) {
        shared.identities.empty();
        seen.revision = Some(revision);
    }
    shared.journal_moved(Some(journal::position(connection)? as i64));
    // Last, so that a failure before is looked at again.
    seen.data_version = Some(data_version);
    Ok(())
}

/// A number that changes whenever another connection has committed.
pub(super) fn data_version(connection: &Connection) -> Result<i64, StoreError> {
    let sql = match connection {
        Connection::Sqlite(_) => "PRAGMA data_version",
        Connection::Postgres(_) => cluster::POSITION_IN_LOG,
    };
    connection.one(sql, [], value)
}
