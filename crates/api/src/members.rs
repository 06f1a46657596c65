//! The members of a record as requests carry them, and what they make of a zone's record.

use dns::change::{NewRecord, TtlChoice};
use dns::{Fault, NameError, OwnerName, RecordData, RecordType, Ttl, ZoneName};
use store::StoredRecord;
use uuid::Uuid;

use crate::json::{MemberError, Members};
use crate::query::parse_uuid;
use crate::views::iso;

/// What POST and PUT say of a record: everything, but for the members that have a default.
#[derive(Debug)]
pub(crate) struct WholeRecord {
    record_type: String,
    name: String,
    value: String,
    ttl: Option<Ttl>,
    priority: Option<u16>,
}

impl WholeRecord {
    /// Takes the members; that no others are there has been checked.
    pub(crate) fn of(members: &Members) -> Result<WholeRecord, MemberError> {
        Ok(WholeRecord {
            record_type: members.required_string("record_type")?.to_owned(),
            name: members.required_string("name")?.to_owned(),
            value: members.required_string("value")?.to_owned(),
            ttl: ttl(members)?,
            priority: priority(members)?.flatten(),
        })
    }

    /// The record that they make in `zone`. Without a TTL it gets that of the RRset it joins, or else `default_ttl`.
    pub(crate) fn in_zone(&self, zone: &ZoneName, default_ttl: Ttl) -> Result<NewRecord, Fault> {
        let record_type = RecordType::parse(&self.record_type)?;
        let owner = owner(&self.name, zone)?;
        let data = RecordData::parse(record_type, &self.value, self.priority, zone)?;
        Ok(NewRecord { owner, data, ttl: self.ttl.map_or(TtlChoice::Join(default_ttl), TtlChoice::Set) })
    }
}

/// What PATCH says of a record: only what is to be another.
#[derive(Debug)]
pub(crate) struct RecordChanges {
    record_type: Option<String>,
    name: Option<String>,
    value: Option<String>,
    ttl: Option<Ttl>,
    /// `Some(None)` is an explicit null.
    priority: Option<Option<u16>>,
}

impl RecordChanges {
    /// Takes the members; that no others are there has been checked.
    pub(crate) fn of(members: &Members) -> Result<RecordChanges, MemberError> {
        let string = |name| members.string(name).map(|text| text.map(str::to_owned));
        Ok(RecordChanges {
            record_type: string("record_type")?,
            name: string("name")?,
            value: string("value")?,
            ttl: ttl(members)?,
            priority: priority(members)?,
        })
    }

    /// The record as it becomes when they are laid over `current`.
    ///
    /// A type without a priority drops the old one unless the request insists on it, which is a fault. A value that is not given
    /// is read again where the type changes, so that it is checked against the rules of the new one.
    pub(crate) fn over(&self, current: &StoredRecord, zone: &ZoneName) -> Result<NewRecord, Fault> {
        let record = &current.record;
        let old_type = record.data.record_type();
        let record_type = self.record_type.as_deref().map_or(Ok(old_type), RecordType::parse)?;
        let new_owner = match &self.name {
            Some(name) => owner(name, zone)?,
            None => record.owner.clone(),
        };
        let data = if record_type == old_type && self.value.is_none() && self.priority.is_none() {
            record.data.clone()
        } else {
            let kept_priority = record.data.priority().filter(|_| record_type.has_priority());
            let priority = self.priority.unwrap_or(kept_priority);
            match &self.value {
                Some(value) => RecordData::parse(record_type, value, priority, zone)?,
                None => RecordData::parse(record_type, &record.data.value(), priority, zone)?,
            }
        };
        let stays = record_type == old_type && new_owner == record.owner;
        let ttl = match self.ttl {
            Some(ttl) => TtlChoice::Set(ttl),
            // To join would mean the server's TTL here, and lose the one that the user chose.
            None if stays && new_owner.is_apex() && record_type == RecordType::Ns => TtlChoice::Set(record.ttl),
            None => TtlChoice::Join(record.ttl),
        };
        Ok(NewRecord { owner: new_owner, data, ttl })
    }
}

/// The members that are only read, as a request sent them back.
#[derive(Debug)]
pub(crate) struct ReadOnly {
    uuid: Option<Uuid>,
    created_at: Option<String>,
    zone: Option<Uuid>,
}

impl ReadOnly {
    /// What PUT and PATCH know: the members of a record, and these.
    pub(crate) const WITH_RECORD: &'static [&'static str] =
        &["record_type", "name", "value", "ttl", "priority", "uuid", "created_at", "zone"];

    /// Takes the members; a text that is no identifier was never read from here.
    pub(crate) fn of(members: &Members) -> Result<ReadOnly, MemberError> {
        let uuid = |name| match members.string(name) {
            Ok(Some(text)) => parse_uuid(text).map(Some).ok_or(MemberError::ReadOnly { name }),
            other => other.map(|_| None),
        };
        Ok(ReadOnly {
            uuid: uuid("uuid")?,
            created_at: members.string("created_at")?.map(str::to_owned),
            zone: uuid("zone")?,
        })
    }

    /// Refuses what is not as it was read.
    pub(crate) fn check(&self, current: &StoredRecord) -> Result<(), MemberError> {
        let unchanged = [
            ("uuid", self.uuid.is_none_or(|uuid| uuid == current.record.id.0)),
            ("created_at", self.created_at.as_ref().is_none_or(|time| *time == iso(current.created_at))),
            ("zone", self.zone.is_none_or(|zone| zone == current.zone.0)),
        ];
        match unchanged.into_iter().find(|(_, unchanged)| !unchanged) {
            Some((name, _)) => Err(MemberError::ReadOnly { name }),
            None => Ok(()),
        }
    }
}

/// The owner that a user's text names in a zone.
pub(crate) fn owner(text: &str, zone: &ZoneName) -> Result<OwnerName, Fault> {
    OwnerName::parse(text, zone).map_err(|error: NameError| Fault::of("name", "owner-name", error.to_string()))
}

/// `ttl`; an explicit null is as good as nothing.
fn ttl(members: &Members) -> Result<Option<Ttl>, MemberError> {
    Ok(members.integer("ttl", Ttl::MAX.seconds())?.flatten().and_then(Ttl::new))
}

/// `priority`; the outer option says whether it was given, the inner whether it was null.
fn priority(members: &Members) -> Result<Option<Option<u16>>, MemberError> {
    let given = members.integer("priority", u16::MAX.into())?;
    Ok(given.map(|number| number.and_then(|number| u16::try_from(number).ok())))
}
