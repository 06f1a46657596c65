//! ZONEMD: a digest over the zone (RFC 8976). The server does not update it: its owner must replace it with every change.

use super::form::{Field, Form};
use super::kinds::{Hex, U8, U32};
use crate::{Message, message};

pub(super) const FORM: Form = Form {
    code: 63,
    name: "ZONEMD",
    rfc: "RFC 8976",
    description: "A digest over the whole zone.",
    fields: &[
        Field::new("serial", &U32, "The serial of the zone that the digest is of."),
        Field::new("scheme", &U8, "1 SIMPLE."),
        Field::new("hash", &U8, "1 SHA-384, 2 SHA-512."),
        Field::new("digest", &Hex, "The digest."),
    ],
    example: "2018031500 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    check,
};

/// A digest has the length of its hash, and at least 12 octets (RFC 8976, section 2.2.4).
fn check(wire: &[u8]) -> Result<(), Message> {
    match wire {
        [_, _, _, _, _, 1, digest @ ..] if digest.len() != 48 => Err(message!("a digest by SHA-384 (1) has 48 octets")),
        [_, _, _, _, _, 2, digest @ ..] if digest.len() != 64 => Err(message!("a digest by SHA-512 (2) has 64 octets")),
        [_, _, _, _, _, _, digest @ ..] if digest.len() < 12 => Err(message!("a digest has at least 12 octets")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Zonemd,
            &[
                (
                    "1 1 240 0123456789abcdef 01234567",
                    None,
                    "1 1 240 0123456789ABCDEF01234567",
                    "1 1 240 0123456789ABCDEF01234567",
                ),
                (
                    "4294967295 255 1 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
                    None,
                    "4294967295 255 1 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
                    "4294967295 255 1 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
                ),
            ],
            &[
                ("", None, "value"),
                ("1 1 1", None, "value"),
                ("1 1 1 00", None, "value"),
                ("1 1 1 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", None, "value"),
                ("1 1 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", None, "value"),
                ("1 1 240 0123456789abcdef012345", None, "value"),
                ("4294967296 1 240 0123456789abcdef01234567", None, "value"),
                ("1 256 240 0123456789abcdef01234567", None, "value"),
            ],
        );
    }
}
