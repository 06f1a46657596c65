//! Splits a zone file into entries, and an entry into tokens (RFC 1035, section 5.1), as BIND 9.18 does.
//!
//! An entry is a line, or several lines joined by parentheses. The tokens borrow from the text; escapes stay in them. There is
//! one pass without backtracking: the time is proportional to the length of any text.
//!
//! Details as in BIND that are easy to get wrong: a comment may begin inside a word (`a;b` is `a`), but not after a backslash; a
//! carriage return alone ends a line; no escape joins two lines outside quotes, and inside quotes only an escaped line break is
//! text; a NUL ends a word and is not a token.

use crate::presentation::{Position, Token};
use crate::{Message, message};

/// The most tokens in one entry. The longest record data takes fewer: 65,535 octets, a token for each of their hex digits.
const MAX_TOKENS: usize = 140_000;

/// Reads one entry after the other.
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
    line_start: usize,
    depth: u32,
    /// Where the outermost open parenthesis is.
    opened: Position,
}

/// What precedes the tokens of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Whether it begins with space, and therefore has the owner of the entry before.
    pub(super) indented: bool,
    /// Where its last line ends, for what is missing there.
    pub(super) end: Position,
}

/// Text that cannot be cut into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LexError {
    pub(super) at: Position,
    pub(super) kind: LexErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LexErrorKind {
    Quote,
    Opened,
    Closed,
    Nul,
    TooMany,
}

impl LexErrorKind {
    pub(super) fn message(self) -> Message {
        match self {
            Self::Quote => message!(
                "a quoted string is not closed on its line: the final quote is missing (a line break inside is written as \\010)"
            ),
            Self::Opened => message!("a parenthesis is opened here and never closed"),
            Self::Closed => message!("a parenthesis is closed here that was not opened"),
            Self::Nul => message!("a NUL octet is not allowed here; inside a string, write it as \\000"),
            Self::TooMany => {
                message!("the entry has more than 140000 words, which is more than any record holds")
            }
        }
    }
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Lexer { text, at: 0, line: 1, line_start: 0, depth: 0, opened: Position { line: 1, column: 1 } }
    }

    /// Reads the next entry that has a token, into `tokens`; `None` after the last.
    ///
    /// # Errors
    ///
    /// After an error the rest of the entry is skipped, and the next call continues after it.
    pub(super) fn entry(&mut self, tokens: &mut Vec<Token<'a>>) -> Option<Result<Entry, LexError>> {
        loop {
            tokens.clear();
            let indented = matches!(self.text.get(self.at)?, b' ' | b'\t');
            match self.rest_of_entry(tokens) {
                Ok(_) if tokens.is_empty() => {}
                Ok(end) => return Some(Ok(Entry { indented, end })),
                Err(error) => {
                    self.skip_entry();
                    return Some(Err(error));
                }
            }
        }
    }

    /// Cuts up to the end of the entry, and gives the place of that end.
    fn rest_of_entry(&mut self, tokens: &mut Vec<Token<'a>>) -> Result<Position, LexError> {
        loop {
            let at = self.here();
            let fault = |kind| Err(LexError { at, kind });
            let Some(&octet) = self.text.get(self.at) else {
                return if self.depth == 0 {
                    Ok(at)
                } else {
                    Err(LexError { at: self.opened, kind: LexErrorKind::Opened })
                };
            };
            match octet {
                b' ' | b'\t' => self.at += 1,
                b'\r' | b'\n' => {
                    self.line_break();
                    if self.depth == 0 {
                        return Ok(at);
                    }
                }
                b';' => self.skip_comment(),
                b'(' => {
                    if self.depth == 0 {
                        self.opened = at;
                    }
                    self.depth += 1;
                    self.at += 1;
                }
                b')' if self.depth == 0 => return fault(LexErrorKind::Closed),
                b')' => {
                    self.depth -= 1;
                    self.at += 1;
                }
                0 => return fault(LexErrorKind::Nul),
                _ if tokens.len() == MAX_TOKENS => return fault(LexErrorKind::TooMany),
                b'"' => {
                    let raw = self.quoted().map_err(|kind| LexError { at, kind })?;
                    tokens.push(Token { raw, quoted: true, at });
                }
                _ => tokens.push(Token { raw: self.word(), quoted: false, at }),
            }
        }
    }

    fn word(&mut self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let mut escaped = false;
        let ends = |&octet: &u8| {
            let separates = matches!(octet, b' ' | b'\t' | b';' | b'(' | b')' | b'"' | 0);
            let end = matches!(octet, b'\r' | b'\n') || (separates && !escaped);
            escaped = octet == b'\\' && !escaped;
            end
        };
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// What stands between quotes; the first of them is next.
    fn quoted(&mut self) -> Result<&'a [u8], LexErrorKind> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        while let Some(&octet) = self.text.get(self.at) {
            match octet {
                b'"' if !escaped => {
                    self.at += 1;
                    return Ok(&self.text[start..self.at - 1]);
                }
                b'\n' if !escaped => return Err(LexErrorKind::Quote),
                b'\n' => self.line_break(),
                _ => self.at += 1,
            }
            escaped = octet == b'\\' && !escaped;
        }
        Err(LexErrorKind::Quote)
    }

    fn skip_comment(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|&octet| octet == b'\n').unwrap_or(rest.len());
    }

    /// Takes one line break: LF, CR LF, or CR alone.
    fn line_break(&mut self) {
        self.at += if self.text[self.at..].starts_with(b"\r\n") { 2 } else { 1 };
        self.line += 1;
        self.line_start = self.at;
    }

    /// Goes behind the entry that an error is in: to the end of the line, or behind the parentheses that are open there.
    fn skip_entry(&mut self) {
        while let Some(&octet) = self.text.get(self.at) {
            match octet {
                b'\r' | b'\n' => {
                    self.line_break();
                    if self.depth == 0 {
                        return;
                    }
                }
                b';' => self.skip_comment(),
                b'\\' => self.at += 1 + usize::from(!matches!(self.text.get(self.at + 1), Some(b'\r' | b'\n') | None)),
                b'(' => {
                    self.depth += 1;
                    self.at += 1;
                }
                b')' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.at += 1;
                }
                b'"' => {
                    // One that is not closed has been skipped up to the end of its line, which is all that is wanted here.
                    let _ = self.quoted();
                }
                _ => self.at += 1,
            }
        }
        self.depth = 0;
    }

    fn here(&self) -> Position {
        let column = self.at - self.line_start + 1;
        Position { line: self.line, column: u32::try_from(column).unwrap_or(u32::MAX) }
    }
}
