//! A BIND 9 primary as a [`Nameserver`]: the served serial, and the step to the next version by one update.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use dns::{ZoneDelta, ZoneId, ZoneName, ZoneSnapshot};
use domain::base::iana::Rcode;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use store::Journal;
use wire::ask::AskError;
use wire::update::{Outcome, UpdateError};

use super::load::reserved;
use super::{Bind9, step};
use crate::bind9::bulk;
use crate::bind9::folder::ZoneFolder;
use crate::bind9::managed::State;
use crate::catalog::CatalogName;
use crate::nameserver::{DeployError, Nameserver, NameserverKind, Served, Witness};

impl Witness for Bind9 {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn kind(&self) -> NameserverKind {
        NameserverKind::Bind9
    }

    fn served<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<Option<Served>, DeployError>> {
        self.ask(name).boxed()
    }

    fn waits_for(&self) -> Option<&'static str> {
        if !self.is_read.initialized() {
            let is_unreadable = self.is_unreadable.load(Relaxed);
            return Some(if is_unreadable {
                "its zone folder cannot be read; the log says why"
            } else {
                "its zone folder is being read"
            });
        }
        match &*self.settings.named.as_ref()?.borrow() {
            State::Starting => Some("named is starting"),
            State::Failing(_) => Some("named does not start; the log says why"),
            State::Running => None,
        }
    }
}

impl Nameserver for Bind9 {
    fn ready(&self) -> BoxFuture<'_, ()> {
        self.until_ready().boxed()
    }

    fn load(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>> {
        self.load_zone(zone).boxed()
    }

    fn rebuild(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>> {
        self.rebuild_zone(zone).boxed()
    }

    fn apply(&self, delta: ZoneDelta) -> BoxFuture<'_, Result<(), DeployError>> {
        self.update(delta).boxed()
    }

    fn remove<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<(), DeployError>> {
        self.remove_zone(name).boxed()
    }

    fn zones(&self) -> BoxFuture<'_, Result<Vec<(ZoneName, ZoneId)>, DeployError>> {
        let zones = |folder: &Arc<ZoneFolder>| {
            folder.scan()?;
            Ok(folder.zones())
        };
        self.in_folder(zones).boxed()
    }

    fn seed<'a>(&'a self, store: &'a Journal) -> BoxFuture<'a, Result<(), DeployError>> {
        bulk::seed(self, store).boxed()
    }
}

impl Bind9 {
    async fn ask(&self, name: &ZoneName) -> Result<Option<Served>, DeployError> {
        // What is served under such a name is a catalog, and nothing of an account's zone.
        if CatalogName::is_reserved(name) {
            return Ok(None);
        }
        if !self.is_read.initialized() {
            return Err(DeployError::Unreachable(NotReady.into()));
        }
        let serial = match self.asker.serial(name).await {
            Ok(Some(serial)) => serial,
            // A zone that is configured and not loaded: nothing is served.
            Ok(None) | Err(AskError::Rcode(Rcode::SERVFAIL)) => return Ok(None),
            Err(error @ (AskError::Malformed | AskError::Rcode(_))) => {
                return Err(DeployError::Refused(error.to_string()));
            }
            Err(error) => return Err(DeployError::Unreachable(error.into())),
        };
        let id = match self.folder.ids(name)[..] {
            [id] => Some(id),
            _ => self.configured_id(name).await?,
        };
        Ok(Some(Served { id, serial }))
    }

    async fn update(&self, delta: ZoneDelta) -> Result<(), DeployError> {
        if CatalogName::is_reserved(&delta.name) {
            return Err(reserved());
        }
        if self.suspects().contains(&delta.name) {
            return Err(DeployError::NeedsLoad("its content was found wrong".to_owned()));
        }
        step("update", &delta.name);
        match self.updater.apply(&delta).await {
            Ok(Outcome::Applied) => Ok(()),
            Ok(Outcome::Conflict) => {
                Err(DeployError::Diverged(format!("its SOA is not that of {}", delta.from.serial)))
            }
            Ok(Outcome::NotServed) => Err(DeployError::Diverged("it has no such zone".to_owned())),
            Ok(Outcome::Refused) => Err(DeployError::NeedsLoad("it refused the update".to_owned())),
            Ok(Outcome::ServerFailed) => Err(DeployError::NeedsLoad("it failed to update the zone".to_owned())),
            Err(UpdateError::Message(error)) if error.needs_load() => Err(DeployError::NeedsLoad(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

/// Calls before [`Nameserver::ready`].
#[derive(Debug, thiserror::Error)]
#[error("the server has only just been started, and has not read its zone folder yet")]
struct NotReady;
