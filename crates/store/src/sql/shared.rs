//! What the threads of the store have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dns::apex::Apex;
use tokio::sync::watch;

use super::{apexes, identities, refusals, stages};
use crate::health::HealthWatch;
use crate::logic::Rules;
use crate::sealing::SecretKeys;
use crate::*;

/// What the threads have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) rules: Rules,
    /// The apex that this store was opened with.
    pub(super) apex: Apex,
    pub(super) apex_id: i64,
    pub(super) apexes: apexes::Apexes,
    pub(super) reserved: Reserved,
    pub(super) identities: identities::Identities,
    pub(super) refusals: refusals::Refusals,
    pub(super) position: watch::Sender<u64>,
    pub(super) health: Arc<HealthWatch>,
    pub(super) secrets: SecretKeys,
    /// An e-mail was queued.
    pub(super) mail_queued: tokio::sync::Notify,
    pub(super) stages: stages::Stages,
    pub(super) closing: AtomicBool,
}

impl Shared {
    /// Now, in the resolution that is stored.
    pub(super) fn now(&self) -> Timestamp {
        self.rules.now()
    }

    /// Whether the store is about to close, and what takes long should end.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn for_tests() -> Shared {
        let nameserver = dns::apex::ApexNameserver { name: dns::Name::root(), addresses: Vec::new() };
        Shared {
            rules: Rules::new(Clock::system(), dns::change::Limits::default(), Policy::default()),
            apex: Apex::new(vec![nameserver]).unwrap(),
            apex_id: 1,
            apexes: apexes::Apexes::default(),
            reserved: Reserved::default(),
            identities: identities::Identities::default(),
            refusals: refusals::Refusals::default(),
            position: watch::Sender::new(0),
            health: Arc::default(),
            secrets: SecretKeys::draw().unwrap(),
            mail_queued: tokio::sync::Notify::new(),
            stages: stages::Stages::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// Tells those who follow the journal that it has reached a position.
    pub(super) fn journal_moved(&self, position: Option<i64>) {
        let Some(position) = position.and_then(|position| u64::try_from(position).ok()) else { return };
        self.position.send_if_modified(|known| {
            let moved = position > *known;
            *known = position.max(*known);
            moved
        });
    }
}
