//! How long versions, deleted zones and events are kept.

use std::time::Duration;

/// What the operator promises to keep. What is older is forgotten in the background, in small steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How many of a zone's newest versions are kept whatever their age; 0 counts as 1.
    pub versions: u64,
    /// How long versions are kept whatever their number.
    pub age: Duration,
    /// How long a deleted zone can be brought back.
    pub deleted_zones: Duration,
    /// How long the trail of what was done to accounts goes back.
    pub events: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Default for Retention {
    fn default() -> Self {
        Retention { versions: 1000, age: 365 * DAY, deleted_zones: 30 * DAY, events: 730 * DAY }
    }
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Versions that were too old.
    pub versions: u64,
    /// Lives of records that ended before the oldest version that is kept.
    pub records: u64,
}
