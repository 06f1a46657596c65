//! Reading a zone's past. What lived at a version is a range of rows, and so is what lies between two versions: nothing is
//! replayed, and what is read grows with what is shown, not with the length of the history.

use std::sync::Arc;

use dns::{Apex, ResourceRecord, Serial, ZoneId, ZoneSnapshot};

use super::db::{Connection, Row, params, value};
use super::deployment::{ENDED_SINCE, VERSION_BY_SERIAL, users_ns_ttl};
use super::journal::Kind;
use super::readers::Size;
use super::rows::{self, Place, ZoneRow, record_columns};
use super::shared::Shared;
use super::{deleted, settings, zones};
use crate::history::{Counts, Difference, Event, History, HistoryError, MadeBy, Version};
use crate::logic::source::VersionAt;
use crate::{AccountId, Head, Source, Store, StoreError, StoredRecord, VersionNumber};

/// The past of zones, for their account.
impl Store {
    /// A page of a zone's versions before `before`, newest first. `None` where the account has no such zone.
    pub async fn history(
        &self,
        account: AccountId,
        zone: ZoneId,
        before: Option<VersionNumber>,
        limit: u32,
    ) -> Result<Option<History>, StoreError> {
        let read = move |connection: &Connection| page(connection, account, zone, before, limit);
        self.inner.readers.run(Size::Small, read).await
    }

    /// The version with a serial, and what it changed.
    pub async fn version(
        &self,
        account: AccountId,
        zone: ZoneId,
        serial: Serial,
    ) -> Result<(Version, Difference), HistoryError> {
        let read = move |connection: &Connection| Ok(version_and_difference(connection, account, zone, serial));
        self.inner.readers.run(Size::Large, read).await?
    }

    /// What lies between two versions of a zone, in either direction. Without `to`, up to the newest.
    pub async fn difference(
        &self,
        account: AccountId,
        zone: ZoneId,
        from: Serial,
        to: Option<Serial>,
    ) -> Result<Difference, HistoryError> {
        let read = move |connection: &Connection| Ok(difference(connection, account, zone, from, to));
        self.inner.readers.run(Size::Large, read).await?
    }

    /// The difference that a version of the account made, for the response to that request. The zone may have been deleted, or
    /// moved to another account, since. `None` if it was permanently deleted.
    pub async fn own_change(&self, account: AccountId, made: &Head) -> Result<Option<Difference>, StoreError> {
        let (zone, version) = (made.id, made.version);
        let read = move |connection: &Connection| own_change(connection, account, zone, version);
        self.inner.readers.run(Size::Large, read).await
    }

    /// Everything that the version with a serial holds, the server's own records included.
    pub async fn snapshot_at(
        &self,
        account: AccountId,
        zone: ZoneId,
        serial: Serial,
    ) -> Result<ZoneSnapshot, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        let read = move |connection: &Connection| Ok(snapshot_at(&shared, connection, account, zone, serial));
        self.inner.readers.run(Size::Large, read).await?
    }

    /// What the server itself put into a zone of the account at the version with that serial.
    pub async fn apex_at(&self, account: AccountId, zone: ZoneId, serial: Serial) -> Result<Arc<Apex>, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        let read = move |connection: &Connection| Ok(apex_at(&shared, connection, account, zone, serial));
        self.inner.readers.run(Size::Small, read).await?
    }
}

/// The columns that [`version`] reads.
macro_rules! version_columns {
    () => {
        "v.seq, v.version, v.serial, v.time, v.kind, v.source, v.account, a.email, v.author, v.address, v.comment,
         v.removed, v.added, v.changed, v.settings, p.seq AS previous, p.settings AS settings_before"
    };
}

/// The version before, of which [`version`] reads the settings.
macro_rules! with_previous {
    () => {
        " LEFT JOIN versions p INDEXED BY versions_by_number ON p.zone = v.zone AND p.version = v.version - 1"
    };
}

pub(super) const PAGE: &str = concat!(
    "SELECT ",
    version_columns!(),
    " FROM versions v INDEXED BY versions_by_number LEFT JOIN accounts a ON a.id = v.account",
    with_previous!(),
    " WHERE v.zone = ?1 AND v.version < ?2 ORDER BY v.version DESC LIMIT ?3"
);

fn page(
    connection: &Connection,
    account: AccountId,
    zone: ZoneId,
    before: Option<VersionNumber>,
    limit: u32,
) -> Result<Option<History>, StoreError> {
    let Some(zone) = zones::of_account(connection, account, zone)? else { return Ok(None) };
    let before = before.and_then(|before| i64::try_from(before.0).ok()).unwrap_or(i64::MAX);
    let versions = connection.list(PAGE, params![zone.row, before, limit], |row| version(connection, row, account))?;
    Ok(Some(History { zone: zone.zone, versions }))
}

/// A serial comes again once they have wrapped: the newest version is meant.
pub(super) const BY_SERIAL: &str = concat!(
    "SELECT ",
    version_columns!(),
    " FROM versions v INDEXED BY versions_by_serial LEFT JOIN accounts a ON a.id = v.account",
    with_previous!(),
    " WHERE v.zone = ?1 AND v.serial = ?2 ORDER BY v.seq DESC LIMIT 1"
);

fn by_serial(connection: &Connection, zone: &ZoneRow, serial: Serial) -> Result<Option<Version>, StoreError> {
    connection.optional(BY_SERIAL, params![zone.row, serial.0], |row| version(connection, row, zone.account))
}

pub(super) const SERIAL: &str =
    "SELECT serial FROM versions INDEXED BY versions_by_number WHERE zone = ?1 AND version = ?2";

pub(super) fn serial_of(
    connection: &Connection,
    zone: &ZoneRow,
    number: VersionNumber,
) -> Result<Option<Serial>, StoreError> {
    Ok(connection.optional(SERIAL, params![zone.row, rows::number(number)], value)?.map(Serial))
}

fn version_and_difference(
    connection: &Connection,
    account: AccountId,
    zone: ZoneId,
    serial: Serial,
) -> Result<(Version, Difference), HistoryError> {
    let zone = zones::of_account(connection, account, zone)?.ok_or(HistoryError::NoZone)?;
    let version = by_serial(connection, &zone, serial)?.ok_or(HistoryError::NoVersion(serial))?;
    let difference = changed_by(connection, &zone, version.number, serial)?;
    Ok((version, difference))
}

fn changed_by(
    connection: &Connection,
    zone: &ZoneRow,
    version: VersionNumber,
    serial: Serial,
) -> Result<Difference, StoreError> {
    let before = VersionNumber(version.0.saturating_sub(1));
    let (removed, added) = between(connection, zone, before, version)?;
    let from = serial_of(connection, zone, before)?;
    let mut difference = Difference { from, to: serial, removed, added };
    difference.tidy();
    Ok(difference)
}

pub(super) const OWN_SERIAL: &str = "SELECT serial FROM versions INDEXED BY versions_by_number
     WHERE zone = ?1 AND version = ?2 AND account = ?3";

fn own_change(
    connection: &Connection,
    account: AccountId,
    zone: ZoneId,
    version: VersionNumber,
) -> Result<Option<Difference>, StoreError> {
    let zone = match zones::by_uuid(connection, zone)? {
        Some(zone) => Some(zone),
        None => deleted::one(connection, zone)?.map(|deleted| deleted.zone_row),
    };
    let Some(zone) = zone else { return Ok(None) };
    let serial = connection.optional(OWN_SERIAL, params![zone.row, rows::number(version), account.0], value)?;
    serial.map(|serial| changed_by(connection, &zone, version, Serial(serial))).transpose()
}

fn difference(
    connection: &Connection,
    account: AccountId,
    zone: ZoneId,
    from: Serial,
    to: Option<Serial>,
) -> Result<Difference, HistoryError> {
    let zone = zones::of_account(connection, account, zone)?.ok_or(HistoryError::NoZone)?;
    let to = to.unwrap_or(zone.zone.serial);
    let place = |serial| at(connection, &zone, serial)?.ok_or(HistoryError::NoVersion(serial));
    let (earlier, later) = (place(from)?.number, place(to)?.number);
    let (removed, added) = if earlier <= later {
        between(connection, &zone, earlier, later)?
    } else {
        let (removed, added) = between(connection, &zone, later, earlier)?;
        (added, removed)
    };
    let mut difference = Difference { from: Some(from), to, removed, added };
    difference.tidy();
    Ok(difference)
}

pub(super) const ENDED_BETWEEN: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_to
     WHERE r.zone = ?1 AND r.to_version > ?2 AND r.to_version <= ?3 AND r.from_version <= ?2"
);
pub(super) const BEGUN_BETWEEN: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_from
     WHERE r.zone = ?1 AND r.from_version > ?2 AND r.from_version <= ?3 AND (r.to_version IS NULL OR r.to_version > ?3)
       AND (r.ends = 0 OR r.ends > ?3)"
);
/// What belongs to [`ENDED_BETWEEN`] and has no `to_version` yet.
pub(super) const ENDING_BETWEEN: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_ending
     WHERE r.zone = ?1 AND r.to_version IS NULL AND r.ends > 0 AND r.ends > ?2 AND r.ends <= ?3 AND r.from_version <= ?2"
);

/// What lived at the earlier version and not at the later one, and the other way round.
pub(super) fn between(
    connection: &Connection,
    zone: &ZoneRow,
    earlier: VersionNumber,
    later: VersionNumber,
) -> Result<(Vec<StoredRecord>, Vec<StoredRecord>), StoreError> {
    let range = params![zone.row, rows::number(earlier), rows::number(later)];
    let mut ended = rows::records(connection, ENDED_BETWEEN, range, zone.zone.id)?;
    ended.extend(rows::records(connection, ENDING_BETWEEN, range, zone.zone.id)?);
    let begun = rows::records(connection, BEGUN_BETWEEN, range, zone.zone.id)?;
    Ok((ended, begun))
}

pub(super) fn at(connection: &Connection, zone: &ZoneRow, serial: Serial) -> Result<Option<VersionAt>, StoreError> {
    connection.optional(VERSION_BY_SERIAL, params![zone.row, serial.0], |row| {
        let number = VersionNumber(row.get::<_, i64>("version")? as u64);
        Ok(VersionAt { number, apex: row.get("apex")?, settings: row.get("settings")? })
    })
}

fn snapshot_at(
    shared: &Shared,
    connection: &Connection,
    account: AccountId,
    zone: ZoneId,
    serial: Serial,
) -> Result<ZoneSnapshot, HistoryError> {
    let zone = zones::of_account(connection, account, zone)?.ok_or(HistoryError::NoZone)?;
    let at = at(connection, &zone, serial)?.ok_or(HistoryError::NoVersion(serial))?;
    let apex = shared.apexes.get(connection, at.apex)?;
    let users = content(connection, &zone, at.number)?;
    let mut all = apex.records(&zone.zone.name, users_ns_ttl(users.iter()));
    all.extend(users.into_iter().map(|stored| ResourceRecord::from(stored.record)));
    let soa = settings::soa(connection, &apex, at.settings, serial)?;
    Ok(ZoneSnapshot { id: zone.zone.id, name: zone.zone.name, soa, records: all })
}

fn apex_at(
    shared: &Shared,
    connection: &Connection,
    account: AccountId,
    zone: ZoneId,
    serial: Serial,
) -> Result<Arc<Apex>, HistoryError> {
    let zone = zones::of_account(connection, account, zone)?.ok_or(HistoryError::NoZone)?;
    let at = at(connection, &zone, serial)?.ok_or(HistoryError::NoVersion(serial))?;
    Ok(shared.apexes.get(connection, at.apex)?)
}

pub(super) const LIVE_SINCE: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_of_zone WHERE r.zone = ?1 AND r.to_version IS NULL AND r.from_version <= ?2
       AND (r.ends = 0 OR r.ends > ?2)"
);
pub(super) const LIVED_AT: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_from
     WHERE r.zone = ?1 AND r.from_version <= ?2 AND (r.to_version IS NULL OR r.to_version > ?2)
       AND (r.ends = 0 OR r.ends > ?2)"
);

/// The users' records at a version, from whichever end of the history is nearer: from the beginning, every life that had begun;
/// from the head, what lives still and what has ended since.
fn content(connection: &Connection, zone: &ZoneRow, number: VersionNumber) -> Result<Vec<StoredRecord>, StoreError> {
    let parameters = params![zone.row, rows::number(number)];
    if number.0 < zone.zone.version.0 / 2 {
        return rows::records(connection, LIVED_AT, parameters, zone.zone.id);
    }
    let mut found = rows::records(connection, LIVE_SINCE, parameters, zone.zone.id)?;
    found.extend(rows::records(connection, ENDED_SINCE, parameters, zone.zone.id)?);
    Ok(found)
}

/// Reads [`version_columns`] for a reader of that account.
fn version(connection: &Connection, row: &Row<'_>, reader: AccountId) -> Result<Version, StoreError> {
    let place = Place { table: "versions", row: row.get("seq")? };
    let count = |column: &'static str| -> Result<u64, StoreError> {
        place.sound(column, u64::try_from(row.get::<_, i64>(column)?).ok())
    };
    let number = VersionNumber(count("version")?);
    let kind = place.sound("kind", Kind::of_number(row.get("kind")?))?;
    let account: Option<i64> = row.get("account")?;
    let email: Option<String> = row.get("email")?;
    let by = email.filter(|_| account == Some(reader.0)).map(|email| -> Result<MadeBy, StoreError> {
        Ok(MadeBy { email, name: row.get("author")?, address: place.address("address", row.get("address")?)? })
    });
    let (before, after): (Option<i64>, Option<i64>) = (row.get("settings_before")?, row.get("settings")?);
    let settings = if row.get::<_, Option<i64>>("previous")?.is_some() && before != after {
        Some((settings::get(connection, before)?, settings::get(connection, after)?))
    } else {
        None
    };
    Ok(Version {
        number,
        serial: Serial(place.sound("serial", u32::try_from(row.get::<_, i64>("serial")?).ok())?),
        time: place.time("time", row.get("time")?)?,
        event: match kind {
            Kind::Change if number == VersionNumber(1) => Event::Created,
            Kind::Change => Event::Changed,
            Kind::Deleted => Event::Deleted,
            Kind::Undeleted => Event::Undeleted,
        },
        source: place.sound("source", Source::of_number(row.get("source")?))?,
        by: by.transpose()?,
        comment: row.get("comment")?,
        counts: Counts { removed: count("removed")?, added: count("added")?, changed: count("changed")? },
        settings,
    })
}
