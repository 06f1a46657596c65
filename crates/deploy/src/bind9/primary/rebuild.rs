//! Loads a served zone from a new file.
//!
//! ```text
//!   stage --> freeze --> dumped --> replace --> thaw --> confirmed
//!                |                    |           |
//!                |                    |           `-- not loaded in time: the old file again, and thaw
//!                `--------------------'-- failed: thaw
//! ```
//!
//! named responds to `freeze` and `thaw` before it has finished, and does not report a refused file: the zone then stays frozen
//! and is served unchanged. So the state is remembered, no caller waits long, and the next attempt continues where this one
//! ended. If the state is lost with the process, one more rebuild follows.
//!
//! The old file is restored only when the new one has certainly been refused: otherwise a late load could be followed by a load
//! of the older file, and the zone would go back. A later version of the zone need not wait for this, because it only goes
//! forward.

use std::time::Duration;

use dns::{Serial, ZoneId, ZoneName, ZoneSnapshot};
use tokio::time::Instant;

use super::{Bind9, step};
use crate::bind9::control::{Command, Refusal, ZoneStatus};
use crate::nameserver::DeployError;

/// How long named may take to write or load a file, and how much longer for each record; it took 7 µs for one.
const DONE_WITHIN: Duration = Duration::from_secs(10);
const DONE_WITHIN_PER_RECORD: Duration = Duration::from_micros(500);
/// How much of that is waited for at once: as long, no other zone has the place.
const WAITED_FOR: Duration = Duration::from_secs(1);
const WAITED_FOR_PER_RECORD: Duration = Duration::from_micros(50);
/// Whether it has is asked after this time, and then at twice the time, ...
const FIRST_LOOK: Duration = Duration::from_millis(2);
/// ... up to this.
const LAST_LOOK: Duration = Duration::from_millis(200);

/// How far the rebuild of a zone has come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rebuild {
    /// It is frozen, and named writes what it has into the file, until it is thought not to.
    Dumping { until: Instant },
    /// The new file, with this serial, is in its place, and named loads it, until it is thought to have refused it.
    Loading { until: Instant, serial: Serial },
}

impl Bind9 {
    /// Ends what an earlier rebuild of the zone has left open.
    pub(super) async fn finish_rebuild(&self, zone: &ZoneSnapshot, status: &ZoneStatus) -> Result<(), DeployError> {
        let (name, id) = (&zone.name, zone.id);
        let Some(begun) = self.rebuilds().get(name).copied() else { return Ok(()) };
        if !status.frozen {
            self.rebuilds().remove(name);
            return self.in_folder(move |folder| folder.drop_kept(id)).await;
        }
        let Rebuild::Loading { until, serial } = begun else { return Ok(()) };
        if zone.serial().is_newer_than(serial) {
            return Ok(());
        }
        if Instant::now() < until {
            return Err(not_yet("loaded the zone's new file"));
        }
        step("restore", name);
        self.in_folder(move |folder| folder.restore(id)).await?;
        self.thaw(name).await?;
        self.rebuilds().remove(name);
        Err(DeployError::Refused("it does not load the zone's new file; its log says why".to_owned()))
    }

    /// Replaces the file of a zone that named serves in an older version.
    pub(super) async fn rebuild(&self, zone: ZoneSnapshot) -> Result<(), DeployError> {
        let (name, id, serial, records) = (zone.name.clone(), zone.id, zone.serial(), zone.records.len());
        let server = self.settings.name.as_str();
        tracing::info!(zone.name = %name, server.id = server, %serial, records, "the zone is rebuilt from a file");
        step("stage", &name);
        let staged = self.in_folder(move |folder| folder.stage(&zone)).await?;
        step("freeze", &name);
        let is_ours = match self.control.send(&Command::Freeze(name.clone())).await {
            Ok(_) => true,
            Err(error) if error.refusal() == Some(Refusal::AlreadyFrozen) => false,
            Err(error) => return Err(error.into()),
        };
        let patience = Patience::new(records);
        if is_ours {
            self.rebuilds().insert(name.clone(), Rebuild::Dumping { until: Instant::now() + patience.in_all });
        }
        // What came before the freeze counts, and nothing comes after it.
        let frozen_at = self.control.zone_status(&name).await?.serial;
        if !serial.is_newer_than(frozen_at) {
            if is_ours {
                self.give_up(&name).await;
            }
            return Err(DeployError::Diverged(format!("it moved to {frozen_at} meanwhile")));
        }
        let begun = self.rebuilds().get(&name).copied();
        if let Some(Rebuild::Dumping { until }) = begun {
            self.wait_for_dump(id, frozen_at, until, patience.at_once).await?;
        }
        step("replace", &name);
        let replaced = self.in_folder(move |folder| {
            // If the last file was refused, the saved file is the one before it.
            if !matches!(begun, Some(Rebuild::Loading { .. })) {
                folder.keep(id)?;
            }
            staged.put()
        });
        if let Err(error) = replaced.await {
            self.give_up(&name).await;
            return Err(error);
        }
        self.rebuilds().insert(name.clone(), Rebuild::Loading { until: Instant::now() + patience.in_all, serial });
        step("thaw", &name);
        self.thaw(&name).await?;
        step("confirm", &name);
        let Some(loaded) = self.serial_after_thaw(&name, patience.at_once).await? else {
            return Err(not_yet("loaded the zone's new file"));
        };
        self.rebuilds().remove(&name);
        self.in_folder(move |folder| folder.drop_kept(id)).await?;
        if loaded != serial {
            return Err(DeployError::Diverged(format!("it serves {loaded} after the file of {serial} was loaded")));
        }
        Ok(())
    }

    /// Lets the zone take updates again, as it is. Where that fails, the next try finds it frozen.
    async fn give_up(&self, name: &ZoneName) {
        self.rebuilds().remove(name);
        if let Err(error) = self.thaw(name).await {
            let (server, error) = (self.settings.name.as_str(), error.to_string());
            tracing::warn!(zone.name = %name, server.id = server, error, "a zone stays frozen until the next attempt");
        }
    }

    async fn thaw(&self, name: &ZoneName) -> Result<(), DeployError> {
        self.control.send(&Command::Thaw(name.clone())).await?;
        Ok(())
    }

    /// Waits until named has written a frozen zone into its file. named renames its file into place when it is done, over ours if
    /// that is already there. If this takes too long, the rebuild continues, and is repeated if it was overwritten.
    async fn wait_for_dump(
        &self,
        id: ZoneId,
        frozen_at: Serial,
        until: Instant,
        at_once: Duration,
    ) -> Result<(), DeployError> {
        let deadline = Instant::now() + at_once;
        let mut pause = FIRST_LOOK;
        loop {
            let in_file = self.in_folder(move |folder| folder.serial(id)).await?;
            let now = Instant::now();
            // Without a file there is nothing to wait for: it was wiped.
            if in_file.is_none_or(|serial| serial == frozen_at) || now >= until {
                return Ok(());
            }
            if now >= deadline {
                return Err(not_yet("written the zone into its file"));
            }
            tokio::time::sleep(pause).await;
            pause = LAST_LOOK.min(pause * 2);
        }
    }

    /// The serial of a zone as soon as it takes updates again; `None` when time is up.
    async fn serial_after_thaw(&self, name: &ZoneName, at_once: Duration) -> Result<Option<Serial>, DeployError> {
        let deadline = Instant::now() + at_once;
        let mut pause = FIRST_LOOK;
        loop {
            let status = self.control.zone_status(name).await?;
            if !status.frozen {
                return Ok(Some(status.serial));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
            pause = LAST_LOOK.min(pause * 2);
        }
    }
}

/// How long a zone of that many records is waited for.
struct Patience {
    at_once: Duration,
    in_all: Duration,
}

impl Patience {
    fn new(records: usize) -> Patience {
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        Patience {
            at_once: WAITED_FOR + WAITED_FOR_PER_RECORD * records,
            in_all: DONE_WITHIN + DONE_WITHIN_PER_RECORD * records,
        }
    }
}

fn not_yet(what: &str) -> DeployError {
    DeployError::Refused(format!("it has not {what} yet"))
}
