//! Loads all zones at once when named has none: at a first start with many zones, or after the zone folder was deleted.
//!
//! named keeps added zones in a database, `_default.nzd`. When it is configured and this database is empty, it imports the older
//! format, the text file `_default.nzf` with one `zone` statement per line. So this module writes all zone files and one such
//! text file, and sends one `reconfig`. Afterwards every zone is an added zone, which can be removed and is loaded again after a
//! restart like all others.
//!
//! On two busy cores, 10,000 zones took 6 to 9 s this way, and 42 to 56 s with `addzone`; 100,000 took 138 s.
//!
//! Decided against: an `include` with all zones. They would be part of the configuration, so that every removal would have to
//! rewrite a file of many megabytes before the next restart, or a removed zone would come back.
//!
//! If the process is killed before `reconfig`, the text file remains, and a named that is started meanwhile imports the zones as
//! of that time. After `reconfig` nothing is left to do. If named does not import the zones, because its database is not empty,
//! they are added with `addzone`.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use dns::{ZoneId, ZoneName};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::{Head, Journal};

use super::NO_FOLLOW;
use super::control::{Command, Control, Timeouts};
use super::folder::FolderError;
use super::primary::Bind9;
use crate::catalog::CatalogName;
use crate::nameserver::{DeployError, Witness};

/// With fewer zones than this, `addzone` is as fast.
const WORTH_IT: usize = 2_000;
/// How many zones are read from the store at a time.
const PAGE: u32 = 500;
/// How many zone files are written at the same time: their syncs share the disk's.
const FILES_AT_ONCE: usize = 32;
/// How long `reconfig` may take; it took 6 s for 100,000 zones.
const RECONFIGURED_WITHIN: Duration = Duration::from_secs(900);
/// How often named is asked whether it has loaded all zones.
const LOOK_EVERY: Duration = Duration::from_millis(250);

const LIST: &str = "_default.nzf";
const STAGED_LIST: &str = "_default.nzf.new";

/// Gives a named without zones all zones of the store, if they are many.
pub(super) async fn seed(bind9: &Bind9, store: &Journal) -> Result<(), DeployError> {
    let Some(new_zones) = &bind9.settings.new_zones_folder else { return Ok(()) };
    let list = new_zones.join(LIST);
    discard(&list)?;
    let first = store.heads(None, PAGE).await?;
    if (first.len() as u32) < PAGE || serves_any(bind9, &first).await? || !has_many(store, &first).await? {
        return Ok(());
    }
    let server = bind9.settings.name.as_str();
    tracing::info!(server.id = server, "named has no zones; all are written at once");
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let heads = store.heads(after, PAGE).await?;
        let Some(last) = heads.last() else { break };
        after = Some(last.id);
        let written = stream::iter(heads)
            .map(|head| write(bind9, store, head.id))
            .buffer_unordered(FILES_AT_ONCE)
            .try_collect::<Vec<Option<(ZoneName, ZoneId)>>>();
        for (name, id) in written.await?.into_iter().flatten() {
            lines.push(statement(name, bind9, id)?);
        }
    }
    let zones = lines.len();
    let (folder, staged) = (new_zones.clone(), new_zones.join(STAGED_LIST));
    bind9
        .in_folder(move |zone_folder| {
            zone_folder.sync()?;
            write_list(&folder, &staged, &lines)
        })
        .await?;
    tracing::info!(server.id = server, zones, "all zone files are written; named loads them");
    let patient = Control::new(bind9.settings.control, bind9.settings.control_key.clone())
        .map_err(|error| DeployError::Unreachable(error.into()))?
        .with_timeouts(Timeouts { command: RECONFIGURED_WITHIN, ..Timeouts::default() });
    patient.send(&Command::Reconfig).await?;
    if list.exists() {
        tracing::info!(server.id = server, "named already has other zones; the zones are added one by one");
        return discard(&list);
    }
    while bind9.is_loading().await? {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    tracing::info!(server.id = server, zones, "named has loaded all zones");
    Ok(())
}

async fn serves_any(bind9: &Bind9, heads: &[Head]) -> Result<bool, DeployError> {
    for head in heads {
        if bind9.served(&head.name).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn has_many(store: &Journal, first: &[Head]) -> Result<bool, DeployError> {
    let (mut count, mut after) = (first.len(), first.last().map(|head| head.id));
    while count < WORTH_IT {
        let heads = store.heads(after, PAGE).await?;
        let Some(last) = heads.last() else { return Ok(false) };
        (count, after) = (count + heads.len(), Some(last.id));
    }
    Ok(true)
}

/// Writes one zone's file; `None` where the zone has been deleted meanwhile, or has a name that is never deployed.
async fn write(bind9: &Bind9, store: &Journal, id: ZoneId) -> Result<Option<(ZoneName, ZoneId)>, DeployError> {
    let Some(zone) = store.snapshot(id).await?.filter(|zone| !CatalogName::is_reserved(&zone.name)) else {
        return Ok(None);
    };
    let written = (zone.name.clone(), zone.id);
    bind9.in_folder(move |folder| folder.write_for_sync(&zone)).await?;
    Ok(Some(written))
}

/// The line of a zone: what follows `addzone` in the command.
fn statement(zone: ZoneName, bind9: &Bind9, id: ZoneId) -> Result<String, DeployError> {
    let config = Box::new(bind9.zone_config(id)?);
    let command = Command::AddZone { zone, config }.to_string();
    let statement = command.strip_prefix("addzone ").unwrap_or(&command);
    Ok(format!("zone {statement}\n"))
}

fn write_list(folder: &Path, staged: &Path, lines: &[String]) -> Result<(), FolderError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).custom_flags(NO_FOLLOW);
    let written = options.open(staged).and_then(|mut file| {
        file.write_all(lines.concat().as_bytes())?;
        file.sync_all()
    });
    written.map_err(FolderError::at(staged))?;
    let list = folder.join(LIST);
    fs::rename(staged, &list).map_err(FolderError::at(&list))
}

/// Removes a list that named has not taken over.
fn discard(list: &Path) -> Result<(), DeployError> {
    match fs::remove_file(list) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(FolderError::at(list)(error).into()),
        _ => Ok(()),
    }
}
