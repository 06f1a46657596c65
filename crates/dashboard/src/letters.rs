//! E-mails that visitors request.
//!
//! An e-mail is prepared in the background, including the lookup of the account: the page has already responded, with the same
//! text and after the same time for every address. It goes to the stored address, never to the submitted one, and its links begin
//! with the operator's `url`, never with the `Host` of the request. Then it waits in the store (`outbox` sends it).

mod outbox;

use std::sync::Arc;

use deploy::Chain;
use jiff::SignedDuration;
use mail::{Letter, Mailer};
use store::{
    Account, AccountId, Actor, Displacement, MailKind, NewMail, Outbox, PlainSecret, QueueMailError, StoreError,
    Timestamp,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::language::Language;
use crate::texts::{minute, say};

/// How long a link that signs in is valid; short, because e-mails may be read later by others.
const RESET_FOR: SignedDuration = SignedDuration::from_hours(1);
/// How long a link to create an account is valid.
const INVITATION_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How long a letter about an account is worth sending.
const NOTICE_FOR: SignedDuration = SignedDuration::from_hours(72);
/// How many letters of one kind are written at a time; each is a few reads and a write.
const WRITERS: usize = 64;

/// How letters leave: they are written in the background, wait in the store, and are sent from there.
#[derive(Debug, Clone)]
pub struct Post {
    mailer: Mailer,
    /// What their links begin with: scheme, host, and a port where it is not the usual one.
    pub(crate) url: String,
    writers: Arc<Writers>,
}

/// Places for those who write letters. Resets have their own, so that nothing else keeps them from being written.
#[derive(Debug)]
struct Writers {
    resets: Arc<Semaphore>,
    others: Arc<Semaphore>,
}

/// A written e-mail, and how long it may be sent.
struct Written {
    account: Option<AccountId>,
    letter: Letter,
    good_for: SignedDuration,
}

impl Post {
    /// Letters over `mailer`, whose links begin with `url`.
    pub fn new(mailer: Mailer, url: String) -> Post {
        let places = || Arc::new(Semaphore::new(WRITERS));
        Post { mailer, url, writers: Arc::new(Writers { resets: places(), others: places() }) }
    }

    /// Connects to the mail server and signs in as for a letter, and sends none.
    pub async fn check(&self) -> Result<(), mail::Failure> {
        self.mailer.check().await
    }

    /// Sends the e-mails queued in the store until `stop`; the rest is sent after the next start.
    pub async fn deliver(&self, outbox: Outbox, stop: CancellationToken) {
        outbox::run(self.mailer.clone(), outbox, stop).await;
    }

    /// Whether e-mails are being written.
    pub fn is_writing(&self) -> bool {
        [&self.writers.resets, &self.writers.others].iter().any(|places| places.available_permits() < WRITERS)
    }

    /// Queues an e-mail to an owner about their account; false if the queue has no room now.
    pub(crate) async fn send(&self, outbox: &Outbox, account: AccountId, letter: Letter) -> Result<bool, StoreError> {
        let written = Written { account: Some(account), letter, good_for: NOTICE_FOR };
        match queue(outbox, MailKind::Notice, written).await {
            // Who gets too much mail has been written to about it.
            Ok(()) | Err(QueueMailError::FullForOne) => Ok(true),
            Err(QueueMailError::Full) => Ok(false),
            Err(QueueMailError::Store(error)) => Err(error),
        }
    }

    /// Tells the owner of a zone that it is to be displaced, in the language in which they last signed in. False where there is no
    /// place for it now.
    pub async fn send_displacement(&self, outbox: &Outbox, displacement: &Displacement) -> Result<bool, StoreError> {
        let Displacement { zone, name, email, language, by_name, due, .. } = displacement;
        let t = Language::of_owner(language.as_deref()).texts();
        let (name, by_name, id) = (name.to_string(), by_name.to_string(), zone.0.to_string());
        let text = match due {
            Some(due) => say(t.letter_displaced_text, &[&by_name, &name, &self.url, &minute(*due), &id]),
            None => say(t.letter_contested_text, &[&name, &self.url]),
        };
        let letter = Letter { to: email.clone(), subject: say(t.letter_displaced, &[&name]), text };
        match queue(outbox, MailKind::Notice, Written { account: None, letter, good_for: NOTICE_FOR }).await {
            Ok(()) => Ok(true),
            Err(QueueMailError::Full | QueueMailError::FullForOne) => Ok(false),
            Err(QueueMailError::Store(error)) => Err(error),
        }
    }
}

/// What pages have of the mail: they can ask for a letter, and not read the queue.
#[derive(Debug)]
pub(crate) struct Letters {
    post: Post,
    outbox: Outbox,
}

impl Letters {
    pub(crate) fn new(post: Post, outbox: Outbox) -> Letters {
        Letters { post, outbox }
    }

    /// Sends a link to the account with that address, to choose a new password, if there is such an account and it is not suspended.
    pub(crate) fn send_reset(&self, request: MailRequest) {
        let (outbox, url) = (self.outbox.clone(), self.post.url.clone());
        self.write(MailKind::Reset, async move { request.reset(&outbox, &url).await });
    }

    /// Sends a link to that address, to create an account; where it has one already, the letter says so.
    pub(crate) fn send_invitation(&self, request: MailRequest) {
        let (outbox, url) = (self.outbox.clone(), self.post.url.clone());
        self.write(MailKind::Invitation, async move { request.invitation(&outbox, &url).await });
    }

    /// Has a letter written in the background and queued. Where there is no place for it the visitor gets the same answer; the log and a
    /// counter say it.
    fn write(&self, kind: MailKind, write: impl Future<Output = Result<Option<Written>, StoreError>> + Send + 'static) {
        let places = if kind == MailKind::Reset { &self.post.writers.resets } else { &self.post.writers.others };
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            outbox::lost("full", 1);
            return tracing::warn!(?kind, "an e-mail is not sent: too many are being written");
        };
        let outbox = self.outbox.clone();
        tokio::spawn(async move {
            let _place = place;
            match write.await {
                Ok(Some(written)) => report(kind, queue(&outbox, kind, written).await),
                Ok(None) => {}
                Err(error) => tracing::error!(error = %Chain(&error), "an e-mail could not be written"),
            }
        });
    }
}

async fn queue(outbox: &Outbox, kind: MailKind, written: Written) -> Result<(), QueueMailError> {
    let Written { account, letter: Letter { to, subject, text }, good_for } = written;
    let now = outbox.now();
    let expires = now.checked_add(good_for).unwrap_or(now);
    outbox.queue_mail(NewMail { kind, account, to, subject, text, expires }).await
}

fn report(kind: MailKind, queued: Result<(), QueueMailError>) {
    match queued {
        Ok(()) => {}
        Err(error @ (QueueMailError::Full | QueueMailError::FullForOne)) => {
            outbox::lost("full", 1);
            tracing::warn!(?kind, %error, "an e-mail is not queued");
        }
        Err(QueueMailError::Store(error)) => {
            tracing::error!(error = %Chain(&error), "an e-mail could not be queued");
        }
    }
}

/// What a visitor requests by submitting an address.
pub(crate) struct MailRequest {
    pub(crate) language: Language,
    pub(crate) by: Actor,
    /// The address as it was typed.
    pub(crate) email: String,
}

impl MailRequest {
    async fn reset(&self, outbox: &Outbox, url: &str) -> Result<Option<Written>, StoreError> {
        let created = outbox.reset_link(&self.email, RESET_FOR, self.by).await?;
        let Some((account, secret)) = created else { return Ok(None) };
        let t = self.language.texts();
        let (until, link) = (minute(until(outbox, RESET_FOR)), link(url, &secret));
        let text = say(t.letter_reset_text, &[&account.email, url, &until, &link]);
        let letter = Letter { to: account.email, subject: t.letter_reset.to_owned(), text };
        Ok(Some(Written { account: Some(account.id), letter, good_for: RESET_FOR }))
    }

    async fn invitation(&self, outbox: &Outbox, url: &str) -> Result<Option<Written>, StoreError> {
        let t = self.language.texts();
        let subject = t.letter_register.to_owned();
        match outbox.invite(&self.email, INVITATION_FOR, self.by).await? {
            Ok(secret) => {
                let (until, link) = (minute(until(outbox, INVITATION_FOR)), link(url, &secret));
                let text = say(t.letter_register_text, &[&self.email, url, &until, &link]);
                let letter = Letter { to: self.email.clone(), subject, text };
                Ok(Some(Written { account: None, letter, good_for: INVITATION_FOR }))
            }
            Err(account) => {
                Ok(account.filter(|account| account.suspended_at.is_none()).map(|Account { id, email, .. }| {
                    let text = say(t.letter_known_text, &[&email, url]);
                    let letter = Letter { to: email, subject, text };
                    Written { account: Some(id), letter, good_for: INVITATION_FOR }
                }))
            }
        }
    }
}

fn until(outbox: &Outbox, good_for: SignedDuration) -> Timestamp {
    let now = outbox.now();
    now.checked_add(good_for).unwrap_or(now)
}

fn link(url: &str, secret: &PlainSecret) -> String {
    format!("{url}/link/{}/", secret.reveal())
}
