//! TSIG (RFC 8945): the keys that sign dynamic updates, zone transfers and NOTIFYs, and the reasons why a signature is not
//! accepted.
//!
//! A [`TsigKey`] is a [`Secret`] and a name, which is sent and signed too. Each nameserver has its own syntax for keys in its
//! configuration; names that not all of them can write are refused here.

use std::fmt;
use std::sync::Arc;

use dns::{Name, NameError};
use domain::base::iana::TsigRcode;
use domain::base::{Message, ToName};
use domain::rdata::tsig::Time48;
use domain::tsig::{self, ValidationError};

use crate::secret::{Algorithm, Secret, SecretError};

/// A named secret. Cheap to clone; `Debug` hides the secret.
#[derive(Clone)]
pub struct TsigKey {
    name: Name,
    secret: Secret,
    signer: Arc<tsig::Key>,
}

impl TsigKey {
    /// A key of this name. Both ends have to know it under the same name, algorithm and secret.
    ///
    /// # Errors
    ///
    /// TSIG knows no HMAC-MD5 and no HMAC-SHA-224 here; and a name with a quote, a backslash or a control character is spelled differently in
    /// every nameserver's configuration.
    pub fn new(name: Name, secret: Secret) -> Result<TsigKey, TsigKeyError> {
        let algorithm = match secret.algorithm() {
            Algorithm::Sha1 => tsig::Algorithm::Sha1,
            Algorithm::Sha256 => tsig::Algorithm::Sha256,
            Algorithm::Sha384 => tsig::Algorithm::Sha384,
            Algorithm::Sha512 => tsig::Algorithm::Sha512,
            Algorithm::Md5 => return Err(SecretError::Md5.into()),
            Algorithm::Sha224 => return Err(TsigKeyError::Sha224),
        };
        let needs_escape = |character: &char| character.is_control() || matches!(character, '"' | '\\');
        if let Some(character) = name.to_string().chars().find(needs_escape) {
            return Err(TsigKeyError::Label(character));
        }
        let wire = domain::base::Name::from_octets(name.wire()).map_err(|_| NameError::Wire)?;
        let wire: tsig::KeyName = wire.try_to_name().map_err(|_| NameError::Wire)?;
        // Without bounds on the signature's length there is nothing to be wrong about them.
        let signer = tsig::Key::new(algorithm, secret.octets(), wire, None, None).map_err(|_| NameError::Wire)?;
        Ok(TsigKey { name, secret, signer: Arc::new(signer) })
    }

    /// A new random key.
    ///
    /// # Errors
    ///
    /// As [`TsigKey::new`], and when the operating system gives no random octets.
    pub fn generate(name: Name, algorithm: Algorithm) -> Result<TsigKey, TsigKeyError> {
        TsigKey::new(name, Secret::generate(algorithm)?)
    }

    /// The name, as it is sent. As text it has no quotes, backslashes or control characters.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The secret, for configurations and for other uses of the same secret.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(crate) fn signer(&self) -> Arc<tsig::Key> {
        Arc::clone(&self.signer)
    }
}

impl fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TsigKey").field("name", &self.name).field("algorithm", &self.secret.algorithm()).finish()
    }
}

impl PartialEq for TsigKey {
    fn eq(&self, other: &TsigKey) -> bool {
        self.name == other.name && self.secret == other.secret
    }
}

impl Eq for TsigKey {}

/// Why a TSIG key cannot be used. No message contains the secret.
#[derive(Debug, thiserror::Error)]
pub enum TsigKeyError {
    /// The algorithm or the secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The name is no domain name.
    #[error("the key's name is not a domain name: {0}")]
    Name(#[from] NameError),
    /// The name has a character that configurations do not spell alike.
    #[error(
        "the key's name cannot be configured: the character {0:?} cannot be written in a nameserver's configuration"
    )]
    Label(char),
    /// HMAC-SHA-224 is not supported.
    #[error("hmac-sha224 is not supported for updates and transfers: create a key with hmac-sha256")]
    Sha224,
}

/// Where the time of signatures comes from. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock from a function that gives the seconds since 1970. Nameservers accept a difference of 300 seconds (RFC 8945,
    /// section 5.2.3).
    pub fn from_seconds(now: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// The time as TSIG sends it: 48 bits of seconds.
    pub(crate) fn now(&self) -> Time48 {
        Time48::from_u64(self.seconds())
    }

    /// The seconds since 1970, in 48 bits.
    pub fn seconds(&self) -> u64 {
        u64::try_from((self.0)()).unwrap_or(0) & 0xffff_ffff_ffff
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Why a signature was not accepted, by the nameserver or here.
///
/// What the nameserver says of our signature it says unsigned: it is a hint for the operator, and no proof that the request
/// was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TsigFault {
    /// BADKEY (RFC 8945, section 5.2.1).
    #[error("the nameserver has no key with this name and algorithm")]
    UnknownKey,
    /// BADSIG (RFC 8945, section 5.2.2).
    #[error("the nameserver has another secret for this key")]
    WrongSecret,
    /// BADTIME (RFC 8945, section 5.2.3).
    #[error("the nameserver's clock differs from this one by more than 5 minutes")]
    Clock,
    /// The response is not signed: it may be forged.
    #[error("the response is not signed")]
    Unsigned,
    /// The signature of the response is wrong: it may be forged.
    #[error("the signature of the response is wrong")]
    Forged,
}

impl TsigFault {
    /// What stands behind a failed validation of `answer`.
    pub(crate) fn new(error: ValidationError, answer: &Message<Vec<u8>>) -> TsigFault {
        // The nameserver's own word comes first: `domain` checks the signature of a BADTIME answer over two octets too many,
        // and would call it forged.
        match claimed(answer) {
            Some(TsigRcode::BADKEY) => return TsigFault::UnknownKey,
            Some(TsigRcode::BADSIG) => return TsigFault::WrongSecret,
            Some(TsigRcode::BADTIME) => return TsigFault::Clock,
            _ => {}
        }
        match error {
            ValidationError::ServerBadKey => TsigFault::UnknownKey,
            ValidationError::ServerBadSig => TsigFault::WrongSecret,
            ValidationError::ServerBadTime { .. } | ValidationError::BadTime => TsigFault::Clock,
            ValidationError::ServerUnsigned | ValidationError::TooManyUnsigned => TsigFault::Unsigned,
            ValidationError::BadAlg
            | ValidationError::BadOther
            | ValidationError::BadSig
            | ValidationError::BadTrunc
            | ValidationError::BadKey
            | ValidationError::FormErr => TsigFault::Forged,
        }
    }
}

/// The error that an answer's TSIG record names.
fn claimed(answer: &Message<Vec<u8>>) -> Option<TsigRcode> {
    let section = answer.additional().ok()?;
    let record = section.limit_to::<domain::rdata::tsig::Tsig<_, _>>().next()?.ok()?;
    Some(record.data().error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_needs_escapes_is_refused() {
        let odd = Name::from_labels([b"a\"b".as_slice()]).unwrap();
        assert!(matches!(TsigKey::generate(odd, Algorithm::Sha256), Err(TsigKeyError::Label(_))));
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = TsigKey::generate(Name::parse("k").unwrap(), Algorithm::Sha256).unwrap();
        assert_eq!(format!("{key:?}"), "TsigKey { name: k., algorithm: Sha256 }");
    }
}
