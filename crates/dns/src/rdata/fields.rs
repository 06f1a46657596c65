//! Reads the fields of one record's data in order.
//!
//! A zone file and the API share this reader. Only names differ: in a zone file they are relative to `$ORIGIN`, in the API always
//! full ([`Names`]). Every error says what was expected and the position of the token at fault. Numbers are compared with their
//! range before they become a type, so nothing wraps.

use std::cell::RefCell;
use std::str;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD};

use super::text;
use crate::name::Reading;
use crate::presentation::{Position, Token, unescape};
use crate::{Fault, HostName, Message, Name, NameError, ZoneName, message};

/// How a name in record data is understood.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Names<'a> {
    /// As [`HostName::parse`] does: full names, the final dot optional, `@` for the apex of this zone.
    Api(&'a ZoneName),
    /// As RFC 1035, section 5.1: relative to the origin without a final dot, `@` for the origin.
    File {
        /// The origin in force.
        origin: &'a Name,
        /// Hears of names that are read otherwise than BIND reads them.
        readings: &'a Readings,
    },
}

/// The names of a zone file that were read otherwise than BIND reads them, for the notes on the file.
#[derive(Debug, Default)]
pub(crate) struct Readings(RefCell<Vec<Noted>>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) at: Position,
    pub(crate) check: &'static str,
    pub(crate) detail: Message,
}

impl Readings {
    /// Reads a name relative to `origin`; the fault has `check` unless it is one of those that BIND does not find.
    pub(crate) fn name(
        &self,
        raw: &[u8],
        at: Position,
        origin: &Name,
        check: &'static str,
    ) -> Result<Name, (&'static str, NameError)> {
        let (name, reading) = Name::from_presentation(raw, origin).map_err(|error| match error {
            // ASCII gives none of these here.
            NameError::Idna(_) | NameError::Invisible(_) | NameError::Character(_) => ("name-idna", error),
            _ => (check, error),
        })?;
        if let Some(reading) = reading {
            let mut noted = self.0.borrow_mut();
            if noted.len() < Self::MOST {
                let (check, detail) = note(raw, &name, origin, reading);
                noted.push(Noted { at, check, detail });
            }
        }
        Ok(name)
    }

    /// What was noted since the last call.
    pub(crate) fn take(&self) -> Vec<Noted> {
        self.0.take()
    }

    /// One entry of a file may make many names ($GENERATE).
    const MOST: usize = 100;
}

fn note(raw: &[u8], name: &Name, origin: &Name, reading: Reading) -> (&'static str, Message) {
    let text: String = String::from_utf8_lossy(raw).chars().take(100).collect();
    let name = name.fqdn().to_string();
    match reading {
        Reading::Converted => {
            ("name-converted", message!("\"{text}\" is not ASCII and is read as {name} (UTS 46)", text, name))
        }
        Reading::AtSign => (
            "name-at-sign",
            message!(
                "\"{text}\" is read as {name}: \"@\" stands for {origin}",
                text,
                name,
                origin = origin.fqdn().to_string()
            ),
        ),
        Reading::Octets => (
            "name-octets",
            message!(
                "{name} has octets that are not ASCII, which are kept as they are; a name in UTF-8 without escapes is converted",
                name
            ),
        ),
    }
}

/// What is wrong with a field, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub(crate) struct FieldError {
    pub(crate) fault: Fault,
    pub(crate) at: Position,
}

/// A cursor over the data tokens of one record.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    tokens: &'a [Token<'a>],
    names: Names<'a>,
    /// Where the data ends: the place of what is missing.
    end: Position,
}

/// The check of names that no host can have, where a host is needed. BIND has the same check (`check-names`), which zones here
/// are loaded without.
pub(crate) const NOT_A_HOST: &str = "not-a-host-name";
/// A character-string holds at most this many octets (RFC 1035, section 3.3).
pub(crate) const MAX_STRING: usize = 255;

/// As BIND reads base64: with its padding, and without bits that padding cuts off.
pub(super) const BASE64: GeneralPurpose = STANDARD;

impl<'a> Fields<'a> {
    /// The tokens of one record's data, and where that ends.
    pub(crate) fn new(tokens: &'a [Token<'a>], names: Names<'a>, end: Position) -> Self {
        Fields { tokens, names, end }
    }

    /// The next token, which stays where it is.
    pub(crate) fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.first()
    }

    /// Whether all has been read.
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The next token, quoted or not.
    pub(crate) fn token(&mut self, what: &Message) -> Result<&'a Token<'a>, FieldError> {
        match self.tokens.split_first() {
            Some((token, rest)) => {
                self.tokens = rest;
                Ok(token)
            }
            None => Err(self.fault("field-missing", message!("{what} is missing", what))),
        }
    }

    /// A word as it is written, escapes and all; a quoted string is none.
    pub(crate) fn word(&mut self, what: &Message) -> Result<&'a Token<'a>, FieldError> {
        let token = self.token(what)?;
        if token.quoted {
            return Err(error(token, "field-quoted", message!("{what} must not be in quotes", what)));
        }
        Ok(token)
    }

    /// A number of one octet.
    pub(crate) fn u8(&mut self, what: &Message) -> Result<u8, FieldError> {
        Ok(self.number(what, u8::MAX.into())? as u8)
    }

    /// A number of two octets.
    pub(crate) fn u16(&mut self, what: &Message) -> Result<u16, FieldError> {
        Ok(self.number(what, u16::MAX.into())? as u16)
    }

    /// A number of four octets.
    pub(crate) fn u32(&mut self, what: &Message) -> Result<u32, FieldError> {
        self.number(what, u32::MAX)
    }

    /// A number of decimal digits, at most `max`.
    pub(crate) fn number(&mut self, what: &Message, max: u32) -> Result<u32, FieldError> {
        let token = self.word(what)?;
        number(token.raw).filter(|number| *number <= max).ok_or_else(|| {
            let detail = message!(
                "{what} must be a number from 0 to {max}, not \"{found}\"",
                what,
                max,
                found = excerpt(token.raw)
            );
            error(token, "field-number", detail)
        })
    }

    /// A name, absolute whatever way it was written.
    pub(crate) fn name(&mut self, what: &Message) -> Result<Name, FieldError> {
        let token = self.word(what)?;
        let name = match self.names {
            Names::File { origin, readings } => readings.name(token.raw, token.at, origin, "host-name"),
            Names::Api(zone) => str::from_utf8(token.raw)
                .map_err(|_| NameError::Wire)
                .and_then(|text| HostName::parse(text, zone))
                .map(|host| host.name().clone())
                .map_err(|reason| ("host-name", reason)),
        };
        name.map_err(|(check, reason)| error(token, check, message!("{what}: {reason}", what, reason)))
    }

    /// The name of a host, absolute; refuses what only looks like one, such as a URL.
    pub(crate) fn host(&mut self, what: &Message) -> Result<Name, FieldError> {
        let written = self.tokens.first();
        let name = self.name(what)?;
        if let Some(token) = written {
            name.check_host(&String::from_utf8_lossy(token.raw))
                .map_err(|reason| error(token, NOT_A_HOST, message!("{what}: {reason}", what, reason)))?;
        }
        Ok(name)
    }

    /// A character-string (RFC 1035, section 3.3): at most 255 octets, in quotes or not.
    pub(crate) fn string(&mut self, what: &Message) -> Result<Vec<u8>, FieldError> {
        let at = self.tokens;
        let text = self.text(what)?;
        match at.first() {
            Some(token) if text.len() > MAX_STRING => {
                Err(error(token, "field-string-long", message!("{what} has more than 255 octets", what)))
            }
            _ => Ok(text),
        }
    }

    /// Text of any length, in quotes or not.
    pub(crate) fn text(&mut self, what: &Message) -> Result<Vec<u8>, FieldError> {
        let token = self.token(what)?;
        unescape(token.raw).ok_or_else(|| {
            let detail = message!(
                "{what}: a backslash must be followed by one character or by three decimal digits from 000 to 255",
                what
            );
            error(token, "field-escape", detail)
        })
    }

    /// All that is left, as hexadecimal digits; the words may be cut anywhere.
    pub(crate) fn rest_hex(&mut self, what: &Message) -> Result<Vec<u8>, FieldError> {
        let (digits, first) = self.rest_joined(what)?;
        let octets = digits.chunks(2).map(|pair| match pair {
            [high, low] => Some(hex_digit(*high)? << 4 | hex_digit(*low)?),
            _ => None,
        });
        octets.collect::<Option<Vec<u8>>>().ok_or_else(|| {
            error(first, "field-hex", message!("{what} must be pairs of hexadecimal digits, such as 0a1b", what))
        })
    }

    /// All that is left, as base64 (RFC 4648, section 4); the words may be cut anywhere.
    pub(crate) fn rest_base64(&mut self, what: &Message) -> Result<Vec<u8>, FieldError> {
        let (digits, first) = self.rest_joined(what)?;
        BASE64
            .decode(digits)
            .map_err(|_| error(first, "field-base64", message!("{what} must be base64 with its padding", what)))
    }

    /// Nothing may be left.
    pub(crate) fn end(&mut self) -> Result<(), FieldError> {
        match self.tokens.first() {
            None => Ok(()),
            Some(token) => {
                let detail =
                    message!("nothing more is expected here, but there is \"{found}\"", found = excerpt(token.raw));
                Err(error(token, "field-extra", detail))
            }
        }
    }

    /// A fault of the next token, or of its absence.
    pub(crate) fn fault(&self, check: &'static str, detail: Message) -> FieldError {
        let at = self.tokens.first().map_or(self.end, |token| token.at);
        FieldError { fault: Fault::of("value", check, detail), at }
    }

    /// All words that are left as one, and the first of them.
    fn rest_joined(&mut self, what: &Message) -> Result<(Vec<u8>, &'a Token<'a>), FieldError> {
        let first = self.word(what)?;
        let mut joined = first.raw.to_vec();
        while !self.is_empty() {
            joined.extend(self.word(what)?.raw);
        }
        Ok((joined, first))
    }
}

/// A fault of one token.
pub(crate) fn error(token: &Token<'_>, check: &'static str, detail: Message) -> FieldError {
    FieldError { fault: Fault::of("value", check, detail), at: token.at }
}

/// A token for a message: printable, and no longer than a line.
pub(crate) fn excerpt(raw: &[u8]) -> String {
    const MOST: usize = 40;
    match raw.get(..MOST) {
        Some(start) if raw.len() > MOST => format!("{}...", start.escape_ascii()),
        _ => raw.escape_ascii().to_string(),
    }
}

/// A number of decimal digits and nothing else; `None` where it is none, or over 32 bits.
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    str::from_utf8(digits).ok().and_then(text::number)
}

pub(crate) fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presentation::value_tokens;

    fn with<T>(
        text: &str,
        names: Names<'_>,
        read: impl FnOnce(&mut Fields<'_>) -> Result<T, FieldError>,
    ) -> Result<T, FieldError> {
        let (tokens, end) = value_tokens(text).unwrap();
        let mut fields = Fields::new(&tokens, names, end);
        let value = read(&mut fields)?;
        fields.end()?;
        Ok(value)
    }

    fn api<T>(text: &str, read: impl FnOnce(&mut Fields<'_>) -> Result<T, FieldError>) -> Result<T, FieldError> {
        with(text, Names::Api(&ZoneName::parse("example.com").unwrap()), read)
    }

    fn file<T>(text: &str, read: impl FnOnce(&mut Fields<'_>) -> Result<T, FieldError>) -> Result<T, FieldError> {
        let origin = Name::parse("sub.example.com").unwrap();
        with(text, Names::File { origin: &origin, readings: &Readings::default() }, read)
    }

    #[test]
    fn numbers_are_never_wrapped() {
        for text in [
            "65536",
            "65537",
            "4294967295",
            "4294967296",
            "18446744073709551617",
            "-1",
            "+1",
            "0x1",
            "1h",
            "1.",
            "\"1\"",
            "\\049",
        ] {
            assert!(api(text, |fields| fields.u16(&Message::untranslated("the port"))).is_err(), "{text}");
        }
        assert!(api("256", |fields| fields.u8(&Message::untranslated("the flags"))).is_err());
        assert!(api("4294967296", |fields| fields.u32(&Message::untranslated("the serial"))).is_err());
        assert_eq!(api("065535", |fields| fields.u16(&Message::untranslated("the port"))), Ok(65535));
        assert_eq!(api("4294967295", |fields| fields.u32(&Message::untranslated("the serial"))), Ok(u32::MAX));
    }

    #[test]
    fn faults_say_where_and_what() {
        let error = api("1  x y", |fields| {
            fields.u8(&Message::untranslated("the weight")).and_then(|_| fields.u8(&Message::untranslated("the port")))
        })
        .unwrap_err();
        assert_eq!((error.at.line, error.at.column), (1, 4));
        assert_eq!(error.fault.detail.to_string(), "the port must be a number from 0 to 255, not \"x\"");
        let error = api("1 ", |fields| {
            fields.u8(&Message::untranslated("the weight")).and_then(|_| fields.u8(&Message::untranslated("the port")))
        })
        .unwrap_err();
        assert_eq!((error.at.column, error.fault.check), (3, "field-missing"));
        let error = api("1 2", |fields| fields.u8(&Message::untranslated("the weight"))).unwrap_err();
        assert_eq!((error.at.column, error.fault.check), (3, "field-extra"));
    }

    #[test]
    fn names_follow_the_policy() {
        let read = |fields: &mut Fields<'_>| {
            fields.name(&Message::untranslated("the target")).map(|name| name.fqdn().to_string())
        };
        for (text, by_api, by_file) in [
            ("@", Some("example.com."), Some("sub.example.com.")),
            ("a", None, Some("a.sub.example.com.")),
            ("A.b", Some("a.b."), Some("a.b.sub.example.com.")),
            ("A.b.", Some("a.b."), Some("a.b.")),
            (".", Some("."), Some(".")),
            ("a..b", None, None),
            (".a", None, None),
            ("\\@", None, Some("\\@.sub.example.com.")),
            ("a\\.b.", Some("a\\.b."), Some("a\\.b.")),
            ("192.0.2.1.", None, Some("192.0.2.1.")),
            ("a$@b.c.", None, Some("a\\$\\@b.c.")),
            ("é.c.", Some("xn--9ca.c."), Some("xn--9ca.c.")),
            ("é", None, Some("xn--9ca.sub.example.com.")),
            ("ｗｗｗ。é.c。", Some("www.xn--9ca.c."), Some("www.xn--9ca.c.")),
            ("é\\.c.", None, Some("\\195\\169\\.c.")),
            ("\u{200b}a.c.", None, None),
            ("\u{202e}abc.c.", None, None),
            ("a.@", None, Some("a.sub.example.com.")),
            ("a\\.@", None, Some("a\\.\\@.sub.example.com.")),
            ("a\\\\.@", None, Some("a\\\\.sub.example.com.")),
            ("é.@", None, Some("xn--9ca.sub.example.com.")),
            ("a.@.@", None, Some("a.\\@.sub.example.com.")),
            ("a..@", None, None),
            (".@", None, None),
            ("..@", None, None),
            ("\"a.b.\"", None, None),
            ("a\\25.", None, None),
            ("a\\", None, None),
        ] {
            assert_eq!(api(text, read).ok().as_deref(), by_api, "{text}");
            assert_eq!(file(text, read).ok().as_deref(), by_file, "{text}");
        }
        let long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(45)].join(".");
        assert!(file(&long, read).unwrap().ends_with("d.sub.example.com."));
        assert!(file(&format!("{long}d"), read).is_err(), "over 255 octets with its origin");
        assert!(file(&"a".repeat(64), read).is_err(), "over 63 octets");
    }

    #[test]
    fn strings_have_at_most_255_octets_when_decoded() {
        let read = |fields: &mut Fields<'_>| fields.string(&Message::untranslated("the text"));
        assert_eq!(file("\"a\\\"b \\065\"", read), Ok(b"a\"b A".to_vec()));
        assert_eq!(file("a\\ b", read), Ok(b"a b".to_vec()));
        assert_eq!(file(&"\\255".repeat(255), read), Ok(vec![255; 255]));
        assert!(file(&"\\255".repeat(256), read).is_err());
        assert!(file("\\256", read).is_err());
    }

    #[test]
    fn digits_may_be_cut_anywhere() {
        let hex = |fields: &mut Fields<'_>| fields.rest_hex(&Message::untranslated("the digest"));
        assert_eq!(file("0a1 B2 c", hex), Ok(vec![0x0a, 0x1b, 0x2c]));
        for text in ["", "0", "0g", "\"00\"", "0a \"1b\"", "0x00"] {
            assert!(file(text, hex).is_err(), "{text}");
        }
        let base64 = |fields: &mut Fields<'_>| fields.rest_base64(&Message::untranslated("the key"));
        assert_eq!(file("Zm 9v YmE =", base64), Ok(b"fooba".to_vec()));
        for text in ["", "Zm9vYmE", "Zm9vYmE==", "Zm9v=", "Z===", "Zm9v!!!!", "Zg==Zg==", "Zh=="] {
            assert!(file(text, base64).is_err(), "{text}");
        }
    }
}
