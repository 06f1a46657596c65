//! Zones: finding and listing them.

use dns::{ZoneId, ZoneName};

use super::db::{Connection, Params, Row, params};
use super::readers::Size;
use super::rows::{self, Place, ZONE_WIDTH, ZoneRow, zone_columns};
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

fn one(connection: &Connection, sql: &'static str, parameters: impl Params) -> Result<Option<ZoneRow>, StoreError> {
    connection.optional(sql, parameters, rows::zone)
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
    let read = |row: &Row<'_>| Ok(rows::zone(row)?.zone);
    if let Some(name) = name {
        let mut zones = connection.list(OF_ACCOUNT_BY_NAME, params![account.0, name.name().key()], read)?;
        zones.retain(|zone| after.is_none_or(|after| zone.id > after));
        zones.sort_by_key(|zone| zone.id);
        zones.truncate(limit as usize);
        return Ok(zones);
    }
    connection.list(PAGE, params![account.0, start(after.map(|after| after.0).as_ref()), limit], read)
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
    let after = after.map(|after| after.0);
    connection.list(HEADS, params![start(after.as_ref()), limit], |row| Ok(rows::zone(row)?.zone.into()))
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
    // The table has no other key than the name.
    let place = Place { table: "floors", row: 0 };
    connection.list(DELETED, params![key, limit], |row| place.zone_name(row, "name"))
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
    connection.list(sql, params![key, limit], |row| {
        let ZoneRow { account, zone, .. } = rows::zone(row)?;
        Ok(ZoneOfAnyone { account, email: row.get(ZONE_WIDTH)?, zone })
    })
}
