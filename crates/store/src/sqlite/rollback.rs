//! The way back to an earlier version: the edits that undo what lies between, made from two ranges of the journal. They cost as
//! much as the difference, however large the zone and long its history.
//!
//! A record that lived then and lives again has its identity and its time of creation again. The rules are checked as for any
//! change: what could stand in the zone then may be against the operator's limits or nameservers of today.

use std::collections::HashSet;

use dns::change::{Edit, NewRecord, Plan, TtlChoice};
use dns::{Fault, RecordId, Serial};
use rusqlite::params;

use super::change::plan_edits;
use super::history::{at, between};
use super::journal;
use super::live::LiveRecords;
use super::rows::ZoneRow;
use super::writer::View;
use crate::{ChangeError, Difference, StoreError, StoredRecord};

/// The plan after which the zone has the users' records of the version with that serial, and the number of its settings then.
pub(super) fn plan_version(
    view: View<'_>,
    zone: &ZoneRow,
    serial: Serial,
    live: &mut LiveRecords<'_>,
) -> Result<(Plan, Option<i64>), ChangeError> {
    let Some(then) = at(view.connection, zone, serial)? else {
        let detail = format!("the zone has no version {serial}; it never had one, or it was too old to be kept");
        return Err(ChangeError::Faults(vec![(0, Fault::of("serial", "no-such-version", detail))]));
    };
    let (lived, lives) = between(view.connection, zone, then.number, zone.zone.version)?;
    let mut way_back = Difference { from: None, to: serial, removed: lives, added: lived };
    way_back.tidy();
    let edits = edits(view, zone, &way_back)?;
    let origin = |index: usize| {
        // Deletions come last, in the order of what is removed.
        way_back.added.get(index).or_else(|| way_back.removed.get(index.saturating_sub(way_back.added.len())))
    };
    let plan = plan_edits(view, zone, &edits, live).map_err(|error| match error {
        ChangeError::Faults(faults) => {
            ChangeError::Faults(faults.into_iter().map(|(index, fault)| (index, told(fault, origin(index)))).collect())
        }
        other => other,
    })?;
    for stored in way_back.added {
        live.remember(stored);
    }
    Ok((Plan { results: Vec::new(), ..plan }, then.settings))
}

/// Whether the versions since the one with that serial have changed more than `most` records, or are too many to count.
pub(super) fn is_far(view: View<'_>, zone: &ZoneRow, serial: Serial, most: usize) -> Result<bool, StoreError> {
    let Some(then) = at(view.connection, zone, serial)? else { return Ok(false) };
    let mut statement = view.connection.prepare_cached(CHANGED_SINCE)?;
    let mut rows = statement.query(params![zone.row, journal::number(then.number)])?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut changed = 0;
    for versions in 0.. {
        let Some(row) = rows.next()? else { break };
        changed += row.get::<_, i64>(0)?;
        if changed > most || versions > most {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) const CHANGED_SINCE: &str = "SELECT removed + added FROM versions INDEXED BY versions_by_number
     WHERE zone = ?1 AND version > ?2 ORDER BY version";

fn edits(view: View<'_>, zone: &ZoneRow, way_back: &Difference) -> Result<Vec<Edit>, StoreError> {
    let changed: HashSet<RecordId> = way_back.changed().collect();
    let mut edits = Vec::with_capacity(way_back.added.len() + way_back.removed.len());
    for StoredRecord { record, .. } in &way_back.added {
        let wanted = NewRecord {
            owner: record.owner.clone(),
            data: record.data.clone(),
            // All records of a set had the same one then.
            ttl: TtlChoice::Set(record.ttl),
        };
        edits.push(if changed.contains(&record.id) {
            Edit::Replace(record.id, wanted)
        } else if is_free(view, zone, record.id)? {
            Edit::Create(record.id, wanted)
        } else {
            Edit::Create(RecordId(view.shared.ids.next(view.now())), wanted)
        });
    }
    let gone = way_back.removed.iter().map(|stored| stored.record.id).filter(|id| !changed.contains(id));
    edits.extend(gone.map(Edit::Delete));
    Ok(edits)
}

pub(super) const LIVE_OF_ACCOUNT: &str = "SELECT 1 FROM records INDEXED BY records_of_account WHERE account = ?1 AND record = ?2 AND to_version IS NULL AND ends = 0";

/// Whether no record of the account has this identity.
fn is_free(view: View<'_>, zone: &ZoneRow, id: RecordId) -> Result<bool, StoreError> {
    let taken = view.connection.prepare_cached(LIVE_OF_ACCOUNT)?.exists(params![zone.account.0, id.0.as_bytes()])?;
    Ok(!taken)
}

/// A fault in the words of who asked for a version and not for a record.
fn told(fault: Fault, record: Option<&StoredRecord>) -> Fault {
    let Some(StoredRecord { record, .. }) = record else { return fault };
    let (owner, record_type) = (&record.owner, record.data.record_type());
    Fault::of("serial", fault.check, format!("{owner} {record_type}: {}", fault.detail))
}
