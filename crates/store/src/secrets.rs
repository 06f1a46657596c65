//! Secrets that a browser presents: the cookie of a session, and what stands in a one-time link.

use std::fmt;

use crate::StoreError;
use crate::tokens::{base64_url, is_base64_url};

/// 256 random bits in the clear. Never stored, and `Debug` does not show them.
#[derive(Clone)]
pub struct PlainSecret(String);

impl PlainSecret {
    pub(crate) fn draw() -> Result<PlainSecret, StoreError> {
        let mut secret = [0u8; 32];
        getrandom::fill(&mut secret).map_err(|_| StoreError::Random)?;
        Ok(PlainSecret(base64_url(&secret)))
    }

    /// What a browser presents, where it can be a secret at all.
    pub fn presented(text: &str) -> Option<PlainSecret> {
        PlainSecret::is_well_formed(text).then(|| PlainSecret(text.to_owned()))
    }

    /// Whether a text can be a secret at all: what cannot is not looked up.
    pub(crate) fn is_well_formed(text: &str) -> bool {
        is_base64_url(text)
    }

    /// The text, for the cookie or the link.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret(..)")
    }
}
