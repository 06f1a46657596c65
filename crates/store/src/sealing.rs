//! Encryption at rest: secrets that the server must be able to read again, such as the keys of one-time codes.
//!
//! All of them are sealed here, with XChaCha20-Poly1305 under a key that is kept in a file outside the database (`sql/key_file`), so
//! that a stolen copy of the database gives none of them away. The associated data binds a sealed value to what it is and to its row:
//! a value that is moved to another row or column does not open. The number of the key stands before each value, so that a later
//! release can replace the key step by step.
//!
//! Secrets that their owners present (tokens, cookies, links, recovery codes) are not sealed but hashed: nothing reads them again.
//!
//! Decided against: SQLCipher (all pages for a few columns, and another SQLite), the AEADs of `ring` (their nonces are too short to be
//! drawn at random without counting), and the key as a setting or an environment variable (those end up in process lists and logs).

use std::fmt;
use std::path::PathBuf;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use crate::StoreError;

/// Octets of a nonce. They are random: with 192 bits two values never get the same one.
const NONCE: usize = 24;
/// Octets of a key.
const KEY: usize = 32;
/// Octets before the nonce: the format, and the key's number.
const HEAD: usize = 5;
/// The format of a sealed value. Stored.
const FORMAT: u8 = 1;
/// The number of a new database's key.
const FIRST: u32 = 1;

/// What a sealed value is. The names are part of what is stored: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What tells whether a key is the one that was used.
    KeyCheck,
    /// The key of an account's one-time codes.
    OneTimeKey,
    /// A letter that waits to be sent.
    Mail,
    /// The TSIG secret of an update key.
    UpdateKey,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::KeyCheck => "secret_keys.check_value",
            Purpose::OneTimeKey => "accounts.totp",
            Purpose::Mail => "mails.letter",
            Purpose::UpdateKey => "update_keys.secret",
        }
    }

    /// What a value is bound to.
    fn associated_data(self, row: i64) -> Vec<u8> {
        [b"zonewright ", self.name().as_bytes(), &[0], &row.to_be_bytes()].concat()
    }
}

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no file, but values in the database were sealed with its key.
    #[error(
        "{path} is missing, and secrets in the database are encrypted with its key: restore your copy of the file \
         (if every copy is lost: zonewright secrets reset)"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file has the key of another database.
    #[error(
        "{path} does not contain the key that encrypts the secrets in this database: restore your copy of the correct \
         file (if every copy is lost: zonewright secrets reset)"
    )]
    Wrong {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged, or is something else.
    #[error("{path} is not a key file: restore your copy of it (if every copy is lost: zonewright secrets reset)")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or created.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The keys of one file; the last of them seals. `Debug` does not show them.
#[derive(Clone)]
pub(crate) struct SecretKeys {
    older: Vec<SecretKey>,
    current: SecretKey,
}

#[derive(Clone)]
struct SecretKey {
    number: u32,
    octets: [u8; KEY],
}

impl SecretKeys {
    /// A new key.
    pub(crate) fn draw() -> Result<SecretKeys, StoreError> {
        let mut octets = [0; KEY];
        getrandom::fill(&mut octets).map_err(|_| StoreError::Random)?;
        Ok(SecretKeys { older: Vec::new(), current: SecretKey { number: FIRST, octets } })
    }

    /// The text of a key file.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::from(
            "# The key for the secrets in the Zonewright database. Keep a copy of this file, apart from the backups of the database.\n",
        );
        for SecretKey { number, octets } in self.all() {
            let digits = HEXLOWER.encode(octets);
            text.push_str(&format!("{number} {digits}\n"));
        }
        text
    }

    /// Reads the text of a key file: a line with number and hexadecimal digits for each key, comments and empty lines between.
    pub(crate) fn from_text(text: &str) -> Option<SecretKeys> {
        let mut keys: Vec<SecretKey> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (number, digits) = line.split_once(' ')?;
            let key = SecretKey { number: number.parse().ok()?, octets: from_hex(digits.trim())? };
            if keys.iter().any(|other| other.number == key.number) {
                return None;
            }
            keys.push(key);
        }
        let current = keys.pop()?;
        Some(SecretKeys { older: keys, current })
    }

    fn all(&self) -> impl Iterator<Item = &SecretKey> {
        self.older.iter().chain([&self.current])
    }

    /// The number of the key that seals.
    pub(crate) fn current(&self) -> u32 {
        self.current.number
    }

    /// Seals a value for one row.
    pub(crate) fn seal(&self, purpose: Purpose, row: i64, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| StoreError::Random)?;
        let payload = Payload { msg: plain, aad: &purpose.associated_data(row) };
        // It fails for texts of 256 GiB and more only.
        let sealed = self
            .current
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Bug("a secret too long to encrypt"))?;
        Ok([&[FORMAT][..], &self.current.number.to_be_bytes(), &nonce, &sealed].concat())
    }

    /// Opens what was sealed for the same purpose and row; `None` where it is anything else, or the key is not here.
    pub(crate) fn open(&self, purpose: Purpose, row: i64, sealed: &[u8]) -> Option<Vec<u8>> {
        let (head, rest) = sealed.split_at_checked(HEAD)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        let number = u32::from_be_bytes(head[1..].try_into().ok()?);
        let key = self.all().find(|key| head[0] == FORMAT && key.number == number)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let payload = Payload { msg: sealed, aad: &purpose.associated_data(row) };
        key.cipher().decrypt(&XNonce::from(nonce), payload).ok()
    }

    /// Whether `copy`, the text of a key file, has every key that is here.
    pub(crate) fn is_copied_in(&self, copy: &str) -> bool {
        let Some(copies) = SecretKeys::from_text(copy) else { return false };
        self.all().all(|key| copies.all().any(|copy| copy.number == key.number && copy.octets == key.octets))
    }
}

impl SecretKey {
    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.octets.into())
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKeys(..)")
    }
}

fn from_hex(digits: &str) -> Option<[u8; KEY]> {
    HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_as_what_it_is_and_where_it_belongs() {
        let keys = SecretKeys::draw().unwrap();
        let sealed = keys.seal(Purpose::OneTimeKey, 7, b"secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(sealed, keys.seal(Purpose::OneTimeKey, 7, b"secret").unwrap(), "a nonce of its own");
        assert_eq!(keys.open(Purpose::OneTimeKey, 8, &sealed), None, "another row");
        assert_eq!(keys.open(Purpose::KeyCheck, 7, &sealed), None, "another purpose");
        assert_eq!(SecretKeys::draw().unwrap().open(Purpose::OneTimeKey, 7, &sealed), None, "another key");
        for octet in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[octet] ^= 1;
            assert_eq!(keys.open(Purpose::OneTimeKey, 7, &damaged), None, "octet {octet}");
            assert_eq!(keys.open(Purpose::OneTimeKey, 7, &sealed[..octet]), None, "cut at {octet}");
        }
        assert_eq!(keys.open(Purpose::OneTimeKey, 7, &sealed).unwrap(), b"secret");
        assert_eq!(format!("{keys:?}"), "SecretKeys(..)");
    }

    #[test]
    fn a_key_file_is_read_as_it_was_written_and_nothing_else_is() {
        let keys = SecretKeys::draw().unwrap();
        let text = keys.to_text();
        let sealed = keys.seal(Purpose::OneTimeKey, 1, b"secret").unwrap();
        let line = text.lines().nth(1).unwrap();
        for bad in [
            "",
            "# only a comment\n",
            &text[..text.len() - 3],
            &line.replace(' ', ""),
            &format!("x{line}"),
            &format!("{line}00"),
            &format!("{line}\n{line}"),
            &line.replacen(&line[line.len() - 1..], "g", 1),
        ] {
            assert!(SecretKeys::from_text(bad).is_none(), "{bad:?}");
            assert!(!keys.is_copied_in(bad), "{bad:?}");
        }
        assert!(!keys.is_copied_in(&SecretKeys::draw().unwrap().to_text()));
        let read = SecretKeys::from_text(&format!("\r\n{text}\n")).unwrap();
        assert_eq!(read.open(Purpose::OneTimeKey, 1, &sealed).unwrap(), b"secret");
        assert!(keys.is_copied_in(&text));
    }

    #[test]
    fn a_second_key_seals_what_is_new_and_the_first_opens_what_is_old() {
        let old = SecretKeys::draw().unwrap();
        let sealed = old.seal(Purpose::OneTimeKey, 1, b"old").unwrap();
        let both = SecretKeys { older: vec![old.current.clone()], current: SecretKey { number: 2, octets: [9; KEY] } };
        assert_eq!((old.current(), both.current()), (1, 2));
        assert_eq!(both.open(Purpose::OneTimeKey, 1, &sealed).unwrap(), b"old");
        let new = both.seal(Purpose::OneTimeKey, 1, b"new").unwrap();
        assert_eq!(old.open(Purpose::OneTimeKey, 1, &new), None);
        assert!(!both.is_copied_in(&old.to_text()) && old.is_copied_in(&both.to_text()));
    }
}
