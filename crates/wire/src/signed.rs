//! TSIG for servers (RFC 8945): the signature of a request, and the signatures of all messages of its answer.
//!
//! [`Signature::read`] only parses. The caller looks up the key, and [`Signature::verify`] checks the message with it. The returned
//! [`Signer`] signs one message or several: the signature of a later message of a zone transfer covers the signature of the message
//! before it (section 5.3.1).
//!
//! Decided against: the server side of `domain`. It answers a wrong MAC with FORMERR, signs BADTIME over two octets too many,
//! compares algorithm names with their letter case (dnspython sends `HMAC-MD5.SIG-ALG.REG.INT`), and has no HMAC-MD5 and no
//! HMAC-SHA-224.

use std::sync::Arc;

use dns::Name;
use domain::base::iana::{Class, Rtype, TsigRcode};
use domain::base::{Message, ToName as _};
use domain::rdata::tsig::Tsig;

use crate::secret::{Algorithm, Secret};

/// The maximum difference of the clocks, in seconds (RFC 8945, section 10). If the client's fudge is larger, this value is used:
/// otherwise a recorded message could be sent again for hours.
pub const FUDGE: u16 = 300;
/// The length of a message's header, in octets.
const HEADER: usize = 12;

/// The TSIG record of a request, not verified.
#[derive(Debug, Clone)]
pub struct Signature {
    key_name: Name,
    algorithm: Option<Algorithm>,
    /// The algorithm's name in canonical wire form, known or not.
    algorithm_name: Vec<u8>,
    time: u64,
    fudge: u16,
    mac: Vec<u8>,
    original_id: u16,
    error: u16,
    other: Vec<u8>,
    /// Where the record begins in the message.
    start: usize,
}

/// The TSIG record of the message is not the last record, occurs twice, or cannot be read: FORMERR (section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the TSIG record is malformed")]
pub struct Malformed;

/// Why a signature is not accepted.
#[derive(Debug)]
pub enum Unverified {
    /// BADSIG, or BADTRUNC for a MAC that was shortened: the answer is not signed.
    Wrong(TsigRcode),
    /// BADTIME: the answer is signed, and contains the server's time.
    Time(Box<Signer>),
}

impl Signature {
    /// Reads the TSIG record of a message; `None` if it has none.
    ///
    /// # Errors
    ///
    /// [`Malformed`], also if the records of the message cannot be read.
    pub fn read(message: &[u8]) -> Result<Option<Signature>, Malformed> {
        let message = Message::from_octets(message).map_err(|_| Malformed)?;
        let mut section = message.additional().map_err(|_| Malformed)?;
        loop {
            let start = section.pos();
            let Some(record) = section.next() else { return Ok(None) };
            let record = record.map_err(|_| Malformed)?;
            if record.rtype() != Rtype::TSIG {
                continue;
            }
            let record = record.to_record::<Tsig<_, _>>().map_err(|_| Malformed)?.ok_or(Malformed)?;
            if section.next().is_some() || record.class() != Class::ANY || record.ttl().as_secs() != 0 {
                return Err(Malformed);
            }
            let data = record.data();
            let owner = record.owner().to_canonical_name::<Vec<u8>>();
            let (key_name, _) = Name::from_wire(owner.as_slice()).map_err(|_| Malformed)?;
            let algorithm_name = data.algorithm().to_canonical_name::<Vec<u8>>().as_slice().to_vec();
            return Ok(Some(Signature {
                key_name,
                algorithm: Algorithm::of_wire_name(&algorithm_name),
                algorithm_name,
                time: data.time_signed().into(),
                fudge: data.fudge(),
                mac: data.mac().to_vec(),
                original_id: data.original_id(),
                error: data.error().to_int(),
                other: data.other().to_vec(),
                start,
            }));
        }
    }

    /// The name of the key, in lower case.
    pub fn key_name(&self) -> &Name {
        &self.key_name
    }

    /// The algorithm; `None` for one that is not supported.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The MAC. It identifies a verified message.
    pub fn mac(&self) -> &[u8] {
        &self.mac
    }

    /// The last time at which the message is accepted, in seconds since 1970.
    pub fn expires(&self) -> u64 {
        self.time.saturating_add(self.fudge.min(FUDGE).into())
    }

    /// Verifies the signature of `message`, from which it was read, and removes the TSIG record: the result is the message as it was
    /// signed.
    ///
    /// # Errors
    ///
    /// See [`Unverified`]. If the key has another algorithm than the signature, the error is BADSIG; the caller has to compare the
    /// algorithms first.
    pub fn verify(&self, message: &mut Vec<u8>, key: &Arc<Secret>, now: u64) -> Result<Signer, Unverified> {
        if self.mac.len() < key.algorithm().digest_length() {
            return Err(Unverified::Wrong(TsigRcode::BADTRUNC));
        }
        self.take_off(message);
        let variables = self.variables(self.time, self.fudge, self.error, &self.other);
        if self.algorithm != Some(key.algorithm()) || !key.verifies(&[message, &variables], &self.mac) {
            return Err(Unverified::Wrong(TsigRcode::BADSIG));
        }
        let signer = Signer { request: self.clone(), key: Arc::clone(key), previous: self.mac.clone(), is_first: true };
        if now.abs_diff(self.time) > self.fudge.min(FUDGE).into() {
            return Err(Unverified::Time(Box::new(signer)));
        }
        Ok(signer)
    }

    /// Removes the record from the message that it was read from.
    pub fn take_off(&self, message: &mut Vec<u8>) {
        message.truncate(self.start);
        if let Some(header) = message.first_chunk_mut::<HEADER>() {
            [header[0], header[1]] = self.original_id.to_be_bytes();
            let additional = u16::from_be_bytes([header[10], header[11]]).saturating_sub(1);
            [header[10], header[11]] = additional.to_be_bytes();
        }
    }

    /// Appends an unsigned TSIG record with the error (section 5.3.2).
    pub fn refuse(&self, answer: &mut Vec<u8>, error: TsigRcode) {
        self.append(answer, self.time, &[], error.to_int(), &[]);
    }

    /// The maximum number of octets that [`Signer::sign`] adds to a message.
    pub fn room(&self) -> usize {
        let longest_mac = self.algorithm.map_or(0, Algorithm::digest_length);
        self.key_name.wire().len() + 10 + self.algorithm_name.len() + 16 + longest_mac + 6
    }

    /// The TSIG variables, which are signed together with the message (section 4.3.3).
    fn variables(&self, time: u64, fudge: u16, error: u16, other: &[u8]) -> Vec<u8> {
        let mut variables = self.key_name.wire().to_vec();
        variables.extend(Class::ANY.to_int().to_be_bytes());
        variables.extend([0; 4]);
        variables.extend(&self.algorithm_name);
        variables.extend(timers(time, fudge));
        variables.extend(error.to_be_bytes());
        variables.extend((other.len() as u16).to_be_bytes());
        variables.extend(other);
        variables
    }

    /// Appends a TSIG record with this signature (section 4.2).
    fn append(&self, message: &mut Vec<u8>, time: u64, mac: &[u8], error: u16, other: &[u8]) {
        let id = message.first_chunk::<2>().copied().unwrap_or_default();
        message.extend(self.key_name.wire());
        message.extend(Rtype::TSIG.to_int().to_be_bytes());
        message.extend(Class::ANY.to_int().to_be_bytes());
        message.extend([0; 4]);
        let length = self.algorithm_name.len() + 16 + mac.len() + other.len();
        message.extend((length as u16).to_be_bytes());
        message.extend(&self.algorithm_name);
        message.extend(timers(time, FUDGE));
        message.extend((mac.len() as u16).to_be_bytes());
        message.extend(mac);
        message.extend(id);
        message.extend(error.to_be_bytes());
        message.extend((other.len() as u16).to_be_bytes());
        message.extend(other);
        if let Some(header) = message.first_chunk_mut::<HEADER>() {
            let additional = u16::from_be_bytes([header[10], header[11]]).saturating_add(1);
            [header[10], header[11]] = additional.to_be_bytes();
        }
    }
}

/// Time and fudge as they are sent and signed.
fn timers(time: u64, fudge: u16) -> [u8; 8] {
    (time << 16 | u64::from(fudge)).to_be_bytes()
}

/// Signs the messages of an answer, in their order.
#[derive(Debug, Clone)]
pub struct Signer {
    request: Signature,
    key: Arc<Secret>,
    /// The MAC of the request, then of the message before.
    previous: Vec<u8>,
    is_first: bool,
}

impl Signer {
    /// Signs a message, to which nothing may be added afterwards. `now` is in seconds since 1970.
    pub fn sign(&mut self, message: &mut Vec<u8>, now: u64) {
        let mac = self.mac(message, now, TsigRcode::NOERROR.to_int(), &[]);
        self.request.append(message, now, &mac, TsigRcode::NOERROR.to_int(), &[]);
        self.previous = mac;
        self.is_first = false;
    }

    /// Signs a BADTIME answer with the server's time (section 5.2.3). The signature has the client's time, so that the client
    /// accepts it.
    pub fn refuse_time(self, message: &mut Vec<u8>, now: u64) {
        let other = now.to_be_bytes();
        let other = other.last_chunk::<6>().map_or(&[][..], |octets| octets);
        let (time, error) = (self.request.time, TsigRcode::BADTIME.to_int());
        let mac = self.mac(message, time, error, other);
        self.request.append(message, time, &mac, error, other);
    }

    /// [`Signature::room`].
    pub fn room(&self) -> usize {
        self.request.room()
    }

    fn mac(&self, message: &[u8], time: u64, error: u16, other: &[u8]) -> Vec<u8> {
        let length = (self.previous.len() as u16).to_be_bytes();
        let variables = if self.is_first {
            self.request.variables(time, FUDGE, error, other)
        } else {
            timers(time, FUDGE).to_vec()
        };
        self.key.mac(&[&length, &self.previous, message, &variables])
    }
}

/// The names of the algorithms in canonical wire form (section 6).
const WIRE_NAMES: [(Algorithm, &[u8]); 6] = [
    (Algorithm::Md5, b"\x08hmac-md5\x07sig-alg\x03reg\x03int\0"),
    (Algorithm::Sha1, b"\x09hmac-sha1\0"),
    (Algorithm::Sha224, b"\x0bhmac-sha224\0"),
    (Algorithm::Sha256, b"\x0bhmac-sha256\0"),
    (Algorithm::Sha384, b"\x0bhmac-sha384\0"),
    (Algorithm::Sha512, b"\x0bhmac-sha512\0"),
];

impl Algorithm {
    fn of_wire_name(name: &[u8]) -> Option<Algorithm> {
        WIRE_NAMES.into_iter().find(|(_, wire)| *wire == name).map(|(algorithm, _)| algorithm)
    }
}

#[cfg(test)]
mod tests;
