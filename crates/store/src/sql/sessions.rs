//! Sessions: beginning, using, listing and ending them.

use super::accounts::{AFTER_ACCOUNT, account, account_columns};
use super::columns::columns;
use super::db::{Connection, Row, params, value};
use super::readers::Size;
use super::rows::Place;
use super::tokens::hash;
use super::writer::Work;
use super::{events, identities, known_browsers};
use crate::*;

/// How often the use of a session is noted.
const NOTE_EVERY_MS: i64 = 60_000;
/// How much of what the browser says it is, is kept.
const AGENT_LENGTH: usize = 200;

// What [`session`] reads, of a table or alias named `s`.
columns! {
    session_columns, SessionColumns of "s": id, account, hash, created, last_seen, expires, proved, waits, address, agent
}
const SESSION_COLUMNS: SessionColumns = SessionColumns::after(0);
const SESSION_AFTER_ACCOUNT: SessionColumns = SessionColumns::after(AFTER_ACCOUNT);

fn session(row: &Row<'_>, columns: &SessionColumns) -> Result<Session, StoreError> {
    let id: i64 = row.get(columns.id)?;
    let place = Place { table: "sessions", row: id };
    Ok(Session {
        id: SessionId(id),
        account: AccountId(row.get(columns.account)?),
        created_at: place.time("created", row.get(columns.created)?)?,
        last_seen_at: place.time("last_seen", row.get(columns.last_seen)?)?,
        expires_at: place.time("expires", row.get(columns.expires)?)?,
        proved_at: place.time_or_none("proved", row.get(columns.proved)?)?,
        waits_for_code: row.get(columns.waits)?,
        address: place.address("address", row.get(columns.address)?)?,
        agent: row.get(columns.agent)?,
    })
}

/// What the browser says it is, in one line of bounded length.
pub(super) fn short_agent(origin: &Origin) -> String {
    origin.agent.chars().filter(|c| !c.is_control() && !dns::is_invisible(*c)).take(AGENT_LENGTH).collect()
}

/// A sign-in that is complete, or still lacks its code: the session, and what is stored with it.
pub(super) fn sign_in(
    work: &Work,
    account: Account,
    waits_for_code: bool,
    origin: &Origin,
    secret: PlainSecret,
) -> Result<NewSession, StoreError> {
    let session = begin(work, &account, waits_for_code, origin, &secret)?;
    let browser = if waits_for_code {
        None
    } else {
        let by = actor(&session, origin);
        events::insert(work, &by, EventKind::SignedIn, Some(account.id), "")?;
        if let Some(language) = origin.language {
            work.connection
                .prepare_cached("UPDATE accounts SET language = ?2 WHERE id = ?1 AND language IS DISTINCT FROM ?2")?
                .execute(params![account.id.0, language])?;
        }
        Some(known_browsers::remember(work, account.id, origin, &by)?)
    };
    Ok(NewSession { session, account, secret, browser })
}

/// Begins a session in the open transaction, for an account that was just read there.
fn begin(
    work: &Work,
    account: &Account,
    waits_for_code: bool,
    origin: &Origin,
    secret: &PlainSecret,
) -> Result<Session, StoreError> {
    let now = work.now();
    let lasts = if waits_for_code { WAIT_FOR_CODE } else { SESSION };
    let expires_at = now.checked_add(lasts).unwrap_or(now);
    let agent = short_agent(origin);
    // Whoever gave a password, and lacks the code, has proved nothing yet.
    let proved_at = (!waits_for_code).then_some(now);
    let id = work.connection.insert(
        "INSERT INTO sessions (account, hash, created, last_seen, expires, proved, waits, address, agent)
             VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
        params![
            account.id.0,
            hash(secret.reveal()),
            now.as_millisecond(),
            expires_at.as_millisecond(),
            proved_at.map(|time| time.as_millisecond()),
            waits_for_code,
            origin.address.map(|address| address.to_string()),
            agent,
        ],
    )?;
    Ok(Session {
        id: SessionId(id),
        account: account.id,
        created_at: now,
        last_seen_at: now,
        expires_at,
        proved_at,
        waits_for_code,
        address: origin.address,
        agent,
    })
}

pub(super) const BY_HASH: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", ",
    session_columns!(),
    " FROM sessions s CROSS JOIN accounts a ON a.id = s.account
     WHERE s.hash = ?1 AND a.suspended IS NULL AND a.closed IS NULL"
);

fn by_secret(
    connection: &Connection,
    presented: &str,
    now: Timestamp,
) -> Result<Option<(Session, Account)>, StoreError> {
    let wanted = hash(presented);
    let columns = &SESSION_AFTER_ACCOUNT;
    let found = connection
        .optional(BY_HASH, [wanted], |row| Ok((row.get(columns.hash)?, session(row, columns)?, account(row)?)))?;
    let Some((stored, session, account)) = found else { return Ok(None) };
    if !identities::is_same(&stored, &wanted) {
        return Ok(None);
    }
    let is_idle = session.last_seen_at.checked_add(IDLE).is_ok_and(|end| end <= now);
    if is_idle || session.expires_at <= now {
        return Ok(None);
    }
    Ok(Some((session, account)))
}

pub(super) const OF_ACCOUNT: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM sessions s INDEXED BY sessions_of_account WHERE s.account = ?1 AND s.waits = 0 AND s.expires > ?2 AND s.last_seen > ?3
     ORDER BY s.id"
);

/// Ends all sessions of an account but one.
pub(super) fn end_all(work: &Work, account: AccountId, but: Option<SessionId>) -> Result<usize, StoreError> {
    let mut delete =
        work.connection.prepare_cached("DELETE FROM sessions WHERE account = ?1 AND id IS DISTINCT FROM ?2")?;
    Ok(delete.execute(params![account.0, but.map(|session| session.0)])?)
}

/// Ends all sessions of an account and forgets its browsers, but for those to keep; how many sessions.
pub(super) fn end_all_but(work: &Work, account: AccountId, keep: &Keep) -> Result<usize, StoreError> {
    known_browsers::forget(work, account, keep.browser.as_ref())?;
    end_all(work, account, keep.session)
}

/// Whether a session still waits for its code.
pub(super) fn waits(work: &Work, id: SessionId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM sessions WHERE id = ?1 AND waits = 1 AND expires > ?2";
    work.connection.exists(sql, params![id.0, work.now().as_millisecond()])
}

/// Counts a wrong code in a session that waits for one; true where that has ended it.
pub(super) fn note_wrong_code(work: &Work, id: SessionId) -> Result<bool, StoreError> {
    work.connection.prepare_cached("UPDATE sessions SET failures = failures + 1 WHERE id = ?1")?.execute([id.0])?;
    let sql = "DELETE FROM sessions WHERE id = ?1 AND failures >= ?2";
    Ok(work.connection.prepare_cached(sql)?.execute(params![id.0, CODES_PER_SESSION])? > 0)
}

/// Removes a few sessions and links that nobody can use any more. True where there may be more.
pub(super) fn forget_expired(work: &Work) -> Result<bool, StoreError> {
    const STEP: usize = 500;
    let now = work.now().as_millisecond();
    let mut removed = known_browsers::forget_old(work, STEP)?;
    for sql in [
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions INDEXED BY sessions_by_expiry WHERE expires <= ?1 LIMIT ?2)",
        "DELETE FROM links WHERE id IN (SELECT id FROM links INDEXED BY links_by_expiry WHERE expires <= ?1 LIMIT ?2)",
    ] {
        removed += work.connection.prepare_cached(sql)?.execute(params![now, STEP as i64])?;
    }
    Ok(removed >= STEP)
}

impl People {
    /// Whose address and password these are; `None` where either is wrong, or the account is suspended. The answer takes the
    /// same work in every case: one password is hashed. Where the lane is full, nothing is looked at.
    pub async fn check_password(&self, email: &str, plain: &str, lane: Lane) -> Result<Option<Account>, StoreError> {
        let email = email.to_owned();
        let read = move |connection: &Connection| {
            let account = super::accounts::by_email(connection, &email)?;
            let stored = match &account {
                Some(account) => super::accounts::password(connection, account.id)?,
                None => None,
            };
            Ok((account, stored))
        };
        let (account, stored) = self.store.inner.readers.run(Size::Small, read).await?;
        let has_one = stored.is_some();
        let (hash, plain) = (stored.unwrap_or_else(PasswordHash::nobodys), plain.to_owned());
        let is_right = self.store.inner.hashers.run(lane, move || hash.verify(&plain)).await?;
        Ok(account.filter(|account| has_one && is_right && account.suspended_at.is_none()))
    }

    /// Hashes a password that somebody chose.
    pub async fn hash_password(&self, plain: &str, lane: Lane) -> Result<PasswordHash, StoreError> {
        let plain = plain.to_owned();
        self.store.inner.hashers.run(lane, move || PasswordHash::hash(&plain)).await?
    }

    /// Begins a session for an account whose owner gave the password. Where the account has a second factor, the session waits
    /// for a code. `None`: the account is suspended or closed by now.
    pub async fn begin_session(&self, account: AccountId, origin: Origin) -> Result<Option<NewSession>, StoreError> {
        let secret = PlainSecret::draw()?;
        let begin = move |work: &Work| {
            let Some(account) = super::accounts::active(&work.connection, account)? else { return Ok(None) };
            let waits = account.has_second_factor;
            sign_in(work, account, waits, &origin, secret).map(Some)
        };
        self.store.inner.writer.run(begin).await
    }

    /// The session of a cookie, and whose it is; `None` where it is unknown, ended, expired, or its account is suspended.
    pub async fn session(&self, presented: &str) -> Result<Option<(Session, Account)>, StoreError> {
        if !PlainSecret::is_well_formed(presented) {
            return Ok(None);
        }
        let (now, presented) = (self.store.now(), presented.to_owned());
        let read = move |connection: &Connection| by_secret(connection, &presented, now);
        let found = self.store.inner.readers.run(Size::Small, read).await?;
        if let Some((session, _)) = &found
            && (now.as_millisecond() - session.last_seen_at.as_millisecond()).abs() >= NOTE_EVERY_MS
        {
            let id = session.id;
            let note = move |work: &Work| {
                let mut update = work.connection.prepare_cached("UPDATE sessions SET last_seen = ?2 WHERE id = ?1")?;
                update.execute(params![id.0, now.as_millisecond()]).map(drop).map_err(StoreError::from)
            };
            self.store.inner.writer.run(note).await?;
        }
        Ok(found)
    }
}

impl Person {
    /// The account's sessions that are still valid, oldest first.
    pub async fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        let (account, now) = (self.account, self.store.now());
        let used_after = now.checked_sub(IDLE).unwrap_or(now);
        let read = move |connection: &Connection| {
            let values = params![account.0, now.as_millisecond(), used_after.as_millisecond()];
            connection.list(OF_ACCOUNT, values, |row| session(row, &SESSION_COLUMNS))
        };
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// Notes that the session's owner has just proved again who they are.
    pub async fn prove_session(&self, id: SessionId) -> Result<(), StoreError> {
        let account = self.account;
        let prove = move |work: &Work| {
            let sql = "UPDATE sessions SET proved = ?3 WHERE account = ?1 AND id = ?2 AND waits = 0";
            let mut update = work.connection.prepare_cached(sql)?;
            update.execute(params![account.0, id.0, work.now().as_millisecond()]).map(drop).map_err(StoreError::from)
        };
        self.store.inner.writer.run(prove).await
    }

    /// Ends one of the account's sessions; false where it has none with that number.
    pub async fn end_session(&self, id: SessionId) -> Result<bool, StoreError> {
        let (account, by) = (self.account, self.by);
        let end = move |work: &Work| {
            let ended = work
                .connection
                .prepare_cached("DELETE FROM sessions WHERE account = ?1 AND id = ?2")?
                .execute(params![account.0, id.0])?;
            if ended > 0 {
                events::insert(work, &by, EventKind::SignedOut, Some(account), "")?;
            }
            Ok(ended > 0)
        };
        self.store.inner.writer.run(end).await
    }

    /// Ends all sessions of an account and forgets its browsers, but for those to keep; how many sessions.
    pub async fn end_sessions(&self, keep: Keep) -> Result<usize, StoreError> {
        let (account, by) = (self.account, self.by);
        let end = move |work: &Work| {
            let ended = end_all_but(work, account, &keep)?;
            events::insert(work, &by, EventKind::SessionsEnded, Some(account), &ended.to_string())?;
            Ok(ended)
        };
        self.store.inner.writer.run(end).await
    }
}

/// The owner of a session, who acts for themselves.
pub(super) fn actor(session: &Session, origin: &Origin) -> Actor {
    Actor { account: Some(session.account), address: origin.address }
}

/// A waiting session becomes one that stands, under another secret: whoever knew the old one before the code was given has
/// nothing.
pub(super) fn complete(
    work: &Work,
    waiting: SessionId,
    origin: &Origin,
    secret: PlainSecret,
) -> Result<Option<NewSession>, StoreError> {
    let sql = "DELETE FROM sessions WHERE id = ?1 AND waits = 1 RETURNING account";
    let account: Option<i64> = work.connection.optional(sql, [waiting.0], value)?;
    let Some(account) = account else { return Ok(None) };
    let Some(account) = super::accounts::active(&work.connection, AccountId(account))? else { return Ok(None) };
    sign_in(work, account, false, origin, secret).map(Some)
}
