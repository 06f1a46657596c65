//! Reading records for their account. Every list comes from an index in its order: nothing is sorted but the few records of
//! one name, and nothing outside the page is read but what a filter passes over.

use std::ops::ControlFlow;

use dns::{OwnerName, RecordId, ZoneId};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::change::LIVE_AT_OWNER;
use super::rows::{self, RECORD_WIDTH, ZoneRow, record_columns, zone_columns};
use super::zones::{self, start};
use crate::{AccountId, RecordFilter, RecordVisitor, StoreError, StoredRecord, Zone};

pub(super) const OF_ZONE: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_of_zone
     WHERE r.zone = ?1 AND r.record > ?2 AND r.to_version IS NULL AND (?3 IS NULL OR r.type = ?3)
     ORDER BY r.record LIMIT ?4"
);

/// Every record of a zone that passes the filter. False where the account has no such zone.
pub(super) fn visit<V: RecordVisitor>(
    connection: &Connection,
    account: AccountId,
    zone: ZoneId,
    filter: &RecordFilter,
    visitor: &mut V,
) -> Result<bool, StoreError> {
    let Some(zone) = zones::of_account(connection, account, zone)? else { return Ok(false) };
    visitor.zone(&zone.zone);
    if let Some(owner) = &filter.owner {
        for record in at_owner(connection, &zone, owner, filter)? {
            if visitor.record(&record).is_break() {
                break;
            }
        }
        return Ok(true);
    }
    each_of_zone(connection, &zone, filter, None, u32::MAX, |record| visitor.record(&record))?;
    Ok(true)
}

/// A page of one zone's records. `None` where the account has no such zone.
pub(super) fn page_of_zone(
    connection: &Connection,
    account: AccountId,
    zone: ZoneId,
    filter: &RecordFilter,
    after: Option<RecordId>,
    limit: u32,
) -> Result<Option<Vec<StoredRecord>>, StoreError> {
    let Some(zone) = zones::of_account(connection, account, zone)? else { return Ok(None) };
    if let Some(owner) = &filter.owner {
        let mut records = at_owner(connection, &zone, owner, filter)?;
        records.retain(|stored| after.is_none_or(|after| stored.record.id > after));
        records.truncate(limit as usize);
        return Ok(Some(records));
    }
    let mut records = Vec::new();
    each_of_zone(connection, &zone, filter, after, limit, |record| {
        records.push(record);
        ControlFlow::Continue(())
    })?;
    Ok(Some(records))
}

fn each_of_zone(
    connection: &Connection,
    zone: &ZoneRow,
    filter: &RecordFilter,
    after: Option<RecordId>,
    limit: u32,
    mut take: impl FnMut(StoredRecord) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(OF_ZONE)?;
    let record_type = filter.record_type.map(|record_type| record_type.code());
    let mut rows = statement.query(params![zone.row, start(uuid(&after)), record_type, limit])?;
    while let Some(row) = rows.next()? {
        if take(rows::record(row, zone.zone.id)?.1).is_break() {
            break;
        }
    }
    Ok(())
}

/// The records of one name, oldest first: few enough to sort.
fn at_owner(
    connection: &Connection,
    zone: &ZoneRow,
    owner: &OwnerName,
    filter: &RecordFilter,
) -> Result<Vec<StoredRecord>, StoreError> {
    let mut statement = connection.prepare_cached(LIVE_AT_OWNER)?;
    let mut rows = statement.query(params![zone.row, owner.key()])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let (_, stored) = rows::record(row, zone.zone.id)?;
        if filter.record_type.is_none_or(|wanted| stored.record.data.record_type() == wanted) {
            records.push(stored);
        }
    }
    records.sort_unstable_by_key(|stored| stored.record.id);
    Ok(records)
}

pub(super) const OF_ACCOUNT: &str = concat!(
    "SELECT ",
    record_columns!(),
    ", z.uuid FROM records r INDEXED BY records_of_account CROSS JOIN zones z ON z.id = r.zone
     WHERE r.account = ?1 AND r.record > ?2 AND r.to_version IS NULL AND z.deleted IS NULL
       AND (?3 IS NULL OR r.type = ?3)
     ORDER BY r.record LIMIT ?4"
);

/// One name in all of an account's zones: by zone, because a name is rare among all records of an account.
pub(super) const AT_OWNER_OF_ACCOUNT: &str = concat!(
    "SELECT ",
    record_columns!(),
    ", z.uuid FROM zones z INDEXED BY zones_of_account
     CROSS JOIN records r INDEXED BY records_by_data ON r.zone = z.id
     WHERE z.account = ?1 AND z.deleted IS NULL AND r.owner = ?4 AND r.to_version IS NULL AND r.record > ?2
       AND (?3 IS NULL OR r.type = ?3)"
);

/// A page of all the account's records.
pub(super) fn page_of_account(
    connection: &Connection,
    account: AccountId,
    filter: &RecordFilter,
    after: Option<RecordId>,
    limit: u32,
) -> Result<Vec<StoredRecord>, StoreError> {
    let record_type = filter.record_type.map(|record_type| record_type.code());
    let after = start(uuid(&after));
    let mut records = Vec::new();
    let mut take = |row: &rusqlite::Row<'_>| -> Result<(), StoreError> {
        let zone = ZoneId(Uuid::from_bytes(row.get(RECORD_WIDTH)?));
        records.push(rows::record(row, zone)?.1);
        Ok(())
    };
    if let Some(owner) = &filter.owner {
        let mut statement = connection.prepare_cached(AT_OWNER_OF_ACCOUNT)?;
        let mut rows = statement.query(params![account.0, after, record_type, owner.key()])?;
        while let Some(row) = rows.next()? {
            take(row)?;
        }
        records.sort_unstable_by_key(|stored| stored.record.id);
        records.truncate(limit as usize);
        return Ok(records);
    }
    let mut statement = connection.prepare_cached(OF_ACCOUNT)?;
    let mut rows = statement.query(params![account.0, after, record_type, limit])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(records)
}

fn uuid(after: &Option<RecordId>) -> Option<&Uuid> {
    after.as_ref().map(|after| &after.0)
}

pub(super) const ONE: &str = concat!(
    "SELECT ",
    record_columns!(),
    ", r.zone FROM records r INDEXED BY records_of_account
     WHERE r.account = ?1 AND r.record = ?2 AND r.to_version IS NULL"
);
pub(super) const ZONE_BY_ROW: &str =
    concat!("SELECT ", zone_columns!(), " FROM zones z WHERE z.id = ?1 AND z.deleted IS NULL");

/// One record of the account, and its zone.
pub(super) fn one(
    connection: &Connection,
    account: AccountId,
    id: RecordId,
) -> Result<Option<(Zone, StoredRecord)>, StoreError> {
    let mut statement = connection.prepare_cached(ONE)?;
    let mut found = statement.query(params![account.0, id.0.as_bytes()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let zone = connection
        .prepare_cached(ZONE_BY_ROW)?
        .query_row([row.get::<_, i64>(RECORD_WIDTH)?], |row| Ok(rows::zone(row)))
        .optional()?
        .transpose()?;
    let Some(ZoneRow { zone, .. }) = zone else { return Ok(None) };
    let (_, stored) = rows::record(row, zone.id)?;
    Ok(Some((zone, stored)))
}
