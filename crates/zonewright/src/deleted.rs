//! `zonewright zone list --deleted`, `zone undelete` and `zone purge`: the operator's commands for deleted zones.

use dns::ZoneId;
use store::{Store, UndeleteError};

use crate::failure::{Failure, chain};
use crate::operands::reserved_name;
use crate::output::{Reader, print};

/// How many zones are read at a time.
const PAGE: u32 = 1000;

/// Lists the zones that can be brought back, the last deleted first.
pub(crate) async fn list(store: &Store) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let page = store.command_line().deleted_zones(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.deleted_at, last.zone.id));
        let lines: String = page
            .iter()
            .map(|deleted| {
                let (id, name, records) = (deleted.zone.id.0, &deleted.zone.name, deleted.zone.record_count);
                format!("{id}\t{name}\t{}\t{records} records\tdeleted {:.0}\n", deleted.email, deleted.deleted_at)
            })
            .collect();
        if print(&lines)? == Reader::Gone {
            break;
        }
    }
    store.close().await;
    Ok(())
}

/// Brings a zone back.
pub(crate) async fn undelete(store: &Store, id: ZoneId) -> Result<(), Failure> {
    let outcome = store.command_line().undelete_zone(id).await;
    store.close().await;
    let back = outcome.map_err(|error| match error {
        UndeleteError::NoZone(_) => no_zone(id),
        UndeleteError::Reserved { name, reason } => Failure::Other(reserved_name(&name, reason)),
        error => Failure::Other(chain(&error)),
    })?;
    let (name, email, records) = (&back.zone.name, &back.email, back.zone.record_count);
    let serial = back.zone.serial;
    print(&format!("{name} of {email} restored, with {records} records, at serial {serial}\n")).map(drop)
}

/// Forgets a deleted zone.
pub(crate) async fn purge(store: &Store, id: ZoneId) -> Result<(), Failure> {
    let outcome = store.command_line().purge_zone(id).await;
    store.close().await;
    let purged = outcome?.ok_or_else(|| no_zone(id))?;
    print(&format!("{} of {} permanently deleted, with its history\n", purged.zone.name, purged.email)).map(drop)
}

fn no_zone(id: ZoneId) -> Failure {
    let id = id.0;
    Failure::Other(format!("there is no deleted zone {id}; `zonewright zone list --deleted` lists the deleted zones"))
}
