//! SSHFP: the fingerprint of a host key (RFC 4255; RFC 6594; RFC 7479).

use super::form::{Field, Form};
use super::kinds::{Hex, U8};
use crate::{Message, message};

pub(super) const FORM: Form = Form {
    code: 44,
    name: "SSHFP",
    rfc: "RFC 4255",
    description: "The fingerprint of a host key of SSH.",
    fields: &[
        Field::new("algorithm", &U8, "1 RSA, 2 DSA, 3 ECDSA, 4 Ed25519, 6 Ed448."),
        Field::new("type", &U8, "1 SHA-1, 2 SHA-256."),
        Field::new("fingerprint", &Hex, "The fingerprint."),
    ],
    example: "4 1 0123456789abcdef0123456789abcdef01234567",
    check,
};

/// RFC 4255, section 3.1.2; RFC 6594, section 4.2.
fn check(wire: &[u8]) -> Result<(), Message> {
    match wire {
        [_, 1, fingerprint @ ..] if fingerprint.len() != 20 => {
            Err(message!("a fingerprint by SHA-1 (1) has 20 octets"))
        }
        [_, 2, fingerprint @ ..] if fingerprint.len() != 32 => {
            Err(message!("a fingerprint by SHA-256 (2) has 32 octets"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Sshfp,
            &[
                (
                    "1 1 0123456789abcdef 0123456789ABCDEF01234567",
                    None,
                    "1 1 0123456789ABCDEF0123456789ABCDEF01234567",
                    "1 1 0123456789ABCDEF0123456789ABCDEF01234567",
                ),
                ("255 9 00", None, "255 9 00", "255 9 00"),
            ],
            &[
                ("", None, "value"),
                ("1 1", None, "value"),
                ("1 1 0123", None, "value"),
                ("1 2 0123456789abcdef0123456789abcdef01234567", None, "value"),
                ("1 9 0", None, "value"),
                (r#"1 9 "00""#, None, "value"),
                ("256 9 00", None, "value"),
                ("1 9 0g", None, "value"),
            ],
        );
    }
}
