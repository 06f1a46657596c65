//! The rules of types that are allowed only in certain places: DNAME (RFC 6672), DS (RFC 4034, section 5), CDS and CDNSKEY (RFC
//! 7344).

use super::lookup::Lookup;
use super::name_state::NameState;
use super::planner::Planner;
use crate::{Fault, Name, OwnerName, RecordData, RecordType, message};

/// A DNAME is the only one at its name (RFC 6672, section 2.4), and not at a delegation (section 2.3).
pub(super) fn check_dname(owner: &OwnerName, place: &NameState) -> Option<(usize, Fault)> {
    let aliases = place.set(RecordType::Dname)?;
    let (index, check, detail) = if aliases.records.len() > 1 {
        (aliases.touched_by?, "dname-single", message!("{owner} can have only one DNAME record", owner))
    } else if !owner.is_apex() && place.set(RecordType::Ns).is_some() {
        let last = place.touched_by(|of| matches!(of, RecordType::Dname | RecordType::Ns))?;
        (
            last,
            "dname-delegation",
            message!("a DNAME record cannot exist beside NS records, and {owner} would have both", owner),
        )
    } else {
        return None;
    };
    Some((index, Fault::of("name", check, detail)))
}

/// A DS record says how a zone below is signed: there must be one, and BIND refuses one at the apex, which is the parent's.
pub(super) fn check_ds(owner: &OwnerName, place: &NameState) -> Option<(usize, Fault)> {
    let keys = place.set(RecordType::Ds)?;
    if owner.is_apex() {
        let detail = message!(
            "the DS records of this zone belong in the zone above it; here, DS records are allowed only beside the NS records of a delegation"
        );
        return Some((keys.touched_by?, Fault::of("name", "ds-apex", detail)));
    }
    if place.set(RecordType::Ns).is_some() {
        return None;
    }
    let index = place.touched_by(|of| matches!(of, RecordType::Ds | RecordType::Ns))?;
    let detail = message!(
        "a DS record is allowed only beside the NS records of a delegation, and {owner} would have none",
        owner
    );
    Some((index, Fault::of("name", "ds-delegation", detail)))
}

/// What BIND demands of CDS and CDNSKEY at the apex, and refuses the zone otherwise: the record that says "none" is alone, and
/// any other is of an algorithm that a DNSKEY has.
pub(super) fn check_child_keys(owner: &OwnerName, place: &NameState, faults: &mut Vec<(usize, Fault)>) {
    if !owner.is_apex() {
        return;
    }
    let keys = place.set(RecordType::Dnskey);
    let has_key =
        |algorithm: u8| keys.is_some_and(|keys| keys.records.keys().any(|wire| wire.get(3) == Some(&algorithm)));
    // Where the algorithm stands in the data, and the record that says "none" (RFC 8078, section 4).
    let kinds = [(RecordType::Cds, 2, [0, 0, 0, 0, 0]), (RecordType::Cdnskey, 3, [0, 0, 3, 0, 0])];
    for (record_type, at, none) in kinds {
        let Some(set) = place.set(record_type) else { continue };
        let touched = place.touched_by(|of| of == record_type || of == RecordType::Dnskey);
        let Some(index) = touched else { continue };
        let says_none = set.records.keys().any(|wire| **wire == none);
        if says_none && set.records.len() > 1 {
            let detail = message!(
                "the {record_type} record that asks for the removal of all DS records must be the only one",
                record_type
            );
            faults.push((index, Fault::of("value", "child-key-none", detail)));
        } else if !says_none
            && let Some(wire) = set.records.keys().find(|wire| wire.get(at).is_none_or(|it| !has_key(*it)))
        {
            let algorithm = wire.get(at).copied().unwrap_or_default();
            let detail = message!(
                "a {record_type} record at the apex needs a DNSKEY record of its algorithm, and there is none of {algorithm}",
                record_type,
                algorithm
            );
            faults.push((index, Fault::of("value", "child-key-unknown", detail)));
        }
    }
}

/// A rule that is BIND's alone: where a nameserver of the apex is itself a signed delegation, it takes the DS record for one of
/// the apex when it loads the file, and refuses the zone.
impl<L: Lookup> Planner<'_, L> {
    pub(super) fn check_no_signed_nameserver(&mut self, owner: &OwnerName) -> Result<(), L::Error> {
        let place = self.place(owner)?;
        let signed = place.set(RecordType::Ds).is_some();
        let Some(index) = place.touched_by(|of| of == RecordType::Ds).filter(|_| signed) else { return Ok(()) };
        let host = owner.in_zone(self.setting.zone);
        let servers = self.setting.apex.has_nameserver(&host);
        let named = |data: &RecordData| data.target().is_some_and(|target| *target.name() == host);
        let users = self.place(&OwnerName::apex())?.set(RecordType::Ns);
        if servers || users.is_some_and(|set| set.held().any(|held| named(&held.data))) {
            self.faults.push((index, signed_nameserver(&host, "name")));
        }
        Ok(())
    }
}

/// The fault of that rule.
pub(super) fn signed_nameserver(host: &Name, field: &'static str) -> Fault {
    let detail = message!(
        "{host} is named by an NS record at the apex and would be a delegation with DS records; BIND refuses a zone with both",
        host
    );
    Fault::of(field, "ds-nameserver", detail)
}

/// The rule that spans a tree: nothing stands below a DNAME, which makes other names of all that is there (RFC 6672, section 2.4).
impl<L: Lookup> Planner<'_, L> {
    /// A record that comes to a name needs the names above it to be without a DNAME.
    pub(super) fn check_no_dname_above(&mut self, owner: &OwnerName) -> Result<(), L::Error> {
        let Some(index) = self.place(owner)?.came() else { return Ok(()) };
        for above in owner.ancestors() {
            if self.has_dname(&above)? {
                let detail = message!("{above} has a DNAME record, and no records are allowed below it", above);
                self.faults.push((index, Fault::of("name", "dname-below", detail)));
                break;
            }
        }
        Ok(())
    }

    /// A DNAME that comes to a name needs everything below it to be gone.
    pub(super) fn check_nothing_below_dname(&mut self, owner: &OwnerName) -> Result<(), L::Error> {
        let Some(set) = self.place(owner)?.set(RecordType::Dname) else { return Ok(()) };
        let Some(index) = set.held().filter_map(|held| held.edit).max() else { return Ok(()) };
        // The names that this change has emptied do not count, and there may be as many of them as it touches.
        let mut found = self.lookup.below(owner, self.touched_below(owner) + 1)?.into_iter();
        if let Some(name) = found.find(|name| self.is_empty_after(name) != Some(true)) {
            let detail = message!("no records are allowed below a DNAME record; remove those at {name} first", name);
            self.faults.push((index, Fault::of("name", "dname-above", detail)));
        }
        Ok(())
    }

    fn has_dname(&mut self, owner: &OwnerName) -> Result<bool, L::Error> {
        match self.has_after(owner, RecordType::Dname) {
            Some(known) => Ok(known),
            None => {
                let stored = self.lookup.has(owner, RecordType::Dname)?;
                self.note_dname(owner, stored);
                Ok(stored)
            }
        }
    }
}
