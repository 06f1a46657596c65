//! A name in the zone: its records, and whether it is delegated.

use super::{Code, Search};
use crate::change::Lookup;
use crate::{OwnerName, Record, RecordData, RecordType, message};

/// What a target inside the zone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// It has an address.
    Address,
    /// It is an alias.
    Alias,
    /// It has records, and no address.
    NoAddress,
    /// There is nothing.
    Missing,
    /// The zone does not answer for it: it is at or below a delegation, or below a DNAME.
    Elsewhere,
}

/// What was found out about a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) target: Target,
    /// Of an alias: the name that it stands at, which is the target or a wildcard, and the name inside the zone that it leads to.
    pub(super) alias: Option<(OwnerName, Option<OwnerName>)>,
}

impl From<Target> for Found {
    fn from(target: Target) -> Found {
        Found { target, alias: None }
    }
}

/// The most names that one warning mentions.
const MENTIONED: usize = 3;

impl<L: Lookup> Search<'_, L> {
    pub(super) fn target(&mut self, target: &OwnerName) -> Result<Target, L::Error> {
        Ok(self.find(target)?.target)
    }

    pub(super) fn find(&mut self, target: &OwnerName) -> Result<Found, L::Error> {
        if let Some(known) = self.targets.get(target) {
            return Ok(known.clone());
        }
        let found = self.look_for(target)?;
        self.targets.insert(target.clone(), found.clone());
        Ok(found)
    }

    fn look_for(&mut self, target: &OwnerName) -> Result<Found, L::Error> {
        if target.is_apex() {
            return self.kind(target);
        }
        if self.apex.owns_addresses(self.zone, target) {
            return Ok(Target::Address.into());
        }
        let here = self.kind(target)?;
        if here.target == Target::Address || here.target == Target::Alias {
            return Ok(here);
        }
        let mut above = Some(target.clone());
        // The closest name above that exists decides which wildcard answers (RFC 4592, section 3.3.1).
        let mut wildcard = (here.target == Target::Missing).then_some(());
        if wildcard.is_some() && !self.lookup.below(target, 1)?.is_empty() {
            // It exists, without records: no wildcard answers for it.
            wildcard = None;
        }
        let mut answer = here;
        while let Some(name) = above.filter(|name| !name.is_apex()) {
            if self.lookup.has(&name, RecordType::Ns)?
                || (name != *target && self.lookup.has(&name, RecordType::Dname)?)
            {
                return Ok(Target::Elsewhere.into());
            }
            above = name.parent();
            if let (Some(()), Some(parent)) = (wildcard, &above) {
                let star = parent.wildcard(self.zone);
                let found = star.map(|star| self.kind(&star)).transpose()?.unwrap_or(Target::Missing.into());
                if found.target != Target::Missing {
                    answer = found;
                    wildcard = None;
                } else if !self.lookup.below(parent, 1)?.is_empty() || self.kind(parent)?.target != Target::Missing {
                    wildcard = None;
                }
            }
        }
        Ok(answer)
    }

    fn kind(&mut self, owner: &OwnerName) -> Result<Found, L::Error> {
        let records = self.lookup.at(owner)?;
        if records.iter().any(|record| matches!(record.data, RecordData::A(_) | RecordData::Aaaa(_))) {
            return Ok(Target::Address.into());
        }
        let alias = records.iter().find_map(|record| match &record.data {
            RecordData::Cname(cname) => Some(OwnerName::of(cname.target.name(), self.zone)),
            _ => None,
        });
        Ok(match alias {
            Some(next) => Found { target: Target::Alias, alias: Some((owner.clone(), next)) },
            None if records.is_empty() && !owner.is_apex() => Target::Missing.into(),
            None => Target::NoAddress.into(),
        })
    }

    /// Records that no resolver gets to see, because a delegation at or above their name sends it elsewhere.
    pub(super) fn hidden(&mut self, owner: &OwnerName, records: &[Record]) -> Result<(), L::Error> {
        let mut at = Some(owner.clone());
        while let Some(name) = at.filter(|name| !name.is_apex()) {
            let there;
            let nameservers = if name == *owner {
                records
            } else {
                there = self.lookup.at(&name)?;
                &there
            };
            let hosts: Vec<_> = nameservers
                .iter()
                .filter(|record| record.data.record_type() == RecordType::Ns)
                .filter_map(|record| OwnerName::of(record.data.target()?.name(), self.zone))
                .collect();
            let is_delegation = nameservers.iter().any(|record| record.data.record_type() == RecordType::Ns);
            if is_delegation {
                let shown = |record: &&Record| match record.data.record_type() {
                    RecordType::Ns | RecordType::Ds => name == *owner,
                    // The addresses of the nameservers themselves are sent along with the referral.
                    RecordType::A | RecordType::Aaaa => hosts.contains(owner),
                    _ => false,
                };
                if let Some(record) = records.iter().find(|record| !shown(record)) {
                    let record_type = record.data.record_type();
                    let detail = message!(
                        "the {record_type} record at {owner} is hidden: {name} is delegated to other nameservers, which are \
                         asked instead",
                        record_type,
                        owner,
                        name
                    );
                    self.warn(Code::HiddenByDelegation, "name", owner, detail);
                }
                if name == *owner {
                    self.hidden_below(owner, &hosts)?;
                }
            }
            at = name.parent();
        }
        Ok(())
    }

    fn hidden_below(&mut self, owner: &OwnerName, hosts: &[OwnerName]) -> Result<(), L::Error> {
        let below = self.lookup.below(owner, MENTIONED + hosts.len() + 1)?;
        let hidden: Vec<String> = below.iter().filter(|name| !hosts.contains(name)).map(ToString::to_string).collect();
        let Some(first) = hidden.get(..hidden.len().min(MENTIONED)).filter(|names| !names.is_empty()) else {
            return Ok(());
        };
        let names = first.join(", ");
        let detail = if hidden.len() > MENTIONED {
            message!(
                "the records at {names} and others are hidden: {owner} is delegated to other nameservers, which are asked instead",
                names,
                owner
            )
        } else {
            message!(
                "the records at {names} are hidden: {owner} is delegated to other nameservers, which are asked instead",
                names,
                owner
            )
        };
        self.warn(Code::HiddenByDelegation, "name", owner, detail);
        Ok(())
    }
}
