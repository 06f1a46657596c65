//! Converts rows in a file's order to a zone's RRsets: sorted, without duplicates, one TTL for each.

use std::collections::HashSet;

use super::runs::{RunId, Runs};
use super::{FileRecord, Note};
use crate::presentation::Position;
use crate::{OwnerName, RecordData, RecordType, ResourceRecord, Ttl, message};

/// A record as it was read.
pub(super) struct Row {
    pub(super) owner: OwnerName,
    pub(super) data: RecordData,
    pub(super) ttl: Ttl,
    pub(super) run: RunId,
    pub(super) at: Position,
}

/// The NS records at the apex, and all others.
pub(super) fn settle(
    mut rows: Vec<Row>,
    runs: &Runs,
    mut note: impl FnMut(Note),
) -> (Vec<FileRecord>, Vec<FileRecord>) {
    // Stable: inside an RRset the file's order stays.
    rows.sort_by(|a, b| (&a.owner, a.data.record_type()).cmp(&(&b.owner, b.data.record_type())));
    let mut apex_ns = Vec::new();
    let mut records = Vec::with_capacity(rows.len());
    let mut rest = rows.into_iter().peekable();
    let mut set: Vec<Row> = Vec::new();
    while let Some(first) = rest.next() {
        let (owner, record_type) = (first.owner.clone(), first.data.record_type());
        set.push(first);
        while let Some(row) = rest.next_if(|row| row.data.record_type() == record_type && row.owner == owner) {
            set.push(row);
        }
        if set.len() > 1 {
            unite(&mut set, runs, &mut note);
        }
        let to = if owner.is_apex() && record_type == RecordType::Ns { &mut apex_ns } else { &mut records };
        to.extend(set.drain(..).map(|row| FileRecord {
            record: ResourceRecord { owner: row.owner, ttl: row.ttl, data: row.data },
            at: row.at,
        }));
    }
    (apex_ns, records)
}

/// One TTL, and no record twice.
fn unite(set: &mut Vec<Row>, runs: &Runs, note: &mut impl FnMut(Note)) {
    let last = set.iter().max_by_key(|row| runs.end_of(row.run)).map(|row| row.ttl);
    if let Some((ttl, other)) = last.and_then(|ttl| Some((ttl, set.iter().find(|row| row.ttl != ttl)?))) {
        let detail = message!(
            "the {record_type} records of {owner} have more than one TTL in the file; {ttl} counts, as it does in BIND",
            record_type = other.data.record_type(),
            owner = other.owner,
            ttl
        );
        note(Note { at: other.at, check: "ttl-differs", detail });
        set.iter_mut().for_each(|row| row.ttl = ttl);
    }
    let mut seen = HashSet::with_capacity(set.len());
    set.retain(|row| {
        let new = seen.insert(row.data.wire());
        if !new {
            let detail = message!(
                "the {record_type} record of {owner} is there twice",
                record_type = row.data.record_type(),
                owner = row.owner
            );
            note(Note { at: row.at, check: "duplicate", detail });
        }
        new
    });
}
