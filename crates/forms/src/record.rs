//! The members of a record, and their conversion to a record of a zone.

use dns::change::{Amendment, NewRecord, TtlChoice};
use dns::{Fault, OwnerName, RecordData, RecordType, Ttl, ZoneName};

/// What POST and PUT say of a record: everything, but for the members that have a default.
#[derive(Debug)]
#[expect(missing_docs, reason = "the members of a record")]
pub struct WholeRecord {
    pub record_type: String,
    pub name: String,
    pub value: String,
    pub ttl: Option<Ttl>,
    pub priority: Option<u16>,
}

impl WholeRecord {
    /// The record that they make in `zone`. Without a TTL it gets that of the RRset it joins, or else the zone's default.
    ///
    /// # Errors
    ///
    /// The first rule that a member breaks.
    pub fn in_zone(&self, zone: &ZoneName) -> Result<NewRecord, Fault> {
        let record_type = RecordType::parse(&self.record_type)?;
        let owner = owner(&self.name, zone)?;
        let data = RecordData::parse(record_type, &self.value, self.priority, zone)?;
        Ok(NewRecord { owner, data, ttl: self.ttl.map_or(TtlChoice::Default, TtlChoice::Set) })
    }
}

/// What PATCH says of a record: only what is to be another.
#[derive(Debug)]
#[expect(missing_docs, reason = "the members of a record")]
pub struct RecordChanges {
    pub record_type: Option<String>,
    pub name: Option<String>,
    pub value: Option<String>,
    pub ttl: Option<TtlChoice>,
    /// `Some(None)` is an explicit null.
    pub priority: Option<Option<u16>>,
}

impl RecordChanges {
    /// What they are to change in a record of `zone`.
    ///
    /// # Errors
    ///
    /// The first rule that a member breaks.
    pub fn in_zone(&self, zone: &ZoneName) -> Result<Amendment, Fault> {
        Ok(Amendment {
            record_type: self.record_type.as_deref().map(RecordType::parse).transpose()?,
            owner: self.name.as_deref().map(|name| owner(name, zone)).transpose()?,
            value: self.value.clone(),
            ttl: self.ttl,
            priority: self.priority,
        })
    }
}

/// The owner that a user's text names in a zone.
///
/// # Errors
///
/// The text is no name, or a name outside the zone.
pub fn owner(text: &str, zone: &ZoneName) -> Result<OwnerName, Fault> {
    OwnerName::parse(text, zone).map_err(|error| Fault::of("name", "owner-name", error.message()))
}
