//! Data stored as octets: of types that are completely described by their form, and of unknown types (RFC 3597).

use std::fmt;

use super::fields::{FieldError, Fields, error};
use super::form::Style;
use super::{RecordType, WireError};
use crate::{Message, message};

/// A type and its data in canonical wire form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generic {
    record_type: RecordType,
    wire: Box<[u8]>,
}

impl Generic {
    pub(super) fn from_wire(record_type: RecordType, wire: &[u8]) -> Result<Generic, WireError> {
        let canonical = match record_type.form() {
            Some(form) => form.canonical(wire)?,
            None => wire.to_vec(),
        };
        Ok(Generic { record_type, wire: canonical.into() })
    }

    /// The type.
    pub fn record_type(&self) -> RecordType {
        self.record_type
    }

    /// The data in wire form.
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    pub(super) fn value(&self) -> String {
        let mut value = String::new();
        // Writing to a string cannot fail, and the octets are in the form.
        self.write(&mut value, Style::Value).unwrap_or_default();
        value
    }

    fn write(&self, out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
        match self.record_type.form() {
            Some(form) => form.write(&self.wire, out, style),
            None => write_unknown_form(&self.wire, out),
        }
    }
}

/// As a zone file has it.
impl fmt::Display for Generic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Style::File)
    }
}

/// Octets in the form of RFC 3597, section 5, which every nameserver reads.
pub(crate) struct GenericForm<'a>(pub(crate) &'a [u8]);

impl fmt::Display for GenericForm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_unknown_form(self.0, f)
    }
}

/// Whether the data is written in the way of RFC 3597, section 5, which every type may be. (Not TXT where no number follows:
/// then it is an escaped `#`.)
pub(super) fn is_unknown_form(record_type: RecordType, fields: &Fields<'_>) -> bool {
    let (mut ahead, word) = (fields.clone(), Message::untranslated(""));
    let marked = ahead.token(&word).is_ok_and(|token| token.raw == b"\\#" && !token.quoted);
    marked && (record_type != RecordType::Txt || ahead.u32(&word).is_ok())
}

/// Reads `\# length hex`: the octets, of whatever type.
pub(super) fn read_unknown_form(fields: &mut Fields<'_>) -> Result<Vec<u8>, FieldError> {
    let mark = fields.word(&Message::untranslated("\\#"))?;
    let length = usize::from(fields.u16(&message!("the length"))?);
    let octets = if fields.is_empty() { Vec::new() } else { fields.rest_hex(&message!("the data"))? };
    if octets.len() != length {
        let detail =
            message!("the length is given as {length} octets, and {octets} follow", length, octets = octets.len());
        return Err(error(mark, "record-length", detail));
    }
    Ok(octets)
}

/// Writes octets in that form.
pub(super) fn write_unknown_form(octets: &[u8], out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "\\# {}", octets.len())?;
    if !octets.is_empty() {
        out.write_char(' ')?;
    }
    octets.iter().try_for_each(|octet| write!(out, "{octet:02X}"))
}
