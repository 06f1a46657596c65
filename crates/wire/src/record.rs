//! A record of any type in wire form, for transfers and updates.
//!
//! The record types of [`dns`] are those that users may edit. A nameserver may have others, so this type stores the data of any
//! type as octets.

use dns::rdata::Soa;
use dns::{Name, ResourceRecord, Serial, Ttl, ZoneName};
use domain::base::name::ParsedName;
use domain::base::rdata::ComposeRecordData;
use domain::base::record::ParsedRecord;
use domain::base::wire::ParseError;
use domain::base::{Rtype, ToName};
use domain::dep::octseq::Octets;
use domain::rdata::AllRecordData;

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

    /// A record of a message, of any class, with every name uncompressed and in lower case (RFC 4034, section 6.2, which does
    /// so for the types that may be compressed at all).
    ///
    /// # Errors
    ///
    /// The data is not data of its type, or has a name that cannot be read.
    pub fn read<Octs: Octets + ?Sized>(record: &ParsedRecord<'_, Octs>) -> Result<WireRecord, ParseError> {
        let parsed = record.to_any_record::<AllRecordData<_, ParsedName<_>>>()?;
        let mut data = Vec::with_capacity(usize::from(record.rdlen()));
        // Writing to a vector cannot fail.
        let _ = parsed.data().compose_canonical_rdata(&mut data);
        let owner = parsed.owner().to_canonical_name::<Vec<u8>>();
        let (owner, _) = Name::from_wire(owner.as_slice()).map_err(|_| ParseError::form_error("owner"))?;
        // A TTL with the top bit set is invalid (RFC 2181, section 8).
        let ttl = Ttl::new(record.ttl().as_secs()).unwrap_or(Ttl::MIN);
        Ok(WireRecord { owner, record_type: record.rtype(), ttl, data: data.into() })
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
