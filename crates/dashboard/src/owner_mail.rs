//! E-mails to owners about events of their accounts: a sign-in from a new browser, a new password, two-factor authentication
//! turned off, a new token, guessed codes.
//!
//! It follows the audit log (`store::OwnerNotice`), so that the running server also sends e-mails about the operator's commands.
//! An e-mail is in the language of the owner's last sign-in, and links only to the server's own pages.

use std::collections::HashMap;
use std::time::Duration;

use deploy::Chain;
use jiff::SignedDuration;
use mail::Letter;
use store::{AccountId, EventId, EventKind, Outbox, OwnerNotice, StoreError, Timestamp};

use crate::language::Language;
use crate::letters::Post;
use crate::pages::account::known_browser;
use crate::texts::{minute, say};

/// How often the audit log is checked.
const EVERY: Duration = Duration::from_secs(1);
/// Older events are not mailed: mail was configured later, or the server was down for long.
const TOO_OLD: SignedDuration = SignedDuration::from_hours(24);
/// For so long after an account was created, a new browser is what is to be expected.
const NEW_ACCOUNT: SignedDuration = SignedDuration::from_mins(10);
/// The most e-mails of this kind that an account gets in an hour.
const PER_HOUR: u32 = 10;

/// Writes to owners for ever.
pub(crate) async fn follow(post: &Post, outbox: &Outbox) {
    let mut writer = Writer { post, outbox, after: None, written: HashMap::new() };
    loop {
        if let Err(error) = writer.step().await {
            tracing::error!(error = %Chain(&error), "e-mails to owners could not be written; retrying");
        }
        tokio::time::sleep(EVERY).await;
    }
}

struct Writer<'a> {
    post: &'a Post,
    outbox: &'a Outbox,
    /// The last processed event.
    after: Option<EventId>,
    /// How many letters an account got since when.
    written: HashMap<AccountId, (Timestamp, u32)>,
}

impl Writer<'_> {
    /// Writes about what is new.
    async fn step(&mut self) -> Result<(), StoreError> {
        let (post, outbox) = (self.post, self.outbox);
        let mut after = match self.after {
            Some(after) => after,
            None => outbox.owners_written_to().await?,
        };
        loop {
            let (notices, until) = outbox.owner_notices(after).await?;
            if until == after {
                self.after = Some(after);
                return Ok(());
            }
            let mut reached = until;
            for notice in &notices {
                let letter = || letter(notice, &post.url);
                if self.is_due(notice) && !post.send(outbox, notice.account, letter()).await? {
                    // There is no place in the queue: this one is written later.
                    reached = EventId(notice.id.0 - 1);
                    break;
                }
            }
            if !notices.is_empty() {
                outbox.note_owners_written_to(reached).await?;
            }
            self.after = Some(reached);
            if reached != until {
                return Ok(());
            }
            after = reached;
        }
    }

    /// Whether to write an e-mail, which is counted.
    fn is_due(&mut self, notice: &OwnerNotice) -> bool {
        let now = self.outbox.now();
        let since = |time: Timestamp| now.duration_since(time);
        let is_expected =
            notice.kind == EventKind::NewBrowser && notice.time.duration_since(notice.account_created_at) < NEW_ACCOUNT;
        // The account of the first start, admin@localhost, has no mailbox.
        let has_mailbox = !notice.email.to_ascii_lowercase().ends_with("@localhost");
        if is_expected || !has_mailbox || since(notice.time) > TOO_OLD {
            return false;
        }
        let hour = SignedDuration::from_hours(1);
        self.written.retain(|_, (first, _)| since(*first).abs() < hour);
        let (_, count) = self.written.entry(notice.account).or_insert((now, 0));
        *count = count.saturating_add(1);
        if *count == PER_HOUR + 1 {
            tracing::warn!(
                account = notice.account.number(),
                "an owner has reached the limit of e-mails for this hour"
            );
        }
        *count <= PER_HOUR
    }
}

fn letter(notice: &OwnerNotice, url: &str) -> Letter {
    let language = Language::of_owner(notice.language.as_deref());
    let t = language.texts();
    let (subject, text) = match notice.kind {
        EventKind::PasswordSet => (t.letter_password, t.letter_password_text),
        EventKind::SecondFactorOff => (t.letter_codes_off, t.letter_codes_off_text),
        EventKind::TokenMade => (t.letter_token, t.letter_token_text),
        EventKind::CodesGuessed => (t.letter_guessed, t.letter_guessed_text),
        // `OwnerNotice::KINDS` has no others.
        _ => (t.letter_browser, t.letter_browser_text),
    };
    let mut text = say(text, &[&notice.email, url, &notice.detail]);
    text.push_str(&format!("\n{}\n", say(t.letter_when, &[&minute(notice.time)])));
    if let Some(address) = notice.address.filter(|_| notice.by_owner) {
        text.push_str(&format!("{}\n", say(t.letter_where, &[&address.to_string()])));
    }
    // What a browser calls itself could be any text: only names that we know are shown.
    if let Some(browser) = known_browser(&notice.detail).filter(|_| notice.kind == EventKind::NewBrowser) {
        text.push_str(&format!("{}\n", say(t.letter_which, &[&browser])));
    }
    let end = if notice.by_owner { t.letter_not_you } else { t.letter_by_operator };
    text.push_str(&format!("\n{}\n", say(end, &[url])));
    Letter { to: notice.email.clone(), subject: subject.to_owned(), text }
}
