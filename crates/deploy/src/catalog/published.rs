//! A primary whose zones are published in its catalogs and announced to the secondaries.

use std::sync::Arc;

use dns::{Serial, ZoneDelta, ZoneId, ZoneName, ZoneSnapshot};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use store::Journal;

use super::Catalogs;
use crate::nameserver::{DeployError, Nameserver, NameserverKind, Served, Witness};

/// A nameserver with its catalogs, changed in the order that secondaries need, and the secondaries that are notified of every
/// version.
///
/// A loaded zone is published afterwards, a removed zone is withdrawn before. So a secondary does not query the primary for a
/// zone that it does not serve yet, and never keeps the old zone when one is created again under its name. Nothing is published
/// before [`Catalogs::run`].
pub struct Published {
    primary: Arc<dyn Nameserver>,
    catalogs: Catalogs,
}

impl Published {
    /// Publishes the zones of `primary` in `catalogs`, which have to be that primary's.
    pub fn new(primary: Arc<dyn Nameserver>, catalogs: Catalogs) -> Published {
        Published { primary, catalogs }
    }

    /// Publishes a zone after the primary has this version of it, and notifies the secondaries.
    fn published<'a>(
        &'a self,
        name: ZoneName,
        serial: Serial,
        taken: BoxFuture<'a, Result<(), DeployError>>,
    ) -> BoxFuture<'a, Result<(), DeployError>> {
        async move {
            let taken = taken.await;
            if !self.catalogs.has_begun() {
                return taken;
            }
            let published = match taken {
                Ok(()) => self.catalogs.publish(&name).await.map_err(DeployError::from),
                failed => failed,
            };
            // Also if only the response was lost: the next attempt finds the zone in sync and does not notify. If the zone is not
            // served, the notification has no effect and soon ends.
            self.catalogs.notifier().tell(&name, serial);
            published
        }
        .boxed()
    }
}

impl Witness for Published {
    fn name(&self) -> &str {
        self.primary.name()
    }

    fn kind(&self) -> NameserverKind {
        self.primary.kind()
    }

    fn served<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<Option<Served>, DeployError>> {
        self.primary.served(name)
    }

    fn waits_for(&self) -> Option<&'static str> {
        self.primary.waits_for()
    }
}

impl Nameserver for Published {
    fn ready(&self) -> BoxFuture<'_, ()> {
        self.primary.ready()
    }

    fn load(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>> {
        self.published(zone.name.clone(), zone.serial(), self.primary.load(zone))
    }

    fn rebuild(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>> {
        self.published(zone.name.clone(), zone.serial(), self.primary.rebuild(zone))
    }

    fn apply(&self, delta: ZoneDelta) -> BoxFuture<'_, Result<(), DeployError>> {
        async move {
            let (name, serial) = (delta.name.clone(), delta.to.serial);
            let applied = self.primary.apply(delta).await;
            self.catalogs.notifier().tell(&name, serial);
            applied
        }
        .boxed()
    }

    fn remove<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<(), DeployError>> {
        async move {
            self.catalogs.notifier().forget(name);
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

    fn seed<'a>(&'a self, store: &'a Journal) -> BoxFuture<'a, Result<(), DeployError>> {
        self.primary.seed(store)
    }
}
