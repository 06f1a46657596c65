//! URI: the address of a service (RFC 7553).

use std::fmt;

use super::WireError;
use super::fields::{FieldError, Fields};
use super::form::{Field, FieldKind, Form, Style, anything};
use super::kinds::{LongText, U16};
use crate::{Message, message};

pub(super) const FORM: Form = Form {
    code: 256,
    name: "URI",
    rfc: "RFC 7553",
    description: "The URI of a service.",
    fields: &[
        Field::new("priority", &U16, "Lower is tried first."),
        Field::new("weight", &U16, "The share among targets of one priority."),
        Field::new("target", &Quoted, "The URI, in double quotes."),
    ],
    example: r#"10 1 "https://www.example.com/path""#,
    check: anything,
};

/// Text to the end, which has to stand in quotes (RFC 7553, section 4.4); BIND refuses it otherwise.
struct Quoted;

impl FieldKind for Quoted {
    fn name(&self) -> &'static str {
        LongText.name()
    }

    fn read(&self, fields: &mut Fields<'_>, what: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        if fields.peek().is_some_and(|token| !token.quoted) {
            return Err(fields.fault("field-quoted", message!("put the {what} of a URI record in double quotes", what)));
        }
        LongText.read(fields, what, wire)
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        LongText.read_wire(wire, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
        LongText.write(octets, out, style)
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Uri,
            &[
                (
                    r#"10 1 "ftp://ftp1.example.com/public""#,
                    None,
                    r#"10 1 "ftp://ftp1.example.com/public""#,
                    r#"10 1 "ftp://ftp1.example.com/public""#,
                ),
                (r#"0 0 """#, None, r#"0 0 """#, r#"0 0 """#),
                (r#"1 1 "a\"b\032\195\169""#, None, r#"1 1 "a\"b \195\169""#, r#"1 1 "a\"b \195\169""#),
            ],
            &[
                ("", None, "value"),
                ("10 1", None, "value"),
                ("10 1 ftp", None, "value"),
                (r#"10 "ftp""#, None, "value"),
                (r#"65536 1 "a""#, None, "value"),
                (r#"10 1 "a" "b""#, None, "value"),
                (r#"10 1 "\256""#, None, "value"),
            ],
        );
    }
}
