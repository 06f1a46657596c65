//! Changing a zone: planned, checked and stored in one transaction.
//!
//! The rules look at the zone through [`LiveRecords`], which asks for single names and single records by index. So a change
//! costs the same in a zone of ten records and of a million.

use std::collections::HashMap;

use dns::change::{Edit, Lookup, PlanError, plan};
use dns::{OwnerName, Record, RecordId, ZoneId};
use rusqlite::{Connection, OptionalExtension, params};

use super::journal::{self, By};
use super::rows::{self, ZoneRow, record_columns};
use super::writer::Work;
use super::zones;
use crate::{Author, ChangeError, Committed, Condition, StoreError, StoredRecord};

/// Makes all edits or none.
pub(super) fn change(
    work: &Work,
    author: &Author,
    id: ZoneId,
    edits: &[Edit],
    conditions: &[Condition],
) -> Result<Committed, ChangeError> {
    let mut zone = zones::of_account(&work.connection, author.account, id)?.ok_or(ChangeError::NoZone)?;
    let mut live = LiveRecords::new(&work.connection, &zone);
    for condition in conditions {
        let now = live.by_id(condition.record)?.and_then(|_| live.seen.get(&condition.record));
        if now.is_none_or(|(_, stored)| stored.version != condition.version) {
            return Err(ChangeError::Moved);
        }
    }
    let apex = work.shared.apexes.get(&work.connection, zone.apex)?;
    let plan = match plan(&zone.zone.name, &apex, &work.shared.limits, edits, &mut live) {
        Ok(plan) => plan,
        Err(PlanError::Lookup(error)) => return Err(error.into()),
        Err(PlanError::NoRecord { index }) => return Err(ChangeError::NoRecord { index }),
        Err(PlanError::Faults(faults)) => return Err(ChangeError::Faults(faults)),
    };
    let changed = !plan.is_empty();
    let seen = live.into_rows();
    let added = if changed {
        journal::append(work, &mut zone, &By::from(author), &plan.removed, &plan.added, &seen)?
    } else {
        HashMap::new()
    };
    let stands = |record: &Record| match added.get(&record.id) {
        Some(stored) => Some(stored.clone()),
        None => seen.get(&record.id).map(|(_, stored)| stored.clone()),
    };
    let records = plan.results.iter().map(|result| result.as_ref().and_then(stands)).collect();
    Ok(Committed { zone: zone.zone, records, changed })
}

pub(super) const LIVE_AT_OWNER: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_by_data WHERE r.zone = ?1 AND r.owner = ?2 AND r.to_version IS NULL"
);
pub(super) const LIVE_BY_ID: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_of_zone WHERE r.zone = ?1 AND r.record = ?2 AND r.to_version IS NULL"
);

/// The records of one zone as they stand in the open transaction, and a memory of the rows that were looked at.
pub(super) struct LiveRecords<'a> {
    connection: &'a Connection,
    row: i64,
    id: ZoneId,
    seen: HashMap<RecordId, (i64, StoredRecord)>,
}

impl<'a> LiveRecords<'a> {
    pub(super) fn new(connection: &'a Connection, zone: &ZoneRow) -> Self {
        LiveRecords { connection, row: zone.row, id: zone.zone.id, seen: HashMap::new() }
    }

    /// The rows that were looked at, by record.
    pub(super) fn into_rows(self) -> HashMap<RecordId, (i64, StoredRecord)> {
        self.seen
    }
}

impl Lookup for LiveRecords<'_> {
    type Error = StoreError;

    fn at(&mut self, owner: &OwnerName) -> Result<Vec<Record>, StoreError> {
        let mut statement = self.connection.prepare_cached(LIVE_AT_OWNER)?;
        let mut rows = statement.query(params![self.row, owner.key()])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let (number, stored) = rows::record(row, self.id)?;
            records.push(stored.record.clone());
            self.seen.insert(stored.record.id, (number, stored));
        }
        Ok(records)
    }

    fn by_id(&mut self, id: RecordId) -> Result<Option<Record>, StoreError> {
        let mut statement = self.connection.prepare_cached(LIVE_BY_ID)?;
        let found = statement
            .query_row(params![self.row, id.0.as_bytes()], |row| Ok(rows::record(row, self.id)))
            .optional()?
            .transpose()?;
        Ok(found.map(|(number, stored)| {
            let record = stored.record.clone();
            self.seen.insert(id, (number, stored));
            record
        }))
    }
}
