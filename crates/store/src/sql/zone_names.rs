//! The serials that were used under a zone's name, and the zones above and below it.

use dns::{Name, Serial, ZoneName};

use super::db::{Connection, params, value};
use super::rows::{Place, ZoneRow};
use super::writer::Work;
use crate::{AccountId, StoreError};

/// The serial that a new zone's first one comes after: its name's floor, or the moment before now.
pub(super) fn serial_before(connection: &Connection, key: &[u8], now: Serial) -> Result<Serial, StoreError> {
    Ok(floor(connection, key)?.unwrap_or(Serial(now.0.wrapping_sub(1))))
}

/// The last serial of the zones that had this name and are deleted.
pub(super) fn floor(connection: &Connection, key: &[u8]) -> Result<Option<Serial>, StoreError> {
    Ok(connection.optional("SELECT serial FROM floors WHERE name = ?1", [key], value)?.map(Serial))
}

pub(super) const BELOW: &str = "SELECT id, name FROM zones INDEXED BY zones_by_name
     WHERE deleted IS NULL AND withheld < 2 AND name > ?1 AND name < ?2 AND account <> ?3 LIMIT 1";
const ABOVE: &str = "SELECT 1 FROM zones INDEXED BY zones_by_name
     WHERE deleted IS NULL AND withheld < 2 AND name = ?1 AND account <> ?2";

/// The first key after those of a name and all names below it. Every key below begins with this one, which ends with a zero
/// octet: the same with a one is the first beyond.
pub(super) fn key_beyond(key: &[u8]) -> Vec<u8> {
    let mut beyond = key.to_vec();
    if let Some(last) = beyond.last_mut() {
        *last = 1;
    }
    beyond
}

/// A zone above or below this name that belongs to another account.
pub(super) fn related_to_another(
    connection: &Connection,
    account: AccountId,
    name: &Name,
) -> Result<Option<ZoneName>, StoreError> {
    let key = name.key();
    let beyond = key_beyond(&key);
    let found = connection.optional(BELOW, params![key, beyond, account.0], |row| {
        Place { table: "zones", row: row.get("id")? }.zone_name(row, "name")
    })?;
    if found.is_some() {
        return Ok(found);
    }
    above_another(connection, account, name)
}

/// A zone above this name that belongs to another account.
pub(super) fn above_another(
    connection: &Connection,
    account: AccountId,
    name: &Name,
) -> Result<Option<ZoneName>, StoreError> {
    let mut above = connection.prepare_cached(ABOVE)?;
    let mut ancestor = name.parent();
    while let Some(name) = ancestor.filter(|name| !name.is_root()) {
        if above.exists(params![name.key(), account.0])? {
            return Ok(Some(ZoneName::from_stored(name)));
        }
        ancestor = name.parent();
    }
    Ok(None)
}

/// Keeps a zone's serial as the floor of its name, unless that is higher: another zone may have been served under the name since
/// this one was.
pub(super) fn raise_floor(work: &Work, zone: &ZoneRow) -> Result<(), StoreError> {
    let key = zone.zone.name.name().key();
    let serial = zone.zone.serial;
    if floor(&work.connection, &key)?.is_some_and(|floor| !serial.is_newer_than(floor)) {
        return Ok(());
    }
    work.connection
        .prepare_cached("INSERT INTO floors VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET serial = excluded.serial")?
        .execute(params![key, serial.0])?;
    Ok(())
}
