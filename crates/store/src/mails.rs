//! Mail that waits to be sent.
//!
//! Letters wait in the database, so that a restart loses none, and are sealed there (`sealing`), because links in them are secrets. A
//! letter is taken for a while ([`Outbox::take_mail`](crate::Outbox::take_mail)), so that two processes do not send it together; after
//! a crash it becomes due again when that while is over, under the same message id, by which mail servers may know it again.
//!
//! Each kind has places of its own, and each recipient a part of them: who has a thousand notices sent keeps no reset from leaving.

use std::fmt;

use uuid::Uuid;

use crate::{AccountId, StoreError, Timestamp};

/// What a letter is about. The stored numbers never change their meaning; smaller ones are sent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MailKind {
    /// A link to choose a new password.
    Reset = 1,
    /// A link to create an account.
    Invitation = 2,
    /// What an owner should know.
    Notice = 3,
}

impl MailKind {
    /// How many letters of the kind may wait.
    pub fn places(self) -> u32 {
        match self {
            MailKind::Reset | MailKind::Invitation => 500,
            MailKind::Notice => 1_000,
        }
    }

    /// How many of them may be for one address.
    pub fn places_of_one(self) -> u32 {
        match self {
            MailKind::Reset | MailKind::Invitation => 5,
            MailKind::Notice => 20,
        }
    }
}

/// A letter to be sent. `Debug` shows nothing of its content.
#[derive(Clone)]
pub struct NewMail {
    /// What it is about.
    pub kind: MailKind,
    /// The account that it is for; it is dropped with the account.
    pub account: Option<AccountId>,
    /// The recipient's address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Lines with `\n` between.
    pub text: String,
    /// From when on it is dropped instead of sent.
    pub expires: Timestamp,
}

/// A letter that was taken to be sent. `Debug` shows nothing of its content.
#[derive(Clone)]
#[expect(missing_docs, reason = "as in NewMail, or what the names say")]
pub struct QueuedMail {
    pub id: MailId,
    /// The same for every attempt.
    pub message_id: Uuid,
    pub to: String,
    pub subject: String,
    pub text: String,
    /// This one included.
    pub attempt: u32,
    pub expires: Timestamp,
}

/// A letter's identity in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MailId(pub(crate) i64);

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailWaiting {
    /// How many letters.
    pub letters: u32,
    /// When the next of them is due, or expires.
    pub next: Option<Timestamp>,
}

/// Why a letter is not queued.
#[derive(Debug, thiserror::Error)]
pub enum QueueMailError {
    /// As many letters of its kind wait as may.
    #[error("as many letters of this kind wait as may")]
    Full,
    /// As many letters of its kind wait for this recipient as may.
    #[error("as many letters of this kind wait for this recipient as may")]
    FullForOne,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl fmt::Debug for NewMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMail").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for QueuedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedMail").field("id", &self.id).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
