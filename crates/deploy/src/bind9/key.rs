//! TSIG keys as `key` statements of `named.conf`.
//!
//! The control channel's key uses the same statement, although its name is not sent. So one secret can serve as both, as
//! `rndc.key` often does.

use dns::Name;
use wire::tsig::{TsigKey, TsigKeyError};

use super::control::{ControlKey, KeyError, read_statement};
use crate::config_text::ConfigText;

/// Reads one `key` statement, with nothing beside it but comments.
///
/// # Errors
///
/// See [`KeyStatementError`].
pub fn read(text: &str) -> Result<TsigKey, KeyStatementError> {
    let (name, key) = read_statement(text)?;
    let name = Name::parse(name).map_err(TsigKeyError::from)?;
    Ok(TsigKey::new(name, key.secret().clone())?)
}

/// The `key` statement for `named.conf`. It contains the secret: write it to a file that only named and this server can read.
pub fn statement(key: &TsigKey) -> String {
    ControlKey::from(key).to_statement(&label(key))
}

/// The key's name as configuration spells it, quotes included.
#[expect(clippy::expect_used, reason = "no key has a name that needs escapes")]
pub(super) fn label(key: &TsigKey) -> ConfigText {
    ConfigText::new(&key.name().to_string()).expect("a plain text")
}

/// Why a text is no TSIG key. No message contains the secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyStatementError {
    /// The statement, the algorithm or the secret.
    #[error(transparent)]
    Statement(#[from] KeyError),
    /// The name, or an algorithm that TSIG does not use.
    #[error(transparent)]
    Key(#[from] TsigKeyError),
}

#[cfg(test)]
mod tests {
    use wire::secret::Algorithm;

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
            assert!(read(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_comes_back_from_its_statement() {
        for algorithm in [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512] {
            let key = TsigKey::generate(Name::parse("Update.Zonewright").unwrap(), algorithm).unwrap();
            let again = read(&statement(&key)).unwrap();
            assert_eq!(again, key);
            assert_eq!(again.name().to_string(), "update.zonewright");
        }
    }
}
