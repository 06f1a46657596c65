//! Suspending and closing accounts, and new passwords: what ends an account's sessions, links and tokens.

use super::accounts::{by_id, keep_an_operator};
use super::db::{Connection, params, value};
use super::rows::Place;
use super::writer::Work;
use super::{events, links, mails, sessions, tokens, update_keys, wrong_codes, zone_delete};
use crate::*;

fn suspend(work: &Work, id: AccountId, how: Suspension, by: &Actor) -> Result<(), AccountError> {
    let account = by_id(&work.connection, id)?.ok_or(AccountError::NoAccount)?;
    let (off, closes) = match how {
        Suspension::SignIn => (account.zones_off_at.is_some(), account.closes_at.is_some()),
        Suspension::Zones => (true, account.closes_at.is_some()),
        Suspension::Close => (true, true),
    };
    let stops_serving = off && account.zones_off_at.is_none();
    let is_to_close = closes && account.closes_at.is_none();
    if account.suspended_at.is_some() && !stops_serving && !is_to_close {
        return Ok(());
    }
    keep_an_operator(work, &account)?;
    let now = work.now();
    let end = now.checked_add(CLOSED_KEPT).unwrap_or(now);
    work.connection
        .execute(
            "UPDATE accounts SET suspended = coalesce(suspended, ?2), zones_off = CASE WHEN ?3 = 1 THEN coalesce(zones_off, ?2) ELSE zones_off END,
                 closes = CASE WHEN ?4 = 1 THEN coalesce(closes, ?5) ELSE closes END,
                 zones_move = CASE WHEN ?6 = 1 THEN 1 ELSE zones_move END WHERE id = ?1",
            params![id.0, now.as_millisecond(), off, closes, end.as_millisecond(), stops_serving],
        )
        .map_err(StoreError::from)?;
    sessions::end_all(work, id, None)?;
    links::forget_of(work, id)?;
    let (kind, detail) = match how {
        _ if is_to_close => (EventKind::AccountClosed, format!("zones are deleted {end:.0}")),
        _ if stops_serving => (EventKind::Suspended, "zones off the nameservers".to_owned()),
        _ => (EventKind::Suspended, String::new()),
    };
    Ok(events::insert(work, by, kind, Some(id), &detail)?)
}

fn resume(work: &Work, id: AccountId, by: &Actor) -> Result<(), AccountError> {
    let account = by_id(&work.connection, id)?.ok_or(AccountError::NoAccount)?;
    if account.suspended_at.is_none() {
        return Ok(());
    }
    let sql =
        "UPDATE accounts SET suspended = NULL, zones_move = CASE WHEN zones_off IS NOT NULL THEN 1 ELSE zones_move END, zones_off = NULL,
                   closes = NULL WHERE id = ?1";
    work.connection.execute(sql, [id.0]).map_err(StoreError::from)?;
    Ok(events::insert(work, by, EventKind::Resumed, Some(id), "")?)
}

pub(super) const DUE_TO_CLOSE: &str =
    "SELECT id FROM accounts INDEXED BY accounts_closes WHERE closes IS NOT NULL AND closes <= ?1 LIMIT 1";

/// Whether [`close_due`] has something to do.
pub(super) fn is_due_to_close(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    connection.exists(DUE_TO_CLOSE, [now.as_millisecond()])
}

/// Closes an account whose time has come.
pub(super) fn close_due(work: &Work) -> Result<(), StoreError> {
    let due = work.connection.optional(DUE_TO_CLOSE, [work.now().as_millisecond()], value)?;
    let Some(id) = due.map(AccountId) else { return Ok(()) };
    match close(work, id, &Actor::command_line()) {
        Ok(()) | Err(AccountError::NoAccount | AccountError::LastOperator) => Ok(()),
        Err(AccountError::Store(error)) => Err(error),
    }
}

fn set_password(
    work: &Work,
    id: AccountId,
    password: &PasswordHash,
    keep: &Keep,
    tokens: TokensAfterwards,
    by: &Actor,
) -> Result<(), StoreError> {
    work.connection.execute("UPDATE accounts SET password = ?2 WHERE id = ?1", params![id.0, password.0])?;
    // Sessions, links and browsers of the old password end with it.
    sessions::end_all_but(work, id, keep)?;
    links::forget_of(work, id)?;
    if tokens == TokensAfterwards::Revoked {
        tokens::revoke_all(work, id, by)?;
        update_keys::revoke_all(work, id, by)?;
    }
    events::insert(work, by, EventKind::PasswordSet, Some(id), "")
}

/// Closes an account: its row has no data of its owner any more, and it cannot be used to sign in. Its zones are deleted by
/// the housekeeper, in steps.
fn close(work: &Work, id: AccountId, by: &Actor) -> Result<(), AccountError> {
    let account = by_id(&work.connection, id)?.ok_or(AccountError::NoAccount)?;
    keep_an_operator(work, &account)?;
    let run = || -> Result<(), StoreError> {
        // In place of the address is a text that is no address, so that no account can ever have it.
        work.connection.execute(
            "UPDATE accounts SET email = '', email_key = 'closed ' || id, first_name = '', last_name = '', company_name = '',
                 password = NULL, totp = NULL, language = NULL, role = 1, closed = ?2, closes = NULL WHERE id = ?1",
            params![id.0, work.now().as_millisecond()],
        )?;
        for sql in [
            "DELETE FROM update_keys WHERE account = ?1",
            "DELETE FROM tokens WHERE account = ?1",
            "DELETE FROM recovery_codes WHERE account = ?1",
        ] {
            work.connection.execute(sql, [id.0])?;
        }
        wrong_codes::forget(work, id)?;
        sessions::end_all_but(work, id, &Keep::default())?;
        links::forget_of(work, id)?;
        mails::drop_all_of(work, id)?;
        events::insert(work, by, EventKind::AccountClosed, Some(id), "")
    };
    Ok(run()?)
}

/// How many zones of closed accounts one step deletes.
const CLOSE_STEP: u32 = 20;

pub(super) const ZONES_OF_CLOSED: &str =
    "SELECT z.uuid, z.account FROM accounts a INDEXED BY accounts_closed CROSS JOIN zones z INDEXED BY zones_of_account ON z.account = a.id
     WHERE a.closed IS NOT NULL AND z.deleted IS NULL LIMIT ?1";

/// Whether [`delete_zones_of_closed`] has something to do.
pub(super) fn has_closed_with_zones(connection: &Connection) -> Result<bool, StoreError> {
    connection.exists(ZONES_OF_CLOSED, [1])
}

/// Deletes some zones of closed accounts. False where there are none.
pub(super) fn delete_zones_of_closed(work: &Work) -> Result<bool, StoreError> {
    let found = work.connection.list(ZONES_OF_CLOSED, [CLOSE_STEP], |row| {
        let account: i64 = row.get("account")?;
        let id = Place { table: "zones", row: account }.uuid("uuid", row, "uuid")?;
        Ok((dns::ZoneId(id), AccountId(account)))
    })?;
    let mut deleted = false;
    for (zone, account) in &found {
        let author =
            Author { account: *account, name: "account closed".to_owned(), source: Source::Server, address: None };
        match zone_delete::delete(work, &author, *zone) {
            Ok(_) => deleted = true,
            // It comes back to that when the large change is done.
            Err(StoreError::Busy) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(deleted)
}

impl Operator {
    /// Suspends an account: it cannot sign in, and its tokens and sessions are refused from when this returns. Where its zones
    /// are to go as well, they are taken off the nameservers in the background, within moments.
    pub async fn suspend_account(&self, id: AccountId, how: Suspension) -> Result<(), AccountError> {
        let by = self.by;
        let suspended = self.store.inner.writer.run(move |work| suspend(work, id, how, &by)).await;
        self.store.inner.shared.identities.empty();
        suspended
    }

    /// Takes a suspension back. Its tokens are good again; its owner has to sign in. Its zones are served again, where they were
    /// not, and it is not closed.
    pub async fn resume_account(&self, id: AccountId) -> Result<(), AccountError> {
        let by = self.by;
        self.store.inner.writer.run(move |work| resume(work, id, &by)).await
    }
}

impl Person {
    /// Sets a password. It ends all sessions and forgets all browsers but those to keep, and takes back all links into the
    /// account.
    pub async fn set_password(
        &self,
        password: PasswordHash,
        keep: Keep,
        tokens: TokensAfterwards,
    ) -> Result<(), StoreError> {
        let (id, by) = (self.account, self.by);
        let set = self.store.inner.writer.run(move |work| set_password(work, id, &password, &keep, tokens, &by)).await;
        if tokens == TokensAfterwards::Revoked {
            self.store.inner.shared.identities.empty();
        }
        set
    }

    /// Closes an account for ever: its tokens and sessions are refused from when this returns, what it says of its owner is
    /// gone, its address is free. Its zones are deleted in the background, within moments.
    pub async fn close(&self) -> Result<(), AccountError> {
        let (id, by) = (self.account, self.by);
        let closed = self.store.inner.writer.run(move |work| close(work, id, &by)).await;
        self.store.inner.shared.identities.empty();
        closed
    }
}
