//! The way back to an earlier version: the edits that undo what lies between, made from two ranges of the journal. They cost as
//! much as the difference, however large the zone and long its history.
//!
//! A record that lived then and lives again has its identity and its time of creation again. The rules are checked as for any
//! change: what could stand in the zone then may be against the operator's limits or nameservers of today.

use std::collections::HashSet;

use dns::change::{Edit, NewRecord, Plan, TtlChoice};
use dns::{Fault, RecordId, Serial};
use rusqlite::params;

use super::change::{LiveRecords, plan_edits};
use super::history::{at, between};
use super::rows::ZoneRow;
use super::writer::Work;
use crate::{ChangeError, Difference, StoreError, StoredRecord};

/// The plan after which the zone has the users' records of the version with that serial, and the number of its settings then.
pub(super) fn plan_version(
    work: &Work,
    zone: &ZoneRow,
    serial: Serial,
    live: &mut LiveRecords<'_>,
) -> Result<(Plan, Option<i64>), ChangeError> {
    let Some(then) = at(&work.connection, zone, serial)? else {
        let detail = format!("the zone has no version {serial}; it never had one, or it was too old to be kept");
        return Err(ChangeError::Faults(vec![(0, Fault::of("serial", "no-such-version", detail))]));
    };
    let (lived, lives) = between(&work.connection, zone, then.number, zone.zone.version)?;
    let mut way_back = Difference { from: None, to: serial, removed: lives, added: lived };
    way_back.tidy();
    let edits = edits(work, zone, &way_back)?;
    let origin = |index: usize| {
        // Deletions come last, in the order of what is removed.
        way_back.added.get(index).or_else(|| way_back.removed.get(index.saturating_sub(way_back.added.len())))
    };
    let plan = plan_edits(work, zone, &edits, live).map_err(|error| match error {
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

fn edits(work: &Work, zone: &ZoneRow, way_back: &Difference) -> Result<Vec<Edit>, StoreError> {
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
        } else if is_free(work, zone, record.id)? {
            Edit::Create(record.id, wanted)
        } else {
            Edit::Create(RecordId(work.shared.ids.next(work.now())), wanted)
        });
    }
    let gone = way_back.removed.iter().map(|stored| stored.record.id).filter(|id| !changed.contains(id));
    edits.extend(gone.map(Edit::Delete));
    Ok(edits)
}

pub(super) const LIVE_OF_ACCOUNT: &str =
    "SELECT 1 FROM records INDEXED BY records_of_account WHERE account = ?1 AND record = ?2 AND to_version IS NULL";

/// Whether no record of the account has this identity.
fn is_free(work: &Work, zone: &ZoneRow, id: RecordId) -> Result<bool, StoreError> {
    let taken = work.connection.prepare_cached(LIVE_OF_ACCOUNT)?.exists(params![zone.account.0, id.0.as_bytes()])?;
    Ok(!taken)
}

/// A fault in the words of who asked for a version and not for a record.
fn told(fault: Fault, record: Option<&StoredRecord>) -> Fault {
    let Some(StoredRecord { record, .. }) = record else { return fault };
    let (owner, record_type) = (&record.owner, record.data.record_type());
    Fault::of("serial", fault.check, format!("{owner} {record_type}: {}", fault.detail))
}
