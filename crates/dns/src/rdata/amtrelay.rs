//! AMTRELAY: a relay for multicast over networks without it (RFC 8777).

use std::fmt;

use super::fields::{FieldError, Fields};
use super::form::{Field, FieldKind, Form, Style, anything};
use super::kinds::{U8, take_octets};
use super::{WireError, gateway};
use crate::{Message, Name, message};

pub(super) const FORM: Form = Form {
    code: 260,
    name: "AMTRELAY",
    rfc: "RFC 8777",
    description: "A relay for multicast (AMT).",
    fields: &[
        Field::new("precedence", &U8, "Lower is tried first."),
        Field::new(
            "relay",
            &Relay,
            "1 where discovery is optional, else 0; the relay's type (0 none, 1 IPv4, 2 IPv6, 3 a name); the relay, a dot for \
             none.",
        ),
    ],
    example: "10 0 1 203.0.113.15",
    check: anything,
};

/// The first bit says that discovery is optional.
const OPTIONAL: u8 = 0x80;

/// The flag and the type, which share an octet, and the relay.
struct Relay;

impl FieldKind for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }

    fn read(&self, fields: &mut Fields<'_>, _: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let optional = fields.number(&message!("the discovery flag"), 1)? == 1;
        let number = gateway::read_number(fields)?;
        wire.push(if optional { OPTIONAL | number } else { number });
        gateway::read(fields, number, wire)
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        let rest = take_octets(wire, 1, canonical)?;
        gateway::read_wire(rest, wire.first().ok_or(WireError)? & !OPTIONAL, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
        let (first, rest) = octets.split_first().ok_or(fmt::Error)?;
        let (optional, number) = (first >> 7, first & !OPTIONAL);
        write!(out, "{optional} {number} ")?;
        gateway::write(rest, number, out, style)
    }

    fn hosts(&self, octets: &[u8]) -> Vec<Name> {
        octets.split_first().map_or_else(Vec::new, |(first, rest)| gateway::hosts(rest, first & !OPTIONAL))
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Amtrelay,
            &[
                ("10 0 1 203.0.113.15", None, "10 0 1 203.0.113.15", "10 0 1 203.0.113.15"),
                ("10 1 2 2001:db8::15", None, "10 1 2 2001:db8::15", "10 1 2 2001:db8::15"),
                ("128 1 3 Amt.Example.com.", None, "128 1 3 amt.example.com", "128 1 3 amt.example.com."),
                ("0 0 0 .", None, "0 0 0 .", "0 0 0 ."),
            ],
            &[
                ("", None, "value"),
                ("10 0 1", None, "value"),
                ("10 2 1 203.0.113.15", None, "value"),
                ("10 0 4 .", None, "value"),
                ("10 0 0 a.example.com", None, "value"),
                ("10 0 3 a.example.com:2268", None, "value"),
                ("10 0 2 203.0.113.15", None, "value"),
                ("10 0 1 203.0.113.15 x", None, "value"),
                ("\\# 3 0a0000", None, "value"),
                ("\\# 2 0a04", None, "value"),
            ],
        );
    }
}
