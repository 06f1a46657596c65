//! The way back to an earlier version: the edits that undo what lies between, made from two ranges of the journal. They cost as
//! much as the difference, however large the zone and long its history.
//!
//! A record that lived then and lives again has its identity and its time of creation again. The rules are checked as for any
//! change: what could stand in the zone then may be against the operator's limits or nameservers of today.

use std::collections::HashSet;

use dns::change::{Edit, NewRecord, Plan, TtlChoice};
use dns::{Fault, RecordId, Serial, message};

use super::cache::Cache;
use super::change::plan_edits;
use super::live::LiveRecords;
use super::source::ZoneRow;
use crate::{ChangeError, Difference, StoreError, StoredRecord};

/// The plan after which the zone has the users' records of the version with that serial, and the number of its settings then.
pub(crate) fn plan_version(
    zone: &ZoneRow,
    serial: Serial,
    live: &mut LiveRecords<'_, '_>,
) -> Result<(Plan, Option<i64>), ChangeError> {
    let Some(then) = live.cache.source.version(zone, serial)? else {
        let detail =
            message!("the zone has no version {serial}; it never had one, or it was too old to be kept", serial);
        return Err(ChangeError::Faults(vec![(0, Fault::of("serial", "no-such-version", detail))]));
    };
    let (lived, lives) = live.cache.source.between(zone, then.number, zone.zone.version)?;
    let mut way_back = Difference { from: None, to: serial, removed: lives, added: lived };
    way_back.tidy();
    let edits = edits(live.cache, zone, &way_back)?;
    let origin = |index: usize| {
        // Deletions come last, in the order of what is removed.
        way_back.added.get(index).or_else(|| way_back.removed.get(index.saturating_sub(way_back.added.len())))
    };
    let plan = plan_edits(zone, &edits, live).map_err(|error| match error {
        ChangeError::Faults(faults) => {
            ChangeError::Faults(faults.into_iter().map(|(index, fault)| (index, told(fault, origin(index)))).collect())
        }
        other => other,
    })?;
    for stored in &way_back.added {
        live.remember(stored);
    }
    Ok((Plan { results: Vec::new(), ..plan }, then.settings))
}

/// Whether the versions since the one with that serial have changed more than `most` records, or are too many to count.
pub(super) fn is_far(cache: &Cache<'_>, zone: &ZoneRow, serial: Serial, most: usize) -> Result<bool, StoreError> {
    match cache.source.version(zone, serial)? {
        Some(then) => cache.source.is_far(zone, then.number, most),
        None => Ok(false),
    }
}

fn edits(cache: &Cache<'_>, zone: &ZoneRow, way_back: &Difference) -> Result<Vec<Edit>, StoreError> {
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
        } else if cache.source.lives(zone.account, record.id)? {
            Edit::Create(RecordId(cache.rules.new_id()), wanted)
        } else {
            Edit::Create(record.id, wanted)
        });
    }
    let gone = way_back.removed.iter().map(|stored| stored.record.id).filter(|id| !changed.contains(id));
    edits.extend(gone.map(Edit::Delete));
    Ok(edits)
}

/// A fault in the words of who asked for a version and not for a record.
fn told(fault: Fault, record: Option<&StoredRecord>) -> Fault {
    let Some(StoredRecord { record, .. }) = record else { return fault };
    let (owner, record_type) = (&record.owner, record.data.record_type());
    let detail = message!("{owner} {record_type}: {detail}", owner, record_type, detail = fault.detail);
    Fault::of("serial", fault.check, detail)
}
