//! Catalogs on SQLite. A zone joins its catalog in the transaction that creates it and leaves it in the one that deletes it. Each
//! is a version of the catalog, so that the step from an earlier version is a range of rows.

use dns::{Serial, ZoneId, ZoneName};
use rusqlite::functions::FunctionFlags;

use super::db::{Connection, Row, params, value};
use super::rows::Place;
use super::writer::Work;
use crate::catalogs::of_key;
use crate::{CatalogChange, CatalogSnapshot, CatalogVersion, Member, StoreError, Timestamp, catalog_of};

/// Gives SQL the function `catalog_of`, for a migration.
pub(super) fn define_function(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("catalog_of", 1, flags, |call| Ok(of_key(call.get_raw(0).as_blob()?)))
}

/// How a version of a catalog differs from the one before. The stored numbers never change their meaning.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    /// The zone with this row joined.
    Joined(i64),
    /// The zone with this row left.
    Left(i64),
    /// Only the serial is another.
    Nothing,
}

/// Notes that a zone is to be served from now on, or not any more.
pub(super) fn moved(work: &Work, zone: &ZoneName, change: Change, now: Timestamp) -> Result<(), StoreError> {
    let catalog = catalog_of(zone);
    let serial = serial(&work.connection, catalog)?.next(Serial::at_time(now.as_second()));
    append(work, catalog, serial, change)
}

/// Moves a catalog above `above`, where it is not.
pub(super) fn raise(work: &Work, catalog: u8, above: Serial) -> Result<Serial, StoreError> {
    let mut serial = serial(&work.connection, catalog)?;
    if !serial.is_newer_than(above) {
        if above.is_newer_than(serial) {
            serial = above;
        }
        serial = serial.next(Serial::at_time(work.now().as_second()));
        append(work, catalog, serial, Change::Nothing)?;
    }
    Ok(serial)
}

fn append(work: &Work, catalog: u8, serial: Serial, change: Change) -> Result<(), StoreError> {
    let sql = "UPDATE catalogs SET version = version + 1, serial = ?2 WHERE number = ?1 RETURNING version";
    let version: i64 = work.connection.one(sql, params![catalog, serial.0], value)?;
    let (zone, change) = match change {
        Change::Joined(zone) => (Some(zone), 1),
        Change::Left(zone) => (Some(zone), -1),
        Change::Nothing => (None, 0),
    };
    work.connection
        .prepare_cached(
            "INSERT INTO catalog_versions (catalog, version, serial, zone, change, first)
             VALUES (?1, ?2, ?3, ?4, ?5, CASE ?5 WHEN 1 THEN (SELECT serial FROM zones WHERE id = ?4) END)",
        )?
        .execute(params![catalog, version, serial.0, zone, change])?;
    Ok(())
}

/// The newest serials, in the catalogs' order.
pub(super) fn serials(connection: &Connection) -> Result<Vec<Serial>, StoreError> {
    connection.list("SELECT serial FROM catalogs ORDER BY number", [], |row| Ok(Serial(row.get(0)?)))
}

fn serial(connection: &Connection, catalog: u8) -> Result<Serial, StoreError> {
    connection.one("SELECT serial FROM catalogs WHERE number = ?1", [catalog], value).map(Serial)
}

/// The columns of a member: the same in [`MEMBERS`] and [`VERSIONS_SINCE`].
const MEMBER: usize = 0;
const MEMBER_UUID: usize = 1;
const MEMBER_NAME: usize = 2;
pub(super) const MEMBERS: &str = "SELECT id, uuid, name FROM zones INDEXED BY zones_by_catalog
     WHERE catalog = ?1 AND deleted IS NULL AND withheld = 0";

/// All of a catalog.
pub(super) fn snapshot(connection: &Connection, catalog: u8) -> Result<CatalogSnapshot, StoreError> {
    let serial = serial(connection, catalog)?;
    let members = connection.list(MEMBERS, [catalog], |row| member(row, row.get(MEMBER)?))?;
    Ok(CatalogSnapshot { serial, members })
}

pub(super) const VERSION_BY_SERIAL: &str = "SELECT version FROM catalog_versions INDEXED BY catalog_versions_by_serial
     WHERE catalog = ?1 AND serial = ?2 ORDER BY version DESC LIMIT 1";
pub(super) const VERSIONS_SINCE: &str = "SELECT c.zone, z.uuid, z.name, c.change, c.serial, c.first
     FROM catalog_versions c LEFT JOIN zones z ON z.id = c.zone
     WHERE c.catalog = ?1 AND c.version > ?2 ORDER BY c.version LIMIT ?3";

pub(super) const LAST_OF_ZONE: &str =
    "SELECT catalog, version FROM catalog_versions INDEXED BY catalog_versions_of_zone
     WHERE zone = ?1 ORDER BY version DESC LIMIT 1";

/// Drops some of the versions up to the last one that names the zone with this row, the oldest first; that one stays, without
/// the zone, so that those after it still have one to start from. False where no version names the zone any more.
pub(super) fn forget(connection: &Connection, zone: i64, at_most: usize) -> Result<bool, StoreError> {
    let last: Option<(i64, i64)> =
        connection.optional(LAST_OF_ZONE, [zone], |row| Ok((row.get("catalog")?, row.get("version")?)))?;
    let Some((catalog, last)) = last else { return Ok(false) };
    let dropped = connection
        .prepare_cached(
            "DELETE FROM catalog_versions WHERE catalog = ?1 AND version IN (
                 SELECT version FROM catalog_versions WHERE catalog = ?1 AND version < ?2 ORDER BY version LIMIT ?3)",
        )?
        .execute(params![catalog, last, at_most as i64])?;
    if dropped < at_most {
        connection
            .prepare_cached(
                "UPDATE catalog_versions SET zone = NULL, change = 0, first = NULL WHERE catalog = ?1 AND version = ?2",
            )?
            .execute(params![catalog, last])?;
    }
    Ok(true)
}

/// The versions after the one with serial `from`, oldest first.
pub(super) fn versions(
    connection: &Connection,
    catalog: u8,
    from: Serial,
    at_most: u32,
) -> Result<Option<Vec<CatalogVersion>>, StoreError> {
    let earlier: Option<i64> = connection.optional(VERSION_BY_SERIAL, params![catalog, from.0], value)?;
    let Some(earlier) = earlier else { return Ok(None) };
    let versions = connection.list(VERSIONS_SINCE, params![catalog, earlier, at_most], |row| {
        let change = match (row.get::<_, Option<i64>>(MEMBER)?, row.get::<_, i64>("change")?) {
            (Some(zone), 1) => CatalogChange::Joined { member: member(row, zone)?, first: Serial(row.get("first")?) },
            (Some(zone), -1) => CatalogChange::Left(member(row, zone)?),
            _ => CatalogChange::Nothing,
        };
        Ok(CatalogVersion { serial: Serial(row.get("serial")?), change })
    });
    versions.map(Some)
}

fn member(row: &Row<'_>, zone: i64) -> Result<Member, StoreError> {
    let place = Place { table: "zones", row: zone };
    Ok(Member { id: ZoneId(place.uuid("uuid", row, MEMBER_UUID)?), name: place.zone_name(row, MEMBER_NAME)? })
}
