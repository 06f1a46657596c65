//! What the ways into a primary say, as what it means for deployment.
//!
//! The line is drawn where the driver draws it: what concerns the nameserver (not there, not in time, another key) holds back
//! all of its zones until it is over, what concerns a zone holds back that zone.

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
