//! The text of a command, and the only way of putting outside data into it.
//!
//! named splits a command line into tokens with the lexer of its configuration language, so a
//! name or a path that is pasted in can close a quote or a brace and begin another command. Here a
//! [`CommandLine`] takes four things only: words that stand in this program's source, numbers,
//! addresses, and text that was quoted by [`Quoted`]. There is no method for a plain string.
//!
//! Inside quotes named's lexer knows two special octets. A backslash makes the quote after it plain
//! and *stays in the text* otherwise, so there is no spelling of every text. Hence two kinds:
//!
//! - a **name** is read a second time by named's name parser, which understands `\DDD`
//!   (RFC 1035, section 5.1). Every octet but letters, digits, `-` and `_` is written so, and any name can be
//!   written. It always ends in a dot, so that no name can be an option such as `-clean`.
//! - **text** (a path, a policy's name) is taken as it is. What has no spelling is refused when it
//!   is made into [`ConfigText`].

use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use domain::base::ToName;

/// A domain name (of a zone or a key) as it stands in a command. Every name can be one, whatever
/// octets are in its labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ControlName(Quoted);

impl ControlName {
    /// The name with every octet of its labels kept, letter case included.
    pub fn new(name: &impl ToName) -> Self {
        let mut text = String::new();
        for label in name.iter_labels().filter(|label| !label.is_root()) {
            for &octet in label.as_slice() {
                if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_') {
                    text.push(char::from(octet));
                } else {
                    let digit = |divisor: u8| char::from(b'0' + octet / divisor % 10);
                    text.extend(['\\', digit(100), digit(10), digit(1)]);
                }
            }
            text.push('.');
        }
        if text.is_empty() {
            text.push('.');
        }
        Self(Quoted(text))
    }
}

/// The name in its quotes.
impl fmt::Display for ControlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A path or another string of named's configuration that can stand in quotes unchanged: not empty,
/// without control characters, quotes and backslashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConfigText(Quoted);

impl ConfigText {
    /// Takes `text` as it is.
    ///
    /// # Errors
    ///
    /// It has no spelling in named's configuration, or one that not every release reads alike.
    pub fn new(text: &str) -> Result<Self, ConfigTextError> {
        if text.is_empty() {
            return Err(ConfigTextError::Empty);
        }
        match text
            .chars()
            .find(|&c| c.is_control() || matches!(c, '"' | '\\'))
        {
            Some(character) => Err(ConfigTextError::Character(character)),
            None => Ok(Self(Quoted(text.to_owned()))),
        }
    }

    /// Takes a path as it is. named resolves a relative one from its own `directory`.
    ///
    /// # Errors
    ///
    /// As [`ConfigText::new`], and for a path that is not UTF-8.
    pub fn from_path(path: &Path) -> Result<Self, ConfigTextError> {
        Self::new(path.to_str().ok_or(ConfigTextError::Encoding)?)
    }
}

/// The text in its quotes.
impl fmt::Display for ConfigText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text cannot stand in named's configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigTextError {
    /// There is no text.
    #[error("an empty text cannot be configured")]
    Empty,
    /// A control character, a quote or a backslash.
    #[error("the character {0:?} cannot be written in named's configuration")]
    Character(char),
    /// A path with bytes that are not UTF-8.
    #[error("a path that is not UTF-8 cannot be written in named's configuration")]
    Encoding,
}

/// Text that named's lexer reads as exactly one token when it is in quotes: no quote, no line
/// break, and backslashes only before three digits. Made by [`ControlName`] and [`ConfigText`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Quoted(String);

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// What may stand in a command line beside the program's own words.
pub(super) trait Argument: fmt::Display {}

impl Argument for ControlName {}
impl Argument for ConfigText {}
impl Argument for IpAddr {}
impl Argument for u16 {}
impl Argument for u32 {}

/// A command line under construction. Everything added is set apart by a space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLine(String);

impl CommandLine {
    /// Adds words and punctuation of the program itself.
    pub(super) fn word(&mut self, word: &'static str) -> &mut Self {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
        self
    }

    /// Adds data.
    pub(super) fn argument(&mut self, argument: &impl Argument) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(self.word("").0, "{argument}");
        self
    }

    /// Adds `ADDRESS port PORT`. A scope identifier (`%eth0`) is left out.
    pub(super) fn endpoint(&mut self, address: &SocketAddr) -> &mut Self {
        self.argument(&address.ip())
            .word("port")
            .argument(&address.port())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use domain::base::Name;
    use proptest::prelude::*;

    use super::*;

    type Octets = Vec<u8>;

    /// A second reading of the rule in the module's head: the tokens named's lexer finds, or `None`
    /// for an error.
    fn lex(line: &str) -> Option<Vec<String>> {
        let mut tokens = Vec::new();
        let mut rest = line.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                ' ' | '\t' | '\n' | '\r' => {}
                '{' | '}' | ';' => tokens.push(c.to_string()),
                '"' => {
                    let mut token = String::from('"');
                    let mut escaped = false;
                    loop {
                        match rest.next()? {
                            '"' if escaped => {
                                token.pop();
                                token.push('"');
                                escaped = false;
                            }
                            '"' => break,
                            '\n' if !escaped => return None,
                            c => {
                                escaped = c == '\\' && !escaped;
                                token.push(c);
                            }
                        }
                    }
                    tokens.push(token);
                }
                first => {
                    let mut token = String::from(first);
                    while let Some(c) = rest.next_if(|c| !" \t\n\r{};\"".contains(*c)) {
                        token.push(c);
                    }
                    tokens.push(token);
                }
            }
        }
        Some(tokens)
    }

    fn labels() -> impl Strategy<Value = Vec<Octets>> {
        let hostile = prop::sample::select(b"\"\\;{}/ \n\r\t#*@$().-'\0\xff".to_vec());
        let octet = prop_oneof![any::<u8>(), hostile];
        prop::collection::vec(prop::collection::vec(octet, 1..=63), 0..=3)
    }

    fn name(labels: &[Octets]) -> Name<Octets> {
        let mut wire = Octets::new();
        for label in labels {
            wire.push(u8::try_from(label.len()).unwrap());
            wire.extend(label);
        }
        wire.push(0);
        Name::from_octets(wire).unwrap()
    }

    fn assert_one_name(name: &Name<Octets>) {
        let mut line = CommandLine::default();
        line.word("delzone")
            .argument(&ControlName::new(name))
            .word("-end");
        let tokens = lex(line.as_str()).unwrap();
        assert_eq!(tokens.len(), 3, "{line:?}");
        assert_eq!((&*tokens[0], &*tokens[2]), ("delzone", "-end"));
        let text = tokens[1].strip_prefix('"').unwrap();
        let read: Name<Octets> = text.parse().unwrap();
        assert_eq!(read.as_slice(), name.as_slice(), "letter case too");
    }

    #[test]
    fn every_octet_survives() {
        for octet in 0..=u8::MAX {
            assert_one_name(&name(&[vec![octet]]));
            assert_one_name(&name(&[vec![b'a', octet, b'0'], vec![octet, octet]]));
        }
    }

    #[test]
    fn the_longest_name_fits_named_s_buffer() {
        let longest = name(&[vec![0; 63], vec![0; 63], vec![0; 63], vec![0; 61]]);
        let text = ControlName::new(&longest).to_string();
        assert!(text.len() - 2 <= 1023, "DNS_NAME_MAXTEXT");
        assert_one_name(&longest);
    }

    #[test]
    fn a_name_is_never_an_option() {
        let option = ControlName::new(&name(&[b"-clean".to_vec()]));
        assert_eq!(option.to_string(), "\"-clean.\"");
        assert_eq!(ControlName::new(&name(&[])).to_string(), "\".\"");
    }

    proptest! {
        #[test]
        fn a_name_is_one_token(labels in labels()) {
            assert_one_name(&name(&labels));
        }

        #[test]
        fn a_text_is_refused_or_one_token(text in "(?s)[\\PC\"\\\\;{}\n\r\0 ]{0,12}|(?s).{0,12}") {
            let Ok(quoted) = ConfigText::new(&text) else {
                prop_assert!(text.is_empty() || text.contains(['"', '\\']) || text.contains(char::is_control));
                return Ok(());
            };
            let mut line = CommandLine::default();
            line.word("file").argument(&quoted).word(";");
            let expected = ["file".to_owned(), format!("\"{text}"), ";".to_owned()];
            prop_assert_eq!(lex(line.as_str()), Some(expected.to_vec()));
        }
    }
}
