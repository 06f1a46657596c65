//! Accounts: whose zones and tokens they are.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

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

/// How many passwords are hashed at once: each takes 19 MiB and a good part of a processor's time.
static HASHERS: Semaphore = Semaphore::const_new(2);

impl PasswordHash {
    /// Hashes a password with a new salt, away from the async threads.
    pub async fn new(plain: &str) -> Result<PasswordHash, StoreError> {
        let plain = plain.to_owned();
        let hashed = off_the_async_threads(move || Argon2::default().hash_password(plain.as_bytes())).await?;
        hashed.map(|hash| PasswordHash(hash.to_string())).map_err(|_| StoreError::Random)
    }

    /// Whether `plain` is the password. A hash that cannot be read is nobody's password.
    pub async fn verify(&self, plain: &str) -> Result<bool, StoreError> {
        let (hash, plain) = (self.0.clone(), plain.to_owned());
        off_the_async_threads(move || {
            let hash = phc::PasswordHash::new(&hash);
            hash.is_ok_and(|hash| Argon2::default().verify_password(plain.as_bytes(), &hash).is_ok())
        })
        .await
    }
}

async fn off_the_async_threads<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    let _place = HASHERS.acquire().await.map_err(|_| StoreError::Closed)?;
    tokio::task::spawn_blocking(run).await.map_err(|_| StoreError::Panicked)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_verifies() {
        let hash = PasswordHash::new("correct horse").await.unwrap();
        assert!(hash.0.starts_with("$argon2id$"), "{}", hash.0);
        for wrong in ["", "correct", "Correct horse", "correct horse "] {
            assert!(!hash.verify(wrong).await.unwrap(), "{wrong:?}");
        }
        assert!(!PasswordHash("damaged".to_owned()).verify("damaged").await.unwrap());
        assert!(hash.verify("correct horse").await.unwrap());
        assert_ne!(PasswordHash::new("correct horse").await.unwrap(), hash, "a salt of its own");
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
    }
}
