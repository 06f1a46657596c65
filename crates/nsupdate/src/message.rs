//! UPDATE messages (RFC 2136, section 2): parsing, and errors of malformed messages.
//!
//! The whole message is parsed before its prerequisites are checked, so that a message that is malformed at its end has no effect.

use std::collections::{BTreeMap, BTreeSet};

use dns::change::{DynamicStep, DynamicUpdate, Prerequisite};
use dns::{Name, OwnerName, RecordData, RecordType, ZoneName};
use domain::base::header::Header;
use domain::base::iana::{Class, Opcode, Rcode, Rtype};
use domain::base::message::Message;
use domain::base::record::ParsedRecord;
use domain::base::{ParsedName, ToName as _};
use store::RefusedBy;
use wire::WireRecord;

use crate::refusal::Refusal;

type Parsed<'m> = ParsedRecord<'m, [u8]>;

/// Whether a message is a dynamic update.
pub(crate) fn is_update(message: &[u8]) -> bool {
    message.first_chunk::<12>().is_some_and(|octets| {
        let header = Header::for_message_slice(octets);
        header.opcode() == Opcode::UPDATE && !header.qr()
    })
}

/// Whether an update consists of prerequisites only.
pub(crate) fn has_no_steps(message: &[u8]) -> bool {
    Message::from_slice(message).is_ok_and(|message| message.header_counts().nscount() == 0)
}

/// The zone that an update is for (section 3.1.1).
pub(crate) fn zone(message: &Message<[u8]>) -> Result<Name, Refusal> {
    let malformed = || Refusal::malformed("update", "the zone section has not exactly one SOA question");
    if message.header_counts().qdcount() != 1 {
        return Err(malformed());
    }
    let question = message.sole_question().map_err(|_| malformed())?;
    if question.qtype() != Rtype::SOA {
        return Err(malformed());
    }
    let name = name(question.qname()).ok_or_else(malformed)?;
    if question.qclass() != Class::IN {
        return Err(Refusal::new(Rcode::NOTAUTH, RefusedBy::Zone, asked_zone(&name), "zones have the class IN"));
    }
    Ok(name)
}

/// A whole message in one line, for the log.
pub(crate) fn asked_zone(zone: &Name) -> String {
    format!("update {}", zone.fqdn())
}

/// A step in one line, for the log.
pub(crate) fn asked_step(step: &DynamicStep, zone: &ZoneName) -> String {
    let owner = step.owner().in_zone(zone);
    match step {
        DynamicStep::Add(_, _, data) => format!("add {} {}", owner.fqdn(), data.record_type()),
        DynamicStep::DeleteRecord(_, code, _) => format!("delete a record {} {}", owner.fqdn(), type_name(*code)),
        DynamicStep::DeleteSet(_, code) => format!("delete {} {}", owner.fqdn(), type_name(*code)),
        DynamicStep::DeleteName(_) => format!("delete {}", owner.fqdn()),
    }
}

/// The name of a type, also of types that zones cannot have.
pub(crate) fn type_name(code: u16) -> String {
    Rtype::from_int(code).to_string()
}

/// The prerequisites and steps of a message. SOA records among the steps are left out: the server maintains the serial.
pub(crate) fn read(message: &Message<[u8]>, zone: &ZoneName) -> Result<DynamicUpdate, Refusal> {
    let reader = Reader { zone };
    let unreadable = |_| Refusal::malformed(asked_zone(zone.name()), "a record cannot be read");
    let mut update = DynamicUpdate { prerequisites: Vec::new(), steps: Vec::new() };
    let mut sets = BTreeMap::new();
    for record in message.prerequisite().map_err(unreadable)? {
        let record = record.map_err(unreadable)?;
        reader.prerequisite(&record, &mut sets, &mut update.prerequisites)?;
    }
    update
        .prerequisites
        .extend(sets.into_iter().map(|((owner, code), data)| Prerequisite::SetEquals(owner, code, data)));
    for record in message.update().map_err(unreadable)? {
        update.steps.extend(reader.step(&record.map_err(unreadable)?)?);
    }
    // The additional section is not used, but it must be readable.
    for record in message.additional().map_err(unreadable)? {
        record.map_err(unreadable)?;
    }
    Ok(update)
}

struct Reader<'z> {
    zone: &'z ZoneName,
}

impl Reader<'_> {
    /// Section 3.2: class ANY and NONE ask about names and RRsets, class IN about the data of an RRset.
    fn prerequisite(
        &self,
        record: &Parsed<'_>,
        sets: &mut BTreeMap<(OwnerName, u16), BTreeSet<Vec<u8>>>,
        prerequisites: &mut Vec<Prerequisite>,
    ) -> Result<(), Refusal> {
        let owner = self.owner(record)?;
        let (code, is_any) = (record.rtype().to_int(), record.rtype() == Rtype::ANY);
        let malformed = |detail| Err(self.malformed(record, detail));
        if record.ttl().as_secs() != 0 {
            return malformed("the TTL of a prerequisite is not 0");
        }
        if !is_any && is_meta(record.rtype()) {
            return malformed("a prerequisite has a type of queries");
        }
        let has_data = record.rdlen() > 0;
        match record.class() {
            Class::ANY | Class::NONE if has_data => return malformed("a prerequisite of this class has data"),
            Class::ANY if is_any => prerequisites.push(Prerequisite::NameInUse(owner)),
            Class::ANY => prerequisites.push(Prerequisite::SetExists(owner, code)),
            Class::NONE if is_any => prerequisites.push(Prerequisite::NameNotInUse(owner)),
            Class::NONE => prerequisites.push(Prerequisite::SetMissing(owner, code)),
            Class::IN if !is_any => {
                let data = self.data(record)?.data;
                sets.entry((owner, code)).or_default().insert(canonical(code, data.into()));
            }
            _ => return malformed("a prerequisite has another class than IN, ANY and NONE"),
        }
        Ok(())
    }

    /// Section 3.4.1: class IN adds, class ANY deletes RRsets, class NONE deletes records.
    fn step(&self, record: &Parsed<'_>) -> Result<Option<DynamicStep>, Refusal> {
        let owner = self.owner(record)?;
        let (code, is_any) = (record.rtype().to_int(), record.rtype() == Rtype::ANY);
        let malformed = |detail| Err(self.malformed(record, detail));
        if !is_any && is_meta(record.rtype()) {
            return malformed("a record of an update has a type of queries");
        }
        let is_bare = record.ttl().as_secs() == 0 && record.rdlen() == 0;
        let step = match record.class() {
            Class::IN if !is_any => {
                let WireRecord { ttl, data, .. } = self.data(record)?;
                if record.rtype() == Rtype::SOA {
                    return Ok(None);
                }
                DynamicStep::Add(owner, ttl, self.accept(record, &data)?)
            }
            Class::ANY if !is_bare => return malformed("the deletion of an RRset has a TTL or data"),
            Class::ANY if is_any => DynamicStep::DeleteName(owner),
            Class::ANY => DynamicStep::DeleteSet(owner, code),
            Class::NONE if record.ttl().as_secs() != 0 => return malformed("the deletion of a record has a TTL"),
            Class::NONE if !is_any => {
                let data = self.data(record)?.data;
                DynamicStep::DeleteRecord(owner, code, canonical(code, data.into()))
            }
            _ => return malformed("a record of an update has another class than IN, ANY and NONE, or the type ANY"),
        };
        Ok(Some(step).filter(|_| record.rtype() != Rtype::SOA))
    }

    fn owner(&self, record: &Parsed<'_>) -> Result<OwnerName, Refusal> {
        let name = name(&record.owner()).ok_or_else(|| self.malformed(record, "a name cannot be read"))?;
        OwnerName::of(&name, self.zone).ok_or_else(|| {
            let detail = format!("the name is not in the zone {}", self.zone);
            Refusal::new(Rcode::NOTZONE, RefusedBy::Zone, self.asked(record), detail)
        })
    }

    fn data(&self, record: &Parsed<'_>) -> Result<WireRecord, Refusal> {
        WireRecord::read(record).map_err(|_| self.malformed(record, "the data of a record cannot be read"))
    }

    fn accept(&self, record: &Parsed<'_>, data: &[u8]) -> Result<RecordData, Refusal> {
        let code = record.rtype().to_int();
        let refused = |detail: String| Refusal::new(Rcode::REFUSED, RefusedBy::Content, self.asked(record), detail);
        let record_type = RecordType::from_code(code).ok_or_else(|| {
            let reason = RecordType::refusal(code).map_or_else(String::new, |reason| reason.to_string());
            refused(format!("the {} record {reason}", record.rtype()))
        })?;
        RecordData::from_wire(record_type, data).map_err(|fault| refused(fault.detail.to_string()))
    }

    fn malformed(&self, record: &Parsed<'_>, detail: &str) -> Refusal {
        Refusal::malformed(self.asked(record), detail)
    }

    /// A record of the message, in one line.
    fn asked(&self, record: &Parsed<'_>) -> String {
        let owner = name(&record.owner()).map_or_else(String::new, |name| name.fqdn().to_string());
        format!("{owner} {} {}", record.class(), record.rtype())
    }
}

/// The data in the form in which equal records have equal octets. Invalid data of a type stays as it is, and equals no stored data.
fn canonical(code: u16, data: Vec<u8>) -> Vec<u8> {
    let known = RecordType::from_code(code).and_then(|known| RecordData::from_stored(known, &data, false).ok());
    known.map_or(data, |known| known.wire())
}

/// A name in lower case.
pub(crate) fn name(name: &ParsedName<&[u8]>) -> Option<Name> {
    let canonical = name.to_canonical_name::<Vec<u8>>();
    Name::from_wire(canonical.as_slice()).ok().map(|(name, _)| name)
}

/// Types that no record can have (section 3.4.1.2).
fn is_meta(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::AXFR | Rtype::IXFR | Rtype::MAILA | Rtype::MAILB | Rtype::TSIG | Rtype::TKEY | Rtype::OPT)
}
