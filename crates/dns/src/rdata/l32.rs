//! L32: a 32-bit locator (RFC 6742, section 2.2).

use super::form::{Field, Form, anything};
use super::kinds::{Ipv4, U16};

pub(super) const FORM: Form = Form {
    code: 105,
    name: "L32",
    rfc: "RFC 6742, section 2.2",
    description: "A 32-bit locator of ILNP.",
    fields: &[
        Field::new("preference", &U16, "Lower is preferred."),
        Field::new("locator", &Ipv4, "The locator, written as an IPv4 address."),
    ],
    example: "10 10.1.2.0",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::L32,
            &[("10 10.1.2.0", None, "10 10.1.2.0", "10 10.1.2.0")],
            &[
                ("", None, "value"),
                ("10", None, "value"),
                ("10 10.1.2", None, "value"),
                ("10 10.1.2.03", None, "value"),
                ("65536 10.1.2.0", None, "value"),
                (r#"10 "10.1.2.0""#, None, "value"),
            ],
        );
    }
}
