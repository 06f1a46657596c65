//! The records that the server creates in every zone: the SOA, the operator's NS records, and the addresses of those nameservers
//! inside the zone.
//!
//! They are separate from the users' records: one value that all zones share, and each version of a zone refers to its value. A
//! change of the operator's nameservers is a version of every zone like any other change.

use std::net::IpAddr;

use crate::rdata::{A, Aaaa, Ns, Soa};
use crate::{Fault, HostName, Name, OwnerName, RecordData, ResourceRecord, Serial, Ttl, ZoneName, message};

/// The operator's nameservers and the SOA's timers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apex {
    /// The NS set. Never empty.
    pub nameservers: Vec<ApexNameserver>,
    /// The SOA's MNAME: where programs send dynamic updates that are told no other server. `None`: the first nameserver.
    pub mname: Option<Name>,
    /// The TTL of the NS set, where users' own NS records at the apex do not set another.
    pub ns_ttl: Ttl,
    /// The timers, in seconds.
    pub timers: SoaTimers,
}

/// One of the operator's nameservers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApexNameserver {
    /// Its name.
    pub name: Name,
    /// Its addresses, served in the zone that contains its name. Empty if another server serves them.
    pub addresses: Vec<IpAddr>,
}

/// The numbers of an SOA record, in seconds (RFC 1035, section 3.3.13; RFC 2308, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub struct SoaTimers {
    pub refresh: u32,
    pub retry: u32,
    pub expire: u32,
    pub minimum: u32,
}

impl Default for SoaTimers {
    /// A day's refresh would be enough where changes are notified; an hour bounds what a lost NOTIFY costs.
    fn default() -> Self {
        SoaTimers { refresh: 3600, retry: 600, expire: 1_209_600, minimum: 300 }
    }
}

impl Apex {
    /// The apex that `nameservers` make, with default timers; `None` where there are none. A name or address that is given
    /// twice counts once: DNS has no record twice.
    pub fn new(nameservers: Vec<ApexNameserver>) -> Option<Apex> {
        let mut distinct: Vec<ApexNameserver> = Vec::with_capacity(nameservers.len());
        for ApexNameserver { name, addresses } in nameservers {
            let at = distinct.iter().position(|known| known.name == name).unwrap_or_else(|| {
                distinct.push(ApexNameserver { name, addresses: Vec::new() });
                distinct.len() - 1
            });
            for address in addresses {
                if !distinct[at].addresses.contains(&address) {
                    distinct[at].addresses.push(address);
                }
            }
        }
        let apex = Apex { nameservers: distinct, mname: None, ns_ttl: Ttl::DEFAULT, timers: SoaTimers::default() };
        (!apex.nameservers.is_empty()).then_some(apex)
    }

    /// This apex with the nameservers of another one beside its own.
    #[must_use]
    pub fn with_nameservers_of(mut self, other: &Apex) -> Apex {
        let new = other.nameservers.iter().filter(|nameserver| !self.has_nameserver(&nameserver.name));
        let new: Vec<ApexNameserver> = new.cloned().collect();
        self.nameservers.extend(new);
        self
    }

    /// The SOA of a version. Its RNAME is `hostmaster` beside the first nameserver.
    pub fn soa(&self, serial: Serial) -> Soa {
        self.soa_with(serial, self.timers)
    }

    /// The SOA of a version of a zone that has timers of its own.
    pub fn soa_with(&self, serial: Serial, timers: SoaTimers) -> Soa {
        let first = self.nameservers.first().map_or_else(Name::root, |first| first.name.clone());
        let domain = first.parent().unwrap_or_else(Name::root);
        let mname = self.mname.clone().unwrap_or(first);
        let rname = Name::from_labels([b"hostmaster".as_slice()].into_iter().chain(domain.labels())).unwrap_or(domain);
        let SoaTimers { refresh, retry, expire, minimum } = timers;
        Soa { mname, rname, serial, refresh, retry, expire, minimum, ttl: self.ns_ttl }
    }

    /// The server's records in `zone`, without the SOA. The NS set takes the TTL of the users' NS records at the apex, where
    /// there are any: one RRset has one TTL.
    pub fn records(&self, zone: &ZoneName, users_ns_ttl: Option<Ttl>) -> Vec<ResourceRecord> {
        let ttl = users_ns_ttl.unwrap_or(self.ns_ttl);
        let mut records: Vec<_> = self.nameservers.iter().map(|nameserver| ns_record(&nameserver.name, ttl)).collect();
        for nameserver in &self.nameservers {
            let Some(owner) = OwnerName::of(&nameserver.name, zone) else { continue };
            records.extend(nameserver.addresses.iter().map(|address| ResourceRecord {
                owner: owner.clone(),
                ttl: self.ns_ttl,
                data: match address {
                    IpAddr::V4(v4) => RecordData::A(A(*v4)),
                    IpAddr::V6(v6) => RecordData::Aaaa(Aaaa(*v6)),
                },
            }));
        }
        records
    }

    /// Whether a host is one of the operator's nameservers.
    pub fn has_nameserver(&self, host: &Name) -> bool {
        self.nameservers.iter().any(|nameserver| nameserver.name == *host)
    }

    /// Whether the addresses at `owner` are the server's.
    pub fn owns_addresses(&self, zone: &ZoneName, owner: &OwnerName) -> bool {
        self.nameservers.iter().any(|nameserver| {
            !nameserver.addresses.is_empty() && OwnerName::of(&nameserver.name, zone).as_ref() == Some(owner)
        })
    }

    /// A nameserver that has its addresses in `zone`, at this name or below it: a delegation or a DNAME there would send
    /// questions for those addresses elsewhere.
    pub fn addresses_within(&self, zone: &ZoneName, owner: &OwnerName) -> Option<&Name> {
        let within = |nameserver: &&ApexNameserver| {
            let own = OwnerName::of(&nameserver.name, zone);
            !nameserver.addresses.is_empty() && own.is_some_and(|own| own == *owner || own.is_below(owner))
        };
        self.nameservers.iter().find(within).map(|nameserver| &nameserver.name)
    }

    /// Whether `zone` can have this apex: a nameserver whose name lies inside the zone needs addresses there, or BIND refuses
    /// the zone.
    pub fn check_zone(&self, zone: &ZoneName) -> Result<(), Fault> {
        let homeless =
            |nameserver: &&ApexNameserver| nameserver.addresses.is_empty() && nameserver.name.is_within(zone.name());
        match self.nameservers.iter().find(homeless) {
            None => Ok(()),
            Some(nameserver) => {
                let name = &nameserver.name;
                let detail = message!(
                    "this server's nameserver {name} lies inside {zone}, and its addresses are not known here; \
                     the operator has to start the server with --ns {name}=ADDRESS",
                    name,
                    zone
                );
                Err(Fault::of("domain", "apex-address", detail))
            }
        }
    }
}

fn ns_record(name: &Name, ttl: Ttl) -> ResourceRecord {
    ResourceRecord { owner: OwnerName::apex(), ttl, data: RecordData::Ns(Ns { host: HostName::from(name.clone()) }) }
}
