//! Known browsers: those in which an owner has completed a sign-in, with password and code.
//!
//! The browser has a cookie with a random secret; the store has its hash. Guesses from other browsers do not delay known ones, and
//! an owner gets an e-mail about a sign-in from an unknown browser. Each sign-in gives the browser a new secret, so a secret that was
//! planted or copied before is worthless afterwards. A known browser still needs password and code.
//!
//! Decided against: a signed cookie. It needs a key that outlives restarts and stays secret, and it cannot be revoked when a
//! password is changed. A row can, and needs no key.

use super::db::{Connection, params};
use super::readers::Size;
use super::tokens::hash;
use super::writer::Work;
use super::{accounts, events, sessions};
use crate::*;

/// The most browsers that are known to an account, and the most accounts that a browser is known to.
const MOST: u32 = 20;

fn oldest(now: Timestamp) -> i64 {
    now.checked_sub(KNOWN_FOR).unwrap_or(Timestamp::MIN).as_millisecond()
}

/// Whether the browser with this secret is known to the account.
pub(super) fn is_known(
    connection: &Connection,
    account: AccountId,
    secret: Option<&PlainSecret>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(secret) = secret else { return Ok(false) };
    let sql = "SELECT 1 FROM known_browsers WHERE hash = ?1 AND account = ?2 AND last_used > ?3";
    connection.exists(sql, params![hash(secret.reveal()), account.0, oldest(now)])
}

/// Makes the browser known to the account whose owner signs in there, under a new secret. Where it was not known, the trail says
/// so, and the owner gets mail.
pub(super) fn remember(
    work: &Work,
    account: AccountId,
    origin: &Origin,
    by: &Actor,
) -> Result<PlainSecret, StoreError> {
    let (connection, now, new) = (&work.connection, work.now(), PlainSecret::draw()?);
    let was_known = is_known(connection, account, origin.browser.as_ref(), now)?;
    if let Some(old) = &origin.browser {
        connection
            .prepare_cached("UPDATE known_browsers SET hash = ?2 WHERE hash = ?1")?
            .execute(params![hash(old.reveal()), hash(new.reveal())])?;
    }
    let hash = hash(new.reveal());
    connection
        .prepare_cached(
            "INSERT INTO known_browsers (hash, account, created, last_used) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (hash, account) DO UPDATE SET last_used = excluded.last_used, failures = 0",
        )?
        .execute(params![hash, account.0, now.as_millisecond()])?;
    connection
        .prepare_cached(
            "DELETE FROM known_browsers WHERE account = ?1 AND hash IN (
                 SELECT hash FROM known_browsers INDEXED BY known_browsers_of_account
                 WHERE account = ?1 ORDER BY last_used DESC LIMIT 9223372036854775807 OFFSET ?2)",
        )?
        .execute(params![account.0, MOST])?;
    connection
        .prepare_cached(
            "DELETE FROM known_browsers WHERE hash = ?1 AND account IN (
                 SELECT account FROM known_browsers WHERE hash = ?1 ORDER BY last_used DESC LIMIT 9223372036854775807 OFFSET ?2)",
        )?
        .execute(params![hash, MOST])?;
    if !was_known {
        events::insert(work, by, EventKind::NewBrowser, Some(account), &sessions::short_agent(origin))?;
    }
    Ok(new)
}

/// Counts a wrong code; a browser with [`CODES_PER_SESSION`] in a row is not known to the account any more.
pub(super) fn note_wrong_code(work: &Work, account: AccountId, secret: &PlainSecret) -> Result<(), StoreError> {
    let hash = hash(secret.reveal());
    work.connection
        .prepare_cached("UPDATE known_browsers SET failures = failures + 1 WHERE hash = ?1 AND account = ?2")?
        .execute(params![hash, account.0])?;
    work.connection
        .prepare_cached("DELETE FROM known_browsers WHERE hash = ?1 AND account = ?2 AND failures >= ?3")?
        .execute(params![hash, account.0, CODES_PER_SESSION])?;
    Ok(())
}

/// Forgets the account's browsers but one.
pub(super) fn forget(work: &Work, account: AccountId, but: Option<&PlainSecret>) -> Result<(), StoreError> {
    let but = but.map(|secret| hash(secret.reveal()));
    work.connection
        .prepare_cached("DELETE FROM known_browsers WHERE account = ?1 AND hash IS DISTINCT FROM ?2")?
        .execute(params![account.0, but])?;
    Ok(())
}

/// Forgets some browsers that were not used for [`KNOWN_FOR`]; how many.
pub(super) fn forget_old(work: &Work, step: usize) -> Result<usize, StoreError> {
    let sql = "DELETE FROM known_browsers WHERE (hash, account) IN (
                   SELECT hash, account FROM known_browsers INDEXED BY known_browsers_by_use WHERE last_used <= ?1 LIMIT ?2)";
    Ok(work.connection.prepare_cached(sql)?.execute(params![oldest(work.now()), step as i64])?)
}

impl People {
    /// The account of that address, where the browser is known to it.
    pub async fn account_of_known_browser(
        &self,
        email: &str,
        browser: Option<&PlainSecret>,
    ) -> Result<Option<AccountId>, StoreError> {
        let Some(browser) = browser.cloned() else { return Ok(None) };
        let (now, email) = (self.store.now(), email.to_owned());
        let read = move |connection: &Connection| {
            let Some(account) = accounts::by_email(connection, &email)? else { return Ok(None) };
            Ok(is_known(connection, account.id, Some(&browser), now)?.then_some(account.id))
        };
        self.store.inner.readers.run(Size::Small, read).await
    }
}
