//! Queries, answered from the committed state: the next query after an acknowledgement sees the change.
//!
//! The names that an answer depends on are read from the store, as a small part of the zone, and the nameserver's own code
//! answers from that part. So the cost does not depend on the size of the zone, and no zone is held in memory.
//!
//! Decided against: a second implementation of RFC 1034, section 4.3.2.

use std::collections::{BTreeSet, VecDeque};

use dns::{Name, OwnerName, RecordData, RecordType, ResourceRecord, ZoneSnapshot};
use domain::base::iana::{Rcode, Rtype};
use domain::base::message::Message;
use nameserver::{Client, Zones};
use store::{KeyPurpose, ServedZone, StoreError};

use crate::request::{Verified, log, response};
use crate::{Inner, message};

/// The maximum number of names that an answer follows: targets of aliases, and hosts for the additional section.
const MOST_NAMES: usize = 32;

impl Inner {
    /// The response to a query, with room for `reserved` more octets; `None` if the message is no query.
    pub(crate) async fn query(
        &self,
        message: &[u8],
        client: &Client,
        verified: Option<&Verified>,
        reserved: usize,
    ) -> Option<Vec<u8>> {
        let zones = Zones::new();
        let reading = if verified.is_none() { Some(self.reads.acquire().await) } else { None };
        let excerpt = self.excerpt(message, verified).await;
        drop(reading);
        match excerpt {
            Ok(Some(excerpt)) => zones.load(excerpt),
            // Without a zone, the responder refuses the query.
            Ok(None) => {}
            Err(error) => {
                log("answering a query", &error);
                return Some(response(message, Rcode::SERVFAIL));
            }
        }
        self.responder.answer(&zones, message, client, reserved)
    }

    /// The part of a zone that the answer depends on.
    async fn excerpt(&self, message: &[u8], verified: Option<&Verified>) -> Result<Option<ZoneSnapshot>, StoreError> {
        let question = Message::from_slice(message).ok().and_then(|message| message.sole_question().ok());
        let Some(question) = question else { return Ok(None) };
        let (Some(name), qtype) = (message::name(question.qname()), question.qtype()) else { return Ok(None) };
        // A key can also read names below a delegation, because its owner may have to delete them.
        let manages = verified.filter(|verified| verified.identity.key.scope.purpose == KeyPurpose::Manage);
        let own: Vec<_> =
            manages.into_iter().flat_map(|verified| &verified.identity.key.zones).map(|zone| zone.id).collect();
        let read = |name: Name, own: Vec<_>| {
            move |zone: &ServedZone<'_>| {
                let is_apex = zone.name().name() == &name;
                Ok((is_apex, read(zone, &name, qtype, own.contains(&zone.id()))?))
            }
        };
        let found = self.journal.within(&name, 0, read(name.clone(), own.clone())).await?;
        match found {
            // The parent side has the DS records (RFC 4035, section 3.1.4.1).
            Some((true, excerpt)) if qtype == Rtype::DS => {
                let above = self.journal.within(&name, 1, read(name.clone(), own)).await?;
                Ok(Some(above.map_or(excerpt, |(_, above)| above)))
            }
            found => Ok(found.map(|(_, excerpt)| excerpt)),
        }
    }
}

/// Reads the records that the answer about a name depends on. With `opens_cuts`, delegations above the name are ignored.
fn read(zone: &ServedZone<'_>, name: &Name, qtype: Rtype, opens_cuts: bool) -> Result<ZoneSnapshot, StoreError> {
    let mut reading = Reading { zone, seen: BTreeSet::new(), records: Vec::new() };
    let asked = OwnerName::of(name, zone.name());
    let mut wanted: VecDeque<OwnerName> = asked.clone().into_iter().collect();
    let mut followed = 0;
    while let Some(owner) = wanted.pop_front() {
        followed += 1;
        let from = reading.records.len();
        reading.around(&owner)?;
        let new: Vec<OwnerName> =
            reading.records.iter().skip(from).filter_map(|record| leads_to(record, &owner, zone)).collect();
        let room = MOST_NAMES.saturating_sub(followed + wanted.len());
        wanted.extend(new.into_iter().filter(|name| !reading.seen.contains(name)).take(room));
    }
    let mut records = reading.records;
    if opens_cuts && let Some(asked) = asked {
        let is_cut = |record: &ResourceRecord| {
            let is_above = asked.is_below(&record.owner) || (asked == record.owner && qtype != Rtype::NS);
            record.data.record_type() == RecordType::Ns && !record.owner.is_apex() && is_above
        };
        records.retain(|record| !is_cut(record));
    }
    Ok(ZoneSnapshot { id: zone.id(), name: zone.name().clone(), soa: zone.soa().clone(), records })
}

struct Reading<'z, 's> {
    zone: &'z ServedZone<'s>,
    /// Names that were read.
    seen: BTreeSet<OwnerName>,
    records: Vec<ResourceRecord>,
}

impl Reading<'_, '_> {
    /// Reads a name, the names above it, and the wildcards that may answer for it.
    fn around(&mut self, owner: &OwnerName) -> Result<(), StoreError> {
        let above: Vec<OwnerName> = owner.ancestors().collect();
        for name in above.iter().rev() {
            self.name(name)?;
            if let Some(wildcard) = name.wildcard(self.zone.name()) {
                self.name(&wildcard)?;
            }
        }
        self.name(owner)
    }

    /// Reads a name. If it has no records, reads one name below it, which shows that the name exists (RFC 8020).
    fn name(&mut self, owner: &OwnerName) -> Result<(), StoreError> {
        if !self.seen.insert(owner.clone()) {
            return Ok(());
        }
        let records = self.zone.at(owner)?;
        if records.is_empty() && !owner.is_apex() {
            if let Some(below) = self.zone.name_below(owner)?
                && self.seen.insert(below.clone())
            {
                self.records.extend(self.zone.at(&below)?);
            }
        } else {
            self.records.extend(records);
        }
        Ok(())
    }
}

/// The name in this zone at which an answer about `asked` continues because of a record.
fn leads_to(record: &ResourceRecord, asked: &OwnerName, zone: &ServedZone<'_>) -> Option<OwnerName> {
    let target = match &record.data {
        RecordData::Generic(data) if data.record_type() == RecordType::Dname => {
            let (target, _) = Name::from_wire(data.wire()).ok()?;
            let (asked, owner) = (asked.in_zone(zone.name()), record.owner.in_zone(zone.name()));
            let below = asked.labels().count().checked_sub(owner.labels().count())?;
            Name::from_labels(asked.labels().take(below).chain(target.labels())).ok()?
        }
        data => data.target()?.name().clone(),
    };
    OwnerName::of(&target, zone.name())
}
