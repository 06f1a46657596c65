//! The edits of a change.

use crate::{Fault, OwnerName, Record, RecordData, RecordId, RecordType, Ttl, ZoneName};

/// One edit of a change. Edits are applied in order; the rules are checked on the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A new record, under an identity that the caller made.
    Create(RecordId, NewRecord),
    /// Another owner, type, data or TTL for a record that exists.
    Replace(RecordId, NewRecord),
    /// New values for some members of an existing record, merged into it after the edits before.
    Amend(RecordId, Amendment),
    /// No such record any more.
    Delete(RecordId),
    /// The RRset of one name and type becomes exactly this.
    ReplaceSet(NewSet),
    /// The RRset of one name and type has these records too. Those that it has already stay as they are.
    ExtendSet(NewSet),
    /// The RRset of one name and type loses these records, as far as it has them. The TTL does not matter.
    PruneSet(NewSet),
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
    /// The TTL of the RRset that it joins; for a new RRset, this one.
    Join(Ttl),
    /// The TTL of the RRset that it joins; for a new RRset, the zone's default TTL.
    Default,
}

/// What is to be another about a record; what is `None` stays.
///
/// It is laid over the record inside the transaction that stores the outcome: of two amendments of one record at the same time,
/// both take effect, each on what the other left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amendment {
    /// Another type. A value that is not given is read again, by the rules of this one.
    pub record_type: Option<RecordType>,
    /// Another name.
    pub owner: Option<OwnerName>,
    /// Another value, as users write it.
    pub value: Option<String>,
    /// Another TTL for the RRset; or, explicitly, the default TTL.
    pub ttl: Option<TtlChoice>,
    /// Another priority, or, explicitly, none.
    pub priority: Option<Option<u16>>,
}

impl Amendment {
    /// The record as it becomes.
    ///
    /// A type without a priority drops the old one, unless the amendment insists on one, which is a fault.
    pub fn over(&self, record: &Record, zone: &ZoneName) -> Result<NewRecord, Fault> {
        let old_type = record.data.record_type();
        let record_type = self.record_type.unwrap_or(old_type);
        let data = if record_type == old_type && self.value.is_none() && self.priority.is_none() {
            record.data.clone()
        } else {
            let kept = record.data.priority().filter(|_| record_type.has_priority());
            let priority = self.priority.unwrap_or(kept);
            match &self.value {
                Some(value) => RecordData::parse(record_type, value, priority, zone)?,
                None => RecordData::parse(record_type, &record.data.value(), priority, zone)?,
            }
        };
        let owner = self.owner.clone().unwrap_or_else(|| record.owner.clone());
        Ok(NewRecord { owner, data, ttl: self.ttl.unwrap_or(TtlChoice::Join(record.ttl)) })
    }
}
