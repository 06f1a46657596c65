//! A client: sends a query, reads the response into something that can be compared.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use dns::Name;
use domain::base::message::Message;
use domain::base::name::ParsedName;
use domain::base::record::ParsedRecord;
use domain::rdata::AllRecordData;

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// A query to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) name: Name,
    pub(crate) qtype: u16,
    pub(crate) qclass: u16,
    pub(crate) rd: bool,
    /// The payload size and DO.
    pub(crate) edns: Option<(u16, bool)>,
    /// The serial in the authority section, for IXFR.
    pub(crate) serial: Option<u32>,
}

impl Query {
    pub(crate) fn new(name: &Name, qtype: u16) -> Query {
        Query { name: name.clone(), qtype, qclass: 1, rd: false, edns: None, serial: None }
    }

    pub(crate) fn message(&self) -> Vec<u8> {
        let mut message = vec![0x12, 0x34, u8::from(self.rd), 0, 0, 1, 0, 0, 0, 0, 0, 0];
        message.extend(self.name.wire());
        message.extend(self.qtype.to_be_bytes());
        message.extend(self.qclass.to_be_bytes());
        if let Some(serial) = self.serial {
            message[9] = 1;
            message.extend([0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0]);
            message.extend(serial.to_be_bytes());
            message.extend([0; 16]);
        }
        if let Some((size, dnssec_ok)) = self.edns {
            message[11] = 1;
            message.extend([0, 0, 41]);
            message.extend(size.to_be_bytes());
            message.extend([0, 0, if dnssec_ok { 0x80 } else { 0 }, 0, 0, 0]);
        }
        message
    }
}

/// A record as it is compared: owner, type, TTL, data; names in lower case.
pub(crate) type Line = (String, u16, u32, String);

/// A response, its sections as sets.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rcode: u16,
    pub(crate) aa: bool,
    pub(crate) tc: bool,
    pub(crate) rd: bool,
    pub(crate) ra: bool,
    pub(crate) cd: bool,
    pub(crate) question: Vec<u8>,
    pub(crate) answer: BTreeSet<Line>,
    pub(crate) authority: BTreeSet<Line>,
    pub(crate) additional: BTreeSet<Line>,
    /// Payload size and DO of the response's OPT record.
    pub(crate) edns: Option<(u16, bool)>,
    /// Whether a record stands twice in one section.
    pub(crate) repeats: bool,
    pub(crate) octets: usize,
}

impl Answer {
    /// Reads a response; panics where it is malformed.
    pub(crate) fn read(response: &[u8]) -> Answer {
        let message = Message::from_octets(response).expect("a header");
        let header = message.header();
        assert!(header.qr(), "a response");
        let (question, answer, authority, additional) = message.sections().expect("sections");
        let mut edns = None;
        let mut repeats = false;
        let mut sections = [answer, authority, additional].map(|section| {
            let mut lines = BTreeSet::new();
            for record in section {
                let record = record.expect("a record");
                if record.rtype().to_int() == 41 {
                    let flags = record.ttl().as_secs();
                    assert!(edns.is_none(), "one OPT");
                    edns = Some((record.class().to_int(), flags & 0x8000 != 0, (flags >> 24) as u16));
                } else {
                    repeats |= !lines.insert(line(&record));
                }
            }
            lines
        });
        let question_end = question.answer().expect("a question").pos();
        Answer {
            rcode: u16::from(header.rcode().to_int()) | edns.map_or(0, |(_, _, extended)| extended << 4),
            aa: header.aa(),
            tc: header.tc(),
            rd: header.rd(),
            ra: header.ra(),
            cd: header.cd(),
            question: response[12..question_end].to_vec(),
            answer: std::mem::take(&mut sections[0]),
            authority: std::mem::take(&mut sections[1]),
            additional: std::mem::take(&mut sections[2]),
            edns: edns.map(|(size, dnssec_ok, _)| (size, dnssec_ok)),
            repeats,
            octets: response.len(),
        }
    }
}

/// One line for each part, as short as differences can be read.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Answer { rcode, aa, tc, rd, ra, cd, edns, repeats, octets, .. } = self;
        writeln!(
            f,
            "rcode {rcode} aa {aa} tc {tc} rd {rd} ra {ra} cd {cd} edns {edns:?} repeats {repeats}, {octets} octets"
        )?;
        for (name, section) in
            [("answer", &self.answer), ("authority", &self.authority), ("additional", &self.additional)]
        {
            for (owner, rtype, ttl, data) in section {
                writeln!(f, "    {name}: {owner} {ttl} TYPE{rtype} {data:.100}")?;
            }
        }
        Ok(())
    }
}

fn line(record: &ParsedRecord<'_, &[u8]>) -> Line {
    let owner = record.owner().to_string().to_ascii_lowercase();
    let data = record.to_any_record::<AllRecordData<&[u8], ParsedName<&[u8]>>>().expect("record data");
    let data = format!("{:?}", data.data().to_string().to_ascii_lowercase());
    (owner, record.rtype().to_int(), record.ttl().as_secs(), data)
}

/// Sends a query and reads its response.
pub(crate) fn ask(server: SocketAddr, query: &Query, transport: Transport) -> io::Result<Answer> {
    Ok(Answer::read(&exchange(server, &query.message(), transport)?))
}

/// Sends octets and receives octets.
pub(crate) fn exchange(server: SocketAddr, message: &[u8], transport: Transport) -> io::Result<Vec<u8>> {
    match transport {
        Transport::Udp => {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.send_to(message, server)?;
            let mut response = vec![0; 65_535];
            let length = socket.recv(&mut response)?;
            response.truncate(length);
            Ok(response)
        }
        Transport::Tcp => {
            let mut stream = connect(server)?;
            send(&mut stream, message)?;
            receive(&mut stream)
        }
    }
}

pub(crate) fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(crate) fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let mut framed = (message.len() as u16).to_be_bytes().to_vec();
    framed.extend(message);
    stream.write_all(&framed)
}

pub(crate) fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// Transfers a zone: all records in their order, the SOA first and last; or the response code.
pub(crate) fn transfer(server: SocketAddr, query: &Query) -> Result<Vec<Line>, u16> {
    let mut stream = connect(server).unwrap();
    send(&mut stream, &query.message()).unwrap();
    let mut lines: Vec<Line> = Vec::new();
    loop {
        let response = receive(&mut stream).unwrap();
        let message = Message::from_octets(response.as_slice()).unwrap();
        if message.header().rcode().to_int() != 0 {
            return Err(message.header().rcode().to_int().into());
        }
        assert!(message.header().aa() || lines.is_empty());
        lines.extend(message.answer().unwrap().map(|record| line(&record.unwrap())));
        let is_soa = |line: Option<&Line>| line.is_some_and(|line| line.1 == 6);
        assert!(is_soa(lines.first()), "the SOA comes first");
        if lines.len() > 1 && is_soa(lines.last()) {
            return Ok(lines);
        }
    }
}
