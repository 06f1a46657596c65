//! The reason why a user's input cannot be stored.

use crate::Message;

/// One broken rule: which, in which member of the request, and what would be right.
///
/// Users can fix every fault, so all have the same shape and the same HTTP status (400). Programs distinguish faults by `check`,
/// people read `detail`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// The rule's stable identifier, for example `priority-required`.
    pub check: &'static str,
    /// The member of the request at fault; `None` where no single member is.
    pub field: Option<&'static str>,
    /// A sentence for people: what is wrong and what would be right.
    pub detail: Message,
}

impl Fault {
    /// A fault of one member of the request.
    pub fn of(field: &'static str, check: &'static str, detail: Message) -> Self {
        Self { check, field: Some(field), detail }
    }

    /// A fault that no single member carries.
    pub fn general(check: &'static str, detail: Message) -> Self {
        Self { check, field: None, detail }
    }
}
