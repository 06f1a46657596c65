//! The input of planning: the zone as it is stored, and the operator's limits.

use crate::{OwnerName, Record, RecordId, RecordType, Ttl};

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

/// What the operator bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most records in one RRset; BIND's own default is 100 (`max-records-per-type`).
    pub rrset_records: usize,
    /// The smallest TTL a user may set.
    pub ttl_min: Ttl,
    /// The largest TTL a user may set.
    pub ttl_max: Ttl,
    /// The TTL of a record without one; within the two above.
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
