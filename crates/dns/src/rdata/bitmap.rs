//! Sets of record types (RFC 4034, section 4.1.2).

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, str};

use super::WireError;
use super::fields::{FieldError, Fields, error, excerpt};
use super::form::{FieldKind, Style};
use super::record_type;
use crate::{Message, message};

/// Any number of types, to the end.
pub(super) struct Types;

impl FieldKind for Types {
    fn name(&self) -> &'static str {
        "types"
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let mut codes = BTreeSet::new();
        while !fields.is_empty() {
            let token = fields.word(what)?;
            let code = str::from_utf8(token.raw).ok().and_then(record_type::code_of);
            codes.insert(code.ok_or_else(|| {
                let detail = message!("{what}: \"{found}\" is not a record type", what, found = excerpt(token.raw));
                error(token, "field-type", detail)
            })?);
        }
        compose(&codes, wire);
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        let codes = parse(wire)?;
        compose(&codes, canonical);
        Ok(&[])
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        let codes = parse(octets).map_err(|_| fmt::Error)?;
        let names: Vec<_> = codes.into_iter().map(record_type::name_of).collect();
        out.write_str(&names.join(" "))
    }
}

/// Windows of 256 types, each with its number, the number of octets that follow, and those, without zeros at the end.
fn compose(codes: &BTreeSet<u16>, wire: &mut Vec<u8>) {
    let mut windows: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for code in codes {
        let [window, low] = code.to_be_bytes();
        let bits = windows.entry(window).or_default();
        let at = usize::from(low / 8);
        if bits.len() <= at {
            bits.resize(at + 1, 0);
        }
        if let Some(octet) = bits.get_mut(at) {
            *octet |= 0x80 >> (low % 8);
        }
    }
    for (window, bits) in windows {
        wire.extend([window, bits.len() as u8]);
        wire.extend(bits);
    }
}

fn parse(wire: &[u8]) -> Result<BTreeSet<u16>, WireError> {
    let mut codes = BTreeSet::new();
    let mut rest = wire;
    let mut last = None;
    while let Some((&[window, length], tail)) = rest.split_first_chunk() {
        let (bits, tail) = tail.split_at_checked(length.into()).ok_or(WireError)?;
        let sound = (1..=32).contains(&length) && last < Some(window) && bits.last() != Some(&0);
        if !sound {
            return Err(WireError);
        }
        for (at, octet) in bits.iter().enumerate() {
            let set = (0..8u8).filter(|bit| octet & (0x80 >> bit) != 0);
            codes.extend(set.map(|bit| u16::from_be_bytes([window, at as u8 * 8 + bit])));
        }
        last = Some(window);
        rest = tail;
    }
    if rest.is_empty() { Ok(codes) } else { Err(WireError) }
}
