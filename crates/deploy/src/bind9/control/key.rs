//! The shared key of a control channel: reading an `rndc.key` file, creating a key, signing.
//!
//! The channel authenticates by the key alone. Its name is in the configuration files of both sides but is never sent, so
//! [`ControlKey`] does not contain it.

use std::fmt;

use wire::secret::{Algorithm, Secret, SecretError};
use wire::tsig::TsigKey;

use crate::config_text::ConfigText;

/// The secret and the algorithm both ends of a control channel sign with.
///
/// `Debug` shows the algorithm and hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ControlKey(Secret);

impl ControlKey {
    /// A key from an algorithm's name as named spells it (`hmac-sha256`) and a base64 secret.
    ///
    /// # Errors
    ///
    /// The algorithm is unknown or HMAC-MD5, or the secret is empty or not base64.
    pub fn new(algorithm: &str, secret: &str) -> Result<ControlKey, KeyError> {
        Ok(ControlKey(Secret::new(algorithm, secret)?))
    }

    /// Reads a key file: one statement `key "name" { algorithm ...; secret "..."; };`, with comments in any of named's three
    /// styles.
    ///
    /// # Errors
    ///
    /// [`KeyError::File`] for everything that is not such a statement, and for a second one: which of two keys was meant would be
    /// a guess.
    pub fn from_key_file(text: &str) -> Result<ControlKey, KeyError> {
        read_statement(text).map(|(_, key)| key)
    }

    /// A new random key of the digest's own length, for [`Algorithm::Sha256`] 256 bits.
    ///
    /// # Errors
    ///
    /// [`SecretError::Random`] when the operating system gives no random octets.
    pub fn generate(algorithm: Algorithm) -> Result<ControlKey, KeyError> {
        Ok(ControlKey(Secret::generate(algorithm)?))
    }

    /// The `key` statement for `named.conf` or a key file. It contains the secret: write it to a file that only named and this
    /// server can read.
    pub fn to_statement(&self, name: &ConfigText) -> String {
        format!("key {name} {{\n\talgorithm {};\n\tsecret \"{}\";\n}};\n", self.0.algorithm(), self.0.base64())
    }

    /// The secret and the algorithm, for other uses of the same key.
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    /// The algorithm's number in a message's `_auth` entry.
    pub(super) fn algorithm_code(&self) -> u8 {
        match self.0.algorithm() {
            Algorithm::Md5 => 157,
            Algorithm::Sha1 => 161,
            Algorithm::Sha224 => 162,
            Algorithm::Sha256 => 163,
            Algorithm::Sha384 => 164,
            Algorithm::Sha512 => 165,
        }
    }

    /// The HMAC of `message`, as long as the algorithm's digest.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.mac(&[message])
    }

    /// [`Secret::verifies`].
    pub(super) fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        self.0.verifies(&[message], tag)
    }
}

/// The same secret for the control channel.
impl From<&TsigKey> for ControlKey {
    fn from(key: &TsigKey) -> ControlKey {
        ControlKey(key.secret().clone())
    }
}

impl fmt::Debug for ControlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlKey").field("algorithm", &self.0.algorithm()).finish_non_exhaustive()
    }
}

/// Why a key cannot be used. No message contains the secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The algorithm or the secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Not a key file.
    #[error("not a key file: expected {expected}")]
    File {
        /// What should have stood where the parser stopped.
        expected: &'static str,
    },
}

/// Reads one `key` statement with nothing beside it: the key's name as it is written there, and the key.
pub(in crate::bind9) fn read_statement(text: &str) -> Result<(&str, ControlKey), KeyError> {
    let mut tokens = Tokens::new(text);
    tokens.expect_word("key")?;
    let name = tokens.value()?;
    tokens.expect('{')?;
    let (mut algorithm, mut secret) = (None, None);
    loop {
        match tokens.next()? {
            Some(Token::Punctuation('}')) => break,
            Some(Token::Text("algorithm")) if algorithm.is_none() => {
                algorithm = Some(tokens.value()?);
            }
            Some(Token::Text("secret")) if secret.is_none() => secret = Some(tokens.value()?),
            _ => {
                return Err(KeyError::File { expected: "one `algorithm` and one `secret`" });
            }
        }
        tokens.expect(';')?;
    }
    tokens.expect(';')?;
    if tokens.next()?.is_some() {
        return Err(KeyError::File { expected: "nothing after the one `key` statement" });
    }
    let missing = |expected| KeyError::File { expected };
    let key = ControlKey::new(algorithm.ok_or(missing("an `algorithm`"))?, secret.ok_or(missing("a `secret`"))?)?;
    Ok((name, key))
}

/// The tokens of named's configuration language, as far as a key file uses them.
struct Tokens<'a> {
    rest: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Text(&'a str),
    Punctuation(char),
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Tokens<'a> {
        Tokens { rest: text }
    }

    /// The next token, `None` at the end.
    fn next(&mut self) -> Result<Option<Token<'a>>, KeyError> {
        self.skip_blank()?;
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        if matches!(first, '{' | '}' | ';') {
            self.rest = &self.rest[1..];
            return Ok(Some(Token::Punctuation(first)));
        }
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let expected = "a closing quote on the same line, and no backslash before it";
            let end = quoted
                .find(['"', '\\', '\n'])
                .filter(|&end| quoted[end..].starts_with('"'))
                .ok_or(KeyError::File { expected })?;
            self.rest = &quoted[end + 1..];
            return Ok(Some(Token::Text(&quoted[..end])));
        }
        let end = self
            .rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '{' | '}' | ';' | '"'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(Some(Token::Text(word)))
    }

    fn skip_blank(&mut self) -> Result<(), KeyError> {
        loop {
            self.rest = self.rest.trim_ascii_start();
            if self.rest.starts_with('#') || self.rest.starts_with("//") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                let expected = "an end of the comment";
                let (_, rest) = comment.split_once("*/").ok_or(KeyError::File { expected })?;
                self.rest = rest;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self) -> Result<&'a str, KeyError> {
        match self.next()? {
            Some(Token::Text(text)) => Ok(text),
            _ => Err(KeyError::File { expected: "a name or a value" }),
        }
    }

    fn expect_word(&mut self, word: &'static str) -> Result<(), KeyError> {
        match self.next()? {
            Some(Token::Text(text)) if text == word => Ok(()),
            _ => Err(KeyError::File { expected: "a `key` statement" }),
        }
    }

    fn expect(&mut self, punctuation: char) -> Result<(), KeyError> {
        if self.next()? == Some(Token::Punctuation(punctuation)) {
            return Ok(());
        }
        let expected = match punctuation {
            '{' => "`{`",
            '}' => "`}`",
            _ => "`;`",
        };
        Err(KeyError::File { expected })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    use super::*;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn what_is_no_key_file_is_refused() {
        let statement = format!("key \"k\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};");
        let broken = [
            String::new(),
            "# only a comment".to_owned(),
            "/* open".to_owned(),
            "options { };".to_owned(),
            format!("{statement} {statement}"),
            statement.replace("algorithm hmac-sha256;", ""),
            statement.replace("secret", "password"),
            statement.replace("hmac-sha256", "hmac-sha256 hmac-sha1"),
            statement.replace("hmac-sha256", "hmac-sha257"),
            statement.replace("hmac-sha256", "hmac-md5"),
            statement.replace(SECRET, ""),
            statement.replace(SECRET, "not base64!"),
            statement.replace("};", "}"),
            statement.replace("=\"", "="),
            statement.replace("secret", "algorithm hmac-sha1; secret"),
        ];
        for text in broken {
            assert!(ControlKey::from_key_file(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_cut_of_a_key_file_is_refused() {
        let statement = format!("key \"k\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};");
        for end in 0..statement.len() {
            assert!(ControlKey::from_key_file(&statement[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn md5_is_refused_by_name() {
        let error = ControlKey::new("HMAC-MD5", SECRET).unwrap_err();
        assert!(matches!(error, KeyError::Secret(SecretError::Md5)));
        assert!(error.to_string().contains("hmac-sha256"));
    }

    #[test]
    fn comments_and_bare_words_are_read() {
        let text = format!(
            "// made by hand\n/* for\n the control channel */ key rndc-key {{\n secret {SECRET};\n\
             \talgorithm HMAC-SHA512; # upper case\n}};\n"
        );
        let key = ControlKey::from_key_file(&text).unwrap();
        assert_eq!(key, ControlKey::new("hmac-sha512", SECRET).unwrap());
    }

    #[test]
    fn a_generated_key_comes_back_from_its_statement() {
        for algorithm in Algorithm::ALL {
            let key = ControlKey::generate(algorithm).unwrap();
            let statement = key.to_statement(&ConfigText::new("zonewright").unwrap());
            assert_eq!(ControlKey::from_key_file(&statement).unwrap(), key);
            assert_ne!(ControlKey::generate(algorithm).unwrap(), key);
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = ControlKey::new("hmac-sha256", SECRET).unwrap();
        assert_eq!(format!("{key:?}"), "ControlKey { algorithm: Sha256, .. }");
    }

    /// RFC 4231, test case 2, and RFC 2202, test case 2.
    #[test]
    fn known_hmacs() {
        let cases = [
            ("hmac-sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            ("hmac-sha224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
            ("hmac-sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ];
        for (algorithm, expected) in cases {
            let key = ControlKey::new(algorithm, &BASE64.encode("Jefe")).unwrap();
            let tag = key.sign(b"what do ya want for nothing?");
            let hex: String = tag.iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(hex, expected);
            assert!(key.verifies(b"what do ya want for nothing?", &tag));
            assert!(!key.verifies(b"what do ya want for nothing!", &tag));
            assert!(!key.verifies(b"what do ya want for nothing?", &tag[..tag.len() - 1]));
        }
    }
}
