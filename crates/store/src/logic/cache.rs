//! What the changes of one transaction have read, and what the earlier ones of them do.
//!
//! A cache begins empty and asks its [`Source`] for what it does not know. When a change is planned, [`Cache::apply`] makes
//! the cache show the zone as it will be, so that the next change of the group is planned on that. Invariant: a name at which
//! a change of the group ended or began a record is in `names`, with all its records.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use dns::{Apex, OwnerName, Record, RecordId, RecordType, ZoneId};

use super::Rules;
use super::prepared::Prepared;
use super::source::{Quota, RecordRow, Source, ZoneRow};
use crate::{AccountId, Answer, Done, Repeatable, StoreError, StoredRecord, ZoneSettings};

/// What planning knows of a database within one transaction.
pub(crate) struct Cache<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) rules: &'a Rules,
    zones: HashMap<ZoneId, ZoneState>,
    settings: HashMap<i64, ZoneSettings>,
    quotas: HashMap<AccountId, Option<Quota>>,
    /// The answers of this group.
    answers: Vec<(Repeatable, Answer)>,
}

/// A zone as the changes so far leave it.
struct ZoneState {
    zone: ZoneRow,
    is_being_written: Option<bool>,
    /// The names all of whose records are known.
    names: BTreeMap<OwnerName, Vec<RecordId>>,
    records: HashMap<RecordId, RecordRow>,
    /// Whether there are records of a type at a name that is not in `names`.
    has: HashMap<(OwnerName, RecordType), bool>,
    /// Whether `names` has all names.
    is_whole: bool,
    /// Records that the changes so far ended.
    ended: HashSet<RecordId>,
    /// The names at which the changes so far ended or began records.
    touched: BTreeSet<OwnerName>,
}

impl ZoneState {
    fn new(zone: ZoneRow) -> ZoneState {
        ZoneState {
            zone,
            is_being_written: None,
            names: BTreeMap::new(),
            records: HashMap::new(),
            has: HashMap::new(),
            is_whole: false,
            ended: HashSet::new(),
            touched: BTreeSet::new(),
        }
    }

    /// The identities of the records at a name.
    fn at(&mut self, source: &dyn Source, owner: &OwnerName) -> Result<&mut Vec<RecordId>, StoreError> {
        if !self.names.contains_key(owner) {
            let found = if self.is_whole { Vec::new() } else { source.records_at(&self.zone, owner)? };
            let ids = found.iter().map(|(_, stored)| stored.record.id).collect();
            self.records.extend(found.into_iter().map(|(row, stored)| (stored.record.id, (row, stored))));
            self.names.insert(owner.clone(), ids);
        }
        Ok(self.names.entry(owner.clone()).or_default())
    }

    fn stored(&self, ids: &[RecordId]) -> Vec<Record> {
        ids.iter().filter_map(|id| Some(self.records.get(id)?.1.record.clone())).collect()
    }
}

impl<'a> Cache<'a> {
    pub(crate) fn new(source: &'a dyn Source, rules: &'a Rules) -> Cache<'a> {
        Cache {
            source,
            rules,
            zones: HashMap::new(),
            settings: HashMap::new(),
            quotas: HashMap::new(),
            answers: Vec::new(),
        }
    }

    /// The account's zone of that identity.
    pub(crate) fn zone(&mut self, account: AccountId, id: ZoneId) -> Result<Option<ZoneRow>, StoreError> {
        if !self.zones.contains_key(&id) {
            let Some(found) = self.source.zone(id)? else { return Ok(None) };
            self.zones.insert(id, ZoneState::new(found));
        }
        Ok(self.zones.get(&id).map(|state| &state.zone).filter(|zone| zone.account == account).cloned())
    }

    /// Takes a zone that was read, or that is new and has no records yet.
    pub(crate) fn enter(&mut self, zone: &ZoneRow, is_new: bool) {
        let state = ZoneState { is_whole: is_new, ..ZoneState::new(zone.clone()) };
        self.zones.insert(zone.zone.id, state);
    }

    /// Whether a version of the zone is being written in steps.
    pub(crate) fn is_being_written(&mut self, id: ZoneId) -> Result<bool, StoreError> {
        let state = known(&mut self.zones, id)?;
        let is_being_written = match state.is_being_written {
            Some(known) => known,
            None => self.source.is_being_written(&state.zone)?,
        };
        state.is_being_written = Some(is_being_written);
        Ok(is_being_written)
    }

    pub(crate) fn apex(&self, number: i64) -> Result<Arc<Apex>, StoreError> {
        self.source.apex(number)
    }

    /// The settings with that number; without one, those of a zone that has none of its own.
    pub(crate) fn settings(&mut self, number: Option<i64>) -> Result<ZoneSettings, StoreError> {
        let Some(number) = number else { return Ok(ZoneSettings::default()) };
        if let Some(known) = self.settings.get(&number) {
            return Ok(known.clone());
        }
        let found = self.source.settings(number)?;
        self.settings.insert(number, found.clone());
        Ok(found)
    }

    pub(crate) fn quota(&mut self, account: AccountId) -> Result<Option<Quota>, StoreError> {
        if let Some(known) = self.quotas.get(&account) {
            return Ok(*known);
        }
        let found = self.source.quota(account)?;
        self.quotas.insert(account, found);
        Ok(found)
    }

    /// What a request under this key was answered in the last 24 hours.
    pub(crate) fn answer(&self, request: &Repeatable) -> Result<Option<Done>, StoreError> {
        let same_key = |known: &&(Repeatable, Answer)| {
            (known.0.account, &known.0.operation, &known.0.key) == (request.account, &request.operation, &request.key)
        };
        match self.answers.iter().find(same_key) {
            Some((known, answer)) if known.fingerprint == request.fingerprint => Ok(Some(Done::Before(answer.clone()))),
            Some((_, answer)) => Ok(Some(Done::KeyReused(answer.head.id))),
            None => self.source.answer(request, self.rules.now()),
        }
    }

    /// Notes an answer for the later changes of the group.
    pub(crate) fn note_answer(&mut self, request: &Repeatable, answer: &Answer) {
        self.answers.push((request.clone(), answer.clone()));
    }

    /// Notes how many changes of that day are counted for an account.
    pub(crate) fn note_made(&mut self, account: AccountId, day: i64, made: i64) {
        if let Some(Some(quota)) = self.quotas.get_mut(&account) {
            quota.made = Some((day, made));
        }
    }

    /// Makes the cache show what a change does, for the later changes of the group.
    pub(crate) fn apply(&mut self, prepared: &Prepared) -> Result<(), StoreError> {
        let state = known(&mut self.zones, prepared.zone.zone.id)?;
        for ended in &prepared.committed.removed {
            let id = ended.record.id;
            state.at(self.source, &ended.record.owner)?.retain(|known| *known != id);
            state.records.remove(&id);
            state.ended.insert(id);
            state.touched.insert(ended.record.owner.clone());
        }
        for begun in &prepared.committed.added {
            let id = begun.record.id;
            state.at(self.source, &begun.record.owner)?.push(id);
            state.records.insert(id, (NO_ROW, begun.clone()));
            state.touched.insert(begun.record.owner.clone());
        }
        // The order in which the database has them: warnings name the first.
        let order = |id: &RecordId| state.records.get(id).map(|(_, stored)| by_data(&stored.record));
        let grown: BTreeSet<&OwnerName> = prepared.committed.added.iter().map(|begun| &begun.record.owner).collect();
        for owner in grown {
            if let Some(ids) = state.names.get_mut(owner) {
                ids.sort_by_cached_key(order);
            }
        }
        state.zone = prepared.zone.clone();
        let (added, removed) = (prepared.committed.added.len() as i64, prepared.ends.len() as i64);
        if let Some(Some(quota)) = self.quotas.get_mut(&prepared.zone.account) {
            for (bound, growth) in [(&mut quota.live, added - removed), (&mut quota.stored, added)] {
                if let Some(bound) = bound {
                    bound.held = bound.held.saturating_add(growth);
                }
            }
        }
        Ok(())
    }

    /// Reads all records of a zone, oldest first; from then on nothing is asked of the database for it.
    pub(crate) fn read_all(&mut self, zone: ZoneId) -> Result<Vec<Record>, StoreError> {
        let state = known(&mut self.zones, zone)?;
        let mut records = Vec::new();
        state.names.clear();
        for (row, stored) in self.source.records(&state.zone)? {
            let record = stored.record.clone();
            state.names.entry(record.owner.clone()).or_default().push(record.id);
            state.records.insert(record.id, (row, stored));
            records.push(record);
        }
        state.is_whole = true;
        Ok(records)
    }

    /// A record of a zone, with the number of its row.
    pub(crate) fn record(&mut self, zone: ZoneId, id: RecordId) -> Result<Option<&RecordRow>, StoreError> {
        let state = known(&mut self.zones, zone)?;
        if !state.records.contains_key(&id) && !state.ended.contains(&id) && !state.is_whole {
            let Some(found) = self.source.record(&state.zone, id)? else { return Ok(None) };
            state.records.insert(id, found);
        }
        Ok(state.records.get(&id))
    }

    /// A record that was looked at.
    pub(crate) fn known(&self, zone: ZoneId, id: RecordId) -> Option<&StoredRecord> {
        self.zones.get(&zone)?.records.get(&id).map(|(_, stored)| stored)
    }

    /// A record that was looked at; the cache does not have it any more.
    pub(crate) fn take(&mut self, zone: ZoneId, id: RecordId) -> Option<RecordRow> {
        self.zones.get_mut(&zone)?.records.remove(&id)
    }

    pub(crate) fn records_at(&mut self, zone: ZoneId, owner: &OwnerName) -> Result<Vec<Record>, StoreError> {
        let state = known(&mut self.zones, zone)?;
        let ids = state.at(self.source, owner)?.clone();
        Ok(state.stored(&ids))
    }

    pub(crate) fn has(&mut self, zone: ZoneId, owner: &OwnerName, of_type: RecordType) -> Result<bool, StoreError> {
        let state = known(&mut self.zones, zone)?;
        if let Some(ids) = state.names.get(owner) {
            let mut types =
                ids.iter().filter_map(|id| state.records.get(id)).map(|row| row.1.record.data.record_type());
            return Ok(types.any(|found| found == of_type));
        }
        if state.is_whole {
            return Ok(false);
        }
        let key = (owner.clone(), of_type);
        if let Some(known) = state.has.get(&key) {
            return Ok(*known);
        }
        let has = self.source.has(&state.zone, owner, of_type)?;
        state.has.insert(key, has);
        Ok(has)
    }

    pub(crate) fn names_below(
        &mut self,
        zone: ZoneId,
        owner: &OwnerName,
        most: usize,
    ) -> Result<Vec<OwnerName>, StoreError> {
        let state = known(&mut self.zones, zone)?;
        let is_empty = |name: &OwnerName| state.names.get(name).is_none_or(Vec::is_empty);
        if state.is_whole {
            let names = below(state.names.range(owner..).map(|(name, _)| name), owner);
            return Ok(names.filter(|name| !is_empty(name)).take(most).cloned().collect());
        }
        let touched: Vec<OwnerName> = below(state.touched.range(owner..), owner).cloned().collect();
        let stored = self.source.names_below(&state.zone, owner, most.saturating_add(touched.len()))?;
        with_touched(stored, touched, most, |name| Ok(is_empty(name)))
    }
}

fn by_data(record: &Record) -> (u16, Vec<u8>) {
    (record.data.record_type().code(), record.data.wire())
}

/// The row of a record that has none yet.
pub(crate) const NO_ROW: i64 = 0;

fn known(zones: &mut HashMap<ZoneId, ZoneState>, id: ZoneId) -> Result<&mut ZoneState, StoreError> {
    zones.get_mut(&id).ok_or(StoreError::Bug("planning looked at a zone that it did not read"))
}

/// The first `most` names with records after a change, of those before it and those that it touched. Each touched name may be
/// gone, so as many more of the names before it are needed.
pub(super) fn with_touched(
    before: Vec<OwnerName>,
    touched: Vec<OwnerName>,
    most: usize,
    mut is_empty: impl FnMut(&OwnerName) -> Result<bool, StoreError>,
) -> Result<Vec<OwnerName>, StoreError> {
    let mut names: BTreeSet<OwnerName> = before.into_iter().collect();
    for name in touched {
        if is_empty(&name)? {
            names.remove(&name);
        } else {
            names.insert(name);
        }
    }
    Ok(names.into_iter().take(most).collect())
}

/// Of the names from `owner` on, those below it: in canonical order they stand together, right after it.
pub(super) fn below<'n>(
    from_here: impl Iterator<Item = &'n OwnerName>,
    owner: &OwnerName,
) -> impl Iterator<Item = &'n OwnerName> {
    from_here.skip_while(move |name| *name == owner).take_while(move |name| name.is_below(owner))
}
