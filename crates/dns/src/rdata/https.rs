//! HTTPS: how to reach a web server (RFC 9460, section 9). The same data as SVCB, in a type of its own.

use super::form::Form;
use super::svcb;

pub(super) const FORM: Form = Form {
    code: 65,
    name: "HTTPS",
    rfc: "RFC 9460, section 9",
    description: "How to reach a web server.",
    example: "1 . alpn=h2,h3",
    ..svcb::FORM
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Https,
            &[
                ("1 Foo.example. port=8002", None, "1 foo.example port=8002", "1 foo.example. port=8002"),
                ("0 @", None, "0 example.com", "0 example.com."),
                ("1 . alpn=h3,h2", None, "1 . alpn=\"h3,h2\"", "1 . alpn=\"h3,h2\""),
            ],
            &[("", None, "value"), ("1", None, "value"), ("1 . nosuch=1", None, "value"), ("1 host", None, "value")],
        );
    }
}
