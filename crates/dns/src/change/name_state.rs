//! The RRsets at one name while a change is planned.

use std::collections::{BTreeMap, BTreeSet};

use super::edit::TtlChoice;
use crate::{OwnerName, Record, RecordData, RecordId, RecordType, Ttl};

/// The records at one name: as they are stored, and as the edits so far leave them.
#[derive(Default)]
pub(super) struct NameState {
    pub(super) stored: Vec<Record>,
    sets: BTreeMap<RecordType, RrSet>,
}

/// The records of one type at one name. There is one TTL because it is the set's, not the records'.
pub(super) struct RrSet {
    pub(super) ttl: Ttl,
    /// The TTL that an edit gave to the set, and not only found there.
    pub(super) given_ttl: Option<Ttl>,
    /// By data in wire form. More than one record under a key is a duplicate, which a later edit may still resolve.
    pub(super) records: BTreeMap<Vec<u8>, Vec<Held>>,
    /// How many records of the set are stored.
    pub(super) stored: usize,
    /// The last edit that put a record here or took one away.
    pub(super) touched_by: Option<usize>,
}

/// A record in its set.
pub(super) struct Held {
    pub(super) id: RecordId,
    pub(super) data: RecordData,
    /// The edit that put it here; `None` for a stored record that no edit names.
    pub(super) edit: Option<usize>,
}

impl NameState {
    pub(super) fn new(stored: Vec<Record>) -> NameState {
        let mut place = NameState { stored: Vec::new(), sets: BTreeMap::new() };
        for record in &stored {
            let set = place.set_mut(record.data.record_type());
            set.ttl = record.ttl;
            set.stored += 1;
            set.put(record.data.wire(), Held { id: record.id, data: record.data.clone(), edit: None });
        }
        NameState { stored, ..place }
    }

    /// The set of one type, where it has records.
    pub(super) fn set(&self, record_type: RecordType) -> Option<&RrSet> {
        self.sets.get(&record_type).filter(|set| !set.records.is_empty())
    }

    /// The set of one type, made where there is none.
    pub(super) fn set_mut(&mut self, record_type: RecordType) -> &mut RrSet {
        self.sets.entry(record_type).or_insert_with(|| RrSet {
            ttl: Ttl::DEFAULT,
            given_ttl: None,
            records: BTreeMap::new(),
            stored: 0,
            touched_by: None,
        })
    }

    /// The stored records of one type, by data in wire form.
    pub(super) fn of_type(&self, record_type: RecordType) -> impl Iterator<Item = (Vec<u8>, Record)> {
        let of_type = self.stored.iter().filter(move |record| record.data.record_type() == record_type);
        of_type.map(|record| (record.data.wire(), record.clone()))
    }

    /// The sets that have records.
    pub(super) fn sets(&self) -> impl Iterator<Item = (RecordType, &RrSet)> {
        self.sets.iter().filter(|(_, set)| !set.records.is_empty()).map(|(record_type, set)| (*record_type, set))
    }

    /// The last edit that touched one of the sets that `of` picks, emptied ones among them.
    pub(super) fn touched_by(&self, of: impl Fn(RecordType) -> bool) -> Option<usize> {
        self.sets.iter().filter(|(record_type, _)| of(**record_type)).filter_map(|(_, set)| set.touched_by).max()
    }

    /// The last edit that put a record here which stands after all edits.
    pub(super) fn came(&self) -> Option<usize> {
        self.sets().flat_map(|(_, set)| set.held()).filter_map(|held| held.edit).max()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sets().next().is_none()
    }

    pub(super) fn has_address(&self) -> bool {
        self.sets().any(|(record_type, _)| is_address(record_type))
    }

    pub(super) fn had_address(&self) -> bool {
        self.stored.iter().any(|record| is_address(record.data.record_type()))
    }

    /// The records as the edits leave them, by type and data.
    pub(super) fn records(&self, owner: &OwnerName) -> Vec<Record> {
        let records = self.sets().flat_map(|(_, set)| set.held().map(move |held| (set.ttl, held)));
        records.map(|(ttl, held)| Record { id: held.id, owner: owner.clone(), ttl, data: held.data.clone() }).collect()
    }
}

impl RrSet {
    pub(super) fn put(&mut self, wire: Vec<u8>, held: Held) {
        self.records.entry(wire).or_default().push(held);
    }

    pub(super) fn take(&mut self, wire: &[u8], id: RecordId) -> Option<Held> {
        let same = self.records.get_mut(wire)?;
        let held = same.iter().position(|held| held.id == id).map(|at| same.remove(at));
        if same.is_empty() {
            self.records.remove(wire);
        }
        held
    }

    /// Whether the set has exactly these records, each once, under this TTL.
    pub(super) fn is_already(&self, ttl: TtlChoice, records: &[(RecordId, RecordData)]) -> bool {
        if self.records.is_empty() || records.is_empty() {
            return self.records.is_empty() && records.is_empty();
        }
        let wanted: BTreeSet<Vec<u8>> = records.iter().map(|(_, data)| data.wire()).collect();
        let keeps_ttl = match ttl {
            TtlChoice::Set(ttl) => ttl == self.given_ttl.unwrap_or(self.ttl),
            TtlChoice::Join(_) | TtlChoice::Default => true,
        };
        keeps_ttl && records.len() == self.held().count() && wanted.iter().eq(self.records.keys())
    }

    pub(super) fn held(&self) -> impl Iterator<Item = &Held> {
        self.records.values().flatten()
    }
}

pub(super) fn is_address(record_type: RecordType) -> bool {
    matches!(record_type, RecordType::A | RecordType::Aaaa)
}
