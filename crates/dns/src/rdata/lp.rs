//! LP: the name with the locators (RFC 6742, section 2.4).

use super::form::{Field, Form, anything};
use super::kinds::{Host, U16};

pub(super) const FORM: Form = Form {
    code: 107,
    name: "LP",
    rfc: "RFC 6742, section 2.4",
    description: "The name that has the L32 and L64 records.",
    fields: &[Field::new("preference", &U16, "Lower is preferred."), Field::new("target", &Host, "The name.")],
    example: "10 l64.example.com.",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Lp,
            &[("10 L64.Example.com", None, "10 l64.example.com", "10 l64.example.com.")],
            &[("", None, "value"), ("10", None, "value"), ("10 a", None, "value"), ("65536 a.b.", None, "value")],
        );
    }
}
