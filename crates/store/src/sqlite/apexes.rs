//! The server's own records as they are stored, and bringing new ones to every zone.
//!
//! Each value of [`Apex`] is stored once, as JSON, and never changes; zones and versions point at it. So "what did the server
//! put into the zone at version 7" has an answer for ever, and a change of the operator's nameservers is a version per zone,
//! not a rewrite of records.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use dns::apex::{Apex, ApexNameserver, SoaTimers};
use dns::change::Lookup;
use dns::{Name, OwnerName, Record, RecordData, RecordType, Ttl, ZoneId, ZoneName};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::journal::{self, By};
use super::readers::Size;
use super::rows::{Place, ZoneRow, zone, zone_columns};
use super::sql::{Statements, value};
use super::writer::{View, Work};
use super::zones;
use crate::logic::live::{LiveRecords, UNKNOWN_RECORD};
use crate::{StoreError, Tenant};

/// The serialised form is stored: members are only ever added, with a default.
#[derive(Serialize, Deserialize)]
struct StoredApex {
    nameservers: Vec<StoredNameserver>,
    ns_ttl: u32,
    refresh: u32,
    retry: u32,
    expire: u32,
    minimum: u32,
}

/// As [`StoredApex`].
#[derive(Serialize, Deserialize)]
struct StoredNameserver {
    name: String,
    addresses: Vec<IpAddr>,
}

/// The values that were read so far, by number.
#[derive(Debug, Default)]
pub(super) struct Apexes(Mutex<HashMap<i64, Arc<Apex>>>);

impl Apexes {
    /// The value with that number.
    pub(super) fn get(&self, connection: &Connection, id: i64) -> Result<Arc<Apex>, StoreError> {
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Arc::clone(known));
        }
        let content: Option<String> = connection.optional("SELECT content FROM apexes WHERE id = ?1", [id], value)?;
        let apex = content.as_deref().and_then(from_json);
        let apex = Arc::new(Place { table: "apexes", row: id }.sound("content", apex)?);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&apex));
        Ok(apex)
    }
}

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

/// The number of `apex`, which is stored if it is new.
pub(super) fn intern(connection: &mut Connection, apex: &Apex) -> Result<i64, StoreError> {
    let content = to_json(apex).map_err(|_| StoreError::Bug("an apex without a JSON form"))?;
    let find =
        |connection: &Connection| connection.optional("SELECT id FROM apexes WHERE content = ?1", [&content], value);
    if let Some(id) = find(connection)? {
        return Ok(id);
    }
    connection.execute("INSERT OR IGNORE INTO apexes (content) VALUES (?1)", [&content])?;
    Ok(find(connection)?.unwrap_or_default())
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
             ON CONFLICT (only) DO UPDATE SET apex = excluded.apex WHERE apex <> excluded.apex",
        )?
        .execute([wanted])?;
    let mut outdated = Vec::new();
    for sql in [ZONES_WITH_OLDER_APEX, ZONES_WITH_NEWER_APEX] {
        let mut statement = work.connection.prepare_cached(sql)?;
        let mut rows = statement.query([wanted])?;
        while outdated.len() < at_most as usize
            && let Some(row) = rows.next()?
        {
            let outdated_zone = zone(row)?;
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

fn to_json(apex: &Apex) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let SoaTimers { refresh, retry, expire, minimum } = apex.timers;
    let nameservers = apex
        .nameservers
        .iter()
        .map(|server| StoredNameserver { name: server.name.fqdn().to_string(), addresses: server.addresses.clone() })
        .collect();
    let stored = StoredApex { nameservers, ns_ttl: apex.ns_ttl.seconds(), refresh, retry, expire, minimum };
    Ok(serde_json::to_string(&stored)?)
}

fn from_json(content: &str) -> Option<Apex> {
    let stored: StoredApex = serde_json::from_str(content).ok()?;
    let nameservers = stored
        .nameservers
        .into_iter()
        .map(|server| Some(ApexNameserver { name: Name::parse(&server.name).ok()?, addresses: server.addresses }))
        .collect::<Option<Vec<_>>>()?;
    let StoredApex { refresh, retry, expire, minimum, .. } = stored;
    let timers = SoaTimers { refresh, retry, expire, minimum };
    Some(Apex { nameservers, ns_ttl: Ttl::new(stored.ns_ttl)?, timers })
}
