//! The difference between served and wanted records, and the update that removes it.

use std::collections::HashMap;

use dns::{Serial, Ttl, ZoneSnapshot};
use domain::base::Rtype;
use wire::WireRecord;
use wire::transfer::TransferredZone;
use wire::update::{MessageError, UpdateBuilder, UpdateMessage};

/// The type of the records in which BIND remembers how far it has signed a zone.
const BIND_PRIVATE: Rtype = Rtype::from_int(65_534);

/// How the content that is served differs from the content that should be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// What is not served. A record with a wrong TTL is here with the right one, and in `extra` with the wrong one.
    pub missing: Vec<WireRecord>,
    /// What should not be served.
    pub extra: Vec<WireRecord>,
    /// Whether the SOA differs in anything but its serial.
    pub soa: bool,
}

impl Difference {
    /// Whether the content is as it should be; of the serials this says nothing.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && !self.soa
    }
}

/// Compares, without regard to letter case and to what BIND itself adds to a zone that it signs (a customer's DS records do
/// count).
pub fn compare(wanted: &ZoneSnapshot, served: &TransferredZone) -> Difference {
    let mut missing: Vec<WireRecord> =
        wanted.records.iter().map(|record| WireRecord::from_record(record, &wanted.name)).collect();
    let mut extra = Vec::new();
    let mut ttls: HashMap<_, Option<Ttl>> =
        missing.iter().map(|record| (record.identity(), Some(record.ttl))).collect();
    for record in served.records.iter().filter(|record| !is_made_by_bind(record.record_type)) {
        match ttls.get_mut(&record.identity()) {
            Some(ttl) if *ttl == Some(record.ttl) => *ttl = None,
            _ => extra.push(record.clone()),
        }
    }
    let is_missing: Vec<bool> =
        missing.iter().map(|record| ttls.get_mut(&record.identity()).is_some_and(|ttl| ttl.take().is_some())).collect();
    let mut is_missing = is_missing.into_iter();
    missing.retain(|_| is_missing.next().unwrap_or(false));
    let soa = WireRecord::soa(&wanted.soa, &wanted.name);
    Difference { missing, extra, soa: !is_same_but_for_the_serial(&soa, &served.soa) }
}

/// The update that turns what is served into `wanted`, whose serial has to be newer than the one that is served: where the
/// content differs at the same serial, the zone needs a new version first. Without a difference it changes the serial alone.
///
/// Of a zone that BIND signs the transfer shows the signed serial; `unsigned` is then the serial that compare-and-set is about.
///
/// # Errors
///
/// See [`MessageError`].
pub fn repair(
    wanted: &ZoneSnapshot,
    served: &TransferredZone,
    unsigned: Option<Serial>,
    difference: &Difference,
) -> Result<UpdateMessage, MessageError> {
    let mut from = served.soa.clone();
    if let Some(unsigned) = unsigned {
        let numbers = from.data.last_chunk_mut::<20>().and_then(|numbers| numbers.first_chunk_mut::<4>());
        *numbers.ok_or(MessageError::NotSoa)? = unsigned.0.to_be_bytes();
    }
    let mut step = UpdateBuilder::new(wanted.name.clone(), from, WireRecord::soa(&wanted.soa, &wanted.name));
    for record in &difference.extra {
        step.remove(record.clone());
    }
    for record in &difference.missing {
        step.add(record.clone());
    }
    step.build()
}

/// The records of DNSSEC that BIND makes and keeps by itself under `dnssec-policy`.
fn is_made_by_bind(record_type: Rtype) -> bool {
    matches!(
        record_type,
        Rtype::RRSIG
            | Rtype::NSEC
            | Rtype::NSEC3
            | Rtype::NSEC3PARAM
            | Rtype::DNSKEY
            | Rtype::CDS
            | Rtype::CDNSKEY
            | BIND_PRIVATE
    )
}

fn is_same_but_for_the_serial(a: &WireRecord, b: &WireRecord) -> bool {
    let without_serial = |record: &WireRecord| {
        let numbers = record.data.len().checked_sub(20)?;
        Some((record.data[..numbers].to_vec(), record.data[numbers + 4..].to_vec(), record.ttl))
    };
    a.serial().is_some() && b.serial().is_some() && without_serial(a) == without_serial(b)
}
