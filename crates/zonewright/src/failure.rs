//! The reasons why commands fail.

use crate::config::ConfigError;

/// Why a command ended early, for the user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Other(String),
    /// The key file does not fit the database.
    #[error("{0}")]
    Key(String),
}

impl From<store::CreateTokenError> for Failure {
    fn from(error: store::CreateTokenError) -> Self {
        Failure::Other(chain(&error))
    }
}

impl From<store::AccountError> for Failure {
    fn from(error: store::AccountError) -> Self {
        Failure::Other(chain(&error))
    }
}

impl From<store::StoreError> for Failure {
    fn from(error: store::StoreError) -> Self {
        Failure::Other(chain(&error))
    }
}

/// An error and what caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    deploy::Chain(error).to_string()
}
