//! Sends the e-mails in the store's queue.
//!
//! An e-mail is reserved for longer than an attempt can last, sent, and removed. A crash between the last two steps sends it
//! again with the same message id; SMTP cannot do better (RFC 5321, section 6.1). E-mails that the mail server refuses
//! temporarily are retried with growing pauses until they expire; e-mails that it refuses permanently are dropped.

use std::time::Duration;

use deploy::Chain;
use jiff::SignedDuration;
use mail::{Failure, Letter, Mailer};
use store::{Outbox, QueuedMail, StoreError, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long an e-mail is reserved: longer than an attempt can last.
const LEASE: SignedDuration = SignedDuration::from_secs(mail::ATTEMPT.as_secs() as i64 + 30);
/// How often the queue is checked for e-mails of other processes.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The shortest pause between two looks, for clocks that differ a little.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(20);
/// How long attempts that run may go on when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often the removal of a sent e-mail from the queue is attempted.
const REMOVE_EVERY: Duration = Duration::from_secs(1);

/// Sends letters until `stop`.
pub(super) async fn run(mailer: Mailer, outbox: Outbox, stop: CancellationToken) {
    let mut attempts = JoinSet::new();
    while !stop.is_cancelled() {
        let pause = match start_due(&mailer, &outbox, &mut attempts).await {
            Ok(pause) => pause,
            Err(StoreError::Closed) => break,
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "the mail queue could not be read; retrying");
                LOOK_EVERY
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = outbox.mail_queued() => {}
            Some(_) = attempts.join_next() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    // What is cut off is sent after the next start.
    let _ = tokio::time::timeout(FAREWELL, async { while attempts.join_next().await.is_some() {} }).await;
}

/// Starts an attempt for every e-mail that is due, up to the limit of connections; returns the time until the next one is due.
async fn start_due(mailer: &Mailer, outbox: &Outbox, attempts: &mut JoinSet<()>) -> Result<Duration, StoreError> {
    let waiting = outbox.mail_waiting().await?;
    metrics::gauge!("zonewright_mail_waiting").set(waiting.letters);
    let now = outbox.now();
    let Some(next) = waiting.next else { return Ok(LOOK_EVERY) };
    if next > now {
        return Ok(until(next, now));
    }
    let expired = outbox.drop_expired_mail().await?;
    if expired > 0 {
        lost("expired", expired);
        tracing::warn!(letters = expired, "e-mails could not be sent before they expired and are dropped");
    }
    while attempts.len() < mail::CONNECTIONS {
        let Some(mail) = outbox.take_mail(LEASE).await? else {
            let next = outbox.mail_waiting().await?.next;
            return Ok(next.map_or(LOOK_EVERY, |next| until(next, outbox.now())));
        };
        attempts.spawn(attempt(mailer.clone(), outbox.clone(), mail));
    }
    // One of the attempts that run ends first.
    Ok(LOOK_EVERY)
}

fn until(next: Timestamp, now: Timestamp) -> Duration {
    let pause = Duration::try_from(next.duration_since(now)).unwrap_or_default();
    pause.clamp(LOOK_AT_MOST_EVERY, LOOK_EVERY)
}

async fn attempt(mailer: Mailer, outbox: Outbox, mail: QueuedMail) {
    let QueuedMail { id, message_id, attempt, .. } = mail;
    let letter = Letter { to: mail.to, subject: mail.subject, text: mail.text };
    let outcome = mailer.send(&letter, message_id).await;
    let retry = outcome.as_ref().err().and_then(|failure| retry_at(&mailer, failure, attempt, outbox.now()));
    match (&outcome, retry) {
        (Ok(()), _) => {}
        (Err(failure), Some(_)) => {
            tracing::warn!(error = %failure, attempt, "an e-mail could not be sent and will be retried")
        }
        (Err(failure), None) => {
            lost(if failure.may_pass() { "retries" } else { "refused" }, 1);
            tracing::error!(error = %failure, attempt, "an e-mail is dropped");
        }
    }
    // A sent e-mail must not be sent again, so this is retried until the store has removed it.
    loop {
        let noted = match retry {
            Some(time) => outbox.put_mail_off(id, time).await,
            None => outbox.remove_mail(id).await,
        };
        match noted {
            Ok(()) | Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::error!(error = %Chain(&error), "the result of sending an e-mail could not be stored")
            }
        }
        tokio::time::sleep(REMOVE_EVERY).await;
    }
}

fn retry_at(mailer: &Mailer, failure: &Failure, attempt: u32, now: Timestamp) -> Option<Timestamp> {
    if !failure.may_pass() {
        return None;
    }
    now.checked_add(mailer.retry_after(attempt)?).ok()
}

/// Counts e-mails that are never sent.
pub(super) fn lost(reason: &'static str, letters: usize) {
    metrics::counter!("zonewright_mail_lost_total", "reason" => reason).increment(letters as u64);
}
