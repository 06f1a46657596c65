//! Dynamic updates (RFC 2136): prerequisites, and steps over values, RRsets and names, as the edits of a change.
//!
//! The steps are carried out in their order on copies of the RRsets that they name, and the edits are the difference. So the rules
//! are checked on the result of a message, not on each step. Adding an existing record and deleting a missing one have no effect
//! (RFC 2136, section 3.4.2), so a repeated message makes no edits. Only names in the message are looked up.
//!
//! Differences from RFC 2136: the rules refuse a CNAME beside other records, which the RFC silently ignores. And no message changes
//! the server's own records.

use std::collections::{BTreeMap, BTreeSet};

use super::edit::{Edit, NewSet, TtlChoice};
use super::lookup::Lookup;
use crate::apex::Apex;
use crate::rdata::Soa;
use crate::{OwnerName, RecordData, RecordId, RecordType, Ttl, ZoneName};

/// The prerequisites and the steps of one UPDATE message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DynamicUpdate {
    /// What must hold before the first step.
    pub prerequisites: Vec<Prerequisite>,
    /// What to do, in this order.
    pub steps: Vec<DynamicStep>,
}

/// One prerequisite (RFC 2136, section 2.4). Types are numbers: users may name types that no zone here can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prerequisite {
    /// The name has records, of any type.
    NameInUse(OwnerName),
    /// The name has no records.
    NameNotInUse(OwnerName),
    /// The name has records of this type.
    SetExists(OwnerName, u16),
    /// The name has no records of this type.
    SetMissing(OwnerName, u16),
    /// The RRset has exactly these data, in canonical wire form.
    SetEquals(OwnerName, u16, BTreeSet<Vec<u8>>),
}

impl Prerequisite {
    /// The name that it is about.
    pub fn owner(&self) -> &OwnerName {
        match self {
            Self::NameInUse(owner)
            | Self::NameNotInUse(owner)
            | Self::SetExists(owner, _)
            | Self::SetMissing(owner, _)
            | Self::SetEquals(owner, ..) => owner,
        }
    }
}

/// One step (RFC 2136, section 2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DynamicStep {
    /// Adds a record. Its RRset gets this TTL; at the apex, an NS record joins the TTL of the zone's NS set.
    Add(OwnerName, Ttl, RecordData),
    /// Deletes the record of this type with these data, in canonical wire form.
    DeleteRecord(OwnerName, u16, Vec<u8>),
    /// Deletes an RRset. That of the nameservers at the apex stays (RFC 2136, section 3.4.2.3).
    DeleteSet(OwnerName, u16),
    /// Deletes all RRsets of a name; at the apex, those of the nameservers stay.
    DeleteName(OwnerName),
}

impl DynamicStep {
    /// The name that it is about.
    pub fn owner(&self) -> &OwnerName {
        match self {
            Self::Add(owner, ..)
            | Self::DeleteRecord(owner, ..)
            | Self::DeleteSet(owner, _)
            | Self::DeleteName(owner) => owner,
        }
    }
}

/// The prerequisite that does not hold, by its response code (RFC 2136, section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// NXDOMAIN.
    #[error("a name that should have records has none")]
    NameNotInUse,
    /// YXDOMAIN.
    #[error("a name that should have no records has some")]
    NameInUse,
    /// NXRRSET.
    #[error("an RRset is missing, or has other records")]
    SetMissing,
    /// YXRRSET.
    #[error("an RRset exists that should not")]
    SetExists,
}

/// Why an update has no edits.
#[derive(Debug, thiserror::Error)]
pub enum DynamicError<E> {
    /// The zone could not be read.
    #[error("the zone could not be read")]
    Lookup(E),
    /// A prerequisite does not hold.
    #[error(transparent)]
    Unmet(Unmet),
}

/// The edits that an update comes to; none where it changes nothing. `new_id` makes identities.
///
/// # Errors
///
/// [`DynamicError::Unmet`] has the first prerequisite that does not hold.
pub fn dynamic<L: Lookup>(
    update: &DynamicUpdate,
    zone: &ZoneName,
    (apex, soa): (&Apex, &Soa),
    lookup: &mut L,
    mut new_id: impl FnMut() -> RecordId,
) -> Result<Vec<Edit>, DynamicError<L::Error>> {
    let mut own: BTreeMap<OwnerName, BTreeSet<(u16, Vec<u8>)>> = BTreeMap::new();
    own.entry(OwnerName::apex()).or_default().insert((RecordType::Soa.code(), soa.wire()));
    for record in apex.records(zone, None) {
        own.entry(record.owner).or_default().insert((record.data.record_type().code(), record.data.wire()));
    }
    let mut names = Names { own, places: BTreeMap::new(), lookup };
    for prerequisite in &update.prerequisites {
        names.check(prerequisite)?;
    }
    for step in &update.steps {
        names.carry_out(step).map_err(DynamicError::Lookup)?;
    }
    Ok(names.edits(&mut new_id))
}

/// One RRset of the users' records.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Set {
    ttl: Ttl,
    records: BTreeMap<Vec<u8>, RecordData>,
}

type Sets = BTreeMap<RecordType, Set>;

/// A name, as it is stored and as the steps so far leave it.
struct Place {
    stored: Sets,
    now: Sets,
}

struct Names<'l, L> {
    /// The server's own records.
    own: BTreeMap<OwnerName, BTreeSet<(u16, Vec<u8>)>>,
    places: BTreeMap<OwnerName, Place>,
    lookup: &'l mut L,
}

impl<L: Lookup> Names<'_, L> {
    fn place(&mut self, owner: &OwnerName) -> Result<&mut Place, L::Error> {
        if !self.places.contains_key(owner) {
            let mut stored = Sets::new();
            for record in self.lookup.at(owner)? {
                let set = stored.entry(record.data.record_type());
                let set = set.or_insert_with(|| Set { ttl: record.ttl, records: BTreeMap::new() });
                set.records.insert(record.data.wire(), record.data);
            }
            self.places.insert(owner.clone(), Place { now: stored.clone(), stored });
        }
        Ok(self.places.entry(owner.clone()).or_insert_with(|| Place { stored: Sets::new(), now: Sets::new() }))
    }

    /// The data of one RRset, the server's own records included.
    fn data(&mut self, owner: &OwnerName, code: u16) -> Result<BTreeSet<Vec<u8>>, L::Error> {
        let own = self.own.get(owner).into_iter().flatten().filter(|(own, _)| *own == code);
        let mut data: BTreeSet<Vec<u8>> = own.map(|(_, wire)| wire.clone()).collect();
        if let Some(record_type) = RecordType::from_code(code)
            && let Some(set) = self.place(owner)?.now.get(&record_type)
        {
            data.extend(set.records.keys().cloned());
        }
        Ok(data)
    }

    fn check(&mut self, prerequisite: &Prerequisite) -> Result<(), DynamicError<L::Error>> {
        let mut in_use = |owner| Ok(self.own.contains_key(owner) || !self.place(owner)?.now.is_empty());
        let (holds, unmet) = match prerequisite {
            Prerequisite::NameInUse(owner) => (in_use(owner), Unmet::NameNotInUse),
            Prerequisite::NameNotInUse(owner) => (in_use(owner).map(|in_use| !in_use), Unmet::NameInUse),
            Prerequisite::SetExists(owner, code) => {
                (self.data(owner, *code).map(|data| !data.is_empty()), Unmet::SetMissing)
            }
            Prerequisite::SetMissing(owner, code) => {
                (self.data(owner, *code).map(|data| data.is_empty()), Unmet::SetExists)
            }
            Prerequisite::SetEquals(owner, code, wanted) => {
                (self.data(owner, *code).map(|data| data == *wanted), Unmet::SetMissing)
            }
        };
        if holds.map_err(DynamicError::Lookup)? { Ok(()) } else { Err(DynamicError::Unmet(unmet)) }
    }

    fn carry_out(&mut self, step: &DynamicStep) -> Result<(), L::Error> {
        match step {
            DynamicStep::Add(owner, ttl, data) => self.add(owner, *ttl, data),
            DynamicStep::DeleteRecord(owner, code, wire) => {
                let Some(record_type) = RecordType::from_code(*code) else { return Ok(()) };
                let sets = &mut self.place(owner)?.now;
                if let Some(set) = sets.get_mut(&record_type) {
                    set.records.remove(wire);
                    if set.records.is_empty() {
                        sets.remove(&record_type);
                    }
                }
                Ok(())
            }
            DynamicStep::DeleteSet(owner, code) => {
                if let Some(record_type) = RecordType::from_code(*code)
                    && !stays(owner, record_type)
                {
                    self.place(owner)?.now.remove(&record_type);
                }
                Ok(())
            }
            DynamicStep::DeleteName(owner) => {
                self.place(owner)?.now.retain(|record_type, _| stays(owner, *record_type));
                Ok(())
            }
        }
    }

    fn add(&mut self, owner: &OwnerName, ttl: Ttl, data: &RecordData) -> Result<(), L::Error> {
        let (record_type, wire) = (data.record_type(), data.wire());
        if self.own.get(owner).is_some_and(|own| own.contains(&(record_type.code(), wire.clone()))) {
            return Ok(());
        }
        let place = self.place(owner)?;
        // A record that is there keeps its spelling.
        let stored = place.stored.get(&record_type).and_then(|set| set.records.get(&wire));
        let data = stored.unwrap_or(data).clone();
        let sets = &mut place.now;
        // A name has one of them, and the new one takes its place (RFC 2136, section 3.4.2.2; RFC 6672, section 5.2).
        if matches!(record_type, RecordType::Cname | RecordType::Dname) {
            sets.remove(&record_type);
        }
        let set = sets.entry(record_type).or_insert_with(|| Set { ttl, records: BTreeMap::new() });
        if !stays(owner, record_type) {
            set.ttl = ttl;
        }
        set.records.insert(wire, data);
        Ok(())
    }

    fn edits(&self, new_id: &mut impl FnMut() -> RecordId) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (owner, place) in &self.places {
            let types: BTreeSet<RecordType> = place.stored.keys().chain(place.now.keys()).copied().collect();
            for record_type in types {
                let now = place.now.get(&record_type);
                if place.stored.get(&record_type) == now {
                    continue;
                }
                let ttl = match now {
                    Some(set) if !stays(owner, record_type) => TtlChoice::Set(set.ttl),
                    _ => TtlChoice::Default,
                };
                let records = now.into_iter().flat_map(|set| set.records.values());
                let records = records.map(|data| (new_id(), data.clone())).collect();
                edits.push(Edit::ReplaceSet(NewSet { owner: owner.clone(), record_type, ttl, records }));
            }
        }
        edits
    }
}

/// Whether it is the NS set of the zone itself.
fn stays(owner: &OwnerName, record_type: RecordType) -> bool {
    owner.is_apex() && record_type == RecordType::Ns
}
