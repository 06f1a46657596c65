//! Text in the configuration of a nameserver, BIND or Knot.
//!
//! Inside quotes, both treat a backslash and a quote specially, in different ways, and leave everything else unchanged.

use std::fmt;
use std::path::Path;

/// A path or another string that can stand in quotes unchanged: not empty, without control characters, quotes and backslashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConfigText(String);

impl ConfigText {
    /// Takes `text` as it is.
    ///
    /// # Errors
    ///
    /// It has no spelling, or one that not every nameserver and release reads alike.
    pub fn new(text: &str) -> Result<ConfigText, ConfigTextError> {
        if text.is_empty() {
            return Err(ConfigTextError::Empty);
        }
        match text.chars().find(|&c| c.is_control() || matches!(c, '"' | '\\')) {
            Some(character) => Err(ConfigTextError::Character(character)),
            None => Ok(ConfigText(text.to_owned())),
        }
    }

    /// Takes a path as it is. The nameserver resolves a relative one from its own directory.
    ///
    /// # Errors
    ///
    /// As [`ConfigText::new`], and for a path that is not UTF-8.
    pub fn from_path(path: &Path) -> Result<ConfigText, ConfigTextError> {
        ConfigText::new(path.to_str().ok_or(ConfigTextError::Encoding)?)
    }
}

/// The text in its quotes.
impl fmt::Display for ConfigText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// Why a text cannot be written in a nameserver's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigTextError {
    /// There is no text.
    #[error("an empty text cannot be configured")]
    Empty,
    /// A control character, a quote or a backslash.
    #[error("the character {0:?} cannot be written in a nameserver's configuration")]
    Character(char),
    /// A path with octets that are not UTF-8.
    #[error("a path that is not UTF-8 cannot be written in a nameserver's configuration")]
    Encoding,
}
