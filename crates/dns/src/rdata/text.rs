//! Parts that several record types use: numbers and quoted strings.

use std::fmt;
use std::str::FromStr;

use crate::name::parse_escape;
use crate::{Fault, message};

/// A number of decimal digits and nothing else; `None` where it is none or too large. (`str::parse` alone would take a `+`.)
pub(crate) fn number<N: FromStr>(digits: &str) -> Option<N> {
    let only_digits = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    only_digits.then(|| digits.parse().ok()).flatten()
}

/// Reads one or more quoted strings (RFC 1035, section 5.1), with or without space between them.
pub(crate) fn quoted_strings(text: &str) -> Result<Vec<Vec<u8>>, Fault> {
    let fault = |detail| Fault::of("value", "quoted-string", detail);
    let mut strings = Vec::new();
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        match octet {
            b'"' => {}
            b' ' | b'\t' => continue,
            _ => return Err(fault(message!("after a quoted string only another quoted string may follow"))),
        }
        let mut string = Vec::new();
        loop {
            match octets.next() {
                Some(b'"') => break,
                Some(b'\\') => string.push(
                    parse_escape(&mut octets)
                        .map_err(|_| fault(message!("a backslash in a quoted string must be followed by one character or by three decimal digits from 000 to 255")))?,
                ),
                Some(control) if control.is_ascii_control() => {
                    return Err(fault(message!("control characters are not allowed in a quoted string; write them as \\DDD (three decimal digits)")));
                }
                Some(other) => string.push(other),
                None => return Err(fault(message!("a quoted string is not closed: the final quote is missing"))),
            }
        }
        strings.push(string);
    }
    Ok(strings)
}

/// Writes a string for a zone file: printable ASCII as it is, everything else as `\DDD`.
pub(crate) fn write_quoted(f: &mut impl fmt::Write, string: &[u8]) -> fmt::Result {
    f.write_char('"')?;
    for &octet in string {
        write_octet(f, octet)?;
    }
    f.write_char('"')
}

/// Writes a string for people: as [`write_quoted`], but UTF-8 stays readable.
pub(crate) fn quote_readably(string: &[u8]) -> String {
    let mut text = String::with_capacity(string.len() + 2);
    match std::str::from_utf8(string) {
        Ok(readable) if !readable.chars().any(|c| !c.is_ascii() && c.is_control()) => {
            text.push('"');
            for c in readable.chars() {
                match u8::try_from(c) {
                    Ok(octet) if octet.is_ascii() => write_octet(&mut text, octet).unwrap_or_default(),
                    _ => text.push(c),
                }
            }
            text.push('"');
        }
        _ => write_quoted(&mut text, string).unwrap_or_default(),
    }
    text
}

fn write_octet(f: &mut impl fmt::Write, octet: u8) -> fmt::Result {
    match octet {
        b'"' | b'\\' => write!(f, "\\{}", char::from(octet)),
        b' ' => f.write_char(' '),
        printable if printable.is_ascii_graphic() => f.write_char(printable.into()),
        other => write!(f, "\\{other:03}"),
    }
}
