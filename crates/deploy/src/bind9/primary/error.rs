//! Converts errors of the ways into a primary to their meaning for deployment.
//!
//! The driver distinguishes two kinds: an error of the nameserver (not reachable, too slow, another key) delays all of its zones
//! until it is over, an error of a zone delays only that zone.

use wire::transfer::TransferError;
use wire::update::UpdateError;

use crate::bind9::control::ControlError;
use crate::bind9::folder::FolderError;
use crate::config_text::ConfigTextError;
use crate::nameserver::DeployError;

impl From<ControlError> for DeployError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Refused(_) | ControlError::Protocol(_) | ControlError::TooLong(_) => {
                DeployError::Refused(error.to_string())
            }
            ControlError::Connect { .. }
            | ControlError::Authentication { .. }
            | ControlError::Timeout { .. }
            | ControlError::NotSent(_)
            | ControlError::NotAnswered
            | ControlError::Interrupted(_) => DeployError::Unreachable(error.into()),
        }
    }
}

impl From<UpdateError> for DeployError {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Message(_) | UpdateError::Rcode(_) => DeployError::Refused(error.to_string()),
            UpdateError::NotSent(_) | UpdateError::Lost(_) | UpdateError::Tsig(_) => {
                DeployError::Unreachable(error.into())
            }
        }
    }
}

impl From<TransferError> for DeployError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Connect(_)
            | TransferError::Broken(_)
            | TransferError::Timeout(_)
            | TransferError::Tsig(_) => DeployError::Unreachable(error.into()),
            TransferError::NotServed
            | TransferError::Rcode(_)
            | TransferError::Malformed
            | TransferError::TooLarge { .. } => DeployError::Refused(error.to_string()),
        }
    }
}

impl From<FolderError> for DeployError {
    fn from(error: FolderError) -> Self {
        DeployError::ZoneFolder(error.into())
    }
}

impl From<ConfigTextError> for DeployError {
    fn from(error: ConfigTextError) -> Self {
        DeployError::Refused(error.to_string())
    }
}
