//! CDNSKEY: the key for which the parent should have a DS (RFC 7344, section 3.2; `0 3 0 AA==` for none: RFC 8078, section 4).

use super::digest;
use super::form::{Field, Form};
use super::kinds::{Base64, U8, U16};

pub(super) const FORM: Form = Form {
    code: 60,
    name: "CDNSKEY",
    rfc: "RFC 7344, section 3.2",
    description: "The key for which the zone asks its parent for a DS record.",
    fields: &[
        Field::new("flags", &U16, "256 for a zone key, 257 for a key that a DS record refers to."),
        Field::new("protocol", &U8, "Always 3."),
        Field::new("algorithm", &digest::ALGORITHM, "As a number or a mnemonic such as ECDSAP256SHA256."),
        Field::new("public_key", &Base64, "The key."),
    ],
    example: "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==",
    check: digest::check_key,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Cdnskey,
            &[
                ("257 3 ECDSAP256SHA256 AwEA Acw=", None, "257 3 13 AwEAAcw=", "257 3 13 AwEAAcw="),
                ("0 3 0 AA==", None, "0 3 0 AA==", "0 3 0 AA=="),
                ("256 3 PRIVATEDNS AWEA", None, "256 3 253 AWEA", "256 3 253 AWEA"),
            ],
            &[
                ("", None, "value"),
                ("256 3 8", None, "value"),
                ("ZONE 3 8 AwEAAcw=", None, "value"),
                ("65536 3 8 AwEAAcw=", None, "value"),
                ("256 256 8 AwEAAcw=", None, "value"),
                ("256 3 FOO AwEAAcw=", None, "value"),
                ("256 3 8 AwEAAcw", None, "value"),
                (r#"256 3 8 "AwEAAcw=""#, None, "value"),
                ("256 3 8 !", None, "value"),
                ("256 3 253 AQ==", None, "value"),
            ],
        );
    }
}
