//! AFSDB: an AFS cell's database server (RFC 1183, section 1; RFC 5864).

use super::form::{Field, Form, anything};
use super::kinds::{Host, U16};

pub(super) const FORM: Form = Form {
    code: 18,
    name: "AFSDB",
    rfc: "RFC 1183, section 1",
    description: "A server of an AFS cell.",
    fields: &[
        Field::new("subtype", &U16, "1 for AFS version 3, 2 for DCE/NCA."),
        Field::new("hostname", &Host, "The server."),
    ],
    example: "1 afsdb.example.com.",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Afsdb,
            &[
                ("1 AFSDB.example.com", None, "1 afsdb.example.com", "1 afsdb.example.com."),
                ("65535 .", None, "65535 .", "65535 ."),
            ],
            &[
                ("", None, "value"),
                ("1", None, "value"),
                ("afsdb.example.com", None, "value"),
                ("65536 a.b.", None, "value"),
                ("-1 a.b.", None, "value"),
                ("1 a", None, "value"),
            ],
        );
    }
}
