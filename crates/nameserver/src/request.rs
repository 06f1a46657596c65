//! Parses queries: the question, the client's limits, and errors of the message.

use domain::base::header::Header;
use domain::base::iana::{Opcode, OptRcode, OptionCode, Rtype};
use domain::base::message::Message;
use domain::base::opt::{Opt, OptRecord, UnknownOptData};
use domain::base::record::ParsedRecord;
use domain::rdata::Soa;

use dns::Serial;

use crate::cookie::Cookie;
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

/// The question.
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

/// An OPT record (RFC 6891, section 6.1). Options that are not answered are read over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edns {
    /// The octets that the client takes over UDP.
    pub(crate) payload_size: u16,
    /// Whether it wants DNSSEC records.
    pub(crate) dnssec_ok: bool,
    /// The COOKIE option (RFC 7873), the first where there are several.
    pub(crate) cookie: Option<Cookie>,
    /// Whether the client asks for the server's identifier (RFC 5001).
    pub(crate) nsid: bool,
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
        if message.header_counts().qdcount() == 0 {
            // RFC 7873, section 5.4: a query without a question asks for a cookie. Anything else needs a question.
            self.read_records(message, None)?;
            let asks_for_cookie = self.edns.is_some_and(|edns| edns.cookie.is_some());
            return if asks_for_cookie { Ok(()) } else { Err(FORMERR) };
        }
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
        self.read_records(message, Some(qtype))
    }

    fn read_records(&mut self, message: &Message<&[u8]>, qtype: Option<Rtype>) -> Result<(), OptRcode> {
        const FORMERR: OptRcode = OptRcode::FORMERR;
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
                    1 if qtype == Some(Rtype::IXFR) => self.read_client_version(&record)?,
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
        let (payload_size, dnssec_ok) = (opt.udp_payload_size(), opt.dnssec_ok());
        let edns = self.edns.insert(Edns { payload_size, dnssec_ok, cookie: None, nsid: false });
        // What a later version means by its options is not known.
        if opt.version() != 0 {
            return Err(OptRcode::BADVERS);
        }
        for option in opt.opt().iter::<UnknownOptData<_>>() {
            let option = option.map_err(|_| OptRcode::FORMERR)?;
            match option.code() {
                OptionCode::COOKIE if edns.cookie.is_none() => {
                    edns.cookie = Some(Cookie::read(option.as_slice()).ok_or(OptRcode::FORMERR)?);
                }
                OptionCode::NSID => edns.nsid = true,
                _ => {}
            }
        }
        Ok(())
    }
}
