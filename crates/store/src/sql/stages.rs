//! The zones that have a large change under way in this process. Other changes of these zones wait and are not refused.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dns::ZoneId;
use tokio::sync::watch;

use super::shared::Shared;

/// How long a change waits for the large changes of its zone.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a waiting thread checks again.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// The number of large changes under way, by zone.
#[derive(Debug)]
pub(super) struct Stages(watch::Sender<HashMap<ZoneId, usize>>);

impl Default for Stages {
    fn default() -> Self {
        Stages(watch::Sender::new(HashMap::new()))
    }
}

impl Stages {
    /// Waits until this process has no large change of the zone under way, for 30 seconds at most. The writer refuses a change
    /// that comes too early.
    pub(super) async fn none_of(&self, zone: ZoneId) {
        if !self.0.borrow().contains_key(&zone) {
            return;
        }
        let mut zones = self.0.subscribe();
        let _ = tokio::time::timeout(PATIENCE, zones.wait_for(|zones| !zones.contains_key(&zone))).await;
    }

    /// [`Stages::none_of`] for a thread that may block. False if it took too long.
    pub(super) fn wait_for_none_of(&self, zone: ZoneId) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let is_under_way = || self.0.borrow().contains_key(&zone);
        while is_under_way() && Instant::now() < deadline {
            std::thread::sleep(POLL_EVERY);
        }
        !is_under_way()
    }

    /// Begins a large change of a zone, which lasts until the result is dropped.
    pub(super) fn enter(shared: &Arc<Shared>, zone: ZoneId) -> Entered {
        shared.stages.0.send_modify(|zones| *zones.entry(zone).or_default() += 1);
        Entered { shared: Arc::clone(shared), zone }
    }
}

/// A large change that is under way.
pub(super) struct Entered {
    shared: Arc<Shared>,
    zone: ZoneId,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.shared.stages.0.send_modify(|zones| {
            if let Entry::Occupied(mut changes) = zones.entry(self.zone) {
                *changes.get_mut() -= 1;
                if *changes.get() == 0 {
                    changes.remove();
                }
            }
        });
    }
}
