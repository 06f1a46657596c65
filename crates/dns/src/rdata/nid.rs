//! NID: a node identifier of ILNP (RFC 6742, section 2.1).

use super::form::{Field, Form, anything};
use super::kinds::U16;
use super::locator::Locator;

pub(super) const FORM: Form = Form {
    code: 104,
    name: "NID",
    rfc: "RFC 6742, section 2.1",
    description: "A node identifier of ILNP.",
    fields: &[
        Field::new("preference", &U16, "Lower is preferred."),
        Field::new("node_id", &Locator, "64 bits as four groups of hexadecimal digits."),
    ],
    example: "10 14:4fff:ff20:ee64",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Nid,
            &[
                ("10 0014:4FFF:ff20:ee64", None, "10 14:4fff:ff20:ee64", "10 14:4fff:ff20:ee64"),
                ("65535 0:0:0:0", None, "65535 0:0:0:0", "65535 0:0:0:0"),
            ],
            &[
                ("", None, "value"),
                ("10", None, "value"),
                ("10 ::1", None, "value"),
                ("10 1:2:3", None, "value"),
                ("10 1:2:3:4:5", None, "value"),
                ("10 00001:2:3:4", None, "value"),
                ("10 g:2:3:4", None, "value"),
                ("10 1:2:3:", None, "value"),
                ("65536 1:2:3:4", None, "value"),
                ("10 1:2:3:+4", None, "value"),
            ],
        );
    }
}
