//! PTR: the name of an address (RFC 1035, section 3.3.12). Mostly in zones below in-addr.arpa and ip6.arpa, but allowed anywhere.

use super::form::{Field, Form, anything};
use super::kinds::Domain;

pub(super) const FORM: Form = Form {
    code: 12,
    name: "PTR",
    rfc: "RFC 1035, section 3.3.12",
    description: "The name that an address belongs to.",
    fields: &[Field::new("target", &Domain, "The name.")],
    example: "host.example.com.",
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Ptr,
            &[
                ("Host.Example.com.", None, "host.example.com", "host.example.com."),
                ("@", None, "example.com", "example.com."),
                (".", None, ".", "."),
                ("localhost.", None, "localhost.", "localhost."),
                ("1.0/25.2.0.192.in-addr.arpa", None, "1.0/25.2.0.192.in-addr.arpa", "1.0/25.2.0.192.in-addr.arpa."),
            ],
            &[
                ("", None, "value"),
                ("host", None, "value"),
                ("192.0.2.1", None, "value"),
                ("a..b", None, "value"),
                ("a.b. c.d.", None, "value"),
                (r#""a.b.""#, None, "value"),
                (r#"a.b\"#, None, "value"),
            ],
        );
    }
}
