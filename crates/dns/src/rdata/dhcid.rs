//! DHCID: the DHCP client of an address (RFC 4701). DHCP servers write and compare it; for DNS it is opaque.

use super::form::{Field, Form, anything};
use super::kinds::Base64;

pub(super) const FORM: Form = Form {
    code: 49,
    name: "DHCID",
    rfc: "RFC 4701",
    description: "Which DHCP client the owner's addresses belong to.",
    fields: &[Field::new("digest", &Base64, "The identifier's type, the digest's type and the digest.")],
    example: "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Dhcid,
            &[("AAIB Y2/A", None, "AAIBY2/A", "AAIBY2/A"), ("AA==", None, "AA==", "AA==")],
            &[("", None, "value"), ("AAI", None, "value"), (r#""AAIB""#, None, "value"), ("\\# 0", None, "value")],
        );
    }
}
