//! The journal: one row per version, over all zones. Everything that changes what a zone holds goes through [`append`].

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use dns::{Record, RecordId, Serial, ZoneId};
use rusqlite::{Connection, params};

use super::rows::{Place, ZoneRow};
use super::writer::Work;
use super::zones;
use crate::{AccountId, Author, Comment, Counts, Moves, Source, StoreError, StoredRecord, Timestamp, VersionNumber};

/// Who made a version.
#[derive(Debug, Clone, Copy)]
pub(super) struct By<'a> {
    /// `None`: the server itself.
    pub(super) account: Option<AccountId>,
    pub(super) name: &'a str,
    pub(super) source: Source,
    pub(super) address: Option<IpAddr>,
    pub(super) comment: Option<&'a Comment>,
}

impl By<'_> {
    /// The server itself.
    pub(super) const SERVER: By<'static> =
        By { account: None, name: "server", source: Source::Server, address: None, comment: None };
}

impl<'a> From<&'a Author> for By<'a> {
    fn from(author: &'a Author) -> Self {
        By {
            account: Some(author.account),
            name: &author.name,
            source: author.source,
            address: author.address,
            comment: None,
        }
    }
}

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

/// Stores the next version of a zone, which ends the records `removed` and begins the records `added`, and makes it the head.
/// `rows` has the rows of all records that are removed. A record that is in both lists keeps its time of creation.
///
/// Gives the stored form of what was added, in its order.
pub(super) fn append(
    work: &Work,
    zone: &mut ZoneRow,
    by: &By<'_>,
    removed: &[Record],
    added: &[Record],
    rows: &HashMap<RecordId, (i64, StoredRecord)>,
) -> Result<Vec<StoredRecord>, StoreError> {
    let now = work.now();
    advance(&mut zone.zone, now);
    let ended: HashSet<RecordId> = removed.iter().map(|record| record.id).collect();
    let counts = Counts {
        removed: removed.len() as u64,
        added: added.len() as u64,
        changed: added.iter().filter(|record| ended.contains(&record.id)).count() as u64,
    };
    insert_version(work, zone, by, Kind::Change, counts, now)?;
    let version = number(zone.zone.version);
    {
        let mut end = work.connection.prepare_cached("UPDATE records SET to_version = ?2 WHERE id = ?1")?;
        for record in removed {
            let (row, _) = rows.get(&record.id).ok_or(StoreError::Panicked)?;
            end.execute(params![row, version])?;
        }
    }
    let mut stored = Vec::with_capacity(added.len());
    let mut begin = work.connection.prepare_cached(
        "INSERT INTO records (zone, account, record, owner, type, data, quoted, ttl, created, from_version, from_serial)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for record in added {
        let created_at = rows.get(&record.id).map_or(now, |(_, before)| before.created_at);
        begin.execute(params![
            zone.row,
            zone.account.0,
            record.id.0.as_bytes(),
            record.owner.key(),
            record.data.record_type().code(),
            record.data.wire(),
            record.data.is_quoted(),
            record.ttl.seconds(),
            created_at.as_millisecond(),
            version,
            zone.zone.serial.0,
        ])?;
        stored.push(StoredRecord {
            zone: zone.zone.id,
            record: record.clone(),
            created_at,
            version: zone.zone.version,
            serial: zone.zone.serial,
        });
    }
    zone.zone.record_count = (zone.zone.record_count + added.len() as u64).saturating_sub(removed.len() as u64);
    work.connection
        .prepare_cached("UPDATE zones SET version = ?2, serial = ?3, record_count = ?4 WHERE id = ?1")?
        .execute(params![zone.row, version, zone.zone.serial.0, zone.zone.record_count as i64])?;
    Ok(stored)
}

/// Makes a version that changes nothing but the serial, which becomes newer than `above`.
pub(super) fn raise(work: &Work, id: ZoneId, above: Serial) -> Result<Option<Serial>, StoreError> {
    let Some(mut zone) = zones::served(&work.connection, id)? else { return Ok(None) };
    if !zone.zone.serial.is_newer_than(above) {
        raise_base(&mut zone, Some(above));
        append(work, &mut zone, &By::SERVER, &[], &[], &HashMap::new())?;
    }
    Ok(Some(zone.zone.serial))
}

/// Makes a version without changes, with a serial newer than `above`, that nameservers take whole.
pub(super) fn rebuild(work: &Work, id: ZoneId, above: Option<Serial>) -> Result<Option<Serial>, StoreError> {
    let Some(mut zone) = zones::served(&work.connection, id)? else { return Ok(None) };
    raise_base(&mut zone, above);
    let by = By { name: "operator", source: Source::Operator, ..By::SERVER };
    append(work, &mut zone, &by, &[], &[], &HashMap::new())?;
    work.connection.prepare_cached("UPDATE zones SET rebuilt = version WHERE id = ?1")?.execute([zone.row])?;
    Ok(Some(zone.zone.serial))
}

/// Has the next version of the zone get a serial that is newer than `above`, too.
pub(super) fn raise_base(zone: &mut ZoneRow, above: Option<Serial>) {
    if let Some(above) = above.filter(|above| above.is_newer_than(zone.zone.serial)) {
        zone.zone.serial = above;
    }
}

/// Moves a zone to its next version: `max(last + 1, now)` in RFC 1982 order.
pub(super) fn advance(zone: &mut crate::Zone, now: Timestamp) {
    zone.version = VersionNumber(zone.version.0 + 1);
    zone.serial = zone.serial.next(Serial::at_time(now.as_second()));
}

/// Writes the journal's row for the version that `zone` has now.
pub(super) fn insert_version(
    work: &Work,
    zone: &ZoneRow,
    by: &By<'_>,
    kind: Kind,
    counts: Counts,
    now: Timestamp,
) -> Result<(), StoreError> {
    work.connection
        .prepare_cached(
            "INSERT INTO versions (zone, version, serial, time, kind, apex, source, account, author, address, comment,
                                   removed, added, changed, settings)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            zone.row,
            number(zone.zone.version),
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
        ])?;
    work.journal_reached(work.connection.last_insert_rowid());
    Ok(())
}

/// A version's number as SQLite holds it.
pub(super) fn number(version: VersionNumber) -> i64 {
    version.0 as i64
}

/// The newest position. Its row is never deleted, whatever is forgotten: the next version's is one more.
pub(super) fn position(connection: &Connection) -> Result<u64, StoreError> {
    let newest: Option<i64> =
        connection.prepare_cached("SELECT max(seq) FROM versions")?.query_row([], |row| row.get(0))?;
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
        position = row.get::<_, i64>(0)? as u64;
        let zone: i64 = row.get(1)?;
        if !zones.insert(zone) {
            continue;
        }
        let name = Place { table: "zones", row: zone }.zone_name(row, 2)?;
        // A zone that was deleted and made again is two rows with one name.
        if seen.insert(name.clone()) {
            names.push(name);
        }
    }
    Ok(Moves { names, position })
}
