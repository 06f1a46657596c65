//! Planning a change: from what a user wants to what the zone loses and gains, with every rule over the zone checked.
//!
//! The zone is seen only through [`Lookup`], at the names that the change touches (and the hosts of NS records at the apex),
//! so that a change costs the same in a zone of ten records and of a million. The store runs [`plan`] inside the transaction
//! that stores the result: what was checked is what is stored.
//!
//! Decided against: rules as database constraints. They would speak neither of the member at fault nor of what would be right.

use std::collections::{BTreeMap, HashMap};

use crate::apex::Apex;
use crate::{Fault, OwnerName, Record, RecordData, RecordId, RecordType, Ttl, ZoneName};

/// What the rules need to see of the zone as it is stored.
pub trait Lookup {
    /// Why a look-up failed.
    type Error;

    /// All users' records at one name.
    fn at(&mut self, owner: &OwnerName) -> Result<Vec<Record>, Self::Error>;

    /// One record of the zone.
    fn by_id(&mut self, id: RecordId) -> Result<Option<Record>, Self::Error>;
}

/// One wish of a change. The edits of a change are applied in their order; the rules are checked on what comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A new record, under an identity that the caller made.
    Create(RecordId, NewRecord),
    /// Another owner, type, data or TTL for a record that exists.
    Replace(RecordId, NewRecord),
    /// No such record any more.
    Delete(RecordId),
}

/// A record as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Its name within the zone.
    pub owner: OwnerName,
    /// Its type and data.
    pub data: RecordData,
    /// Its TTL.
    pub ttl: TtlChoice,
}

/// Which TTL a record gets. One RRset has one TTL, so a choice may concern its siblings too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TtlChoice {
    /// This TTL, for the whole RRset.
    Set(Ttl),
    /// The TTL of the RRset it joins, or this one where it is the first.
    Join(Ttl),
}

/// What the operator bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most records in one RRset; BIND's own default is 100 (`max-records-per-type`).
    pub rrset_records: usize,
    /// The smallest TTL a user may set.
    pub ttl_min: Ttl,
    /// The largest TTL a user may set.
    pub ttl_max: Ttl,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { rrset_records: 100, ttl_min: Ttl::MIN, ttl_max: Ttl::MAX }
    }
}

impl Limits {
    /// The TTL of a record for which nobody said one.
    pub fn default_ttl(&self) -> Ttl {
        Ttl::DEFAULT.max(self.ttl_min).min(self.ttl_max)
    }
}

/// What a change does to a zone. A record whose TTL, owner or data changes is in both lists, under one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The records that end.
    pub removed: Vec<Record>,
    /// The records that begin.
    pub added: Vec<Record>,
    /// For each edit, its record as it stands after the change; `None` where it is gone.
    pub results: Vec<Option<Record>>,
}

impl Plan {
    /// Whether nothing changes: then there is no new version either.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

/// Why a change cannot be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError<E> {
    /// The zone could not be read.
    #[error("the zone could not be read")]
    Lookup(#[source] E),
    /// An edit names a record that the zone does not have.
    #[error("edit {index} names a record that does not exist")]
    NoRecord {
        /// Which edit, counted from 0.
        index: usize,
    },
    /// Rules are broken; all of them, each with the index of the edit at fault.
    #[error("{} rules are broken", .0.len())]
    Faults(Vec<(usize, Fault)>),
}

/// Works out what `edits` do to the zone, and checks every rule on the outcome.
pub fn plan<L: Lookup>(
    zone: &ZoneName,
    apex: &Apex,
    limits: &Limits,
    edits: &[Edit],
    lookup: &mut L,
) -> Result<Plan, PlanError<L::Error>> {
    let mut planner =
        Planner { zone, apex, limits, lookup, places: BTreeMap::new(), found: HashMap::new(), faults: Vec::new() };
    for (index, edit) in edits.iter().enumerate() {
        planner.apply(index, edit)?;
    }
    planner.check().map_err(PlanError::Lookup)?;
    if !planner.faults.is_empty() {
        planner.faults.sort_by_key(|(index, _)| *index);
        return Err(PlanError::Faults(planner.faults));
    }
    Ok(planner.outcome(edits))
}

struct Planner<'a, L> {
    zone: &'a ZoneName,
    apex: &'a Apex,
    limits: &'a Limits,
    lookup: &'a mut L,
    places: BTreeMap<OwnerName, Place>,
    /// Where each record stands that was seen so far; `None` once it is deleted.
    found: HashMap<RecordId, Option<OwnerName>>,
    faults: Vec<(usize, Fault)>,
}

/// The records at one name, before and after the edits so far.
struct Place {
    before: Vec<Record>,
    now: Vec<Record>,
    /// The last edit that touched the name.
    touched_by: Option<usize>,
    /// The TTLs that this change gave to RRsets here.
    given_ttls: Vec<(RecordType, Ttl)>,
}

impl Place {
    fn has_address(&self) -> bool {
        has_address(&self.now)
    }
}

fn has_address(records: &[Record]) -> bool {
    records.iter().any(|record| matches!(record.data, RecordData::A(_) | RecordData::Aaaa(_)))
}

impl<L: Lookup> Planner<'_, L> {
    fn apply(&mut self, index: usize, edit: &Edit) -> Result<(), PlanError<L::Error>> {
        let (id, wanted) = match edit {
            Edit::Create(id, record) => (*id, Some(record)),
            Edit::Replace(id, record) => (*id, Some(record)),
            Edit::Delete(id) => (*id, None),
        };
        if !matches!(edit, Edit::Create(..)) {
            let owner = self.locate(id).map_err(PlanError::Lookup)?.ok_or(PlanError::NoRecord { index })?;
            let place = self.place(&owner).map_err(PlanError::Lookup)?;
            place.now.retain(|record| record.id != id);
            place.touched_by = Some(index);
            self.found.insert(id, None);
        }
        if let Some(wanted) = wanted
            && let Err(fault) = self.insert(index, id, wanted).map_err(PlanError::Lookup)?
        {
            self.faults.push((index, fault));
        }
        Ok(())
    }

    /// The name at which a record stands now.
    fn locate(&mut self, id: RecordId) -> Result<Option<OwnerName>, L::Error> {
        if let Some(known) = self.found.get(&id) {
            return Ok(known.clone());
        }
        Ok(self.lookup.by_id(id)?.map(|record| record.owner))
    }

    fn place(&mut self, owner: &OwnerName) -> Result<&mut Place, L::Error> {
        if !self.places.contains_key(owner) {
            let before = self.lookup.at(owner)?;
            for record in &before {
                self.found.entry(record.id).or_insert_with(|| Some(owner.clone()));
            }
            let place = Place { now: before.clone(), before, touched_by: None, given_ttls: Vec::new() };
            self.places.insert(owner.clone(), place);
        }
        Ok(self.places.entry(owner.clone()).or_insert_with(|| Place {
            before: Vec::new(),
            now: Vec::new(),
            touched_by: None,
            given_ttls: Vec::new(),
        }))
    }

    fn insert(&mut self, index: usize, id: RecordId, wanted: &NewRecord) -> Result<Result<(), Fault>, L::Error> {
        let (zone, apex, limits) = (self.zone, self.apex, *self.limits);
        let record_type = wanted.data.record_type();
        let wire = wanted.data.wire();
        let is_address = matches!(record_type, RecordType::A | RecordType::Aaaa);
        if is_address && apex.owns_addresses(zone, &wanted.owner) {
            let detail = format!(
                "{} is a nameserver of this server, which looks after its addresses",
                wanted.owner.in_zone(zone)
            );
            return Ok(Err(Fault::of("name", "server-owned", detail)));
        }
        let place = self.place(&wanted.owner)?;
        place.touched_by = Some(index);
        if let Some(same) =
            place.now.iter().find(|other| other.data.record_type() == record_type && other.data.wire() == wire)
        {
            let detail =
                format!("the same {record_type} record exists already at {} (compared in canonical form)", same.owner);
            return Ok(Err(Fault::of("value", "duplicate", detail)));
        }
        if wanted.owner.is_apex()
            && apex
                .records(zone, None)
                .iter()
                .any(|own| own.owner.is_apex() && own.data.wire() == wire && own.data.record_type() == record_type)
        {
            let detail = "this NS record is one of the server's own, which every zone has";
            return Ok(Err(Fault::of("value", "duplicate", detail)));
        }
        let siblings = |other: &&mut Record| other.data.record_type() == record_type;
        let ttl = match wanted.ttl {
            TtlChoice::Set(ttl) => {
                if ttl < limits.ttl_min || ttl > limits.ttl_max {
                    let detail = format!("ttl must be between {} and {} seconds here", limits.ttl_min, limits.ttl_max);
                    return Ok(Err(Fault::of("ttl", "ttl-range", detail)));
                }
                if let Some((_, other)) =
                    place.given_ttls.iter().find(|(set, other)| *set == record_type && *other != ttl)
                {
                    let detail = format!(
                        "all {record_type} records of a name share one TTL, and this change gives both {other} and {ttl}"
                    );
                    return Ok(Err(Fault::of("ttl", "ttl-conflict", detail)));
                }
                place.given_ttls.push((record_type, ttl));
                place.now.iter_mut().filter(siblings).for_each(|sibling| sibling.ttl = ttl);
                ttl
            }
            TtlChoice::Join(alone) => {
                let sibling = place.now.iter_mut().find(siblings).map(|sibling| sibling.ttl);
                let servers = (record_type == RecordType::Ns && wanted.owner.is_apex()).then_some(apex.ns_ttl);
                sibling.or(servers).unwrap_or(alone)
            }
        };
        place.now.push(Record { id, owner: wanted.owner.clone(), ttl, data: wanted.data.clone() });
        self.found.insert(id, Some(wanted.owner.clone()));
        Ok(Ok(()))
    }

    /// The rules over the zone as it would be.
    fn check(&mut self) -> Result<(), L::Error> {
        let touched: Vec<OwnerName> = self
            .places
            .iter()
            .filter(|(_, place)| place.touched_by.is_some())
            .map(|(owner, _)| owner.clone())
            .collect();
        for owner in touched {
            let Some(place) = self.places.get(&owner) else { continue };
            let index = place.touched_by.unwrap_or_default();
            let lost_address = has_address(&place.before) && !place.has_address();
            for fault in check_name(self.zone, self.apex, self.limits, &owner, &place.now) {
                self.faults.push((index, fault));
            }
            if lost_address {
                self.check_address_still_needed(index, &owner)?;
            }
            if owner.is_apex() {
                self.check_apex_nameservers(index)?;
            }
        }
        Ok(())
    }

    /// A host that an NS record at the apex names cannot lose its last address.
    fn check_address_still_needed(&mut self, index: usize, owner: &OwnerName) -> Result<(), L::Error> {
        let host = owner.in_zone(self.zone);
        let apex_place = self.place(&OwnerName::apex())?;
        let needed =
            apex_place.now.iter().any(|record| matches!(&record.data, RecordData::Ns(ns) if *ns.host.name() == host));
        if needed {
            let detail = format!(
                "{host} is named by an NS record at the apex and needs at least one A or AAAA record; remove that NS record first"
            );
            self.faults.push((index, Fault::general("apex-ns-address", detail)));
        }
        Ok(())
    }

    /// An NS record at the apex that names a host inside the zone needs that host's address, or BIND refuses the zone.
    fn check_apex_nameservers(&mut self, index: usize) -> Result<(), L::Error> {
        let place = self.place(&OwnerName::apex())?;
        let hosts: Vec<_> = place
            .now
            .iter()
            .filter_map(|record| match &record.data {
                RecordData::Ns(ns) if !place.before.contains(record) => Some(ns.host.name().clone()),
                _ => None,
            })
            .collect();
        for host in hosts {
            let Some(owner) = OwnerName::of(&host, self.zone) else { continue };
            let has_address = self.apex.owns_addresses(self.zone, &owner) || self.place(&owner)?.has_address();
            if !has_address {
                let detail =
                    format!("{host} lies inside this zone and has no address; create its A or AAAA record first");
                self.faults.push((index, Fault::of("value", "apex-ns-address", detail)));
            }
        }
        Ok(())
    }

    fn outcome(self, edits: &[Edit]) -> Plan {
        let mut removed = Vec::new();
        let mut added = Vec::new();
        let mut stands: HashMap<RecordId, Record> = HashMap::new();
        for place in self.places.into_values().filter(|place| place.touched_by.is_some()) {
            let unchanged = |record: &Record, others: &[Record]| others.contains(record);
            added.extend(place.now.iter().filter(|record| !unchanged(record, &place.before)).cloned());
            removed.extend(place.before.iter().filter(|record| !unchanged(record, &place.now)).cloned());
            stands.extend(place.now.into_iter().map(|record| (record.id, record)));
        }
        let results = edits
            .iter()
            .map(|edit| match edit {
                Edit::Create(id, _) | Edit::Replace(id, _) => stands.get(id).cloned(),
                Edit::Delete(_) => None,
            })
            .collect();
        Plan { removed, added, results }
    }
}

/// The rules over all records of one name.
fn check_name(zone: &ZoneName, apex: &Apex, limits: &Limits, owner: &OwnerName, records: &[Record]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let of_type =
        |record_type: RecordType| records.iter().filter(move |record| record.data.record_type() == record_type);
    let aliases = of_type(RecordType::Cname).count();
    if aliases > 0 {
        if owner.is_apex() {
            faults.push(Fault::of(
                "name",
                "cname-apex",
                "a CNAME cannot stand at the apex, beside the zone's SOA and NS records",
            ));
        } else if aliases > 1 {
            faults.push(Fault::of("name", "cname-single", format!("{owner} can have only one CNAME record")));
        } else if records.len() > 1 || apex.owns_addresses(zone, owner) {
            faults.push(Fault::of(
                "name",
                "cname-alone",
                format!("a CNAME record cannot stand beside other records, and {owner} would have both"),
            ));
        }
    }
    if owner.is_wildcard() && of_type(RecordType::Ns).next().is_some() {
        faults.push(Fault::of(
            "name",
            "ns-wildcard",
            "NS records cannot stand at a wildcard name; nameservers ignore them there",
        ));
    }
    let servers = if owner.is_apex() { apex.nameservers.len() } else { 0 };
    for record_type in RecordType::EDITABLE {
        let own = if record_type == RecordType::Ns { servers } else { 0 };
        let count = of_type(record_type).count() + own;
        if count > own && count > limits.rrset_records {
            let detail = format!(
                "{owner} would have {count} {record_type} records; at most {} are allowed",
                limits.rrset_records
            );
            faults.push(Fault::general("rrset-records", detail));
        }
        let data: usize = of_type(record_type).map(|record| record.data.wire().len() + RR_OVERHEAD).sum();
        let name = owner.in_zone(zone).wire().len();
        if data > 0 && data + own * (name + 64 + RR_OVERHEAD) + name + MESSAGE_OVERHEAD > usize::from(u16::MAX) {
            let detail =
                format!("the {record_type} records at {owner} would no longer fit one DNS message of 65535 octets");
            faults.push(Fault::of("value", "rrset-octets", detail));
        }
    }
    faults
}

/// A compressed owner (2), type, class, TTL and length (RFC 1035, section 4.1.3).
const RR_OVERHEAD: usize = 12;
/// The header, the question's type and class, and room for OPT and TSIG.
const MESSAGE_OVERHEAD: usize = 12 + 4 + 128;
