//! The server's own records in the zones: what a zone has, and giving a new apex to every zone.

use std::sync::Arc;

use dns::apex::Apex;
use dns::change::Lookup;
use dns::{OwnerName, Record, RecordData, RecordType, ZoneId, ZoneName};

use super::db::{Connection, value};
use super::journal::{self, By};
use super::readers::Size;
use super::rows::{ZoneRow, zone, zone_columns};
use super::writer::{View, Work};
use super::zones;
use crate::logic::live::{LiveRecords, UNKNOWN_RECORD};
use crate::{Operator, StoreError, Tenant};

impl Tenant {
    /// The server's own records as a zone file may have them: the configured ones; those that a running server gives to all zones,
    /// where this process is a command that was configured otherwise; and those of the zone, where it has not got the new ones yet.
    pub async fn own_apex(&self, zone: Option<ZoneId>) -> Result<Apex, StoreError> {
        let shared = Arc::clone(&self.store.inner.shared);
        let read = move |connection: &Connection| {
            let mut ids = Vec::new();
            ids.extend(connection.optional("SELECT apex FROM present_apex", [], value::<i64>)?);
            if let Some(zone) = zone {
                ids.extend(zones::by_uuid(connection, zone)?.map(|row| row.apex));
            }
            let mut own = shared.apex.clone();
            for id in ids {
                own = own.with_nameservers_of(&*shared.apexes.get(connection, id)?);
            }
            Ok(own)
        };
        self.store.inner.readers.run(Size::Small, read).await
    }
}

impl Operator {
    /// Gives the next zones that have another apex than the one this store was opened with a version that has it; how many it
    /// did. 0: all have it, but for those that cannot.
    pub async fn roll_out_apex(&self, at_most: u32) -> Result<u32, StoreError> {
        self.store.inner.writer.run(move |work| roll_out(work, at_most)).await
    }
}

/// Zones whose apex is smaller than the wanted one, or larger: together, all that have another.
pub(super) const ZONES_WITH_OLDER_APEX: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_by_apex WHERE z.deleted IS NULL AND z.apex < ?1"
);
pub(super) const ZONES_WITH_NEWER_APEX: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_by_apex WHERE z.deleted IS NULL AND z.apex > ?1"
);

/// Gives up to `at_most` zones the store's apex. A zone that cannot have it keeps what it has, and is named in the log.
pub(super) fn roll_out(work: &Work, at_most: u32) -> Result<u32, StoreError> {
    let wanted = work.shared.apex_id;
    work.connection
        .prepare_cached(
            "INSERT INTO present_apex VALUES (1, ?1)
             ON CONFLICT (\"only\") DO UPDATE SET apex = excluded.apex WHERE present_apex.apex <> excluded.apex",
        )?
        .execute([wanted])?;
    let mut outdated = Vec::new();
    for sql in [ZONES_WITH_OLDER_APEX, ZONES_WITH_NEWER_APEX] {
        let mut statement = work.connection.prepare_cached(sql)?;
        let mut rows = statement.query([wanted])?;
        while outdated.len() < at_most as usize
            && let Some(row) = rows.next()?
        {
            let outdated_zone = zone(&row)?;
            match work.shared.apex.check_zone(&outdated_zone.zone.name) {
                Ok(()) => outdated.push(outdated_zone),
                Err(fault) => tracing::warn!(zone.name = %outdated_zone.zone.name, %fault, "a zone keeps its old apex"),
            }
        }
    }
    let done = outdated.len() as u32;
    for mut zone in outdated {
        adopt(work, &mut zone, &work.shared.apex, wanted)?;
    }
    Ok(done)
}

/// What the server that last rolled out its apex gives to all zones, and its number. For zones that a command makes or brings
/// back, which knows nothing of the flags that the server was started with.
pub(super) fn present(view: View<'_>) -> Result<(i64, Arc<Apex>), StoreError> {
    let present = view.connection.optional("SELECT apex FROM present_apex", [], value)?;
    let id = present.unwrap_or(view.shared.apex_id);
    Ok((id, view.shared.apexes.get(view.connection, id)?))
}

/// Gives a zone the [`present`] apex, where it can have that.
pub(super) fn adopt_present(work: &Work, zone: &mut ZoneRow) -> Result<(), StoreError> {
    let (id, apex) = present(work.view())?;
    if id == zone.apex || apex.check_zone(&zone.zone.name).is_err() { Ok(()) } else { adopt(work, zone, &apex, id) }
}

fn adopt(work: &Work, zone: &mut ZoneRow, apex: &Apex, apex_id: i64) -> Result<(), StoreError> {
    let view = work.view();
    let mut cache = view.cache();
    let mut live = LiveRecords::of_row(&mut cache, zone);
    let removed = overridden(&zone.zone.name, apex, &mut live)?;
    zone.apex = apex_id;
    let ends = removed.iter().map(|record| live.take(record.id).map(|(row, _)| row).ok_or(UNKNOWN_RECORD));
    let ends = ends.collect::<Result<Vec<_>, _>>()?;
    let now = work.now();
    journal::next(&mut zone.zone, now, ends.len(), 0);
    journal::write(work, zone, &By::SERVER, (&ends, &[], 0), now)
}

/// The users' records that cannot stand beside the server's, because the server has them itself from now on: the addresses of
/// its nameservers (and aliases there), delegations and DNAME records that would hide these, and the same NS records at the apex.
/// Nothing else can break with a new apex: an NS record at the apex whose address is the server's is the server's own, so no user
/// has one.
fn overridden(name: &ZoneName, apex: &Apex, live: &mut LiveRecords<'_, '_>) -> Result<Vec<Record>, StoreError> {
    let mut removed = Vec::new();
    for nameserver in &apex.nameservers {
        let Some(owner) = OwnerName::of(&nameserver.name, name) else { continue };
        if nameserver.addresses.is_empty() || removed.iter().any(|record: &Record| record.owner == owner) {
            continue;
        }
        removed.extend(
            live.at(&owner)?
                .into_iter()
                .filter(|record| matches!(record.data, RecordData::A(_) | RecordData::Aaaa(_) | RecordData::Cname(_))),
        );
        for place in [owner.clone()].into_iter().chain(owner.ancestors()) {
            let hides = |record: &Record| match record.data.record_type() {
                // A DS record cannot stand without the delegation.
                RecordType::Ns | RecordType::Ds => !place.is_apex(),
                RecordType::Dname => true,
                _ => false,
            };
            removed.extend(live.at(&place)?.into_iter().filter(hides));
        }
    }
    // Names above two nameservers were looked at twice.
    removed.sort_by_key(|record| record.id);
    removed.dedup_by_key(|record| record.id);
    let is_ours = |record: &Record| match &record.data {
        RecordData::Ns(ns) => apex.has_nameserver(ns.host.name()),
        _ => false,
    };
    removed.extend(live.at(&OwnerName::apex())?.into_iter().filter(is_ours));
    Ok(removed)
}
