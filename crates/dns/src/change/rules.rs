//! The rules over a zone: what BIND would refuse or ignore, and what the API guarantees.
//!
//! Each rule is checked on the zone after all edits, and names the edit that the user should fix. A rule that was violated before
//! the change, and not further by it, is not reported: users must be able to fix a zone step by step.

use super::delegation;
use super::edit::{NewRecord, TtlChoice};
use super::lookup::{Limits, Lookup};
use super::name_state::{NameState, RrSet, is_address};
use super::planner::Planner;
use crate::apex::Apex;
use crate::{Fault, Name, OwnerName, RecordData, RecordType, ZoneName, message};

/// What a change is planned for and under which terms.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) zone: &'a ZoneName,
    pub(super) apex: &'a Apex,
    pub(super) limits: &'a Limits,
}

/// What can be said of a record without seeing others.
pub(super) fn check_record(setting: Setting<'_>, wanted: &NewRecord) -> Result<(), Fault> {
    let Setting { zone, apex, limits } = setting;
    let record_type = wanted.data.record_type();
    if is_address(record_type) && apex.owns_addresses(zone, &wanted.owner) {
        let host = wanted.owner.in_zone(zone);
        let detail = message!("{host} is a nameserver of this server, which manages its addresses", host);
        return Err(Fault::of("name", "server-owned", detail));
    }
    if let Some(host) = redirected(setting, wanted) {
        let detail = message!(
            "{host} is a nameserver of this server; {record_type} records are not allowed at its name or above, because they would send queries for its addresses elsewhere",
            host,
            record_type
        );
        return Err(Fault::of("name", "server-owned", detail));
    }
    if let RecordData::Ns(ns) = &wanted.data
        && wanted.owner.is_apex()
        && apex.has_nameserver(ns.host.name())
    {
        let detail = message!("this NS record is one of the server's own, which every zone has");
        return Err(Fault::of("value", "duplicate", detail));
    }
    match wanted.ttl {
        TtlChoice::Set(ttl) if ttl < limits.ttl_min || ttl > limits.ttl_max => {
            let detail = message!(
                "ttl must be between {least} and {most} seconds here",
                least = limits.ttl_min,
                most = limits.ttl_max
            );
            Err(Fault::of("ttl", "ttl-range", detail))
        }
        _ => Ok(()),
    }
}

/// The nameserver of this server whose addresses a record would hide. A wildcard or an alias above cannot: its name exists.
fn redirected<'a>(setting: Setting<'a>, wanted: &NewRecord) -> Option<&'a Name> {
    let redirects = match wanted.data.record_type() {
        // At the apex it is no delegation.
        RecordType::Ns => !wanted.owner.is_apex(),
        RecordType::Dname => true,
        _ => false,
    };
    if redirects { setting.apex.addresses_within(setting.zone, &wanted.owner) } else { None }
}

/// The rules over all records of one name.
pub(super) fn check_name(setting: Setting<'_>, owner: &OwnerName, place: &NameState, faults: &mut Vec<(usize, Fault)>) {
    faults.extend(check_alias(setting, owner, place));
    faults.extend(delegation::check_dname(owner, place));
    faults.extend(delegation::check_ds(owner, place));
    delegation::check_child_keys(owner, place, faults);
    for (record_type, set) in place.sets() {
        let Some(index) = set.touched_by else { continue };
        check_duplicates(record_type, owner, set, faults);
        if record_type == RecordType::Ns && owner.is_wildcard() {
            let detail = message!("NS records are not allowed at a wildcard name; nameservers ignore them there");
            faults.push((index, Fault::of("name", "ns-wildcard", detail)));
        }
        // RFC 9606, section 5.
        if record_type == RecordType::Resinfo && set.records.len() > 1 {
            let detail = message!("{owner} can have only one RESINFO record", owner);
            faults.push((index, Fault::of("name", "resinfo-single", detail)));
        }
        faults.extend(check_size(setting, record_type, owner, set).map(|fault| (index, fault)));
    }
}

/// A CNAME is alone at its name (RFC 1034, section 3.6.2; RFC 2181, section 10.1).
fn check_alias(setting: Setting<'_>, owner: &OwnerName, place: &NameState) -> Option<(usize, Fault)> {
    let aliases = place.set(RecordType::Cname)?;
    let (index, check, detail) = if owner.is_apex() {
        let detail = message!("a CNAME record is not allowed at the apex, beside the zone's SOA and NS records");
        (aliases.touched_by?, "cname-apex", detail)
    } else if aliases.records.len() > 1 {
        (aliases.touched_by?, "cname-single", message!("{owner} can have only one CNAME record", owner))
    } else if place.sets().count() > 1 || setting.apex.owns_addresses(setting.zone, owner) {
        let last = place.sets().filter_map(|(_, set)| set.touched_by).max()?;
        let detail = message!("a CNAME record cannot exist beside other records, and {owner} would have both", owner);
        (last, "cname-alone", detail)
    } else {
        return None;
    };
    Some((index, Fault::of("name", check, detail)))
}

/// Two records of a set with the same data are one record to DNS (RFC 2181, section 5).
fn check_duplicates(record_type: RecordType, owner: &OwnerName, set: &RrSet, faults: &mut Vec<(usize, Fault)>) {
    for same in set.records.values().filter(|same| same.len() > 1) {
        let mut edits: Vec<Option<usize>> = same.iter().map(|held| held.edit).collect();
        // The first of them may stay, be it stored or new.
        edits.sort_unstable();
        for index in edits.into_iter().skip(1).flatten() {
            let detail = message!(
                "the same {record_type} record exists already at {owner} (compared in canonical form)",
                record_type,
                owner
            );
            faults.push((index, Fault::of("value", "duplicate", detail)));
        }
    }
}

/// How many records a set may have, and that an answer with all of them fits one DNS message.
fn check_size(setting: Setting<'_>, record_type: RecordType, owner: &OwnerName, set: &RrSet) -> Option<Fault> {
    let Setting { zone, apex, limits } = setting;
    let own: &[_] = if record_type == RecordType::Ns && owner.is_apex() { &apex.nameservers } else { &[] };
    let users = set.held().count();
    let count = users + own.len();
    if count > limits.rrset_records && users > set.stored {
        let most = limits.rrset_records;
        let detail = message!(
            "{owner} would have {count} {record_type} records; at most {most} are allowed",
            owner,
            count,
            record_type,
            most
        );
        return Some(Fault::general("rrset-records", detail));
    }
    let users_octets: usize = set.records.keys().map(|wire| RR_OVERHEAD + wire.len()).sum();
    let own_octets: usize = own.iter().map(|nameserver| RR_OVERHEAD + nameserver.name.wire().len()).sum();
    let question = owner.in_zone(zone).wire().len();
    if users_octets + own_octets + question + MESSAGE_OVERHEAD > usize::from(u16::MAX) {
        let detail = message!(
            "the {record_type} records at {owner} would no longer fit one DNS message of 65535 octets",
            record_type,
            owner
        );
        return Some(Fault::of("value", "rrset-octets", detail));
    }
    None
}

/// A compressed owner (2), type, class, TTL and length (RFC 1035, section 4.1.3).
const RR_OVERHEAD: usize = 12;
/// The header, the question's type and class, and room for OPT and TSIG. A zone transfer needs the most: BIND 9.18 keeps 123
/// octets and the key's name (HMAC-SHA256) from every message, and where one record does not fit the rest, secondaries never
/// get the zone ("RR too large for zone transfer"). This is enough for key names of 64 octets.
const MESSAGE_OVERHEAD: usize = 12 + 4 + 172;

/// The rule that spans two names: an NS record at the apex that names a host inside the zone needs that host's address, or
/// BIND refuses the zone.
impl<L: Lookup> Planner<'_, L> {
    /// A host that an NS record at the apex names cannot lose its last address.
    pub(super) fn check_address_still_needed(&mut self, owner: &OwnerName) -> Result<(), L::Error> {
        let place = self.place(owner)?;
        let lost = place.had_address() && !place.has_address();
        let Some(index) = place.touched_by(is_address).filter(|_| lost) else { return Ok(()) };
        let host = owner.in_zone(self.setting.zone);
        let nameservers = self.place(&OwnerName::apex())?.set(RecordType::Ns);
        let needed = nameservers.is_some_and(|set| {
            // Those that this change puts there are the other function's.
            set.held().any(|held| held.edit.is_none() && held.data.target().is_some_and(|it| *it.name() == host))
        });
        if needed {
            let detail = message!(
                "{host} is named by an NS record at the apex and needs at least one A or AAAA record; \
                 remove that NS record first",
                host
            );
            self.faults.push((index, Fault::general("apex-ns-address", detail)));
        }
        Ok(())
    }

    /// An NS record that comes to the apex needs the address of its host.
    pub(super) fn check_apex_nameservers(&mut self) -> Result<(), L::Error> {
        let Setting { zone, apex, .. } = self.setting;
        let Some(set) = self.place(&OwnerName::apex())?.set(RecordType::Ns) else { return Ok(()) };
        let new: Vec<_> = set
            .held()
            .filter_map(|held| Some((held.edit?, OwnerName::of(held.data.target()?.name(), zone)?)))
            .collect();
        for (index, owner) in new {
            if !apex.owns_addresses(zone, &owner) && !self.place(&owner)?.has_address() {
                let host = owner.in_zone(zone);
                let detail = message!(
                    "{host} lies inside this zone and has no address; create its A or AAAA record first",
                    host
                );
                self.faults.push((index, Fault::of("value", "apex-ns-address", detail)));
            }
            if self.place(&owner)?.set(RecordType::Ds).is_some() {
                self.faults.push((index, delegation::signed_nameserver(&owner.in_zone(zone), "value")));
            }
        }
        Ok(())
    }
}
