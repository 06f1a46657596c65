//! Zones: making, listing, deleting, and the operator's overrides.
//!
//! Deleting a zone touches one row, however many records it has: every tenant's query passes over the records of a deleted
//! zone, and the housekeeper ends their lives in small steps afterwards (see [`sweep`]).

use dns::change::NewRecord;
use dns::{Name, Record, Serial, ZoneId, ZoneName};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::apexes;
use super::catalogs::{self, Change};
use super::change::{Prepared, check_all, plan_content};
use super::journal::{self, By, Kind};
use super::live::LiveRecords;
use super::rows::{self, Place, ZONE_WIDTH, ZoneRow, zone_columns};
use super::writer::{View, Work};
use super::{claims, holds, limits, reserved, withheld};
use crate::{
    AccountId, Author, ChangeError, Committed, Condition, Counts, CreateZoneError, Head, MoveZoneError, NewZone,
    StoreError, StoredRecord, Timestamp, VersionNumber, Withheld, Zone, ZoneOfAnyone, catalog_of,
};

/// Makes a zone: its first version holds the server's own records and the content that was given.
pub(super) fn create(work: &Work, author: &Author, new: &NewZone) -> Result<Zone, CreateZoneError> {
    create_as(work, author, new, None)
}

/// Makes a zone whose records are there already, in a row that nobody sees yet.
pub(super) fn show(
    work: &Work,
    author: &Author,
    new: &NewZone,
    row: i64,
    prepared: &Prepared,
) -> Result<Zone, CreateZoneError> {
    create_as(work, author, new, Some((row, prepared)))
}

fn create_as(
    work: &Work,
    author: &Author,
    new: &NewZone,
    written: Option<(i64, &Prepared)>,
) -> Result<Zone, CreateZoneError> {
    let mut zone = new_row(work.view(), author, new)?;
    let now = zone.zone.created_at;
    let giving_way = match &new.proof {
        Some(proof) => claims::judge(work, author.account, &new.name, proof)?,
        None => None,
    };
    let waits = giving_way.as_ref().map(|giving_way| giving_way.withheld(work)).transpose()?.unwrap_or_default();
    zone.zone.withheld = Withheld { reasons: withheld::reasons_for(work, author.account, waits.reasons)?, ..waits };
    let is_inserted = match written {
        None => insert(work, &zone)?.map(|row| zone.row = row).is_some(),
        Some((row, prepared)) => {
            let last = floor(&work.connection, &new.name.name().key())?;
            let is_outdated = last.is_some_and(|last| !prepared.zone.zone.serial.is_newer_than(last));
            if is_outdated || prepared.zone.apex != zone.apex {
                return Err(StoreError::Busy.into());
            }
            let planned = Zone { withheld: zone.zone.withheld, ..prepared.zone.zone.clone() };
            zone = ZoneRow { row, zone: planned, ..prepared.zone.clone() };
            unhide(work, &zone)?
        }
    };
    if !is_inserted {
        return Err(CreateZoneError::Exists);
    }
    // After the insert, so that "exists" comes before "related"; the savepoint takes the row back.
    let is_free = new.override_related || giving_way.is_some();
    if !is_free && related_to_another(&work.connection, author.account, new.name.name())?.is_some() {
        return Err(CreateZoneError::Related);
    }
    if !is_free && holds::of_another(work.view(), author.account, new.name.name())? {
        return Err(CreateZoneError::OnHold);
    }
    if let Some(fault) = limits::zone_too_many(work, author)? {
        return Err(CreateZoneError::Faults(vec![(0, fault)]));
    }
    let changes = written.map_or(new.content.len(), |(_, prepared)| prepared.rows());
    limits::daily(work, author, changes as u64)?.map_err(CreateZoneError::DailyLimit)?;
    let by = By { comment: new.comment.as_ref(), ..By::from(author) };
    match written {
        None => {
            let records = first_version(work.view(), author, &mut zone, new)?;
            journal::write(work, &zone, &by, (&[], &records, 0), now)?;
        }
        Some((_, prepared)) => {
            check_growth(work.view(), author, prepared.rows())?;
            journal::show(work, &zone, &by, prepared.counts(), now)?;
        }
    }
    if zone.zone.withheld.is_served() {
        catalogs::moved(work, &new.name, Change::Joined(zone.row), now)?;
    }
    holds::release(work, &new.name.name().key())?;
    if let Some(giving_way) = giving_way {
        claims::proved(work, author, &zone, giving_way)?;
    }
    Ok(zone.zone)
}

/// Plans the first version of a zone that is too large to be made by one job of the writer, and refuses what would be refused
/// in the end.
pub(super) fn prepare(view: View<'_>, author: &Author, new: &NewZone) -> Result<Prepared, CreateZoneError> {
    let mut zone = new_row(view, author, new)?;
    // What a proof displaces is judged in the end.
    let is_free = new.override_related || new.proof.is_some();
    if new.proof.is_none() && by_name(view.connection, &new.name)?.is_some() {
        return Err(CreateZoneError::Exists);
    }
    if !is_free && related_to_another(view.connection, author.account, new.name.name())?.is_some() {
        return Err(CreateZoneError::Related);
    }
    if !is_free && holds::of_another(view, author.account, new.name.name())? {
        return Err(CreateZoneError::OnHold);
    }
    limits::check_daily(view, author, new.content.len() as u64)?.map_err(CreateZoneError::DailyLimit)?;
    let before = zone.zone.clone();
    let added = first_version(view, author, &mut zone, new)?;
    let committed = Committed {
        before,
        zone: zone.zone.clone(),
        records: Vec::new(),
        removed: Vec::new(),
        added,
        settings: None,
        warnings: Vec::new(),
        changed: true,
    };
    let now = zone.zone.created_at;
    Ok(Prepared { zone, ends: Vec::new(), changed: 0, new_settings: None, now, committed })
}

/// A zone as it is before its first version, which is appended like any other.
fn new_row(view: View<'_>, author: &Author, new: &NewZone) -> Result<ZoneRow, CreateZoneError> {
    let name = &new.name;
    // First: nothing is said about who has such a name.
    if let Some(reservation) =
        reserved::reservation(&view.shared.reserved, view.connection, author.account, name, new.reserved)?
    {
        return Err(CreateZoneError::Reserved(reservation));
    }
    let (apex, content) = apexes::present(view)?;
    content.check_zone(name).map_err(CreateZoneError::Apex)?;
    let now = view.now();
    let serial = serial_before(view.connection, &name.name().key(), Serial::at_time(now.as_second()))?;
    let zone = Zone {
        id: ZoneId(view.shared.ids.next(now)),
        name: name.clone(),
        created_at: now,
        record_count: 0,
        version: VersionNumber(0),
        serial,
        withheld: Withheld::default(),
    };
    Ok(ZoneRow { row: 0, account: author.account, apex, settings: None, zone })
}

/// Moves a zone to its first version; gives the records of that.
fn first_version(
    view: View<'_>,
    author: &Author,
    zone: &mut ZoneRow,
    new: &NewZone,
) -> Result<Vec<StoredRecord>, CreateZoneError> {
    // Before anything is planned, which costs as much as the content is long.
    check_growth(view, author, new.content.len())?;
    let records = if new.content.is_empty() { Vec::new() } else { first_records(view, zone, &new.content)? };
    let now = zone.zone.created_at;
    journal::raise_base(zone, new.serial_above);
    journal::next(&mut zone.zone, now, 0, records.len());
    Ok(records.into_iter().map(|record| journal::stored(&zone.zone, record, now)).collect())
}

fn check_growth(view: View<'_>, author: &Author, growth: usize) -> Result<(), CreateZoneError> {
    let fault = limits::records_too_many(view, author, growth, 0)?;
    fault.map_or(Ok(()), |fault| Err(CreateZoneError::Faults(vec![(0, fault)])))
}

fn first_records(view: View<'_>, zone: &ZoneRow, content: &[NewRecord]) -> Result<Vec<Record>, CreateZoneError> {
    let mut live = LiveRecords::new(view.connection, zone);
    match plan_content(view, zone, content, &mut live) {
        Ok(plan) => Ok(plan.added),
        Err(ChangeError::Faults(faults)) => Err(CreateZoneError::Faults(faults)),
        Err(ChangeError::Store(error)) => Err(error.into()),
        // A zone without records has none that an edit could name, and there are no conditions.
        Err(ChangeError::DailyLimit(limit)) => Err(CreateZoneError::DailyLimit(limit)),
        Err(
            ChangeError::NoZone
            | ChangeError::NoRecord { .. }
            | ChangeError::Moved
            | ChangeError::Condition
            | ChangeError::Forbidden(_),
        ) => Err(StoreError::Panicked.into()),
    }
}

/// The number of the new row; `None` where a live zone has the name.
fn insert(work: &Work, zone: &ZoneRow) -> Result<Option<i64>, StoreError> {
    let inserted = insert_row(work, zone, None);
    match inserted {
        Ok(row) => Ok(Some(row)),
        Err(error) if violates_uniqueness(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Inserts the row of a zone that nobody sees until [`unhide`].
pub(super) fn insert_hidden(work: &Work, zone: &ZoneRow) -> Result<i64, StoreError> {
    Ok(insert_row(work, zone, Some(zone.zone.created_at))?)
}

fn insert_row(work: &Work, zone: &ZoneRow, hidden: Option<Timestamp>) -> Result<i64, rusqlite::Error> {
    let hidden = hidden.map(Timestamp::as_millisecond);
    work.connection
        .prepare_cached(
            "INSERT INTO zones (uuid, account, name, created, record_count, version, serial, apex, catalog,
                                deleted, forgotten, swept, withheld, withheld_until)
             VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            zone.zone.id.0.as_bytes(),
            zone.account.0,
            zone.zone.name.name().key(),
            zone.zone.created_at.as_millisecond(),
            zone.zone.serial.0,
            zone.apex,
            catalog_of(&zone.zone.name),
            hidden,
            if hidden.is_some() { HIDDEN } else { 0 },
            zone.zone.withheld.reasons,
            zone.zone.withheld.until.map(Timestamp::as_millisecond),
        ])?;
    Ok(work.connection.last_insert_rowid())
}

/// `zones.swept` of a zone that is being made.
const HIDDEN: i64 = 4;

/// Shows a zone; false where a live zone has its name.
fn unhide(work: &Work, zone: &ZoneRow) -> Result<bool, StoreError> {
    let shown = work
        .connection
        .prepare_cached(
            "UPDATE zones SET deleted = NULL, forgotten = NULL, swept = 0, withheld = ?3, withheld_until = ?4
             WHERE id = ?1 AND swept = ?2",
        )?
        .execute(params![
            zone.row,
            HIDDEN,
            zone.zone.withheld.reasons,
            zone.zone.withheld.until.map(Timestamp::as_millisecond),
        ]);
    match shown {
        Ok(shown) => {
            if shown == 1 {
                Ok(true)
            } else {
                Err(StoreError::Busy)
            }
        }
        Err(error) if violates_uniqueness(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Deletes the row of a zone that was never shown.
pub(super) fn delete_hidden(work: &Work, row: i64) -> Result<(), StoreError> {
    work.connection.prepare_cached("DELETE FROM zones WHERE id = ?1 AND swept = ?2")?.execute([row, HIDDEN])?;
    Ok(())
}

/// Whether a statement failed because the row would have been a second one.
pub(super) fn violates_uniqueness(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::ConstraintViolation && error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
    })
}

/// The serial that a new zone's first one comes after: its name's floor, or the moment before now.
fn serial_before(connection: &Connection, key: &[u8], now: Serial) -> Result<Serial, StoreError> {
    Ok(floor(connection, key)?.unwrap_or(Serial(now.0.wrapping_sub(1))))
}

/// The last serial of the zones that had this name and are deleted.
pub(super) fn floor(connection: &Connection, key: &[u8]) -> Result<Option<Serial>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT serial FROM floors WHERE name = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?.map(Serial))
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
    let mut below = connection.prepare_cached(BELOW)?;
    let found = below
        .query_row(params![key, beyond, account.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    if let Some((row, key)) = found {
        let name = Place { table: "zones", row }.sound("name", Name::from_key(&key).ok())?;
        return Ok(Some(ZoneName::from_stored(name)));
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

/// Deletes a zone; `None` where the account has no such zone.
pub(super) fn delete(work: &Work, author: &Author, id: ZoneId) -> Result<Option<Zone>, StoreError> {
    of_account(&work.connection, author.account, id)?.map(|zone| end(work, author, zone)).transpose()
}

/// Deletes a zone where the conditions hold.
pub(super) fn delete_on(
    work: &Work,
    author: &Author,
    id: ZoneId,
    conditions: &[Condition],
) -> Result<Zone, ChangeError> {
    let zone = of_account(&work.connection, author.account, id)?.ok_or(ChangeError::NoZone)?;
    check_all(conditions, &zone, &mut LiveRecords::new(&work.connection, &zone))?;
    limits::daily(work, author, 1)?.map_err(ChangeError::DailyLimit)?;
    Ok(end(work, author, zone)?)
}

/// The zone's last version says that it is deleted, and its name keeps the serial as a floor.
fn end(work: &Work, author: &Author, mut zone: ZoneRow) -> Result<Zone, StoreError> {
    let now = work.now();
    journal::advance(&mut zone.zone, now);
    journal::insert_version(work, &zone, &By::from(author), Kind::Deleted, Counts::default(), now)?;
    if zone.zone.withheld.is_served() {
        catalogs::moved(work, &zone.zone.name, Change::Left(zone.row), now)?;
    }
    work.connection
        .prepare_cached("UPDATE zones SET deleted = ?2, version = ?3, serial = ?4 WHERE id = ?1")?
        .execute(params![zone.row, now.as_millisecond(), journal::number(zone.zone.version), zone.zone.serial.0])?;
    raise_floor(work, &zone)?;
    if zone.zone.withheld.has_name() {
        holds::begin(work, &zone)?;
    }
    claims::ended(work, &zone)?;
    Ok(zone.zone)
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

/// How many records one step of [`sweep`] ends: a few milliseconds of the writer's time.
const SWEEP_STEP: usize = 200;

pub(super) const UNSWEPT: &str =
    "SELECT id, version FROM zones INDEXED BY zones_unswept WHERE deleted IS NOT NULL AND swept = 0 LIMIT 1";

/// Whether [`sweep`] has something to do.
pub(super) fn is_unswept(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached(UNSWEPT)?.exists([])?)
}

/// Ends some records of a deleted zone with the zone's last version. False where there was nothing to do.
pub(super) fn sweep(work: &Work) -> Result<bool, StoreError> {
    let unswept = work
        .connection
        .prepare_cached(UNSWEPT)?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((zone, version)) = unswept else { return Ok(false) };
    let ended = work
        .connection
        .prepare_cached(
            "UPDATE records SET to_version = iif(ends > 0, ends, ?2), ends = 0 WHERE id IN (
                 SELECT id FROM records INDEXED BY records_of_zone WHERE zone = ?1 AND to_version IS NULL LIMIT ?3)",
        )?
        .execute(params![zone, version, SWEEP_STEP as i64])?;
    if ended < SWEEP_STEP {
        work.connection.prepare_cached("UPDATE zones SET swept = 1 WHERE id = ?1")?.execute([zone])?;
    }
    Ok(true)
}

/// Gives a zone, with its records, to another account; or, where that account has a zone of this name which waits for the name
/// or was displaced, the name to that. Costs a row per record: the account stands in them.
pub(super) fn give_to(work: &Work, name: &ZoneName, to: AccountId) -> Result<bool, MoveZoneError> {
    if let Some(reservation) = reserved::reservation(&work.shared.reserved, &work.connection, to, name, true)? {
        return Err(reservation.into());
    }
    if claims::decide(work, name, to)? {
        return Ok(true);
    }
    let found = by_name(&work.connection, name)?;
    let Some(mut zone) = found else { return Ok(false) };
    if zone.account == to {
        return Ok(true);
    }
    for sql in [
        "UPDATE zones SET account = ?2, proved = NULL WHERE id = ?1",
        "UPDATE records SET account = ?2 WHERE zone = ?1 AND to_version IS NULL",
    ] {
        work.connection.execute(sql, params![zone.row, to.0]).map_err(StoreError::from)?;
    }
    zone.account = to;
    let reasons = withheld::reasons_for(work, to, zone.zone.withheld.reasons)?;
    withheld::set(work, &mut zone, reasons, "moved to another account")?;
    Ok(true)
}

pub(super) const OF_ACCOUNT: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_of_account WHERE z.account = ?1 AND z.uuid = ?2 AND z.deleted IS NULL"
);

/// The account's zone of that identity.
pub(super) fn of_account(
    connection: &Connection,
    account: AccountId,
    id: ZoneId,
) -> Result<Option<ZoneRow>, StoreError> {
    one(connection, OF_ACCOUNT, params![account.0, id.0.as_bytes()])
}

pub(super) const BY_UUID: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_by_uuid WHERE z.uuid = ?1 AND z.deleted IS NULL"
);

/// The zone of that identity, whoever has it, where nameservers are to serve it: for deployment.
pub(super) fn served(connection: &Connection, id: ZoneId) -> Result<Option<ZoneRow>, StoreError> {
    Ok(by_uuid(connection, id)?.filter(|zone| zone.zone.withheld.is_served()))
}

/// The zone of that identity, whoever has it.
pub(super) fn by_uuid(connection: &Connection, id: ZoneId) -> Result<Option<ZoneRow>, StoreError> {
    one(connection, BY_UUID, params![id.0.as_bytes()])
}

pub(super) const BY_NAME: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_by_name WHERE z.name = ?1 AND z.deleted IS NULL AND z.withheld < 2"
);

/// The zone that has that name, whoever has it; also where it is not served.
pub(super) fn by_name(connection: &Connection, name: &ZoneName) -> Result<Option<ZoneRow>, StoreError> {
    one(connection, BY_NAME, params![name.name().key()])
}

/// The zone of that row.
pub(super) fn by_row(connection: &Connection, row: i64) -> Result<Option<ZoneRow>, StoreError> {
    one(connection, super::records::ZONE_BY_ROW, [row])
}

fn one(
    connection: &Connection,
    sql: &'static str,
    parameters: impl rusqlite::Params,
) -> Result<Option<ZoneRow>, StoreError> {
    connection.prepare_cached(sql)?.query_row(parameters, |row| Ok(rows::zone(row))).optional()?.transpose()
}

pub(super) const PAGE: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_of_account
     WHERE z.account = ?1 AND z.uuid > ?2 AND z.deleted IS NULL ORDER BY z.uuid LIMIT ?3"
);

/// Usually one: an account may have a zone that was displaced, and another of the same name.
pub(super) const OF_ACCOUNT_BY_NAME: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_of_account_by_name WHERE z.account = ?1 AND z.name = ?2 AND z.deleted IS NULL"
);

/// A page of an account's zones, oldest first.
pub(super) fn page(
    connection: &Connection,
    account: AccountId,
    name: Option<&ZoneName>,
    after: Option<ZoneId>,
    limit: u32,
) -> Result<Vec<Zone>, StoreError> {
    let mut zones = Vec::new();
    if let Some(name) = name {
        let mut statement = connection.prepare_cached(OF_ACCOUNT_BY_NAME)?;
        let mut rows = statement.query(params![account.0, name.name().key()])?;
        while let Some(row) = rows.next()? {
            zones.push(rows::zone(row)?.zone);
        }
        zones.retain(|zone| after.is_none_or(|after| zone.id > after));
        zones.sort_by_key(|zone| zone.id);
        zones.truncate(limit as usize);
        return Ok(zones);
    }
    let mut statement = connection.prepare_cached(PAGE)?;
    let mut rows = statement.query(params![account.0, start(after.map(|after| after.0).as_ref()), limit])?;
    while let Some(row) = rows.next()? {
        zones.push(rows::zone(row)?.zone);
    }
    Ok(zones)
}

/// The key after which a page begins: nothing sorts before every UUID.
pub(super) fn start(after: Option<&uuid::Uuid>) -> &[u8] {
    after.map_or(&[], |uuid| uuid.as_bytes().as_slice())
}

pub(super) const HEADS: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_by_uuid
     WHERE z.uuid > ?1 AND z.deleted IS NULL AND z.withheld = 0 ORDER BY z.uuid LIMIT ?2"
);

/// The heads of all zones that are to be served.
pub(super) fn heads(connection: &Connection, after: Option<ZoneId>, limit: u32) -> Result<Vec<Head>, StoreError> {
    let mut statement = connection.prepare_cached(HEADS)?;
    let mut rows = statement.query(params![start(after.map(|after| after.0).as_ref()), limit])?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        heads.push(rows::zone(row)?.zone.into());
    }
    Ok(heads)
}

pub(super) const DELETED: &str = "SELECT f.name FROM floors f
     WHERE f.name > ?1 AND NOT EXISTS
         (SELECT 1 FROM zones z INDEXED BY zones_by_name
          WHERE z.name = f.name AND z.deleted IS NULL AND z.withheld < 2 AND z.withheld = 0)
     ORDER BY f.name LIMIT ?2";

/// The names of zones that were deleted or taken off the nameservers, and not served since, in their order, after `after`.
pub(super) fn deleted(
    connection: &Connection,
    after: Option<&ZoneName>,
    limit: u32,
) -> Result<Vec<ZoneName>, StoreError> {
    let key = after.map(|name| name.name().key()).unwrap_or_default();
    let mut statement = connection.prepare_cached(DELETED)?;
    let mut rows = statement.query(params![key, limit])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        // The table has no other key than the name.
        names.push(Place { table: "floors", row: 0 }.zone_name(row, 0)?);
    }
    Ok(names)
}

pub(super) const OF_ANYONE: &str = concat!(
    "SELECT ",
    zone_columns!(),
    ", a.email FROM zones z INDEXED BY zones_by_name CROSS JOIN accounts a ON a.id = z.account
     WHERE z.name > ?1 AND z.deleted IS NULL AND z.withheld < 2 ORDER BY z.name LIMIT ?2"
);
pub(super) const ONE_OF_ANYONE: &str = concat!(
    "SELECT ",
    zone_columns!(),
    ", a.email FROM zones z INDEXED BY zones_by_name CROSS JOIN accounts a ON a.id = z.account
     WHERE z.name = ?1 AND z.deleted IS NULL AND z.withheld < 2 LIMIT ?2"
);

/// Zones with their owners, by name: the one with that name, or those after it.
pub(super) fn of_anyone(
    connection: &Connection,
    sql: &'static str,
    name: Option<&ZoneName>,
    limit: u32,
) -> Result<Vec<ZoneOfAnyone>, StoreError> {
    let key = name.map(|name| name.name().key()).unwrap_or_default();
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![key, limit])?;
    let mut zones = Vec::new();
    while let Some(row) = rows.next()? {
        let ZoneRow { account, zone, .. } = rows::zone(row)?;
        zones.push(ZoneOfAnyone { account, email: row.get(ZONE_WIDTH)?, zone });
    }
    Ok(zones)
}
