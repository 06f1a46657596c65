//! Warnings about a zone with exactly the records of a file.
//!
//! They are computed from the file, and not in the store: a large zone would delay its writer.

use std::collections::BTreeSet;
use std::convert::Infallible;

use uuid::Uuid;

use super::MAX_WARNINGS;
use crate::change::{Lookup, NewRecord, TtlChoice};
use crate::warnings::{Warning, check};
use crate::{Apex, OwnerName, Record, RecordId, RecordType, Ttl, ZoneName};

/// Names are checked in batches of this size, so that the work ends soon after there are enough warnings.
const AT_ONCE: usize = 1000;

/// At most [`MAX_WARNINGS`] about these records, which stand in the order of their owners.
pub(super) fn warnings(zone: &ZoneName, apex: &Apex, records: &[NewRecord]) -> Vec<Warning> {
    let mut whole = Whole(records);
    let mut found = Vec::new();
    let mut owners = records.chunk_by(|a, b| a.owner == b.owner).filter_map(|at_owner| Some(&at_owner.first()?.owner));
    let mut is_first = true;
    loop {
        let touched: BTreeSet<OwnerName> = owners.by_ref().take(AT_ONCE).cloned().collect();
        if touched.is_empty() || found.len() >= MAX_WARNINGS {
            break;
        }
        let Ok(warnings) = check(zone, apex, &touched, &mut whole);
        // The apex comes first. Its targets are looked at again with every later batch.
        found.extend(warnings.into_iter().filter(|warning| is_first || !warning.owner.is_apex()));
        is_first = false;
    }
    found.truncate(MAX_WARNINGS);
    found
}

/// The records of a whole zone, sorted by owner.
struct Whole<'r>(&'r [NewRecord]);

impl Whole<'_> {
    fn from<'r>(records: &'r [NewRecord], owner: &OwnerName) -> &'r [NewRecord] {
        let start = records.partition_point(|record| record.owner < *owner);
        records.get(start..).unwrap_or_default()
    }

    fn those_at(&self, owner: &OwnerName) -> impl Iterator<Item = &NewRecord> {
        Whole::from(self.0, owner).iter().take_while(move |record| record.owner == *owner)
    }
}

impl Lookup for Whole<'_> {
    type Error = Infallible;

    fn at(&mut self, owner: &OwnerName) -> Result<Vec<Record>, Infallible> {
        let record = |new: &NewRecord| {
            let ttl = match new.ttl {
                TtlChoice::Set(ttl) | TtlChoice::Join(ttl) => ttl,
                TtlChoice::Default => Ttl::DEFAULT,
            };
            // Nothing is looked for by identity.
            Record { id: RecordId(Uuid::nil()), owner: new.owner.clone(), ttl, data: new.data.clone() }
        };
        Ok(self.those_at(owner).map(record).collect())
    }

    fn by_id(&mut self, _: RecordId) -> Result<Option<Record>, Infallible> {
        Ok(None)
    }

    fn has(&mut self, owner: &OwnerName, record_type: RecordType) -> Result<bool, Infallible> {
        Ok(self.those_at(owner).any(|record| record.data.record_type() == record_type))
    }

    fn below(&mut self, owner: &OwnerName, most: usize) -> Result<Vec<OwnerName>, Infallible> {
        let from_here = Whole::from(self.0, owner).chunk_by(|a, b| a.owner == b.owner);
        let names = from_here.filter_map(|at_owner| Some(&at_owner.first()?.owner)).skip_while(|name| *name == owner);
        Ok(names.take_while(|name| name.is_below(owner)).take(most).cloned().collect())
    }
}
