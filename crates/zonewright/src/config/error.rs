//! Errors in settings, each with the place where the setting was made.

use std::fmt;
use std::path::PathBuf;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the configuration file {} does not exist (set by {by})", .path.display())]
    NoFile { path: PathBuf, by: &'static str },
    #[error("{}: {problem}", .path.display())]
    File { path: PathBuf, problem: String },
    #[error("{place}: {key}: {problem} ({hint})")]
    Value { place: SetBy, key: String, problem: String, hint: String },
}

impl ConfigError {
    pub(super) fn new(
        place: SetBy,
        key: impl Into<String>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> ConfigError {
        ConfigError::Value { place, key: key.into(), problem: problem.into(), hint: hint.into() }
    }
}

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SetBy {
    Default,
    /// The file in which a server says what its settings are.
    Server(PathBuf),
    File(PathBuf),
    Environment(String),
    CommandLine(String),
}

impl fmt::Display for SetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetBy::Default => f.write_str("default"),
            SetBy::Server(path) => write!(f, "settings of the server, {}", path.display()),
            SetBy::File(path) => path.display().fmt(f),
            SetBy::Environment(variable) => write!(f, "environment, {variable}"),
            SetBy::CommandLine(flag) => write!(f, "command line, {flag}"),
        }
    }
}
