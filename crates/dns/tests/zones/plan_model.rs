//! The planner against a naive model that sees the whole zone: same outcome, same refusals.

use std::collections::{BTreeMap, BTreeSet};

use dns::change::{Edit, NewRecord, NewSet, PlanError, TtlChoice};
use dns::{OwnerName, Record, RecordData, RecordId, RecordType};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::generate::{edits, history};
use crate::memory::Zone;

#[test]
fn plans_agree_with_a_naive_model() {
    let mut runner = TestRunner::new(Config { cases: 1500, failure_persistence: None, ..Config::default() });
    let (mut accepted, mut refused) = (0, 0);
    let counts = std::cell::RefCell::new((&mut accepted, &mut refused));
    let outcome = runner.run(&history(), |(mut zone, changes)| {
        for change in &changes {
            let edits = edits(&mut zone, change);
            let model = Model::after(&zone, &edits);
            zone.lookups = 0;
            let planned = zone.plan(&edits);
            // An edit looks at its record and at two names; an NS at the apex at its host's; the apex once more. A record that
            // comes to a name looks for a DNAME at each name above, of which the longest here has some ten.
            prop_assert!(zone.lookups <= 14 * edits.len() + 1, "{} look-ups for {} edits", zone.lookups, edits.len());
            match planned {
                Ok(plan) => {
                    prop_assert!(model.broken.is_empty(), "accepted in spite of {:?}", model.broken);
                    let ids: Vec<_> =
                        plan.results.iter().map(|record| record.as_ref().map(|record| record.id)).collect();
                    zone.commit(&plan);
                    prop_assert_eq!(sorted(zone.records().cloned().collect()), sorted(model.records.clone()));
                    for (edit, id) in edits.iter().zip(ids) {
                        let of_edit = |id: &RecordId| Some(*id) == edit_id(edit);
                        let standing = model.records.iter().map(|record| record.id).find(of_edit);
                        prop_assert_eq!(id, standing, "the result of {:?}", edit);
                    }
                    *counts.borrow_mut().0 += 1;
                }
                Err(PlanError::Faults(faults)) => {
                    let checks: BTreeSet<_> = faults.iter().map(|(_, fault)| fault.check).collect();
                    prop_assert!(checks.is_subset(&model.broken), "{:?}, but the model has {:?}", faults, model.broken);
                    prop_assert!(faults.is_sorted_by_key(|(index, _)| *index));
                    prop_assert!(faults.iter().all(|(index, _)| *index < edits.len()));
                    *counts.borrow_mut().1 += 1;
                }
                Err(PlanError::NoRecord { index }) => {
                    prop_assert_eq!(Some(index), model.missing, "of {:?}", edits);
                    *counts.borrow_mut().1 += 1;
                }
                Err(PlanError::Lookup(never)) => match never {},
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(accepted > 500 && refused > 500, "{accepted} accepted, {refused} refused");
}

fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| record.id);
    records
}

fn edit_id(edit: &Edit) -> Option<RecordId> {
    match edit {
        Edit::Create(id, _) | Edit::Replace(id, _) | Edit::Amend(id, _) | Edit::Delete(id) => Some(*id),
        Edit::ReplaceSet(_) | Edit::ExtendSet(_) | Edit::PruneSet(_) => None,
    }
}

/// A zone after some edits, and the checks that it breaks or that the edits broke.
struct Model {
    records: Vec<Record>,
    broken: BTreeSet<&'static str>,
    missing: Option<usize>,
}

impl Model {
    fn after(zone: &Zone, edits: &[Edit]) -> Model {
        let mut model = Model { records: zone.records().cloned().collect(), broken: BTreeSet::new(), missing: None };
        let mut given = BTreeMap::new();
        for (index, edit) in edits.iter().enumerate() {
            if !model.apply(zone, edit, &mut given) {
                model.missing = Some(index);
                model.broken.insert("no-record");
            }
        }
        model.check(zone);
        model
    }

    fn apply(&mut self, zone: &Zone, edit: &Edit, given: &mut BTreeMap<(OwnerName, RecordType), u32>) -> bool {
        let (id, wanted) = match edit {
            Edit::Create(id, wanted) => (*id, Some(wanted)),
            Edit::Replace(id, wanted) => (*id, Some(wanted)),
            Edit::Delete(id) => (*id, None),
            Edit::ReplaceSet(set) => {
                self.replace_set(zone, set, given);
                return true;
            }
            Edit::ExtendSet(set) | Edit::PruneSet(set) => {
                let old = self
                    .records
                    .iter()
                    .filter(|record| record.owner == set.owner && record.data.record_type() == set.record_type);
                let mut whole = NewSet { records: old.map(|old| (old.id, old.data.clone())).collect(), ..set.clone() };
                let is_in =
                    |data: &RecordData, set: &NewSet| set.records.iter().any(|(_, is)| is.wire() == data.wire());
                if matches!(edit, Edit::ExtendSet(_)) {
                    let new = set.records.iter().filter(|(_, data)| !is_in(data, &whole)).cloned();
                    let new: Vec<_> = new.collect();
                    whole.records.extend(new);
                } else {
                    whole.records.retain(|(_, data)| !is_in(data, set));
                    whole.ttl = TtlChoice::Default;
                }
                self.replace_set(zone, &whole, given);
                return true;
            }
            Edit::Amend(id, amendment) => {
                let Some(old) = self.records.iter().find(|record| record.id == *id).cloned() else { return false };
                let wanted = match amendment.over(&old, &zone.name) {
                    Ok(wanted) => wanted,
                    Err(fault) => {
                        self.broken.insert(fault.check);
                        return true;
                    }
                };
                self.apply(zone, &Edit::Replace(*id, wanted), given);
                let new = self.records.iter().find(|record| record.id == *id).cloned().unwrap();
                if amendment.ttl.is_none() && new.owner == old.owner && new.data.record_type() == old.data.record_type()
                {
                    let in_set = |record: &&mut Record| {
                        record.owner == old.owner && record.data.record_type() == old.data.record_type()
                    };
                    self.records.iter_mut().filter(in_set).for_each(|record| record.ttl = old.ttl);
                }
                return true;
            }
        };
        let before = self.records.clone();
        self.records.retain(|record| record.id != id);
        if !matches!(edit, Edit::Create(..)) && self.records.len() == before.len() {
            return false;
        }
        if let Some(wanted) = wanted
            && let Some(check) = self.add(zone, id, wanted, given)
        {
            self.broken.insert(check);
            self.records = before;
        }
        true
    }

    /// Takes a whole set out, and puts the new one in with the identities and the TTL of the old.
    fn replace_set(&mut self, zone: &Zone, set: &NewSet, given: &mut BTreeMap<(OwnerName, RecordType), u32>) {
        let before = self.records.clone();
        let is_in_set = |record: &Record| record.owner == set.owner && record.data.record_type() == set.record_type;
        let mut old: Vec<Record> = self.records.iter().filter(|record| is_in_set(record)).cloned().collect();
        self.records.retain(|record| !is_in_set(record));
        let stored: Vec<Record> = zone.records().filter(|record| is_in_set(record)).cloned().collect();
        let ttl_before = old.first().map(|record| record.ttl);
        for (id, data) in &set.records {
            let same = old.iter().position(|record| record.data.wire() == data.wire());
            let is_left = |record: &&Record| self.records.iter().all(|other| other.id != record.id);
            let (id, data) = match same {
                Some(at) => {
                    let old = old.remove(at);
                    (old.id, old.data)
                }
                None => match stored.iter().filter(is_left).find(|record| record.data.wire() == data.wire()) {
                    Some(deleted) => (deleted.id, deleted.data.clone()),
                    None => (*id, data.clone()),
                },
            };
            let wanted = NewRecord { owner: set.owner.clone(), data, ttl: set.ttl };
            if let Some(check) = self.add(zone, id, &wanted, given) {
                self.broken.insert(check);
                self.records = before;
                return;
            }
        }
        if let (Some(ttl), TtlChoice::Join(_) | TtlChoice::Default) = (ttl_before, set.ttl) {
            self.records.iter_mut().filter(|record| is_in_set(record)).for_each(|record| record.ttl = ttl);
        }
    }

    /// Adds a record, with its TTL for its whole set; gives the check that forbids it.
    fn add(
        &mut self,
        zone: &Zone,
        id: RecordId,
        wanted: &NewRecord,
        given: &mut BTreeMap<(OwnerName, RecordType), u32>,
    ) -> Option<&'static str> {
        let set = (wanted.owner.clone(), wanted.data.record_type());
        let servers_own = zone.apex.records(&zone.name, None);
        let hides = set.1 == RecordType::Dname || (set.1 == RecordType::Ns && !set.0.is_apex());
        let is_address = matches!(set.1, RecordType::A | RecordType::Aaaa);
        let is_servers = servers_own.iter().any(|own| {
            let same = own.owner == set.0;
            own.data.record_type() != RecordType::Ns
                && ((same && (is_address || hides)) || (hides && own.owner.is_below(&set.0)))
        });
        let refusal = if is_servers {
            Some("server-owned")
        } else if servers_own.iter().any(|own| own.owner == set.0 && own.data == wanted.data) {
            Some("duplicate")
        } else {
            match wanted.ttl {
                TtlChoice::Set(ttl) if ttl < zone.limits.ttl_min || ttl > zone.limits.ttl_max => Some("ttl-range"),
                TtlChoice::Set(ttl) => {
                    let first = *given.entry(set.clone()).or_insert(ttl.seconds());
                    (first != ttl.seconds()).then_some("ttl-conflict")
                }
                TtlChoice::Join(_) | TtlChoice::Default => None,
            }
        };
        if refusal.is_some() {
            return refusal;
        }
        let mut siblings: Vec<&mut Record> = self
            .records
            .iter_mut()
            .filter(|record| (&record.owner, record.data.record_type()) == (&set.0, set.1))
            .collect();
        let ttl = match wanted.ttl {
            TtlChoice::Set(ttl) => {
                siblings.iter_mut().for_each(|sibling| sibling.ttl = ttl);
                ttl
            }
            TtlChoice::Default | TtlChoice::Join(_) => match siblings.first() {
                Some(sibling) => sibling.ttl,
                None if set == (OwnerName::apex(), RecordType::Ns) => zone.apex.ns_ttl,
                None => match wanted.ttl {
                    TtlChoice::Join(alone) => alone,
                    _ => zone.limits.default_ttl(),
                },
            },
        };
        self.records.push(Record { id, owner: set.0, ttl, data: wanted.data.clone() });
        None
    }

    /// Every rule over the zone, told as plainly as possible.
    fn check(&mut self, zone: &Zone) {
        let servers = zone.apex.records(&zone.name, None);
        let mut types_at: BTreeMap<OwnerName, BTreeSet<RecordType>> = BTreeMap::new();
        let mut sets: BTreeMap<(OwnerName, RecordType), Vec<Vec<u8>>> = BTreeMap::new();
        let users = self.records.iter().map(|record| (&record.owner, &record.data));
        for (owner, data) in users.chain(servers.iter().map(|own| (&own.owner, &own.data))) {
            types_at.entry(owner.clone()).or_default().insert(data.record_type());
            sets.entry((owner.clone(), data.record_type())).or_default().push(data.wire());
        }
        for (owner, types) in &types_at {
            if types.contains(&RecordType::Cname) {
                let targets = sets[&(owner.clone(), RecordType::Cname)].iter().collect::<BTreeSet<_>>();
                if owner.is_apex() {
                    self.broken.insert("cname-apex");
                } else if targets.len() > 1 {
                    self.broken.insert("cname-single");
                } else if types.len() > 1 {
                    self.broken.insert("cname-alone");
                }
            }
            if types.contains(&RecordType::Dname) {
                if sets[&(owner.clone(), RecordType::Dname)].iter().collect::<BTreeSet<_>>().len() > 1 {
                    self.broken.insert("dname-single");
                } else if types.contains(&RecordType::Ns) && !owner.is_apex() {
                    self.broken.insert("dname-delegation");
                }
                if types_at.keys().any(|name| name.is_below(owner)) {
                    // Whichever of the two came last.
                    self.broken.extend(["dname-above", "dname-below"]);
                }
            }
            if types.contains(&RecordType::Ds) {
                if owner.is_apex() {
                    self.broken.insert("ds-apex");
                } else if !types.contains(&RecordType::Ns) {
                    self.broken.insert("ds-delegation");
                }
            }
            let host = owner.in_zone(&zone.name);
            let apex_ns = sets.get(&(OwnerName::apex(), RecordType::Ns)).into_iter().flatten();
            if types.contains(&RecordType::Ds) && apex_ns.into_iter().any(|data| data == host.wire()) {
                self.broken.insert("ds-nameserver");
            }
            if owner.is_apex() {
                let algorithms = |of: RecordType, at: usize| -> Vec<u8> {
                    let set = sets.get(&(owner.clone(), of)).into_iter().flatten();
                    set.map(|data| data[at]).collect()
                };
                let known = algorithms(RecordType::Dnskey, 3);
                for (of, at, none) in [(RecordType::Cds, 2, "0000000000"), (RecordType::Cdnskey, 3, "0000030000")] {
                    let Some(set) = sets.get(&(owner.clone(), of)) else { continue };
                    let hex = |data: &Vec<u8>| data.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
                    if set.iter().any(|data| hex(data) == none) {
                        if set.iter().any(|data| hex(data) != none) {
                            self.broken.insert("child-key-none");
                        }
                    } else if algorithms(of, at).iter().any(|algorithm| !known.contains(algorithm)) {
                        self.broken.insert("child-key-unknown");
                    }
                }
            }
            if types.contains(&RecordType::Ns) && owner.is_wildcard() {
                self.broken.insert("ns-wildcard");
            }
        }
        for ((owner, record_type), data) in &sets {
            let distinct = data.iter().collect::<BTreeSet<_>>().len();
            if distinct < data.len() {
                self.broken.insert("duplicate");
            }
            if *record_type == RecordType::Resinfo && distinct > 1 {
                self.broken.insert("resinfo-single");
            }
            if data.len() > zone.limits.rrset_records {
                self.broken.insert("rrset-records");
            }
            // An answer: header, question, each record behind a compressed owner, room for OPT and TSIG.
            let question = owner.in_zone(&zone.name).wire().len() + 4;
            let answer = 12 + question + data.iter().map(|data| 12 + data.len()).sum::<usize>() + 172;
            if answer > 65_535 {
                self.broken.insert("rrset-octets");
            }
        }
        for record in self.records.iter().filter(|record| record.owner.is_apex()) {
            if record.data.record_type() == RecordType::Ns
                && let Some(host) = record.data.target().and_then(|host| OwnerName::of(host.name(), &zone.name))
                && !types_at
                    .get(&host)
                    .is_some_and(|types| types.contains(&RecordType::A) || types.contains(&RecordType::Aaaa))
            {
                self.broken.insert("apex-ns-address");
            }
        }
    }
}
