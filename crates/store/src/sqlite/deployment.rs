//! What nameservers are brought up to date from: a zone's whole content, and the step from an earlier version to the head.
//!
//! A step is the net difference, read from two ranges of the journal: what lived at the earlier version and has ended since,
//! and what began since and still lives. Its cost grows with the changes between, not with the zone.

use std::collections::HashMap;

use dns::{RecordType, ResourceRecord, Serial, Ttl, ZoneDelta, ZoneId, ZoneSnapshot};
use rusqlite::{Connection, OptionalExtension, params};

use super::Shared;
use super::change::LIVE_AT_OWNER;
use super::rows::{self, ZoneRow, record_columns};
use super::{settings, zones};
use crate::{Step, StoreError, StoredRecord, VersionNumber};

pub(super) const LIVE: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_of_zone WHERE r.zone = ?1 AND r.to_version IS NULL"
);

/// The head's whole content.
pub(super) fn snapshot(
    shared: &Shared,
    connection: &Connection,
    id: ZoneId,
) -> Result<Option<ZoneSnapshot>, StoreError> {
    let Some(zone) = zones::by_uuid(connection, id)? else { return Ok(None) };
    let apex = shared.apexes.get(connection, zone.apex)?;
    let users = records(connection, LIVE, params![zone.row], id)?;
    let ns_ttl = users_ns_ttl(users.iter());
    let mut all = apex.records(&zone.zone.name, ns_ttl);
    all.extend(users.into_iter().map(|stored| ResourceRecord::from(stored.record)));
    let soa = settings::soa(connection, &apex, zone.settings, zone.zone.serial)?;
    Ok(Some(ZoneSnapshot { id, name: zone.zone.name, soa, records: all }))
}

/// A serial comes again once they have wrapped: the newest version is meant.
pub(super) const VERSION_BY_SERIAL: &str =
    "SELECT version, apex, version < (SELECT rebuilt FROM zones WHERE id = ?1), settings
     FROM versions INDEXED BY versions_by_serial WHERE zone = ?1 AND serial = ?2 ORDER BY seq DESC LIMIT 1";
pub(super) const ENDED_SINCE: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_to WHERE r.zone = ?1 AND r.to_version > ?2 AND r.from_version <= ?2"
);
pub(super) const BEGUN_SINCE: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_from WHERE r.zone = ?1 AND r.from_version > ?2 AND r.to_version IS NULL"
);

/// How a nameserver that serves the version with serial `from` gets to the head.
pub(super) fn step(
    shared: &Shared,
    connection: &Connection,
    id: ZoneId,
    from: Serial,
) -> Result<Option<Step>, StoreError> {
    let Some(zone) = zones::by_uuid(connection, id)? else { return Ok(None) };
    match earlier(connection, &zone, from)? {
        None => Ok(None),
        Some(earlier) if earlier.is_before_rebuild => Ok(Some(Step::Rebuild)),
        Some(earlier) => Ok(Some(Step::Delta(difference(shared, connection, zone, &earlier)?))),
    }
}

/// The net difference between the version with serial `from` and the head.
pub(super) fn delta(
    shared: &Shared,
    connection: &Connection,
    id: ZoneId,
    from: Serial,
) -> Result<Option<ZoneDelta>, StoreError> {
    let Some(zone) = zones::by_uuid(connection, id)? else { return Ok(None) };
    let Some(earlier) = earlier(connection, &zone, from)? else { return Ok(None) };
    difference(shared, connection, zone, &earlier).map(Some)
}

/// A version before the head.
struct Earlier {
    serial: Serial,
    version: i64,
    apex: i64,
    settings: Option<i64>,
    /// Whether nameservers are to take a later one whole.
    is_before_rebuild: bool,
}

fn earlier(connection: &Connection, zone: &ZoneRow, serial: Serial) -> Result<Option<Earlier>, StoreError> {
    let found = connection.prepare_cached(VERSION_BY_SERIAL)?.query_row(params![zone.row, serial.0], |row| {
        Ok(Earlier {
            serial,
            version: row.get(0)?,
            apex: row.get(1)?,
            is_before_rebuild: row.get(2)?,
            settings: row.get(3)?,
        })
    });
    Ok(found.optional()?)
}

fn difference(
    shared: &Shared,
    connection: &Connection,
    zone: ZoneRow,
    earlier: &Earlier,
) -> Result<ZoneDelta, StoreError> {
    let (id, version) = (zone.zone.id, earlier.version);
    let apex_then = shared.apexes.get(connection, earlier.apex)?;
    let apex_now = shared.apexes.get(connection, zone.apex)?;
    let ended = records(connection, ENDED_SINCE, params![zone.row, version], id)?;
    let begun = records(connection, BEGUN_SINCE, params![zone.row, version], id)?;

    let at_apex = records(connection, LIVE_AT_OWNER, params![zone.row, [0u8; 0]], id)?;
    let lasting = at_apex.iter().filter(|stored| stored.version <= VersionNumber(version as u64));
    let ttl_then = users_ns_ttl(ended.iter().chain(lasting));
    let ttl_now = users_ns_ttl(at_apex.iter());

    let mut removed: Vec<ResourceRecord> = ended.into_iter().map(|stored| stored.record.into()).collect();
    let mut added: Vec<ResourceRecord> = begun.into_iter().map(|stored| stored.record.into()).collect();
    removed.extend(apex_then.records(&zone.zone.name, ttl_then));
    added.extend(apex_now.records(&zone.zone.name, ttl_now));
    cancel(&mut removed, &mut added);
    Ok(ZoneDelta {
        id,
        name: zone.zone.name,
        from: settings::soa(connection, &apex_then, earlier.settings, earlier.serial)?,
        to: settings::soa(connection, &apex_now, zone.settings, zone.zone.serial)?,
        removed,
        added,
    })
}

/// Drops what is in both lists: it is served before and after.
fn cancel(removed: &mut Vec<ResourceRecord>, added: &mut Vec<ResourceRecord>) {
    let key = |record: &ResourceRecord| {
        (record.owner.clone(), record.data.record_type(), record.data.wire(), record.ttl.seconds())
    };
    let mut before: HashMap<_, _> = removed.iter().map(|record| (key(record), false)).collect();
    added.retain(|record| match before.get_mut(&key(record)) {
        Some(stays) => {
            *stays = true;
            false
        }
        None => true,
    });
    removed.retain(|record| before.get(&key(record)) != Some(&true));
}

/// The TTL that users' NS records at the apex give to the whole set.
pub(super) fn users_ns_ttl<'a>(mut records: impl Iterator<Item = &'a StoredRecord>) -> Option<Ttl> {
    let found = records.find(|stored| {
        let record = &stored.record;
        record.owner.is_apex() && record.data.record_type() == RecordType::Ns
    });
    found.map(|stored| stored.record.ttl)
}

pub(super) fn records(
    connection: &Connection,
    sql: &'static str,
    parameters: impl rusqlite::Params,
    zone: ZoneId,
) -> Result<Vec<StoredRecord>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(parameters)?;
    let mut records = Vec::new();
    while let Some(row) = found.next()? {
        records.push(rows::record(row, zone)?.1);
    }
    Ok(records)
}
