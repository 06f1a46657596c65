//! Planning a change: from what a user wants to what the zone loses and gains, with every rule over the zone checked.
//!
//! The zone is seen only through [`Lookup`], at the names that the change touches (and the hosts of NS records at the apex, and
//! whether there is a DNAME above), so that a change costs the same in a zone of ten records and of a million. The store runs [`plan`] inside the transaction
//! that stores the result: what was checked is what is stored.
//!
//! Decided against: rules as database constraints. They would speak neither of the member at fault nor of what would be right.

mod amendment;
mod content;
mod delegation;
mod place;
mod planner;
mod rules;

use std::collections::HashSet;

use crate::apex::Apex;
use crate::{Fault, OwnerName, Record, RecordData, RecordId, RecordType, Ttl, ZoneName};

pub use amendment::Amendment;
pub use content::{ContentEdits, content};
pub use planner::NO_RECORD;
use planner::Planner;
use rules::Setting;

/// What the rules need to see of the zone as it is stored.
pub trait Lookup {
    /// Why a look-up failed.
    type Error;

    /// All users' records at one name.
    fn at(&mut self, owner: &OwnerName) -> Result<Vec<Record>, Self::Error>;

    /// One record of the zone.
    fn by_id(&mut self, id: RecordId) -> Result<Option<Record>, Self::Error>;

    /// Whether users have a record of that type at a name.
    fn has(&mut self, owner: &OwnerName, record_type: RecordType) -> Result<bool, Self::Error>;

    /// Names below `owner` at which users have records: any of them, at most so many.
    fn below(&mut self, owner: &OwnerName, most: usize) -> Result<Vec<OwnerName>, Self::Error>;
}

/// One wish of a change. The edits of a change are applied in their order; the rules are checked on what comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A new record, under an identity that the caller made.
    Create(RecordId, NewRecord),
    /// Another owner, type, data or TTL for a record that exists.
    Replace(RecordId, NewRecord),
    /// Some members of a record that exists anew, laid over it as the edits before leave it.
    Amend(RecordId, Amendment),
    /// No such record any more.
    Delete(RecordId),
    /// The RRset of one name and type becomes exactly this.
    ReplaceSet(NewSet),
}

/// An RRset as it is wanted. A record that the set has already, compared in wire form, keeps its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSet {
    /// Its name within the zone.
    pub owner: OwnerName,
    /// The type of all its records.
    pub record_type: RecordType,
    /// Its TTL. To join means: to keep the TTL that the set has.
    pub ttl: TtlChoice,
    /// Its records, each with the identity that it gets where it is new. None: there is no such set any more.
    pub records: Vec<(RecordId, RecordData)>,
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
    /// The TTL of the RRset it joins, or [`Limits::default_ttl`] where it is the first.
    Default,
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
    /// The TTL of a record for which nobody said one; within the two above.
    pub default_ttl: Ttl,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { rrset_records: 100, ttl_min: Ttl::MIN, ttl_max: Ttl::MAX, default_ttl: Ttl::DEFAULT }
    }
}

impl Limits {
    /// The default TTL, within the limits.
    pub fn default_ttl(&self) -> Ttl {
        self.default_ttl.max(self.ttl_min).min(self.ttl_max)
    }
}

/// What a change does to a zone. A record whose TTL, owner or data changes is in both lists, under one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The records that end.
    pub removed: Vec<Record>,
    /// The records that begin.
    pub added: Vec<Record>,
    /// For each edit, its record as it stands after the change; `None` where it is gone, and for whole sets.
    pub results: Vec<Option<Record>>,
}

impl Plan {
    /// Whether nothing changes: then there is no new version either.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }

    /// How many records it creates, changes or deletes; one that changes counts once.
    pub fn touched(&self) -> u64 {
        let added: HashSet<RecordId> = self.added.iter().map(|record| record.id).collect();
        let ended = self.removed.iter().filter(|record| !added.contains(&record.id)).count();
        (added.len() + ended) as u64
    }
}

/// Why a change cannot be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError<E> {
    /// The zone could not be read.
    #[error("the zone could not be read")]
    Lookup(#[source] E),
    /// The only fault: an edit names a record that the zone does not have. Beside other faults it is one of them.
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
///
/// # Errors
///
/// [`PlanError::Faults`] has every broken rule at once, ordered by edit; a failed look-up ends the work where it arises.
pub fn plan<L: Lookup>(
    zone: &ZoneName,
    apex: &Apex,
    limits: &Limits,
    edits: &[Edit],
    lookup: &mut L,
) -> Result<Plan, PlanError<L::Error>> {
    let mut planner = Planner::new(Setting { zone, apex, limits }, lookup);
    for (index, edit) in edits.iter().enumerate() {
        planner.apply(index, edit)?;
    }
    planner.check().map_err(PlanError::Lookup)?;
    planner.outcome(edits)
}
