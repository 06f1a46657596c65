//! The embedded nameserver as a target: a change swaps a pointer in this process.

use dns::{ZoneDelta, ZoneName, ZoneSnapshot};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use nameserver::Zones;

use crate::nameserver::{DeployError, Nameserver, NameserverKind, Served, Witness};

/// The zones of the nameserver in this process.
#[derive(Clone)]
pub struct Embedded {
    zones: Zones,
}

impl Embedded {
    /// Deploys to these zones.
    pub fn new(zones: Zones) -> Embedded {
        Embedded { zones }
    }
}

impl Witness for Embedded {
    fn name(&self) -> &str {
        "embedded"
    }

    fn kind(&self) -> NameserverKind {
        NameserverKind::Embedded
    }

    fn served<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<Option<Served>, DeployError>> {
        let served = self.zones.served(name).map(|(id, serial)| Served { id: Some(id), serial });
        ready(Ok(served)).boxed()
    }
}

impl Nameserver for Embedded {
    fn load(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>> {
        async move {
            self.zones.load(zone);
            Ok(())
        }
        .boxed()
    }

    fn apply(&self, delta: ZoneDelta) -> BoxFuture<'_, Result<(), DeployError>> {
        async move { self.zones.apply(&delta).map_err(|error| DeployError::Diverged(error.to_string())) }.boxed()
    }

    fn remove<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<(), DeployError>> {
        self.zones.remove(name);
        ready(Ok(())).boxed()
    }
}
