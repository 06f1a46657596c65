//! Record data: one file per type, collected in one enum.
//!
//! Each type defines how users write it (`parse`, `value`, without the priority), its wire form, in which it is stored and
//! compared (`compose`, `from_wire`: uncompressed, names in lower case), and how a zone file writes it (`Display`, all names
//! absolute). To add a type, see `docs/adding-a-record-type.md`.

mod a;
mod aaaa;
mod afsdb;
mod amtrelay;
mod apl;
mod bitmap;
mod caa;
mod cdnskey;
mod cds;
mod cert;
mod cname;
mod csync;
mod dhcid;
mod digest;
mod dname;
mod dnskey;
mod ds;
mod eui;
mod eui48;
mod eui64;
pub(crate) mod fields;
mod form;
mod gateway;
mod generic;
mod hinfo;
mod hip;
mod https;
mod ipseckey;
mod key;
mod kinds;
mod kx;
mod l32;
mod l64;
mod loc;
mod locator;
mod lp;
mod mnemonic;
mod mx;
mod naptr;
mod nid;
mod ns;
mod openpgpkey;
mod ptr;
mod record_type;
mod regexp;
mod resinfo;
mod rp;
mod smimea;
mod soa;
mod spf;
mod srv;
mod sshfp;
mod svcb;
pub(crate) mod text;
mod tlsa;
mod txt;
mod uri;
mod zonemd;

#[cfg(test)]
mod examples;

use std::fmt;

use fields::{FieldError, Fields, NOT_A_HOST};

pub use a::A;
pub use aaaa::Aaaa;
pub use caa::Caa;
pub use cname::Cname;
pub use form::{Field, Form};
pub use generic::Generic;
pub(crate) use generic::GenericForm;
pub use mx::Mx;
pub use ns::Ns;
pub use record_type::{RecordType, UnknownType};
pub use soa::Soa;
pub use srv::Srv;
pub(crate) use svcb::alpn;
pub use txt::Txt;

use crate::presentation::value_tokens;
use crate::{Fault, HostName, Name, NameError, ZoneName, message};
use fields::Names;

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
    Generic(Generic),
}

impl RecordData {
    /// Reads what a user gave for a record of `record_type` in `zone`.
    pub fn parse(record_type: RecordType, value: &str, priority: Option<u16>, zone: &ZoneName) -> Result<Self, Fault> {
        let priority = match (record_type.has_priority(), priority) {
            (true, None) => {
                let detail = message!("{record_type} records require a priority value", record_type);
                return Err(Fault::of("priority", "priority-required", detail));
            }
            (false, Some(_)) => {
                let detail = message!("{record_type} records have no priority; leave it out or send null", record_type);
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
            // As TXT, whose data it has: plain text is one string, unless it is the form of RFC 3597.
            RecordType::Spf if !value.trim_start().starts_with("\\#") => {
                let mut wire = Vec::with_capacity(value.len() + 1);
                Txt::parse(value)?.compose(&mut wire);
                let unlike = |_| {
                    Fault::of("value", "record-data", message!("these strings are not valid data of an SPF record"))
                };
                Self::Generic(Generic::from_wire(record_type, &wire).map_err(unlike)?)
            }
            RecordType::Soa => {
                return Err(Fault::of(
                    "record_type",
                    "record-type",
                    message!("the SOA record is created by the server"),
                ));
            }
            _ => {
                let (tokens, end) = value_tokens(value)?;
                let mut fields = Fields::new(&tokens, Names::Api(zone), end);
                Self::from_fields(record_type, &mut fields).map_err(|error| error.fault)?
            }
        })
    }

    /// Reads data as other programs write it: one text, the priority in front. Names are full names, with or without the final
    /// dot. Strings are stored as those of a zone file: as plain text where that says the same.
    pub fn parse_whole(record_type: RecordType, whole: &str, zone: &ZoneName) -> Result<Self, Fault> {
        let whole = whole.trim();
        if !record_type.has_priority() {
            let data = Self::parse(record_type, whole, None, zone)?;
            let is_plain = data.is_quoted() && txt::is_plain(&data.wire());
            return Ok(if is_plain {
                Self::from_stored(record_type, &data.wire(), false).unwrap_or(data)
            } else {
                data
            });
        }
        let (priority, value) = whole.split_once(char::is_whitespace).unwrap_or((whole, ""));
        let priority = text::number(priority).ok_or_else(|| {
            let detail = message!("{record_type} data begins with its priority, a number from 0 to 65535", record_type);
            Fault::of("priority", "priority-range", detail)
        })?;
        Self::parse(record_type, value, Some(priority), zone)
    }

    /// Reads all data tokens of a record as a zone file has them: the priority in its place, or the form of RFC 3597. What is
    /// written in that form is checked like any other data of its type.
    pub(crate) fn from_fields(record_type: RecordType, fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let start = fields.clone();
        let no_data = || {
            start.fault(
                "record-data",
                message!("these octets are not valid data of a {record_type} record", record_type),
            )
        };
        let wire = match (record_type.form(), generic::is_unknown_form(record_type, fields)) {
            (Some(form), false) => form.read(fields)?,
            (Some(form), true) => {
                let octets = generic::read_unknown_form(fields)?;
                form.accept(&octets).map_err(|(check, reason)| start.fault(check, reason))?
            }
            (None, true) => generic::read_unknown_form(fields)?,
            (None, false) => {
                let detail =
                    message!("the data of a {record_type} record is written as \\# length hex (RFC 3597)", record_type);
                return Err(start.fault("record-generic", detail));
            }
        };
        let quoted = record_type == RecordType::Txt && !txt::is_plain(&wire);
        Self::from_stored(record_type, &wire, quoted).map_err(|_| no_data())
    }

    /// Reads data that a user sent in wire form, without compression: checked like data that is written as text.
    pub fn from_wire(record_type: RecordType, wire: &[u8]) -> Result<Self, Fault> {
        let accepted = match record_type.form() {
            Some(form) => form.accept(wire).map_err(|(check, reason)| Fault::of("value", check, reason))?,
            None => wire.to_vec(),
        };
        let quoted = record_type == RecordType::Txt && !txt::is_plain(&accepted);
        Self::from_stored(record_type, &accepted, quoted).map_err(|_| {
            let detail = message!("these octets are not valid data of a {record_type} record", record_type);
            Fault::of("value", "record-data", detail)
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
            _ => Self::Generic(Generic::from_wire(record_type, wire)?),
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
            Self::Generic(data) => data.record_type(),
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
            Self::Generic(data) => data.value(),
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
            Self::A(_) | Self::Aaaa(_) | Self::Txt(_) | Self::Caa(_) | Self::Generic(_) => None,
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
            Self::Generic(data) => wire.extend(data.wire()),
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
            Self::Generic(data) => data.fmt(f),
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

/// Reads a target that must be a host.
fn parse_host(text: &str, zone: &ZoneName, root_allowed: bool) -> Result<HostName, Fault> {
    let host = parse_target(text, zone, root_allowed)?;
    match host.name().check_host(text.trim()) {
        Ok(()) => Ok(host),
        Err(reason) => Err(Fault::of("value", NOT_A_HOST, reason.message())),
    }
}

/// Reads a target; `.` only where the type gives it a meaning.
fn parse_target(text: &str, zone: &ZoneName, root_allowed: bool) -> Result<HostName, Fault> {
    let target =
        HostName::parse(text.trim(), zone).map_err(|error| Fault::of("value", "host-name", error.message()))?;
    if target.name().is_root() && !root_allowed {
        return Err(Fault::of(
            "value",
            "host-name-root",
            message!("\".\" is not a host name here; enter a full name such as host.example.com"),
        ));
    }
    Ok(target)
}
