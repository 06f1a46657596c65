//! The result of planning.

use std::collections::HashSet;

use crate::{Fault, Record, RecordId};

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
