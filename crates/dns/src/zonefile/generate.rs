//! `$GENERATE`: one entry that stands for many numbered ones (BIND 9.18, "The $GENERATE Directive").
//!
//! In the owner and the data, `$` stands for the number, `${offset,width,base}` for it plus an offset, padded with zeros to a
//! width, in a base: `d` decimal, `o` octal, `x` and `X` hexadecimal, `n` and `N` hexadecimal digits in reverse with dots
//! between them, for ip6.arpa. `$$` and `\$` stand for a dollar sign. As in BIND, a bare `$` takes the offset of the last `${}`
//! before it in the same word.
//!
//! A short line can generate billions of records, so the records and the octets of all lines of a file are limited.

use std::str;

use super::FileFault;
use super::lexer::Lexer;
use super::parser::fault_at;
use crate::message;
use crate::presentation::{Position, Token};
use crate::rdata::text::number;

/// How many octets of owners and data all directives of a file may make.
const MAX_OCTETS: usize = 16 * 1024 * 1024;
/// The most characters that one `${}` makes; BIND's limit.
const MAX_DIGITS: usize = 127;

/// What the directives of a file may still make.
#[derive(Default)]
pub(super) struct Bounds {
    records: usize,
    octets: usize,
}

impl Bounds {
    pub(super) fn new(records: usize) -> Bounds {
        Bounds { records, octets: MAX_OCTETS }
    }
}

/// One directive, understood.
pub(super) struct Generate {
    at: Position,
    numbers: std::iter::StepBy<std::ops::RangeInclusive<i32>>,
    owner: Template,
    data: Template,
}

/// What a directive makes for one number.
pub(super) struct Made<'t> {
    pub(super) number: i32,
    pub(super) owner: &'t [u8],
    data: &'t [u8],
}

struct Template {
    at: Position,
    pieces: Vec<Piece>,
}

enum Piece {
    Text(Vec<u8>),
    Number { offset: i32, width: usize, base: Base },
}

#[derive(Clone, Copy)]
enum Base {
    Decimal,
    Octal,
    Hex,
    UpperHex,
    Nibbles,
    UpperNibbles,
}

impl Generate {
    /// Understands the three words that say what is made.
    pub(super) fn new(range: &Token<'_>, owner: &Token<'_>, data: &Token<'_>) -> Result<Generate, FileFault> {
        let (first, last, step) = parse_range(range.raw).ok_or_else(|| {
            let detail = message!(
                "the range of $GENERATE is first-last or first-last/step, such as 1-254, with numbers up to 2147483647"
            );
            fault_at(range.at, "value", "generate-range", detail)
        })?;
        let data_text = if data.quoted { unquote(data.raw) } else { data.raw.to_vec() };
        Ok(Generate {
            at: range.at,
            numbers: (first..=last).step_by(step),
            owner: Template::parse(owner.raw, owner.at)?,
            data: Template::parse(&data_text, data.at)?,
        })
    }

    /// Calls `take` for each number; stops at the first error.
    pub(super) fn each(
        self,
        bounds: &mut Bounds,
        mut take: impl FnMut(Made<'_>) -> Result<(), FileFault>,
    ) -> Result<(), FileFault> {
        let (mut owner, mut data) = (Vec::new(), Vec::new());
        for number in self.numbers {
            self.owner.write(number, &mut owner)?;
            self.data.write(number, &mut data)?;
            let (records, octets) =
                (bounds.records.checked_sub(1), bounds.octets.checked_sub(owner.len() + data.len()));
            let (Some(records), Some(octets)) = (records, octets) else {
                let detail = message!(
                    "the $GENERATE directives of this file create more records than are allowed; use smaller ranges"
                );
                return Err(fault_at(self.at, "value", "generate-bound", detail));
            };
            *bounds = Bounds { records, octets };
            take(Made { number, owner: &owner, data: &data })?;
        }
        Ok(())
    }
}

impl<'t> Made<'t> {
    /// The tokens of the data; `at` is where it stands in the file.
    pub(super) fn tokens(&self, at: Position) -> Result<Vec<Token<'t>>, FileFault> {
        let mut tokens = Vec::new();
        match Lexer::new(self.data).entry(&mut tokens) {
            Some(Err(error)) => Err(fault_at(at, "value", "zone-file-syntax", error.kind.message())),
            Some(Ok(_)) | None => Ok(tokens),
        }
    }
}

/// `first-last` or `first-last/step`.
fn parse_range(raw: &[u8]) -> Option<(i32, i32, usize)> {
    let text = str::from_utf8(raw).ok()?;
    let (first, rest) = text.split_once('-')?;
    let (last, step) = match rest.split_once('/') {
        Some((last, step)) => (last, number::<i32>(step).and_then(|step| usize::try_from(step).ok())?),
        None => (rest, 1),
    };
    let (first, last) = (number::<i32>(first)?, number::<i32>(last)?);
    (first <= last && step > 0).then_some((first, last, step))
}

/// A quoted word without the backslashes before its quotes: the text that stands in the place of the data.
fn unquote(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut escaped = false;
    for &octet in raw {
        if escaped && octet == b'"' {
            text.pop();
        }
        escaped = octet == b'\\' && !escaped;
        text.push(octet);
    }
    text
}

impl Template {
    fn parse(raw: &[u8], at: Position) -> Result<Template, FileFault> {
        let mut pieces = Vec::new();
        let mut text = Vec::new();
        let mut offset = 0;
        let mut rest = raw;
        while let Some((&octet, tail)) = rest.split_first() {
            rest = tail;
            match (octet, tail.first()) {
                (b'$', Some(b'$')) => {
                    text.push(b'$');
                    rest = &tail[1..];
                }
                (b'$', next) => {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    let mut piece = (0, Base::Decimal);
                    if next == Some(&b'{') {
                        let (new_offset, width, base, after) = parse_braces(&tail[1..]).ok_or_else(|| {
                            let detail = message!(
                                "braces behind a dollar sign hold offset, width and base, such as {examples}; the bases are d, o, x, X, n \
                                 and N, and the width is at most 127",
                                examples = "${0}, ${-1,3}, ${0,3,d}".to_owned()
                            );
                            fault_at(at, "value", "generate-template", detail)
                        })?;
                        offset = new_offset;
                        piece = (width, base);
                        rest = after;
                    }
                    pieces.push(Piece::Number { offset, width: piece.0, base: piece.1 });
                }
                (b'\\', Some(&next)) => {
                    text.extend([octet, next]);
                    rest = &tail[1..];
                }
                _ => text.push(octet),
            }
        }
        pieces.push(Piece::Text(text));
        Ok(Template { at, pieces })
    }

    fn write(&self, number: i32, out: &mut Vec<u8>) -> Result<(), FileFault> {
        out.clear();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend(text),
                Piece::Number { offset, width, base } => {
                    let shifted = number.checked_add(*offset);
                    let written =
                        shifted.map(|value| base.write(value, *width)).filter(|text| text.len() <= MAX_DIGITS);
                    out.extend(written.ok_or_else(|| self.too_large(number))?.into_bytes());
                }
            }
        }
        Ok(())
    }

    fn too_large(&self, number: i32) -> FileFault {
        let detail = message!(
            "made for {number}: with its offset the number is over 2147483647, or has over 127 digits",
            number
        );
        fault_at(self.at, "value", "generate-template", detail)
    }
}

/// What stands behind `${`: offset, width, base, and what follows the closing brace.
fn parse_braces(rest: &[u8]) -> Option<(i32, usize, Base, &[u8])> {
    let end = rest.iter().take(64).position(|&octet| octet == b'}')?;
    let mut parts = str::from_utf8(&rest[..end]).ok()?.split(',');
    // `parse` takes a sign, as BIND does.
    let offset: i32 = parts.next()?.parse().ok()?;
    let width = parts.next().map_or(Some(0), number::<usize>).filter(|width| *width <= MAX_DIGITS)?;
    let base = match parts.next() {
        None | Some("d") => Base::Decimal,
        Some("o") => Base::Octal,
        Some("x") => Base::Hex,
        Some("X") => Base::UpperHex,
        Some("n") => Base::Nibbles,
        Some("N") => Base::UpperNibbles,
        Some(_) => return None,
    };
    parts.next().is_none().then_some((offset, width, base, &rest[end + 1..]))
}

impl Base {
    /// A negative number is written with its sign in decimal, and as 32 bits in the other bases.
    fn write(self, value: i32, width: usize) -> String {
        let bits = value.cast_unsigned();
        match self {
            Base::Decimal => format!("{value:0width$}"),
            Base::Octal => format!("{bits:0width$o}"),
            Base::Hex => format!("{bits:0width$x}"),
            Base::UpperHex => format!("{bits:0width$X}"),
            Base::Nibbles => nibbles(bits, width),
            Base::UpperNibbles => nibbles(bits, width).to_ascii_uppercase(),
        }
    }
}

/// Hexadecimal digits, the least significant first, with dots between; the width counts the dots.
fn nibbles(bits: u32, width: usize) -> String {
    let mut text = String::new();
    let mut rest = bits;
    loop {
        text.extend(char::from_digit(rest & 0xf, 16));
        rest >>= 4;
        if rest == 0 && text.len() >= width {
            return text;
        }
        text.push('.');
        // A width that ends behind a dot ends there.
        if rest == 0 && text.len() >= width {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Position = Position { line: 1, column: 1 };

    fn made(template: &str, number: i32) -> Option<String> {
        let mut out = Vec::new();
        Template::parse(template.as_bytes(), AT).ok()?.write(number, &mut out).ok()?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn templates() {
        for (template, number, text) in [
            ("a", 7, Some("a")),
            ("a$b", 7, Some("a7b")),
            ("$.$", 7, Some("7.7")),
            ("a$$b\\$c", 7, Some("a$b\\$c")),
            ("\\\\$", 7, Some("\\\\7")),
            ("${0}", 7, Some("7")),
            ("${-8}", 7, Some("-1")),
            ("${+1,3}", 7, Some("008")),
            ("${-8,3,d}", 7, Some("-01")),
            ("${0,3,o}", 8, Some("010")),
            ("${0,0,x}${0,4,X}", 171, Some("ab00AB")),
            ("${-3,3,x}", 1, Some("fffffffe")),
            ("${0,0,n}", 0xf1, Some("1.f")),
            ("${0,5,N}", 0xf, Some("F.0.0")),
            ("${0,4,n}", 0xf, Some("f.0.")),
            ("${5}-$", 1, Some("6-6")),
            ("${0,127,d}", 1, Some(&*format!("{:0127}", 1))),
            ("${0,128,d}", 1, None),
            ("${2147483647}", 1, None),
            ("${-2147483648}", 1, Some("-2147483647")),
            ("${2147483648}", 1, None),
            ("${", 1, None),
            ("${}", 1, None),
            ("${0", 1, None),
            ("${0,}", 1, None),
            ("${0,1,}", 1, None),
            ("${0,1,z}", 1, None),
            ("${0,1,d,}", 1, None),
            ("${ 1}", 1, None),
        ] {
            assert_eq!(made(template, number).as_deref(), text, "{template}");
        }
    }

    #[test]
    fn ranges() {
        for (raw, range) in [
            ("1-3", Some((1, 3, 1))),
            ("0-0", Some((0, 0, 1))),
            ("1-9/3", Some((1, 9, 3))),
            ("2147483647-2147483647", Some((i32::MAX, i32::MAX, 1))),
            ("0-2147483648", None),
            ("3-1", None),
            ("1", None),
            ("-1-1", None),
            ("1-2/0", None),
            ("1-2/", None),
            ("1-2x", None),
            ("1--2", None),
            ("", None),
        ] {
            assert_eq!(parse_range(raw.as_bytes()), range, "{raw}");
        }
    }

    #[test]
    fn quotes_lose_their_backslash_and_nothing_else_does() {
        assert_eq!(unquote(br#"\"a $\" \\\" \\ \065"#), br#""a $" \\" \\ \065"#);
    }
}
