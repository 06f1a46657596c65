//! The reasons why a catalog is not up to date.

use std::error::Error;

use store::Chain;
use wire::ask::AskError;
use wire::transfer::TransferError;
use wire::update::UpdateError;

use crate::nameserver::DeployError;

/// Why a catalog is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The store could not be read.
    #[error("the store could not be read")]
    Store(#[from] store::StoreError),
    /// The primary did not say what it serves.
    #[error("the catalog {catalog} could not be queried")]
    Ask {
        /// Which catalog.
        catalog: String,
        /// Why.
        #[source]
        source: AskError,
    },
    /// The update was not made, or not answered.
    #[error("the catalog {catalog} could not be updated")]
    Update {
        /// Which catalog.
        catalog: String,
        /// Why.
        #[source]
        source: UpdateError,
    },
    /// The primary refused the update, or failed over it.
    #[error("the update of the catalog {catalog} was refused: the update key may not change it, or it is frozen")]
    Refused {
        /// Which catalog.
        catalog: String,
    },
    /// What is served could not be read.
    #[error("the catalog {catalog} could not be compared")]
    Transfer {
        /// Which catalog.
        catalog: String,
        /// Why.
        #[source]
        source: TransferError,
    },
    /// The primary could not be given the catalog as a whole, and nothing else can be deployed to it now.
    #[error(transparent)]
    Away(Box<dyn Error + Send + Sync>),
    /// The primary could not be given the catalog as a whole.
    #[error(transparent)]
    Host(Box<dyn Error + Send + Sync>),
    /// Another program keeps changing the catalog.
    #[error("the catalog {catalog} is changed by another program: is another server deploying to this nameserver?")]
    Contended {
        /// Which catalog.
        catalog: String,
    },
}

/// Only what says that the nameserver is away says so of all its zones too.
impl From<CatalogError> for DeployError {
    fn from(error: CatalogError) -> DeployError {
        let is_away = match &error {
            CatalogError::Ask { source, .. } => {
                matches!(source, AskError::Timeout(_) | AskError::Unreachable(_) | AskError::Stopped)
            }
            CatalogError::Update { source, .. } => !matches!(source, UpdateError::Message(_) | UpdateError::Rcode(_)),
            CatalogError::Transfer { source, .. } => {
                matches!(source, TransferError::Connect(_) | TransferError::Timeout(_) | TransferError::Broken(_))
            }
            CatalogError::Away(_) => true,
            CatalogError::Store(_)
            | CatalogError::Refused { .. }
            | CatalogError::Host(_)
            | CatalogError::Contended { .. } => false,
        };
        match error {
            CatalogError::Store(error) => DeployError::Store(error),
            error if is_away => DeployError::Unreachable(Box::new(error)),
            error => DeployError::Refused(Chain(&error).to_string()),
        }
    }
}
