//! The mail server, the connection to it, and the sender.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use lettre::message::Mailbox;

/// How letters leave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The mail server's name or address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is secret.
    pub security: Security,
    /// Where the server wants to know who sends.
    pub login: Option<Login>,
    /// The sender.
    pub sender: Sender,
    /// Certificates (PEM) of authorities that are trusted besides those of the machine.
    pub authorities: Option<Vec<u8>>,
    /// This server's own name, for the greeting (RFC 5321, section 4.1.4).
    pub host: String,
    /// The pauses before retries of an e-mail; the last one is repeated. If empty, an e-mail is dropped after one attempt.
    pub retry_after: Vec<Duration>,
}

/// How the connection to the mail server is encrypted. If TLS is required and unavailable, mail is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first octet on (RFC 8314).
    Implicit,
    /// TLS after the greeting (RFC 3207).
    StartTls,
    /// None: for a server on this machine.
    None,
}

impl Security {
    /// The port where servers usually speak like this.
    pub fn usual_port(self) -> u16 {
        match self {
            Security::Implicit => 465,
            Security::StartTls => 587,
            Security::None => 25,
        }
    }
}

/// Who sends, as the mail server knows it.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The sender: an address, with or without a name (`Zonewright <dns@example.net>`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl Sender {
    /// The part of the address after the `@`.
    pub fn domain(&self) -> &str {
        self.0.email.domain()
    }

    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.0
    }
}

/// A text that is no sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a valid e-mail address")]
pub struct NoSender;

impl FromStr for Sender {
    type Err = NoSender;

    fn from_str(text: &str) -> Result<Sender, NoSender> {
        if text.chars().any(char::is_control) {
            return Err(NoSender);
        }
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>') {
            None => ("", text),
            Some(rest) => rest.rsplit_once('<').ok_or(NoSender)?,
        };
        let name = Some(name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty());
        Ok(Sender(Mailbox::new(name, address.trim().parse().map_err(|_| NoSender)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for text in [
            "",
            "dns",
            "dns@",
            "@example.net",
            "a b <dns@example.net",
            "dns@example.net\r\nBcc: eve@example.org",
            "a@b, c@d",
            "dns@b>",
        ] {
            assert_eq!(text.parse::<Sender>(), Err(NoSender), "{text:?}");
        }
        for text in ["dns@example.net", "Zonewright <dns@example.net>", "root@localhost"] {
            assert!(text.parse::<Sender>().is_ok(), "{text:?}");
        }
    }
}
