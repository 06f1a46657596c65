//! The text of a command or of a statement, and the only way to insert outside data into it.
//!
//! named splits a command line into tokens with the lexer of its configuration language, so an inserted name or path could close
//! a quote or a brace and begin another command. A [`CommandLine`] takes only words from this program's source, numbers,
//! addresses, names, and [`ConfigText`]. It has no method for other strings.
//!
//! Inside quotes, named's lexer has two special octets. A backslash makes the quote after it literal, but otherwise *stays in the
//! text*, so some texts cannot be written. Hence there are two kinds:
//!
//! - A **name** is parsed again by named's name parser, which reads `\DDD` (RFC 1035, section 5.1). Every octet except letters,
//!   digits, `-` and `_` is written like this, so any name can be written. It always ends in a dot, so that no name can be an
//!   option such as `-clean`.
//! - A **text** (a path, a policy's name) is used unchanged. A text that cannot be written is refused when it becomes a
//!   [`ConfigText`].

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use dns::Name;

use crate::config_text::ConfigText;

/// A command line under construction. Everything added is set apart by a space.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::bind9) struct CommandLine(String);

impl CommandLine {
    /// Adds words and punctuation of the program itself.
    pub(in crate::bind9) fn word(&mut self, word: &'static str) -> &mut Self {
        self.push(format_args!("{word}"))
    }

    /// Adds a path or another text.
    pub(in crate::bind9) fn text(&mut self, text: &ConfigText) -> &mut Self {
        self.push(format_args!("{text}"))
    }

    /// Adds the name of a zone or a key.
    pub(in crate::bind9) fn name(&mut self, name: &Name) -> &mut Self {
        self.push(format_args!("{}", QuotedName(name)))
    }

    /// Adds a number.
    pub(in crate::bind9) fn number(&mut self, number: u32) -> &mut Self {
        self.push(format_args!("{number}"))
    }

    /// Adds an address.
    pub(in crate::bind9) fn address(&mut self, address: IpAddr) -> &mut Self {
        self.push(format_args!("{address}"))
    }

    /// Adds a network.
    pub(in crate::bind9) fn network(&mut self, address: IpAddr, prefix: u8) -> &mut Self {
        self.push(format_args!("{address}/{prefix}"))
    }

    pub(in crate::bind9) fn as_str(&self) -> &str {
        &self.0
    }

    fn push(&mut self, token: fmt::Arguments<'_>) -> &mut Self {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(token);
        self
    }
}

/// A name in quotes, for named's lexer first and its name parser second.
struct QuotedName<'a>(&'a Name);

impl fmt::Display for QuotedName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for label in self.0.labels() {
            for &octet in label {
                if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_') {
                    f.write_char(char::from(octet))?;
                } else {
                    write!(f, "\\{octet:03}")?;
                }
            }
            f.write_char('.')?;
        }
        f.write_str(if self.0.is_root() { ".\"" } else { "\"" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Octets = Vec<u8>;

    /// A second reading of the rule in the module's head: the tokens named's lexer finds, or `None` for an error.
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

    fn name(labels: &[Octets]) -> Name {
        Name::from_labels(labels.iter().map(Vec::as_slice)).unwrap()
    }

    fn assert_one_name(name: &Name) {
        let mut line = CommandLine::default();
        line.word("delzone").name(name).word("-end");
        let tokens = lex(line.as_str()).unwrap();
        assert_eq!(tokens.len(), 3, "{line:?}");
        assert_eq!((&*tokens[0], &*tokens[2]), ("delzone", "-end"));
        let text = tokens[1].strip_prefix('"').unwrap();
        let read: domain::base::Name<Octets> = text.parse().unwrap();
        assert_eq!(read.as_slice(), name.wire());
    }

    #[test]
    fn every_octet_survives() {
        for octet in 0..=u8::MAX {
            assert_one_name(&name(&[vec![octet]]));
            assert_one_name(&name(&[vec![b'a', octet, b'0'], vec![octet, octet]]));
        }
    }

    #[test]
    fn the_longest_name_fits_the_buffer_of_named() {
        let longest = name(&[vec![0; 63], vec![0; 63], vec![0; 63], vec![0; 61]]);
        let text = QuotedName(&longest).to_string();
        assert!(text.len() - 2 <= 1023, "DNS_NAME_MAXTEXT");
        assert_one_name(&longest);
    }

    #[test]
    fn a_name_is_never_an_option() {
        let option = name(&[b"-clean".to_vec()]);
        assert_eq!(QuotedName(&option).to_string(), "\"-clean.\"");
        assert_eq!(QuotedName(&Name::root()).to_string(), "\".\"");
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
            line.word("file").text(&quoted).word(";");
            let expected = ["file".to_owned(), format!("\"{text}"), ";".to_owned()];
            prop_assert_eq!(lex(line.as_str()), Some(expected.to_vec()));
        }
    }
}
