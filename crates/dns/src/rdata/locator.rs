//! The 64-bit values of ILNP (RFC 6742, sections 2.1.1 and 2.3.1).

use std::{fmt, str};

use super::WireError;
use super::fields::{FieldError, Fields, error, excerpt};
use super::form::{FieldKind, Style};
use super::kinds::{big_endian, take_octets};
use crate::{Message, message};

/// Four groups of up to four hexadecimal digits; none may be left out, as `::` would in an IPv6 address.
pub(super) struct Locator;

impl FieldKind for Locator {
    fn name(&self) -> &'static str {
        "locator64"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let token = fields.word(what)?;
        let groups: Option<Vec<u16>> = token.raw.split(|octet| *octet == b':').map(group).collect();
        let groups = groups.filter(|groups| groups.len() == 4).ok_or_else(|| {
            let detail = message!(
                "{what} must be four groups of hexadecimal digits, such as 14:4fff:ff20:ee64, not \"{found}\"",
                what,
                found = excerpt(token.raw)
            );
            error(token, "field-locator", detail)
        })?;
        wire.extend(groups.iter().flat_map(|group| group.to_be_bytes()));
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        take_octets(wire, 8, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        let groups: Vec<_> = octets.chunks(2).map(|group| format!("{:x}", big_endian(group))).collect();
        out.write_str(&groups.join(":"))
    }
}

fn group(digits: &[u8]) -> Option<u16> {
    let plain = (1..=4).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let text = str::from_utf8(digits).ok().filter(|_| plain)?;
    u16::from_str_radix(text, 16).ok()
}
