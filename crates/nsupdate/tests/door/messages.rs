//! Messages that no program sends, made octet by octet, and signed by the implementation of TSIG that answers are checked with.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::base::Message as Parsed;
use domain::base::iana::{Class, Opcode, Rcode, Rtype, TsigRcode};
use domain::rdata::tsig::Tsig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use wire::secret::{Algorithm, Secret};

use crate::common::{Door, Key, ZONE};

/// Longer than any response takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message before it is signed.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) octets: Vec<u8>,
    time: Option<u64>,
}

/// A response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) rcode: Rcode,
    /// The error of its TSIG record.
    pub(crate) error: Option<TsigRcode>,
    /// Whether it has a signature, which is verified.
    pub(crate) is_signed: bool,
    /// Of its sections.
    pub(crate) counts: [u16; 4],
}

impl Message {
    pub(crate) fn empty(opcode: Opcode) -> Message {
        Message { octets: vec![0x12, 0x34, opcode.to_int() << 3, 0, 0, 0, 0, 0, 0, 0, 0, 0], time: None }
    }

    /// An update of the zone of the tests.
    pub(crate) fn update() -> Message {
        Message::update_of(ZONE)
    }

    pub(crate) fn update_of(zone: &str) -> Message {
        Message::empty(Opcode::UPDATE).zone(zone, Rtype::SOA, Class::IN)
    }

    /// The time of its signature.
    pub(crate) fn at(mut self, seconds: u64) -> Message {
        self.time = Some(seconds);
        self
    }

    pub(crate) fn zone(mut self, name: &str, rtype: Rtype, class: Class) -> Message {
        self.octets.extend(wire_name(name));
        self.octets.extend(rtype.to_int().to_be_bytes());
        self.octets.extend(class.to_int().to_be_bytes());
        self.count(4);
        self
    }

    /// A prerequisite: all of them come before the first record.
    pub(crate) fn prerequisite(self, name: &str, rtype: Rtype, class: Class, ttl: u32, data: &[u8]) -> Message {
        self.append(6, &wire_name(name), rtype, class, ttl, data)
    }

    /// A record of the update section.
    pub(crate) fn record(self, name: &str, rtype: Rtype, class: Class, ttl: u32, data: &[u8]) -> Message {
        self.append(8, &wire_name(name), rtype, class, ttl, data)
    }

    pub(crate) fn record_at(self, name: &[u8], rtype: Rtype, class: Class, ttl: u32, data: &[u8]) -> Message {
        self.append(8, name, rtype, class, ttl, data)
    }

    fn append(mut self, count: usize, name: &[u8], rtype: Rtype, class: Class, ttl: u32, data: &[u8]) -> Message {
        self.octets.extend(name);
        self.octets.extend(rtype.to_int().to_be_bytes());
        self.octets.extend(class.to_int().to_be_bytes());
        self.octets.extend(ttl.to_be_bytes());
        self.octets.extend((data.len() as u16).to_be_bytes());
        self.octets.extend(data);
        self.count(count);
        self
    }

    fn count(&mut self, at: usize) {
        self.octets[at + 1] += 1;
    }

    /// The message with a TSIG record (RFC 8945, section 4.2), and its MAC.
    pub(crate) fn signed(&self, key: &Key) -> (Vec<u8>, Vec<u8>) {
        let secret = Secret::from_octets(key.algorithm, key.secret.clone());
        let algorithm = wire_name(algorithm_name(key.algorithm));
        let time = self.time.unwrap_or_else(now) << 16 | 300;
        let mut variables = key.name.wire().to_vec();
        variables.extend([0, 255, 0, 0, 0, 0]);
        variables.extend(&algorithm);
        variables.extend(time.to_be_bytes());
        variables.extend([0, 0, 0, 0]);
        let mac = secret.mac(&[&self.octets, &variables]);
        let mut data = key.spelled.as_ref().map_or(algorithm, |spelled| wire_name(spelled));
        data.extend(time.to_be_bytes());
        data.extend((mac.len() as u16).to_be_bytes());
        data.extend(&mac);
        data.extend(&self.octets[..2]);
        data.extend([0, 0, 0, 0]);
        let signed = self.clone().append(10, key.name.wire(), Rtype::TSIG, Class::ANY, 0, &data);
        (signed.octets, mac)
    }
}

impl Door {
    /// The response over UDP; `None` where there is none.
    pub(crate) async fn send_udp(&self, message: &Message, key: Option<&Key>) -> Option<Sent> {
        let (octets, mac) = key.map_or((message.octets.clone(), Vec::new()), |key| message.signed(key));
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(&octets, self.address).await.unwrap();
        let mut response = vec![0; 65_535];
        let received = timeout(PATIENCE, socket.recv(&mut response)).await.ok()?.unwrap();
        response.truncate(received);
        Some(read(response, &octets, key, &mac))
    }

    /// The response over TCP; `None` where the connection is closed without one.
    pub(crate) async fn send_tcp(&self, message: &Message, key: Option<&Key>) -> Option<Sent> {
        let (octets, mac) = key.map_or((message.octets.clone(), Vec::new()), |key| message.signed(key));
        let response = self.exchange(&octets).await?;
        Some(read(response, &octets, key, &mac))
    }

    /// Sends octets over TCP as one message.
    pub(crate) async fn exchange(&self, octets: &[u8]) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(&[&(octets.len() as u16).to_be_bytes(), octets].concat()).await.unwrap();
        let length = timeout(PATIENCE, stream.read_u16()).await.unwrap().ok()?;
        let mut response = vec![0; length.into()];
        stream.read_exact(&mut response).await.unwrap();
        Some(response)
    }
}

/// Reads a response, and verifies its signature.
fn read(response: Vec<u8>, request: &[u8], key: Option<&Key>, mac: &[u8]) -> Sent {
    let parsed = Parsed::from_octets(response.as_slice()).unwrap();
    assert!(parsed.header().qr() && parsed.header().id().to_be_bytes() == request[..2]);
    assert_eq!(parsed.header().opcode().to_int(), request[2] >> 3 & 15);
    let counts = parsed.header_counts();
    let counts = [counts.qdcount(), counts.ancount(), counts.nscount(), counts.arcount()];
    let mut sent = Sent { rcode: parsed.header().rcode(), error: None, is_signed: false, counts };
    let mut section = parsed.additional().unwrap();
    loop {
        let start = section.pos();
        let Some(record) = section.next() else { return sent };
        let record = record.unwrap();
        if record.rtype() != Rtype::TSIG {
            continue;
        }
        let data = record.to_record::<Tsig<_, _>>().unwrap().unwrap().into_data();
        sent.error = Some(data.error());
        sent.is_signed = !data.mac().is_empty();
        if sent.is_signed {
            let key = key.unwrap();
            let mut plain = response[..start].to_vec();
            plain[11] -= 1;
            let time = u64::from(data.time_signed()) << 16 | u64::from(data.fudge());
            let mut variables = key.name.wire().to_vec();
            variables.extend([0, 255, 0, 0, 0, 0]);
            variables.extend(wire_name(algorithm_name(key.algorithm)));
            variables.extend(time.to_be_bytes());
            variables.extend(data.error().to_int().to_be_bytes());
            variables.extend((data.other().len() as u16).to_be_bytes());
            variables.extend(*data.other());
            let secret = Secret::from_octets(key.algorithm, key.secret.clone());
            let length = (mac.len() as u16).to_be_bytes();
            assert!(secret.verifies(&[&length, mac, &plain, &variables], data.mac()), "the response is signed wrongly");
        }
    }
}

/// The name of an algorithm in signatures (RFC 8945, section 6).
fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Md5 => "hmac-md5.sig-alg.reg.int",
        Algorithm::Sha1 => "hmac-sha1",
        Algorithm::Sha224 => "hmac-sha224",
        Algorithm::Sha256 => "hmac-sha256",
        Algorithm::Sha384 => "hmac-sha384",
        Algorithm::Sha512 => "hmac-sha512",
    }
}

pub(crate) fn wire_name(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut wire: Vec<u8> = labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    wire.push(0);
    wire
}

#[expect(clippy::disallowed_methods, reason = "the server has the time of the world, too")]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
