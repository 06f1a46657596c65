//! KEY: a public key of a name, for SIG(0) and other protocols (RFC 2535, section 3; RFC 3445).
//!
//! As in DNSKEY, flags and protocol are numbers only, although RFC 2535 has names for them: key generators write numbers.

use super::digest;
use super::form::{Field, Form};
use super::kinds::{OptionalBase64, U8, U16};
use crate::{Message, message};

pub(super) const FORM: Form = Form {
    code: 25,
    name: "KEY",
    rfc: "RFC 2535, section 3",
    description: "A public key of the owner, for SIG(0). Keys of zones are DNSKEY records.",
    fields: &[
        Field::new("flags", &U16, "512 for the key of a host; 49152 for no key."),
        Field::new("protocol", &U8, "3 for DNSSEC."),
        Field::new("algorithm", &digest::ALGORITHM, "As a number or a mnemonic such as ECDSAP256SHA256."),
        Field::new("public_key", &OptionalBase64, "The key; empty if the flags say that there is none."),
    ],
    example: "512 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==",
    check,
};

/// RFC 2535, section 3.1.2: with both of the first bits set, nothing follows the algorithm.
fn check(wire: &[u8]) -> Result<(), Message> {
    match wire {
        [first, _, _, _, key @ ..] => match (first & 0xc0 == 0xc0, key.is_empty()) {
            (true, false) => Err(message!("the flags say that there is no key (49152), and a key follows")),
            (false, true) => Err(message!("the public key is missing; flags of 49152 say that there is none")),
            (true, true) | (false, false) => Ok(()),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Key,
            &[
                ("512 3 ECDSAP256SHA256 AwEA Acw=", None, "512 3 13 AwEAAcw=", "512 3 13 AwEAAcw="),
                ("49152 3 8", None, "49152 3 8", "49152 3 8"),
                ("256 255 253 AQ==", None, "256 255 253 AQ==", "256 255 253 AQ=="),
            ],
            &[
                ("", None, "value"),
                ("256 3 8", None, "value"),
                ("49152 3 8 AwEAAcw=", None, "value"),
                ("NOKEY 3 8", None, "value"),
                ("256 256 8 AwEAAcw=", None, "value"),
                ("256 3 8 AwEAAcw", None, "value"),
                (r#"256 3 8 "AwEAAcw=""#, None, "value"),
                ("\\# 4 01000308", None, "value"),
                ("\\# 3 c00003", None, "value"),
            ],
        );
    }
}
