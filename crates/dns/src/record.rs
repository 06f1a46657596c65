//! A record: with an identity, as users see it, and without, as DNS serves it.

use uuid::Uuid;

use crate::{OwnerName, RecordData, Ttl};

/// A record's identity for users. It stays when the record is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub Uuid);

/// A record that a user made. All records of one RRset carry the same TTL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its identity.
    pub id: RecordId,
    /// Its name within the zone.
    pub owner: OwnerName,
    /// The TTL of its RRset.
    pub ttl: Ttl,
    /// Its type and data.
    pub data: RecordData,
}

/// A record as a nameserver holds it (RFC 1035, section 3.2.1): no identity, class IN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceRecord {
    /// Its name within the zone.
    pub owner: OwnerName,
    /// The TTL of its RRset.
    pub ttl: Ttl,
    /// Its type and data.
    pub data: RecordData,
}

impl From<Record> for ResourceRecord {
    fn from(record: Record) -> Self {
        ResourceRecord { owner: record.owner, ttl: record.ttl, data: record.data }
    }
}
