//! Replacing the content of a zone: computes the edits from the current to the wanted records, and no others.
//!
//! A record in both, compared in wire form, keeps its identity, its creation time and its spelling. A name without differences is
//! not touched, so that its rules are not checked again.

use std::collections::{HashMap, HashSet};

use super::edit::{Edit, NewRecord, TtlChoice};
use crate::{OwnerName, Record, RecordId, Ttl};

/// The edits of [`content`], and where they come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContentEdits {
    /// For [`plan`](super::plan()). Deletions come first, so that faults are reported against what is wanted.
    pub edits: Vec<Edit>,
    /// For each edit, which of the wanted records it is for; for a deletion, their number.
    pub origins: Vec<usize>,
}

/// The edits after which a zone with the records `stored` has exactly the records `wanted`. `new_id` makes identities.
///
/// Costs as much as both lists are long, whatever they hold.
pub fn content(stored: &[Record], wanted: &[NewRecord], mut new_id: impl FnMut() -> RecordId) -> ContentEdits {
    let mut there: HashMap<&OwnerName, Vec<&Record>> = HashMap::new();
    for record in stored {
        there.entry(&record.owner).or_default().push(record);
    }
    let mut by_owner: HashMap<&OwnerName, Vec<usize>> = HashMap::new();
    // Names in the order in which they are first wanted, so that the same request makes the same edits.
    let mut owners = Vec::new();
    for (index, record) in wanted.iter().enumerate() {
        let of_owner = by_owner.entry(&record.owner).or_default();
        if of_owner.is_empty() {
            owners.push(&record.owner);
        }
        of_owner.push(index);
    }

    let mut deleted = Vec::new();
    let mut kept = Vec::new();
    for owner in owners {
        let at_owner = there.remove(owner).unwrap_or_default();
        let mut left: HashMap<_, &Record> =
            at_owner.iter().map(|record| ((record.data.record_type(), record.data.wire()), *record)).collect();
        let indices = by_owner.remove(owner).unwrap_or_default();
        let matched: Vec<(usize, Option<&Record>)> = indices
            .into_iter()
            .map(|index| {
                let data = &wanted[index].data;
                (index, left.remove(&(data.record_type(), data.wire())))
            })
            .collect();
        let is_same = left.is_empty()
            && matched.iter().all(|(index, old)| old.is_some_and(|old| keeps_ttl(wanted[*index].ttl, old.ttl)));
        // The rule about nameservers at the apex spans names: their records are always among the edits.
        if is_same && !owner.is_apex() {
            continue;
        }
        let gone: HashSet<RecordId> = left.values().map(|record| record.id).collect();
        // In the order of the store, as hash maps have none.
        deleted.extend(at_owner.iter().map(|record| record.id).filter(|id| gone.contains(id)));
        kept.extend(matched);
    }
    let elsewhere = stored.iter().filter(|record| there.contains_key(&record.owner));
    deleted.extend(elsewhere.map(|record| record.id));

    let deletions = deleted.into_iter().map(|id| (wanted.len(), Edit::Delete(id)));
    let (origins, edits) = deletions
        .chain(kept.into_iter().map(|(index, old)| {
            let new = &wanted[index];
            let edit = match old {
                Some(old) => Edit::Replace(old.id, NewRecord { data: old.data.clone(), ..new.clone() }),
                None => Edit::Create(new_id(), new.clone()),
            };
            (index, edit)
        }))
        .unzip();
    ContentEdits { edits, origins }
}

/// Whether a choice leaves a stored TTL as it is, where nothing else at the name changes.
fn keeps_ttl(choice: TtlChoice, stored: Ttl) -> bool {
    match choice {
        TtlChoice::Set(ttl) => ttl == stored,
        TtlChoice::Join(_) | TtlChoice::Default => true,
    }
}
