//! CERT: a certificate (RFC 4398).

use super::digest;
use super::form::{Field, Form, anything};
use super::kinds::{Base64, U16};
use super::mnemonic::Mnemonic;

pub(super) const FORM: Form = Form {
    code: 37,
    name: "CERT",
    rfc: "RFC 4398",
    description: "A certificate, or where to get one.",
    fields: &[
        Field::new("type", &TYPE, "PKIX, SPKI, PGP, IPKIX, ISPKI, IPGP, ACPKIX, IACPKIX, URI, OID, or a number."),
        Field::new("key_tag", &U16, "The tag of the key."),
        Field::new("algorithm", &digest::NAMED_ALGORITHM, "The algorithm, as a number or a mnemonic."),
        Field::new("certificate", &Base64, "The certificate."),
    ],
    example: "PKIX 0 0 MIIBIjAN",
    check: anything,
};

/// RFC 4398, section 2.1.
const TYPE: Mnemonic = Mnemonic {
    octets: 2,
    shown: true,
    names: &[
        ("PKIX", 1),
        ("SPKI", 2),
        ("PGP", 3),
        ("IPKIX", 4),
        ("ISPKI", 5),
        ("IPGP", 6),
        ("ACPKIX", 7),
        ("IACPKIX", 8),
        ("URI", 253),
        ("OID", 254),
    ],
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Cert,
            &[
                ("1 12345 8 AA AA", None, "PKIX 12345 RSASHA256 AAAA", "PKIX 12345 RSASHA256 AAAA"),
                ("pgp 0 0 AAAA", None, "PGP 0 0 AAAA", "PGP 0 0 AAAA"),
                ("65535 1 255 AAAA", None, "65535 1 255 AAAA", "65535 1 255 AAAA"),
            ],
            &[
                ("", None, "value"),
                ("1 1 1", None, "value"),
                ("65536 1 1 AAAA", None, "value"),
                ("FOO 1 1 AAAA", None, "value"),
                ("1 1 256 AAAA", None, "value"),
                ("1 1 1 AAA", None, "value"),
            ],
        );
    }
}
