//! The implementation of [`plan`](super::plan): the edits in their order, the rules, the difference.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::edit::{Amendment, Edit, NewRecord, NewSet, TtlChoice};
use super::lookup::Lookup;
use super::name_state::{Held, NameState};
use super::outcome::{Plan, PlanError};
use super::rules::{self, Setting};
use crate::{Fault, OwnerName, Record, RecordId, RecordType, message};

/// The rule that is broken by naming a record that is not there.
pub const NO_RECORD: &str = "no-record";

/// The fault of an edit that names a record that is not there.
pub fn no_record() -> Fault {
    Fault::of("uuid", NO_RECORD, message!("there is no such record in this zone"))
}

pub(super) struct Planner<'a, L> {
    pub(super) setting: Setting<'a>,
    pub(super) lookup: &'a mut L,
    /// The names looked at so far.
    places: BTreeMap<OwnerName, NameState>,
    /// Where each record stands that was seen so far; `None` once an edit has deleted it.
    spots: HashMap<RecordId, Option<Spot>>,
    /// Whether a name that is looked at for nothing else has a DNAME.
    dnames: HashMap<OwnerName, bool>,
    pub(super) faults: Vec<(usize, Fault)>,
}

/// Where a record stands among the places.
#[derive(Clone)]
struct Spot {
    owner: OwnerName,
    record_type: RecordType,
    wire: Vec<u8>,
}

impl Spot {
    fn of(owner: &OwnerName, data: &crate::RecordData) -> Spot {
        Spot { owner: owner.clone(), record_type: data.record_type(), wire: data.wire() }
    }
}

impl<'a, L: Lookup> Planner<'a, L> {
    pub(super) fn new(setting: Setting<'a>, lookup: &'a mut L) -> Self {
        Planner {
            setting,
            lookup,
            places: BTreeMap::new(),
            spots: HashMap::new(),
            dnames: HashMap::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn apply(&mut self, index: usize, edit: &Edit) -> Result<(), PlanError<L::Error>> {
        let fault = match edit {
            Edit::Create(id, wanted) => self.insert(index, *id, wanted),
            Edit::Replace(id, wanted) => self.replace(index, *id, wanted),
            Edit::Amend(id, amendment) => self.amend(index, *id, amendment),
            Edit::Delete(id) => self.take(index, *id).map(Result::err),
            Edit::ReplaceSet(wanted) => self.replace_set(index, wanted),
            Edit::ExtendSet(more) => self.with(more).and_then(|wanted| self.replace_set(index, &wanted)),
            Edit::PruneSet(less) => self.without(less).and_then(|wanted| self.replace_set(index, &wanted)),
        };
        self.faults.extend(fault.map_err(PlanError::Lookup)?.map(|fault| (index, fault)));
        Ok(())
    }

    /// The rules over the zone as it would be.
    pub(super) fn check(&mut self) -> Result<(), L::Error> {
        let touched: Vec<OwnerName> = self
            .places
            .iter()
            .filter(|(_, place)| place.touched_by(|_| true).is_some())
            .map(|(owner, _)| owner.clone())
            .collect();
        for owner in touched {
            let setting = self.setting;
            let place = self.place(&owner)?;
            let mut broken = Vec::new();
            rules::check_name(setting, &owner, place, &mut broken);
            self.faults.extend(broken);
            self.check_address_still_needed(&owner)?;
            self.check_no_signed_nameserver(&owner)?;
            self.check_no_dname_above(&owner)?;
            self.check_nothing_below_dname(&owner)?;
            if owner.is_apex() {
                self.check_apex_nameservers()?;
            }
        }
        Ok(())
    }

    /// The difference between the zone and what the edits make of it.
    pub(super) fn outcome(mut self, edits: &[Edit]) -> Result<Plan, PlanError<L::Error>> {
        if !self.faults.is_empty() {
            self.faults.sort_by_key(|(index, _)| *index);
            if let [(index, fault)] = self.faults.as_slice()
                && fault.check == NO_RECORD
            {
                return Err(PlanError::NoRecord { index: *index });
            }
            return Err(PlanError::Faults(self.faults));
        }
        let mut plan = Plan { removed: Vec::new(), added: Vec::new(), results: Vec::new() };
        let mut standing: HashMap<RecordId, Record> = HashMap::new();
        for (owner, place) in self.places.iter().filter(|(_, place)| place.touched_by(|_| true).is_some()) {
            let now = place.records(owner);
            let (was, is) = (by_id(&place.stored), by_id(&now));
            plan.removed.extend(place.stored.iter().filter(|old| is.get(&old.id) != Some(old)).cloned());
            plan.added.extend(now.iter().filter(|new| was.get(&new.id) != Some(new)).cloned());
            standing.extend(now.into_iter().map(|record| (record.id, record)));
        }
        plan.results = edits
            .iter()
            .map(|edit| match edit {
                Edit::Create(id, _) | Edit::Replace(id, _) | Edit::Amend(id, _) => standing.get(id).cloned(),
                Edit::Delete(_) | Edit::ReplaceSet(_) | Edit::ExtendSet(_) | Edit::PruneSet(_) => None,
            })
            .collect();
        Ok(plan)
    }

    /// Puts a record where an edit wants it; gives the rule that forbids it, and then changes nothing.
    fn insert(&mut self, index: usize, id: RecordId, wanted: &NewRecord) -> Result<Option<Fault>, L::Error> {
        let setting = self.setting;
        if let Err(fault) = rules::check_record(setting, wanted) {
            return Ok(Some(fault));
        }
        let record_type = wanted.data.record_type();
        let set = self.place(&wanted.owner)?.set_mut(record_type);
        set.ttl = match wanted.ttl {
            TtlChoice::Set(ttl) => {
                if let Some(other) = set.given_ttl.filter(|other| *other != ttl) {
                    let detail = message!(
                        "all {record_type} records of a name share one TTL, and this change gives both {other} and {ttl}",
                        record_type,
                        other,
                        ttl
                    );
                    return Ok(Some(Fault::of("ttl", "ttl-conflict", detail)));
                }
                set.given_ttl = Some(ttl);
                ttl
            }
            TtlChoice::Join(_) | TtlChoice::Default if !set.records.is_empty() => set.ttl,
            TtlChoice::Join(_) | TtlChoice::Default if record_type == RecordType::Ns && wanted.owner.is_apex() => {
                setting.apex.ns_ttl
            }
            TtlChoice::Join(alone) => alone,
            TtlChoice::Default => setting.limits.default_ttl(),
        };
        set.touched_by = Some(index);
        let held = Held { id, data: wanted.data.clone(), edit: Some(index) };
        self.put(Spot::of(&wanted.owner, &wanted.data), held)?;
        Ok(None)
    }

    fn put(&mut self, spot: Spot, held: Held) -> Result<(), L::Error> {
        let id = held.id;
        self.place(&spot.owner)?.set_mut(spot.record_type).put(spot.wire.clone(), held);
        self.spots.insert(id, Some(spot));
        Ok(())
    }

    /// Takes a record from where it stands.
    fn take(&mut self, index: usize, id: RecordId) -> Result<Result<(Spot, Held), Fault>, L::Error> {
        let Some(spot) = self.locate(id)? else { return Ok(Err(no_record())) };
        let set = self.place(&spot.owner)?.set_mut(spot.record_type);
        let Some(held) = set.take(&spot.wire, id) else { return Ok(Err(no_record())) };
        set.touched_by = Some(index);
        self.spots.insert(id, None);
        Ok(Ok((spot, held)))
    }

    fn replace(&mut self, index: usize, id: RecordId, wanted: &NewRecord) -> Result<Option<Fault>, L::Error> {
        let (spot, old) = match self.take(index, id)? {
            Ok(taken) => taken,
            Err(fault) => return Ok(Some(fault)),
        };
        let fault = self.insert(index, id, wanted)?;
        if fault.is_some() {
            // Otherwise the rules over the zone would not see a record that stays.
            self.put(spot, old)?;
        }
        Ok(fault)
    }

    fn amend(&mut self, index: usize, id: RecordId, amendment: &Amendment) -> Result<Option<Fault>, L::Error> {
        let (spot, old) = match self.take(index, id)? {
            Ok(taken) => taken,
            Err(fault) => return Ok(Some(fault)),
        };
        let ttl = self.place(&spot.owner)?.set_mut(spot.record_type).ttl;
        let record = Record { id, owner: spot.owner.clone(), ttl, data: old.data.clone() };
        let wanted = match amendment.over(&record, self.setting.zone) {
            Ok(wanted) => wanted,
            Err(fault) => {
                self.put(spot, old)?;
                return Ok(Some(fault));
            }
        };
        let fault = self.insert(index, id, &wanted)?;
        if fault.is_some() {
            // As in `replace`.
            self.put(spot, old)?;
        } else if amendment.ttl.is_none() && wanted.owner == spot.owner && wanted.data.record_type() == spot.record_type
        {
            // The set keeps its TTL, also where the record was alone in it.
            self.place(&spot.owner)?.set_mut(spot.record_type).ttl = ttl;
        }
        Ok(fault)
    }

    /// A set as it stands, with more records.
    fn with(&mut self, more: &NewSet) -> Result<NewSet, L::Error> {
        let set = self.place(&more.owner)?.set_mut(more.record_type);
        let mut records: Vec<_> = set.held().map(|held| (held.id, held.data.clone())).collect();
        records.extend(more.records.iter().filter(|(_, data)| !set.records.contains_key(&data.wire())).cloned());
        Ok(NewSet { records, ..more.clone() })
    }

    /// A set as it stands, with fewer records.
    fn without(&mut self, less: &NewSet) -> Result<NewSet, L::Error> {
        let gone: HashSet<Vec<u8>> = less.records.iter().map(|(_, data)| data.wire()).collect();
        let set = self.place(&less.owner)?.set_mut(less.record_type);
        let stay = set.records.iter().filter(|(wire, _)| !gone.contains(*wire)).flat_map(|(_, same)| same);
        let records = stay.map(|held| (held.id, held.data.clone())).collect();
        Ok(NewSet { records, ttl: TtlChoice::Default, ..less.clone() })
    }

    /// A record that stays keeps its spelling, as it keeps its identity: also one that an earlier edit has deleted.
    fn replace_set(&mut self, index: usize, wanted: &NewSet) -> Result<Option<Fault>, L::Error> {
        let NewSet { owner, record_type, ttl, records } = wanted;
        let place = self.place(owner)?;
        let stored: HashMap<Vec<u8>, Record> = place.of_type(*record_type).collect();
        let set = place.set_mut(*record_type);
        if set.is_already(*ttl, records) {
            if let (TtlChoice::Set(ttl), false) = (ttl, records.is_empty()) {
                set.given_ttl = Some(*ttl);
            }
            return Ok(None);
        }
        let (before, ttl_before) = (std::mem::take(&mut set.records), set.ttl);
        set.touched_by = Some(index);
        for held in before.values().flatten() {
            self.spots.insert(held.id, None);
        }
        let mut fault = None;
        for (new_id, data) in records {
            let wire = data.wire();
            let held = before.get(&wire).and_then(|same| same.first()).map(|held| (held.id, &held.data));
            let known = held.or_else(|| stored.get(&wire).map(|record| (record.id, &record.data)));
            let (id, data) = known.filter(|(id, _)| !self.is_placed(*id)).unwrap_or((*new_id, data));
            let record = NewRecord { owner: owner.clone(), data: data.clone(), ttl: *ttl };
            fault = self.insert(index, id, &record)?;
            if fault.is_some() {
                break;
            }
        }
        let set = self.place(owner)?.set_mut(*record_type);
        if fault.is_some() {
            // As in `replace`.
            let new = std::mem::replace(&mut set.records, before);
            let stay: Vec<(Vec<u8>, RecordId)> =
                set.records.iter().flat_map(|(wire, same)| same.iter().map(|held| (wire.clone(), held.id))).collect();
            set.ttl = ttl_before;
            for held in new.values().flatten() {
                self.spots.insert(held.id, None);
            }
            for (wire, id) in stay {
                let spot = Spot { owner: owner.clone(), record_type: *record_type, wire };
                self.spots.insert(id, Some(spot));
            }
        } else if !before.is_empty() && !matches!(ttl, TtlChoice::Set(_)) {
            set.ttl = ttl_before;
        }
        Ok(fault)
    }

    /// Whether the edits so far leave a record somewhere.
    fn is_placed(&self, id: RecordId) -> bool {
        self.spots.get(&id).is_some_and(Option::is_some)
    }

    fn locate(&mut self, id: RecordId) -> Result<Option<Spot>, L::Error> {
        match self.spots.get(&id) {
            Some(known) => Ok(known.clone()),
            None => Ok(self.lookup.by_id(id)?.map(|record| Spot::of(&record.owner, &record.data))),
        }
    }

    /// Whether a name has records of a type after all edits, as far as that has been looked up.
    pub(super) fn has_after(&self, owner: &OwnerName, record_type: RecordType) -> Option<bool> {
        let known = self.places.get(owner).map(|place| place.set(record_type).is_some());
        known.or_else(|| self.dnames.get(owner).copied().filter(|_| record_type == RecordType::Dname))
    }

    pub(super) fn note_dname(&mut self, owner: &OwnerName, has: bool) {
        self.dnames.insert(owner.clone(), has);
    }

    /// Whether nothing is left at a name after all edits, as far as that has been looked up.
    pub(super) fn is_empty_after(&self, owner: &OwnerName) -> Option<bool> {
        self.places.get(owner).map(NameState::is_empty)
    }

    /// How many names below `owner` have been looked up.
    pub(super) fn touched_below(&self, owner: &OwnerName) -> usize {
        // In canonical order they stand together, right after it.
        let from_here = self.places.range(owner..).map(|(name, _)| name).skip_while(|name| *name == owner);
        from_here.take_while(|name| name.is_below(owner)).count()
    }

    /// The records at a name, looked up once.
    pub(super) fn place(&mut self, owner: &OwnerName) -> Result<&mut NameState, L::Error> {
        if !self.places.contains_key(owner) {
            let stored = self.lookup.at(owner)?;
            for record in &stored {
                self.spots.insert(record.id, Some(Spot::of(owner, &record.data)));
            }
            self.places.insert(owner.clone(), NameState::new(stored));
        }
        Ok(self.places.entry(owner.clone()).or_default())
    }
}

fn by_id(records: &[Record]) -> HashMap<RecordId, &Record> {
    records.iter().map(|record| (record.id, record)).collect()
}
