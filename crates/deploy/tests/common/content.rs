//! Zones as tests write them.

use dns::apex::{Apex, ApexNameserver};
use dns::{
    Name, OwnerName, RecordData, RecordType, ResourceRecord, Serial, Ttl, ZoneDelta, ZoneId, ZoneName, ZoneSnapshot,
};
use uuid::Uuid;

/// The one NS record that a zone needs.
pub(crate) const NS: Line<'_> = ("@", 3600, "NS", "ns1.zonewright.test.");

/// Owner, TTL, type, and data as a zone file has it.
pub(crate) type Line<'a> = (&'a str, u32, &'a str, &'a str);

/// One record.
pub(crate) fn record(zone: &ZoneName, (owner, ttl, record_type, data): Line<'_>) -> ResourceRecord {
    let record_type = RecordType::parse(record_type).unwrap();
    let (priority, value) = match data.split_once(' ') {
        Some((priority, value)) if record_type.has_priority() => (Some(priority.parse().unwrap()), value),
        _ => (None, data),
    };
    ResourceRecord {
        owner: OwnerName::parse(owner, zone).unwrap(),
        ttl: Ttl::new(ttl).unwrap(),
        data: RecordData::parse(record_type, value, priority, zone).unwrap_or_else(|fault| panic!("{data}: {fault}")),
    }
}

/// A version of a zone, from its lines.
pub(crate) fn version(name: &str, serial: u32, lines: &[Line<'_>]) -> ZoneSnapshot {
    let zone = ZoneName::parse(name).unwrap();
    let records = lines.iter().map(|line| record(&zone, *line)).collect();
    snapshot(zone, serial, records)
}

/// A version of a zone, from its records.
pub(crate) fn snapshot(name: ZoneName, serial: u32, records: Vec<ResourceRecord>) -> ZoneSnapshot {
    let nameserver = ApexNameserver { name: Name::parse("ns1.zonewright.test").unwrap(), addresses: Vec::new() };
    let soa = Apex::new(vec![nameserver]).unwrap().soa(Serial(serial));
    ZoneSnapshot { id: ZoneId(Uuid::nil()), name, soa, records }
}

/// The step from one version to another.
pub(crate) fn step(from: &ZoneSnapshot, to: &ZoneSnapshot) -> ZoneDelta {
    let without = |all: &[ResourceRecord], others: &[ResourceRecord]| {
        all.iter().filter(|record| !others.contains(record)).cloned().collect()
    };
    ZoneDelta {
        id: to.id,
        name: to.name.clone(),
        from: from.soa.clone(),
        to: to.soa.clone(),
        removed: without(&from.records, &to.records),
        added: without(&to.records, &from.records),
    }
}
