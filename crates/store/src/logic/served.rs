//! A zone as nameservers serve it, read name by name: for answers that must not depend on a nameserver that lags.

use dns::rdata::Soa;
use dns::{OwnerName, RecordType, ResourceRecord, ZoneId, ZoneName};

use super::source::{Source, ZoneRow};
use crate::{AccountId, StoreError, ZoneSettings};

/// One zone at one version, with the server's own records. Each question costs the same in a zone of any size.
pub struct ServedZone<'s> {
    source: &'s dyn Source,
    zone: ZoneRow,
    soa: Soa,
    own: Vec<ResourceRecord>,
}

impl<'s> ServedZone<'s> {
    pub(crate) fn new(source: &'s dyn Source, zone: ZoneRow) -> Result<ServedZone<'s>, StoreError> {
        let apex = source.apex(zone.apex)?;
        let settings = zone.settings.map_or(Ok(ZoneSettings::default()), |number| source.settings(number))?;
        let soa = apex.soa_with(zone.zone.serial, settings.timers(apex.timers));
        let at_apex = source.records_at(&zone, &OwnerName::apex())?;
        let users_ns = at_apex.iter().find(|(_, stored)| stored.record.data.record_type() == RecordType::Ns);
        let own = apex.records(&zone.zone.name, users_ns.map(|(_, stored)| stored.record.ttl));
        Ok(ServedZone { source, zone, soa, own })
    }

    /// Its identity.
    pub fn id(&self) -> ZoneId {
        self.zone.zone.id
    }

    /// Whose it is.
    pub fn account(&self) -> AccountId {
        self.zone.account
    }

    /// Its name.
    pub fn name(&self) -> &ZoneName {
        &self.zone.zone.name
    }

    /// Its SOA.
    pub fn soa(&self) -> &Soa {
        &self.soa
    }

    /// The records at a name, without the SOA.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn at(&self, owner: &OwnerName) -> Result<Vec<ResourceRecord>, StoreError> {
        let users = self.source.records_at(&self.zone, owner)?;
        let own = self.own.iter().filter(|record| record.owner == *owner).cloned();
        Ok(own.chain(users.into_iter().map(|(_, stored)| stored.record.into())).collect())
    }

    /// One of the names below `owner` that have records.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn name_below(&self, owner: &OwnerName) -> Result<Option<OwnerName>, StoreError> {
        let own = self.own.iter().map(|record| &record.owner).find(|other| other.is_below(owner));
        match own {
            Some(own) => Ok(Some(own.clone())),
            None => Ok(self.source.names_below(&self.zone, owner, 1)?.pop()),
        }
    }
}
