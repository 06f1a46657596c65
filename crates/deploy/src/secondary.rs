//! A secondary: gets its zones from the primary, and is polled for what it serves.

use std::net::SocketAddr;

use dns::ZoneName;
use domain::base::iana::Rcode;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use wire::ask::{AskError, Asker, Settings};

use crate::nameserver::{DeployError, NameserverKind, Served, Witness};

/// A secondary of any make, known by its address.
#[derive(Debug)]
pub struct Secondary {
    name: String,
    asker: Asker,
}

impl Secondary {
    /// The secondary that answers at `address`. Has to be called within a Tokio runtime.
    pub fn new(address: SocketAddr) -> Secondary {
        Secondary { name: name(address), asker: Asker::new(address, Settings::default()) }
    }
}

/// What the secondary at that address is called in answers, logs and metrics.
pub(crate) fn name(address: SocketAddr) -> String {
    format!("secondary {address}")
}

impl Witness for Secondary {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> NameserverKind {
        NameserverKind::Secondary
    }

    fn served<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<Option<Served>, DeployError>> {
        async move {
            match self.asker.serial(name).await {
                Ok(serial) => Ok(serial.map(|serial| Served { id: None, serial })),
                // It has heard of the zone and has none of it yet, or what it has is expired.
                Err(AskError::Rcode(Rcode::SERVFAIL)) => Ok(None),
                Err(error) => Err(DeployError::Unreachable(Box::new(error))),
            }
        }
        .boxed()
    }
}
