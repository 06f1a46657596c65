//! Shared secrets with their HMAC algorithms, as configuration files write them.
//!
//! A secret has no name. TSIG adds one ([`TsigKey`](crate::tsig::TsigKey)); BIND's control channel uses the same secrets without.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq as _;

/// The octets that both ends share, and the algorithm that both use them with. `Debug` hides the octets.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    algorithm: Algorithm,
    octets: Vec<u8>,
}

impl Secret {
    /// A secret from an algorithm's name as configuration files spell it (`hmac-sha256`) and base64.
    ///
    /// # Errors
    ///
    /// The algorithm is unknown or HMAC-MD5, or the secret is empty or not base64.
    pub fn new(algorithm: &str, base64: &str) -> Result<Secret, SecretError> {
        let algorithm = algorithm.parse()?;
        let octets = BASE64.decode(base64).map_err(|_| SecretError::Base64)?;
        if octets.is_empty() {
            return Err(SecretError::Base64);
        }
        Ok(Secret { algorithm, octets })
    }

    /// A secret that was checked when it was stored.
    pub fn from_octets(algorithm: Algorithm, octets: Vec<u8>) -> Secret {
        Secret { algorithm, octets }
    }

    /// A new random secret of the digest's own length, for [`Algorithm::Sha256`] 256 bits.
    ///
    /// # Errors
    ///
    /// [`SecretError::Random`] when the operating system gives no random octets.
    pub fn generate(algorithm: Algorithm) -> Result<Secret, SecretError> {
        let mut octets = vec![0; algorithm.digest_length()];
        getrandom::fill(&mut octets).map_err(SecretError::Random)?;
        Ok(Secret { algorithm, octets })
    }

    /// What the secret is used with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The secret itself, never empty.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The secret as configuration files spell it (RFC 4648, section 4, with padding).
    pub fn base64(&self) -> String {
        BASE64.encode(&self.octets)
    }

    /// The HMAC (RFC 2104) of these octets, one part after the other, as long as the algorithm's digest.
    pub fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        let secret = self.octets();
        match self.algorithm {
            Algorithm::Md5 => hmac::<Hmac<Md5>>(secret, parts),
            Algorithm::Sha1 => hmac::<Hmac<Sha1>>(secret, parts),
            Algorithm::Sha224 => hmac::<Hmac<Sha224>>(secret, parts),
            Algorithm::Sha256 => hmac::<Hmac<Sha256>>(secret, parts),
            Algorithm::Sha384 => hmac::<Hmac<Sha384>>(secret, parts),
            Algorithm::Sha512 => hmac::<Hmac<Sha512>>(secret, parts),
        }
    }

    /// Whether `mac` is the whole HMAC of these octets, in time that does not depend on where they differ. A shortened one is
    /// never accepted.
    pub fn verifies(&self, parts: &[&[u8]], mac: &[u8]) -> bool {
        self.mac(parts).ct_eq(mac).into()
    }
}

fn hmac<M: Mac + KeyInit>(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104, section 2)")]
    let mut mac = <M as Mac>::new_from_slice(secret).expect("a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The HMACs that secrets are used with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC-MD5, for clients that can do nothing else. Only keys of such clients have it: configurations are not read with it.
    Md5,
    /// HMAC-SHA-1, for old configurations.
    Sha1,
    /// HMAC-SHA-224, which TSIG keys here do not support.
    Sha224,
    /// HMAC-SHA-256, what new keys should use.
    Sha256,
    /// HMAC-SHA-384.
    Sha384,
    /// HMAC-SHA-512.
    Sha512,
}

impl Algorithm {
    /// Every algorithm that a configuration may name, weakest first.
    pub const ALL: [Algorithm; 5] =
        [Algorithm::Sha1, Algorithm::Sha224, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];

    /// The length of the digest in octets.
    pub fn digest_length(self) -> usize {
        match self {
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Sha224 => 28,
            Algorithm::Sha256 => 32,
            Algorithm::Sha384 => 48,
            Algorithm::Sha512 => 64,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "hmac-md5",
            Algorithm::Sha1 => "hmac-sha1",
            Algorithm::Sha224 => "hmac-sha224",
            Algorithm::Sha256 => "hmac-sha256",
            Algorithm::Sha384 => "hmac-sha384",
            Algorithm::Sha512 => "hmac-sha512",
        }
    }
}

/// The name as configuration files spell it.
impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = SecretError;

    /// Letter case does not count, as in configuration files.
    fn from_str(name: &str) -> Result<Algorithm, SecretError> {
        if name.eq_ignore_ascii_case(Algorithm::Md5.name()) {
            return Err(SecretError::Md5);
        }
        Algorithm::ALL
            .into_iter()
            .find(|algorithm| name.eq_ignore_ascii_case(algorithm.name()))
            .ok_or_else(|| SecretError::Algorithm(name.to_owned()))
    }
}

/// Why a secret cannot be used. No message contains the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// HMAC-MD5 was requested.
    #[error("hmac-md5 is not accepted: create a key with hmac-sha256")]
    Md5,
    /// Not the name of an algorithm.
    #[error("unknown algorithm `{0}`: use hmac-sha256 (or hmac-sha1, -sha224, -sha384, -sha512)")]
    Algorithm(String),
    /// The secret is empty or not base64 (RFC 4648, section 4, with padding).
    #[error("the secret is not base64")]
    Base64,
    /// The operating system's random number generator failed.
    #[error("no random bytes for a new key: {0}")]
    Random(getrandom::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let secret = Secret::new("hmac-sha256", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret { algorithm: Sha256, .. }");
    }

    #[test]
    fn a_generated_secret_comes_back_from_its_spelling() {
        for algorithm in Algorithm::ALL {
            let secret = Secret::generate(algorithm).unwrap();
            assert_eq!(secret.octets().len(), algorithm.digest_length());
            assert_eq!(Secret::new(&algorithm.to_string(), &secret.base64()).unwrap(), secret);
            assert_ne!(Secret::generate(algorithm).unwrap(), secret);
        }
    }
}
