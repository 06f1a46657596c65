//! RESINFO: properties of a resolver (RFC 9606). Strings like those of TXT, each a key, or a key and a value.
//!
//! Only later releases of BIND 9.18 support the type: in a zone file it is written by number, which every nameserver reads.

use super::form::{Field, Form, anything};
use super::kinds::Texts;

pub(super) const FORM: Form = Form {
    code: 261,
    name: "RESINFO",
    rfc: "RFC 9606",
    description: "What a resolver offers.",
    fields: &[Field::new("text", &Texts, "One or more strings such as qnamemin, exterr=15-17 and infourl=https://...")],
    example: r#""qnamemin" "exterr=15-17" "infourl=https://resolver.example.com/guide""#,
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Resinfo,
            &[
                ("qnamemin exterr=15,16", None, r#""qnamemin" "exterr=15,16""#, r#""qnamemin" "exterr=15,16""#),
                (r#""""#, None, r#""""#, r#""""#),
            ],
            &[("", None, "value"), (r#""a"#, None, "value"), (r"\256", None, "value")],
        );
    }
}
