//! Accounts: whose zones and tokens they are.

use std::fmt;

use crate::{StoreError, Timestamp};

/// An account's identity inside the store. Only the store makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub(crate) i64);

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its identity.
    pub id: AccountId,
    /// The address it is known by; unique without regard to case.
    pub email: String,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// May be empty.
    pub company_name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An account to be made.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "as in Account")]
pub struct NewAccount {
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub company_name: String,
    /// `None`: nobody can sign in with a password until one is set.
    pub password: Option<PasswordHash>,
}

/// A password as it is stored: argon2id, in PHC string form. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub(crate) String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateAccountError {
    /// It is no address: one `@` with something on both sides, no spaces, at most 254 octets.
    #[error("\"{0}\" is not an e-mail address")]
    Email(String),
    /// Another account has it.
    #[error("there is an account {0} already")]
    Exists(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
