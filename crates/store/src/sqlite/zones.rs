//! Zones: making, listing, deleting, and the operator's overrides.
//!
//! Deleting a zone touches one row, however many records it has: every tenant's query passes over the records of a deleted
//! zone, and the housekeeper ends their lives in small steps afterwards (see [`sweep`]).

use dns::{ZoneId, ZoneName};
use rusqlite::{Connection, OptionalExtension, params};

use super::catalogs::{self, Change};
use super::journal::{self, By, Kind};
use super::readers::Size;
use super::rows::{self, Place, ZONE_WIDTH, ZoneRow, zone_columns};
use super::writer::Work;
use super::zone_names::raise_floor;
use super::{answers, claims, holds, limits, reserved, withheld};
use crate::logic::change::check_all;
use crate::logic::live::LiveRecords;
use crate::*;

impl Store {
    /// The account's zones after `after`, oldest first.
    pub async fn zones(
        &self,
        account: AccountId,
        name: Option<ZoneName>,
        after: Option<ZoneId>,
        limit: u32,
    ) -> Result<Vec<Zone>, StoreError> {
        let read = move |connection: &Connection| page(connection, account, name.as_ref(), after, limit);
        self.inner.readers.run(Size::Small, read).await
    }

    /// One zone.
    pub async fn zone(&self, account: AccountId, id: ZoneId) -> Result<Option<Zone>, StoreError> {
        let read = move |connection: &Connection| Ok(of_account(connection, account, id)?.map(|row| row.zone));
        self.inner.readers.run(Size::Small, read).await
    }

    /// Deletes a zone with its records, where the conditions hold; gives it at its last version.
    pub async fn delete_zone(
        &self,
        author: &Author,
        id: ZoneId,
        conditions: Vec<Condition>,
    ) -> Result<Zone, ChangeError> {
        let author = author.clone();
        self.inner.shared.stages.none_of(id).await;
        self.inner.writer.run(move |work| delete_on(work, &author, id, &conditions)).await
    }

    /// [`Store::delete_zone`], done once however often the request comes.
    pub async fn delete_zone_once(
        &self,
        author: &Author,
        id: ZoneId,
        conditions: Vec<Condition>,
        once: Once<Zone>,
    ) -> Result<Done, ChangeError> {
        let author = author.clone();
        self.inner.shared.stages.none_of(id).await;
        let job = move |work: &Work| answers::once(work, &once, |work| delete_on(work, &author, id, &conditions));
        self.inner.writer.run(job).await
    }

    /// The zone of that name, in any account.
    pub async fn zone_of_anyone(&self, name: &ZoneName) -> Result<Option<ZoneOfAnyone>, StoreError> {
        let name = name.clone();
        let read = move |connection: &Connection| Ok(of_anyone(connection, ONE_OF_ANYONE, Some(&name), 1)?.pop());
        self.inner.readers.run(Size::Small, read).await
    }

    /// All zones by name, after `after`.
    pub async fn zones_of_anyone(&self, after: Option<ZoneName>, limit: u32) -> Result<Vec<ZoneOfAnyone>, StoreError> {
        let read = move |connection: &Connection| of_anyone(connection, OF_ANYONE, after.as_ref(), limit);
        self.inner.readers.run(Size::Large, read).await
    }

    /// Gives a zone to another account; false where there is no such zone.
    pub async fn move_zone(&self, name: &ZoneName, to: AccountId) -> Result<bool, MoveZoneError> {
        let name = name.clone();
        let give = move |work: &Work| {
            let is_given = give_to(work, &name, to)?;
            if is_given {
                reserved::decided(work, &name)?;
            }
            Ok(is_given)
        };
        self.inner.writer.run(give).await
    }
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
    let view = work.view();
    check_all(conditions, &zone, &mut LiveRecords::of_row(&mut view.cache(), &zone))?;
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
        .execute(params![zone.row, now.as_millisecond(), rows::number(zone.zone.version), zone.zone.serial.0])?;
    raise_floor(work, &zone)?;
    if zone.zone.withheld.has_name() {
        holds::begin(work, &zone)?;
    }
    claims::ended(work, &zone)?;
    Ok(zone.zone)
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

pub(super) const BY_ROW: &str =
    concat!("SELECT ", zone_columns!(), " FROM zones z WHERE z.id = ?1 AND z.deleted IS NULL");

/// The zone of that row.
pub(super) fn by_row(connection: &Connection, row: i64) -> Result<Option<ZoneRow>, StoreError> {
    one(connection, BY_ROW, [row])
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
