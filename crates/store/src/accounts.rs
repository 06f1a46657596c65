//! Accounts: whose zones and tokens they are.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};

use crate::{StoreError, Timestamp, check_text};

/// An account's identity inside the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub(crate) i64);

impl AccountId {
    /// The identity that the address of a page names by its number.
    pub fn from_number(number: i64) -> AccountId {
        AccountId(number)
    }

    /// For the address of a page.
    pub fn number(self) -> i64 {
        self.0
    }
}

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
    /// When it was created.
    pub created_at: Timestamp,
    /// What its owner may see.
    pub role: Role,
    /// Since when it is suspended: it cannot sign in, and its tokens and sessions are refused.
    pub suspended_at: Option<Timestamp>,
    /// Since when its zones are off the nameservers.
    pub zones_off_at: Option<Timestamp>,
    /// When it is closed for good, with its zones.
    pub closes_at: Option<Timestamp>,
    /// Whether signing in takes a one-time code.
    pub has_second_factor: bool,
    /// What it may have.
    pub limits: AccountLimits,
}

/// What an account's owner may see and do. The stored numbers never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Role {
    /// Their own zones.
    #[default]
    User = 1,
    /// The accounts of others too: suspending them, their limits, and the trail of events.
    Operator = 2,
}

/// How much of an account a suspension stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspension {
    /// Sign-ins, sessions and tokens are refused; its zones are still served.
    SignIn,
    /// Its zones are taken off the nameservers too.
    Zones,
    /// And after [`CLOSED_KEPT`] the account is closed, with its zones.
    Close,
}

/// How long an account that is to be closed can be resumed.
pub const CLOSED_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// What an account may have; `None`: no limit. They are checked when something is added; what is there already stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "what the names say")]
pub struct AccountLimits {
    pub zones: Option<u32>,
    /// Over all its zones.
    pub records: Option<u32>,
    pub tokens: Option<u32>,
    /// Records that are created, changed or deleted in a day (UTC), over all its zones. A change without any counts as one.
    pub changes_per_day: Option<u32>,
    /// In all versions of all its zones that are kept, also of deleted zones. A record that changes is stored once more.
    pub stored_records: Option<u32>,
}

/// An account has made as many changes today as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyLimit {
    /// How many it may make in a day.
    pub most: u32,
    /// How many of them are left; fewer than the refused change needs.
    pub left: u32,
    /// In how many seconds the next day begins.
    pub resets_in: u32,
}

impl fmt::Display for DailyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DailyLimit { most, left, .. } = self;
        write!(f, "This account may change at most {most} records a day, and {left} are left until 00:00 UTC")
    }
}

/// What the owner of an account may change of it by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "as in Account")]
pub struct AccountNames {
    pub first_name: String,
    pub last_name: String,
    pub company_name: String,
}

/// An account to be created.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "as in Account")]
pub struct NewAccount {
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub company_name: String,
    /// `None`: nobody can sign in with a password until one is set.
    pub password: Option<PasswordHash>,
    pub role: Role,
    pub limits: AccountLimits,
}

/// What becomes of an account's tokens when its password is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokensAfterwards {
    /// They stay valid.
    Kept,
    /// All are revoked.
    Revoked,
}

/// Why something was not done to an account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is none, or it is closed.
    #[error("there is no such account")]
    NoAccount,
    /// Nobody would be left who can operate the server.
    #[error("this is the last operator who can sign in")]
    LastOperator,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A password as it is stored: argon2id, in PHC string form. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub(crate) String);

/// With the parameters of every other hash, or it would take another time; the rest was made up.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdCBvZiBub2JvZHk$bm9ib2R5IGhhcyBhIHBhc3N3b3JkIG9mIHRoaXMgaGE";

/// How many there were. Each costs the same, so this is what an answer's time tells about.
static HASHED: AtomicU64 = AtomicU64::new(0);

/// How many passwords this process has hashed, to store or to compare.
pub fn passwords_hashed() -> u64 {
    HASHED.load(Ordering::Relaxed)
}

impl PasswordHash {
    /// Hashes a password with a new salt, away from the async threads, at once. A server that hashes for many clients uses
    /// [`People::hash_password`](crate::People::hash_password), which bounds how many it hashes.
    pub async fn new(plain: &str) -> Result<PasswordHash, StoreError> {
        let plain = plain.to_owned();
        tokio::task::spawn_blocking(move || PasswordHash::hash(&plain)).await.map_err(|_| StoreError::Panicked)?
    }

    /// Hashes a password with a new salt. Takes tens of milliseconds.
    pub(crate) fn hash(plain: &str) -> Result<PasswordHash, StoreError> {
        HASHED.fetch_add(1, Ordering::Relaxed);
        let hashed = Argon2::default().hash_password(plain.as_bytes());
        hashed.map(|hash| PasswordHash(hash.to_string())).map_err(|_| StoreError::Random)
    }

    /// A hash that no password has, to spend on an unknown account the time that a known one takes.
    pub(crate) fn nobodys() -> PasswordHash {
        PasswordHash(NOBODYS.to_owned())
    }

    /// Whether `plain` is the password. A hash that cannot be read is nobody's password. Takes as long as hashing.
    pub fn verify(&self, plain: &str) -> bool {
        HASHED.fetch_add(1, Ordering::Relaxed);
        let hash = phc::PasswordHash::new(&self.0);
        hash.is_ok_and(|hash| Argon2::default().verify_password(plain.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// Whether a text can be an e-mail address: one `@` with something on both sides, no spaces, control or invisible characters, at
/// most 254 octets (RFC 5321, section 4.5.3.1.3, less the angle brackets). It does not begin with a hyphen, as options of
/// commands do. More is for the mail server to say.
pub fn is_email_address(text: &str) -> bool {
    let sides = text.split_once('@');
    sides.is_some_and(|(local, domain)| {
        !local.is_empty() && !local.starts_with('-') && !domain.is_empty() && !domain.contains('@')
    }) && text.len() <= 254
        && !text.chars().any(char::is_whitespace)
        && check_text(text).is_ok()
}

/// Why an account was not created.
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
            assert!(!hash.verify(wrong), "{wrong:?}");
        }
        assert!(!PasswordHash("damaged".to_owned()).verify("damaged"));
        assert!(hash.verify("correct horse"));
        assert_ne!(PasswordHash::new("correct horse").await.unwrap(), hash, "a salt of its own");
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
    }

    #[tokio::test]
    async fn nobodys_hash_takes_the_same_work_as_a_new_one() {
        let new = PasswordHash::new("correct horse").await.unwrap();
        let parameters = |hash: &PasswordHash| hash.0.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parameters(&PasswordHash::nobodys()), parameters(&new));
        assert!(phc::PasswordHash::new(NOBODYS).is_ok(), "and it can be read, or it would be refused without the work");
        let before = passwords_hashed();
        assert!(!PasswordHash::nobodys().verify(""));
        assert!(passwords_hashed() > before);
    }
}
