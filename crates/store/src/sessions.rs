//! Sessions and one-time links: how people come in, and stay in.
//!
//! A session is a random secret in a cookie, stored as its hash. It ends when nobody used it for [`IDLE`], and after
//! [`SESSION`] in any case. A link is good once: whoever uses it first has it.

use std::net::IpAddr;

use jiff::SignedDuration;

use crate::{Account, AccountId, PlainSecret, StoreError, Timestamp};

/// A session ends when it was not used for so long.
pub const IDLE: SignedDuration = SignedDuration::from_hours(24);
/// A session ends after so long, however busy it is.
pub const SESSION: SignedDuration = SignedDuration::from_hours(24 * 14);
/// For so long, someone who gave a password may take to give the one-time code.
pub const WAIT_FOR_CODE: SignedDuration = SignedDuration::from_mins(10);

/// For so long without a sign-in, a browser stays known.
pub const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(24 * 180);

/// A session's identity inside the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub(crate) i64);

impl SessionId {
    /// The identity that a form names by its number.
    pub fn from_number(number: i64) -> SessionId {
        SessionId(number)
    }

    /// For a form.
    pub fn number(self) -> i64 {
        self.0
    }
}

/// A session, but for its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identity.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, give or take a minute.
    pub last_seen_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// When its owner last proved who they are: by password, code or link.
    pub proved_at: Option<Timestamp>,
    /// Whether a one-time code is still missing: until then it allows nothing but giving one.
    pub waits_for_code: bool,
    /// From where it began.
    pub address: Option<IpAddr>,
    /// What the browser says it is, cut to a few words' length.
    pub agent: String,
}

/// Where a request comes from: what a list of sessions and the trail of events show of it.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The client's address, where it is known.
    pub address: Option<IpAddr>,
    /// What the browser says it is.
    pub agent: String,
    /// What the browser presents to be known again.
    pub browser: Option<PlainSecret>,
    /// The language of the pages that it shows, as a tag.
    pub language: Option<&'static str>,
}

/// What of an owner's sign-ins goes on when all others end; by default nothing.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// This session.
    pub session: Option<SessionId>,
    /// That the browser with this secret is known.
    pub browser: Option<PlainSecret>,
}

/// A session that was just begun: the only time its secret is known.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "what the types say")]
pub struct NewSession {
    pub session: Session,
    pub account: Account,
    pub secret: PlainSecret,
    /// What the browser is to present the next time, to be known; `None` while a code is missing.
    pub browser: Option<PlainSecret>,
}

/// What a one-time link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// It leads into an account, and allows setting a password there.
    SignIn(Box<Account>),
    /// It lets the owner of this address make an account.
    Invitation(String),
}

/// Why an invitation made no account.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The link is unknown, used or too old.
    #[error("the link is not good any more")]
    NoLink,
    /// As when any account is made.
    #[error(transparent)]
    Create(#[from] crate::CreateAccountError),
}

impl From<StoreError> for AcceptError {
    fn from(error: StoreError) -> AcceptError {
        AcceptError::Create(error.into())
    }
}
