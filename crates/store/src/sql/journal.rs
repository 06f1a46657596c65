//! The journal: one row per version, over all zones. Everything that changes what a zone holds goes through [`write`].

use std::collections::{HashMap, HashSet};

use dns::RecordId;

use super::db::{Connection, params, value};
use super::rows::{self, Place, ZoneRow};
use super::writer::Work;
use crate::logic::cache::NO_ROW;
use crate::{Comment, Counts, Moves, StoreError, StoredRecord, Timestamp, VersionNumber};

pub(super) use crate::logic::version::{By, advance, next, raise_base, stored};

/// What a version is. The stored numbers never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The zone was made, or its content changed.
    Change = 1,
    /// The zone was deleted: its last version, unless the operator brings it back.
    Deleted = 2,
    /// The operator brought the zone back.
    Undeleted = 3,
}

impl Kind {
    pub(super) fn of_number(number: i64) -> Option<Kind> {
        [Kind::Change, Kind::Deleted, Kind::Undeleted].into_iter().find(|kind| *kind as i64 == number)
    }
}

/// Stores the version that `zone` has now ([`next`]), which ends the records in the rows `ends` and begins the records `added`,
/// and makes it the head. A record that changes is in both; `changed` says how many do.
pub(super) fn write(
    work: &Work,
    zone: &ZoneRow,
    by: &By<'_>,
    (ends, added, changed): (&[i64], &[StoredRecord], usize),
    now: Timestamp,
) -> Result<(), StoreError> {
    let counts = Counts { removed: ends.len() as u64, added: added.len() as u64, changed: changed as u64 };
    insert_version(work, zone, by, Kind::Change, counts, now)?;
    end(work, zone, ends)?;
    begin(work, zone, added)?;
    make_head(work, zone, counts.added)
}

/// Shows the version that `zone` has now, whose records are there already, and makes it the head.
pub(super) fn show(work: &Work, zone: &ZoneRow, by: &By<'_>, counts: Counts, now: Timestamp) -> Result<(), StoreError> {
    insert_version(work, zone, by, Kind::Change, counts, now)?;
    make_head(work, zone, counts.added)
}

pub(super) fn end(work: &Work, zone: &ZoneRow, ends: &[i64]) -> Result<(), StoreError> {
    let sql = "UPDATE records SET to_version = ?2 WHERE id = ?1";
    for row in ends.iter().filter(|row| **row != NO_ROW) {
        work.connection.write(sql, params![row, rows::number(zone.zone.version)])?;
    }
    Ok(())
}

/// Inserts records that begin with the version that `zone` has now.
pub(super) fn begin(work: &Work, zone: &ZoneRow, added: &[StoredRecord]) -> Result<(), StoreError> {
    begin_and_end(work, zone, added, &HashMap::new())
}

/// [`begin`], of records some of which ended with a later version.
pub(super) fn begin_and_end(
    work: &Work,
    zone: &ZoneRow,
    added: &[StoredRecord],
    short_lived: &HashMap<(RecordId, VersionNumber), VersionNumber>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO records (zone, account, record, owner, type, data, quoted, ttl, created, from_version, from_serial,
                              to_version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    for StoredRecord { record, created_at, version, serial, .. } in added {
        let ended = short_lived.get(&(record.id, *version));
        let values = params![
            zone.row,
            zone.account.0,
            record.id.0.as_bytes(),
            record.owner.key(),
            record.data.record_type().code(),
            record.data.wire(),
            record.data.is_quoted(),
            record.ttl.seconds(),
            created_at.as_millisecond(),
            rows::number(*version),
            serial.0,
            ended.map(|ended| rows::number(*ended)),
        ];
        work.connection.write(sql, values)?;
    }
    Ok(())
}

/// Makes the version that `zone` has now, with which so many records began, the one that everybody sees.
pub(super) fn make_head(work: &Work, zone: &ZoneRow, added: u64) -> Result<(), StoreError> {
    let ZoneRow { row, apex, settings, zone, .. } = zone;
    work.connection.write(
        "UPDATE zones SET version = ?2, serial = ?3, record_count = ?4, apex = ?5, settings = ?6, stored = stored + ?7
         WHERE id = ?1",
        params![row, rows::number(zone.version), zone.serial.0, zone.record_count as i64, apex, settings, added as i64],
    )?;
    Ok(())
}

/// Counts rows of records that were deleted with the versions that had them.
pub(super) fn forgot(work: &Work, zone: i64, records: usize) -> Result<(), StoreError> {
    work.connection
        .prepare_cached("UPDATE zones SET stored = stored - ?2 WHERE id = ?1")?
        .execute(params![zone, records as i64])?;
    Ok(())
}

/// Makes the next version of a zone without any change of its records.
pub(super) fn append_empty(work: &Work, zone: &mut ZoneRow, by: &By<'_>) -> Result<(), StoreError> {
    let now = work.now();
    next(&mut zone.zone, now, 0, 0);
    write(work, zone, by, (&[], &[], 0), now)
}

/// Whether a version of a zone is being written, so that it gets no other.
pub(super) fn is_being_written(connection: &Connection, row: i64) -> Result<bool, StoreError> {
    connection.exists("SELECT 1 FROM stages WHERE zone = ?1 AND token IS NOT NULL", [row])
}

/// Writes the journal's row for the version that `zone` has now, unless another one is being written in steps.
pub(super) fn insert_version(
    work: &Work,
    zone: &ZoneRow,
    by: &By<'_>,
    kind: Kind,
    counts: Counts,
    now: Timestamp,
) -> Result<(), StoreError> {
    if is_being_written(&work.connection, zone.row)? {
        return Err(StoreError::Busy);
    }
    insert_row(work, zone, by, kind, counts, now)
}

pub(super) fn insert_row(
    work: &Work,
    zone: &ZoneRow,
    by: &By<'_>,
    kind: Kind,
    counts: Counts,
    now: Timestamp,
) -> Result<(), StoreError> {
    let seq = next_position(work)?;
    work.connection.write(
        "INSERT INTO versions (seq, zone, version, serial, time, kind, apex, source, account, author, address, comment,
                               removed, added, changed, settings)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        params![
            seq,
            zone.row,
            rows::number(zone.zone.version),
            zone.zone.serial.0,
            now.as_millisecond(),
            kind as u8,
            zone.apex,
            by.source as u8,
            by.account.map(|account| account.0),
            by.name,
            by.address.map(|address| address.to_string()),
            by.comment.map(Comment::as_str),
            counts.removed as i64,
            counts.added as i64,
            counts.changed as i64,
            zone.settings,
        ],
    )?;
    work.journal_reached(seq);
    Ok(())
}

/// The position of the next version: no other process writes before the open transaction ends.
fn next_position(work: &Work) -> Result<i64, StoreError> {
    let newest = match work.newest_position() {
        Some(newest) => newest,
        None => {
            let newest = position(&work.connection)? as i64;
            work.journal_begins_after(newest);
            newest
        }
    };
    Ok(newest + 1)
}

/// The newest position. Its row is never deleted, whatever is forgotten: the next version's is one more.
pub(super) fn position(connection: &Connection) -> Result<u64, StoreError> {
    let newest: Option<i64> = connection.one("SELECT max(seq) FROM versions", [], value)?;
    Ok(newest.unwrap_or_default() as u64)
}

pub(super) const MOVES: &str =
    "SELECT v.seq, z.id, z.name FROM versions v CROSS JOIN zones z ON z.id = v.zone WHERE v.seq > ?1 ORDER BY v.seq";

/// What moved after a position.
pub(super) fn moves(connection: &Connection, after: u64) -> Result<Moves, StoreError> {
    let mut position = after;
    let mut zones = HashSet::new();
    let mut seen = HashSet::new();
    let mut names = Vec::new();
    let mut statement = connection.prepare_cached(MOVES)?;
    let mut rows = statement.query([i64::try_from(after).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        position = row.get::<_, i64>("seq")? as u64;
        let zone: i64 = row.get("id")?;
        if !zones.insert(zone) {
            continue;
        }
        let name = Place { table: "zones", row: zone }.zone_name(&row, "name")?;
        // A zone that was deleted and made again is two rows with one name.
        if seen.insert(name.clone()) {
            names.push(name);
        }
    }
    Ok(Moves { names, position })
}
