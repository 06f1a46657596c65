//! One UPDATE message (RFC 2136): from serial A to serial B, or nothing.
//!
//! The prerequisite is "the SOA RRset is the one with serial A" (section 2.4.2), which the nameserver checks and applies in one
//! step: compare-and-set. A message has a complete step. A step that does not fit is refused here, before anything is sent.

use std::collections::HashSet;

use dns::{Serial, ZoneDelta, ZoneName};
use domain::base::iana::{Class, Opcode};
use domain::base::message_builder::{AdditionalBuilder, HashCompressor, MessageBuilder, PushError, StreamTarget};
use domain::base::name::Name as WireName;
use domain::base::{Rtype, UnknownRecordData};

use crate::record::WireRecord;

/// The longest TSIG record: the longest key name, the longest algorithm's name and MAC (RFC 8945, section 4.2), no other data.
const MAX_TSIG: usize = 255 + 10 + 13 + 10 + 64 + 6;
/// The longest message before it is signed, in octets.
pub const MAX_UNSIGNED: usize = 65_535 - MAX_TSIG;

type Builder = AdditionalBuilder<HashCompressor<StreamTarget<Vec<u8>>>>;

/// A complete UPDATE, not yet numbered and signed. At most [`MAX_UNSIGNED`] octets.
#[derive(Debug, Clone)]
pub struct UpdateMessage {
    pub(super) zone: ZoneName,
    pub(super) builder: Builder,
}

impl UpdateMessage {
    /// The step that `delta` describes.
    ///
    /// # Errors
    ///
    /// See [`MessageError`]; there is never half a step.
    pub fn from_delta(delta: &ZoneDelta) -> Result<UpdateMessage, MessageError> {
        let zone = &delta.name;
        let (from, to) = (WireRecord::soa(&delta.from, zone), WireRecord::soa(&delta.to, zone));
        let mut step = UpdateBuilder::new(zone.clone(), from, to);
        for record in &delta.removed {
            step.remove(WireRecord::from_record(record, zone));
        }
        for record in &delta.added {
            step.add(WireRecord::from_record(record, zone));
        }
        step.build()
    }

    /// Which zone it changes.
    pub fn zone(&self) -> &ZoneName {
        &self.zone
    }

    /// Its length before it is signed, in octets.
    pub fn len(&self) -> usize {
        self.builder.as_slice().len()
    }

    /// Whether it has no octets: never, a message has a header.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Collects the records of one step in any order, and writes them in the only order that BIND carries out as a whole.
///
/// That order, with what else was measured to matter:
///
/// 1. the new SOA, so that a serial which BIND would not take is no half a step;
/// 2. additions to the apex NS set: BIND ignores the deletion of its last record, so the new ones come before the old ones go;
/// 3. all other deletions: BIND ignores a CNAME beside other data and other data beside a CNAME, so the old ones go first;
/// 4. all other additions;
/// 5. deletions from the apex NS set.
///
/// A record that is both removed and added changes its TTL. It is only added then: BIND gives the whole RRset the TTL of the
/// record that was added last, and in the apex NS set the deletion that comes last would take the record away.
#[derive(Debug, Clone)]
pub struct UpdateBuilder {
    zone: ZoneName,
    from: WireRecord,
    to: WireRecord,
    removed: Vec<WireRecord>,
    added: Vec<WireRecord>,
}

impl UpdateBuilder {
    /// A step of `zone` from the version that has one SOA to the version that has the other, with no other change yet.
    ///
    /// The nameserver compares the data of `from` as a whole, serial and timers; its TTL does not count.
    pub fn new(zone: ZoneName, from: WireRecord, to: WireRecord) -> UpdateBuilder {
        UpdateBuilder { zone, from, to, removed: Vec::new(), added: Vec::new() }
    }

    /// Takes a record away. That it is not there is no error.
    pub fn remove(&mut self, record: WireRecord) -> &mut UpdateBuilder {
        self.removed.push(record);
        self
    }

    /// Adds a record, or gives its RRset this TTL.
    pub fn add(&mut self, record: WireRecord) -> &mut UpdateBuilder {
        self.added.push(record);
        self
    }

    /// The message.
    ///
    /// # Errors
    ///
    /// See [`MessageError`].
    pub fn build(&self) -> Result<UpdateMessage, MessageError> {
        let serial = |soa: &WireRecord| soa.serial().ok_or(MessageError::NotSoa);
        let (from, to) = (serial(&self.from)?, serial(&self.to)?);
        if !to.is_newer_than(from) {
            return Err(MessageError::SerialNotNewer { from, to });
        }
        let outside = |record: &&WireRecord| !record.owner.is_within(self.zone.name());
        if let Some(record) = self.removed.iter().chain(&self.added).find(outside) {
            return Err(MessageError::OutsideZone { owner: record.owner.to_string(), zone: self.zone.to_string() });
        }
        if self.removed.iter().chain(&self.added).any(|record| record.record_type == Rtype::DNSKEY) {
            return Err(MessageError::Keys);
        }
        self.write().map_err(|_| MessageError::TooLarge { records: self.removed.len() + self.added.len() })
    }

    fn write(&self) -> Result<UpdateMessage, PushError> {
        let stays: HashSet<_> = self.added.iter().map(WireRecord::identity).collect();
        let removed = || self.removed.iter().filter(|record| !stays.contains(&record.identity()));
        let at_apex = |record: &&WireRecord| self.is_apex_ns(record);
        let elsewhere = |record: &&WireRecord| !self.is_apex_ns(record);

        let mut message = MessageBuilder::from_target(HashCompressor::new(StreamTarget::new_vec()))?;
        message.set_push_limit(MAX_UNSIGNED + 1);
        message.header_mut().set_opcode(Opcode::UPDATE);
        let mut zone = message.question();
        zone.push((wire_name(&self.from)?, Rtype::SOA, Class::IN))?;
        let mut prerequisite = zone.answer();
        prerequisite.push((wire_name(&self.from)?, Class::IN, 0, data(&self.from)?))?;

        let mut update = prerequisite.authority();
        let added = [&self.to].into_iter().chain(self.added.iter().filter(at_apex));
        for record in added {
            update.push((wire_name(record)?, Class::IN, record.ttl.seconds(), data(record)?))?;
        }
        for record in removed().filter(elsewhere) {
            update.push((wire_name(record)?, Class::NONE, 0, data(record)?))?;
        }
        for record in self.added.iter().filter(elsewhere) {
            update.push((wire_name(record)?, Class::IN, record.ttl.seconds(), data(record)?))?;
        }
        for record in removed().filter(at_apex) {
            update.push((wire_name(record)?, Class::NONE, 0, data(record)?))?;
        }
        let mut builder = update.additional();
        builder.clear_push_limit();
        Ok(UpdateMessage { zone: self.zone.clone(), builder })
    }

    fn is_apex_ns(&self, record: &WireRecord) -> bool {
        record.record_type == Rtype::NS && record.owner == *self.zone.name()
    }
}

/// Why a step cannot be one UPDATE message. Nothing has been sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It does not fit: the zone has to be loaded as a whole.
    #[error("the step of {records} records does not fit one message")]
    TooLarge {
        /// How many records were to be removed and added.
        records: usize,
    },
    /// It adds or removes a DNSKEY record. BIND reads an update with a DNSKEY as a request to sign with that key: it then
    /// increases the serial on its own, so that a step that was never sent seems to be served, or it fails because the private
    /// key is missing. From a file, it is a record like any other, so the full zone must be loaded.
    #[error("DNSKEY records change, which BIND accepts only from a file")]
    Keys,
    /// BIND would ignore the new SOA, carry out the rest, and choose a serial of its own.
    #[error("serial {to} is not newer than {from}")]
    SerialNotNewer {
        /// The serial that the step starts from.
        from: Serial,
        /// The serial that it should lead to.
        to: Serial,
    },
    /// A record that no update of this zone can hold.
    #[error("{owner} is not inside the zone {zone}")]
    OutsideZone {
        /// Its owner.
        owner: String,
        /// The zone.
        zone: String,
    },
    /// The given SOA is not valid.
    #[error("not the data of an SOA record")]
    NotSoa,
}

impl MessageError {
    /// Whether the zone can be loaded as a whole instead.
    pub fn needs_load(&self) -> bool {
        matches!(self, MessageError::TooLarge { .. } | MessageError::Keys)
    }
}

fn wire_name(record: &WireRecord) -> Result<WireName<&[u8]>, PushError> {
    // Our names are always valid, and so is data of at most 65,535 octets; longer data does not fit in any case.
    WireName::from_octets(record.owner.wire()).map_err(|_| PushError::ShortBuf)
}

fn data(record: &WireRecord) -> Result<UnknownRecordData<&[u8]>, PushError> {
    UnknownRecordData::from_octets(record.record_type, &*record.data).map_err(|_| PushError::ShortBuf)
}
