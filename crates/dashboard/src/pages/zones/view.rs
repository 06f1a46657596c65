//! What the records page shows: the groups of names, the collected changes, the open editor.

use std::collections::HashMap;

use askama::Template;
use dns::{RecordId, RecordType, Ttl};
use forms::TypedRecord;
use store::{FoundRecords, StoredRecord};

use super::difference::{value, with_priority};
use super::draft::{Draft, Faults, Item};
use super::editor::{Editing, Editor, Subject, USUAL};
use super::live::Live;
use super::state::State;
use super::{Head, Tab};
use crate::language::Language;
use crate::page::{Page, Section};
use crate::texts::say;
use crate::texts::zones::ZoneTexts;

#[derive(Template)]
#[template(path = "zones/records.html")]
pub(super) struct RecordsPage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    live: Live,
    nameservers: Vec<String>,
    is_empty: bool,
    count: String,
    state: State,
    items: Vec<ItemRow>,
    /// What is said where the zone moved on since the first change was collected.
    moved: bool,
    groups: Vec<Group>,
    next: Option<String>,
    usual: [RecordType; 8],
    others: Vec<RecordType>,
    chosen: Option<RecordType>,
    /// The editor of what is not on this page.
    editor: Option<Editor>,
    problem: Option<&'static str>,
}

/// A change that was collected.
#[derive(Debug, Clone)]
pub(super) struct ItemRow {
    pub(super) place: usize,
    pub(super) class: &'static str,
    pub(super) word: &'static str,
    pub(super) name: String,
    pub(super) record_type: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) faults: Vec<String>,
    pub(super) may_change: bool,
}

struct Group {
    name: String,
    fqdn: String,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    /// What a button's label needs for those who hear it.
    what: String,
    record_type: String,
    value: String,
    ttl: String,
    /// What was collected for it.
    item: Option<ItemRow>,
    editor: Option<Editor>,
}

/// The data of the page.
pub(super) struct Shown<'a> {
    pub(super) found: FoundRecords,
    pub(super) live: Live,
    pub(super) nameservers: Vec<String>,
    pub(super) draft: &'a Draft,
    pub(super) faults: &'a Faults,
    /// The open editor, and the TTL of records without one.
    pub(super) editing: Option<(&'a Editing, Ttl)>,
    pub(super) state: State,
    pub(super) problem: Option<&'static str>,
}

impl RecordsPage {
    pub(super) fn of(page: Page, shown: Shown<'_>) -> RecordsPage {
        let (language, z) = (page.language, page.language.zone_texts());
        let Shown { found, live, nameservers, draft, faults, editing, state, problem } = shown;
        let FoundRecords { zone, records, next } = found;
        let items = item_rows(draft, faults, language);
        let mut editor = editing
            .map(|(editing, default_ttl)| (place(editing, draft), Editor::of(editing, default_ttl, &state, language)));
        let by_record: HashMap<RecordId, &ItemRow> =
            draft.0.iter().zip(&items).filter_map(|(item, row)| Some((item.id()?, row))).collect();
        let mut groups: Vec<Group> = Vec::new();
        for stored in &records {
            let name = stored.record.owner.to_string();
            if groups.last().is_none_or(|group| group.name != name) {
                let fqdn = stored.record.owner.in_zone(&zone.name).to_string();
                groups.push(Group { name, fqdn, rows: Vec::new() });
            }
            let is_edited = editor.as_ref().is_some_and(|(id, _)| *id == Some(stored.record.id));
            let row = Row {
                item: by_record.get(&stored.record.id).map(|row| (*row).clone()),
                editor: if is_edited { editor.take().map(|(_, editor)| editor) } else { None },
                ..Row::of(stored)
            };
            if let Some(group) = groups.last_mut() {
                group.rows.push(row);
            }
        }
        RecordsPage {
            z,
            head: Head::new(&zone, Tab::Records),
            live,
            nameservers,
            is_empty: zone.record_count == 0,
            count: say(
                if zone.record_count == 1 { z.one_record } else { z.records_count },
                &[&count(zone.record_count)],
            ),
            moved: state.serial != zone.serial,
            items,
            groups,
            next: next.map(|next| next.to_string()),
            usual: USUAL,
            others: RecordType::EDITABLE.into_iter().filter(|other| !USUAL.contains(other)).collect(),
            chosen: editing.and_then(|(editing, _)| RecordType::parse(&editing.typed.record_type).ok()),
            editor: editor.map(|(_, editor)| editor),
            problem,
            state,
            page,
        }
    }
}

impl RecordsPage {
    fn is_chosen(&self, record_type: &RecordType) -> bool {
        self.chosen.as_ref() == Some(record_type)
    }
}

/// The record in whose row an editor stands.
fn place(editing: &Editing, draft: &Draft) -> Option<RecordId> {
    match &editing.subject {
        Subject::New => None,
        Subject::Record(id) => Some(*id),
        Subject::Item(place) => draft.0.get(*place).and_then(Item::id),
    }
}

impl Row {
    fn of(stored: &StoredRecord) -> Row {
        let record = &stored.record;
        let record_type = record.data.record_type().to_string();
        let value = value(stored);
        Row {
            id: record.id.0.to_string(),
            what: format!("{} {record_type} {value:.60}", record.owner),
            record_type,
            value,
            ttl: record.ttl.to_string(),
            item: None,
            editor: None,
        }
    }
}

/// What was collected, as lists show it.
pub(super) fn item_rows(draft: &Draft, faults: &Faults, language: Language) -> Vec<ItemRow> {
    let z = language.zone_texts();
    let shown = |record: &TypedRecord| {
        let value = with_priority(&record.priority, &record.value);
        if record.ttl.is_empty() { value } else { format!("{value} · {}", record.ttl) }
    };
    let row = |(place, item): (usize, &Item)| {
        let (class, word) = match item {
            Item::Create(_) => ("good", z.added),
            Item::Update { .. } => ("warn", z.changed),
            Item::Delete { .. } => ("bad", z.removed),
        };
        let named = item.now().or(item.was());
        let moved_from = item.was().filter(|was| item.now().is_some_and(|now| now.name != was.name));
        ItemRow {
            place,
            class,
            word,
            name: named.map(|record| record.name.clone()).unwrap_or_default(),
            record_type: named.map(|record| record.record_type.clone()).unwrap_or_default(),
            before: match moved_from {
                Some(was) => format!("{} {}", was.name, shown(was)),
                None => item.was().map(shown).unwrap_or_default(),
            },
            after: item.now().map(shown).unwrap_or_default(),
            faults: faults
                .iter()
                .filter(|(at, _)| *at == place)
                .map(|(_, fault)| language.say(&fault.detail))
                .collect(),
            may_change: item.now().is_some(),
        }
    };
    draft.0.iter().enumerate().map(row).collect()
}

/// A number with its thousands apart, by a space that does not break.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1\u{a0}000"), (1_234_567, "1\u{a0}234\u{a0}567")] {
            assert_eq!(count(number), text);
        }
    }
}
