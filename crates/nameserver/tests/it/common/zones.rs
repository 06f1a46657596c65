//! Zones from text, and at random.

use dns::rdata::Soa;
use dns::{Name, OwnerName, RecordData, RecordType, ResourceRecord, Serial, Ttl, ZoneId, ZoneName, ZoneSnapshot};
use uuid::Uuid;

use super::Random;

/// A zone from lines of "owner ttl type data", data as users write it, with the priority before it for MX and SRV.
pub(crate) fn zone(name: &str, serial: u32, lines: &[&str]) -> ZoneSnapshot {
    let name = ZoneName::parse(name).unwrap();
    let records = lines.iter().map(|line| record(&name, line)).collect();
    ZoneSnapshot { id: ZoneId(Uuid::from_u128(u128::from(serial))), soa: soa(&name, serial), name, records }
}

pub(crate) fn soa(name: &ZoneName, serial: u32) -> Soa {
    Soa {
        mname: Name::parse("ns1.nic.example").unwrap(),
        rname: Name::parse(&format!("hostmaster.{name}")).unwrap(),
        serial: Serial(serial),
        refresh: 3600,
        retry: 600,
        expire: 86_400,
        minimum: 300,
        ttl: Ttl::new(7200).unwrap(),
    }
}

pub(crate) fn record(zone: &ZoneName, line: &str) -> ResourceRecord {
    let mut parts = line.splitn(4, ' ');
    let mut part = || parts.next().unwrap_or_else(|| panic!("{line:?} is too short"));
    let owner = OwnerName::parse(part(), zone).unwrap();
    let ttl = Ttl::new(part().parse().unwrap()).unwrap();
    let record_type = RecordType::parse(part()).unwrap();
    let (mut value, mut priority) = (part(), None);
    if record_type.has_priority() {
        let (number, rest) = value.split_once(' ').unwrap();
        (value, priority) = (rest, Some(number.parse().unwrap()));
    }
    let data = RecordData::parse(record_type, value, priority, zone)
        .unwrap_or_else(|fault| panic!("{line:?} in {zone}: {fault}"));
    ResourceRecord { owner, ttl, data }
}

/// A zone of few labels, so that wildcards, cuts, aliases and empty names meet each other in every way that a zone may have.
pub(crate) fn random_zone(name: &str, serial: u32, random: &mut Random) -> ZoneSnapshot {
    let labels = ["a", "b", "c", "*", "\\001", "x"];
    let owner = |random: &mut Random| -> String {
        let depth = 1 + random.below(4);
        (0..depth).map(|_| *random.pick(&labels)).collect::<Vec<_>>().join(".")
    };
    let mut lines = vec!["@ 3600 NS ns1.nic.example".to_owned(), "@ 300 MX 10 a".to_owned() + "." + name];
    let names: Vec<String> = (0..20 + random.below(30)).map(|_| owner(random)).collect();
    let mut used = Vec::new();
    for owner in &names {
        if used.contains(owner) {
            continue;
        }
        used.push(owner.clone());
        let target = |random: &mut Random| match random.below(10) {
            0 => "www.elsewhere.example".to_owned(),
            1 => format!("nothing.{name}"),
            2 => name.to_owned(),
            _ => format!("{}.{name}", random.pick(&names)),
        };
        let ttl = 60 * (1 + random.below(5));
        match random.below(8) {
            0 | 1 => lines.push(format!("{owner} {ttl} CNAME {}", target(random))),
            2 if !owner.starts_with('*') => {
                for host in distinct(random, target) {
                    lines.push(format!("{owner} {ttl} NS {host}"));
                }
                if random.one_in(2) {
                    lines.push(format!("{owner} {ttl} A 192.0.2.7"));
                }
            }
            _ => {
                if random.one_in(2) {
                    for number in 0..1 + random.below(3) {
                        lines.push(format!("{owner} {ttl} A 192.0.2.{number}"));
                    }
                }
                if random.one_in(3) {
                    lines.push(format!("{owner} {ttl} AAAA 2001:db8::{}", random.below(9)));
                }
                if random.one_in(3) {
                    for (number, host) in distinct(random, target).iter().enumerate() {
                        lines.push(format!("{owner} {ttl} MX {number} {host}"));
                    }
                }
                if random.one_in(4) {
                    for (number, host) in distinct(random, target).iter().enumerate() {
                        lines.push(format!("{owner} {ttl} SRV {number} 1 443 {host}"));
                    }
                }
                if random.one_in(3) {
                    lines.push(format!("{owner} {ttl} TXT {}", "text ".repeat(1 + random.below(60))));
                }
            }
        }
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    zone(name, serial, &lines)
}

/// Names of hosts: without the labels that no host has.
fn distinct(random: &mut Random, mut make: impl FnMut(&mut Random) -> String) -> Vec<String> {
    let mut made: Vec<String> =
        (0..1 + random.below(4)).map(|_| make(random).replace('*', "b").replace("\\001", "c")).collect();
    made.sort();
    made.dedup();
    made
}
