//! What is sent by mail.
//!
//! A letter is written in the background, from looking for the account on: the page that asked for it has been answered by then, in
//! the same words and the same time whoever was asked for. It goes to the address that is stored, never to what was typed, and its
//! links begin with the operator's `url`, never with what a request calls the server.

use deploy::Chain;
use jiff::SignedDuration;
use mail::{Letter, Mailer};
use store::{Account, Actor, CreateAccountError, Displacement, PlainSecret, Store, StoreError, Timestamp};

use crate::language::Language;
use crate::page::{minute, say};
use crate::visit::Visit;

/// How long a link into an account is good: letters may lie about.
const RESET_FOR: SignedDuration = SignedDuration::from_hours(1);
/// How long a link is good that leads to making an account.
const INVITATION_FOR: SignedDuration = SignedDuration::from_hours(24);

/// How letters leave.
#[derive(Debug, Clone)]
pub struct Post {
    /// What sends them.
    pub mailer: Mailer,
    /// What their links begin with: scheme, host, and a port where it is not the usual one.
    pub url: String,
}

impl Post {
    /// Sends a link to the account with that address, to choose a new password, if there is such an account and it is not suspended.
    pub(crate) fn send_reset(&self, visit: &Visit, email: &str) {
        let asked = self.asked(visit, email);
        self.post(async move { asked.reset().await });
    }

    /// Sends a link to that address, to make an account; where it has one already, the letter says so.
    pub(crate) fn send_invitation(&self, visit: &Visit, email: &str) {
        let asked = self.asked(visit, email);
        self.post(async move { asked.invitation().await });
    }

    /// Sends a letter; false where too many are under way.
    pub(crate) fn send(&self, letter: Letter) -> bool {
        self.mailer.post(async move { Some(letter) }).is_ok()
    }

    /// Tells the owner of a zone that it is to be displaced, in English: what language they read is not known. False where too many
    /// letters are under way.
    pub fn send_displacement(&self, displacement: &Displacement) -> bool {
        let t = Language::English.texts();
        let Displacement { name, email, due, .. } = displacement;
        let name = name.to_string();
        let text = match due {
            Some(due) => say(t.letter_displaced_text, &[&name, &self.url, &minute(*due)]),
            None => say(t.letter_contested_text, &[&name, &self.url]),
        };
        let letter = Letter { to: email.clone(), subject: say(t.letter_displaced, &[&name]), text };
        self.send(letter)
    }

    fn asked(&self, visit: &Visit, email: &str) -> Asked {
        Asked {
            store: visit.store().clone(),
            url: self.url.clone(),
            language: visit.language,
            by: Actor { account: None, address: visit.origin.address },
            email: email.to_owned(),
        }
    }

    fn post(&self, write: impl Future<Output = Result<Option<Letter>, StoreError>> + Send + 'static) {
        let write = async move {
            write.await.unwrap_or_else(|error| {
                tracing::error!(error = %Chain(&error), "a letter could not be written");
                None
            })
        };
        // Where too many letters are under way the visitor gets the same answer; the log and a counter say it.
        let _ = self.mailer.post(write);
    }
}

/// What somebody asked for, with all that is needed to write it.
struct Asked {
    store: Store,
    url: String,
    language: Language,
    by: Actor,
    email: String,
}

impl Asked {
    async fn reset(&self) -> Result<Option<Letter>, StoreError> {
        let Some(account) = self.store.account_by_email(&self.email).await? else { return Ok(None) };
        let Some(secret) = self.store.create_link(account.id, RESET_FOR, &self.by).await? else { return Ok(None) };
        let t = self.language.texts();
        let (until, link) = (minute(self.until(RESET_FOR)), self.link(&secret));
        let text = say(t.letter_reset_text, &[&account.email, &self.url, &until, &link]);
        Ok(Some(Letter { to: account.email, subject: t.letter_reset.to_owned(), text }))
    }

    async fn invitation(&self) -> Result<Option<Letter>, StoreError> {
        let t = self.language.texts();
        let subject = t.letter_register.to_owned();
        match self.store.invite(&self.email, INVITATION_FOR, &self.by).await {
            Ok(secret) => {
                let (until, link) = (minute(self.until(INVITATION_FOR)), self.link(&secret));
                let text = say(t.letter_register_text, &[&self.email, &self.url, &until, &link]);
                Ok(Some(Letter { to: self.email.clone(), subject, text }))
            }
            Err(CreateAccountError::Exists(_)) => {
                let account = self.store.account_by_email(&self.email).await?;
                Ok(account.filter(|account| account.suspended_at.is_none()).map(|Account { email, .. }| {
                    let text = say(t.letter_known_text, &[&email, &self.url]);
                    Letter { to: email, subject, text }
                }))
            }
            Err(CreateAccountError::Email(_)) => Ok(None),
            Err(CreateAccountError::Store(error)) => Err(error),
        }
    }

    fn link(&self, secret: &PlainSecret) -> String {
        format!("{}/link/{}/", self.url, secret.reveal())
    }

    fn until(&self, good_for: SignedDuration) -> Timestamp {
        let now = self.store.now();
        now.checked_add(good_for).unwrap_or(now)
    }
}
