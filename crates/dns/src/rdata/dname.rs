//! DNAME: another name for everything below the owner (RFC 6672).

use super::form::{Field, Form, anything};
use super::kinds::Domain;

pub(super) const FORM: Form = Form {
    code: 39,
    name: "DNAME",
    rfc: "RFC 6672",
    description: "Another name for everything below the owner.",
    fields: &[Field::new("target", &Domain, "The name that replaces the owner in names below it.")],
    example: "example.net.",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Dname,
            &[("Example.NET", None, "example.net", "example.net."), (".", None, ".", ".")],
            &[("", None, "value"), ("net", None, "value"), ("a.b. c.d.", None, "value"), ("192.0.2.1", None, "value")],
        );
    }
}
