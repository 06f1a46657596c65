//! What the rest of the program may know of the work on one nameserver.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use dns::ZoneName;

/// Shared between a driver, which writes it, and whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    settled: AtomicBool,
    errors: Mutex<HashMap<ZoneName, String>>,
}

impl Progress {
    /// Whether all zones were compared once since the start, and brought up to date or tried.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Relaxed)
    }

    pub(crate) fn set_settled(&self) {
        self.settled.store(true, Relaxed);
    }

    /// Why the last try for a zone failed; `None` where it did not.
    pub(crate) fn last_error(&self, name: &ZoneName) -> Option<String> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn set_error(&self, name: &ZoneName, error: Option<String>) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            Some(error) => errors.insert(name.clone(), error),
            None => errors.remove(name),
        };
    }
}
