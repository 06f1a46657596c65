//! A zone in memory, which counts how often it is asked.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::IpAddr;

use dns::apex::ApexNameserver;
use dns::change::{Edit, Limits, Lookup, NewRecord, Plan, PlanError, TtlChoice, plan};
use dns::{
    Apex, Name, OwnerName, Record, RecordData, RecordId, RecordType, Serial, Ttl, ZoneId, ZoneName, ZoneSnapshot,
};
use uuid::Uuid;

#[derive(Debug, Clone)]
pub(crate) struct Zone {
    pub(crate) name: ZoneName,
    pub(crate) apex: Apex,
    pub(crate) limits: Limits,
    pub(crate) lookups: usize,
    by_owner: BTreeMap<OwnerName, Vec<Record>>,
    owners: HashMap<RecordId, OwnerName>,
    last_id: u128,
}

impl Zone {
    pub(crate) fn new(name: &str, apex: Apex) -> Zone {
        let name = ZoneName::parse(name).unwrap();
        apex.check_zone(&name).unwrap();
        Zone {
            name,
            apex,
            limits: Limits::default(),
            lookups: 0,
            by_owner: BTreeMap::new(),
            owners: HashMap::new(),
            last_id: 0,
        }
    }

    pub(crate) fn new_id(&mut self) -> RecordId {
        self.last_id += 1;
        RecordId(Uuid::from_u128(self.last_id))
    }

    pub(crate) fn plan(&mut self, edits: &[Edit]) -> Result<Plan, PlanError<Infallible>> {
        let (name, apex, limits) = (self.name.clone(), self.apex.clone(), self.limits);
        plan(&name, &apex, &limits, edits, self)
    }

    /// Takes over what was planned; what is removed must be there, what is added must not.
    pub(crate) fn commit(&mut self, plan: &Plan) {
        for old in &plan.removed {
            let owner = self.owners.remove(&old.id).expect("a removed record exists");
            let there = self.by_owner.get_mut(&owner).unwrap();
            let at = there.iter().position(|record| record == old).expect("it is removed as it is stored");
            there.remove(at);
        }
        for new in &plan.added {
            let before = self.owners.insert(new.id, new.owner.clone());
            assert_eq!(before, None, "an added record is new, or was removed");
            self.by_owner.entry(new.owner.clone()).or_default().push(new.clone());
        }
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.by_owner.values().flatten()
    }

    /// What a nameserver would serve.
    pub(crate) fn snapshot(&self) -> ZoneSnapshot {
        let apex_ns = |record: &&Record| record.owner.is_apex() && record.data.record_type() == RecordType::Ns;
        let users_ns_ttl = self.records().find(apex_ns).map(|record| record.ttl);
        let users = self.records().cloned().map(Into::into);
        ZoneSnapshot {
            id: ZoneId(Uuid::nil()),
            name: self.name.clone(),
            soa: self.apex.soa(Serial(1_700_000_000)),
            records: self.apex.records(&self.name, users_ns_ttl).into_iter().chain(users).collect(),
        }
    }
}

impl Lookup for Zone {
    type Error = Infallible;

    fn at(&mut self, owner: &OwnerName) -> Result<Vec<Record>, Infallible> {
        self.lookups += 1;
        Ok(self.by_owner.get(owner).cloned().unwrap_or_default())
    }

    fn by_id(&mut self, id: RecordId) -> Result<Option<Record>, Infallible> {
        self.lookups += 1;
        let owner = self.owners.get(&id);
        Ok(owner.and_then(|owner| self.by_owner[owner].iter().find(|record| record.id == id).cloned()))
    }

    fn has(&mut self, owner: &OwnerName, record_type: RecordType) -> Result<bool, Infallible> {
        self.lookups += 1;
        Ok(self.by_owner.get(owner).into_iter().flatten().any(|record| record.data.record_type() == record_type))
    }

    fn below(&mut self, owner: &OwnerName, most: usize) -> Result<Vec<OwnerName>, Infallible> {
        self.lookups += 1;
        let with_records = self.by_owner.iter().filter(|(_, records)| !records.is_empty()).map(|(name, _)| name);
        Ok(with_records.filter(|name| name.is_below(owner)).take(most).cloned().collect())
    }
}

/// Nameservers, each with its addresses.
pub(crate) fn apex(nameservers: &[(&str, &[&str])]) -> Apex {
    let nameserver = |(name, addresses): &(&str, &[&str])| ApexNameserver {
        name: Name::parse(name).unwrap(),
        addresses: addresses.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect(),
    };
    Apex::new(nameservers.iter().map(nameserver).collect()).unwrap()
}

/// A record as a client gives it.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) record_type: RecordType,
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) priority: Option<u16>,
    pub(crate) ttl: Option<u32>,
}

impl Given {
    /// Through the public parsers, as a handler does it; `None` where one of them refuses.
    pub(crate) fn parse(&self, zone: &ZoneName) -> Option<NewRecord> {
        let ttl = match self.ttl {
            None => TtlChoice::Join(Ttl::DEFAULT),
            Some(seconds) => TtlChoice::Set(Ttl::new(seconds)?),
        };
        let owner = OwnerName::parse(&self.name, zone).ok()?;
        let data = RecordData::parse(self.record_type, &self.value, self.priority, zone).ok()?;
        Some(NewRecord { owner, data, ttl })
    }
}
