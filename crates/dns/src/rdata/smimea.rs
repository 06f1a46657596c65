//! SMIMEA: the certificate of a mail user (S/MIME) (RFC 8162).

use super::form::{Field, Form, anything};
use super::kinds::{Hex, U8};

pub(super) const FORM: Form = Form {
    code: 53,
    name: "SMIMEA",
    rfc: "RFC 8162",
    description: "The certificate of a mail user (S/MIME).",
    fields: &[
        Field::new("usage", &U8, "0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE."),
        Field::new("selector", &U8, "0 the whole certificate, 1 its public key."),
        Field::new("matching_type", &U8, "0 no hash, 1 SHA-256, 2 SHA-512."),
        Field::new("data", &Hex, "The certificate association data."),
    ],
    example: "3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Smimea,
            &[
                ("3 1 1 d2abde 240D", None, "3 1 1 D2ABDE240D", "3 1 1 D2ABDE240D"),
                ("255 255 255 00", None, "255 255 255 00", "255 255 255 00"),
            ],
            &[
                ("", None, "value"),
                ("3 1 1", None, "value"),
                ("3 1", None, "value"),
                ("256 1 1 00", None, "value"),
                ("3 1 1 0", None, "value"),
                ("3 1 1 zz", None, "value"),
                ("DANE-EE SPKI SHA2-256 00", None, "value"),
            ],
        );
    }
}
