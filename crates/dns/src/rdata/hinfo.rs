//! HINFO: the kind of a host (RFC 1035, section 3.3.2); today mostly the answer to queries for ANY (RFC 8482).

use super::form::{Field, Form, anything};
use super::kinds::Text;

pub(super) const FORM: Form = Form {
    code: 13,
    name: "HINFO",
    rfc: "RFC 1035, section 3.3.2",
    description: "The kind of a host.",
    fields: &[Field::new("cpu", &Text, "The processor."), Field::new("os", &Text, "The operating system.")],
    example: r#""RFC8482" """#,
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Hinfo,
            &[
                (r#""PC-Intel-700mhz" "Linux""#, None, r#""PC-Intel-700mhz" "Linux""#, r#""PC-Intel-700mhz" "Linux""#),
                ("a b", None, r#""a" "b""#, r#""a" "b""#),
                (r#""" """#, None, r#""" """#, r#""" """#),
                (r#""a\"b" c\100"#, None, r#""a\"b" "cd""#, r#""a\"b" "cd""#),
            ],
            &[
                ("", None, "value"),
                ("a", None, "value"),
                (r#""a""#, None, "value"),
                ("a b c", None, "value"),
                (r#""a" "b"#, None, "value"),
                (r#"a \256"#, None, "value"),
                (
                    "a bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                    None,
                    "value",
                ),
            ],
        );
    }
}
