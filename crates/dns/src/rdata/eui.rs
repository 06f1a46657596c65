//! Addresses of network hardware (RFC 7043, sections 3.2 and 4.2).

use std::{fmt, str};

use super::WireError;
use super::fields::{FieldError, Fields, error, excerpt};
use super::form::{FieldKind, Style};
use super::kinds::take_octets;
use crate::{Message, message};

/// So many octets in hexadecimal, with dashes between.
pub(super) struct Eui<const OCTETS: usize>;

impl<const OCTETS: usize> FieldKind for Eui<OCTETS> {
    fn name(&self) -> &'static str {
        if OCTETS == 6 { "eui48" } else { "eui64" }
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let token = fields.word(what)?;
        let octets: Option<Vec<u8>> = token.raw.split(|octet| *octet == b'-').map(pair).collect();
        let octets = octets.filter(|octets| octets.len() == OCTETS).ok_or_else(|| {
            let detail = message!(
                "{what} must be {count} pairs of hexadecimal digits with a dash between, not \"{found}\"",
                what,
                count = OCTETS,
                found = excerpt(token.raw)
            );
            error(token, "field-eui", detail)
        })?;
        wire.extend(octets);
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        take_octets(wire, OCTETS, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        let pairs: Vec<_> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        out.write_str(&pairs.join("-"))
    }
}

fn pair(digits: &[u8]) -> Option<u8> {
    let plain = (1..=2).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let text = str::from_utf8(digits).ok().filter(|_| plain)?;
    u8::from_str_radix(text, 16).ok()
}
