//! The form of a type's data: its fields in order, each with its kind.
//!
//! One table defines how a type is parsed from text, checked in wire form, written, and described to users, so these cannot
//! differ. A type with rules beyond its fields (a digest whose length depends on another field) has a check over the complete
//! data.

use std::fmt;

use super::WireError;
use super::fields::{FieldError, Fields, NOT_A_HOST};
use crate::{Message, Name, message};

/// A record type, as it is read, written and described.
pub struct Form {
    /// Its number in the IANA registry.
    pub code: u16,
    /// Its mnemonic, in upper case.
    pub name: &'static str,
    /// Where it is defined, for example `RFC 1035, section 3.3.12`.
    pub rfc: &'static str,
    /// What it is for, in half a sentence.
    pub description: &'static str,
    /// The fields of its data, in the order in which they are written.
    pub fields: &'static [Field],
    /// Data that is accepted, as a zone file has it.
    pub example: &'static str,
    /// What must hold over the whole of the data in wire form, beyond the fields: says what would be right.
    pub(super) check: fn(&[u8]) -> Result<(), Message>,
}

/// One field of a type's data.
pub struct Field {
    /// Its name, in lower case, as the RFC has it.
    pub name: &'static str,
    /// What it says.
    pub description: &'static str,
    pub(super) kind: &'static dyn FieldKind,
}

impl Field {
    pub(super) const fn new(name: &'static str, kind: &'static dyn FieldKind, description: &'static str) -> Field {
        Field { name, description, kind }
    }

    /// What may stand there: `u16`, `name`, `hex` and so on.
    pub fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// The smallest and largest number, where it is one.
    pub fn range(&self) -> Option<(u32, u32)> {
        self.kind.range()
    }
}

/// What may stand in a field, in text and in wire form.
pub(super) trait FieldKind: Sync {
    /// As the API lists it.
    fn name(&self) -> &'static str;

    /// The smallest and largest number, for numbers.
    fn range(&self) -> Option<(u32, u32)> {
        None
    }

    /// Reads it from text, and appends its canonical wire form. `what` names the field in messages.
    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError>;

    /// Reads it from the front of `wire`, which is untrusted, and appends its canonical wire form; gives what follows.
    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError>;

    /// The hosts that it names, for kinds that name some.
    fn hosts(&self, _octets: &[u8]) -> Vec<Name> {
        Vec::new()
    }

    /// Writes it, from its canonical wire form alone, as a zone file has it.
    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, style: Style) -> fmt::Result;
}

/// For whom data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Zone files: names with the final dot.
    File,
    /// Users: names without, as [`crate::HostName`] displays them.
    Value,
}

impl Form {
    /// Reads data as it is written, in canonical wire form.
    pub(super) fn read(&self, fields: &mut Fields<'_>) -> Result<Vec<u8>, FieldError> {
        let mut wire = Vec::with_capacity(32);
        let start = fields.clone();
        for field in self.fields {
            field.kind.read(fields, &Message::untranslated(field.name), &mut wire).map_err(|mut error| {
                if error.fault.check == "field-missing" {
                    error.fault.detail = message!(
                        "{detail}; the data of a {record_type} record is: {outline}",
                        detail = error.fault.detail,
                        record_type = self.name.to_owned(),
                        outline = self.outline()
                    );
                }
                error
            })?;
        }
        fields.end()?;
        if wire.len() > usize::from(u16::MAX) {
            return Err(start.fault("record-length", message!("the data of a record may have at most 65535 octets")));
        }
        (self.check)(&wire).map_err(|reason| start.fault("record-data", reason))?;
        Ok(wire)
    }

    /// Checks data in wire form, and gives its canonical form.
    pub(super) fn canonical(&self, wire: &[u8]) -> Result<Vec<u8>, WireError> {
        let mut canonical = Vec::with_capacity(wire.len());
        let mut rest = wire;
        for field in self.fields {
            rest = field.kind.read_wire(rest, &mut canonical)?;
        }
        if !rest.is_empty() {
            return Err(WireError);
        }
        (self.check)(&canonical).map_err(|_| WireError)?;
        Ok(canonical)
    }

    /// Data in wire form that a user gives: as [`Form::canonical`], and its hosts must be hosts. Stored data is not asked for
    /// that, so that a later release may refuse more.
    pub(super) fn accept(&self, wire: &[u8]) -> Result<Vec<u8>, (&'static str, Message)> {
        let no_data = |_| {
            (
                "record-data",
                message!(
                    "these octets are not valid data of a {record_type} record",
                    record_type = self.name.to_owned()
                ),
            )
        };
        let canonical = self.canonical(wire).map_err(no_data)?;
        let mut rest = canonical.as_slice();
        for field in self.fields {
            let mut octets = Vec::with_capacity(rest.len());
            rest = field.kind.read_wire(rest, &mut octets).map_err(no_data)?;
            for host in field.kind.hosts(&octets) {
                host.check_host(&host.to_string()).map_err(|reason| {
                    (NOT_A_HOST, message!("{what}: {reason}", what = field.name.to_owned(), reason))
                })?;
            }
        }
        Ok(canonical)
    }

    /// Writes data that is in canonical wire form.
    pub(super) fn write(&self, wire: &[u8], out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
        let mut rest = wire;
        let mut text = String::new();
        for field in self.fields {
            let mut octets = Vec::with_capacity(rest.len());
            rest = field.kind.read_wire(rest, &mut octets).map_err(|_| fmt::Error)?;
            text.clear();
            field.kind.write(&octets, &mut text, style)?;
            // A last field of nothing leaves no space behind.
            if !text.is_empty() {
                let separator = if std::ptr::eq(field, &self.fields[0]) { "" } else { " " };
                write!(out, "{separator}{text}")?;
            }
        }
        Ok(())
    }

    /// The fields' names, as a user has to write them.
    fn outline(&self) -> String {
        let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        names.join(" ")
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Form({})", self.name)
    }
}

/// The check of types whose fields say it all.
pub(super) fn anything(_: &[u8]) -> Result<(), Message> {
    Ok(())
}
