//! Numbers that have names.

use std::{fmt, str};

use super::WireError;
use super::fields::{FieldError, Fields, error, excerpt, number};
use super::form::{FieldKind, Style};
use super::kinds::{big_endian, take_octets};
use crate::{Message, message};

/// A number of one or two octets, some of which may be written by name, in any letter case.
pub(super) struct Mnemonic {
    /// How many octets it has in wire form.
    pub(super) octets: usize,
    /// Whether the name is written where there is one, as BIND does.
    pub(super) shown: bool,
    /// The names; the first of a number is the one written.
    pub(super) names: &'static [(&'static str, u16)],
}

impl FieldKind for Mnemonic {
    fn name(&self) -> &'static str {
        if self.octets == 1 { "u8" } else { "u16" }
    }

    fn range(&self) -> Option<(u32, u32)> {
        Some((0, if self.octets == 1 { u8::MAX.into() } else { u16::MAX.into() }))
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let token = fields.word(what)?;
        let most = self.range().map_or(0, |(_, most)| most);
        let named = || {
            let text = str::from_utf8(token.raw).ok()?;
            let (_, number) = self.names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text))?;
            Some(u32::from(*number))
        };
        let found = number(token.raw).filter(|number| *number <= most).or_else(named).ok_or_else(|| {
            let known: Vec<_> = self.names.iter().map(|(name, _)| *name).collect();
            let detail = message!(
                "{what} must be a number from 0 to {most} or one of {known}, not \"{found}\"",
                what,
                most,
                known = known.join(", "),
                found = excerpt(token.raw)
            );
            error(token, "field-number", detail)
        })?;
        wire.extend(found.to_be_bytes().get(4 - self.octets..).unwrap_or_default());
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        take_octets(wire, self.octets, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        let number = big_endian(octets);
        match self.names.iter().find(|(_, known)| u32::from(*known) == number).filter(|_| self.shown) {
            Some((name, _)) => out.write_str(name),
            None => write!(out, "{number}"),
        }
    }
}
