//! The kinds of fields that many types share. Kinds of a single type are in that type's file.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str;

use base64::Engine;

use super::fields::{BASE64, FieldError, Fields, MAX_STRING, error, excerpt};
use super::form::{FieldKind, Style};
use super::{WireError, text};
use crate::{HostName, Message, Name, message};

/// A number of one octet.
pub(super) struct U8;
/// A number of two octets.
pub(super) struct U16;
/// A number of four octets.
pub(super) struct U32;
/// A domain name, in lower case and never compressed.
pub(super) struct Domain;
/// The domain name of a host; also the root, for none.
pub(super) struct Host;
/// An IPv4 address.
pub(super) struct Ipv4;
/// An IPv6 address, written in the form of RFC 5952.
pub(super) struct Ipv6;
/// A character-string: an octet of length, and up to 255 octets.
pub(super) struct Text;
/// One or more character-strings, to the end.
pub(super) struct Texts;
/// Text without an octet of length, to the end.
pub(super) struct LongText;
/// Octets, to the end, as hexadecimal digits; at least one.
pub(super) struct Hex;
/// Octets, to the end, as base64; at least one.
pub(super) struct Base64;
/// Octets, to the end, as base64; there may be none.
pub(super) struct OptionalBase64;

/// The first `count` octets, appended as they are; gives what follows.
pub(super) fn take_octets<'w>(wire: &'w [u8], count: usize, canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
    let (octets, rest) = wire.split_at_checked(count).ok_or(WireError)?;
    canonical.extend(octets);
    Ok(rest)
}

/// All octets, at least `least`.
pub(super) fn take_rest<'w>(wire: &'w [u8], least: usize, canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
    if wire.len() < least {
        return Err(WireError);
    }
    take_octets(wire, wire.len(), canonical)
}

/// A number of up to four octets, big end first.
pub(super) fn big_endian(octets: &[u8]) -> u32 {
    octets.iter().fold(0, |number, octet| number << 8 | u32::from(*octet))
}

macro_rules! number {
    ($kind:ident, $number:ident, $name:literal) => {
        impl FieldKind for $kind {
            fn name(&self) -> &'static str {
                $name
            }

            fn range(&self) -> Option<(u32, u32)> {
                Some((0, $number::MAX.into()))
            }

            fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
                wire.extend(fields.$number(what)?.to_be_bytes());
                Ok(())
            }

            fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
                take_octets(wire, size_of::<$number>(), canonical)
            }

            fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
                write!(out, "{}", big_endian(octets))
            }
        }
    };
}

number!(U8, u8, "u8");
number!(U16, u16, "u16");
number!(U32, u32, "u32");

impl FieldKind for Domain {
    fn name(&self) -> &'static str {
        "name"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        wire.extend(fields.name(what)?.wire());
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        let (name, rest) = Name::from_wire(wire)?;
        canonical.extend(name.wire());
        Ok(rest)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
        let (name, _) = Name::from_wire(octets).map_err(|_| fmt::Error)?;
        match style {
            Style::File => write!(out, "{}", name.fqdn()),
            Style::Value => write!(out, "{}", HostName::from(name)),
        }
    }
}

impl FieldKind for Host {
    fn name(&self) -> &'static str {
        Domain.name()
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        wire.extend(fields.host(what)?.wire());
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        Domain.read_wire(wire, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
        Domain.write(octets, out, style)
    }

    fn hosts(&self, octets: &[u8]) -> Vec<Name> {
        Name::from_wire(octets).map_or_else(|_| Vec::new(), |(name, _)| vec![name])
    }
}

macro_rules! address {
    ($kind:ident, $address:ident, $name:literal, $octets:literal, $example:literal) => {
        impl FieldKind for $kind {
            fn name(&self) -> &'static str {
                $name
            }

            fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
                let token = fields.word(what)?;
                let address = str::from_utf8(token.raw).ok().and_then(|text| text.parse::<$address>().ok());
                let address = address.ok_or_else(|| {
                    let detail = message!(
                        "{what} must be an address such as {example}, not \"{found}\"",
                        what,
                        example = $example.to_owned(),
                        found = excerpt(token.raw)
                    );
                    error(token, "field-address", detail)
                })?;
                wire.extend(address.octets());
                Ok(())
            }

            fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
                take_octets(wire, $octets, canonical)
            }

            fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
                let octets = <[u8; $octets]>::try_from(octets).map_err(|_| fmt::Error)?;
                write!(out, "{}", $address::from(octets))
            }
        }
    };
}

address!(Ipv4, Ipv4Addr, "ipv4", 4, "192.0.2.1");
address!(Ipv6, Ipv6Addr, "ipv6", 16, "2001:db8::1");

impl FieldKind for Text {
    fn name(&self) -> &'static str {
        "string"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let string = fields.string(what)?;
        wire.push(string.len() as u8);
        wire.extend(string);
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        let length = *wire.first().ok_or(WireError)?;
        take_octets(wire, 1 + usize::from(length), canonical)
    }

    fn write(&self, octets: &[u8], mut out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        text::write_quoted(&mut out, octets.get(1..).unwrap_or_default())
    }
}

impl FieldKind for Texts {
    fn name(&self) -> &'static str {
        "strings"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        Text.read(fields, what, wire)?;
        while !fields.is_empty() {
            Text.read(fields, what, wire)?;
        }
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        let mut rest = Text.read_wire(wire, canonical)?;
        while !rest.is_empty() {
            rest = Text.read_wire(rest, canonical)?;
        }
        Ok(rest)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
        let mut rest = octets;
        let mut separator = "";
        while !rest.is_empty() {
            let mut string = Vec::with_capacity(MAX_STRING + 1);
            rest = Text.read_wire(rest, &mut string).map_err(|_| fmt::Error)?;
            out.write_str(separator)?;
            Text.write(&string, out, style)?;
            separator = " ";
        }
        Ok(())
    }
}

impl FieldKind for LongText {
    fn name(&self) -> &'static str {
        "text"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        wire.extend(fields.text(what)?);
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        take_rest(wire, 0, canonical)
    }

    fn write(&self, octets: &[u8], mut out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        text::write_quoted(&mut out, octets)
    }
}

impl FieldKind for Hex {
    fn name(&self) -> &'static str {
        "hex"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        wire.extend(fields.rest_hex(what)?);
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        take_rest(wire, 1, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        octets.iter().try_for_each(|octet| write!(out, "{octet:02X}"))
    }
}

impl FieldKind for Base64 {
    fn name(&self) -> &'static str {
        "base64"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        wire.extend(fields.rest_base64(what)?);
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        take_rest(wire, 1, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        out.write_str(&BASE64.encode(octets))
    }
}

impl FieldKind for OptionalBase64 {
    fn name(&self) -> &'static str {
        Base64.name()
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        if fields.is_empty() { Ok(()) } else { Base64.read(fields, what, wire) }
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        take_rest(wire, 0, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
        Base64.write(octets, out, style)
    }
}
