//! A primary whose zones are published in its catalogs.

use std::sync::Arc;

use dns::{ZoneDelta, ZoneId, ZoneName, ZoneSnapshot};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use store::Store;

use super::Catalogs;
use crate::nameserver::{DeployError, Kind, Nameserver, Served, Witness};

/// A nameserver and its catalogs, kept in the order that secondaries need.
///
/// A zone that is loaded is published afterwards, one that is removed is withdrawn before: a secondary then does not ask the
/// primary for a zone that it has only heard of, and never takes the old one for one that was made again under its name.
/// Publishes nothing before [`Catalogs::run`] does.
pub struct Published {
    primary: Arc<dyn Nameserver>,
    catalogs: Catalogs,
}

impl Published {
    /// Publishes the zones of `primary` in `catalogs`, which have to be that primary's.
    pub fn new(primary: Arc<dyn Nameserver>, catalogs: Catalogs) -> Published {
        Published { primary, catalogs }
    }

    /// Publishes a zone after the primary has taken it.
    fn published<'a>(
        &'a self,
        name: ZoneName,
        taken: BoxFuture<'a, Result<(), DeployError>>,
    ) -> BoxFuture<'a, Result<(), DeployError>> {
        async move {
            taken.await?;
            if self.catalogs.has_begun() {
                self.catalogs.publish(&name).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

impl Witness for Published {
    fn name(&self) -> &str {
        self.primary.name()
    }

    fn kind(&self) -> Kind {
        self.primary.kind()
    }

    fn served<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<Option<Served>, DeployError>> {
        self.primary.served(name)
    }
}

impl Nameserver for Published {
    fn load(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>> {
        let name = zone.name.clone();
        self.published(name, self.primary.load(zone))
    }

    fn rebuild(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>> {
        let name = zone.name.clone();
        self.published(name, self.primary.rebuild(zone))
    }

    fn apply(&self, delta: ZoneDelta) -> BoxFuture<'_, Result<(), DeployError>> {
        self.primary.apply(delta)
    }

    fn remove<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<(), DeployError>> {
        async move {
            if self.catalogs.has_begun() {
                self.catalogs.withdraw(name).await?;
            }
            self.primary.remove(name).await
        }
        .boxed()
    }

    fn zones(&self) -> BoxFuture<'_, Result<Vec<(ZoneName, ZoneId)>, DeployError>> {
        self.primary.zones()
    }

    fn seed<'a>(&'a self, store: &'a Store) -> BoxFuture<'a, Result<(), DeployError>> {
        self.primary.seed(store)
    }
}
