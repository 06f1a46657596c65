//! Record data: one file per type, collected in one enum.
//!
//! Each type knows how users write it (`parse`, `value`, with the priority apart), how it travels and is compared (`compose`,
//! `from_wire`: uncompressed, names in lower case) and how a zone file writes it (`Display`, all names absolute). To add a type,
//! see `docs/adding-a-record-type.md`.

mod a;
mod aaaa;
mod caa;
mod cname;
mod mx;
mod ns;
mod soa;
mod srv;
pub(crate) mod text;
mod txt;

#[cfg(test)]
mod examples;

use std::fmt;

pub use a::A;
pub use aaaa::Aaaa;
pub use caa::Caa;
pub use cname::Cname;
pub use mx::Mx;
pub use ns::Ns;
pub use soa::Soa;
pub use srv::Srv;
pub use txt::Txt;

use crate::{Fault, HostName, Name, NameError, ZoneName};

/// The record types this server knows. Ordered by number, which is also their order in a zone file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum RecordType {
    /// An IPv4 address (RFC 1035, section 3.4.1).
    A = 1,
    /// A nameserver (RFC 1035, section 3.3.11).
    Ns = 2,
    /// An alias (RFC 1035, section 3.3.1).
    Cname = 5,
    /// The start of authority (RFC 1035, section 3.3.13): made by the server.
    Soa = 6,
    /// A mail exchange (RFC 1035, section 3.3.9).
    Mx = 15,
    /// Text (RFC 1035, section 3.3.14).
    Txt = 16,
    /// An IPv6 address (RFC 3596).
    Aaaa = 28,
    /// A service (RFC 2782).
    Srv = 33,
    /// Who may issue certificates (RFC 8659).
    Caa = 257,
}

impl RecordType {
    /// The types that users make records of. SOA is not among them: the server makes the only one a zone has.
    pub const EDITABLE: [RecordType; 8] =
        [Self::A, Self::Aaaa, Self::Cname, Self::Mx, Self::Txt, Self::Ns, Self::Srv, Self::Caa];

    /// Reads the name of a type that users may make, in any letter case.
    pub fn parse(text: &str) -> Result<RecordType, Fault> {
        let known = Self::EDITABLE.into_iter().find(|known| known.name().eq_ignore_ascii_case(text));
        known.ok_or_else(|| {
            let detail = if text.eq_ignore_ascii_case("SOA") {
                "the SOA record is made by the server".to_owned()
            } else {
                let all: Vec<_> = Self::EDITABLE.iter().map(|known| known.name()).collect();
                format!("\"{}\" is not a supported record type; use one of {}", text.escape_default(), all.join(", "))
            };
            Fault::of("record_type", "record-type", detail)
        })
    }

    /// Its mnemonic, in upper case.
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Ns => "NS",
            Self::Cname => "CNAME",
            Self::Soa => "SOA",
            Self::Mx => "MX",
            Self::Txt => "TXT",
            Self::Aaaa => "AAAA",
            Self::Srv => "SRV",
            Self::Caa => "CAA",
        }
    }

    /// Its number in the IANA registry.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The type with that number, if this server knows it.
    pub fn from_code(code: u16) -> Option<RecordType> {
        Self::EDITABLE.into_iter().chain([Self::Soa]).find(|known| known.code() == code)
    }

    /// Whether users give a priority beside the value.
    pub fn has_priority(self) -> bool {
        matches!(self, Self::Mx | Self::Srv)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A record's type and data, checked and in canonical form.
#[expect(missing_docs, reason = "each variant is the type it holds")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordData {
    A(A),
    Aaaa(Aaaa),
    Cname(Cname),
    Mx(Mx),
    Txt(Txt),
    Ns(Ns),
    Srv(Srv),
    Caa(Caa),
}

impl RecordData {
    /// Reads what a user gave for a record of `record_type` in `zone`.
    pub fn parse(record_type: RecordType, value: &str, priority: Option<u16>, zone: &ZoneName) -> Result<Self, Fault> {
        let priority = match (record_type.has_priority(), priority) {
            (true, None) => {
                let detail = format!("{record_type} records require a priority value");
                return Err(Fault::of("priority", "priority-required", detail));
            }
            (false, Some(_)) => {
                let detail = format!("{record_type} records have no priority; leave it out or send null");
                return Err(Fault::of("priority", "priority-not-allowed", detail));
            }
            (_, given) => given.unwrap_or_default(),
        };
        Ok(match record_type {
            RecordType::A => Self::A(A::parse(value)?),
            RecordType::Aaaa => Self::Aaaa(Aaaa::parse(value)?),
            RecordType::Cname => Self::Cname(Cname::parse(value, zone)?),
            RecordType::Mx => Self::Mx(Mx::parse(priority, value, zone)?),
            RecordType::Txt => Self::Txt(Txt::parse(value)?),
            RecordType::Ns => Self::Ns(Ns::parse(value, zone)?),
            RecordType::Srv => Self::Srv(Srv::parse(priority, value, zone)?),
            RecordType::Caa => Self::Caa(Caa::parse(value)?),
            RecordType::Soa => {
                return Err(Fault::of("record_type", "record-type", "the SOA record is made by the server"));
            }
        })
    }

    /// Reads stored data back; `quoted` is what [`RecordData::is_quoted`] said.
    pub fn from_stored(record_type: RecordType, wire: &[u8], quoted: bool) -> Result<Self, WireError> {
        Ok(match record_type {
            RecordType::A => Self::A(A::from_wire(wire)?),
            RecordType::Aaaa => Self::Aaaa(Aaaa::from_wire(wire)?),
            RecordType::Cname => Self::Cname(Cname::from_wire(wire)?),
            RecordType::Mx => Self::Mx(Mx::from_wire(wire)?),
            RecordType::Txt => Self::Txt(Txt::from_wire(wire, quoted)?),
            RecordType::Ns => Self::Ns(Ns::from_wire(wire)?),
            RecordType::Srv => Self::Srv(Srv::from_wire(wire)?),
            RecordType::Caa => Self::Caa(Caa::from_wire(wire)?),
            RecordType::Soa => return Err(WireError),
        })
    }

    /// The type.
    pub fn record_type(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
            Self::Cname(_) => RecordType::Cname,
            Self::Mx(_) => RecordType::Mx,
            Self::Txt(_) => RecordType::Txt,
            Self::Ns(_) => RecordType::Ns,
            Self::Srv(_) => RecordType::Srv,
            Self::Caa(_) => RecordType::Caa,
        }
    }

    /// The value as users read it, without the priority, in canonical form.
    pub fn value(&self) -> String {
        match self {
            Self::A(data) => data.to_string(),
            Self::Aaaa(data) => data.to_string(),
            Self::Cname(data) => data.target.to_string(),
            Self::Mx(data) => data.exchange.to_string(),
            Self::Txt(data) => data.value(),
            Self::Ns(data) => data.host.to_string(),
            Self::Srv(data) => data.value(),
            Self::Caa(data) => data.to_string(),
        }
    }

    /// The priority, for the types that have one.
    pub fn priority(&self) -> Option<u16> {
        match self {
            Self::Mx(data) => Some(data.preference),
            Self::Srv(data) => Some(data.priority),
            _ => None,
        }
    }

    /// The host that the data points at, for the types that have one.
    pub fn target(&self) -> Option<&HostName> {
        match self {
            Self::Cname(data) => Some(&data.target),
            Self::Mx(data) => Some(&data.exchange),
            Self::Ns(data) => Some(&data.host),
            Self::Srv(data) => Some(&data.target),
            Self::A(_) | Self::Aaaa(_) | Self::Txt(_) | Self::Caa(_) => None,
        }
    }

    /// The data in wire form, uncompressed. Two records of one type are the same record when these octets are equal.
    pub fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(32);
        match self {
            Self::A(data) => data.compose(&mut wire),
            Self::Aaaa(data) => data.compose(&mut wire),
            Self::Cname(data) => data.compose(&mut wire),
            Self::Mx(data) => data.compose(&mut wire),
            Self::Txt(data) => data.compose(&mut wire),
            Self::Ns(data) => data.compose(&mut wire),
            Self::Srv(data) => data.compose(&mut wire),
            Self::Caa(data) => data.compose(&mut wire),
        }
        wire
    }

    /// Whether the user wrote quoted strings, which are answered as quoted strings. Says nothing about what is served.
    pub fn is_quoted(&self) -> bool {
        matches!(self, Self::Txt(data) if data.is_quoted())
    }
}

/// As a zone file has it, with the priority in its place and every name absolute.
impl fmt::Display for RecordData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(data) => data.fmt(f),
            Self::Aaaa(data) => data.fmt(f),
            Self::Cname(data) => data.fmt(f),
            Self::Mx(data) => data.fmt(f),
            Self::Txt(data) => data.fmt(f),
            Self::Ns(data) => data.fmt(f),
            Self::Srv(data) => data.fmt(f),
            Self::Caa(data) => data.fmt(f),
        }
    }
}

/// Octets that are no record data of their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not record data of this type in wire form")]
pub struct WireError;

impl From<NameError> for WireError {
    fn from(_: NameError) -> Self {
        WireError
    }
}

/// The 16-bit number at the start of `wire`, and what follows it.
fn take_u16(wire: &[u8]) -> Result<(u16, &[u8]), WireError> {
    let (octets, rest) = wire.split_first_chunk::<2>().ok_or(WireError)?;
    Ok((u16::from_be_bytes(*octets), rest))
}

/// The name that is all of `wire`.
fn only_name(wire: &[u8]) -> Result<HostName, WireError> {
    match Name::from_wire(wire)? {
        (name, []) => Ok(HostName::from(name)),
        _ => Err(WireError),
    }
}

/// Reads a target; `.` only where the type gives it a meaning.
fn parse_target(text: &str, zone: &ZoneName, root_allowed: bool) -> Result<HostName, Fault> {
    let target =
        HostName::parse(text.trim(), zone).map_err(|error| Fault::of("value", "host-name", error.to_string()))?;
    if target.name().is_root() && !root_allowed {
        return Err(Fault::of(
            "value",
            "host-name-root",
            "\".\" is no host name here; give a full name such as host.example.com",
        ));
    }
    Ok(target)
}
