//! Zone transfers: AXFR (RFC 5936), and IXFR (RFC 1995) answered with the full zone.
//!
//! A transfer uses one version of the zone and writes one message at a time, so that it needs the memory of one message for any
//! zone. Clients on this machine can transfer zones if the operator allows it; other clients never can.
//!
//! Decided against: incremental answers to IXFR. RFC 1995 allows the full zone, and the journal has every change.

use std::iter::Peekable;
use std::sync::Arc;

use dns::RecordType;
use domain::base::header::Header;
use domain::base::iana::{Class, OptRcode, Rcode, Rtype};

use crate::Zones;
use crate::answer::{Asked, Context, Transport, opt_reply, response_header};
use crate::name::wire_of;
use crate::request::{Question, Request};
use crate::writer::{Compression, Section, Writer};
use crate::zone::Zone;

/// After this many octets a message is full. More would not compress: pointers reach 16 KiB.
const MESSAGE: usize = 16_384;

/// The type of the transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransferKind {
    Axfr,
    Ixfr,
}

/// How a transfer is answered.
pub(crate) enum Start {
    /// With the whole zone.
    Stream(Transfer),
    /// With the SOA: the client has this version or a newer one, or has to come again over TCP.
    SoaOnly(Arc<Zone>),
}

/// Which transfer a query type asks for.
pub(crate) fn kind(qtype: u16) -> Option<TransferKind> {
    match Rtype::from_int(qtype) {
        Rtype::AXFR => Some(TransferKind::Axfr),
        Rtype::IXFR => Some(TransferKind::Ixfr),
        _ => None,
    }
}

/// Decides on a transfer; the error is the response code.
pub(crate) fn start(
    kind: TransferKind,
    (context, zones): (&Context, &Zones),
    request: &Request,
    question: &Question,
    asked: &Asked<'_>,
) -> Result<Start, OptRcode> {
    // RFC 5936, section 4.2: AXFR over UDP is not defined.
    if kind == TransferKind::Axfr && asked.transport == Transport::Udp {
        return Err(OptRcode::FORMERR);
    }
    if kind == TransferKind::Ixfr && request.client_serial.is_none() {
        return Err(OptRcode::FORMERR);
    }
    let allowed = match asked.transport {
        Transport::Tcp => context.loopback_transfers && asked.client.is_loopback(),
        // What UDP gets is the SOA, which everybody may have.
        Transport::Udp => true,
    };
    if !allowed {
        return Err(OptRcode::REFUSED);
    }
    let zone = zones.get(question.name.wire()).ok_or(OptRcode::NOTAUTH)?;
    let up_to_date = request.client_serial.is_some_and(|serial| !zone.serial().is_newer_than(serial));
    if kind == TransferKind::Ixfr && (up_to_date || asked.transport == Transport::Udp) {
        return Ok(Start::SoaOnly(zone));
    }
    Ok(Start::Stream(Transfer {
        zone,
        header: response_header(request, true, false, Rcode::NOERROR),
        question: question.asked.wire().into(),
        qtype: question.qtype,
        dnssec_ok: request.edns.map(|edns| edns.dnssec_ok),
        options: asked.options.into(),
    }))
}

/// A transfer that has been granted.
pub(crate) struct Transfer {
    zone: Arc<Zone>,
    header: Header,
    question: Box<[u8]>,
    qtype: u16,
    /// DNSSEC OK, where the client says something of EDNS.
    dnssec_ok: Option<bool>,
    options: Box<[u8]>,
}

impl Transfer {
    /// Its messages, from the first on.
    pub(crate) fn messages(&self) -> Messages<'_> {
        Messages {
            transfer: self,
            records: records(&self.zone).peekable(),
            first: true,
            compression: Compression::default(),
        }
    }
}

/// The messages of a transfer.
pub(crate) struct Messages<'t> {
    transfer: &'t Transfer,
    records: Peekable<Records<'t>>,
    first: bool,
    compression: Compression,
}

impl Messages<'_> {
    /// Appends the next message to `out`; false when there are no more. The first has the question (RFC 5936, section 2.2).
    pub(crate) fn next(&mut self, out: &mut Vec<u8>) -> bool {
        if self.records.peek().is_none() {
            return false;
        }
        let transfer = self.transfer;
        let opt = transfer.dnssec_ok.map(|dnssec_ok| opt_reply(OptRcode::NOERROR, dnssec_ok, &transfer.options));
        let mut writer = Writer::new(out, &mut self.compression, crate::writer::MAX_MESSAGE, opt);
        if std::mem::take(&mut self.first) {
            writer.question(&transfer.question, transfer.qtype, Class::IN.to_int());
        }
        while let Some(record) = self.records.peek() {
            let full = writer.has_records() && writer.len() + record.octets() > MESSAGE;
            let Record { owner, rtype, ttl, data } = record;
            // A single record always fits: the rules of `dns` guarantee it.
            if full || (writer.record(Section::Answer, owner, *rtype, *ttl, data).is_err() && writer.has_records()) {
                break;
            }
            self.records.next();
        }
        writer.finish(transfer.header, opt);
        true
    }
}

struct Record<'z> {
    owner: Arc<[u8]>,
    rtype: u16,
    ttl: u32,
    data: &'z [u8],
}

impl Record<'_> {
    fn octets(&self) -> usize {
        self.owner.len() + 10 + self.data.len()
    }
}

type Records<'z> = Box<dyn Iterator<Item = Record<'z>> + Send + 'z>;

/// All records, the SOA first and again last (RFC 5936, section 2.2).
fn records(zone: &Zone) -> Records<'_> {
    let soa = move || {
        let rrset = zone.apex().and_then(|apex| apex.rrset(RecordType::Soa.code()));
        rrset.into_iter().flat_map(move |rrset| {
            let owner: Arc<[u8]> = zone.name().name().wire().into();
            rrset.records().map(move |data| Record { owner: owner.clone(), rtype: rrset.rtype, ttl: rrset.ttl, data })
        })
    };
    let others = zone.nodes().flat_map(move |node| {
        let owner = wire_of(node.key(), zone.name());
        node.rrsets().filter(|rrset| rrset.rtype != RecordType::Soa.code()).flat_map(move |rrset| {
            let owner = owner.clone();
            rrset.records().map(move |data| Record { owner: owner.clone(), rtype: rrset.rtype, ttl: rrset.ttl, data })
        })
    });
    Box::new(soa().chain(others).chain(soa()))
}
