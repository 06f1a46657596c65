//! TSIG keys (RFC 8945): what dynamic updates and zone transfers are signed with.
//!
//! The secret and its algorithm are the control channel's [`ControlKey`]; TSIG adds the name, which is sent and signed along.
//! One secret may therefore serve as both, as `rndc.key` often does.

use std::fmt;
use std::sync::Arc;

use dns::{Name, NameError};
use domain::base::iana::TsigRcode;
use domain::base::{Message, ToName};
use domain::rdata::tsig::Time48;
use domain::tsig::{self, ValidationError};
use store::Clock;

use super::control::{Algorithm, ConfigText, ConfigTextError, ControlKey, KeyError, read_statement};

/// A named secret. Cheap to clone; `Debug` hides the secret.
#[derive(Clone)]
pub struct TsigKey {
    name: Name,
    /// The name as configuration spells it, quotes included.
    label: ConfigText,
    secret: ControlKey,
    signer: Arc<tsig::Key>,
}

impl TsigKey {
    /// A key of this name. Both ends have to know it under the same name, algorithm and secret.
    ///
    /// # Errors
    ///
    /// TSIG knows no HMAC-SHA-224 here; and a name with a quote, a backslash or a control character has no spelling in
    /// `named.conf`.
    pub fn new(name: Name, secret: ControlKey) -> Result<TsigKey, TsigKeyError> {
        let algorithm = match secret.algorithm() {
            Algorithm::Sha1 => tsig::Algorithm::Sha1,
            Algorithm::Sha256 => tsig::Algorithm::Sha256,
            Algorithm::Sha384 => tsig::Algorithm::Sha384,
            Algorithm::Sha512 => tsig::Algorithm::Sha512,
            Algorithm::Sha224 => return Err(TsigKeyError::Sha224),
        };
        let label = ConfigText::new(&name.to_string())?;
        let wire = domain::base::Name::from_octets(name.wire()).map_err(|_| NameError::Wire)?;
        let wire: tsig::KeyName = wire.try_to_name().map_err(|_| NameError::Wire)?;
        // Without bounds on the signature's length there is nothing to be wrong about them.
        let signer = tsig::Key::new(algorithm, secret.secret(), wire, None, None).map_err(|_| NameError::Wire)?;
        Ok(TsigKey { name, label, secret, signer: Arc::new(signer) })
    }

    /// A new random key.
    ///
    /// # Errors
    ///
    /// As [`TsigKey::new`], and when the operating system gives no random bytes.
    pub fn generate(name: Name, algorithm: Algorithm) -> Result<TsigKey, TsigKeyError> {
        TsigKey::new(name, ControlKey::generate(algorithm)?)
    }

    /// Reads one `key` statement of `named.conf`, with nothing beside it but comments.
    ///
    /// # Errors
    ///
    /// The text is something else, or as [`TsigKey::new`].
    pub fn from_statement(text: &str) -> Result<TsigKey, TsigKeyError> {
        let (name, secret) = read_statement(text)?;
        TsigKey::new(Name::parse(name)?, secret)
    }

    /// The `key` statement for `named.conf`. It contains the secret: write it to a file that only named and this server can
    /// read.
    pub fn to_statement(&self) -> String {
        self.secret.to_statement(&self.label)
    }

    /// The name, as it is sent.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The name as configuration spells it.
    pub(super) fn label(&self) -> &ConfigText {
        &self.label
    }

    /// The same secret for the control channel.
    pub fn control_key(&self) -> &ControlKey {
        &self.secret
    }

    pub(super) fn signer(&self) -> Arc<tsig::Key> {
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
    /// The statement, the algorithm or the secret.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The name is no domain name.
    #[error("the key's name is no domain name: {0}")]
    Name(#[from] NameError),
    /// The name cannot be written in `named.conf`.
    #[error("the key's name cannot be configured: {0}")]
    Label(#[from] ConfigTextError),
    /// HMAC-SHA-224 serves the control channel only.
    #[error("hmac-sha224 is not supported for updates and transfers: make a key with hmac-sha256")]
    Sha224,
}

/// Why a signature was not accepted, by the nameserver or here.
///
/// What the nameserver says of our signature it says unsigned: it is a hint for the operator, and no proof that the request
/// was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TsigFault {
    /// BADKEY (RFC 8945, section 5.2.1).
    #[error("the nameserver has no key of that name and algorithm")]
    UnknownKey,
    /// BADSIG (RFC 8945, section 5.2.2).
    #[error("the nameserver has another secret under that key's name")]
    WrongSecret,
    /// BADTIME (RFC 8945, section 5.2.3).
    #[error("the nameserver's clock differs from this one by more than 5 minutes")]
    Clock,
    /// The answer carries no signature: it may be anybody's.
    #[error("the answer is not signed")]
    Unsigned,
    /// The answer's signature is wrong: it is somebody else's.
    #[error("the answer's signature is wrong")]
    Forged,
}

impl TsigFault {
    /// What stands behind a failed validation of `answer`.
    pub(super) fn new(error: ValidationError, answer: &Message<Vec<u8>>) -> TsigFault {
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

/// The time as TSIG sends it: 48 bits of seconds since 1970.
pub(super) fn tsig_time(clock: &Clock) -> Time48 {
    let seconds = u64::try_from(clock.now().as_second()).unwrap_or(0);
    Time48::from_u64(seconds & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_tsig_key_is_refused() {
        let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let statement =
            |name: &str, algorithm: &str| format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};");
        for text in [
            String::new(),
            statement("", "hmac-sha256"),
            statement("a..b", "hmac-sha256"),
            statement("k", "hmac-md5"),
            statement("k", "hmac-sha224"),
            statement("k", "hmac-sha256").replace(secret, "!"),
        ] {
            assert!(TsigKey::from_statement(&text).is_err(), "{text}");
        }
        let odd = Name::from_labels([b"a\"b".as_slice()]).unwrap();
        assert!(matches!(TsigKey::generate(odd, Algorithm::Sha256), Err(TsigKeyError::Label(_))));
    }

    #[test]
    fn a_key_comes_back_from_its_statement() {
        for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512] {
            let key = TsigKey::generate(Name::parse("Update.Zonewright").unwrap(), algorithm).unwrap();
            let again = TsigKey::from_statement(&key.to_statement()).unwrap();
            assert_eq!(again, key);
            assert_eq!(again.name().to_string(), "update.zonewright");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = TsigKey::generate(Name::parse("k").unwrap(), Algorithm::Sha256).unwrap();
        assert_eq!(format!("{key:?}"), "TsigKey { name: k., algorithm: Sha256 }");
    }
}
