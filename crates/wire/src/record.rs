//! A record of any type in wire form, for transfers and updates.
//!
//! The record types of [`dns`] are those that users may edit. A nameserver may have others, so this type stores the data of any
//! type as octets.

use dns::rdata::Soa;
use dns::{Name, ResourceRecord, Serial, Ttl, ZoneName};
use domain::base::Rtype;

/// One record of class IN. Equal octets are equal records: names are in lower case and not compressed, in the data too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WireRecord {
    /// The absolute owner.
    pub owner: Name,
    /// The type.
    pub record_type: Rtype,
    /// The TTL.
    pub ttl: Ttl,
    /// The record data (RFC 1035, section 3.2.1), at most 65,535 octets.
    pub data: Box<[u8]>,
}

impl WireRecord {
    /// A record of a zone, with its owner made absolute.
    pub fn from_record(record: &ResourceRecord, zone: &ZoneName) -> WireRecord {
        WireRecord {
            owner: record.owner.in_zone(zone),
            record_type: Rtype::from_int(record.data.record_type().code()),
            ttl: record.ttl,
            data: record.data.wire().into(),
        }
    }

    /// The SOA record of a zone.
    pub fn soa(soa: &Soa, zone: &ZoneName) -> WireRecord {
        WireRecord { owner: zone.name().clone(), record_type: Rtype::SOA, ttl: soa.ttl, data: soa.wire().into() }
    }

    /// The serial of an SOA record: the first of the five numbers after the two names (RFC 1035, section 3.3.13). `None` for other
    /// types and for data that is too short.
    pub fn serial(&self) -> Option<Serial> {
        let numbers = self.data.last_chunk::<20>().filter(|_| self.record_type == Rtype::SOA)?;
        Some(Serial(u32::from_be_bytes(*numbers.first_chunk()?)))
    }

    /// What makes it this record and no other; the TTL is its RRset's.
    pub fn identity(&self) -> (&Name, Rtype, &[u8]) {
        (&self.owner, self.record_type, &self.data)
    }
}
