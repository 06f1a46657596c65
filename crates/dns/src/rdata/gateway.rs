//! What IPSECKEY and AMTRELAY share: a number that says whether the gateway is missing (0), an IPv4 address (1), an IPv6 address
//! (2) or a host name (3).

use std::fmt;

use super::WireError;
use super::fields::{FieldError, Fields, error, excerpt};
use super::form::{FieldKind, Style};
use super::kinds::{Host, Ipv4, Ipv6};
use crate::{Message, Name, message};

/// The kind that a number stands for; `None` for no gateway.
fn kind(number: u8) -> Result<Option<&'static dyn FieldKind>, WireError> {
    match number {
        0 => Ok(None),
        1 => Ok(Some(&Ipv4)),
        2 => Ok(Some(&Ipv6)),
        3 => Ok(Some(&Host)),
        _ => Err(WireError),
    }
}

/// Reads the number.
pub(super) fn read_number(fields: &mut Fields<'_>) -> Result<u8, FieldError> {
    let start = fields.clone();
    let number = fields.u8(&message!("the gateway's type"))?;
    kind(number).map(|_| number).map_err(|_| {
        let detail = message!("the gateway's type is 0 (none), 1 (an IPv4 address), 2 (an IPv6 address) or 3 (a name)");
        start.fault("field-gateway", detail)
    })
}

/// Reads the gateway; `.` where there is none.
pub(super) fn read(fields: &mut Fields<'_>, number: u8, wire: &mut Vec<u8>) -> Result<(), FieldError> {
    if let Ok(Some(kind)) = kind(number) {
        return kind.read(fields, &Message::untranslated("gateway"), wire);
    }
    let token = fields.word(&message!("the gateway"))?;
    if token.raw == b"." {
        return Ok(());
    }
    let detail = message!("a gateway of type 0 is written as \".\", not \"{found}\"", found = excerpt(token.raw));
    Err(error(token, "field-gateway", detail))
}

pub(super) fn read_wire<'w>(wire: &'w [u8], number: u8, canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
    match kind(number)? {
        Some(kind) => kind.read_wire(wire, canonical),
        None => Ok(wire),
    }
}

pub(super) fn write(octets: &[u8], number: u8, out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
    match kind(number).map_err(|_| fmt::Error)? {
        Some(kind) => kind.write(octets, out, style),
        None => out.write_char('.'),
    }
}

pub(super) fn hosts(octets: &[u8], number: u8) -> Vec<Name> {
    kind(number).ok().flatten().map_or_else(Vec::new, |kind| kind.hosts(octets))
}
