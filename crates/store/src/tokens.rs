//! API tokens: shown once, stored as a hash.

use std::fmt;

use crate::{Account, AccountId, Permissions, StoreError, Timestamp};

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

/// What every token begins with.
const PREFIX: &str = "vps_";
/// How long what follows is: 256 bits, six in each character, rounded up.
const SECRET_LENGTH: usize = 43;
/// RFC 4648, section 5.
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl PlainToken {
    /// A new token from the operating system's random numbers.
    pub(crate) fn draw() -> Result<PlainToken, StoreError> {
        let mut secret = [0u8; 32];
        getrandom::fill(&mut secret).map_err(|_| StoreError::Random)?;
        Ok(PlainToken::of(&secret))
    }

    fn of(secret: &[u8; 32]) -> PlainToken {
        let mut text = String::with_capacity(PREFIX.len() + SECRET_LENGTH);
        text.push_str(PREFIX);
        for octets in secret.chunks(3) {
            let bits =
                octets.iter().fold(0u32, |bits, &octet| bits << 8 | u32::from(octet)) << (8 * (3 - octets.len()));
            for sextet in 0..=octets.len() {
                text.push(BASE64_URL[(bits >> (18 - 6 * sextet)) as usize & 63].into());
            }
        }
        PlainToken(text)
    }

    /// Whether a text can be a token at all: what cannot is not looked up.
    pub(crate) fn is_well_formed(text: &str) -> bool {
        let secret = text.strip_prefix(PREFIX).map(str::as_bytes).unwrap_or_default();
        secret.len() == SECRET_LENGTH && secret.iter().all(|octet| BASE64_URL.contains(octet))
    }

    /// What the token's owner tells it from others by.
    pub(crate) fn last_four(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_token_is_not_looked_up() {
        let good = PlainToken::of(&[7; 32]).0;
        let long = format!("{good}A");
        let odd = good.replace("vps_B", "vps_+");
        assert_ne!(odd, good);
        for text in ["", "vps_", &good[1..], &good[..46], &long, &odd, &good.replace("vps_", "VPS_")] {
            assert!(!PlainToken::is_well_formed(text), "{text:?}");
        }
        assert!(PlainToken::is_well_formed(&good));
    }

    #[test]
    fn every_bit_of_the_secret_is_in_the_text() {
        assert_eq!(PlainToken::of(&[0; 32]).0, format!("vps_{}", "A".repeat(43)));
        assert_eq!(PlainToken::of(&[255; 32]).0, format!("vps_{}8", "_".repeat(42)));
        let base = PlainToken::of(&[0; 32]).0;
        for bit in 0..256 {
            let mut secret = [0; 32];
            secret[bit / 8] |= 1 << (bit % 8);
            assert_ne!(PlainToken::of(&secret).0, base, "bit {bit}");
        }
        assert_ne!(PlainToken::draw().unwrap().0, PlainToken::draw().unwrap().0);
        assert_eq!(format!("{:?}", PlainToken(base)), "PlainToken(..)");
    }
}
