//! A zone's past: its versions, what each changed, and what the zone held then.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use dns::{Record, RecordId, Serial};

use crate::{Source, StoreError, StoredRecord, Timestamp, VersionNumber, Zone, ZoneSettings};

/// A page of a zone's versions, newest first, and the zone at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "what the types say")]
pub struct History {
    pub zone: Zone,
    pub versions: Vec<Version>,
}

/// What the journal says of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its number in its zone.
    pub number: VersionNumber,
    /// Its serial.
    pub serial: Serial,
    /// When it was stored.
    pub time: Timestamp,
    /// What happened.
    pub event: Event,
    /// Through which door it came.
    pub source: Source,
    /// Who made it. `None` where that was the server itself, and where it is none of the reader's business: the zone was
    /// another account's then.
    pub by: Option<MadeBy>,
    /// What its author wrote beside it.
    pub comment: Option<String>,
    /// How many of the users' records it changed.
    pub counts: Counts,
    /// The zone's settings before it and after it, where it changed them. `None` also of the oldest that is kept.
    pub settings: Option<(ZoneSettings, ZoneSettings)>,
}

/// Who made a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeBy {
    /// The account's address.
    pub email: String,
    /// The token's name, or who else acted for the account.
    pub name: String,
    /// The client's address, where there was one.
    pub address: Option<IpAddr>,
}

/// What a version did to its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It is the first.
    Created,
    /// The content became another, or only the serial did.
    Changed,
    /// The zone was deleted. Nobody sees it until the zone is brought back.
    Deleted,
    /// The operator brought the zone back, as it was when it was deleted.
    Undeleted,
}

/// How many of the users' records a version removed and added. One that changed is removed as it was and added as it became.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "what the names say")]
pub struct Counts {
    pub removed: u64,
    pub added: u64,
    /// How many are in both.
    pub changed: u64,
}

/// What lies between two versions of a zone: take away what is removed, put in what is added. A record that changed is in both
/// lists, under one identity; one that is the same again is in neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The version that it starts from; `None` for the nothing before the first, or before the oldest that is kept.
    pub from: Option<Serial>,
    /// The version that it leads to.
    pub to: Serial,
    /// In the order of their names and types.
    pub removed: Vec<StoredRecord>,
    /// In the same order.
    pub added: Vec<StoredRecord>,
}

impl Difference {
    /// The records that changed, in the order of [`Difference::added`].
    pub fn changed(&self) -> impl Iterator<Item = RecordId> {
        let before: HashSet<RecordId> = self.removed.iter().map(|stored| stored.record.id).collect();
        self.added.iter().map(|stored| stored.record.id).filter(move |id| before.contains(id))
    }

    /// Drops what is the same on both sides, and brings the rest into its order.
    pub(crate) fn tidy(&mut self) {
        let after: HashMap<RecordId, &StoredRecord> =
            self.added.iter().map(|stored| (stored.record.id, stored)).collect();
        let is_same =
            |before: &&StoredRecord| after.get(&before.record.id).is_some_and(|after| after.record == before.record);
        let same: HashSet<RecordId> = self.removed.iter().filter(is_same).map(|stored| stored.record.id).collect();
        for list in [&mut self.removed, &mut self.added] {
            list.retain(|stored| !same.contains(&stored.record.id));
            list.sort_unstable_by(|a, b| Difference::order(&a.record, &b.record));
        }
    }

    /// The order of both lists, and of those of a [`Committed`](crate::Committed).
    pub(crate) fn order(a: &Record, b: &Record) -> Ordering {
        let key = |record: &Record| (record.data.record_type(), record.id);
        a.owner.cmp(&b.owner).then_with(|| key(a).cmp(&key(b)))
    }
}

/// Why there is nothing to show of the past.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The account has no such zone.
    #[error("no such zone")]
    NoZone,
    /// The zone never had a version with this serial, or it was too old to be kept.
    #[error("no such version of the zone")]
    NoVersion(Serial),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
