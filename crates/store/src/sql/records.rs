//! Reading records for their account. Every list comes from an index in its order: nothing is sorted but the few records of
//! one name, and nothing outside the page is read but what a filter passes over.

use std::ops::ControlFlow;

use dns::{OwnerName, RecordId, ZoneId};
use uuid::Uuid;

use super::db::{Connection, Row, params};
use super::history;
use super::readers::Size;
use super::rows::{self, RECORD_WIDTH, ZoneRow, lives, lives_in_z, record_columns};
use super::source::LIVE_AT_OWNER;
use super::zones::{self, start};
use crate::*;

impl Store {
    /// All records of a zone that pass the filter, in one consistent view; gives the visitor back, or `None` where the account
    /// has no such zone.
    pub async fn visit_records<V: RecordVisitor>(
        &self,
        account: AccountId,
        zone: ZoneId,
        filter: RecordFilter,
        mut visitor: V,
    ) -> Result<Option<V>, StoreError> {
        let read = move |connection: &Connection| {
            let found = visit(connection, account, zone, &filter, &mut visitor)?;
            Ok(found.then_some(visitor))
        };
        self.inner.readers.run(Size::Large, read).await
    }

    /// More of the records of one version of a zone, those after `after`, until the visitor breaks off: for a list that is read
    /// in parts. `None` where the account has no such zone any more, or the version was forgotten.
    pub async fn visit_version<V: RecordVisitor>(
        &self,
        account: AccountId,
        zone: ZoneId,
        version: VersionNumber,
        filter: RecordFilter,
        after: RecordId,
        mut visitor: V,
    ) -> Result<Option<V>, StoreError> {
        // With a filter, a whole zone may have to be passed over.
        let size = if filter == RecordFilter::default() { Size::Small } else { Size::Large };
        let read = move |connection: &Connection| {
            let place = (account, zone);
            let found = visit_version(connection, place, version, &filter, after, &mut visitor)?;
            Ok(found.then_some(visitor))
        };
        self.inner.readers.run(size, read).await
    }

    /// A page of the records of one zone (or of all the account's), oldest first. `None` where the account has no such zone.
    pub async fn records(
        &self,
        account: AccountId,
        zone: Option<ZoneId>,
        filter: RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Option<Vec<StoredRecord>>, StoreError> {
        let is_filtered = filter != RecordFilter::default();
        let read = move |connection: &Connection| match zone {
            Some(zone) => page_of_zone(connection, account, zone, &filter, after, limit),
            None => page_of_account(connection, account, &filter, after, limit).map(Some),
        };
        // Without a filter a page is a page; with one, a whole zone may have to be passed over.
        let size = if is_filtered { Size::Large } else { Size::Small };
        self.inner.readers.run(size, read).await
    }

    /// One record, and the zone it is in.
    pub async fn record(&self, account: AccountId, id: RecordId) -> Result<Option<(Zone, StoredRecord)>, StoreError> {
        self.inner.readers.run(Size::Small, move |connection| one(connection, account, id)).await
    }

    /// A new record identity.
    pub fn new_record_id(&self) -> RecordId {
        RecordId(self.inner.shared.rules.new_id())
    }
}

pub(super) const OF_ZONE: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_of_zone
     WHERE r.zone = ?1 AND r.record > ?2 AND (?3 IS NULL OR r.type = ?3) AND ",
    lives!(),
    " ORDER BY r.record LIMIT ?4"
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

/// As [`OF_ZONE`], of an earlier version: those that have not ended, and those that ended later.
pub(super) const OF_VERSION: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_of_zone
     WHERE r.zone = ?1 AND r.record > ?2 AND (?3 IS NULL OR r.type = ?3) AND r.to_version IS NULL
       AND r.from_version <= ?4 AND (r.ends = 0 OR r.ends > ?4)
     ORDER BY r.record"
);
pub(super) const ENDED_AFTER: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_to
     WHERE r.zone = ?1 AND r.record > ?2 AND (?3 IS NULL OR r.type = ?3) AND r.to_version > ?4 AND r.from_version <= ?4
     ORDER BY r.record LIMIT ?5"
);
/// The most records that [`visit_version`] takes at a time of those that ended after the version: it has to sort them.
const ENDED_AT_ONCE: usize = 2_000;

/// The records of a version of a zone after `after`, for a visitor who breaks off. False where the zone or the version is gone.
pub(super) fn visit_version<V: RecordVisitor>(
    connection: &Connection,
    (account, zone): (AccountId, ZoneId),
    version: VersionNumber,
    filter: &RecordFilter,
    mut after: RecordId,
    visitor: &mut V,
) -> Result<bool, StoreError> {
    let Some(zone) = zones::of_account(connection, account, zone)? else { return Ok(false) };
    if zone.zone.version == version {
        each_of_zone(connection, &zone, filter, Some(after), u32::MAX, |record| visitor.record(&record))?;
        return Ok(true);
    }
    if history::serial_of(connection, &zone, version)?.is_none() {
        return Ok(false);
    }
    let record_type = filter.record_type.map(|record_type| record_type.code());
    let number = rows::number(version);
    loop {
        let ended = params![zone.row, after.0.as_bytes(), record_type, number, ENDED_AT_ONCE as i64];
        let ended = rows::records(connection, ENDED_AFTER, ended, zone.zone.id)?;
        // Those that live are only known to be next up to the last of these.
        let until = ended.last().map(|last| last.record.id).filter(|_| ended.len() == ENDED_AT_ONCE);
        let mut ended = ended.into_iter().peekable();
        let mut statement = connection.prepare_cached(OF_VERSION)?;
        let mut rows = statement.query(params![zone.row, after.0.as_bytes(), record_type, number])?;
        while let Some(row) = rows.next()? {
            let (_, living) = rows::record(&row, zone.zone.id)?;
            while let Some(earlier) = ended.next_if(|earlier| earlier.record.id < living.record.id) {
                if visitor.record(&earlier).is_break() {
                    return Ok(true);
                }
            }
            if until.is_some_and(|until| living.record.id > until) {
                break;
            }
            if visitor.record(&living).is_break() {
                return Ok(true);
            }
        }
        for earlier in ended {
            if visitor.record(&earlier).is_break() {
                return Ok(true);
            }
        }
        match until {
            Some(until) => after = until,
            None => return Ok(true),
        }
    }
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
        if take(rows::record(&row, zone.zone.id)?.1).is_break() {
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
    let mut records = rows::records(connection, LIVE_AT_OWNER, params![zone.row, owner.key()], zone.zone.id)?;
    records.retain(|stored| filter.record_type.is_none_or(|wanted| stored.record.data.record_type() == wanted));
    records.sort_unstable_by_key(|stored| stored.record.id);
    Ok(records)
}

pub(super) const OF_ACCOUNT: &str = concat!(
    "SELECT ",
    record_columns!(),
    ", z.uuid FROM records r INDEXED BY records_of_account CROSS JOIN zones z ON z.id = r.zone
     WHERE r.account = ?1 AND r.record > ?2 AND z.deleted IS NULL AND (?3 IS NULL OR r.type = ?3) AND ",
    lives_in_z!(),
    " ORDER BY r.record LIMIT ?4"
);

/// One name in all of an account's zones: by zone, because a name is rare among all records of an account.
pub(super) const AT_OWNER_OF_ACCOUNT: &str = concat!(
    "SELECT ",
    record_columns!(),
    ", z.uuid FROM zones z INDEXED BY zones_of_account
     CROSS JOIN records r INDEXED BY records_by_data ON r.zone = z.id
     WHERE z.account = ?1 AND z.deleted IS NULL AND r.owner = ?4 AND r.record > ?2 AND (?3 IS NULL OR r.type = ?3) AND ",
    lives_in_z!()
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
    let read = |row: &Row<'_>| {
        let zone = ZoneId(Uuid::from_bytes(row.get(RECORD_WIDTH)?));
        Ok(rows::record(row, zone)?.1)
    };
    if let Some(owner) = &filter.owner {
        let at_owner = params![account.0, after, record_type, owner.key()];
        let mut records = connection.list(AT_OWNER_OF_ACCOUNT, at_owner, read)?;
        records.sort_unstable_by_key(|stored| stored.record.id);
        records.truncate(limit as usize);
        return Ok(records);
    }
    connection.list(OF_ACCOUNT, params![account.0, after, record_type, limit], read)
}

fn uuid(after: &Option<RecordId>) -> Option<&Uuid> {
    after.as_ref().map(|after| &after.0)
}

pub(super) const ONE: &str = concat!(
    "SELECT ",
    record_columns!(),
    ", r.zone FROM records r INDEXED BY records_of_account CROSS JOIN zones z ON z.id = r.zone
     WHERE r.account = ?1 AND r.record = ?2 AND ",
    lives_in_z!()
);
/// One record of the account, and its zone.
pub(super) fn one(
    connection: &Connection,
    account: AccountId,
    id: RecordId,
) -> Result<Option<(Zone, StoredRecord)>, StoreError> {
    let found = connection.optional(ONE, params![account.0, id.0.as_bytes()], |row| {
        let Some(ZoneRow { zone, .. }) = zones::by_row(connection, row.get(RECORD_WIDTH)?)? else { return Ok(None) };
        let (_, stored) = rows::record(row, zone.id)?;
        Ok(Some((zone, stored)))
    })?;
    Ok(found.flatten())
}
