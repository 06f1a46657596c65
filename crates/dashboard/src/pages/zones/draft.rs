//! The changes that a user collects before applying them as one version.
//!
//! They are stored in the forms of the page, as typed, and not on the server: two windows do not mix, and it works without
//! JavaScript. The forms are not trusted: their values are read by the API's rules each time, and the store finds only records of
//! the account.
//!
//! The change of a record contains its members as they were when the editor was opened, so that only edited members are written,
//! and changes that another user made to other members meanwhile are kept.

use dns::change::Edit;
use dns::{Fault, RecordId};
use forms::TypedRecord;
use store::{StoredRecord, Zone};

use crate::failure::Failure;
use crate::visit::SignedIn;

/// The most changes that are collected at a time.
pub(super) const MOST: usize = 500;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Create(TypedRecord),
    Update { id: RecordId, was: TypedRecord, now: TypedRecord },
    Delete { id: RecordId, was: TypedRecord },
}

impl Item {
    /// The record that exists, where it concerns one.
    pub(super) fn id(&self) -> Option<RecordId> {
        match self {
            Item::Create(_) => None,
            Item::Update { id, .. } | Item::Delete { id, .. } => Some(*id),
        }
    }

    /// The record as it was, where there was one.
    pub(super) fn was(&self) -> Option<&TypedRecord> {
        match self {
            Item::Create(_) => None,
            Item::Update { was, .. } | Item::Delete { was, .. } => Some(was),
        }
    }

    /// The record as it is to be, where there will be one.
    pub(super) fn now(&self) -> Option<&TypedRecord> {
        match self {
            Item::Create(now) | Item::Update { now, .. } => Some(now),
            Item::Delete { .. } => None,
        }
    }
}

/// All of them, in the order in which they were collected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft(pub(super) Vec<Item>);

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the change of a record is.
    pub(super) fn of_record(&self, id: RecordId) -> Option<usize> {
        self.0.iter().position(|item| item.id() == Some(id))
    }

    /// Replaces a change, or appends it. A change without a difference is dropped.
    pub(super) fn put(&mut self, place: Option<usize>, item: Item) {
        let is_nothing = matches!(&item, Item::Update { was, now, .. } if was == now);
        match place.filter(|place| *place < self.0.len()) {
            Some(place) if is_nothing => drop(self.0.remove(place)),
            Some(place) => self.0[place] = item,
            None if is_nothing => {}
            None => self.0.push(item),
        }
    }

    pub(super) fn remove(&mut self, place: usize) {
        if place < self.0.len() {
            self.0.remove(place);
        }
    }

    /// As it travels: changes separated by `;`, each written like a query.
    pub(super) fn encode(&self) -> String {
        let items: Vec<String> = self.0.iter().map(encode).collect();
        items.join(";")
    }

    /// What travelled. `None` where it is not what we sent, or too much.
    pub(super) fn decode(text: &str) -> Option<Draft> {
        let items: Option<Vec<Item>> = text.split(';').filter(|text| !text.is_empty()).map(decode).collect();
        items.filter(|items| items.len() <= MOST).map(Draft)
    }

    /// The edits that they are, or everything that is wrong with them by themselves.
    pub(super) fn edits(&self, who: &SignedIn, zone: &Zone) -> Result<Vec<Edit>, Faults> {
        let (mut edits, mut faults) = (Vec::new(), Vec::new());
        for (place, item) in self.0.iter().enumerate() {
            match edit(item, who, zone) {
                Ok(edit) => edits.push(edit),
                Err(fault) => faults.push((place, fault)),
            }
        }
        if faults.is_empty() { Ok(edits) } else { Err(faults) }
    }
}

/// What is wrong, each with the place of the change at fault.
pub(super) type Faults = Vec<(usize, Fault)>;

fn edit(item: &Item, who: &SignedIn, zone: &Zone) -> Result<Edit, Fault> {
    let read = |record: &TypedRecord| record.read(&zone.name);
    Ok(match item {
        Item::Create(now) => Edit::Create(who.zones().new_record_id(), read(now)?),
        Item::Update { id, was, now } => {
            // Checks the complete record too: its own errors are known before the zone is read.
            read(now)?;
            Edit::Amend(*id, now.amendment(was, &zone.name)?)
        }
        Item::Delete { id, .. } => Edit::Delete(*id),
    })
}

/// A record of the zone as it is stored now.
pub(super) async fn current(who: &SignedIn, zone: &Zone, id: RecordId) -> Result<Option<StoredRecord>, Failure> {
    let found = who.zones().record(id).await?;
    Ok(found.filter(|(found, _)| found.id == zone.id).map(|(_, stored)| stored))
}

fn encode(item: &Item) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    if let Some(RecordId(id)) = item.id() {
        out.append_pair("id", &id.to_string());
    }
    for (prefix, record) in [("was-", item.was()), ("", item.now())] {
        for (name, value) in record.into_iter().flat_map(members) {
            out.append_pair(&format!("{prefix}{name}"), value);
        }
    }
    out.finish()
}

fn members(record: &TypedRecord) -> [(&'static str, &str); 5] {
    [
        ("record_type", &record.record_type),
        ("name", &record.name),
        ("value", &record.value),
        ("ttl", &record.ttl),
        ("priority", &record.priority),
    ]
}

fn decode(text: &str) -> Option<Item> {
    let (mut id, mut was, mut now) = (None, None, None);
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if name == "id" {
            id = Some(RecordId(value.parse().ok()?));
            continue;
        }
        let (record, name) = match name.strip_prefix("was-") {
            Some(name) => (&mut was, name),
            None => (&mut now, &*name),
        };
        let record: &mut TypedRecord = record.get_or_insert_default();
        let member = match name {
            "record_type" => &mut record.record_type,
            "name" => &mut record.name,
            "value" => &mut record.value,
            "ttl" => &mut record.ttl,
            "priority" => &mut record.priority,
            _ => return None,
        };
        *member = value.into_owned();
    }
    match (id, was, now) {
        (None, None, Some(now)) => Some(Item::Create(now)),
        (Some(id), Some(was), Some(now)) => Some(Item::Update { id, was, now }),
        (Some(id), Some(was), None) => Some(Item::Delete { id, was }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(name: &str, value: &str) -> TypedRecord {
        TypedRecord {
            record_type: "TXT".to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
            ..TypedRecord::default()
        }
    }

    fn id(number: u8) -> RecordId {
        RecordId(format!("00000000-0000-0000-0000-0000000000{number:02}").parse().unwrap())
    }

    #[test]
    fn what_travels_comes_back() {
        let odd = "a;b=c&d \"é\" %3B+\\;";
        let draft = Draft(vec![
            Item::Create(typed("@", odd)),
            Item::Update { id: id(1), was: typed("a", ""), now: typed("a", odd) },
            Item::Delete { id: id(2), was: typed("b", odd) },
        ]);
        assert_eq!(Draft::decode(&draft.encode()), Some(draft));
        assert_eq!(Draft::decode(""), Some(Draft::default()));
    }

    #[test]
    fn what_we_never_sent_is_refused() {
        let too_many = vec!["name=a"; MOST + 1].join(";");
        for text in ["x", "id=1&was-name=a", "id=&name=a", "was-name=a", "uuid=a&name=b", "name=a;x=y", &too_many] {
            assert_eq!(Draft::decode(text), None, "{text:.40}");
        }
        let update_without_before = format!("id={}&name=a", id(1).0);
        assert_eq!(Draft::decode(&update_without_before), None);
    }

    #[test]
    fn a_change_back_is_no_change() {
        let mut draft = Draft::default();
        draft.put(None, Item::Update { id: id(1), was: typed("a", "1"), now: typed("a", "2") });
        assert_eq!(draft.of_record(id(1)), Some(0));
        draft.put(Some(0), Item::Update { id: id(1), was: typed("a", "1"), now: typed("a", "1") });
        assert!(draft.is_empty());
        draft.put(None, Item::Update { id: id(1), was: typed("a", "1"), now: typed("a", "1") });
        assert!(draft.is_empty());
    }
}
