//! Deletes versions and events that the operator's retention does not keep, in small steps beside all other work.
//!
//! A zone's versions are deleted from the oldest on, if they are both older than the age and not among the newest ones to keep. The
//! rows of versions are deleted first, then the records that only they had: those that ended before the oldest remaining version.
//! In this order, every version that has a row is complete at every moment, and the next pass continues after an interruption.
//! Records that the oldest version itself ended are kept: they are what it removed. Versions that a stored response refers to are
//! kept as long as that response.
//!
//! Events of the audit trail are deleted by their own age.
//!
//! A nameserver that serves a deleted version finds no step from it, and loads the whole zone.
//!
//! Each step is a job of the writer with a bounded number of rows, and all steps together take a bounded part of its time. Only a
//! process that was told to ([`Operator::retain`]) deletes by age: a command with another configuration must not.
//!
//! Decided against: merging old versions into one (their authors and comments would be lost all the same), and returning pages to
//! the file system (SQLite reuses them).

use std::time::{Duration, Instant};

use super::db::{Connection, params, value};
use super::readers::Size;
use super::shared::Shared;
use super::writer::{Work, Writer};
use super::{answers, deleted, events, journal};
use crate::{Forgotten, Operator, Retention, StoreError, Timestamp};

/// The most rows that a step deletes: a few milliseconds of the writer's time.
const STEP: usize = 200;
/// How much of the writer's time the steps may take in one go of the housekeeper, ten of which are in a second.
const AT_MOST: Duration = Duration::from_millis(20);
/// How many zones are looked at together.
const ZONES: u32 = 500;
/// The pause between two passes over all zones, or over the audit trail.
const REST: Duration = Duration::from_secs(600);
/// How often it looks for zones to forget.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Operator {
    /// From now on, this process deletes what `retention` does not keep.
    pub fn retain(&self, retention: Retention) {
        self.store.inner.shared.rules.retain(retention);
    }

    /// Deletes all versions outside `retention` now, without waiting for the background task.
    pub async fn forget_old_versions(&self, retention: Retention) -> Result<Forgotten, StoreError> {
        let mut total = Forgotten::default();
        let mut after = 0;
        loop {
            let zones = self.store.inner.readers.run(Size::Large, move |connection| zones(connection, after)).await?;
            let Some(last) = zones.last() else { return Ok(total) };
            after = last.row;
            for zone in zones {
                while let Some(step) =
                    self.store.inner.writer.run(move |work| forget(work, zone.row, retention)).await?
                {
                    total.versions += step.versions;
                    total.records += step.records;
                }
            }
        }
    }
}

/// The housekeeper's place in its work.
pub(super) struct Keeper {
    /// The zone after which the pass goes on.
    after: i64,
    /// When the next pass begins.
    rests_until: Option<Instant>,
    /// When the trail is looked at again.
    trail_rests_until: Option<Instant>,
    looked: Option<Instant>,
}

impl Keeper {
    pub(super) fn new() -> Keeper {
        Keeper { after: 0, rests_until: None, trail_rests_until: None, looked: None }
    }

    /// Does some of what there is to do.
    pub(super) fn work(&mut self, connection: &Connection, shared: &Shared, writer: &Writer) -> Result<(), StoreError> {
        let order = shared.rules.retention();
        let deadline = Instant::now() + AT_MOST;
        if self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            let now = shared.now();
            let keep_from = order.map(|retention| before(now, retention.deleted_zones));
            while let Some(what) = deleted::waiting(connection, now, keep_from)? {
                writer.run_blocking(move |work| deleted::advance(work, what))?;
                if matches!(what, deleted::Waiting::Expired(_)) {
                    count("zones", 1);
                }
                if Instant::now() >= deadline {
                    return Ok(());
                }
            }
            self.looked = Some(Instant::now());
        }
        let Some(retention) = order else { return Ok(()) };
        self.trail(connection, shared, writer, retention, deadline)?;
        if Instant::now() >= deadline {
            return Ok(());
        }
        self.pass(connection, shared, writer, retention, deadline)
    }

    fn trail(
        &mut self,
        connection: &Connection,
        shared: &Shared,
        writer: &Writer,
        retention: Retention,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        if self.trail_rests_until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        self.trail_rests_until = None;
        let old = before(shared.now(), retention.events);
        while events::has_old(connection, old, STEP)? {
            count("events", writer.run_blocking(move |work| events::forget(work, old, STEP))?);
            if Instant::now() >= deadline {
                return Ok(());
            }
        }
        self.trail_rests_until = Some(Instant::now() + REST);
        Ok(())
    }

    fn pass(
        &mut self,
        connection: &Connection,
        shared: &Shared,
        writer: &Writer,
        retention: Retention,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        self.rests_until = None;
        let zones = zones(connection, self.after)?;
        if zones.is_empty() {
            (self.after, self.rests_until) = (0, Some(Instant::now() + REST));
            metrics::counter!("zonewright_retention_passes_total").increment(1);
            return Ok(());
        }
        for zone in zones {
            while has_old(connection, zone, retention, shared.now())? {
                let step = writer.run_blocking(move |work| forget(work, zone.row, retention))?.unwrap_or_default();
                count("versions", step.versions);
                count("records", step.records);
                if Instant::now() >= deadline {
                    return Ok(());
                }
            }
            self.after = zone.row;
        }
        Ok(())
    }
}

fn count(what: &'static str, number: u64) {
    metrics::counter!("zonewright_retention_removed_total", "what" => what).increment(number);
}

fn before(now: Timestamp, span: Duration) -> Timestamp {
    now.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// A zone, and the number of its newest version.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    row: i64,
    head: i64,
}

pub(super) const ZONES_AFTER: &str = "SELECT id, version FROM zones WHERE id > ?1 ORDER BY id LIMIT ?2";

fn zones(connection: &Connection, after: i64) -> Result<Vec<Candidate>, StoreError> {
    connection.list(ZONES_AFTER, params![after, ZONES], |row| {
        Ok(Candidate { row: row.get("id")?, head: row.get("version")? })
    })
}

pub(super) const OLDEST: &str = "SELECT version, time FROM versions INDEXED BY versions_by_number
     WHERE zone = ?1 AND version <= ?2 ORDER BY version LIMIT ?3";
pub(super) const ENDED_BEFORE: &str =
    "SELECT id FROM records INDEXED BY records_to WHERE zone = ?1 AND to_version < ?2 LIMIT ?3";

/// The version up to which numbers and answers allow to forget; the head never is.
fn last_beyond(connection: &Connection, zone: Candidate, retention: Retention) -> Result<i64, StoreError> {
    let last = zone.head.saturating_sub(i64::try_from(retention.versions.max(1)).unwrap_or(i64::MAX));
    Ok(answers::oldest_needed(connection, zone.row)?.map_or(last, |needed| last.min(needed - 1)))
}

/// Whether [`forget`] would find something.
fn has_old(connection: &Connection, zone: Candidate, retention: Retention, now: Timestamp) -> Result<bool, StoreError> {
    let oldest: Option<(i64, i64)> = connection
        .optional(OLDEST, params![zone.row, i64::MAX, 1], |row| Ok((row.get("version")?, row.get("time")?)))?;
    let Some((version, time)) = oldest else { return Ok(false) };
    if time < before(now, retention.age).as_millisecond() && version <= last_beyond(connection, zone, retention)? {
        return Ok(true);
    }
    Ok(version > 1 && connection.exists(ENDED_BEFORE, params![zone.row, version, 1])?)
}

/// One step in one zone: what it deleted, or `None` where there was nothing to delete.
fn forget(work: &Work, zone: i64, retention: Retention) -> Result<Option<Forgotten>, StoreError> {
    let connection = &work.connection;
    let head: Option<i64> = connection.optional("SELECT version FROM zones WHERE id = ?1", [zone], value)?;
    let Some(head) = head else { return Ok(None) };
    let mut statement = connection.prepare_cached(OLDEST)?;
    let mut rows = statement.query(params![zone, head, STEP as i64])?;
    let last_beyond = last_beyond(connection, Candidate { row: zone, head }, retention)?;
    let old = before(work.now(), retention.age).as_millisecond();
    let mut oldest = None;
    let mut last_old = None;
    let mut versions = 0;
    while let Some(row) = rows.next()? {
        let (version, time): (i64, i64) = (row.get("version")?, row.get("time")?);
        oldest.get_or_insert(version);
        if version > last_beyond || time >= old {
            break;
        }
        last_old = Some(version);
        versions += 1;
    }
    let Some(oldest) = oldest else { return Ok(None) };
    // First what an earlier step left.
    let sql = "DELETE FROM records WHERE id IN (
                   SELECT id FROM records INDEXED BY records_to WHERE zone = ?1 AND to_version < ?2 LIMIT ?3)";
    let records = connection.prepare_cached(sql)?.execute(params![zone, oldest, STEP as i64])?;
    if records > 0 {
        journal::forgot(work, zone, records)?;
        return Ok(Some(Forgotten { versions: 0, records: records as u64 }));
    }
    let Some(last_old) = last_old else { return Ok(None) };
    connection
        .prepare_cached("DELETE FROM versions WHERE zone = ?1 AND version <= ?2")?
        .execute(params![zone, last_old])?;
    Ok(Some(Forgotten { versions, records: 0 }))
}
