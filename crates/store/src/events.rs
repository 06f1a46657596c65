//! The audit trail of accounts: sign-ins, failed attempts, and changes of what allows signing in.
//!
//! Changes of zones are in their versions. Events are written in the transaction that they record.

use std::net::IpAddr;

use crate::{AccountId, Author, Source, Timestamp};

/// An event's position in the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub i64);

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEvent {
    /// Its position.
    pub id: EventId,
    /// When.
    pub time: Timestamp,
    /// What.
    pub kind: EventKind,
    /// To which account: its address; `None` where there is no such account, or it is closed.
    pub email: Option<String>,
    /// By whom, where that was another account: its address.
    pub actor: Option<String>,
    /// From where; `None` for the command line.
    pub address: Option<IpAddr>,
    /// More about it: a token's name, a limit. Never a secret.
    pub detail: String,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What was done. The stored numbers never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum EventKind { $($(#[$doc])* $name = $number,)* }

        impl EventKind {
            /// All of them.
            pub const EVERY: &[EventKind] = &[$(EventKind::$name,)*];
        }
    };
}

kinds! {
    /// An account was made.
    AccountMade = 1,
    /// Someone signed in.
    SignedIn = 2,
    /// A password was refused.
    SignInFailed = 3,
    /// A one-time code was refused.
    CodeFailed = 4,
    /// Someone signed out.
    SignedOut = 5,
    /// Sessions were ended by their owner.
    SessionsEnded = 6,
    /// A password was set or changed.
    PasswordSet = 7,
    /// A one-time link was made.
    LinkMade = 8,
    /// A one-time link was used.
    LinkUsed = 9,
    /// One-time codes are asked for from now on.
    SecondFactorOn = 10,
    /// One-time codes are not asked for any more.
    SecondFactorOff = 11,
    /// A recovery code was used.
    RecoveryCodeUsed = 12,
    /// A token was made.
    TokenMade = 13,
    /// A token was revoked.
    TokenRevoked = 14,
    /// An account was suspended.
    Suspended = 15,
    /// A suspended account was let in again.
    Resumed = 16,
    /// The limits of an account were set.
    LimitsSet = 17,
    /// The data of an account was changed.
    NamesChanged = 18,
    /// Somebody was invited.
    Invited = 19,
    /// An account was closed.
    AccountClosed = 20,
    /// The role of an account was changed.
    RoleSet = 21,
    /// Someone signed in from a browser that was not known; the detail is what it says it is.
    NewBrowser = 22,
    /// So many one-time codes, or recovery codes, were wrong that the next one waits; the detail is how many.
    CodesGuessed = 23,
    /// An update key was created.
    UpdateKeyMade = 24,
    /// An update key was revoked.
    UpdateKeyRevoked = 25,
    /// Another account proved that it controls a name, and a zone is or was displaced.
    ZoneClaimed = 60,
}

impl EventKind {
    pub(crate) fn from_number(number: u8) -> Option<EventKind> {
        EventKind::EVERY.iter().copied().find(|kind| *kind as u8 == number)
    }
}

/// Who does something to an account, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Actor {
    /// `None`: the operator's command line, or somebody who is not signed in.
    pub account: Option<AccountId>,
    /// The client's address, where there is one.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// The operator's command line.
    pub fn command_line() -> Actor {
        Actor::default()
    }
}

impl From<&Author> for Actor {
    fn from(author: &Author) -> Actor {
        match author.source {
            Source::Operator => Actor::command_line(),
            _ => Actor { account: Some(author.account), address: author.address },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_as_it_was_written() {
        for kind in EventKind::EVERY {
            assert_eq!(EventKind::from_number(*kind as u8), Some(*kind));
        }
        assert_eq!(EventKind::from_number(0), None);
    }
}
