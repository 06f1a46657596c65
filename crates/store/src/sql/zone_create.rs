//! Making zones: the row, and the first version with what the zone holds from the start.

use dns::change::NewRecord;
use dns::{Record, Serial, ZoneId};

use super::catalogs::{self, Change};
use super::db::params;
use super::journal::{self, By};
use super::roll_out;
use super::rows::ZoneRow;
use super::writer::{View, Work};
use super::zone_names::{floor, related_to_another, serial_before};
use super::zones::by_name;
use super::{answers, claims, holds, limits, reserved, withheld};
use crate::logic::change::{AT_ONCE, Prepared, plan_content};
use crate::logic::group::Made;
use crate::logic::limits::{check_daily, records_too_many};
use crate::logic::live::LiveRecords;
use crate::*;

impl Store {
    /// Creates a zone, with the records that it has from the start.
    pub async fn create_zone(&self, author: &Author, new: impl Into<NewZone>) -> Result<Zone, CreateZoneError> {
        Ok(self.make_zone(author.clone(), new.into(), None).await?.now()?)
    }

    /// [`Store::create_zone`], done once however often the request comes.
    pub async fn create_zone_once(
        &self,
        author: &Author,
        new: NewZone,
        once: Once<Zone>,
    ) -> Result<Done, CreateZoneError> {
        Ok(self.make_zone(author.clone(), new, Some(once)).await?.keyed()?)
    }

    async fn make_zone(
        &self,
        author: Author,
        new: NewZone,
        once: Option<Once<Zone>>,
    ) -> Result<Made<Zone>, CreateZoneError> {
        if new.content.len() > AT_ONCE {
            return self.create_large(author, new, once).await;
        }
        let job = move |work: &Work| answers::make(work, once.as_ref(), |work| create(work, &author, &new));
        self.inner.writer.run(job).await
    }
}

/// Makes a zone: its first version holds the server's own records and the content that was given.
pub(super) fn create(work: &Work, author: &Author, new: &NewZone) -> Result<Zone, CreateZoneError> {
    create_as(work, author, new, None)
}

/// Creates a zone from its hidden row, whose records are already written.
pub(super) fn show(
    work: &Work,
    author: &Author,
    new: &NewZone,
    row: i64,
    prepared: &Prepared,
) -> Result<Zone, CreateZoneError> {
    create_as(work, author, new, Some((row, prepared)))
}

fn create_as(
    work: &Work,
    author: &Author,
    new: &NewZone,
    written: Option<(i64, &Prepared)>,
) -> Result<Zone, CreateZoneError> {
    let mut zone = new_row(work.view(), author, new)?;
    let now = zone.zone.created_at;
    let giving_way = match &new.proof {
        Some(proof) => claims::judge(work, author.account, &new.name, proof)?,
        None => None,
    };
    let waits = giving_way.as_ref().map(|giving_way| giving_way.withheld(work)).transpose()?.unwrap_or_default();
    zone.zone.withheld = Withheld { reasons: withheld::reasons_for(work, author.account, waits.reasons)?, ..waits };
    let is_inserted = match written {
        None => insert(work, &zone)?.map(|row| zone.row = row).is_some(),
        Some((row, prepared)) => {
            let last = floor(&work.connection, &new.name.name().key())?;
            let is_outdated = last.is_some_and(|last| !prepared.zone.zone.serial.is_newer_than(last));
            if is_outdated || prepared.zone.apex != zone.apex {
                return Err(StoreError::Busy.into());
            }
            let planned = Zone { withheld: zone.zone.withheld, ..prepared.zone.zone.clone() };
            zone = ZoneRow { row, zone: planned, ..prepared.zone.clone() };
            unhide(work, &zone)?
        }
    };
    if !is_inserted {
        return Err(CreateZoneError::Exists);
    }
    // After the insert, so that "exists" comes before "related"; the savepoint takes the row back.
    let is_free = new.override_related || giving_way.is_some();
    if !is_free && related_to_another(&work.connection, author.account, new.name.name())?.is_some() {
        return Err(CreateZoneError::Related);
    }
    if !is_free && holds::of_another(work.view(), author.account, new.name.name())? {
        return Err(CreateZoneError::OnHold);
    }
    if let Some(fault) = limits::zone_too_many(work, author)? {
        return Err(CreateZoneError::Faults(vec![(0, fault)]));
    }
    let changes = written.map_or(new.content.len(), |(_, prepared)| prepared.rows());
    limits::daily(work, author, changes as u64)?.map_err(CreateZoneError::DailyLimit)?;
    let by = By { comment: new.comment.as_ref(), ..By::from(author) };
    match written {
        None => {
            let records = first_version(work.view(), author, &mut zone, new)?;
            journal::write(work, &zone, &by, (&[], &records, 0), now)?;
        }
        Some((_, prepared)) => {
            check_growth(work.view(), author, prepared.rows())?;
            journal::show(work, &zone, &by, prepared.counts(), now)?;
        }
    }
    if zone.zone.withheld.is_served() {
        catalogs::moved(work, &new.name, Change::Joined(zone.row), now)?;
    }
    holds::release(work, &new.name.name().key())?;
    if let Some(giving_way) = giving_way {
        claims::proved(work, author, &zone, giving_way)?;
    }
    if new.reserved {
        reserved::decided(work, &new.name)?;
    }
    Ok(zone.zone)
}

/// Plans the first version of a zone that is too large to be made by one job of the writer, and refuses what would be refused
/// in the end.
pub(super) fn prepare(view: View<'_>, author: &Author, new: &NewZone) -> Result<Prepared, CreateZoneError> {
    let mut zone = new_row(view, author, new)?;
    // What a proof displaces is judged in the end.
    let is_free = new.override_related || new.proof.is_some();
    if new.proof.is_none() && by_name(view.connection, &new.name)?.is_some() {
        return Err(CreateZoneError::Exists);
    }
    if !is_free && related_to_another(view.connection, author.account, new.name.name())?.is_some() {
        return Err(CreateZoneError::Related);
    }
    if !is_free && holds::of_another(view, author.account, new.name.name())? {
        return Err(CreateZoneError::OnHold);
    }
    check_daily(&mut view.cache(), author, new.content.len() as u64)?.map_err(CreateZoneError::DailyLimit)?;
    let before = zone.zone.clone();
    let added = first_version(view, author, &mut zone, new)?;
    let committed = Committed {
        before,
        zone: zone.zone.clone(),
        records: Vec::new(),
        removed: Vec::new(),
        added,
        settings: None,
        warnings: Vec::new(),
        changed: true,
    };
    let now = zone.zone.created_at;
    Ok(Prepared { zone, ends: Vec::new(), changed: 0, new_settings: None, now, committed })
}

/// A zone as it is before its first version, which is appended like any other.
fn new_row(view: View<'_>, author: &Author, new: &NewZone) -> Result<ZoneRow, CreateZoneError> {
    let name = &new.name;
    // First: nothing is said about who has such a name.
    if let Some(reservation) =
        reserved::reservation(&view.shared.reserved, view.connection, author.account, name, new.reserved)?
    {
        return Err(CreateZoneError::Reserved(reservation));
    }
    let (apex, content) = roll_out::present(view)?;
    content.check_zone(name).map_err(CreateZoneError::Apex)?;
    let now = view.now();
    let serial = serial_before(view.connection, &name.name().key(), Serial::at_time(now.as_second()))?;
    let zone = Zone {
        id: ZoneId(view.shared.rules.new_id()),
        name: name.clone(),
        created_at: now,
        record_count: 0,
        version: VersionNumber(0),
        serial,
        withheld: Withheld::default(),
    };
    Ok(ZoneRow { row: 0, account: author.account, apex, settings: None, zone })
}

/// Moves a zone to its first version; gives the records of that.
fn first_version(
    view: View<'_>,
    author: &Author,
    zone: &mut ZoneRow,
    new: &NewZone,
) -> Result<Vec<StoredRecord>, CreateZoneError> {
    // Before anything is planned, which costs as much as the content is long.
    check_growth(view, author, new.content.len())?;
    let records = if new.content.is_empty() { Vec::new() } else { first_records(view, zone, &new.content)? };
    let now = zone.zone.created_at;
    journal::raise_base(zone, new.serial_above);
    journal::next(&mut zone.zone, now, 0, records.len());
    Ok(records.into_iter().map(|record| journal::stored(&zone.zone, record, now)).collect())
}

fn check_growth(view: View<'_>, author: &Author, growth: usize) -> Result<(), CreateZoneError> {
    let fault = records_too_many(&mut view.cache(), author, growth, 0)?;
    fault.map_or(Ok(()), |fault| Err(CreateZoneError::Faults(vec![(0, fault)])))
}

fn first_records(view: View<'_>, zone: &ZoneRow, content: &[NewRecord]) -> Result<Vec<Record>, CreateZoneError> {
    let mut cache = view.cache();
    cache.enter(zone, true);
    match plan_content(zone, content, &mut LiveRecords::new(&mut cache, zone.zone.id)) {
        Ok(plan) => Ok(plan.added),
        Err(ChangeError::Faults(faults)) => Err(CreateZoneError::Faults(faults)),
        Err(ChangeError::Store(error)) => Err(error.into()),
        // A zone without records has none that an edit could name, and there are no conditions.
        Err(ChangeError::DailyLimit(limit)) => Err(CreateZoneError::DailyLimit(limit)),
        Err(
            ChangeError::NoZone
            | ChangeError::NoRecord { .. }
            | ChangeError::Moved
            | ChangeError::Unmet(_)
            | ChangeError::Condition
            | ChangeError::Forbidden(_)
            | ChangeError::OutOfScope(_),
        ) => Err(StoreError::Bug("a new zone met an error of existing zones").into()),
    }
}

/// The number of the new row; `None` where a live zone has the name.
fn insert(work: &Work, zone: &ZoneRow) -> Result<Option<i64>, StoreError> {
    let inserted = insert_row(work, zone, None);
    match inserted {
        Ok(row) => Ok(Some(row)),
        Err(error) if error.violates_uniqueness() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Inserts the hidden row of a zone; [`unhide`] makes it visible.
pub(super) fn insert_hidden(work: &Work, zone: &ZoneRow) -> Result<i64, StoreError> {
    Ok(insert_row(work, zone, Some(zone.zone.created_at))?)
}

fn insert_row(work: &Work, zone: &ZoneRow, hidden: Option<Timestamp>) -> super::db::Result<i64> {
    let hidden = hidden.map(Timestamp::as_millisecond);
    work.connection.insert(
        "INSERT INTO zones (uuid, account, name, created, record_count, version, serial, apex, catalog,
                                deleted, forgotten, swept, withheld, withheld_until)
             VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11) RETURNING id",
        params![
            zone.zone.id.0.as_bytes(),
            zone.account.0,
            zone.zone.name.name().key(),
            zone.zone.created_at.as_millisecond(),
            zone.zone.serial.0,
            zone.apex,
            catalog_of(&zone.zone.name),
            hidden,
            if hidden.is_some() { HIDDEN } else { 0_i64 },
            zone.zone.withheld.reasons,
            zone.zone.withheld.until.map(Timestamp::as_millisecond),
        ],
    )
}

/// `zones.swept` of a zone that is being made.
const HIDDEN: i64 = 4;

/// Shows a zone; false where a live zone has its name.
fn unhide(work: &Work, zone: &ZoneRow) -> Result<bool, StoreError> {
    let shown = work
        .connection
        .prepare_cached(
            "UPDATE zones SET deleted = NULL, forgotten = NULL, swept = 0, withheld = ?3, withheld_until = ?4
             WHERE id = ?1 AND swept = ?2",
        )?
        .execute(params![
            zone.row,
            HIDDEN,
            zone.zone.withheld.reasons,
            zone.zone.withheld.until.map(Timestamp::as_millisecond),
        ]);
    match shown {
        Ok(shown) => {
            if shown == 1 {
                Ok(true)
            } else {
                Err(StoreError::Busy)
            }
        }
        Err(error) if error.violates_uniqueness() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Deletes the row of a zone that was never shown.
pub(super) fn delete_hidden(work: &Work, row: i64) -> Result<(), StoreError> {
    work.connection.prepare_cached("DELETE FROM zones WHERE id = ?1 AND swept = ?2")?.execute([row, HIDDEN])?;
    Ok(())
}
