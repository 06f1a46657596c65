//! The zones of one account, as a token or a session may see and change them.
//!
//! A token may be bound to some of its account's zones ([`ZoneScope`]). To it the others do not exist: not by their identity, not
//! by their name, not in any list, and not through a record in them. API operations and pages have no other way to zones than
//! this, so that they cannot forget it: a method that is missing here has to be written here, with its scope, before it can be
//! called.
//!
//! A tenant that was built from an update key ([`Doors::tenant`](crate::Doors::tenant)) changes only what is in the key's scope:
//! the scope travels with each change, and is judged by what the change really removes and adds.
//!
//! Searching, claims and the server's own records stand in `sqlite` (`search`, `claims`, `apexes`). Creating zones is not among
//! what a bound token may do at all: the API refuses it before it reads the request.

use std::collections::BTreeMap;
use std::sync::Arc;

use dns::{Apex, RecordId, Serial, ZoneId, ZoneName, ZoneSnapshot};

use crate::{
    Answer, Author, Change, ChangeError, Committed, Condition, CreateZoneError, Difference, Done, EffectiveSettings,
    Head, History, HistoryError, KeyScope, NewZone, Once, OutOfScope, OwnSettings, RecordFilter, RecordVisitor,
    Repeatable, Source, Step, Store, StoreError, StoredRecord, Version, VersionNumber, Zone, ZoneScope,
};

/// The zones of one account. Changes are recorded as made by its author.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub(crate) store: Store,
    pub(crate) author: Author,
    pub(crate) zones: ZoneScope,
    /// Of the update key, where it was built from one.
    pub(crate) scope: Option<Arc<KeyScope>>,
}

impl Store {
    /// What `author` may do with those zones of their account.
    pub fn tenant(&self, author: Author, zones: ZoneScope) -> Tenant {
        Tenant { store: self.clone(), author, zones, scope: None }
    }
}

impl Tenant {
    /// Whose changes they are.
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// The same zones; changes are recorded as made through another door.
    pub fn through(&self, source: Source) -> Tenant {
        Tenant { author: Author { source, ..self.author.clone() }, ..self.clone() }
    }

    /// The scope of the update key that it was built from. Reading is limited to the key's zones, not to its names.
    pub fn scope(&self) -> Option<&KeyScope> {
        self.scope.as_deref()
    }

    pub(crate) fn sees(&self, zone: ZoneId) -> bool {
        self.zones.contains(zone)
    }

    /// A page of the zones after `after`, oldest first; or the one of that name.
    pub async fn zones(
        &self,
        name: Option<ZoneName>,
        after: Option<ZoneId>,
        limit: u32,
    ) -> Result<Vec<Zone>, StoreError> {
        let ZoneScope::Only(scope) = &self.zones else {
            return self.store.zones(self.author.account, name, after, limit).await;
        };
        if name.is_some() {
            let mut found = self.store.zones(self.author.account, name, after, limit).await?;
            found.retain(|zone| self.sees(zone.id));
            return Ok(found);
        }
        let mut ids = scope.clone();
        ids.sort_unstable();
        ids.dedup();
        let mut found = Vec::new();
        for id in ids.into_iter().filter(|id| after.is_none_or(|after| *id > after)) {
            if found.len() >= limit as usize {
                break;
            }
            found.extend(self.store.zone(self.author.account, id).await?);
        }
        Ok(found)
    }

    /// One zone.
    pub async fn zone(&self, id: ZoneId) -> Result<Option<Zone>, StoreError> {
        if self.sees(id) { self.store.zone(self.author.account, id).await } else { Ok(None) }
    }

    /// [`Store::visit_records`].
    pub async fn visit_records<V: RecordVisitor>(
        &self,
        zone: ZoneId,
        filter: RecordFilter,
        visitor: V,
    ) -> Result<Option<V>, StoreError> {
        if self.sees(zone) {
            self.store.visit_records(self.author.account, zone, filter, visitor).await
        } else {
            Ok(None)
        }
    }

    /// [`Store::visit_version`].
    pub async fn visit_version<V: RecordVisitor>(
        &self,
        zone: ZoneId,
        version: VersionNumber,
        filter: RecordFilter,
        after: RecordId,
        visitor: V,
    ) -> Result<Option<V>, StoreError> {
        if !self.sees(zone) {
            return Ok(None);
        }
        self.store.visit_version(self.author.account, zone, version, filter, after, visitor).await
    }

    /// A page of the records of one zone or of all, oldest first. `None`: there is no such zone.
    pub async fn records(
        &self,
        zone: Option<ZoneId>,
        filter: RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Option<Vec<StoredRecord>>, StoreError> {
        match (zone, &self.zones) {
            (Some(zone), _) if !self.sees(zone) => Ok(None),
            (None, ZoneScope::Only(scope)) => {
                let mut found = BTreeMap::new();
                for zone in scope {
                    // A zone that is gone has no records.
                    let page =
                        self.store.records(self.author.account, Some(*zone), filter.clone(), after, limit).await?;
                    found.extend(page.into_iter().flatten().map(|stored| (stored.record.id, stored)));
                }
                Ok(Some(found.into_values().take(limit as usize).collect()))
            }
            _ => self.store.records(self.author.account, zone, filter, after, limit).await,
        }
    }

    /// A record, and its zone.
    pub async fn record(&self, id: RecordId) -> Result<Option<(Zone, StoredRecord)>, StoreError> {
        Ok(self.store.record(self.author.account, id).await?.filter(|(zone, _)| self.sees(zone.id)))
    }

    /// Changes a zone.
    pub async fn change(&self, zone: ZoneId, change: impl Into<Change>) -> Result<Committed, ChangeError> {
        if !self.sees(zone) {
            return Err(ChangeError::NoZone);
        }
        let change = Change { scope: self.scope.clone(), ..change.into() };
        self.store.change(&self.author, zone, change).await
    }

    /// Changes a zone, once however often the request comes.
    pub async fn change_once(&self, zone: ZoneId, change: Change, once: Once<Committed>) -> Result<Done, ChangeError> {
        // A key that was used for another zone is refused as such: this zone is one that the token may see.
        if self.sees(zone) {
            let change = Change { scope: self.scope.clone(), ..change };
            self.store.change_once(&self.author, zone, change, once).await
        } else {
            Err(ChangeError::NoZone)
        }
    }

    /// Refuses what an update key may not do to a zone, whatever its scope.
    fn check_whole_zones(&self) -> Result<(), OutOfScope> {
        if self.scope.is_none() { Ok(()) } else { Err(OutOfScope::Zone) }
    }

    /// Deletes a zone, where the conditions hold.
    pub async fn delete_zone(&self, id: ZoneId, conditions: Vec<Condition>) -> Result<Zone, ChangeError> {
        if self.sees(id) {
            self.check_whole_zones().map_err(ChangeError::OutOfScope)?;
            self.store.delete_zone(&self.author, id, conditions).await
        } else {
            Err(ChangeError::NoZone)
        }
    }

    /// Deletes a zone, once however often the request comes.
    pub async fn delete_zone_once(
        &self,
        id: ZoneId,
        conditions: Vec<Condition>,
        once: Once<Zone>,
    ) -> Result<Done, ChangeError> {
        if self.sees(id) {
            self.check_whole_zones().map_err(ChangeError::OutOfScope)?;
            self.store.delete_zone_once(&self.author, id, conditions, once).await
        } else {
            Err(ChangeError::NoZone)
        }
    }

    /// Creates a zone.
    pub async fn create_zone(&self, new: NewZone) -> Result<Zone, CreateZoneError> {
        self.check_whole_zones().map_err(CreateZoneError::OutOfScope)?;
        self.store.create_zone(&self.author, new).await
    }

    /// Creates a zone, once however often the request comes.
    pub async fn create_zone_once(&self, new: NewZone, once: Once<Zone>) -> Result<Done, CreateZoneError> {
        self.check_whole_zones().map_err(CreateZoneError::OutOfScope)?;
        self.store.create_zone_once(&self.author, new, once).await
    }

    /// The earlier outcome of the same request. `None` also where that was about a zone that the token does not see: such a
    /// zone must look like one that does not exist, whatever keys its account has used.
    pub async fn done_before(&self, request: &Repeatable) -> Result<Option<Done>, StoreError> {
        let done = self.store.done_before(request).await?;
        Ok(done.filter(|done| match done {
            Done::Now(Answer { head, .. }) | Done::Before(Answer { head, .. }) => self.sees(head.id),
            Done::KeyReused(zone) => self.sees(*zone),
        }))
    }

    /// A page of a zone's versions before `before`, newest first. `None`: there is no such zone.
    pub async fn history(
        &self,
        zone: ZoneId,
        before: Option<VersionNumber>,
        limit: u32,
    ) -> Result<Option<History>, StoreError> {
        if self.sees(zone) { self.store.history(self.author.account, zone, before, limit).await } else { Ok(None) }
    }

    /// The version of a zone that had this serial, and what it changed.
    pub async fn version(&self, zone: ZoneId, serial: Serial) -> Result<(Version, Difference), HistoryError> {
        if self.sees(zone) {
            self.store.version(self.author.account, zone, serial).await
        } else {
            Err(HistoryError::NoZone)
        }
    }

    /// What changed between two versions of a zone; up to the newest without `to`.
    pub async fn difference(&self, zone: ZoneId, from: Serial, to: Option<Serial>) -> Result<Difference, HistoryError> {
        if self.sees(zone) {
            self.store.difference(self.author.account, zone, from, to).await
        } else {
            Err(HistoryError::NoZone)
        }
    }

    /// [`Store::own_change`].
    pub async fn own_change(&self, made: &Head) -> Result<Option<Difference>, StoreError> {
        if self.sees(made.id) { self.store.own_change(self.author.account, made).await } else { Ok(None) }
    }

    /// The content of the version of a zone that had this serial.
    pub async fn snapshot_at(&self, zone: ZoneId, serial: Serial) -> Result<ZoneSnapshot, HistoryError> {
        if self.sees(zone) {
            self.store.snapshot_at(self.author.account, zone, serial).await
        } else {
            Err(HistoryError::NoZone)
        }
    }

    /// [`crate::Journal::step`].
    pub async fn step(&self, zone: ZoneId, from: Serial) -> Result<Option<Step>, StoreError> {
        if self.sees(zone) { self.store.journal().step(zone, from).await } else { Ok(None) }
    }

    /// The server's own records in the version of a zone that had this serial.
    pub async fn apex_at(&self, zone: ZoneId, serial: Serial) -> Result<Arc<Apex>, HistoryError> {
        if self.sees(zone) {
            self.store.apex_at(self.author.account, zone, serial).await
        } else {
            Err(HistoryError::NoZone)
        }
    }

    /// A zone, and the settings that apply to it.
    pub async fn zone_settings(&self, zone: ZoneId) -> Result<Option<(Zone, EffectiveSettings)>, StoreError> {
        if self.sees(zone) { self.store.zone_settings(self.author.account, zone).await } else { Ok(None) }
    }

    /// A zone's own settings, beside the defaults.
    pub async fn own_zone_settings(&self, zone: ZoneId) -> Result<Option<OwnSettings>, StoreError> {
        if self.sees(zone) { self.store.own_zone_settings(self.author.account, zone).await } else { Ok(None) }
    }

    /// An identity for a record that is to be created.
    pub fn new_record_id(&self) -> RecordId {
        self.store.new_record_id()
    }
}
