//! The records of one zone as a change sees them: as they are now ([`LiveRecords`]), and as they would be after it ([`After`]).
//!
//! Single names and single records are asked for by index. A change of a whole content reads the zone once, and from then on
//! nothing is asked of the database.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use dns::change::{Lookup, Plan};
use dns::{OwnerName, Record, RecordId, RecordType, ZoneId};

use super::cache::{Cache, below, with_touched};
use super::source::{RecordRow, ZoneRow};
use crate::{StoreError, StoredRecord, Timestamp};

/// A plan ends a record that it did not look at.
pub(crate) const UNKNOWN_RECORD: StoreError = StoreError::Bug("a planned removal names no live record");

/// The records of one zone as they are now.
pub(crate) struct LiveRecords<'a, 'c> {
    pub(crate) cache: &'a mut Cache<'c>,
    zone: ZoneId,
    /// When records were created that lived once, and that the change brings back.
    revived: HashMap<RecordId, Timestamp>,
}

impl<'a, 'c> LiveRecords<'a, 'c> {
    /// Of a zone that the cache has.
    pub(crate) fn new(cache: &'a mut Cache<'c>, zone: ZoneId) -> Self {
        LiveRecords { cache, zone, revived: HashMap::new() }
    }

    /// Of a zone that the caller has read.
    pub(crate) fn of_row(cache: &'a mut Cache<'c>, zone: &ZoneRow) -> Self {
        cache.enter(zone, false);
        LiveRecords::new(cache, zone.zone.id)
    }

    /// As [`Cache::read_all`].
    pub(crate) fn read_all(&mut self) -> Result<Vec<Record>, StoreError> {
        self.cache.read_all(self.zone)
    }

    /// A record with what the store knows of it.
    pub(crate) fn stored(&mut self, id: RecordId) -> Result<Option<&StoredRecord>, StoreError> {
        Ok(self.cache.record(self.zone, id)?.map(|(_, stored)| stored))
    }

    /// Notes a record that lived once: if it lives again, it keeps its time of creation.
    pub(crate) fn remember(&mut self, stored: &StoredRecord) {
        self.revived.insert(stored.record.id, stored.created_at);
    }

    /// When a record was created that lives, or lived once and was [remembered](LiveRecords::remember).
    pub(crate) fn created_at(&self, id: RecordId) -> Option<Timestamp> {
        self.known(id).map(|stored| stored.created_at).or_else(|| self.revived.get(&id).copied())
    }

    /// A record that was looked at.
    pub(crate) fn known(&self, id: RecordId) -> Option<&StoredRecord> {
        self.cache.known(self.zone, id)
    }

    /// A record that was looked at, with its row; it is not among these records any more.
    pub(crate) fn take(&mut self, id: RecordId) -> Option<RecordRow> {
        self.cache.take(self.zone, id)
    }
}

impl Lookup for LiveRecords<'_, '_> {
    type Error = StoreError;

    fn at(&mut self, owner: &OwnerName) -> Result<Vec<Record>, StoreError> {
        self.cache.records_at(self.zone, owner)
    }

    fn by_id(&mut self, id: RecordId) -> Result<Option<Record>, StoreError> {
        Ok(self.stored(id)?.map(|stored| stored.record.clone()))
    }

    fn has(&mut self, owner: &OwnerName, record_type: RecordType) -> Result<bool, StoreError> {
        self.cache.has(self.zone, owner, record_type)
    }

    fn below(&mut self, owner: &OwnerName, most: usize) -> Result<Vec<OwnerName>, StoreError> {
        self.cache.names_below(self.zone, owner, most)
    }
}

/// The records of a zone as they would be after a plan is carried out: the stored ones without what it removes, and what it adds.
///
/// So the outcome of a change can be looked at before anything of it is written, by a reader too.
pub(crate) struct After<'a, 'b, 'c> {
    live: &'a mut LiveRecords<'b, 'c>,
    removed: HashSet<RecordId>,
    added: BTreeMap<OwnerName, Vec<Record>>,
    /// The names at which something is removed or added.
    touched: BTreeSet<OwnerName>,
}

impl<'a, 'b, 'c> After<'a, 'b, 'c> {
    pub(crate) fn new(live: &'a mut LiveRecords<'b, 'c>, plan: &Plan) -> Self {
        let mut added: BTreeMap<OwnerName, Vec<Record>> = BTreeMap::new();
        for record in &plan.added {
            added.entry(record.owner.clone()).or_default().push(record.clone());
        }
        let touched = plan.removed.iter().chain(&plan.added).map(|record| record.owner.clone()).collect();
        After { live, removed: plan.removed.iter().map(|record| record.id).collect(), added, touched }
    }

    /// The names at which something is removed or added.
    pub(crate) fn touched(&self) -> BTreeSet<OwnerName> {
        self.touched.clone()
    }
}

impl Lookup for After<'_, '_, '_> {
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
        let touched: Vec<OwnerName> = below(self.touched.range(owner..), owner).cloned().collect();
        let live = self.live.below(owner, most.saturating_add(touched.len()))?;
        with_touched(live, touched, most, |name| Ok(self.at(name)?.is_empty()))
    }
}
