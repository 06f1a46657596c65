//! The store as one token may see it.
//!
//! A token may be bound to some of its account's zones ([`store::ZoneScope`]). To it the others do not exist: not by their
//! identity, not by their name, not in any list, and not through a record in them. Handlers have no other way to the store than
//! this, so that an operation cannot forget it: a method of the store that is missing here has to be written here, with its
//! scope, before it can be called.
//!
//! Making a zone is not among what such a token may do at all: [`crate::auth::CreateZones`] refuses it before the request is
//! read.

use std::collections::BTreeMap;
use std::sync::Arc;

use claims::{Claims, Look, LookError, OpenClaim};
use dns::{Apex, RecordId, Serial, ZoneId, ZoneName, ZoneSnapshot};
use store::{
    AccountId, Answer, Author, Change, ChangeError, Committed, Condition, CreateZoneError, Difference, Done,
    EffectiveSettings, Head, History, HistoryError, Identity, NewZone, Once, Proof, ProveError, RecordFilter,
    RecordVisitor, Repeatable, Store, StoreError, StoredRecord, Timestamp, Version, VersionNumber, Zone, ZoneScope,
};

/// The store, for one token. Each method is the store's of the same name.
#[derive(Debug, Clone)]
pub(crate) struct Scoped {
    store: Store,
    identity: Arc<Identity>,
}

impl Scoped {
    pub(crate) fn new(store: Store, identity: Arc<Identity>) -> Scoped {
        Scoped { store, identity }
    }

    fn sees(&self, zone: ZoneId) -> bool {
        self.identity.token.zones.contains(zone)
    }

    pub(crate) async fn zones(
        &self,
        account: AccountId,
        name: Option<ZoneName>,
        after: Option<ZoneId>,
        limit: u32,
    ) -> Result<Vec<Zone>, StoreError> {
        let ZoneScope::Only(scope) = &self.identity.token.zones else {
            return self.store.zones(account, name, after, limit).await;
        };
        if name.is_some() {
            let mut found = self.store.zones(account, name, after, limit).await?;
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
            found.extend(self.store.zone(account, id).await?);
        }
        Ok(found)
    }

    pub(crate) async fn zone(&self, account: AccountId, id: ZoneId) -> Result<Option<Zone>, StoreError> {
        if self.sees(id) { self.store.zone(account, id).await } else { Ok(None) }
    }

    pub(crate) async fn visit_records<V: RecordVisitor>(
        &self,
        account: AccountId,
        zone: ZoneId,
        filter: RecordFilter,
        visitor: V,
    ) -> Result<Option<V>, StoreError> {
        if self.sees(zone) { self.store.visit_records(account, zone, filter, visitor).await } else { Ok(None) }
    }

    pub(crate) async fn visit_version<V: RecordVisitor>(
        &self,
        account: AccountId,
        zone: ZoneId,
        version: VersionNumber,
        filter: RecordFilter,
        after: RecordId,
        visitor: V,
    ) -> Result<Option<V>, StoreError> {
        if !self.sees(zone) {
            return Ok(None);
        }
        self.store.visit_version(account, zone, version, filter, after, visitor).await
    }

    pub(crate) async fn records(
        &self,
        account: AccountId,
        zone: Option<ZoneId>,
        filter: RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Option<Vec<StoredRecord>>, StoreError> {
        match (zone, &self.identity.token.zones) {
            (Some(zone), _) if !self.sees(zone) => Ok(None),
            (None, ZoneScope::Only(scope)) => {
                let mut found = BTreeMap::new();
                for zone in scope {
                    // A zone that is gone has no records.
                    let page = self.store.records(account, Some(*zone), filter.clone(), after, limit).await?;
                    found.extend(page.into_iter().flatten().map(|stored| (stored.record.id, stored)));
                }
                Ok(Some(found.into_values().take(limit as usize).collect()))
            }
            _ => self.store.records(account, zone, filter, after, limit).await,
        }
    }

    pub(crate) async fn record(
        &self,
        account: AccountId,
        id: RecordId,
    ) -> Result<Option<(Zone, StoredRecord)>, StoreError> {
        Ok(self.store.record(account, id).await?.filter(|(zone, _)| self.sees(zone.id)))
    }

    pub(crate) async fn change(
        &self,
        author: &Author,
        zone: ZoneId,
        change: impl Into<Change>,
    ) -> Result<Committed, ChangeError> {
        if self.sees(zone) { self.store.change(author, zone, change).await } else { Err(ChangeError::NoZone) }
    }

    pub(crate) async fn change_once(
        &self,
        author: &Author,
        zone: ZoneId,
        change: Change,
        once: Once<Committed>,
    ) -> Result<Done, ChangeError> {
        // A key that was used for another zone is refused as such: this zone is one that the token may see.
        if self.sees(zone) {
            self.store.change_once(author, zone, change, once).await
        } else {
            Err(ChangeError::NoZone)
        }
    }

    pub(crate) async fn delete_zone_on(
        &self,
        author: &Author,
        id: ZoneId,
        conditions: Vec<Condition>,
    ) -> Result<Zone, ChangeError> {
        if self.sees(id) { self.store.delete_zone_on(author, id, conditions).await } else { Err(ChangeError::NoZone) }
    }

    pub(crate) async fn delete_zone_once(
        &self,
        author: &Author,
        id: ZoneId,
        conditions: Vec<Condition>,
        once: Once<Zone>,
    ) -> Result<Done, ChangeError> {
        if self.sees(id) {
            self.store.delete_zone_once(author, id, conditions, once).await
        } else {
            Err(ChangeError::NoZone)
        }
    }

    pub(crate) async fn create_zone_with(&self, author: &Author, new: NewZone) -> Result<Zone, CreateZoneError> {
        self.store.create_zone_with(author, new).await
    }

    pub(crate) async fn create_zone_once(
        &self,
        author: &Author,
        new: NewZone,
        once: Once<Zone>,
    ) -> Result<Done, CreateZoneError> {
        self.store.create_zone_once(author, new, once).await
    }

    /// [`Claims::look`] for a zone that is to be created.
    pub(crate) async fn look(&self, claims: &Claims, account: AccountId, name: &ZoneName) -> Result<Look, LookError> {
        claims.look(&self.store, account, name).await
    }

    /// [`Claims::look_at`] for a zone of the account's.
    pub(crate) async fn look_at(&self, claims: &Claims, account: AccountId, zone: &Zone) -> Result<Look, LookError> {
        if self.sees(zone.id) { claims.look_at(&self.store, account, &zone.name).await } else { Ok(Look::NotClaimable) }
    }

    /// [`Claims::claim`] for a zone of the account's.
    pub(crate) async fn claim(
        &self,
        claims: &Claims,
        account: AccountId,
        zone: &Zone,
    ) -> Result<Option<OpenClaim>, StoreError> {
        if self.sees(zone.id) { claims.claim(&self.store, account, &zone.name).await } else { Ok(None) }
    }

    pub(crate) async fn zone_proved_at(
        &self,
        account: AccountId,
        id: ZoneId,
    ) -> Result<Option<(Zone, Option<Timestamp>)>, StoreError> {
        if self.sees(id) { self.store.zone_proved_at(account, id).await } else { Ok(None) }
    }

    pub(crate) async fn prove_zone(&self, author: &Author, id: ZoneId, proof: Proof) -> Result<Timestamp, ProveError> {
        if self.sees(id) { self.store.prove_zone(author, id, proof).await } else { Err(ProveError::NoZone) }
    }

    /// The earlier outcome of the same request. `None` also where that was about a zone that the token does not see: such a
    /// zone must look like one that does not exist, whatever keys its account has used.
    pub(crate) async fn done_before(&self, request: &Repeatable) -> Result<Option<Done>, StoreError> {
        let done = self.store.done_before(request).await?;
        Ok(done.filter(|done| match done {
            Done::Now(Answer { head, .. }) | Done::Before(Answer { head, .. }) => self.sees(head.id),
            Done::KeyReused(zone) => self.sees(*zone),
        }))
    }

    pub(crate) async fn history(
        &self,
        account: AccountId,
        zone: ZoneId,
        before: Option<VersionNumber>,
        limit: u32,
    ) -> Result<Option<History>, StoreError> {
        if self.sees(zone) { self.store.history(account, zone, before, limit).await } else { Ok(None) }
    }

    pub(crate) async fn version(
        &self,
        account: AccountId,
        zone: ZoneId,
        serial: Serial,
    ) -> Result<(Version, Difference), HistoryError> {
        if self.sees(zone) { self.store.version(account, zone, serial).await } else { Err(HistoryError::NoZone) }
    }

    pub(crate) async fn difference(
        &self,
        account: AccountId,
        zone: ZoneId,
        from: Serial,
        to: Option<Serial>,
    ) -> Result<Difference, HistoryError> {
        if self.sees(zone) { self.store.difference(account, zone, from, to).await } else { Err(HistoryError::NoZone) }
    }

    pub(crate) async fn own_change(&self, account: AccountId, made: &Head) -> Result<Option<Difference>, StoreError> {
        if self.sees(made.id) { self.store.own_change(account, made).await } else { Ok(None) }
    }

    pub(crate) async fn snapshot_at(
        &self,
        account: AccountId,
        zone: ZoneId,
        serial: Serial,
    ) -> Result<ZoneSnapshot, HistoryError> {
        if self.sees(zone) { self.store.snapshot_at(account, zone, serial).await } else { Err(HistoryError::NoZone) }
    }

    pub(crate) async fn apex_at(
        &self,
        account: AccountId,
        zone: ZoneId,
        serial: Serial,
    ) -> Result<Arc<Apex>, HistoryError> {
        if self.sees(zone) { self.store.apex_at(account, zone, serial).await } else { Err(HistoryError::NoZone) }
    }

    pub(crate) async fn own_apex(&self, zone: Option<ZoneId>) -> Result<Apex, StoreError> {
        self.store.own_apex(zone).await
    }

    pub(crate) async fn zone_settings(
        &self,
        account: AccountId,
        zone: ZoneId,
    ) -> Result<Option<(Zone, EffectiveSettings)>, StoreError> {
        if self.sees(zone) { self.store.zone_settings(account, zone).await } else { Ok(None) }
    }

    pub(crate) fn new_record_id(&self) -> RecordId {
        self.store.new_record_id()
    }
}
