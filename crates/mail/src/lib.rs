//! E-mails over SMTP.
//!
//! | module | purpose |
//! |---|---|
//! | `settings` | the mail server, the connection to it, and the sender |
//! | `delivery` | one attempt to send an e-mail, and why it failed |
//!
//! This crate writes an e-mail as a message and makes one attempt to send it. E-mails wait in the store's queue, and `dashboard`
//! takes them from there, so that this crate does not depend on SQL. Nothing of an e-mail is logged: not its recipient, not its
//! text, and not the server's responses, which repeat the recipient.
//!
//! Decided against: keeping connections open (e-mails are rare), and passing e-mails to a `sendmail` program (which would have to
//! be installed, and reports its failures by e-mail).

mod delivery;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use tokio::sync::Semaphore;
use uuid::Uuid;

pub use delivery::{ATTEMPT, Failure};
pub use settings::{Login, Secret, Security, Sender, Settings};

use delivery::Route;

/// The most connections to the mail server at a time.
pub const CONNECTIONS: usize = 4;
/// The pauses before retries of an e-mail; the last one is repeated until the e-mail expires.
pub const RETRY_AFTER: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
    Duration::from_secs(1200),
];

/// A letter in plain text.
#[derive(Clone)]
pub struct Letter {
    /// The recipient's address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Lines with `\n` between.
    pub text: String,
}

/// What sends letters. Clones share one.
#[derive(Debug, Clone)]
pub struct Mailer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    route: Route,
    connections: Semaphore,
}

/// Why a mailer could not be made: certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the certificates of authorities cannot be used")]
pub struct SetupError(#[source] lettre::transport::smtp::Error);

impl Mailer {
    /// Reads the machine's certificates of authorities where TLS is wanted; connects to nothing.
    pub fn new(settings: Settings) -> Result<Mailer, SetupError> {
        let route = Route::new(&settings).map_err(SetupError)?;
        Ok(Mailer { inner: Arc::new(Inner { settings, route, connections: Semaphore::new(CONNECTIONS) }) })
    }

    /// Makes one attempt to hand a letter over; it ends within [`ATTEMPT`] of its turn. `id` is the same for every attempt, so that
    /// who gets the letter twice can know it again.
    pub async fn send(&self, letter: &Letter, id: Uuid) -> Result<(), Failure> {
        let message = self.inner.message(letter, id).map_err(Failure::Malformed)?;
        // Nothing closes it.
        let _turn = self.inner.connections.acquire().await;
        let outcome = self.inner.route.hand_over(&message).await;
        match outcome {
            Ok(()) => metrics::counter!("zonewright_mail_sent_total").increment(1),
            Err(_) => metrics::counter!("zonewright_mail_failures_total").increment(1),
        }
        outcome
    }

    /// The pause after this failed attempt, counted from 1; `None`: the e-mail is dropped.
    pub fn retry_after(&self, attempt: u32) -> Option<Duration> {
        let pauses = &self.inner.settings.retry_after;
        let index = usize::try_from(attempt).unwrap_or(usize::MAX).saturating_sub(1);
        pauses.get(index).or(pauses.last()).copied()
    }

    /// Connects and signs in as for a letter, and sends none.
    pub async fn check(&self) -> Result<(), Failure> {
        self.inner.route.check().await
    }
}

impl Inner {
    /// The letter as it is sent; an error says in general words what is wrong with it.
    fn message(&self, letter: &Letter, id: Uuid) -> Result<Message, &'static str> {
        let to = letter.to.parse().map_err(|_| "its address is none that mail can be sent to")?;
        let sender = self.settings.sender.mailbox();
        let id = format!("<{id}@{}>", sender.email.domain());
        // Programs that answer mail by themselves do not answer this (RFC 3834, section 5).
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(letter.text.clone());
        Message::builder()
            .from(sender.clone())
            .to(Mailbox::new(None, to))
            .subject(&letter.subject)
            .message_id(Some(id))
            .raw_header(automatic)
            .singlepart(text)
            .map_err(|_| "it is no message")
    }
}

/// Nothing of it: there is a secret in it.
impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letter(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        let settings = Settings {
            server: "127.0.0.1".to_owned(),
            port: 1,
            security: Security::None,
            login: Some(Login { user: "dns".to_owned(), password: Secret::new("hunter2") }),
            sender: "Zonewright <dns@example.net>".parse().unwrap(),
            authorities: None,
            host: "dns.example.net".to_owned(),
            retry_after: Vec::new(),
        };
        Mailer::new(settings).unwrap()
    }

    fn written(to: &str, subject: &str, text: &str) -> Result<String, &'static str> {
        let letter = Letter { to: to.to_owned(), subject: subject.to_owned(), text: text.to_owned() };
        let message = mailer().inner.message(&letter, Uuid::nil())?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn nothing_that_is_secret_is_shown() {
        let letter = Letter { to: "ann@example.com".to_owned(), subject: "s".to_owned(), text: "secret".to_owned() };
        let shown = format!("{:?} {letter:?}", mailer());
        for secret in ["hunter2", "ann@", "secret"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("dns.example.net"), "{shown}");
    }

    #[test]
    fn an_address_or_a_subject_adds_no_header() {
        for to in ["ann@example.com\r\nBcc: eve@example.org", "ann@example.com, eve@example.org", "ann", "", "<a@b>\n"]
        {
            assert!(written(to, "Hello", "text").is_err(), "{to:?}");
        }
        let letter = written("ann@example.com", "Hello\r\nBcc: eve@example.org", "text").unwrap();
        assert!(!letter.lines().any(|line| line.starts_with("Bcc")), "{letter}");
    }

    #[test]
    fn a_letter_is_plain_text_that_no_program_answers() {
        let letter = written("ann@example.com", "Contraseña", "Línea\nhttps://dns.example.net/link/abc/\n").unwrap();
        let (head, body) = letter.split_once("\r\n\r\n").unwrap();
        for line in [
            "From: Zonewright <dns@example.net>",
            "To: ann@example.com",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Auto-Submitted: auto-generated",
            "Subject: =?utf-8?",
            "Message-ID: <00000000-0000-0000-0000-000000000000@example.net>",
            "Date: ",
        ] {
            assert!(head.lines().any(|found| found.starts_with(line)), "{line:?} is missing in\n{head}");
        }
        assert!(body.contains("/link/abc/"), "{letter}");
        assert!(letter.is_ascii(), "{letter}");
    }
}
