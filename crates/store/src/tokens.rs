//! API tokens: shown once, stored as a hash.

use std::fmt;

use crate::{Account, AccountId, Permissions, Timestamp};

/// A token's identity inside the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub(crate) i64);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A token in the clear, `vps_` and 256 random bits. It is never stored, and `Debug` does not show it.
#[derive(Clone)]
pub struct PlainToken(pub(crate) String);

impl PlainToken {
    /// The text to hand to its owner, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken(..)")
    }
}

/// What is kept of a token, but for its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its identity.
    pub id: TokenId,
    /// Whose it is.
    pub account: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// What it allows.
    pub permissions: Permissions,
    /// The last four characters, by which its owner tells tokens apart.
    pub last_four: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was last accepted, give or take a minute.
    pub last_used_at: Option<Timestamp>,
}

/// A token to be made.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "as in Token")]
pub struct NewToken {
    pub name: String,
    pub permissions: Permissions,
    pub expires_at: Option<Timestamp>,
}

/// A token that was just made: the only time its text is known.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "what the types say")]
pub struct CreatedToken {
    pub token: Token,
    pub plain: PlainToken,
}

/// Who a good token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "what the types say")]
pub struct Identity {
    pub account: Account,
    pub token: Token,
}
