//! Changing a zone: planned, checked and stored in one transaction. Every door into a zone leads through [`change`].
//!
//! The rules look at the zone through [`LiveRecords`], which asks for single names and single records by index. So a change
//! costs the same in a zone of ten records and of a million. A wish for a whole content reads the zone once, and then costs as
//! much as both are long.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dns::change::{ContentEdits, Edit, Lookup, NewRecord, Plan, PlanError, content, plan};
use dns::warnings::{self, Warning};
use dns::{OwnerName, Record, RecordId, RecordType, ZoneId};
use rusqlite::{Connection, OptionalExtension, params};

use super::deployment::LIVE;
use super::journal::{self, By};
use super::limits;
use super::rollback::plan_version;
use super::rows::{self, Place, ZoneRow, record_columns};
use super::writer::Work;
use super::{settings, zones};
use crate::{Author, Change, ChangeError, Committed, Condition, StoreError, StoredRecord, Wish};

/// Makes the whole change or none of it.
pub(super) fn change(work: &Work, author: &Author, id: ZoneId, change: &Change) -> Result<Committed, ChangeError> {
    if change.dry_run { work.rehearse(|| store(work, author, id, change)) } else { store(work, author, id, change) }
}

fn store(work: &Work, author: &Author, id: ZoneId, change: &Change) -> Result<Committed, ChangeError> {
    let mut zone = zones::of_account(&work.connection, author.account, id)?.ok_or(ChangeError::NoZone)?;
    let before = zone.zone.clone();
    let mut live = LiveRecords::new(&work.connection, &zone);
    check_all(&change.conditions, &zone, &mut live)?;
    let by = By { comment: change.comment.as_ref(), ..By::from(author) };
    let mut other_settings = false;
    let plan = match &change.wish {
        Wish::Settings(wanted) => {
            let (settings, changed) = settings::change(work, &mut zone, &by, wanted)?;
            if changed {
                limits::daily(work, author, || 1)?.map_err(ChangeError::DailyLimit)?;
            }
            let (records, removed, added, warnings) = Default::default();
            let settings = Some(settings);
            return Ok(Committed { before, zone: zone.zone, records, removed, added, settings, warnings, changed });
        }
        Wish::Edits(edits) => plan_edits(work, &zone, edits, &mut live)?,
        Wish::Content(wanted) => plan_content(work, &zone, wanted, &mut live)?,
        Wish::Version(serial) => {
            let (plan, then) = plan_version(work, &zone, *serial, &mut live)?;
            other_settings = settings::restore(work, &mut zone, then)?;
            plan
        }
    };
    let seen = live.into_rows();
    let removed: Vec<StoredRecord> =
        plan.removed.iter().filter_map(|record| Some(seen.get(&record.id)?.1.clone())).collect();
    let changed = other_settings || !plan.is_empty();
    let added = if changed {
        limits::daily(work, author, || plan.touched())?.map_err(ChangeError::DailyLimit)?;
        journal::raise_base(&mut zone, change.serial_above);
        journal::append(work, &mut zone, &by, &plan.removed, &plan.added, &seen)?
    } else {
        Vec::new()
    };
    if added.len() > removed.len()
        && let Some(fault) = limits::records_too_many(work, author)?
    {
        return Err(ChangeError::Faults(vec![(0, fault)]));
    }
    let records = if plan.results.iter().any(Option::is_some) {
        let new: HashMap<RecordId, &StoredRecord> = added.iter().map(|stored| (stored.record.id, stored)).collect();
        let stands = |record: &Record| match new.get(&record.id) {
            Some(stored) => Some((*stored).clone()),
            None => seen.get(&record.id).map(|(_, stored)| stored.clone()),
        };
        plan.results.iter().map(|result| result.as_ref().and_then(stands)).collect()
    } else {
        plan.results.iter().map(|_| None).collect()
    };
    let warnings = if change.warn { warn(work, &zone, &removed, &added)? } else { Vec::new() };
    let settings = if other_settings { Some(settings::of(work, &zone)?) } else { None };
    Ok(Committed { before, zone: zone.zone, records, removed, added, settings, warnings, changed })
}

/// What is unwise at the names that changed, in the zone as it is now.
fn warn(
    work: &Work,
    zone: &ZoneRow,
    removed: &[StoredRecord],
    added: &[StoredRecord],
) -> Result<Vec<Warning>, StoreError> {
    let apex = work.shared.apexes.get(&work.connection, zone.apex)?;
    let touched: BTreeSet<OwnerName> = removed.iter().chain(added).map(|stored| stored.record.owner.clone()).collect();
    warnings::check(&zone.zone.name, &apex, &touched, &mut LiveRecords::new(&work.connection, zone))
}

/// Refuses a change whose conditions do not all hold.
pub(super) fn check_all(
    conditions: &[Condition],
    zone: &ZoneRow,
    live: &mut LiveRecords<'_>,
) -> Result<(), ChangeError> {
    conditions.iter().try_for_each(|condition| check(condition, zone, live))
}

fn check(condition: &Condition, zone: &ZoneRow, live: &mut LiveRecords<'_>) -> Result<(), ChangeError> {
    let (holds, refusal) = match condition {
        Condition::Zone(serials) => (serials.contains(&zone.zone.serial), ChangeError::Condition),
        Condition::Record(id, serials) => {
            let now = live.stored(*id)?;
            (now.is_some_and(|now| serials.contains(&now.serial)), ChangeError::Condition)
        }
        Condition::Unmoved(id, version) => {
            (live.stored(*id)?.is_some_and(|now| now.version == *version), ChangeError::Moved)
        }
    };
    if holds { Ok(()) } else { Err(refusal) }
}

pub(super) fn plan_edits(
    work: &Work,
    zone: &ZoneRow,
    edits: &[Edit],
    live: &mut LiveRecords<'_>,
) -> Result<Plan, ChangeError> {
    let apex = work.shared.apexes.get(&work.connection, zone.apex)?;
    plan(&zone.zone.name, &apex, &settings::limits(work, zone)?, edits, live).map_err(|error| match error {
        PlanError::Lookup(error) => error.into(),
        PlanError::NoRecord { index } => ChangeError::NoRecord { index },
        PlanError::Faults(faults) => ChangeError::Faults(faults),
    })
}

/// The plan after which the zone has exactly the records that are wanted.
pub(super) fn plan_content(
    work: &Work,
    zone: &ZoneRow,
    wanted: &[NewRecord],
    live: &mut LiveRecords<'_>,
) -> Result<Plan, ChangeError> {
    let stored = live.read_all()?;
    let now = work.now();
    let ContentEdits { edits, origins } = content(&stored, wanted, || RecordId(work.shared.ids.next(now)));
    drop(stored);
    match plan_edits(work, zone, &edits, live) {
        Ok(plan) => Ok(Plan { results: Vec::new(), ..plan }),
        Err(ChangeError::Faults(mut faults)) => {
            for (index, _) in &mut faults {
                *index = origins.get(*index).copied().unwrap_or(wanted.len());
            }
            faults.sort_by_key(|(index, _)| *index);
            Err(ChangeError::Faults(faults))
        }
        Err(other) => Err(other),
    }
}

pub(super) const LIVE_AT_OWNER: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_by_data WHERE r.zone = ?1 AND r.owner = ?2 AND r.to_version IS NULL"
);
pub(super) const LIVE_BY_ID: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_of_zone WHERE r.zone = ?1 AND r.record = ?2 AND r.to_version IS NULL"
);

pub(super) const LIVE_OF_TYPE: &str = "SELECT 1 FROM records INDEXED BY records_by_data \
    WHERE zone = ?1 AND owner = ?2 AND type = ?3 AND to_version IS NULL LIMIT 1";
pub(super) const LIVE_OWNERS_BETWEEN: &str = "SELECT DISTINCT owner FROM records INDEXED BY records_by_data \
    WHERE zone = ?1 AND owner > ?2 AND owner < ?3 AND to_version IS NULL LIMIT ?4";

/// The records of one zone as they stand in the open transaction, and a memory of the rows that were looked at.
pub(super) struct LiveRecords<'a> {
    connection: &'a Connection,
    row: i64,
    id: ZoneId,
    seen: HashMap<RecordId, (i64, StoredRecord)>,
    /// All names that have records, with those records, once the whole zone was read.
    whole: Option<BTreeMap<OwnerName, Vec<RecordId>>>,
}

impl<'a> LiveRecords<'a> {
    pub(super) fn new(connection: &'a Connection, zone: &ZoneRow) -> Self {
        LiveRecords { connection, row: zone.row, id: zone.zone.id, seen: HashMap::new(), whole: None }
    }

    /// Reads the whole zone, oldest record first; from then on nothing is asked of the database.
    fn read_all(&mut self) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let mut whole: BTreeMap<OwnerName, Vec<RecordId>> = BTreeMap::new();
        let mut statement = self.connection.prepare_cached(LIVE)?;
        let mut rows = statement.query([self.row])?;
        while let Some(row) = rows.next()? {
            let (number, stored) = rows::record(row, self.id)?;
            let record = stored.record.clone();
            whole.entry(record.owner.clone()).or_default().push(record.id);
            self.seen.insert(record.id, (number, stored));
            records.push(record);
        }
        self.whole = Some(whole);
        Ok(records)
    }

    /// A record with what the store knows of it.
    fn stored(&mut self, id: RecordId) -> Result<Option<&StoredRecord>, StoreError> {
        let found = self.by_id(id)?;
        Ok(found.and_then(|_| self.seen.get(&id)).map(|(_, stored)| stored))
    }

    /// Notes a record that lived once: if it lives again, it keeps its time of creation.
    pub(super) fn remember(&mut self, stored: StoredRecord) {
        self.seen.entry(stored.record.id).or_insert((0, stored));
    }

    /// The rows that were looked at, by record.
    pub(super) fn into_rows(self) -> HashMap<RecordId, (i64, StoredRecord)> {
        self.seen
    }
}

impl Lookup for LiveRecords<'_> {
    type Error = StoreError;

    fn at(&mut self, owner: &OwnerName) -> Result<Vec<Record>, StoreError> {
        if let Some(whole) = &self.whole {
            let ids = whole.get(owner).into_iter().flatten();
            return Ok(ids.filter_map(|id| Some(self.seen.get(id)?.1.record.clone())).collect());
        }
        let mut statement = self.connection.prepare_cached(LIVE_AT_OWNER)?;
        let mut rows = statement.query(params![self.row, owner.key()])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let (number, stored) = rows::record(row, self.id)?;
            records.push(stored.record.clone());
            self.seen.insert(stored.record.id, (number, stored));
        }
        Ok(records)
    }

    fn by_id(&mut self, id: RecordId) -> Result<Option<Record>, StoreError> {
        if let Some((_, stored)) = self.seen.get(&id) {
            return Ok(Some(stored.record.clone()));
        }
        if self.whole.is_some() {
            return Ok(None);
        }
        let mut statement = self.connection.prepare_cached(LIVE_BY_ID)?;
        let found = statement
            .query_row(params![self.row, id.0.as_bytes()], |row| Ok(rows::record(row, self.id)))
            .optional()?
            .transpose()?;
        Ok(found.map(|(number, stored)| {
            let record = stored.record.clone();
            self.seen.insert(id, (number, stored));
            record
        }))
    }

    fn has(&mut self, owner: &OwnerName, record_type: RecordType) -> Result<bool, StoreError> {
        if let Some(whole) = &self.whole {
            let mut records = whole.get(owner).into_iter().flatten().filter_map(|id| self.seen.get(id));
            return Ok(records.any(|(_, stored)| stored.record.data.record_type() == record_type));
        }
        let mut statement = self.connection.prepare_cached(LIVE_OF_TYPE)?;
        Ok(statement.exists(params![self.row, owner.key(), record_type.code()])?)
    }

    fn below(&mut self, owner: &OwnerName, most: usize) -> Result<Vec<OwnerName>, StoreError> {
        if let Some(whole) = &self.whole {
            // In canonical order they stand together, right after it.
            let from_here = whole.range(owner..).map(|(name, _)| name).skip_while(|name| *name == owner);
            return Ok(from_here.take_while(|name| name.is_below(owner)).take(most).cloned().collect());
        }
        let mut statement = self.connection.prepare_cached(LIVE_OWNERS_BETWEEN)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![self.row, owner.key(), owner.key_after_below(), most])?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_blob().ok().and_then(OwnerName::from_key);
            names.push(Place { table: "records", row: self.row }.sound("owner", name)?);
        }
        Ok(names)
    }
}
