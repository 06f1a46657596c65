//! Full zones: adding, loading regardless of what is served, and removing them.

use std::cmp::Ordering;

use dns::{ZoneId, ZoneName, ZoneSnapshot};
use wire::transfer::TransferError;
use wire::update::Outcome;

use super::{Bind9, step};
use crate::bind9::control::{Command, Refusal, ZoneKind, ZoneStatus};
use crate::bind9::difference;
use crate::catalog::CatalogName;
use crate::nameserver::DeployError;

/// What named has under a name.
enum Configured {
    Nothing,
    /// A zone of the operator's: where it comes from.
    Foreign(String),
    /// Ours, but named could not load it.
    Unloaded(ZoneId),
    Loaded(ZoneId, ZoneStatus),
}

impl Bind9 {
    /// The zone of ours that named has under a name.
    pub(super) async fn configured_id(&self, name: &ZoneName) -> Result<Option<ZoneId>, DeployError> {
        Ok(match self.configured(name).await? {
            Configured::Nothing | Configured::Foreign(_) => None,
            Configured::Unloaded(id) | Configured::Loaded(id, _) => Some(id),
        })
    }

    /// Refuses a zone of a catalog's name, for which named would become a catalog that its owner writes. What named has of such
    /// a zone from before is removed, and the catalogs themselves, which are from elsewhere, stay.
    pub(super) async fn refuse_reserved(&self, name: &ZoneName) -> Result<(), DeployError> {
        if !CatalogName::is_reserved(name) {
            return Ok(());
        }
        if let Configured::Unloaded(id) | Configured::Loaded(id, _) = self.configured(name).await? {
            self.delete(name).await?;
            self.unlink(name, id).await?;
        }
        for id in self.folder.ids(name) {
            self.unlink(name, id).await?;
        }
        Err(reserved())
    }

    /// Makes named serve this version, whatever it has now.
    pub(super) async fn load_zone(&self, zone: ZoneSnapshot) -> Result<(), DeployError> {
        self.refuse_reserved(&zone.name).await?;
        let configured = self.configured(&zone.name).await?;
        self.load_over(zone, configured).await
    }

    /// Makes named load this version from a file. It then has no journal, and gives secondaries the whole zone.
    pub(super) async fn rebuild_zone(&self, zone: ZoneSnapshot) -> Result<(), DeployError> {
        self.refuse_reserved(&zone.name).await?;
        let name = zone.name.clone();
        match self.configured(&name).await? {
            Configured::Loaded(id, status) if id == zone.id && zone.serial().is_newer_than(status.serial) => {
                self.finish_rebuild(&zone, &status).await?;
                self.rebuild(zone).await?;
            }
            configured => return self.load_over(zone, configured).await,
        }
        self.suspects().remove(&name);
        Ok(())
    }

    /// Loads a zone over what named has under its name.
    async fn load_over(&self, zone: ZoneSnapshot, configured: Configured) -> Result<(), DeployError> {
        let name = zone.name.clone();
        match configured {
            Configured::Nothing => self.add(zone).await?,
            Configured::Foreign(origin) => return Err(foreign(&origin)),
            Configured::Loaded(id, status) if id == zone.id => self.bring(zone, status).await?,
            Configured::Loaded(id, _) | Configured::Unloaded(id) => self.add_instead_of(id, zone).await?,
        }
        self.suspects().remove(&name);
        Ok(())
    }

    /// Makes named serve nothing under a name, and leaves no file.
    pub(super) async fn remove_zone(&self, name: &ZoneName) -> Result<(), DeployError> {
        match self.configured(name).await? {
            Configured::Nothing => {}
            Configured::Foreign(origin) => {
                let server = self.settings.name.as_str();
                tracing::warn!(zone.name = %name, server.id = server, origin, "a zone that the operator added is not touched");
            }
            Configured::Unloaded(id) | Configured::Loaded(id, _) => {
                self.delete(name).await?;
                self.unlink(name, id).await?;
            }
        }
        for id in self.folder.ids(name) {
            self.unlink(name, id).await?;
        }
        self.suspects().remove(name);
        Ok(())
    }

    /// Whether named is still loading the zones that it was started or configured with.
    pub(in crate::bind9) async fn is_loading(&self) -> Result<bool, DeployError> {
        let status = self.control.send(&Command::Status).await?;
        Ok(status.contains("reload/reconfig in progress"))
    }

    async fn configured(&self, name: &ZoneName) -> Result<Configured, DeployError> {
        let refused = match self.control.zone_status(name).await {
            Ok(status) => {
                let file = status.files.clone().unwrap_or_default();
                return Ok(match self.folder.id_of(&file) {
                    Some(id) if status.kind == ZoneKind::Primary => Configured::Loaded(id, status),
                    _ => Configured::Foreign(file),
                });
            }
            Err(error) => error,
        };
        match refused.refusal() {
            Some(Refusal::NotFound) => return Ok(Configured::Nothing),
            Some(Refusal::NotLoaded) => {}
            _ => return Err(refused.into()),
        }
        if self.is_loading().await? {
            return Err(DeployError::Unreachable(Loading.into()));
        }
        let statement = self.control.send(&Command::ShowZone(name.clone())).await?;
        let file = statement.split_once("file \"").and_then(|(_, rest)| rest.split_once('"')).map(|(file, _)| file);
        Ok(match file.and_then(|file| self.folder.id_of(file)) {
            Some(id) => Configured::Unloaded(id),
            None => Configured::Foreign(file.unwrap_or_default().to_owned()),
        })
    }

    async fn add_instead_of(&self, id: ZoneId, zone: ZoneSnapshot) -> Result<(), DeployError> {
        self.delete(&zone.name).await?;
        if id != zone.id {
            self.unlink(&zone.name, id).await?;
        }
        self.add(zone).await
    }

    /// Adds a zone that named does not have.
    async fn add(&self, zone: ZoneSnapshot) -> Result<(), DeployError> {
        let (name, id, serial) = (zone.name.clone(), zone.id, zone.serial());
        for other in self.folder.ids(&name).into_iter().filter(|other| *other != id) {
            self.unlink(&name, other).await?;
        }
        step("write", &name);
        self.in_folder(move |folder| folder.write(&zone)).await?;
        step("addzone", &name);
        let config = Box::new(self.zone_config(id)?);
        let Err(error) = self.control.send(&Command::AddZone { zone: name.clone(), config }).await else {
            step("added", &name);
            return Ok(());
        };
        match error.refusal() {
            // The command was repeated after its connection broke, or another program added the zone.
            Some(Refusal::AlreadyExists) => match self.configured(&name).await? {
                Configured::Loaded(there, status) if (there, status.serial) == (id, serial) => Ok(()),
                _ => Err(DeployError::Diverged("another zone was added under that name".to_owned())),
            },
            Some(_) => {
                self.unlink(&name, id).await?;
                Err(error.into())
            }
            None => Err(error.into()),
        }
    }

    /// Brings a zone that named serves to a later version.
    async fn bring(&self, zone: ZoneSnapshot, status: ZoneStatus) -> Result<(), DeployError> {
        self.finish_rebuild(&zone, &status).await?;
        match zone.serial().partial_cmp(&status.serial) {
            Some(Ordering::Less) => return Err(DeployError::Ahead { served: status.serial }),
            Some(Ordering::Equal | Ordering::Greater) => {}
            None => {
                tracing::warn!(
                    zone.name = %zone.name, server.id = self.settings.name, served = %status.serial,
                    head = %zone.serial(), "the served serial is neither older nor newer; the zone is removed and added again"
                );
                return self.add_instead_of(zone.id, zone).await;
            }
        }
        if !status.frozen && self.update_by_difference(&zone).await? {
            return Ok(());
        }
        if zone.serial() == status.serial {
            return Err(DeployError::Ahead { served: status.serial });
        }
        self.rebuild(zone).await
    }

    /// One update made from the difference between what is served and what should be; false where none can be made.
    async fn update_by_difference(&self, zone: &ZoneSnapshot) -> Result<bool, DeployError> {
        let served = match self.transfer(&zone.name).await {
            Ok(served) => served,
            Err(TransferError::NotServed | TransferError::Rcode(_) | TransferError::TooLarge { .. }) => {
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        let difference = difference::compare(zone, &served);
        let serial = served.serial()?;
        if serial == zone.serial() && difference.is_empty() {
            return Ok(true);
        }
        if !zone.serial().is_newer_than(serial) {
            return Err(DeployError::Ahead { served: serial });
        }
        let message = match difference::repair(zone, &served, None, &difference) {
            Ok(message) => message,
            Err(error) if error.needs_load() => return Ok(false),
            Err(error) => return Err(DeployError::Refused(error.to_string())),
        };
        step("repair", &zone.name);
        match self.updater.send(message).await? {
            Outcome::Applied => Ok(true),
            Outcome::Conflict | Outcome::NotServed => {
                Err(DeployError::Diverged("it changed while it was compared".to_owned()))
            }
            Outcome::Refused | Outcome::ServerFailed => Ok(false),
        }
    }

    async fn delete(&self, name: &ZoneName) -> Result<(), DeployError> {
        step("delzone", name);
        self.rebuilds().remove(name);
        match self.control.send(&Command::DelZone(name.clone())).await {
            Err(error) if error.refusal() != Some(Refusal::NotFound) => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn unlink(&self, name: &ZoneName, id: ZoneId) -> Result<(), DeployError> {
        step("unlink", name);
        let name = name.clone();
        self.in_folder(move |folder| folder.remove(&name, id)).await
    }
}

/// named was started or configured just now.
#[derive(Debug, thiserror::Error)]
#[error("it is still loading its zones")]
struct Loading;

/// The refusal of a zone that no account may hold.
pub(super) fn reserved() -> DeployError {
    DeployError::Refused("the name is reserved for the server's catalog zones; delete this zone".to_owned())
}

fn foreign(origin: &str) -> DeployError {
    let origin = if origin.is_empty() { "elsewhere".to_owned() } else { format!("the file {origin}") };
    DeployError::Refused(format!("named has a zone of that name from {origin}; take it out of its configuration"))
}
