//! Events that owners get an e-mail about: those of the audit trail that concern access to their accounts.
//!
//! Mail follows the trail, so every way to do something (pages, command line, another process) is covered, nothing is mailed
//! that was rolled back, and a restart forgets none. Decided against: writing where each thing is done; the command line sends
//! no mail, and the next way would be forgotten.

use std::net::IpAddr;

use crate::{AccountId, EventId, EventKind, Timestamp};

/// An event that the owner of an account is to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerNotice {
    /// Its position in the trail.
    pub id: EventId,
    /// When.
    pub time: Timestamp,
    /// What; one of [`OwnerNotice::KINDS`].
    pub kind: EventKind,
    /// More about it, as the trail has it.
    pub detail: String,
    /// From where; `None` for the command line.
    pub address: Option<IpAddr>,
    /// Whether the owner did it, or who has the owner's password; otherwise the operator.
    pub by_owner: bool,
    /// Whose account.
    pub account: AccountId,
    /// Its address.
    pub email: String,
    /// When the account was created.
    pub account_created_at: Timestamp,
    /// The tag of the language in which the owner last signed in.
    pub language: Option<String>,
}

impl OwnerNotice {
    /// The kinds of events that owners are written to about.
    pub const KINDS: [EventKind; 5] = [
        EventKind::PasswordSet,
        EventKind::SecondFactorOff,
        EventKind::TokenMade,
        EventKind::NewBrowser,
        EventKind::CodesGuessed,
    ];
}
