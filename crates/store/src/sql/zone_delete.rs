//! Deleting zones.
//!
//! Deleting a zone touches one row, however many records it has: every tenant's query passes over the records of a deleted
//! zone, and the housekeeper ends their lives in small steps afterwards (see [`sweep`]).

use dns::ZoneId;

use super::catalogs::{self, Change};
use super::db::{Connection, params};
use super::journal::{self, By, Kind};
use super::rows::{self, ZoneRow};
use super::writer::Work;
use super::zone_names::raise_floor;
use super::{answers, claims, holds, limits, zones};
use crate::logic::change::check_all;
use crate::logic::group::Made;
use crate::logic::live::LiveRecords;
use crate::*;

impl Store {
    /// Deletes a zone with its records, where the conditions hold; gives it at its last version.
    pub async fn delete_zone(
        &self,
        author: &Author,
        id: ZoneId,
        conditions: Vec<Condition>,
    ) -> Result<Zone, ChangeError> {
        Ok(self.end_zone(author.clone(), id, conditions, None).await?.now()?)
    }

    /// [`Store::delete_zone`], done once however often the request comes.
    pub async fn delete_zone_once(
        &self,
        author: &Author,
        id: ZoneId,
        conditions: Vec<Condition>,
        once: Once<Zone>,
    ) -> Result<Done, ChangeError> {
        Ok(self.end_zone(author.clone(), id, conditions, Some(once)).await?.keyed()?)
    }

    async fn end_zone(
        &self,
        author: Author,
        id: ZoneId,
        conditions: Vec<Condition>,
        once: Option<Once<Zone>>,
    ) -> Result<Made<Zone>, ChangeError> {
        self.inner.shared.stages.none_of(id).await;
        let delete = move |work: &Work| delete_on(work, &author, id, &conditions);
        self.inner.writer.run(move |work| answers::make(work, once.as_ref(), delete)).await
    }
}

/// Deletes a zone; `None` where the account has no such zone.
pub(super) fn delete(work: &Work, author: &Author, id: ZoneId) -> Result<Option<Zone>, StoreError> {
    zones::of_account(&work.connection, author.account, id)?.map(|zone| end(work, author, zone)).transpose()
}

/// Deletes a zone where the conditions hold.
fn delete_on(work: &Work, author: &Author, id: ZoneId, conditions: &[Condition]) -> Result<Zone, ChangeError> {
    let zone = zones::of_account(&work.connection, author.account, id)?.ok_or(ChangeError::NoZone)?;
    let view = work.view();
    check_all(conditions, &zone, &mut LiveRecords::of_row(&mut view.cache(), &zone))?;
    limits::daily(work, author, 1)?.map_err(ChangeError::DailyLimit)?;
    Ok(end(work, author, zone)?)
}

/// The zone's last version says that it is deleted, and its name keeps the serial as a floor.
fn end(work: &Work, author: &Author, mut zone: ZoneRow) -> Result<Zone, StoreError> {
    let now = work.now();
    journal::advance(&mut zone.zone, now);
    journal::insert_version(work, &zone, &By::from(author), Kind::Deleted, Counts::default(), now)?;
    if zone.zone.withheld.is_served() {
        catalogs::moved(work, &zone.zone.name, Change::Left(zone.row), now)?;
    }
    work.connection
        .prepare_cached("UPDATE zones SET deleted = ?2, version = ?3, serial = ?4 WHERE id = ?1")?
        .execute(params![zone.row, now.as_millisecond(), rows::number(zone.zone.version), zone.zone.serial.0])?;
    raise_floor(work, &zone)?;
    if zone.zone.withheld.has_name() {
        holds::begin(work, &zone)?;
    }
    claims::ended(work, &zone)?;
    Ok(zone.zone)
}

/// How many records one step of [`sweep`] ends: a few milliseconds of the writer's time.
const SWEEP_STEP: usize = 200;

pub(super) const UNSWEPT: &str =
    "SELECT id, version FROM zones INDEXED BY zones_unswept WHERE deleted IS NOT NULL AND swept = 0 LIMIT 1";

/// Whether [`sweep`] has something to do.
pub(super) fn is_unswept(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached(UNSWEPT)?.exists([])?)
}

/// Ends some records of a deleted zone with the zone's last version. False where there was nothing to do.
pub(super) fn sweep(work: &Work) -> Result<bool, StoreError> {
    let unswept: Option<(i64, i64)> = work.connection.optional(UNSWEPT, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some((zone, version)) = unswept else { return Ok(false) };
    let ended = work
        .connection
        .prepare_cached(
            "UPDATE records SET to_version = CASE WHEN ends > 0 THEN ends ELSE ?2 END, ends = 0 WHERE id IN (
                 SELECT id FROM records INDEXED BY records_of_zone WHERE zone = ?1 AND to_version IS NULL LIMIT ?3)",
        )?
        .execute(params![zone, version, SWEEP_STEP as i64])?;
    if ended < SWEEP_STEP {
        work.connection.prepare_cached("UPDATE zones SET swept = 1 WHERE id = ?1")?.execute([zone])?;
    }
    Ok(true)
}
