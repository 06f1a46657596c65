//! CDS: the DS that the parent should have (RFC 7344, section 3.1; `0 0 0 00` for none: RFC 8078, section 4).

use super::digest;
use super::form::{Field, Form};
use super::kinds::{Hex, U16};
use crate::Message;

pub(super) const FORM: Form = Form {
    code: 59,
    name: "CDS",
    rfc: "RFC 7344, section 3.1",
    description: "The DS record that the zone wants to have in its parent.",
    fields: &[
        Field::new("key_tag", &U16, "The tag of the key."),
        Field::new(
            "algorithm",
            &digest::ALGORITHM,
            "The algorithm of the key, as a number or a mnemonic such as ECDSAP256SHA256.",
        ),
        Field::new("digest_type", &digest::DIGEST, "1 SHA-1, 2 SHA-256, 4 SHA-384, as a number or a mnemonic."),
        Field::new("digest", &Hex, "The digest of the key."),
    ],
    example: "12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    check,
};

fn check(wire: &[u8]) -> Result<(), Message> {
    match wire {
        [_, _, _, kind, digest @ ..] => digest::check_length(*kind, digest),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Cds,
            &[
                (
                    "12345 RSASHA256 SHA-256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                    None,
                    "12345 8 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
                    "12345 8 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
                ),
                (
                    "1 13 2 01234567 89ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
                    None,
                    "1 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
                    "1 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
                ),
                ("1 8 9 00", None, "1 8 9 00", "1 8 9 00"),
                ("0 0 0 00", None, "0 0 0 00", "0 0 0 00"),
            ],
            &[
                ("", None, "value"),
                ("1 8 2", None, "value"),
                ("1 8 2 0123", None, "value"),
                ("1 8 1 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", None, "value"),
                ("1 8 4 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", None, "value"),
                ("65536 8 9 00", None, "value"),
                ("1 256 9 00", None, "value"),
                ("1 8 256 00", None, "value"),
                ("1 FOO 9 00", None, "value"),
                (r#"1 8 9 "00""#, None, "value"),
                ("1 8 9 0", None, "value"),
            ],
        );
    }
}
