//! What planning one change comes to.

use super::source::ZoneRow;
use crate::{Committed, Counts, Timestamp, ZoneSettings};

/// A change that was planned and checked, and of which nothing is stored yet.
pub(crate) struct Prepared {
    /// The zone as it will be, but for the number of settings that are yet to be stored.
    pub(crate) zone: ZoneRow,
    /// The rows of the records that end, in the order of [`Committed::removed`].
    pub(crate) ends: Vec<i64>,
    /// How many records are changed: they are among the removed and the added ones.
    pub(crate) changed: usize,
    /// Settings that the zone gets and that have no row yet.
    pub(crate) new_settings: Option<ZoneSettings>,
    /// When it was prepared: the time of the version.
    pub(crate) now: Timestamp,
    /// The outcome.
    pub(crate) committed: Committed,
}

impl Prepared {
    /// How many records it creates, changes or deletes; one that changes counts once.
    pub(crate) fn touched(&self) -> u64 {
        (self.ends.len() + self.committed.added.len() - self.changed) as u64
    }

    /// How many rows it writes.
    pub(crate) fn rows(&self) -> usize {
        self.ends.len() + self.committed.added.len()
    }

    /// What the version's row says of its records.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            removed: self.ends.len() as u64,
            added: self.committed.added.len() as u64,
            changed: self.changed as u64,
        }
    }
}
