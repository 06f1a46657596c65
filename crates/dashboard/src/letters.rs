//! What is sent by mail.
//!
//! A letter is written in the background, from looking for the account on: the page that asked for it has been answered by then, in
//! the same words and the same time whoever was asked for. It goes to the address that is stored, never to what was typed, and its
//! links begin with the operator's `url`, never with what a request calls the server.

use deploy::Chain;
use jiff::SignedDuration;
use mail::{Letter, Mailer};
use store::{Account, Actor, PlainSecret, Store, StoreError};

use crate::language::Language;
use crate::page::{minute, say};
use crate::visit::Visit;

/// How long a link in a letter is good: letters may lie about.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(1);

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
        let reset = Reset {
            store: visit.store().clone(),
            url: self.url.clone(),
            language: visit.language,
            by: Actor { account: None, address: visit.origin.address },
            email: email.to_owned(),
        };
        // Where too many letters are under way the visitor gets the same answer; the log and a counter say it.
        let _ = self.mailer.post(reset.write());
    }
}

/// What is needed to write the letter with a link for a new password.
struct Reset {
    store: Store,
    url: String,
    language: Language,
    by: Actor,
    email: String,
}

impl Reset {
    async fn write(self) -> Option<Letter> {
        match self.link().await {
            Ok(found) => found.map(|(account, secret)| self.letter(account, &secret)),
            Err(error) => {
                tracing::error!(error = %Chain(&error), "a letter could not be written");
                None
            }
        }
    }

    async fn link(&self) -> Result<Option<(Account, PlainSecret)>, StoreError> {
        let Some(account) = self.store.account_by_email(&self.email).await? else { return Ok(None) };
        let secret = self.store.create_link(account.id, GOOD_FOR, &self.by).await?;
        Ok(secret.map(|secret| (account, secret)))
    }

    fn letter(&self, account: Account, secret: &PlainSecret) -> Letter {
        let t = self.language.texts();
        let now = self.store.now();
        let until = minute(now.checked_add(GOOD_FOR).unwrap_or(now));
        let link = format!("{}/link/{}/", self.url, secret.reveal());
        let text = say(t.letter_reset_text, &[&account.email, &self.url, &until, &link]);
        Letter { to: account.email, subject: t.letter_reset.to_owned(), text }
    }
}
