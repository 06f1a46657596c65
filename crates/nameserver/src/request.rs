//! Reading queries: what is asked, what the client can take, and what is wrong with the message.

use domain::base::header::Header;
use domain::base::iana::{Opcode, OptRcode, Rtype};
use domain::base::message::Message;
use domain::base::opt::{Opt, OptRecord};
use domain::base::record::ParsedRecord;
use domain::rdata::Soa;

use dns::Serial;

use crate::name::FlatName;

/// A message that is to be answered.
pub(crate) struct Request {
    /// Its header.
    pub(crate) header: Header,
    /// The question, where there is exactly one and it can be read.
    pub(crate) question: Option<Question>,
    /// What the client says of EDNS, where it does.
    pub(crate) edns: Option<Edns>,
    /// What is wrong with the message, which is then all of the answer.
    pub(crate) fault: Option<OptRcode>,
    /// With IXFR: the version that the client has (RFC 1995, section 3).
    pub(crate) client_serial: Option<Serial>,
}

/// What is asked.
pub(crate) struct Question {
    /// The name in the letters in which it was asked.
    pub(crate) asked: FlatName,
    /// The name in lower case.
    pub(crate) name: FlatName,
    /// The type's number.
    pub(crate) qtype: u16,
    /// The class's number.
    pub(crate) qclass: u16,
}

/// An OPT record (RFC 6891, section 6.1). Its options are read over: none of them has to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edns {
    /// The octets that the client takes over UDP.
    pub(crate) payload_size: u16,
    /// Whether it wants DNSSEC records.
    pub(crate) dnssec_ok: bool,
}

impl Request {
    /// Reads a message; `None` where it is to be dropped: too short to have a header, or itself a response.
    pub(crate) fn read(packet: &[u8]) -> Option<Request> {
        let message = Message::from_octets(packet).ok()?;
        let header = message.header();
        if header.qr() {
            return None;
        }
        let mut request = Request { header, question: None, edns: None, fault: None, client_serial: None };
        request.fault = request.read_body(&message).err();
        if header.opcode() != Opcode::QUERY {
            request.fault = Some(OptRcode::NOTIMP);
        }
        Some(request)
    }

    fn read_body(&mut self, message: &Message<&[u8]>) -> Result<(), OptRcode> {
        const FORMERR: OptRcode = OptRcode::FORMERR;
        let question = message.sole_question().map_err(|_| FORMERR)?;
        let labels = question.qname().iter().filter(|label| !label.is_root());
        let asked = FlatName::from_labels(labels.map(|label| label.as_slice())).ok_or(FORMERR)?;
        let qtype = question.qtype();
        self.question = Some(Question {
            asked,
            name: asked.to_lower_case(),
            qtype: qtype.to_int(),
            qclass: question.qclass().to_int(),
        });
        let counts = message.header_counts();
        if (counts.ancount(), counts.nscount(), counts.arcount()) == (0, 0, 0) {
            return Ok(());
        }
        let answer = message.answer().map_err(|_| FORMERR)?;
        let mut section = Some(answer);
        let mut number = 0;
        while let Some(mut records) = section {
            for record in records.by_ref() {
                let record = record.map_err(|_| FORMERR)?;
                match number {
                    1 if qtype == Rtype::IXFR => self.read_client_version(&record)?,
                    2 if record.rtype() == Rtype::OPT => self.read_edns(&record)?,
                    _ => {}
                }
            }
            section = records.next_section().map_err(|_| FORMERR)?;
            number += 1;
        }
        Ok(())
    }

    fn read_client_version(&mut self, record: &ParsedRecord<'_, &[u8]>) -> Result<(), OptRcode> {
        if let Some(soa) = record.to_record::<Soa<_>>().map_err(|_| OptRcode::FORMERR)? {
            self.client_serial = Some(Serial(soa.data().serial().into_int()));
        }
        Ok(())
    }

    fn read_edns(&mut self, record: &ParsedRecord<'_, &[u8]>) -> Result<(), OptRcode> {
        // RFC 6891, section 6.1.1: more than one OPT, or one that does not belong to the root, is a format error.
        let opt = record.to_record::<Opt<_>>().ok().flatten().ok_or(OptRcode::FORMERR)?;
        if self.edns.is_some() || !record.owner().iter().all(|label| label.is_root()) {
            return Err(OptRcode::FORMERR);
        }
        let opt = OptRecord::from(opt);
        self.edns = Some(Edns { payload_size: opt.udp_payload_size(), dnssec_ok: opt.dnssec_ok() });
        if opt.version() == 0 { Ok(()) } else { Err(OptRcode::BADVERS) }
    }
}
