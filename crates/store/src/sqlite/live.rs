//! The records of one zone as a change sees them: as they are stored ([`LiveRecords`]), and as they would be after it ([`After`]).
//!
//! Single names and single records are asked for by index. A wish for a whole content reads the zone once, and from then on
//! nothing is asked of the database.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use dns::change::{Lookup, Plan};
use dns::{OwnerName, Record, RecordId, RecordType, ZoneId};
use rusqlite::{Connection, OptionalExtension, params};

use super::deployment::LIVE;
use super::rows::{self, Place, ZoneRow, lives, record_columns};
use crate::{StoreError, StoredRecord};

pub(super) const LIVE_AT_OWNER: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_by_data WHERE r.zone = ?1 AND r.owner = ?2 AND ",
    lives!()
);
pub(super) const LIVE_BY_ID: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_of_zone WHERE r.zone = ?1 AND r.record = ?2 AND ",
    lives!()
);

pub(super) const LIVE_OF_TYPE: &str = concat!(
    "SELECT 1 FROM records r INDEXED BY records_by_data WHERE r.zone = ?1 AND r.owner = ?2 AND r.type = ?3 AND ",
    lives!(),
    " LIMIT 1"
);
pub(super) const LIVE_OWNERS_BETWEEN: &str = concat!(
    "SELECT DISTINCT r.owner FROM records r INDEXED BY records_by_data
     WHERE r.zone = ?1 AND r.owner > ?2 AND r.owner < ?3 AND ",
    lives!(),
    " LIMIT ?4"
);

/// The records of one zone as they stand in the open transaction, and a memory of the rows that were looked at.
pub(super) struct LiveRecords<'a> {
    connection: &'a Connection,
    row: i64,
    id: ZoneId,
    seen: HashMap<RecordId, (i64, StoredRecord)>,
    /// All names that have records, with those records, once the whole zone was read.
    whole: Option<BTreeMap<OwnerName, Vec<RecordId>>>,
}

impl<'a> LiveRecords<'a> {
    pub(super) fn new(connection: &'a Connection, zone: &ZoneRow) -> Self {
        LiveRecords { connection, row: zone.row, id: zone.zone.id, seen: HashMap::new(), whole: None }
    }

    /// Reads the whole zone, oldest record first; from then on nothing is asked of the database.
    pub(super) fn read_all(&mut self) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let mut whole: BTreeMap<OwnerName, Vec<RecordId>> = BTreeMap::new();
        let mut statement = self.connection.prepare_cached(LIVE)?;
        let mut rows = statement.query([self.row])?;
        while let Some(row) = rows.next()? {
            let (number, stored) = rows::record(row, self.id)?;
            let record = stored.record.clone();
            whole.entry(record.owner.clone()).or_default().push(record.id);
            self.seen.insert(record.id, (number, stored));
            records.push(record);
        }
        self.whole = Some(whole);
        Ok(records)
    }

    /// A record with what the store knows of it.
    pub(super) fn stored(&mut self, id: RecordId) -> Result<Option<&StoredRecord>, StoreError> {
        let found = self.by_id(id)?;
        Ok(found.and_then(|_| self.seen.get(&id)).map(|(_, stored)| stored))
    }

    /// Notes a record that lived once: if it lives again, it keeps its time of creation.
    pub(super) fn remember(&mut self, stored: StoredRecord) {
        self.seen.entry(stored.record.id).or_insert((0, stored));
    }

    /// The rows that were looked at, by record.
    pub(super) fn into_rows(self) -> HashMap<RecordId, (i64, StoredRecord)> {
        self.seen
    }
}

impl Lookup for LiveRecords<'_> {
    type Error = StoreError;

    fn at(&mut self, owner: &OwnerName) -> Result<Vec<Record>, StoreError> {
        if let Some(whole) = &self.whole {
            let ids = whole.get(owner).into_iter().flatten();
            return Ok(ids.filter_map(|id| Some(self.seen.get(id)?.1.record.clone())).collect());
        }
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
        if let Some((_, stored)) = self.seen.get(&id) {
            return Ok(Some(stored.record.clone()));
        }
        if self.whole.is_some() {
            return Ok(None);
        }
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

    fn has(&mut self, owner: &OwnerName, record_type: RecordType) -> Result<bool, StoreError> {
        if let Some(whole) = &self.whole {
            let mut records = whole.get(owner).into_iter().flatten().filter_map(|id| self.seen.get(id));
            return Ok(records.any(|(_, stored)| stored.record.data.record_type() == record_type));
        }
        let mut statement = self.connection.prepare_cached(LIVE_OF_TYPE)?;
        Ok(statement.exists(params![self.row, owner.key(), record_type.code()])?)
    }

    fn below(&mut self, owner: &OwnerName, most: usize) -> Result<Vec<OwnerName>, StoreError> {
        if let Some(whole) = &self.whole {
            // In canonical order they stand together, right after it.
            let from_here = whole.range(owner..).map(|(name, _)| name).skip_while(|name| *name == owner);
            return Ok(from_here.take_while(|name| name.is_below(owner)).take(most).cloned().collect());
        }
        let mut statement = self.connection.prepare_cached(LIVE_OWNERS_BETWEEN)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![self.row, owner.key(), owner.key_after_below(), most])?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_blob().ok().and_then(OwnerName::from_key);
            names.push(Place { table: "records", row: self.row }.sound("owner", name)?);
        }
        Ok(names)
    }
}

/// The records of a zone as they would be after a plan is carried out: the stored ones without what it removes, and what it adds.
///
/// So the outcome of a change can be looked at before anything of it is written, by a reader too.
pub(super) struct After<'a, 'b> {
    live: &'a mut LiveRecords<'b>,
    removed: HashSet<RecordId>,
    added: BTreeMap<OwnerName, Vec<Record>>,
    /// The names at which something is removed or added.
    touched: BTreeSet<OwnerName>,
}

impl<'a, 'b> After<'a, 'b> {
    pub(super) fn new(live: &'a mut LiveRecords<'b>, plan: &Plan) -> Self {
        let mut added: BTreeMap<OwnerName, Vec<Record>> = BTreeMap::new();
        for record in &plan.added {
            added.entry(record.owner.clone()).or_default().push(record.clone());
        }
        let touched = plan.removed.iter().chain(&plan.added).map(|record| record.owner.clone()).collect();
        After { live, removed: plan.removed.iter().map(|record| record.id).collect(), added, touched }
    }

    /// The names at which something is removed or added.
    pub(super) fn touched(&self) -> BTreeSet<OwnerName> {
        self.touched.clone()
    }
}

impl Lookup for After<'_, '_> {
    type Error = StoreError;

    fn at(&mut self, owner: &OwnerName) -> Result<Vec<Record>, StoreError> {
        let mut records = self.live.at(owner)?;
        records.retain(|record| !self.removed.contains(&record.id));
        records.extend(self.added.get(owner).into_iter().flatten().cloned());
        Ok(records)
    }

    fn by_id(&mut self, id: RecordId) -> Result<Option<Record>, StoreError> {
        if let Some(added) = self.added.values().flatten().find(|record| record.id == id) {
            return Ok(Some(added.clone()));
        }
        if self.removed.contains(&id) { Ok(None) } else { self.live.by_id(id) }
    }

    fn has(&mut self, owner: &OwnerName, record_type: RecordType) -> Result<bool, StoreError> {
        if !self.touched.contains(owner) {
            return self.live.has(owner, record_type);
        }
        Ok(self.at(owner)?.iter().any(|record| record.data.record_type() == record_type))
    }

    fn below(&mut self, owner: &OwnerName, most: usize) -> Result<Vec<OwnerName>, StoreError> {
        // In canonical order they stand together, right after it.
        let touched: Vec<OwnerName> = self
            .touched
            .range(owner..)
            .skip_while(|name| *name == owner)
            .take_while(|name| name.is_below(owner))
            .cloned()
            .collect();
        // Each of the touched names may be gone.
        let mut names: BTreeSet<OwnerName> =
            self.live.below(owner, most.saturating_add(touched.len()))?.into_iter().collect();
        for name in touched {
            if self.at(&name)?.is_empty() {
                names.remove(&name);
            } else {
                names.insert(name);
            }
        }
        Ok(names.into_iter().take(most).collect())
    }
}
