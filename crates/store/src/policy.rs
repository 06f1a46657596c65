//! What the operator allows accounts, beside the rules of zones.

use std::time::Duration;

/// What applies to all accounts of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many changes an account may make in a day ([`AccountLimits::changes_per_day`](crate::AccountLimits)) that has no
    /// limit of its own; `None`: any number.
    pub changes_per_day: Option<u32>,
    /// For how long after a deletion only the last owner may take a name, its parents or its children; 0: not at all.
    pub hold: Duration,
    /// How long before a zone is displaced by a proof of control its owner is told.
    pub notice: Duration,
    /// How long a displaced zone is kept before it is deleted.
    pub keep: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Default for Policy {
    fn default() -> Self {
        Policy { changes_per_day: None, hold: 7 * DAY, notice: 3 * DAY, keep: 30 * DAY }
    }
}
