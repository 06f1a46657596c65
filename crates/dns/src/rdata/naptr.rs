//! NAPTR: rules for rewriting names (RFC 3403, section 4).
//!
//! The regular expression is checked as strictly as BIND does, which otherwise refuses the zone; see `regexp.rs`.

use super::form::{Field, Form};
use super::kinds::{Host, Text, U16};
use super::regexp;
use crate::{Message, message};

pub(super) const FORM: Form = Form {
    code: 35,
    name: "NAPTR",
    rfc: "RFC 3403, section 4",
    description: "A rule that makes a name or a URI of another.",
    fields: &[
        Field::new("order", &U16, "Lower is processed first."),
        Field::new("preference", &U16, "Among rules of one order, lower is preferred."),
        Field::new("flags", &Text, "S, A, U or P; empty if another rule follows."),
        Field::new("services", &Text, "What the rule leads to."),
        Field::new(
            "regexp",
            &Text,
            "A substitution such as !^.*$!sip:info@example.com!; empty where there is a replacement.",
        ),
        Field::new("replacement", &Host, "The next name; \".\" if there is a regular expression."),
    ],
    example: r#"100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" ."#,
    check,
};

fn check(wire: &[u8]) -> Result<(), Message> {
    let mut rest = wire.get(4..).unwrap_or_default();
    for _ in 0..2 {
        let length = rest.first().map_or(0, |length| usize::from(*length));
        rest = rest.get(1 + length..).unwrap_or_default();
    }
    let length = rest.first().map_or(0, |length| usize::from(*length));
    let substitution = rest.get(1..1 + length).unwrap_or_default();
    if substitution.is_empty() || regexp::is_substitution(substitution) {
        return Ok(());
    }
    Err(message!(
        "the regexp must be a substitution such as !^.*$!sip:info@example.com!, with an extended regular expression (POSIX) and no more groups named than it has"
    ))
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        check(
            RecordType::Naptr,
            &[
                (
                    r#"100 10 u E2U+sip "!^.*$!sip:info@example.com!" ."#,
                    None,
                    r#"100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" ."#,
                    r#"100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" ."#,
                ),
                (
                    r#"100 50 "s" "http+N2L+N2C+N2R" "" www.Example.com."#,
                    None,
                    r#"100 50 "s" "http+N2L+N2C+N2R" "" www.example.com"#,
                    r#"100 50 "s" "http+N2L+N2C+N2R" "" www.example.com."#,
                ),
                (r#"1 1 "" "" "!(a)!\\1!i" ."#, None, r#"1 1 "" "" "!(a)!\\1!i" ."#, r#"1 1 "" "" "!(a)!\\1!i" ."#),
            ],
            &[
                ("", None, "value"),
                ("1 1 u s r", None, "value"),
                (r#"1 1 "" "" "" a"#, None, "value"),
                (r#"1 1 "" "" "!a!b" ."#, None, "value"),
                (r#"1 1 "" "" "!(a)!\\2!" ."#, None, "value"),
                (r#"1 65536 "" "" "" ."#, None, "value"),
                (r#"1 1 "" "" "" . x"#, None, "value"),
                (r#"1 1 "" "" "" "a.b.""#, None, "value"),
            ],
        );
    }
}
