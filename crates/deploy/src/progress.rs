//! The state of the work on one nameserver, for the rest of the program.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dns::ZoneName;

use crate::polling::Polls;

/// Shared between a driver, which writes it, and its readers. That of a secondary stays empty, because nothing is deployed to it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    settled: AtomicBool,
    seeding: AtomicBool,
    unreachable: AtomicBool,
    /// The zones that wait, are worked on or failed, each with the error of the last try.
    work: Mutex<HashMap<ZoneName, Option<String>>>,
    polls: Polls,
}

impl Progress {
    /// Whether all zones were compared once since the start, and brought up to date or tried.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Relaxed)
    }

    pub(crate) fn set_settled(&self) {
        self.settled.store(true, Relaxed);
    }

    /// Whether it is being given all zones at once.
    pub(crate) fn set_seeding(&self, seeding: bool) {
        self.seeding.store(seeding, Relaxed);
    }

    /// Whether it could not be reached when it was last tried.
    pub(crate) fn is_unreachable(&self) -> bool {
        self.unreachable.load(Relaxed)
    }

    pub(crate) fn set_unreachable(&self, unreachable: bool) {
        self.unreachable.store(unreachable, Relaxed);
    }

    /// There is work on a zone until [`Progress::done`].
    pub(crate) fn begin(&self, name: &ZoneName) {
        self.work().entry(name.clone()).or_default();
    }

    /// A zone was brought to its head as it was at some time since [`Progress::begin`].
    pub(crate) fn done(&self, name: &ZoneName) {
        self.work().remove(name);
        self.polls.poll_again(name);
    }

    /// Whether nothing is being done about a zone, so that whatever will be done starts from the store as it is now.
    pub(crate) fn is_quiet(&self, name: &ZoneName) -> bool {
        !self.seeding.load(Relaxed) && !self.work().contains_key(name)
    }

    /// Why the last try for a zone failed; `None` where it did not.
    pub(crate) fn last_error(&self, name: &ZoneName) -> Option<String> {
        self.work().get(name).cloned().flatten()
    }

    pub(crate) fn set_error(&self, name: &ZoneName, error: Option<String>) {
        self.work().insert(name.clone(), error);
    }

    /// The zones that callers wait for.
    pub(crate) fn polls(&self) -> &Polls {
        &self.polls
    }

    fn work(&self) -> MutexGuard<'_, HashMap<ZoneName, Option<String>>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
