//! SPF: the hosts that may send mail, as a separate type (RFC 4408, section 3.1.1). RFC 7208 made it obsolete in favour of TXT.

use super::form::{Field, Form, anything};
use super::kinds::Texts;

pub(super) const FORM: Form = Form {
    code: 99,
    name: "SPF",
    rfc: "RFC 7208, section 3.1",
    description: "The hosts that may send mail. Obsolete: use TXT.",
    fields: &[Field::new("text", &Texts, "One or more strings.")],
    example: r#""v=spf1 -all""#,
    check: anything,
};

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        let long = "x".repeat(300);
        let strings = format!("\"{}\" \"{}\"", "x".repeat(255), "x".repeat(45));
        let quoted = format!("\"{long}\"");
        check(
            RecordType::Spf,
            &[
                ("v=spf1", None, r#""v=spf1""#, r#""v=spf1""#),
                ("v=spf1 mx -all", None, r#""v=spf1 mx -all""#, r#""v=spf1 mx -all""#),
                (r#""v=spf1 " "-all""#, None, r#""v=spf1 " "-all""#, r#""v=spf1 " "-all""#),
                (r"a\256", None, r#""a\\256""#, r#""a\\256""#),
                (&long, None, &strings, &strings),
            ],
            &[("", None, "value"), (r#""a"#, None, "value"), (r#""\256""#, None, "value"), (&quoted, None, "value")],
        );
    }
}
