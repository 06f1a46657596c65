//! Planning: what changes of zones come to, without a line of SQL.
//!
//! | part | job |
//! |---|---|
//! | `source` | the seam: what planning asks a database |
//! | `cache` | what a group of changes has read, and what the earlier ones of the group do |
//! | `live` | the records of one zone, as `dns::change` looks at them |
//! | `change`, `dynamic`, `rollback`, `settings`, `limits` | one change and its rules |
//! | `served` | a zone as nameservers serve it, name by name |
//! | `group` | changes that are stored together, and the rows that they need |
//!
//! Changes are data ([`group::ChangeJob`]): a group that could not be stored is planned again, one change at a time.
//!
//! Decided against: a trait with a method per operation of the store (PostgreSQL would then run the statements of each change
//! one after the other, at a third of the speed of whole groups).

pub(crate) mod cache;
pub(crate) mod change;
mod dynamic;
pub(crate) mod group;
pub(crate) mod limits;
pub(crate) mod live;
mod prepared;
pub(crate) mod rollback;
pub(crate) mod served;
pub(crate) mod settings;
pub(crate) mod source;
pub(crate) mod version;

use std::sync::{Mutex, PoisonError};

use dns::change::Limits;
use uuid::Uuid;

use crate::ids::Ids;
use crate::{Clock, Policy, Retention, Timestamp};

/// What planning knows without asking the database.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) policy: Policy,
    retention: Mutex<Option<Retention>>,
    ids: Ids,
}

impl Rules {
    pub(crate) fn new(clock: Clock, limits: Limits, policy: Policy) -> Rules {
        Rules { clock, limits, policy, retention: Mutex::default(), ids: Ids::default() }
    }

    /// Which versions this process deletes by age; `None` where it deletes none.
    pub(crate) fn retention(&self) -> Option<Retention> {
        *self.retention.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, this process deletes what `retention` does not keep.
    pub(crate) fn retain(&self, retention: Retention) {
        *self.retention.lock().unwrap_or_else(PoisonError::into_inner) = Some(retention);
    }

    /// Now, in the resolution that is stored.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// A new identity, greater than all before.
    pub(crate) fn new_id(&self) -> Uuid {
        self.ids.next(self.now())
    }
}
