//! Letters over SMTP: written and delivered in the background.
//!
//! | module | job |
//! |---|---|
//! | `settings` | which server, how it is spoken to, who the letters are from |
//! | `delivery` | one attempt to hand a letter over, and why it failed |
//!
//! Whoever asks for a letter does not wait for it ([`Mailer::post`]), not even for its being written: how long an answer takes must not
//! tell whether there is anybody to write to. So many letters are under way at a time and no more. One that is not taken for now
//! is tried again a few times, with longer and longer pauses; greylisting servers want that. Nothing of a letter is logged: not its
//! recipient, not its text, not the server's words, which repeat the recipient.
//!
//! Decided against: keeping letters in the database until they are delivered (they have secrets in them that are stored as
//! hashes alone; after a restart one asks for another), keeping connections open (letters are rare), and handing them to a `sendmail`
//! program (one more thing that has to be on the machine, and its failures come as mail).

mod delivery;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use delivery::Failure;
pub use settings::{Login, Secret, Security, Sender, Settings};

use delivery::Route;

/// The most letters under way, those that wait for another attempt included: some 1 MB.
const UNDER_WAY: usize = 256;
/// The most connections to the mail server at a time.
const CONNECTIONS: usize = 4;
/// The pauses before a letter is tried again. All in all they are shorter than a link in a letter is good.
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
    /// The address of whoever gets it.
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
    places: Arc<Semaphore>,
    connections: Semaphore,
    stop: CancellationToken,
}

/// Why a mailer could not be made: certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the certificates of authorities cannot be used")]
pub struct SetupError(#[source] lettre::transport::smtp::Error);

/// As many letters are under way as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many letters are under way")]
pub struct TooMany;

impl Mailer {
    /// Reads the machine's certificates of authorities where TLS is wanted; connects to nothing. After `stop`, letters under way
    /// are lost.
    pub fn new(settings: Settings, stop: CancellationToken) -> Result<Mailer, SetupError> {
        let route = Route::new(&settings).map_err(SetupError)?;
        let (places, connections) = (Arc::new(Semaphore::new(UNDER_WAY)), Semaphore::new(CONNECTIONS));
        Ok(Mailer { inner: Arc::new(Inner { settings, route, places, connections, stop }) })
    }

    /// Has a letter written and delivered in the background; `write` gives `None` where there is nobody to write to. Needs a
    /// runtime around it.
    pub fn post(&self, write: impl Future<Output = Option<Letter>> + Send + 'static) -> Result<(), TooMany> {
        let Ok(place) = Arc::clone(&self.inner.places).try_acquire_owned() else {
            lost("full");
            tracing::warn!("a letter is not written: too many are under way");
            return Err(TooMany);
        };
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            let _place = place;
            let Some(letter) = write.await else { return };
            if inner.stop.run_until_cancelled(inner.deliver(&letter)).await.is_none() {
                lost("stopped");
                tracing::warn!("a letter is lost, for the server stops");
            }
        });
        Ok(())
    }

    /// How many letters are under way.
    pub fn under_way(&self) -> usize {
        UNDER_WAY - self.inner.places.available_permits()
    }

    /// Connects and signs in as for a letter, and sends none.
    pub async fn check(&self) -> Result<(), Failure> {
        self.inner.route.check().await
    }
}

impl Inner {
    async fn deliver(&self, letter: &Letter) {
        let message = match self.message(letter) {
            Ok(message) => message,
            Err(reason) => {
                lost("refused");
                return tracing::warn!(reason, "a letter cannot be sent");
            }
        };
        let mut pauses = self.settings.retry_after.iter();
        let mut attempt = 1;
        loop {
            let turn = self.connections.acquire().await;
            let failure = match self.route.hand_over(&message).await {
                Ok(()) => return metrics::counter!("zonewright_mail_sent_total").increment(1),
                Err(failure) => failure,
            };
            drop(turn);
            metrics::counter!("zonewright_mail_failures_total").increment(1);
            let pause = match pauses.next() {
                Some(pause) if failure.may_pass() => *pause,
                _ => {
                    lost(if failure.may_pass() { "retries" } else { "refused" });
                    return tracing::error!(error = %failure, attempt, "a letter is given up");
                }
            };
            tracing::warn!(error = %failure, attempt, seconds = pause.as_secs(), "a letter is tried again later");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// The letter as it is sent; an error says in general words what is wrong with it.
    fn message(&self, letter: &Letter) -> Result<Message, &'static str> {
        let to = letter.to.parse().map_err(|_| "its address is none that mail can be sent to")?;
        let sender = self.settings.sender.mailbox();
        let id = format!("<{}@{}>", Uuid::now_v7(), sender.email.domain());
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

fn lost(reason: &'static str) {
    metrics::counter!("zonewright_mail_lost_total", "reason" => reason).increment(1);
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
        Mailer::new(settings, CancellationToken::new()).unwrap()
    }

    fn written(to: &str, subject: &str, text: &str) -> Result<String, &'static str> {
        let letter = Letter { to: to.to_owned(), subject: subject.to_owned(), text: text.to_owned() };
        let message = mailer().inner.message(&letter)?;
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
            "Message-ID: <",
            "Date: ",
        ] {
            assert!(head.lines().any(|found| found.starts_with(line)), "{line:?} is missing in\n{head}");
        }
        assert!(head.contains("@example.net>") && body.contains("/link/abc/"), "{letter}");
        assert!(letter.is_ascii(), "{letter}");
    }
}
