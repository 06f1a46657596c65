//! The queue of mail. At most a few thousand short rows, so that counting them costs nothing.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::db::{Connection, ToValue, params, value};
use super::readers::Size;
use super::rows::Place;
use super::writer::Work;
use crate::sealing::Purpose;
use crate::*;

/// What is sealed of a letter.
#[derive(Serialize, Deserialize)]
struct Sealed {
    message_id: Uuid,
    to: String,
    subject: String,
    text: String,
}

fn queue(work: &Work, mail: NewMail) -> Result<(), QueueMailError> {
    let recipient = mail.to.to_lowercase();
    let count = |sql: &str, values: &[&dyn ToValue]| work.connection.one(sql, values, value::<u32>);
    let kind = mail.kind as u8;
    if count("SELECT count(*) FROM mails WHERE kind = ?1 AND recipient = ?2", params![kind, recipient])?
        >= mail.kind.places_of_one()
    {
        return Err(QueueMailError::FullForOne);
    }
    if count("SELECT count(*) FROM mails WHERE kind = ?1", params![kind])? >= mail.kind.places() {
        return Err(QueueMailError::Full);
    }
    Ok(insert(work, &mail, &recipient)?)
}

fn insert(work: &Work, mail: &NewMail, recipient: &str) -> Result<(), StoreError> {
    let now = work.now();
    // The row's number is part of what the letter is sealed with.
    let id = work.connection.insert(
        "INSERT INTO mails (kind, account, recipient, created, due, expires, attempts, letter)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5, 0, ?6) RETURNING id",
        params![
            mail.kind as u8,
            mail.account.map(|account| account.0),
            recipient,
            now.as_millisecond(),
            mail.expires.as_millisecond(),
            [0_u8; 0],
        ],
    )?;
    let NewMail { to, subject, text, .. } = mail.clone();
    let letter = Sealed { message_id: work.shared.rules.new_id(), to, subject, text };
    let letter = serde_json::to_vec(&letter).map_err(|_| StoreError::Bug("mail without a JSON form"))?;
    let letter = work.shared.secrets.seal(Purpose::Mail, id, &letter)?;
    work.connection.prepare_cached("UPDATE mails SET letter = ?2 WHERE id = ?1")?.execute(params![id, letter])?;
    Ok(())
}

fn take(work: &Work, lease: SignedDuration) -> Result<Option<QueuedMail>, StoreError> {
    let now = work.now();
    let again = now.checked_add(lease).unwrap_or(now);
    let sql = "UPDATE mails SET due = ?2, attempts = attempts + 1
         WHERE id = (SELECT id FROM mails WHERE due <= ?1 AND expires > ?1 ORDER BY kind, due, id LIMIT 1)
         RETURNING id, letter, attempts, expires";
    let taken = work.connection.optional(sql, params![now.as_millisecond(), again.as_millisecond()], |row| {
        let id: i64 = row.get("id")?;
        let expires = Place { table: "mails", row: id }.time("expires", row.get("expires")?)?;
        Ok((id, row.get::<_, Vec<u8>>("letter")?, row.get("attempts")?, expires))
    })?;
    let Some((id, sealed, attempt, expires)) = taken else { return Ok(None) };
    let letter = work.shared.secrets.open(Purpose::Mail, id, &sealed);
    let letter = letter.and_then(|letter| serde_json::from_slice::<Sealed>(&letter).ok());
    let Some(letter) = letter else {
        // One damaged letter must not hold up all others.
        remove(work, MailId(id))?;
        tracing::error!(mail = id, "a letter in the queue is damaged, and is dropped");
        return take(work, lease);
    };
    let Sealed { message_id, to, subject, text } = letter;
    Ok(Some(QueuedMail { id: MailId(id), message_id, to, subject, text, attempt, expires }))
}

fn remove(work: &Work, id: MailId) -> Result<(), StoreError> {
    work.connection.prepare_cached("DELETE FROM mails WHERE id = ?1")?.execute([id.0])?;
    Ok(())
}

/// Drops what is too late to be sent; how many letters.
pub(super) fn drop_expired(work: &Work) -> Result<usize, StoreError> {
    let now = work.now().as_millisecond();
    Ok(work.connection.prepare_cached("DELETE FROM mails WHERE expires <= ?1")?.execute([now])?)
}

/// Drops the resets that wait for an account: their links are taken back.
pub(super) fn drop_resets_of(work: &Work, account: AccountId) -> Result<(), StoreError> {
    let sql = "DELETE FROM mails WHERE account = ?1 AND kind = 1";
    work.connection.prepare_cached(sql)?.execute([account.0])?;
    Ok(())
}

/// Drops everything that waits for an account.
pub(super) fn drop_all_of(work: &Work, account: AccountId) -> Result<(), StoreError> {
    work.connection.prepare_cached("DELETE FROM mails WHERE account = ?1")?.execute([account.0])?;
    Ok(())
}

fn waiting(connection: &Connection) -> Result<MailWaiting, StoreError> {
    let sql = "SELECT count(*) AS letters, min(CASE WHEN due < expires THEN due ELSE expires END) AS next FROM mails";
    let (letters, next): (u32, Option<i64>) =
        connection.one(sql, [], |row| Ok((row.get("letters")?, row.get("next")?)))?;
    let next = Place { table: "mails", row: 0 }.time_or_none("due", next)?;
    Ok(MailWaiting { letters, next })
}

impl Outbox {
    /// Queues a letter; it is stored when this returns. Which process sends it does not matter.
    pub async fn queue_mail(&self, mail: NewMail) -> Result<(), QueueMailError> {
        let queued = self.store.inner.writer.run(move |work| queue(work, mail)).await;
        self.store.inner.shared.mail_queued.notify_one();
        queued
    }

    /// Resolves when this process has queued a letter since it was last asked.
    pub async fn mail_queued(&self) {
        self.store.inner.shared.mail_queued.notified().await;
    }

    /// How many letters wait, and until when there is nothing to do for them.
    pub async fn mail_waiting(&self) -> Result<MailWaiting, StoreError> {
        self.store.inner.readers.run(Size::Small, waiting).await
    }

    /// Takes the next letter that is due. It becomes due again after `lease`, unless it was removed or put off by then.
    pub async fn take_mail(&self, lease: SignedDuration) -> Result<Option<QueuedMail>, StoreError> {
        self.store.inner.writer.run(move |work| take(work, lease)).await
    }

    /// Removes a letter: it was sent, or given up.
    pub async fn remove_mail(&self, id: MailId) -> Result<(), StoreError> {
        self.store.inner.writer.run(move |work| remove(work, id)).await
    }

    /// Puts a letter off.
    pub async fn put_mail_off(&self, id: MailId, until: Timestamp) -> Result<(), StoreError> {
        let put_off = move |work: &Work| -> Result<(), StoreError> {
            let sql = "UPDATE mails SET due = ?2 WHERE id = ?1";
            work.connection.prepare_cached(sql)?.execute(params![id.0, until.as_millisecond()])?;
            Ok(())
        };
        self.store.inner.writer.run(put_off).await
    }

    /// Drops the letters that are too late to be sent; how many.
    pub async fn drop_expired_mail(&self) -> Result<usize, StoreError> {
        self.store.inner.writer.run(drop_expired).await
    }
}
