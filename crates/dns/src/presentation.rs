//! The tokens of record data in presentation format (RFC 1035, section 5.1), from any source.
//!
//! A zone file and a value of the API have the same tokens. They are split differently (a zone file has comments, parentheses and
//! lines, a value has not), but read by the same code ([`crate::rdata::fields`]). Escapes are kept until a field is read: only
//! the field knows whether `\.` is a dot inside a label.

use crate::{Fault, message};

/// A place in a text. Both numbers begin at 1; the column counts octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The octet in that line.
    pub column: u32,
}

/// One word, or one quoted string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// The octets between separators, or inside the quotes; escapes are not decoded.
    pub(crate) raw: &'a [u8],
    /// Whether it stood in quotes.
    pub(crate) quoted: bool,
    /// Where it begins; of a quoted string, where its first quote is.
    pub(crate) at: Position,
}

impl Token<'_> {
    /// Whether `next` begins where this ends, with nothing between: `key=` and `"value"` are one word for SVCB.
    pub(crate) fn touches(&self, next: &Token<'_>) -> bool {
        let length = self.raw.len() + if self.quoted { 2 } else { 0 };
        self.at.line == next.at.line && self.at.column as usize + length == next.at.column as usize
    }
}

/// The tokens of a value of the API, and where it ends.
///
/// # Errors
///
/// What a zone file gives a meaning outside quotes (parentheses, comments) has none here, and is refused; so are quotes that
/// are not closed, and control characters.
pub(crate) fn value_tokens(value: &str) -> Result<(Vec<Token<'_>>, Position), Fault> {
    let fault = |detail| Fault::of("value", "value-token", detail);
    let octets = value.as_bytes();
    let place = |at: usize| Position { line: 1, column: u32::try_from(at + 1).unwrap_or(u32::MAX) };
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        let start = at;
        match octet {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'"' => {
                at += 1;
                let length = token_length(&octets[at..], |octet| octet == b'"');
                let raw = octets.get(at..at + length).unwrap_or_default();
                at += length + 1;
                if at > octets.len() {
                    return Err(fault(message!("a quoted string is not closed: the final quote is missing")));
                }
                if raw.iter().any(u8::is_ascii_control) {
                    return Err(fault(message!(
                        "control characters are not allowed in a quoted string; write them as \\DDD (three decimal digits)"
                    )));
                }
                tokens.push(Token { raw, quoted: true, at: place(start) });
            }
            b'(' | b')' | b';' => {
                return Err(fault(message!(
                    "parentheses and semicolons have no meaning in a value; if you mean them as text, put the text in double quotes"
                )));
            }
            control if control.is_ascii_control() => {
                return Err(fault(message!(
                    "control characters are not allowed; write them as \\DDD (three decimal digits)"
                )));
            }
            _ => {
                let ends = |octet: u8| octet.is_ascii_control() || matches!(octet, b' ' | b'"' | b';' | b'(' | b')');
                let length = token_length(&octets[at..], ends).min(octets.len() - at);
                at += length;
                tokens.push(Token { raw: &octets[start..at], quoted: false, at: place(start) });
            }
        }
    }
    Ok((tokens, place(octets.len())))
}

/// How many octets come before the first unescaped one that `ends`; more than there are where an escape is cut off.
fn token_length(octets: &[u8], ends: impl Fn(u8) -> bool) -> usize {
    let mut length = 0;
    while let Some(&octet) = octets.get(length) {
        match octet {
            b'\\' => length += 2,
            octet if ends(octet) => break,
            _ => length += 1,
        }
    }
    length
}

/// Decodes `\DDD` and `\X` (RFC 1035, section 5.1); `None` where a backslash begins no escape.
pub(crate) fn unescape(raw: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        let (escaped, tail) = escape(rest)?;
        octets.push(escaped);
        rest = tail;
    }
    Some(octets)
}

/// The octet that an escape stands for, and what follows; the backslash has been taken.
pub(crate) fn escape(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (&first, tail) = rest.split_first()?;
    if !first.is_ascii_digit() {
        return Some((first, tail));
    }
    let (digits, tail) = rest.split_first_chunk::<3>()?;
    let number = digits
        .iter()
        .try_fold(0u16, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0')))?;
    Some((u8::try_from(number).ok()?, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(value: &str) -> Vec<(&[u8], bool, u32)> {
        let (tokens, _) = value_tokens(value).unwrap();
        tokens.iter().map(|token| (token.raw, token.quoted, token.at.column)).collect()
    }

    #[test]
    fn what_has_no_meaning_in_a_value_is_refused() {
        for value in ["a (b)", "a ; b", "\"a", "\"a\\\"", "\"a\\", "a\0b", "\"a\nb\"", ")", "a;"] {
            let fault = value_tokens(value).unwrap_err();
            assert_eq!((fault.field, fault.check), (Some("value"), "value-token"), "{value:?}");
        }
    }

    #[test]
    fn values_are_cut_at_space_and_quotes() {
        assert_eq!(cut(""), []);
        assert_eq!(cut(" a\t b\n"), [(&b"a"[..], false, 2), (b"b", false, 5)]);
        assert_eq!(cut("a\"b c\"\"\"d"), [(&b"a"[..], false, 1), (b"b c", true, 2), (b"", true, 7), (b"d", false, 9)]);
        assert_eq!(cut(r#"a\ b\;\" "\"\\""#), [(&br#"a\ b\;\""#[..], false, 1), (br#"\"\\"#, true, 10)]);
        assert_eq!(cut("a\\"), [(&b"a\\"[..], false, 1)]);
        let (tokens, end) = value_tokens("k=\"v\" w").unwrap();
        assert!(tokens[0].touches(&tokens[1]) && !tokens[1].touches(&tokens[2]));
        assert_eq!(end, Position { line: 1, column: 8 });
    }

    #[test]
    fn escapes_stand_for_one_octet() {
        for (raw, octets) in [("a\\.b", Some(&b"a.b"[..])), ("\\065\\\\\\\"", Some(b"A\\\"")), ("\\255", Some(b"\xff"))]
        {
            assert_eq!(unescape(raw.as_bytes()).as_deref(), octets, "{raw}");
        }
        for raw in ["\\", "\\2", "\\25", "\\256", "\\1a1", "\\999"] {
            assert_eq!(unescape(raw.as_bytes()), None, "{raw}");
        }
    }
}
