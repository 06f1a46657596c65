//! The records that a version, or a change that is not applied yet, removes from a zone and adds to it.

use std::collections::HashMap;

use askama::Template;
use askama::filters::HtmlSafe;
use dns::RecordId;
use store::StoredRecord;

use crate::texts::say;
use crate::texts::zones::ZoneTexts;

/// The table. Shown by `{{ difference }}`.
#[derive(Debug, Clone, Template)]
#[template(path = "zones/difference.html")]
pub(super) struct DifferenceTable {
    z: &'static ZoneTexts,
    rows: Vec<Row>,
    /// How many there are beyond those.
    more: String,
}

impl HtmlSafe for DifferenceTable {}

/// The most rows that are shown.
const MOST: usize = 1000;

#[derive(Debug, Clone)]
struct Row {
    kind: RowKind,
    name: String,
    record_type: String,
    before: Option<Shown>,
    after: Option<Shown>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowKind {
    Removed,
    Added,
    Changed,
}

/// What is shown of a record beside its name and type.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    value: String,
    ttl: String,
    /// Where it is another one than before.
    name: Option<String>,
}

impl Shown {
    fn new(stored: &StoredRecord) -> Shown {
        Shown { value: value(stored), ttl: stored.record.ttl.to_string(), name: None }
    }
}

/// A record's value with its priority before it, as zone files have it.
pub(super) fn value(stored: &StoredRecord) -> String {
    let data = &stored.record.data;
    with_priority(data.priority().map(|priority| priority.to_string()).as_deref().unwrap_or_default(), &data.value())
}

pub(super) fn with_priority(priority: &str, value: &str) -> String {
    if priority.is_empty() { value.to_owned() } else { format!("{priority} {value}") }
}

impl DifferenceTable {
    pub(super) fn new(removed: &[StoredRecord], added: &[StoredRecord], z: &'static ZoneTexts) -> DifferenceTable {
        let mut before: HashMap<RecordId, &StoredRecord> =
            removed.iter().map(|stored| (stored.record.id, stored)).collect();
        // By the record that names the row: what it was, and what it is.
        let mut rows: Vec<(&StoredRecord, Option<&StoredRecord>, Option<&StoredRecord>)> =
            Vec::with_capacity(removed.len() + added.len());
        for stored in added {
            rows.push((stored, before.remove(&stored.record.id), Some(stored)));
        }
        for stored in removed.iter().filter(|stored| before.contains_key(&stored.record.id)) {
            rows.push((stored, Some(stored), None));
        }
        rows.sort_by(|(a, ..), (b, ..)| {
            let record_type = |stored: &StoredRecord| stored.record.data.record_type();
            a.record.owner.cmp(&b.record.owner).then_with(|| record_type(a).cmp(&record_type(b)))
        });
        let beyond = rows.len().saturating_sub(MOST);
        let more = if beyond > 0 { say(z.more_rows, &[&beyond.to_string()]) } else { String::new() };
        let rows = rows.into_iter().take(MOST).map(|(_, before, after)| Row::of(before, after)).collect();
        DifferenceTable { z, rows, more }
    }
}

impl Row {
    fn of(before: Option<&StoredRecord>, after: Option<&StoredRecord>) -> Row {
        let kind = match (before, after) {
            (Some(_), Some(_)) => RowKind::Changed,
            (Some(_), None) => RowKind::Removed,
            (None, _) => RowKind::Added,
        };
        let named = after.or(before);
        let name = |stored: &StoredRecord| stored.record.owner.to_string();
        let mut old = before.map(Shown::new);
        if let (Some(old), Some(before), Some(after)) = (&mut old, before, after)
            && before.record.owner != after.record.owner
        {
            old.name = Some(name(before));
        }
        Row {
            kind,
            name: named.map(name).unwrap_or_default(),
            record_type: named.map(|stored| stored.record.data.record_type().to_string()).unwrap_or_default(),
            before: old,
            after: after.map(Shown::new),
        }
    }

    fn word(&self, z: &ZoneTexts) -> &'static str {
        match self.kind {
            RowKind::Removed => z.removed,
            RowKind::Added => z.added,
            RowKind::Changed => z.changed,
        }
    }

    fn class(&self) -> &'static str {
        match self.kind {
            RowKind::Removed => "bad",
            RowKind::Added => "good",
            RowKind::Changed => "warn",
        }
    }
}
