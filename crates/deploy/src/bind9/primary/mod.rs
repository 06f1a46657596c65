//! A BIND 9 primary on this host: it gets zones over the control channel and as files, and changes by dynamic update.
//!
//! Only this module uses all the ways into a primary: [`control`](super::control) for the existence of zones,
//! [`folder`](super::folder) for their files, [`update`] for changes, [`ask`] and [`transfer`] for what is served. Apart from the
//! names of the files, no state of named is stored; each call begins with a query.
//!
//! # The steps, and why a kill between any two is harmless
//!
//! **A new zone**: unlink the files of other zones of that name; write the file (temporary, sync, rename, sync the folder);
//! `addzone`. If killed before `addzone`, there is a file that named does not know: the next run does the same again, and if the
//! zone is deleted from the store by then, the sweep finds the orphaned file. The other zones' files are removed first, so that a
//! folder never has two zones of one name; after a restart, it would be unknown which one is served.
//!
//! **A change**: one UPDATE that compares and sets the serial. There is no step between.
//!
//! **A removal**: `delzone`; unlink the journals, then the file. If killed between, the files are orphans under an identity that
//! is never used again. The other order would leave named with a zone whose file is missing.
//!
//! **A rebuild** (a change that does not fit into an UPDATE, or for which no UPDATE is possible): write the new file next to the
//! old one, so that a full disk changes nothing; `freeze`, which makes named write its data into the old file, and wait for that;
//! keep that file under another name; unlink the journals, which now have nothing that the file lacks; rename the new file into
//! place; `thaw`; confirm. If killed after `freeze`, the zone is served and refuses updates: the next run sees that it is frozen
//! and continues from there. If killed after the rename, named has the old content in memory and loads the new file, which is
//! newer, at its next restart. If named refuses the new file, the old one is restored, and the zone is thawed.
//!
//! A zone that named has from another file is the operator's: it is never changed, and deploying over it is refused. The same
//! applies to a zone with a catalog's name (from before the store refused such names), which is also removed from named.
//!
//! # Signed zones
//!
//! The serial that is compared and set is the one that was given to named, not the signed one that it serves; they are equal as
//! long as no zone is signed. For a signed zone, `zonestatus` has both. Keys are never in the zone folder.

mod error;
mod load;
mod nameserver;
mod rebuild;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dns::{ZoneId, ZoneName};
use store::{Chain, Clock};
use tokio::sync::{OnceCell, watch};
use wire::ask::{self, Asker};
use wire::transfer::{self, TransferError, TransferredZone};
use wire::tsig::TsigKey;
use wire::update::{self, Updater};

use self::rebuild::Rebuild;
use super::control::{Control, ControlKey, KeyError, ZoneConfig};
use super::folder::{FolderError, ZoneFolder};
use super::managed::State;
use crate::config_text::ConfigTextError;
use crate::nameserver::DeployError;
use crate::signing;

/// The wait after the zone folder could not be read.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// How a primary is reached, and where its zones are.
#[derive(Debug, Clone)]
pub struct Bind9Settings {
    /// What it is called in answers, logs and metrics.
    pub name: String,
    /// Its control channel.
    pub control: SocketAddr,
    /// The control channel's key.
    pub control_key: ControlKey,
    /// Where it answers questions, transfers and updates, UDP and TCP.
    pub dns: SocketAddr,
    /// The key of updates and transfers.
    pub update_key: TsigKey,
    /// The folder of the zone files. It must have no other files; it is created if missing.
    pub zone_folder: PathBuf,
    /// The folder in which named keeps the list of added zones (`_default.nzd`): its `new-zones-directory`, or its
    /// `directory`. With it, thousands of zones are taken at once when named has none.
    pub new_zones_folder: Option<PathBuf>,
    /// The most records in one RRset, where it is not named's default of 100.
    pub max_records_per_type: Option<u32>,
    /// Whether named can be used, where this server runs it. `None`: it is tried.
    pub named: Option<watch::Receiver<State>>,
    /// Where the time comes from.
    pub clock: Clock,
}

/// A BIND 9 primary, and the lock on its zone folder as long as the value lives.
#[derive(Debug)]
pub struct Bind9 {
    pub(super) settings: Bind9Settings,
    pub(super) control: Control,
    asker: Asker,
    updater: Updater,
    pub(super) folder: Arc<ZoneFolder>,
    /// Set when the zone folder has been read.
    is_read: OnceCell<()>,
    /// Whether the last attempt to read it failed.
    is_unreadable: AtomicBool,
    /// Zones whose content was found wrong: the next step is computed from what they serve, not from the journal.
    suspects: Mutex<HashSet<ZoneName>>,
    /// The rebuilds in progress, as of the last check.
    rebuilds: Mutex<HashMap<ZoneName, Rebuild>>,
}

impl Bind9 {
    /// Takes the zone folder and reads what is in it. named need not be running.
    ///
    /// # Errors
    ///
    /// See [`OpenError`], of which [`FolderError::Locked`] is the usual one.
    pub async fn open(settings: Bind9Settings) -> Result<Bind9, OpenError> {
        let bind9 = Bind9::lock(settings).await?;
        bind9.read_folder().await?;
        Ok(bind9)
    }

    /// Takes the zone folder, and leaves it to [`Nameserver::ready`](crate::Nameserver::ready) to read it, which takes a while where there are many zones.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn lock(settings: Bind9Settings) -> Result<Bind9, OpenError> {
        let folder = {
            let path = settings.zone_folder.clone();
            let clock = settings.clock.clone();
            let opened = tokio::task::spawn_blocking(move || ZoneFolder::lock(&path, clock));
            Arc::new(opened.await.map_err(|_| OpenError::Stopped)??)
        };
        let control = Control::new(settings.control, settings.control_key.clone())?;
        let asker = Asker::new(settings.dns, ask::Settings::default());
        let updater = Updater::new(
            settings.dns,
            &settings.update_key,
            update::Settings::default(),
            signing::clock(&settings.clock),
        );
        let (suspects, rebuilds) = (Mutex::default(), Mutex::default());
        let (is_read, is_unreadable) = (OnceCell::new(), AtomicBool::new(false));
        Ok(Bind9 { settings, control, asker, updater, folder, is_read, is_unreadable, suspects, rebuilds })
    }

    async fn read_folder(&self) -> Result<(), OpenError> {
        let read = self.is_read.get_or_try_init(|| async {
            let folder = Arc::clone(&self.folder);
            let read = tokio::task::spawn_blocking(move || folder.read());
            Ok::<_, OpenError>(read.await.map_err(|_| OpenError::Stopped)??)
        });
        read.await.copied()
    }

    async fn until_ready(&self) {
        while let Err(error) = self.read_folder().await {
            self.is_unreadable.store(true, Relaxed);
            let (server, error) = (self.settings.name.as_str(), Chain(&error).to_string());
            tracing::error!(server.id = server, error, again_in = ?READ_AGAIN, "the zone folder cannot be read");
            tokio::time::sleep(READ_AGAIN).await;
        }
        if let Some(mut named) = self.settings.named.clone() {
            // An error is the end of the server.
            let _ = named.wait_for(|state| matches!(state, State::Running)).await;
        }
    }

    /// Marks a zone whose content is not what its serial says. Its next version is then made from the difference to what is
    /// served.
    pub(super) fn suspect(&self, name: &ZoneName) {
        self.suspects().insert(name.clone());
    }

    /// What named serves of a zone, all of it.
    pub(super) async fn transfer(&self, name: &ZoneName) -> Result<TransferredZone, TransferError> {
        let Bind9Settings { dns, update_key, clock, .. } = &self.settings;
        transfer::fetch(*dns, name, Some(update_key), transfer::Limits::default(), &signing::clock(clock)).await
    }

    /// Runs work on the zone folder on a blocking thread. It is completed even if no caller waits for it any more, and holds the
    /// lock until then.
    pub(super) async fn in_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<ZoneFolder>) -> Result<T, FolderError> + Send + 'static,
    ) -> Result<T, DeployError> {
        let folder = Arc::clone(&self.folder);
        match tokio::task::spawn_blocking(move || work(&folder)).await {
            Ok(result) => Ok(result?),
            Err(stopped) => Err(DeployError::Unreachable(stopped.into())),
        }
    }

    /// The configuration of a zone; named's `options` define who can transfer it and who is notified.
    pub(super) fn zone_config(&self, id: ZoneId) -> Result<ZoneConfig, ConfigTextError> {
        Ok(ZoneConfig {
            update_keys: vec![self.settings.update_key.name().clone()],
            ignore_check_names: true,
            max_records_per_type: self.settings.max_records_per_type,
            ..ZoneConfig::primary(self.folder.config_text(id)?)
        })
    }

    fn suspects(&self) -> MutexGuard<'_, HashSet<ZoneName>> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rebuilds(&self) -> MutexGuard<'_, HashMap<ZoneName, Rebuild>> {
        self.rebuilds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is no primary.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The zone folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No random numbers for the control channel.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The program is ending.
    #[error("the program is stopping")]
    Stopped,
}

/// Says which step of the lists above comes next. Tests end the process here.
pub(super) fn step(step: &'static str, zone: &ZoneName) {
    tracing::trace!(target: "deploy::bind9::step", step, zone.name = %zone);
}
