//! Selects the TTL if a file gives an RRset more than one.
//!
//! RFC 2181 (section 5.2) forbids this but does not say how to read such files. BIND collects the records of consecutive entries
//! with one owner, a *run*, and processes them together: in a run the first TTL is used, and the TTL of a later run replaces that
//! of an earlier one. Addresses of nameservers are the exception: if the run has NS records and the next owner is one of their
//! hosts, a run of that owner is nested, and the outer run continues after it. Files with this error are in use worldwide, so
//! they are read as BIND serves them.

use std::collections::{BTreeMap, HashSet};

use crate::{Name, RecordType, Ttl};

/// Which run the entries belong to.
#[derive(Default)]
pub(super) struct Runs {
    outer: Option<Run>,
    inner: Option<Run>,
    /// When each run ended, counted from 1; 0 while it continues.
    ended: Vec<u32>,
    ends: u32,
}

/// The number of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RunId(u32);

struct Run {
    id: RunId,
    owner: Name,
    ttls: BTreeMap<RecordType, Ttl>,
    nameservers: HashSet<Name>,
}

impl Runs {
    /// The following records have this owner.
    pub(super) fn enter(&mut self, owner: &Name) {
        if let Some(inner) = self.inner.take_if(|inner| inner.owner != *owner) {
            self.end(inner.id);
        }
        if self.inner.is_some() || self.outer.as_ref().is_some_and(|outer| outer.owner == *owner) {
            return;
        }
        let run = Run { id: self.begin(), owner: owner.clone(), ttls: BTreeMap::new(), nameservers: HashSet::new() };
        if self.outer.as_ref().is_some_and(|outer| outer.nameservers.contains(owner)) {
            self.inner = Some(run);
        } else if let Some(before) = self.outer.replace(run) {
            self.end(before.id);
        }
    }

    /// Adds a record to the current run; returns the run, and the TTL of the record in it.
    pub(super) fn add(&mut self, record_type: RecordType, ttl: Ttl, nameserver: Option<&Name>) -> (RunId, Ttl) {
        match self.inner.as_mut().or(self.outer.as_mut()) {
            Some(run) => {
                run.nameservers.extend(nameserver.cloned());
                (run.id, *run.ttls.entry(record_type).or_insert(ttl))
            }
            None => (self.alone(), ttl),
        }
    }

    /// A run of one record, which ends at once.
    pub(super) fn alone(&mut self) -> RunId {
        let id = self.begin();
        self.end(id);
        id
    }

    /// When a run ended: of two, the later one is used. A run that continues ends last, an outer one before an inner one.
    pub(super) fn end_of(&self, id: RunId) -> u32 {
        let is = |run: &Option<Run>| run.as_ref().is_some_and(|run| run.id == id);
        match self.ended.get(id.0 as usize) {
            Some(&end) if end > 0 => end,
            _ if is(&self.inner) => u32::MAX,
            _ => u32::MAX - 1,
        }
    }

    fn begin(&mut self) -> RunId {
        self.ended.push(0);
        RunId(u32::try_from(self.ended.len() - 1).unwrap_or(u32::MAX))
    }

    fn end(&mut self, id: RunId) {
        self.ends = self.ends.saturating_add(1);
        if let Some(end) = self.ended.get_mut(id.0 as usize) {
            *end = self.ends;
        }
    }
}
