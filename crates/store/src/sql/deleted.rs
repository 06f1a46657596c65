//! Deleted zones: listing, restoring and purging them.
//!
//! ```text
//!             delete              sweep
//!   live (0) --------> deleted, 0 -------> deleted, 1      swept: 0, 1, 2, 3
//!     ^                   |                   |  |
//!     |                   '--- undelete ------'  | purge, or too old
//!     |                           v              v
//!     '------------------- deleted, 2      forgotten, 1 ----> forgotten, 3 ----> no row
//!        last step                            rows, step by step    an hour
//! ```
//!
//! Restoring clears the end of the records that the sweep ended, so that they continue as before: neither the version that deleted
//! the zone nor the one that restores it changes a record. This happens in small steps while the zone is still deleted and
//! invisible; the last step changes one row.
//!
//! Purging deletes rows. Nothing else in the journal does, except `retention`. The journal's readers rely on this:
//!
//! - *Positions only grow.* `versions.seq` of a new row is the highest one plus 1, so the row with the highest number is never
//!   deleted (`journal::position`).
//! - *Followers of the journal see the deletion* (`journal::moves`): a purged zone keeps its row and its last version, without
//!   author, for an hour.
//! - *Catalogs.* Their versions refer to zones by row. Before the row is deleted, the catalog's versions up to the last one that
//!   refers to it are deleted; that one stays as the start of the later ones. A nameserver that is further behind gets the
//!   difference to what it serves.
//! - *The floor of a name stays*, so that no serial of the name is used twice.

use dns::ZoneId;
use uuid::Uuid;

use super::catalogs::{self, Change};
use super::db::{Connection, Row, params, value};
use super::journal::{self, By, Kind};
use super::readers::Size;
use super::rows::{self, Place, ZoneRow, zone_columns};
use super::writer::Work;
use super::{holds, reserved, roll_out, withheld, zone_names, zones};
use crate::{Counts, DeletedZone, Operator, Source, StoreError, Timestamp, UndeleteError, Withheld};

/// How many rows a step writes or deletes: a few milliseconds of the writer's time.
const STEP: usize = 200;
/// How long a purged zone's tombstone is kept, so that followers of the journal see the deletion.
const ECHO_MILLISECONDS: i64 = 3_600_000;

impl Operator {
    /// Deleted zones that can be brought back, the last deleted first, after `after`.
    pub async fn deleted_zones(
        &self,
        after: Option<(Timestamp, ZoneId)>,
        limit: u32,
    ) -> Result<Vec<DeletedZone>, StoreError> {
        self.store.inner.readers.run(Size::Large, move |connection| page(connection, after, limit)).await
    }

    /// Brings a deleted zone back, as a version above every serial that its name ever had. In steps, so that others can write
    /// meanwhile; where it is cut off it can be called again.
    pub async fn undelete_zone(&self, id: ZoneId) -> Result<DeletedZone, UndeleteError> {
        let writer = &self.store.inner.writer;
        loop {
            match writer.run(move |work| undelete(work, id)).await {
                Ok(Some(back)) => return Ok(back),
                Ok(None) => {}
                Err(refusal) => {
                    writer.run(move |work| set_back(work, id)).await?;
                    return Err(refusal);
                }
            }
        }
    }

    /// Forgets a deleted zone with its history, in steps, and gives what it was; `None` where there is no such deleted zone.
    /// For an hour, its name and identity stay known to those who follow the journal.
    pub async fn purge_zone(&self, id: ZoneId) -> Result<Option<DeletedZone>, StoreError> {
        let Some(found) = self.store.inner.writer.run(move |work| begin_forgetting(work, id)).await? else {
            return Ok(None);
        };
        let row = found.row;
        while self.store.inner.writer.run(move |work| forget(work, row)).await? {}
        Ok(Some(found.zone))
    }
}

/// A deleted zone, and what only the store knows of it.
pub(super) struct Deleted {
    row: i64,
    pub(super) zone_row: ZoneRow,
    zone: DeletedZone,
    /// Whether its account was closed.
    is_orphan: bool,
}

fn deleted(row: &Row<'_>) -> Result<Deleted, StoreError> {
    let zone_row = rows::zone(row)?;
    let place = Place { table: "zones", row: zone_row.row };
    let zone = DeletedZone {
        account: zone_row.account,
        email: row.get("email")?,
        zone: zone_row.zone.clone(),
        deleted_at: place.time("deleted", row.get("deleted")?)?,
    };
    let is_orphan = row.get::<_, Option<i64>>("closed")?.is_some();
    Ok(Deleted { row: zone_row.row, zone_row, zone, is_orphan })
}

pub(super) const PAGE: &str = concat!(
    "SELECT ",
    zone_columns!(),
    ", z.deleted, a.email, a.closed FROM zones z INDEXED BY zones_deleted CROSS JOIN accounts a ON a.id = z.account
     WHERE z.deleted IS NOT NULL AND z.forgotten IS NULL AND (z.deleted, z.uuid) < (?1, ?2)
     ORDER BY z.deleted DESC, z.uuid DESC LIMIT ?3"
);

fn page(
    connection: &Connection,
    after: Option<(Timestamp, ZoneId)>,
    limit: u32,
) -> Result<Vec<DeletedZone>, StoreError> {
    let (time, id) = after.map_or((i64::MAX, Uuid::max()), |(time, id)| (time.as_millisecond(), id.0));
    connection.list(PAGE, params![time, id.as_bytes(), limit], |row| Ok(deleted(row)?.zone))
}

pub(super) const ONE: &str = concat!(
    "SELECT ",
    zone_columns!(),
    ", z.deleted, a.email, a.closed FROM zones z CROSS JOIN accounts a ON a.id = z.account
     WHERE z.uuid = ?1 AND z.deleted IS NOT NULL AND z.forgotten IS NULL"
);

/// The deleted zone of that identity, where it can be brought back.
pub(super) fn one(connection: &Connection, id: ZoneId) -> Result<Option<Deleted>, StoreError> {
    connection.optional(ONE, [id.0.as_bytes()], deleted)
}

/// One step of bringing a zone back; what it is once it is back.
fn undelete(work: &Work, id: ZoneId) -> Result<Option<DeletedZone>, UndeleteError> {
    let connection = &work.connection;
    let Some(found) = one(connection, id)? else {
        return Err(match zones::by_uuid(connection, id)? {
            Some(live) => UndeleteError::NotDeleted(live.zone.name),
            None => UndeleteError::NoZone(id),
        });
    };
    // At each step: somebody may take the name meanwhile.
    check(work, &found)?;
    if revive(work, &found)? {
        return Ok(None);
    }
    let Deleted { mut zone_row, mut zone, .. } = found;
    show_again(work, &mut zone_row)?;
    zone.zone = zone_row.zone;
    Ok(Some(zone))
}

/// Whether anything stands in the zone's way.
fn check(work: &Work, found: &Deleted) -> Result<(), UndeleteError> {
    let (connection, name) = (&work.connection, &found.zone.zone.name);
    if found.is_orphan {
        return Err(UndeleteError::NoAccount(name.clone()));
    }
    if let Some(reason) =
        reserved::reservation(&work.shared.reserved, &work.connection, found.zone.account, name, true)?
    {
        return Err(UndeleteError::Reserved { name: name.clone(), reason });
    }
    if let Some(taken) = zones::of_anyone(connection, zones::ONE_OF_ANYONE, Some(name), 1)?.pop() {
        return Err(UndeleteError::Taken { name: name.clone(), email: taken.email });
    }
    if let Some(other) = zone_names::related_to_another(connection, found.zone.account, name.name())? {
        let email = zones::of_anyone(connection, zones::ONE_OF_ANYONE, Some(&other), 1)?.pop();
        let email = email.map(|other| other.email).unwrap_or_default();
        return Err(UndeleteError::Related { name: name.clone(), other, email });
    }
    Ok(())
}

/// Lets some records live on. False where all do.
fn revive(work: &Work, found: &Deleted) -> Result<bool, StoreError> {
    work.connection.prepare_cached("UPDATE zones SET swept = 2 WHERE id = ?1 AND swept <> 2")?.execute([found.row])?;
    let revived = work
        .connection
        .prepare_cached(
            "UPDATE records SET to_version = NULL WHERE id IN (
                 SELECT id FROM records INDEXED BY records_to WHERE zone = ?1 AND to_version = ?2 LIMIT ?3)",
        )?
        .execute(params![found.row, rows::number(found.zone.zone.version), STEP as i64])?;
    Ok(revived == STEP)
}

/// A zone that is not brought back after all is swept again.
fn set_back(work: &Work, id: ZoneId) -> Result<(), StoreError> {
    work.connection
        .prepare_cached("UPDATE zones SET swept = 0 WHERE uuid = ?1 AND deleted IS NOT NULL AND swept = 2")?
        .execute([id.0.as_bytes()])?;
    Ok(())
}

/// The last step: the zone has a version again that everybody sees.
fn show_again(work: &Work, zone: &mut ZoneRow) -> Result<(), StoreError> {
    let now = work.now();
    let floor = zone_names::floor(&work.connection, &zone.zone.name.name().key())?;
    journal::raise_base(zone, floor);
    // Whatever else it was withheld for: the operator wants it back.
    let reasons = withheld::reasons_for(work, zone.account, 0)?;
    zone.zone.withheld = Withheld { reasons, until: None };
    journal::advance(&mut zone.zone, now);
    work.connection
        .prepare_cached(
            "UPDATE zones SET deleted = NULL, swept = 0, version = ?2, serial = ?3, withheld = ?4, withheld_until = NULL
             WHERE id = ?1",
        )?
        .execute(params![zone.row, rows::number(zone.zone.version), zone.zone.serial.0, reasons])?;
    let by = By { account: Some(zone.account), name: "operator", source: Source::Undelete, ..By::SERVER };
    journal::insert_version(work, zone, &by, Kind::Undeleted, Counts::default(), now)?;
    if zone.zone.withheld.is_served() {
        catalogs::moved(work, &zone.zone.name, Change::Joined(zone.row), now)?;
    }
    holds::release(work, &zone.zone.name.name().key())?;
    roll_out::adopt_present(work, zone)
}

/// Marks a deleted zone as one that cannot be brought back any more.
fn begin_forgetting(work: &Work, id: ZoneId) -> Result<Option<Deleted>, StoreError> {
    let Some(found) = one(&work.connection, id)? else { return Ok(None) };
    mark_forgotten(work, found.row)?;
    Ok(Some(found))
}

fn mark_forgotten(work: &Work, row: i64) -> Result<(), StoreError> {
    work.connection
        .prepare_cached("UPDATE zones SET forgotten = ?2, swept = 1 WHERE id = ?1")?
        .execute(params![row, work.now().as_millisecond()])?;
    Ok(())
}

/// Deletes some rows of a forgotten zone. False where nothing is left but its row and its last version, without author.
fn forget(work: &Work, row: i64) -> Result<bool, StoreError> {
    let sql =
        "DELETE FROM records WHERE id IN (SELECT id FROM records INDEXED BY records_from WHERE zone = ?1 LIMIT ?2)";
    let records = work.connection.prepare_cached(sql)?.execute(params![row, STEP as i64])?;
    if records > 0 {
        journal::forgot(work, row, records)?;
        return Ok(true);
    }
    if forget_versions(work, row)? {
        return Ok(true);
    }
    forget_words(
        work,
        "UPDATE zone_settings SET comment = NULL WHERE id = (SELECT settings FROM zones WHERE id = ?1)",
        row,
    )?;
    work.connection
        .prepare_cached(
            "UPDATE versions SET account = NULL, author = '', address = NULL, comment = NULL WHERE zone = ?1",
        )?
        .execute([row])?;
    work.connection.prepare_cached("UPDATE zones SET swept = 3, record_count = 0 WHERE id = ?1")?.execute([row])?;
    Ok(false)
}

/// Deletes some versions but the last, and what the zone's owner had said in its settings then.
fn forget_versions(work: &Work, row: i64) -> Result<bool, StoreError> {
    let sql = "DELETE FROM versions WHERE seq IN (
             SELECT seq FROM versions INDEXED BY versions_by_number
             WHERE zone = ?1 AND version < (SELECT version FROM zones WHERE id = ?1) LIMIT ?2) RETURNING settings";
    let mut settings: Vec<Option<i64>> = work.connection.list(sql, params![row, STEP as i64], value)?;
    let deleted = !settings.is_empty();
    settings.dedup();
    for id in settings.into_iter().flatten() {
        forget_words(work, "UPDATE zone_settings SET comment = NULL WHERE id = ?1", id)?;
    }
    Ok(deleted)
}

fn forget_words(work: &Work, sql: &'static str, id: i64) -> Result<(), StoreError> {
    work.connection.prepare_cached(sql)?.execute([id])?;
    Ok(())
}

pub(super) const EXPIRED: &str = "SELECT id FROM zones INDEXED BY zones_deleted
     WHERE deleted IS NOT NULL AND forgotten IS NULL AND deleted <= ?1 ORDER BY deleted LIMIT 1";
pub(super) const BEING_FORGOTTEN: &str = "SELECT id FROM zones INDEXED BY zones_forgotten
     WHERE forgotten IS NOT NULL AND swept < 3 ORDER BY swept LIMIT 1";
/// Only those behind whose last version the journal has gone on: see [`journal::position`].
pub(super) const ECHOES: &str = "SELECT z.id FROM zones z INDEXED BY zones_forgotten
     WHERE z.forgotten IS NOT NULL AND z.swept = 3 AND z.forgotten <= ?1
       AND (SELECT max(v.seq) FROM versions v INDEXED BY versions_by_number WHERE v.zone = z.id)
           < (SELECT max(seq) FROM versions)
     ORDER BY z.forgotten LIMIT 1";

/// What there is to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// A zone that was deleted too long ago to be brought back.
    Expired(i64),
    /// A zone that still has rows.
    BeingForgotten(i64),
    /// What is left of one, and is not needed any more.
    Echo(i64),
}

/// The next thing to forget. Zones that were deleted at `keep_from` or later can still be brought back; without it, all can.
pub(super) fn waiting(
    connection: &Connection,
    now: Timestamp,
    keep_from: Option<Timestamp>,
) -> Result<Option<Waiting>, StoreError> {
    let find = |sql: &'static str, parameters: &[i64]| -> Result<Option<i64>, StoreError> {
        connection.optional(sql, parameters, value)
    };
    if let Some(row) = find(BEING_FORGOTTEN, &[])? {
        return Ok(Some(Waiting::BeingForgotten(row)));
    }
    if let Some(row) = find(ECHOES, &[now.as_millisecond() - ECHO_MILLISECONDS])? {
        return Ok(Some(Waiting::Echo(row)));
    }
    let Some(keep_from) = keep_from else { return Ok(None) };
    Ok(find(EXPIRED, &[keep_from.as_millisecond() - 1])?.map(Waiting::Expired))
}

/// One step of what [`waiting`] found. Whoever else works on the same zone does the same steps.
pub(super) fn advance(work: &Work, what: Waiting) -> Result<(), StoreError> {
    match what {
        Waiting::Expired(row) => {
            // The look was a moment ago: it may have been brought back since.
            let is_deleted = "SELECT 1 FROM zones WHERE id = ?1 AND deleted IS NOT NULL AND forgotten IS NULL";
            if work.connection.exists(is_deleted, [row])? {
                mark_forgotten(work, row)?;
            }
        }
        Waiting::BeingForgotten(row) => drop(forget(work, row)?),
        Waiting::Echo(row) => silence(work, row)?,
    }
    Ok(())
}

/// Removes what is left of a forgotten zone, the catalog's memory of it first.
fn silence(work: &Work, row: i64) -> Result<(), StoreError> {
    if catalogs::forget(&work.connection, row, STEP)? {
        return Ok(());
    }
    work.connection.prepare_cached("DELETE FROM versions WHERE zone = ?1")?.execute([row])?;
    work.connection.prepare_cached("DELETE FROM zones WHERE id = ?1 AND swept = 3")?.execute([row])?;
    Ok(())
}
