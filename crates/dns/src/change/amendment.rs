//! Some members of a record anew, and the others as they are.

use super::{NewRecord, TtlChoice};
use crate::{Fault, OwnerName, Record, RecordData, RecordType, ZoneName};

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
    /// Another TTL, for the whole RRset; or, explicitly, that of a record for which nobody gives one.
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
