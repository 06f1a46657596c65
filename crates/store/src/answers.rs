//! Requests that can be repeated: the response to the first is stored with the change, in one transaction, and returned again.

use dns::ZoneId;

use crate::{AccountId, Head, StoreError};

/// How long an answer is kept, in seconds: 24 hours.
pub const ANSWERS_KEPT_FOR: i64 = 24 * 60 * 60;

/// A request under a key that its client made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeatable {
    /// Whose key it is.
    pub account: AccountId,
    /// What is asked for: the same key for something else is another request.
    pub operation: String,
    /// The client's key.
    pub key: String,
    /// A digest of everything else that makes the request what it is.
    pub fingerprint: [u8; 32],
}

/// An answer as it was given the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that belong to the change, as name and value.
    pub headers: Vec<(String, String)>,
    /// The body; empty where there is none, and where [`Answer::rest`] was kept instead.
    pub body: Vec<u8>,
    /// What is kept instead of the body, where that is long and is made again of this and of what the version changed
    /// ([`Store::own_change`](crate::Store::own_change)).
    pub rest: Option<Vec<u8>>,
    /// The zone's version that the change led to, for who waits until it is served.
    pub head: Head,
    /// Whether the change was the zone's deletion.
    pub deleted: bool,
}

/// A [`Repeatable`] request, and how its answer is made of what was changed. That happens inside the transaction: an answer
/// that cannot be made takes the change back.
pub struct Once<T> {
    /// The request.
    pub request: Repeatable,
    /// Makes the answer.
    pub answer: MakeAnswer<T>,
}

/// See [`Once`]. Called again where the change is planned again.
pub type MakeAnswer<T> = Box<dyn Fn(&T) -> Result<Answer, StoreError> + Send + Sync>;

/// What became of a [`Repeatable`] request that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It was done now.
    Now(Answer),
    /// It had been done before, and nothing was done now.
    Before(Answer),
    /// The key belongs to another request, which was about this zone; nothing was done.
    KeyReused(ZoneId),
}
