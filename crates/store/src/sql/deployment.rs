//! What nameservers are brought up to date from: a zone's whole content, and the step from an earlier version to the head.
//!
//! A step is the net difference, read from two ranges of the journal: what lived at the earlier version and has ended since,
//! and what began since and still lives. Its cost grows with the changes between, not with the zone.

use std::collections::HashMap;
use std::sync::Arc;

use dns::{RecordType, ResourceRecord, Serial, Ttl, ZoneDelta, ZoneId, ZoneName, ZoneSnapshot};
use tokio::sync::watch;

use super::db::{Connection, params};
use super::history::ENDING_BETWEEN;
use super::journal::{self, By};
use super::readers::Size;
use super::rows::{self, ZoneRow, lives, record_columns};
use super::shared::Shared;
use super::source::LIVE_AT_OWNER;
use super::writer::Work;
use super::{catalogs, settings, zones};
use crate::{
    CatalogSnapshot, CatalogVersion, Head, Journal, Moves, Source, Step, StoreError, StoredRecord, VersionNumber,
};

impl Journal {
    /// The newest version of the zone of that name, if there is one that nameservers are to serve.
    pub async fn head(&self, name: &ZoneName) -> Result<Option<Head>, StoreError> {
        let name = name.clone();
        let read = move |connection: &Connection| {
            let found = zones::by_name(connection, &name)?.map(|row| row.zone);
            Ok(found.filter(|zone| zone.withheld.is_served()).map(Head::from))
        };
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// The newest versions of all zones that nameservers are to serve, in an order that stays, after `after`.
    pub async fn heads(&self, after: Option<ZoneId>, limit: u32) -> Result<Vec<Head>, StoreError> {
        self.store.inner.readers.run(Size::Large, move |connection| zones::heads(connection, after, limit)).await
    }

    /// The names of zones that were deleted or taken off the nameservers, and not served since, in their order, after `after`.
    pub async fn deleted_names(&self, after: Option<ZoneName>, limit: u32) -> Result<Vec<ZoneName>, StoreError> {
        let read = move |connection: &Connection| zones::deleted(connection, after.as_ref(), limit);
        self.store.inner.readers.run(Size::Large, read).await
    }

    /// What the zone's newest version holds.
    pub async fn snapshot(&self, id: ZoneId) -> Result<Option<ZoneSnapshot>, StoreError> {
        let shared = Arc::clone(&self.store.inner.shared);
        let read = move |connection: &Connection| snapshot(&shared, connection, id);
        self.store.inner.readers.run(Size::Large, read).await
    }

    /// Gives a zone a version with the same content and a serial above `above`, and gives that serial; `None` where the zone is
    /// gone. For a nameserver that is ahead of the store, because a backup was restored or somebody changed the zone there, and for
    /// one whose content is to be repaired. A zone that is above already stays as it is.
    pub async fn raise_serial(&self, id: ZoneId, above: Serial) -> Result<Option<Serial>, StoreError> {
        self.store.inner.shared.stages.none_of(id).await;
        self.store.inner.writer.run(move |work| raise(work, id, above)).await
    }

    /// Gives a zone a version with the same content, and with a serial above `above`, that every nameserver takes whole
    /// ([`Step::Rebuild`]); gives its serial, `None` where the zone is gone.
    pub async fn rebuild(&self, id: ZoneId, above: Option<Serial>) -> Result<Option<Serial>, StoreError> {
        self.store.inner.shared.stages.none_of(id).await;
        self.store.inner.writer.run(move |work| rebuild(work, id, above)).await
    }

    /// How a nameserver that serves the version with serial `from` gets to the newest. `None` where the zone is gone or never had
    /// such a version.
    pub async fn step(&self, id: ZoneId, from: Serial) -> Result<Option<Step>, StoreError> {
        let shared = Arc::clone(&self.store.inner.shared);
        let read = move |connection: &Connection| step(&shared, connection, id, from);
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// The net difference from the version with serial `from` to the newest. `None` where the zone is gone or never had such a
    /// version.
    pub async fn delta(&self, id: ZoneId, from: Serial) -> Result<Option<ZoneDelta>, StoreError> {
        let shared = Arc::clone(&self.store.inner.shared);
        let read = move |connection: &Connection| delta(&shared, connection, id, from);
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// The newest serials of the 256 catalogs, in their order.
    pub async fn catalog_serials(&self) -> Result<Vec<Serial>, StoreError> {
        self.store.inner.readers.run(Size::Small, catalogs::serials).await
    }

    /// What a catalog's newest version holds.
    pub async fn catalog(&self, catalog: u8) -> Result<CatalogSnapshot, StoreError> {
        self.store.inner.readers.run(Size::Large, move |connection| catalogs::snapshot(connection, catalog)).await
    }

    /// The next `at_most` versions of a catalog after the one with serial `from`, oldest first. `None` where it never had such a
    /// version.
    pub async fn catalog_versions(
        &self,
        catalog: u8,
        from: Serial,
        at_most: u32,
    ) -> Result<Option<Vec<CatalogVersion>>, StoreError> {
        let read = move |connection: &Connection| catalogs::versions(connection, catalog, from, at_most);
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// Gives a catalog a version with the same content and a serial above `above`, unless it is above already; its serial then.
    pub async fn raise_catalog_serial(&self, catalog: u8, above: Serial) -> Result<Serial, StoreError> {
        self.store.inner.writer.run(move |work| catalogs::raise(work, catalog, above)).await
    }

    /// Which zones moved after a position in the journal.
    pub async fn moves(&self, after: u64) -> Result<Moves, StoreError> {
        self.store.inner.readers.run(Size::Small, move |connection| journal::moves(connection, after)).await
    }

    /// The journal's position, whenever it moves: by this process at once, by another within a second. A hint;
    /// [`Journal::moves`] is the truth.
    pub fn position(&self) -> watch::Receiver<u64> {
        self.store.inner.shared.position.subscribe()
    }
}

/// Makes a version that changes nothing but the serial, which becomes newer than `above`.
fn raise(work: &Work, id: ZoneId, above: Serial) -> Result<Option<Serial>, StoreError> {
    let Some(mut zone) = zones::served(&work.connection, id)? else { return Ok(None) };
    if !zone.zone.serial.is_newer_than(above) {
        journal::raise_base(&mut zone, Some(above));
        journal::append_empty(work, &mut zone, &By::SERVER)?;
    }
    Ok(Some(zone.zone.serial))
}

/// Makes a version without changes, with a serial newer than `above`, that nameservers take whole.
fn rebuild(work: &Work, id: ZoneId, above: Option<Serial>) -> Result<Option<Serial>, StoreError> {
    let Some(mut zone) = zones::served(&work.connection, id)? else { return Ok(None) };
    journal::raise_base(&mut zone, above);
    let by = By { name: "operator", source: Source::Operator, ..By::SERVER };
    journal::append_empty(work, &mut zone, &by)?;
    work.connection.prepare_cached("UPDATE zones SET rebuilt = version WHERE id = ?1")?.execute([zone.row])?;
    Ok(Some(zone.zone.serial))
}

pub(super) const LIVE: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_of_zone WHERE r.zone = ?1 AND ",
    lives!()
);

/// The head's whole content.
pub(super) fn snapshot(
    shared: &Shared,
    connection: &Connection,
    id: ZoneId,
) -> Result<Option<ZoneSnapshot>, StoreError> {
    let Some(zone) = zones::served(connection, id)? else { return Ok(None) };
    let apex = shared.apexes.get(connection, zone.apex)?;
    let users = rows::records(connection, LIVE, params![zone.row], id)?;
    let ns_ttl = users_ns_ttl(users.iter());
    let mut all = apex.records(&zone.zone.name, ns_ttl);
    all.extend(users.into_iter().map(|stored| ResourceRecord::from(stored.record)));
    let soa = settings::soa(connection, &apex, zone.settings, zone.zone.serial)?;
    Ok(Some(ZoneSnapshot { id, name: zone.zone.name, soa, records: all }))
}

/// A serial comes again once they have wrapped: the newest version is meant.
pub(super) const VERSION_BY_SERIAL: &str =
    "SELECT version, apex, version < (SELECT rebuilt FROM zones WHERE id = ?1) AS is_before_rebuild, settings
     FROM versions INDEXED BY versions_by_serial WHERE zone = ?1 AND serial = ?2 ORDER BY seq DESC LIMIT 1";
pub(super) const ENDED_SINCE: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_to WHERE r.zone = ?1 AND r.to_version > ?2 AND r.from_version <= ?2"
);
pub(super) const BEGUN_SINCE: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_from WHERE r.zone = ?1 AND r.from_version > ?2 AND ",
    lives!()
);

/// How a nameserver that serves the version with serial `from` gets to the head.
pub(super) fn step(
    shared: &Shared,
    connection: &Connection,
    id: ZoneId,
    from: Serial,
) -> Result<Option<Step>, StoreError> {
    let Some(zone) = zones::served(connection, id)? else { return Ok(None) };
    match earlier(connection, &zone, from)? {
        None => Ok(None),
        Some(earlier) if earlier.is_before_rebuild => Ok(Some(Step::Rebuild)),
        Some(earlier) => Ok(Some(Step::Delta(difference(shared, connection, zone, &earlier)?))),
    }
}

/// The net difference between the version with serial `from` and the head.
pub(super) fn delta(
    shared: &Shared,
    connection: &Connection,
    id: ZoneId,
    from: Serial,
) -> Result<Option<ZoneDelta>, StoreError> {
    let Some(zone) = zones::served(connection, id)? else { return Ok(None) };
    let Some(earlier) = earlier(connection, &zone, from)? else { return Ok(None) };
    difference(shared, connection, zone, &earlier).map(Some)
}

/// A version before the head.
struct Earlier {
    serial: Serial,
    version: i64,
    apex: i64,
    settings: Option<i64>,
    /// Whether nameservers are to take a later one whole.
    is_before_rebuild: bool,
}

fn earlier(connection: &Connection, zone: &ZoneRow, serial: Serial) -> Result<Option<Earlier>, StoreError> {
    connection.optional(VERSION_BY_SERIAL, params![zone.row, serial.0], |row| {
        Ok(Earlier {
            serial,
            version: row.get("version")?,
            apex: row.get("apex")?,
            is_before_rebuild: row.get("is_before_rebuild")?,
            settings: row.get("settings")?,
        })
    })
}

fn difference(
    shared: &Shared,
    connection: &Connection,
    zone: ZoneRow,
    earlier: &Earlier,
) -> Result<ZoneDelta, StoreError> {
    let (id, version) = (zone.zone.id, earlier.version);
    let apex_then = shared.apexes.get(connection, earlier.apex)?;
    let apex_now = shared.apexes.get(connection, zone.apex)?;
    let mut ended = rows::records(connection, ENDED_SINCE, params![zone.row, version], id)?;
    let head = rows::number(zone.zone.version);
    ended.extend(rows::records(connection, ENDING_BETWEEN, params![zone.row, version, head], id)?);
    let begun = rows::records(connection, BEGUN_SINCE, params![zone.row, version], id)?;

    let at_apex = rows::records(connection, LIVE_AT_OWNER, params![zone.row, [0u8; 0]], id)?;
    let lasting = at_apex.iter().filter(|stored| stored.version <= VersionNumber(version as u64));
    let ttl_then = users_ns_ttl(ended.iter().chain(lasting));
    let ttl_now = users_ns_ttl(at_apex.iter());

    let mut removed: Vec<ResourceRecord> = ended.into_iter().map(|stored| stored.record.into()).collect();
    let mut added: Vec<ResourceRecord> = begun.into_iter().map(|stored| stored.record.into()).collect();
    removed.extend(apex_then.records(&zone.zone.name, ttl_then));
    added.extend(apex_now.records(&zone.zone.name, ttl_now));
    cancel(&mut removed, &mut added);
    Ok(ZoneDelta {
        id,
        name: zone.zone.name,
        from: settings::soa(connection, &apex_then, earlier.settings, earlier.serial)?,
        to: settings::soa(connection, &apex_now, zone.settings, zone.zone.serial)?,
        removed,
        added,
    })
}

/// Drops what is in both lists: it is served before and after.
fn cancel(removed: &mut Vec<ResourceRecord>, added: &mut Vec<ResourceRecord>) {
    let key = |record: &ResourceRecord| {
        (record.owner.clone(), record.data.record_type(), record.data.wire(), record.ttl.seconds())
    };
    let mut before: HashMap<_, _> = removed.iter().map(|record| (key(record), false)).collect();
    added.retain(|record| match before.get_mut(&key(record)) {
        Some(stays) => {
            *stays = true;
            false
        }
        None => true,
    });
    removed.retain(|record| before.get(&key(record)) != Some(&true));
}

/// The TTL that users' NS records at the apex give to the whole set.
pub(super) fn users_ns_ttl<'a>(mut records: impl Iterator<Item = &'a StoredRecord>) -> Option<Ttl> {
    let found = records.find(|stored| {
        let record = &stored.record;
        record.owner.is_apex() && record.data.record_type() == RecordType::Ns
    });
    found.map(|stored| stored.record.ttl)
}
