//! The messages of the control channel: signing, encoding, verifying, decoding.
//!
//! A frame is its length in four octets and a message: four octets of version, then a table. A table is a sequence of entries
//! `key length (1), key, type (1), value length (4), value`; all numbers are big-endian. The first entry, `_auth`, has the HMAC
//! over everything after it.
//!
//! A response is verified before it is decoded: the position of `_auth` is fixed, so the decoder for nested tables reads only
//! data from the holder of the key. It has limits nevertheless.

use std::borrow::Cow;
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::key::ControlKey;

/// The longest message named reads, without the four octets of its length. A longer one makes it close the connection.
const MAX_REQUEST: usize = 32 * 1024;

/// The longest command line. The rest of a message never takes more than 256 octets.
const MAX_COMMAND: usize = MAX_REQUEST - 256;

/// The longest answer that is read. `rndc` has the same limit.
pub(super) const MAX_ANSWER: usize = 1024 * 1024;

const VERSION: u32 = 1;
const TYPE_OCTETS: u8 = 1;
const TYPE_TABLE: u8 = 2;

/// The `hsha` value: one octet for the algorithm, then base64 padded with NUL.
const AUTHENTICATOR_LEN: usize = 1 + 88;

/// Seconds after which named ignores a message that was held up.
const LIFETIME: u64 = 60;

/// A table in a table is the deepest that is used.
const MAX_DEPTH: usize = 4;
const MAX_ENTRIES: usize = 64;

/// A message to named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// Must not occur twice with the same `sent`, from any client: named takes it for a replay.
    pub(super) serial: u32,
    /// Seconds since 1970, at most 300 away from named's clock.
    pub(super) sent: u64,
    /// What named gave in its first answer on this connection; absent in the first message.
    pub(super) nonce: Option<u32>,
    /// The command line, of a length that [`check_length`] accepts.
    pub(super) command: &'a str,
}

impl Request<'_> {
    /// The whole frame, to be written at once.
    pub(super) fn seal(&self, key: &ControlKey) -> Vec<u8> {
        let mut signed = Vec::new();
        put_table(&mut signed, "_ctrl", |table| {
            put_octets(table, "_ser", self.serial.to_string().as_bytes());
            put_octets(table, "_tim", self.sent.to_string().as_bytes());
            put_octets(table, "_exp", self.sent.saturating_add(LIFETIME).to_string().as_bytes());
            if let Some(nonce) = self.nonce {
                put_octets(table, "_nonce", nonce.to_string().as_bytes());
            }
        });
        put_table(&mut signed, "_data", |table| {
            put_octets(table, "type", self.command.as_bytes());
        });

        let mut authenticator = vec![key.algorithm_code()];
        authenticator.extend(BASE64.encode(key.sign(&signed)).bytes());
        authenticator.resize(AUTHENTICATOR_LEN, 0);

        let mut message = VERSION.to_be_bytes().to_vec();
        put_table(&mut message, "_auth", |table| put_octets(table, "hsha", &authenticator));
        message.extend(signed);
        let mut frame = length(message.len()).to_vec();
        frame.extend(message);
        frame
    }
}

/// A message from named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    /// That of the request.
    pub(super) serial: u32,
    /// That of the connection.
    pub(super) nonce: u32,
    /// 0 is success. Other numbers differ between releases of BIND.
    pub(super) result: u32,
    /// What the result means. Empty on success.
    pub(super) error: String,
    /// What named says beside it.
    pub(super) text: String,
}

impl Response {
    /// Verifies and decodes a message, its length already taken off.
    pub(super) fn open(message: &[u8], key: &ControlKey) -> Result<Response, ProtocolError> {
        let mut rest = message;
        let version = u32::from_be_bytes(take_array(&mut rest)?);
        if version != VERSION {
            return Err(ProtocolError::Version(version));
        }
        verify(&mut rest, key)?;
        let message = Table::decode(rest, &mut Budget::default(), 1)?;
        let control = message.table("_ctrl")?;
        let data = message.table("_data")?;
        if control.number("_rpl")? != 1 {
            return Err(ProtocolError::Unrelated);
        }
        Ok(Response {
            serial: control.number("_ser")?,
            nonce: control.number("_nonce")?,
            result: data.number("result")?,
            error: data.text("err").into_owned(),
            text: data.text("text").into_owned(),
        })
    }
}

/// Refuses a command line that named would not read.
pub(super) fn check_length(command: &str) -> Result<(), CommandTooLong> {
    if command.len() > MAX_COMMAND {
        return Err(CommandTooLong { octets: command.len() });
    }
    Ok(())
}

/// A command that is too long for named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the command is {octets} octets long, named reads at most {MAX_COMMAND}")]
pub struct CommandTooLong {
    /// The length of the command line.
    pub octets: usize,
}

/// What is wrong with an answer. The connection it came on is not used again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The HMAC is missing, was made with another algorithm, or does not fit: another key.
    #[error("the response is not signed with the channel's key")]
    Signature,
    /// The answer is longer than what is read.
    #[error("the response would be {0} octets long, more than {MAX_ANSWER}")]
    TooLong(usize),
    /// An entry ends behind the end of its table.
    #[error("an entry of the response is truncated")]
    Truncated,
    /// Tables in tables in tables.
    #[error("the tables of the response are nested too deeply")]
    TooDeep,
    /// More entries than any answer has.
    #[error("the response has too many entries")]
    TooManyEntries,
    /// A version of the protocol that this client does not speak.
    #[error("the response has protocol version {0}, not {VERSION}")]
    Version(u32),
    /// A value that is neither octets nor a table.
    #[error("the response has a value of the unknown type {0}")]
    ValueType(u8),
    /// An entry is missing or is not what it should be.
    #[error("the response has no valid entry `{0}`")]
    Entry(&'static str),
    /// A genuine message that answers something else: another serial or nonce, or a request.
    #[error("the response does not belong to the request")]
    Unrelated,
    /// The text of a response lacks a line, or the line's value is not valid.
    #[error("the text of the response has no valid line `{0}`")]
    Text(&'static str),
}

/// Takes the `_auth` entry and checks its HMAC over what remains.
fn verify(rest: &mut &[u8], key: &ControlKey) -> Result<(), ProtocolError> {
    let auth = Entry::take(rest)?;
    if (auth.name, auth.kind) != (b"_auth", TYPE_TABLE) {
        return Err(ProtocolError::Signature);
    }
    let mut inner = auth.value;
    let hsha = Entry::take(&mut inner)?;
    if (hsha.name, hsha.kind) != (b"hsha", TYPE_OCTETS) || !inner.is_empty() {
        return Err(ProtocolError::Signature);
    }
    let tag = match hsha.value.split_first() {
        Some((&code, digest)) if code == key.algorithm_code() => {
            let end = digest.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
            BASE64.decode(&digest[..end]).map_err(|_| ProtocolError::Signature)?
        }
        _ => return Err(ProtocolError::Signature),
    };
    if key.verifies(rest, &tag) { Ok(()) } else { Err(ProtocolError::Signature) }
}

/// A decoded table: its entries in order, borrowed from the message.
#[derive(Debug)]
struct Table<'a>(Vec<(&'a [u8], Value<'a>)>);

#[derive(Debug)]
enum Value<'a> {
    Octets(&'a [u8]),
    Table(Table<'a>),
}

impl<'a> Table<'a> {
    fn decode(mut octets: &'a [u8], budget: &mut Budget, depth: usize) -> Result<Table<'a>, ProtocolError> {
        if depth > MAX_DEPTH {
            return Err(ProtocolError::TooDeep);
        }
        let mut entries = Vec::new();
        while !octets.is_empty() {
            budget.spend()?;
            let Entry { name, kind, value } = Entry::take(&mut octets)?;
            let value = match kind {
                TYPE_OCTETS => Value::Octets(value),
                TYPE_TABLE => Value::Table(Table::decode(value, budget, depth + 1)?),
                unknown => return Err(ProtocolError::ValueType(unknown)),
            };
            entries.push((name, value));
        }
        Ok(Table(entries))
    }

    fn get(&self, name: &str) -> Option<&Value<'a>> {
        let mut entries = self.0.iter();
        entries.find_map(|(key, value)| (*key == name.as_bytes()).then_some(value))
    }

    fn table(&self, name: &'static str) -> Result<&Table<'a>, ProtocolError> {
        match self.get(name) {
            Some(Value::Table(table)) => Ok(table),
            _ => Err(ProtocolError::Entry(name)),
        }
    }

    fn number(&self, name: &'static str) -> Result<u32, ProtocolError> {
        match self.get(name) {
            Some(Value::Octets(digits)) => {
                str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(ProtocolError::Entry(name))
            }
            _ => Err(ProtocolError::Entry(name)),
        }
    }

    /// The text without the NUL that ends some of named's texts; empty if there is no text.
    fn text(&self, name: &str) -> Cow<'a, str> {
        match self.get(name) {
            Some(Value::Octets(text)) => String::from_utf8_lossy(text.strip_suffix(b"\0").unwrap_or(text)),
            _ => Cow::Borrowed(""),
        }
    }
}

/// The entries that may still be decoded, over all tables of a message.
struct Budget(usize);

impl Default for Budget {
    fn default() -> Budget {
        Budget(MAX_ENTRIES)
    }
}

impl Budget {
    fn spend(&mut self) -> Result<(), ProtocolError> {
        self.0 = self.0.checked_sub(1).ok_or(ProtocolError::TooManyEntries)?;
        Ok(())
    }
}

/// An entry of a table, its value not yet decoded.
struct Entry<'a> {
    name: &'a [u8],
    kind: u8,
    value: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Takes the first entry off.
    fn take(octets: &mut &'a [u8]) -> Result<Entry<'a>, ProtocolError> {
        let [name_len] = take_array(octets)?;
        let name = take(octets, usize::from(name_len))?;
        let [kind] = take_array(octets)?;
        let len = u32::from_be_bytes(take_array(octets)?);
        let len = usize::try_from(len).map_err(|_| ProtocolError::Truncated)?;
        let value = take(octets, len)?;
        Ok(Entry { name, kind, value })
    }
}

fn take<'a>(octets: &mut &'a [u8], len: usize) -> Result<&'a [u8], ProtocolError> {
    octets.split_off(..len).ok_or(ProtocolError::Truncated)
}

fn take_array<const N: usize>(octets: &mut &[u8]) -> Result<[u8; N], ProtocolError> {
    let (array, rest) = octets.split_first_chunk().ok_or(ProtocolError::Truncated)?;
    *octets = rest;
    Ok(*array)
}

fn put_table(out: &mut Vec<u8>, name: &'static str, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut table = Vec::new();
    fill(&mut table);
    put(out, name, TYPE_TABLE, &table);
}

fn put_octets(out: &mut Vec<u8>, name: &'static str, value: &[u8]) {
    put(out, name, TYPE_OCTETS, value);
}

fn put(out: &mut Vec<u8>, name: &'static str, kind: u8, value: &[u8]) {
    // Keys are words of this module, all far shorter than 255 octets.
    out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.extend(name.as_bytes());
    out.push(kind);
    out.extend(length(value.len()));
    out.extend(value);
}

/// A length as it is sent. Nothing here is longer than [`MAX_REQUEST`].
fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
pub(super) mod tests;
