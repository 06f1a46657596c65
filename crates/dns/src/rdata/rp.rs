//! RP: who is responsible for a name (RFC 1183, section 2.2).

use super::form::{Field, Form, anything};
use super::kinds::Domain;

pub(super) const FORM: Form = Form {
    code: 17,
    name: "RP",
    rfc: "RFC 1183, section 2.2",
    description: "The person who is responsible for the owner.",
    fields: &[
        Field::new("mbox", &Domain, "The mailbox, with a dot in place of the @."),
        Field::new("txt", &Domain, "The name of a TXT record with details; \".\" for none."),
    ],
    example: "admin.example.com. .",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Rp,
            &[
                ("Admin.example.com .", None, "admin.example.com .", "admin.example.com. ."),
                (". .", None, ". .", ". ."),
                ("@ info.example.com.", None, "example.com info.example.com", "example.com. info.example.com."),
            ],
            &[
                ("", None, "value"),
                ("admin.example.com", None, "value"),
                ("a.b. c.d. e.f.", None, "value"),
                ("admin info.example.com", None, "value"),
            ],
        );
    }
}
