//! The second factor: one-time codes by time (TOTP, RFC 6238) as every authenticator app makes them, and recovery codes for
//! when the phone is gone.
//!
//! A code is good once: the newest time step that was accepted is stored, and no older one is taken again (RFC 6238,
//! section 5.2). One step before and after now is taken, for clocks that differ.
//!
//! Decided against: the `totp-rs` crate. The algorithm is ten lines over `hmac`, with the RFC's own test values below, and it
//! does not say which step a code belonged to, which is what makes it good once.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use crate::{NewSession, StoreError, Timestamp};

/// Seconds in a time step.
const STEP: i64 = 30;

/// What the server and an authenticator app share: 160 bits, as RFC 4226, section 4, recommends. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeKey(pub(crate) [u8; 20]);

impl OneTimeKey {
    /// A new key.
    pub fn draw() -> Result<OneTimeKey, StoreError> {
        let mut key = [0; 20];
        getrandom::fill(&mut key).map_err(|_| StoreError::Random)?;
        Ok(OneTimeKey(key))
    }

    /// The key as people type it into their app.
    pub fn base32(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// The key that [`OneTimeKey::base32`] wrote.
    pub fn from_base32(text: &str) -> Option<OneTimeKey> {
        let octets = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
        octets.try_into().ok().map(OneTimeKey)
    }

    /// The time step for which `code` is right, where it is later than `after` and next to now.
    pub(crate) fn step_of(&self, code: &str, now: Timestamp, after: i64) -> Option<i64> {
        let current = now.as_second() / STEP;
        let mut found = None;
        // All three are compared, so that the time does not tell which.
        for step in current - 1..=current + 1 {
            if bool::from(self.code(step).as_bytes().ct_eq(code.as_bytes())) && step > after {
                found = Some(step);
            }
        }
        found
    }

    /// RFC 4226, section 5.3, of the time step as the counter.
    fn code(&self, step: i64) -> String {
        // HMAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&step.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let at = usize::from(digest[19] & 15);
        let number = u32::from_be_bytes([digest[at] & 0x7f, digest[at + 1], digest[at + 2], digest[at + 3]]);
        format!("{:06}", number % 1_000_000)
    }

    /// The code for a moment, as an app shows it.
    pub fn code_at(&self, time: Timestamp) -> String {
        self.code(time.as_second() / STEP)
    }
}

impl fmt::Debug for OneTimeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeKey(..)")
    }
}

/// How many wrong codes end the session that waits for one. With as many, an account's next code begins to wait, and a known
/// browser is not known any more.
pub const CODES_PER_SESSION: u32 = 5;

/// What became of a code.
#[derive(Debug, Clone)]
pub enum CodeOutcome {
    /// It is right.
    Right(Box<NewSession>),
    /// It is wrong; the session still waits.
    Wrong,
    /// It is wrong, and the session has ended with it.
    Ended,
    /// Too many were wrong before: the next is judged after so many seconds. This one was not looked at.
    TooEarly {
        /// At least 1.
        seconds: u64,
    },
    /// The session does not wait any more.
    Gone,
}

/// How many recovery codes an account gets.
pub(crate) const RECOVERY_CODES: usize = 10;

/// A code that replaces a one-time code once: 80 random bits, so that its hash can be a fast one.
#[derive(Clone)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    pub(crate) fn draw() -> Result<RecoveryCode, StoreError> {
        let mut octets = [0u8; 10];
        getrandom::fill(&mut octets).map_err(|_| StoreError::Random)?;
        Ok(RecoveryCode(BASE32_NOPAD.encode(&octets)))
    }

    /// What somebody typed, as it was written: in any letter case, and with hyphens and spaces anywhere. `None` where it can be
    /// no recovery code.
    pub(crate) fn typed(text: &str) -> Option<RecoveryCode> {
        let plain: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_ascii_uppercase()).collect();
        let is_one = BASE32_NOPAD.decode(plain.as_bytes()).is_ok_and(|octets| octets.len() == 10);
        is_one.then_some(RecoveryCode(plain))
    }

    pub(crate) fn plain(&self) -> &str {
        &self.0
    }

    /// In groups of four, to be written down.
    pub fn reveal(&self) -> String {
        let groups: Vec<&str> = (0..4).map(|group| &self.0[group * 4..group * 4 + 4]).collect();
        groups.join("-")
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, for SHA-1, cut to six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let key = OneTimeKey(*b"12345678901234567890");
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(key.code_at(Timestamp::from_second(second).unwrap()), code);
        }
        assert_eq!(key.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(OneTimeKey::from_base32(&key.base32()), Some(key.clone()));
        assert_eq!(format!("{key:?}"), "OneTimeKey(..)");
    }

    #[test]
    fn a_code_is_good_around_its_time_and_once() {
        let key = OneTimeKey([7; 20]);
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let code = |step: i64| key.code(now.as_second() / STEP + step);
        assert_eq!(key.step_of(&code(2), now, 0), None);
        assert_eq!(key.step_of(&code(-2), now, 0), None);
        assert_eq!(key.step_of("", now, 0), None);
        let step = key.step_of(&code(-1), now, 0).unwrap();
        assert_eq!(key.step_of(&code(-1), now, step), None, "a second time");
        assert_eq!(key.step_of(&code(0), now, step), Some(step + 1));
        assert_eq!(key.step_of(&code(1), now, step), Some(step + 2));
        assert_eq!(key.step_of(&code(0), now, step + 2), None, "older than one that was taken");
    }

    #[test]
    fn recovery_codes_are_taken_as_people_type_them() {
        let code = RecoveryCode::draw().unwrap();
        let shown = code.reveal();
        assert_eq!(shown.len(), 19);
        for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', " "), format!(" {}", code.plain())] {
            assert_eq!(RecoveryCode::typed(&typed).unwrap().plain(), code.plain());
        }
        for text in ["", "123456", &shown[1..], "AAAA-AAAA-AAAA-AAA1"] {
            assert!(RecoveryCode::typed(text).is_none(), "{text}");
        }
        assert_eq!(format!("{code:?}"), "RecoveryCode(..)");
    }
}
