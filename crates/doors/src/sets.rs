//! RRsets as clients want them, and the change that they become.
//!
//! The change is computed inside the transaction that stores it, so that two clients that add values to a set at the same time do
//! not overwrite each other. The rules are checked on the result, so that a client may delete before it adds.

use dns::change::{Edit, NewRecord, NewSet, TtlChoice};
use dns::{OwnerName, RecordData, RecordType, ResourceRecord, ZoneName};
use store::{Change, ChangeError, Committed, StoreError, Zone};

use crate::caller::Caller;
use crate::refusal::Refusal;

/// An RRset as a client wants it.
#[derive(Debug, Clone)]
pub(crate) struct WantedSet {
    pub(crate) owner: OwnerName,
    pub(crate) record_type: RecordType,
    pub(crate) ttl: TtlChoice,
    pub(crate) values: Vec<RecordData>,
    pub(crate) how: How,
}

/// The meaning of the values of a [`WantedSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// They are all values of the set. Without values, the set is deleted.
    Exactly,
    /// They are added to the set.
    With,
    /// They are removed from the set.
    Without,
}

impl WantedSet {
    /// Its name in errors.
    pub(crate) fn label(&self, zone: &ZoneName) -> String {
        label(&self.owner.in_zone(zone).fqdn(), &self.record_type)
    }

    /// Its values, each once. The server's own records are left out: clients send back all values that they have read.
    fn values<'a>(&'a self, own: &'a [ResourceRecord]) -> impl Iterator<Item = &'a RecordData> {
        let is_own = |data: &RecordData| own.iter().any(|own| own.owner == self.owner && is_same(&own.data, data));
        let is_again = |index: usize, data: &RecordData| self.values[..index].iter().any(|other| is_same(other, data));
        let values = self.values.iter().enumerate();
        values.filter(move |(index, data)| !is_own(data) && !is_again(*index, data)).map(|(_, data)| data)
    }
}

/// Whether two values are equal in DNS.
fn is_same(one: &RecordData, other: &RecordData) -> bool {
    one.record_type() == other.record_type() && one.wire() == other.wire()
}

/// The records of a zone that is to be created with these sets.
pub(crate) fn content(sets: &[WantedSet], own: &[ResourceRecord]) -> Vec<NewRecord> {
    let records = |set: &WantedSet| {
        let new = |data: &RecordData| NewRecord { owner: set.owner.clone(), data: data.clone(), ttl: set.ttl };
        set.values(own).map(new).collect::<Vec<_>>()
    };
    sets.iter().flat_map(records).collect()
}

impl Caller {
    /// Changes a zone so that it has all these sets; after an error, nothing is changed. The records that are added, changed and
    /// removed decide which permissions the key needs.
    pub(crate) async fn change(&self, zone: &Zone, sets: &[WantedSet]) -> Result<Committed, Refusal> {
        let changed = self.try_change(zone, sets).await;
        changed.map_err(|error| Refusal::changing(error, &zone.name, |index| Some(sets.get(index)?.label(&zone.name))))
    }

    /// The same; the numbers in faults are indexes of the sets.
    pub(crate) async fn try_change(&self, zone: &Zone, sets: &[WantedSet]) -> Result<Committed, ChangeError> {
        let own = self.own_records(Some(zone), &zone.name).await?;
        let edit = |set: &WantedSet| {
            let records = set.values(&own).map(|data| (self.zones.new_record_id(), data.clone())).collect();
            let new = NewSet { owner: set.owner.clone(), record_type: set.record_type, ttl: set.ttl, records };
            match set.how {
                How::Exactly => Edit::ReplaceSet(new),
                How::With => Edit::ExtendSet(new),
                How::Without => Edit::PruneSet(new),
            }
        };
        let edits: Vec<Edit> = sets.iter().map(edit).collect();
        let change = Change { allowed: Some(self.permissions), ..Change::from(edits) };
        self.zones.change(zone.id, change).await
    }

    /// The server's own records in a zone, or in one that is to be created, without the SOA.
    pub(crate) async fn own_records(
        &self,
        zone: Option<&Zone>,
        name: &ZoneName,
    ) -> Result<Vec<ResourceRecord>, StoreError> {
        Ok(self.zones.own_apex(zone.map(|zone| zone.id)).await?.records(name, None))
    }
}

/// The name of an RRset in errors, as PowerDNS writes it.
pub(crate) fn label(name: &impl std::fmt::Display, record_type: &impl std::fmt::Display) -> String {
    format!("RRset {name} IN {record_type}")
}
