//! TXT: text in strings of up to 255 octets (RFC 1035, section 3.3.14).
//!
//! Users give either plain text, which is split here, or quoted strings, whose boundaries are kept because they may matter to the
//! reader. The form is stored and used in responses; the served octets are the same.

use std::fmt;
use std::sync::Arc;

use super::form::{Field, Form};
use super::kinds::Texts;
use super::{WireError, text};
use crate::{Fault, Message, message};

/// The most text accepted in one record, in octets.
const MAX_TEXT: usize = 65_000;
/// What that much plain text is in wire form; quoted strings may not need more, however short they are.
const MAX_WIRE: usize = MAX_TEXT + MAX_TEXT.div_ceil(MAX_STRING);
/// A character-string holds at most this many octets (RFC 1035, section 3.3).
const MAX_STRING: usize = 255;

/// One or more strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Txt {
    /// The strings in wire form: an octet of length before each. Never empty, always valid.
    wire: Arc<[u8]>,
    quoted: bool,
}

pub(super) const FORM: Form = Form {
    code: 16,
    name: "TXT",
    rfc: "RFC 1035, section 3.3.14",
    description: "Text in strings of up to 255 octets.",
    fields: &[Field::new("text", &Texts, "One or more strings.")],
    example: r#""v=spf1 -all""#,
    check,
};

impl Txt {
    pub(super) fn parse(value: &str) -> Result<Txt, Fault> {
        let long = || {
            Fault::of(
                "value",
                "txt-long",
                message!("a TXT record may hold at most 65000 octets of text (65255 with one for each string)"),
            )
        };
        if value.trim_start().starts_with('"') {
            let strings = text::quoted_strings(value.trim_start())?;
            if strings.iter().map(|string| 1 + string.len()).sum::<usize>() > MAX_WIRE {
                return Err(long());
            }
            if strings.iter().any(|string| string.len() > MAX_STRING) {
                let detail = message!(
                    "a quoted string may have at most 255 octets; write several strings, or plain text, which is split for you"
                );
                return Err(Fault::of("value", "txt-string-long", detail));
            }
            return Ok(Txt { wire: join(strings.iter().map(Vec::as_slice)), quoted: true });
        }
        if value.is_empty() {
            return Err(Fault::of(
                "value",
                "txt-empty",
                message!("the value may not be empty; write \"\" (two quotes) for a TXT record without text"),
            ));
        }
        if value.chars().any(char::is_control) {
            let detail = message!(
                "control characters are not allowed in plain text; if you mean them, write the value as quoted strings with \\DDD escapes"
            );
            return Err(Fault::of("value", "txt-control", detail));
        }
        if value.len() > MAX_TEXT {
            return Err(long());
        }
        Ok(Txt { wire: join(value.as_bytes().chunks(MAX_STRING)), quoted: false })
    }

    pub(super) fn from_wire(wire: &[u8], quoted: bool) -> Result<Txt, WireError> {
        let mut rest = wire;
        while let Some((&length, tail)) = rest.split_first() {
            rest = tail.get(usize::from(length)..).ok_or(WireError)?;
        }
        if wire.is_empty() { Err(WireError) } else { Ok(Txt { wire: wire.into(), quoted }) }
    }

    /// The strings.
    pub fn strings(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.wire[..];
        std::iter::from_fn(move || {
            let (&length, tail) = rest.split_first()?;
            let (string, tail) = tail.split_at_checked(length.into())?;
            rest = tail;
            Some(string)
        })
    }

    pub(super) fn is_quoted(&self) -> bool {
        self.quoted
    }

    pub(super) fn compose(&self, wire: &mut Vec<u8>) {
        wire.extend(&*self.wire);
    }

    /// The plain text as it was given, or the quoted strings.
    pub(super) fn value(&self) -> String {
        if !self.quoted {
            let plain: Vec<u8> = self.strings().flatten().copied().collect();
            if let Ok(plain) = String::from_utf8(plain) {
                return plain;
            }
        }
        let quoted: Vec<String> = self.strings().map(text::quote_readably).collect();
        quoted.join(" ")
    }
}

fn join<'a>(strings: impl Iterator<Item = &'a [u8]>) -> Arc<[u8]> {
    let mut wire = Vec::new();
    for string in strings {
        wire.push(string.len() as u8);
        wire.extend(string);
    }
    wire.into()
}

/// The limit of plain text, in the octets that are served.
fn check(wire: &[u8]) -> Result<(), Message> {
    if wire.len() > MAX_WIRE {
        return Err(message!("a TXT record may hold at most 65000 octets of text (65255 with one for each string)"));
    }
    Ok(())
}

/// Whether plain text, split here, would give just these strings: then they are answered as plain text.
pub(super) fn is_plain(wire: &[u8]) -> bool {
    let Ok(txt) = Txt::from_wire(wire, false) else { return false };
    let plain: Vec<u8> = txt.strings().flatten().copied().collect();
    String::from_utf8(plain).is_ok_and(|text| Txt::parse(&text).is_ok_and(|parsed| parsed == txt))
}

impl fmt::Display for Txt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, string) in self.strings().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            text::write_quoted(f, string)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check};

    #[test]
    fn examples() {
        let long = "x".repeat(300);
        let long_file = format!("\"{}\" \"{}\"", "x".repeat(255), "x".repeat(45));
        let longest = "x".repeat(65_000);
        let longest_file = {
            let strings: Vec<_> =
                longest.as_bytes().chunks(255).map(|s| format!("\"{}\"", "x".repeat(s.len()))).collect();
            strings.join(" ")
        };
        let too_long = "x".repeat(65_001);
        let many_strings = "\"\"".repeat(65_256);
        let long_string = format!("\"{}\"", "x".repeat(256));
        check(
            RecordType::Txt,
            &[
                ("v=spf1 -all", None, "v=spf1 -all", "\"v=spf1 -all\""),
                ("say \"hi\"; \\ ok", None, "say \"hi\"; \\ ok", "\"say \\\"hi\\\"; \\\\ ok\""),
                (" leading and trailing ", None, " leading and trailing ", "\" leading and trailing \""),
                ("é", None, "é", "\"\\195\\169\""),
                ("\"a\" \"b c\"", None, "\"a\" \"b c\"", "\"a\" \"b c\""),
                ("\"a\"\"b\"", None, "\"a\" \"b\"", "\"a\" \"b\""),
                ("\"\"", None, "\"\"", "\"\""),
                ("\"\\065\\010\\\"\\\\\"", None, "\"A\\010\\\"\\\\\"", "\"A\\010\\\"\\\\\""),
                ("\"é\\255\"", None, "\"\\195\\169\\255\"", "\"\\195\\169\\255\""),
                ("\"é\"", None, "\"é\"", "\"\\195\\169\""),
                (long.as_str(), None, long.as_str(), long_file.as_str()),
                (longest.as_str(), None, longest.as_str(), longest_file.as_str()),
            ],
            &[
                ("", None, "value"),
                ("a\nb", None, "value"),
                ("a\0b", None, "value"),
                ("a\u{85}b", None, "value"),
                ("\"a", None, "value"),
                ("\"a\" b", None, "value"),
                ("\"a\\\"", None, "value"),
                ("\"a\\25\"", None, "value"),
                ("\"a\\256\"", None, "value"),
                ("\"a\nb\"", None, "value"),
                (long_string.as_str(), None, "value"),
                (too_long.as_str(), None, "value"),
                (many_strings.as_str(), None, "value"),
                ("x", Some(1), "priority"),
            ],
        );
    }
}
