//! Work that no request waits for: storing when tokens and update keys were used and what keys were refused, deleting the zones of closed accounts, ending the records of
//! deleted zones, removing expired sessions and stored responses, deleting what is too old (`retention`), and checkpoints of the
//! write-ahead log.
//!
//! By default, SQLite runs a checkpoint inside the commit that makes the log long, and the clients of that commit wait for it. Here
//! the housekeeper runs it beside the writer. While others write, such a checkpoint cannot reach the end of the log, which would
//! grow without limit. So when the log is long, the writer copies the small rest between two transactions, and the log starts
//! from its beginning again.

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::db::Connection;
use super::retention::Keeper;
use super::shared::Shared;
use super::wal::{Log, log};
use super::writer::Writer;
use super::{
    answers, background, claims, holds, mails, refusals, sessions, staging, suspension, tokens, watcher, withheld,
    zone_delete,
};
use crate::{Chain, Health, StoreError};

/// How often it looks for work.
const EVERY: Duration = Duration::from_millis(100);
/// How long it waits at most where it fails again and again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often the uses of tokens are stored.
const NOTE_USES_EVERY: Duration = Duration::from_secs(1);
/// How often sessions and links that nobody can use any more are removed.
const FORGET_EVERY: Duration = Duration::from_secs(600);
/// The longest it ends records of deleted zones in one go.
const SWEEP_AT_MOST: Duration = Duration::from_millis(50);
/// How many pages of the log may wait to be copied back: 8 MiB.
const PAGES_WAITING: i64 = 2_048;
/// How long the log may become before it must begin again from its start, in pages: 64 MiB.
const PAGES_IN_LOG: i64 = 16_384;

/// Works until `stop` is dropped, and stores the last uses then. What fails is tried again, later and later; a damaged file is left
/// alone.
pub(super) fn run(connection: &Connection, shared: &Arc<Shared>, writer: &Writer, stop: &mpsc::Receiver<()>) {
    let mut work = Housekeeping {
        connection,
        shared,
        writer,
        noted: Instant::now(),
        forgot: Instant::now(),
        keeper: Keeper::new(),
        unswept: Unswept { data_version: None, remains: true },
    };
    background::repeat("the store's housekeeping", (EVERY, LONGEST_PAUSE), shared, stop, || {
        if shared.health.is_damaged() { Ok(()) } else { work.round() }
    });
    if let Err(error) = note_uses(shared, writer).and_then(|()| refusals::store(shared, writer)) {
        tracing::warn!(error = %Chain(&error), "the last uses of tokens were not stored");
    }
}

struct Housekeeping<'a> {
    connection: &'a Connection,
    shared: &'a Arc<Shared>,
    writer: &'a Writer,
    noted: Instant,
    forgot: Instant,
    keeper: Keeper,
    unswept: Unswept,
}

impl Housekeeping<'_> {
    /// Everything that is due. The first failure ends the round.
    fn round(&mut self) -> Result<(), StoreError> {
        let Housekeeping { connection, shared, writer, .. } = *self;
        if shared.health.get() == Health::DiskFull {
            // Where no client writes, only this notices that there is room again.
            writer.run_blocking(|work| {
                Ok::<_, StoreError>(work.connection.execute("UPDATE identities SET revision = revision", [])?)
            })?;
        }
        if self.noted.elapsed() >= NOTE_USES_EVERY {
            self.noted = Instant::now();
            note_uses(shared, writer)?;
            refusals::store(shared, writer)?;
            forget_answers(connection, shared, writer)?;
            close_accounts(connection, shared, writer)?;
            displace(connection, shared, writer)?;
        }
        if self.forgot.elapsed() >= FORGET_EVERY {
            self.forgot = Instant::now();
            writer.run_blocking(sessions::forget_expired)?;
            writer.run_blocking(holds::forget)?;
            writer.run_blocking(claims::forget)?;
            // Where mail is not configured any more, nothing else drops it.
            writer.run_blocking(mails::drop_expired)?;
        }
        sweep(connection, writer, &mut self.unswept)?;
        self.keeper.work(connection, shared, writer)?;
        staging::tend(connection, shared, writer, Instant::now() + SWEEP_AT_MOST)?;
        if let Connection::Sqlite(connection) = connection { shorten_log(connection, writer) } else { Ok(()) }
    }
}

fn note_uses(shared: &Shared, writer: &Writer) -> Result<(), StoreError> {
    let uses = shared.identities.take_uses();
    if uses.is_empty() { Ok(()) } else { writer.run_blocking(move |work| tokens::note_uses(work, &uses)) }
}

fn displace(connection: &Connection, shared: &Shared, writer: &Writer) -> Result<(), StoreError> {
    if claims::is_due(connection, shared.now())? { writer.run_blocking(claims::advance) } else { Ok(()) }
}

fn close_accounts(connection: &Connection, shared: &Shared, writer: &Writer) -> Result<(), StoreError> {
    if suspension::is_due_to_close(connection, shared.now())? {
        writer.run_blocking(suspension::close_due)
    } else {
        Ok(())
    }
}

fn forget_answers(connection: &Connection, shared: &Shared, writer: &Writer) -> Result<(), StoreError> {
    let started = Instant::now();
    let mut remain = answers::is_any_too_old(connection, shared.now())?;
    while remain && started.elapsed() < SWEEP_AT_MOST {
        remain = writer.run_blocking(answers::forget)?;
    }
    Ok(())
}

/// Whether there may be zones of closed accounts, or deleted zones whose records live on.
struct Unswept {
    data_version: Option<i64>,
    remains: bool,
}

fn sweep(connection: &Connection, writer: &Writer, unswept: &mut Unswept) -> Result<(), StoreError> {
    let data_version = watcher::data_version(connection)?;
    if unswept.data_version != Some(data_version) {
        unswept.remains = zone_delete::is_unswept(connection)?
            || suspension::has_closed_with_zones(connection)?
            || withheld::is_moving(connection)?;
        unswept.data_version = Some(data_version);
    }
    let started = Instant::now();
    while unswept.remains && started.elapsed() < SWEEP_AT_MOST {
        unswept.remains = writer.run_blocking(|work| {
            Ok::<_, StoreError>(
                withheld::step(work)? || suspension::delete_zones_of_closed(work)? || zone_delete::sweep(work)?,
            )
        })?;
    }
    Ok(())
}

fn shorten_log(connection: &rusqlite::Connection, writer: &Writer) -> Result<(), StoreError> {
    let Log { pages, copied } = log(connection, "PRAGMA wal_checkpoint(NOOP)")?;
    if pages - copied < PAGES_WAITING {
        return Ok(());
    }
    let log = log(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
    // Only where little is left to copy: a long read keeps the rest from being copied, and every change would wait for the attempt.
    if log.pages > PAGES_IN_LOG && log.pages - log.copied < PAGES_WAITING {
        writer.checkpoint_blocking();
    }
    Ok(())
}
