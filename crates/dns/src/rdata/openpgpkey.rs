//! OPENPGPKEY: the OpenPGP key of a mail user (RFC 7929).

use super::form::{Field, Form, anything};
use super::kinds::Base64;

pub(super) const FORM: Form = Form {
    code: 61,
    name: "OPENPGPKEY",
    rfc: "RFC 7929",
    description: "The OpenPGP key of a mail user.",
    fields: &[Field::new("key", &Base64, "The key.")],
    example: "mQENBFVHm5sBCACl",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Openpgpkey,
            &[("AA AA", None, "AAAA", "AAAA")],
            &[("", None, "value"), ("AAA", None, "value"), (r#""AAAA""#, None, "value")],
        );
    }
}
