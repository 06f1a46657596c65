//! KX: a key exchanger (RFC 2230).

use super::form::{Field, Form, anything};
use super::kinds::{Host, U16};

pub(super) const FORM: Form = Form {
    code: 36,
    name: "KX",
    rfc: "RFC 2230",
    description: "A host that exchanges keys on behalf of the owner.",
    fields: &[Field::new("preference", &U16, "Lower is tried first."), Field::new("exchanger", &Host, "The host.")],
    example: "10 kx.example.com.",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Kx,
            &[("010 KX.example.com", None, "10 kx.example.com", "10 kx.example.com.")],
            &[
                ("", None, "value"),
                ("10", None, "value"),
                ("10 kx", None, "value"),
                ("65536 a.b.", None, "value"),
                ("x a.b.", None, "value"),
            ],
        );
    }
}
