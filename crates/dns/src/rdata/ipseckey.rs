//! IPSECKEY: the key of a host for IPsec (RFC 4025).

use std::fmt;

use super::fields::{FieldError, Fields};
use super::form::{Field, FieldKind, Form, Style, anything};
use super::kinds::{Base64, U8, take_octets};
use super::{WireError, gateway};
use crate::{Message, Name, message};

pub(super) const FORM: Form = Form {
    code: 45,
    name: "IPSECKEY",
    rfc: "RFC 4025",
    description: "The key of a host for IPsec, and the gateway to it.",
    fields: &[
        Field::new("precedence", &U8, "Lower is tried first."),
        Field::new(
            "gateway",
            &Gateway,
            "The gateway's type (0 none, 1 IPv4, 2 IPv6, 3 a name), the key's algorithm (1 DSA, 2 RSA, 3 ECDSA), and the \
             gateway; a dot for none.",
        ),
        Field::new("public_key", &Base64, "The key."),
    ],
    example: "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
    check: anything,
};

/// Type, algorithm and gateway: the octet of the algorithm stands between the other two, which depend on each other.
struct Gateway;

impl FieldKind for Gateway {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn read(&self, fields: &mut Fields<'_>, _: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let number = gateway::read_number(fields)?;
        wire.extend([number, fields.u8(&message!("the algorithm"))?]);
        gateway::read(fields, number, wire)
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        let rest = take_octets(wire, 2, canonical)?;
        gateway::read_wire(rest, *wire.first().ok_or(WireError)?, canonical)
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, style: Style) -> fmt::Result {
        let (&[number, algorithm], rest) = octets.split_first_chunk().ok_or(fmt::Error)?;
        write!(out, "{number} {algorithm} ")?;
        gateway::write(rest, number, out, style)
    }

    fn hosts(&self, octets: &[u8]) -> Vec<Name> {
        octets.split_first_chunk().map_or_else(Vec::new, |(&[number, _], rest)| gateway::hosts(rest, number))
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Ipseckey,
            &[
                ("10 1 2 192.0.2.38 AQ ==", None, "10 1 2 192.0.2.38 AQ==", "10 1 2 192.0.2.38 AQ=="),
                ("10 0 2 . AQ==", None, "10 0 2 . AQ==", "10 0 2 . AQ=="),
                ("0 2 255 2001:DB8:0::1 AQ==", None, "0 2 255 2001:db8::1 AQ==", "0 2 255 2001:db8::1 AQ=="),
                ("10 3 2 Gw.Example.com AQ==", None, "10 3 2 gw.example.com AQ==", "10 3 2 gw.example.com. AQ=="),
                ("10 3 2 . AQ==", None, "10 3 2 . AQ==", "10 3 2 . AQ=="),
            ],
            &[
                ("", None, "value"),
                ("10 1 2 192.0.2.38", None, "value"),
                ("10 4 2 . AQ==", None, "value"),
                ("10 0 2 gw.example.com AQ==", None, "value"),
                ("10 1 2 gw.example.com AQ==", None, "value"),
                ("10 2 2 192.0.2.38 AQ==", None, "value"),
                ("10 3 2 192.0.2.38 AQ==", None, "value"),
                ("10 3 2 https://gw.example.com AQ==", None, "value"),
                ("256 1 2 192.0.2.38 AQ==", None, "value"),
                ("10 1 256 192.0.2.38 AQ==", None, "value"),
                ("10 1 2 192.0.2.38 AQ", None, "value"),
                ("\\# 5 0a0402aabb", None, "value"),
                ("\\# 4 0a010200", None, "value"),
            ],
        );
    }
}
