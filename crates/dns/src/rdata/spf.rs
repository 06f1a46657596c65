//! SPF: who may send mail, in a type of its own (RFC 4408, section 3.1.1). RFC 7208 withdrew it: a TXT record says the same.

use super::form::{Field, Form, anything};
use super::kinds::Texts;

pub(super) const FORM: Form = Form {
    code: 99,
    name: "SPF",
    rfc: "RFC 7208, section 3.1",
    description: "Who may send mail; withdrawn, use TXT.",
    fields: &[Field::new("text", &Texts, "One or more strings.")],
    example: r#""v=spf1 -all""#,
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Spf,
            &[
                ("v=spf1", None, r#""v=spf1""#, r#""v=spf1""#),
                (r#""v=spf1 " "-all""#, None, r#""v=spf1 " "-all""#, r#""v=spf1 " "-all""#),
            ],
            &[
                ("", None, "value"),
                (r#""a"#, None, "value"),
                (r#"\256"#, None, "value"),
                (
                    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                    None,
                    "value",
                ),
            ],
        );
    }
}
