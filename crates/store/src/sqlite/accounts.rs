//! Accounts: creating, finding, changing, suspending and closing them.

use rusqlite::{Connection, Row, params};

use super::readers::Size;
use super::rows::Place;
use super::sql::{Statements, columns, value, violates_uniqueness};
use super::writer::Work;
use super::{events, links, mails, sessions, tokens, wrong_codes};
use crate::*;

// What [`account`] reads, of a table or alias named `a`.
columns! {
    account_columns, AccountColumns of "a": id, email, first_name, last_name, company_name, created, role, suspended,
        max_zones, max_records, max_tokens, max_changes, zones_off, closes, max_stored;
        has_second_factor = "a.totp IS NOT NULL"; ... end
}
const ACCOUNT: AccountColumns = AccountColumns::after(0);
/// The index of what a query selects after [`account_columns`].
pub(super) const AFTER_ACCOUNT: usize = ACCOUNT.end;

#[expect(clippy::single_component_path_imports, reason = "the macro is defined by `columns!`")]
pub(super) use account_columns;

/// Reads [`account_columns`].
pub(super) fn account(row: &Row<'_>) -> Result<Account, StoreError> {
    let id: i64 = row.get(ACCOUNT.id)?;
    let place = Place { table: "accounts", row: id };
    Ok(Account {
        id: AccountId(id),
        email: row.get(ACCOUNT.email)?,
        first_name: row.get(ACCOUNT.first_name)?,
        last_name: row.get(ACCOUNT.last_name)?,
        company_name: row.get(ACCOUNT.company_name)?,
        created_at: place.time("created", row.get(ACCOUNT.created)?)?,
        role: place.sound("role", role(row.get(ACCOUNT.role)?))?,
        suspended_at: place.time_or_none("suspended", row.get(ACCOUNT.suspended)?)?,
        zones_off_at: place.time_or_none("zones_off", row.get(ACCOUNT.zones_off)?)?,
        closes_at: place.time_or_none("closes", row.get(ACCOUNT.closes)?)?,
        has_second_factor: row.get(ACCOUNT.has_second_factor)?,
        limits: AccountLimits {
            zones: row.get(ACCOUNT.max_zones)?,
            records: row.get(ACCOUNT.max_records)?,
            tokens: row.get(ACCOUNT.max_tokens)?,
            changes_per_day: row.get(ACCOUNT.max_changes)?,
            stored_records: row.get(ACCOUNT.max_stored)?,
        },
    })
}

fn role(number: u8) -> Option<Role> {
    [Role::User, Role::Operator].into_iter().find(|role| *role as u8 == number)
}

/// Makes an account.
pub(super) fn create(work: &Work, new: NewAccount) -> Result<Account, CreateAccountError> {
    check_address(&new.email)?;
    let now = work.now();
    let mut insert = work
        .connection
        .prepare_cached(
            "INSERT INTO accounts (email, email_key, first_name, last_name, company_name, password, created, role,
                                   max_zones, max_records, max_tokens, max_changes, max_stored, held_records,
                                   held_stored)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, iif(?10 IS NULL, NULL, 0),
                     iif(?13 IS NULL, NULL, 0))",
        )
        .map_err(StoreError::from)?;
    let inserted = insert.execute(params![
        new.email,
        email_key(&new.email),
        new.first_name,
        new.last_name,
        new.company_name,
        new.password.map(|password| password.0),
        now.as_millisecond(),
        new.role as u8,
        new.limits.zones,
        new.limits.records,
        new.limits.tokens,
        new.limits.changes_per_day,
        new.limits.stored_records,
    ]);
    match inserted {
        Ok(_) => Ok(Account {
            id: AccountId(work.connection.last_insert_rowid()),
            email: new.email,
            first_name: new.first_name,
            last_name: new.last_name,
            company_name: new.company_name,
            created_at: now,
            role: new.role,
            suspended_at: None,
            zones_off_at: None,
            closes_at: None,
            has_second_factor: false,
            limits: new.limits,
        }),
        Err(error) if violates_uniqueness(&error) => Err(CreateAccountError::Exists(new.email)),
        Err(error) => Err(CreateAccountError::Store(error.into())),
    }
}

/// Creates an account, and records it in the audit trail.
fn create_noted(work: &Work, new: NewAccount, by: &Actor) -> Result<Account, CreateAccountError> {
    let account = create(work, new)?;
    events::insert(work, by, EventKind::AccountMade, Some(account.id), "")?;
    Ok(account)
}

/// Refuses what can be nobody's address.
pub(super) fn check_address(email: &str) -> Result<(), CreateAccountError> {
    if is_email_address(email) { Ok(()) } else { Err(CreateAccountError::Email(email.to_owned())) }
}

fn email_key(email: &str) -> String {
    email.to_lowercase()
}

pub(super) const BY_EMAIL: &str =
    concat!("SELECT ", account_columns!(), " FROM accounts a WHERE a.email_key = ?1 AND a.closed IS NULL");

/// The account with that address.
pub(super) fn by_email(connection: &Connection, email: &str) -> Result<Option<Account>, StoreError> {
    connection.optional(BY_EMAIL, [email_key(email)], account)
}

/// The account, unless it is closed.
fn by_id(connection: &Connection, id: AccountId) -> Result<Option<Account>, StoreError> {
    let sql = concat!("SELECT ", account_columns!(), " FROM accounts a WHERE a.id = ?1 AND a.closed IS NULL");
    connection.optional(sql, [id.0], account)
}

/// The account, unless it is suspended or closed.
pub(super) fn active(connection: &Connection, id: AccountId) -> Result<Option<Account>, StoreError> {
    Ok(by_id(connection, id)?.filter(|account| account.suspended_at.is_none()))
}

/// All accounts, oldest first.
pub(super) fn all(connection: &Connection) -> Result<Vec<Account>, StoreError> {
    let sql = concat!("SELECT ", account_columns!(), " FROM accounts a WHERE a.closed IS NULL ORDER BY a.id");
    connection.list(sql, [], account)
}

pub(super) const BY_ADDRESS: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM accounts a WHERE a.email_key > ?1 AND a.closed IS NULL ORDER BY a.email_key"
);

/// As with zones (`search`), no index leads to a part of a text: what is read is compared here, and ends with the page.
fn find(connection: &Connection, text: &str, after: &str, limit: u32) -> Result<FoundAccounts, StoreError> {
    let mut statement = connection.prepare_cached(BY_ADDRESS)?;
    let mut rows = statement.query([email_key(after)])?;
    let mut found = FoundAccounts { accounts: Vec::new(), next: None };
    while let Some(row) = rows.next()? {
        let account = account(row)?;
        if !has(&account, text) {
            continue;
        }
        if found.accounts.len() == limit as usize {
            found.next = found.accounts.last().map(|last| last.email.clone());
            break;
        }
        found.accounts.push(account);
    }
    Ok(found)
}

/// Whether a text stands somewhere in what is shown of an account; `text` is in lower case.
fn has(account: &Account, text: &str) -> bool {
    let Account { email, first_name, last_name, company_name, .. } = account;
    let name = format!("{first_name} {last_name}");
    [email, &name, company_name].into_iter().any(|shown| shown.to_lowercase().contains(text))
}

/// The account's password, where it has one.
pub(super) fn password(connection: &Connection, id: AccountId) -> Result<Option<PasswordHash>, StoreError> {
    let password: Option<Option<String>> =
        connection.optional("SELECT password FROM accounts WHERE id = ?1", [id.0], value)?;
    Ok(password.flatten().map(PasswordHash))
}

/// Refuses to take the last operator away who can sign in.
fn keep_an_operator(work: &Work, but: &Account) -> Result<(), AccountError> {
    if but.role != Role::Operator || but.suspended_at.is_some() {
        return Ok(());
    }
    let sql = "SELECT 1 FROM accounts WHERE role = 2 AND suspended IS NULL AND closed IS NULL AND id <> ?1";
    if work.connection.exists(sql, [but.id.0])? { Ok(()) } else { Err(AccountError::LastOperator) }
}

/// How many zones an account has.
fn count_zones(connection: &Connection, id: AccountId) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM zones INDEXED BY zones_of_account WHERE account = ?1 AND deleted IS NULL";
    connection.one(sql, [id.0], value)
}

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
            "UPDATE accounts SET suspended = coalesce(suspended, ?2), zones_off = iif(?3, coalesce(zones_off, ?2), zones_off),
                 closes = iif(?4, coalesce(closes, ?5), closes), zones_move = max(zones_move, ?6) WHERE id = ?1",
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
        "UPDATE accounts SET suspended = NULL, zones_move = max(zones_move, zones_off IS NOT NULL), zones_off = NULL,
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

fn set_role(work: &Work, id: AccountId, role: Role, by: &Actor) -> Result<(), AccountError> {
    let account = by_id(&work.connection, id)?.ok_or(AccountError::NoAccount)?;
    if role == Role::User {
        keep_an_operator(work, &account)?;
    }
    work.connection
        .execute("UPDATE accounts SET role = ?2 WHERE id = ?1", params![id.0, role as u8])
        .map_err(StoreError::from)?;
    let name = match role {
        Role::User => "user",
        Role::Operator => "operator",
    };
    Ok(events::insert(work, by, EventKind::RoleSet, Some(id), name)?)
}

fn set_limits(work: &Work, id: AccountId, limits: AccountLimits, by: &Actor) -> Result<(), AccountError> {
    let AccountLimits { zones, records, tokens, changes_per_day, stored_records } = limits;
    let changed = work
        .connection
        .execute(
            "UPDATE accounts SET max_zones = ?2, max_records = ?3, max_tokens = ?4, max_changes = ?5, max_stored = ?6,
                 held_records = iif(?3 IS NULL, NULL, coalesce(held_records,
                     (SELECT coalesce(sum(record_count), 0) FROM zones INDEXED BY zones_of_account
                      WHERE account = ?1 AND deleted IS NULL))),
                 held_stored = iif(?6 IS NULL, NULL, coalesce(held_stored,
                     (SELECT coalesce(sum(stored), 0) FROM zones INDEXED BY zones_of_account
                      WHERE account = ?1 AND deleted IS NULL)
                     + (SELECT coalesce(sum(stored), 0) FROM zones INDEXED BY zones_deleted_of_account
                        WHERE account = ?1 AND deleted IS NOT NULL)))
             WHERE id = ?1 AND closed IS NULL",
            params![id.0, zones, records, tokens, changes_per_day, stored_records],
        )
        .map_err(StoreError::from)?;
    if changed == 0 {
        return Err(AccountError::NoAccount);
    }
    let shown = |limit: Option<u32>| limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
    let all = [zones, records, tokens, changes_per_day, stored_records];
    let detail = all.map(shown).join(" / ");
    Ok(events::insert(work, by, EventKind::LimitsSet, Some(id), &detail)?)
}

fn set_names(work: &Work, id: AccountId, names: &AccountNames, by: &Actor) -> Result<(), StoreError> {
    work.connection.execute(
        "UPDATE accounts SET first_name = ?2, last_name = ?3, company_name = ?4 WHERE id = ?1 AND closed IS NULL",
        params![id.0, names.first_name, names.last_name, names.company_name],
    )?;
    events::insert(work, by, EventKind::NamesChanged, Some(id), "")
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
    }
    events::insert(work, by, EventKind::PasswordSet, Some(id), "")
}

/// Closes an account: nothing of its owner is left in its row, and nobody comes in with it any more. Its zones are deleted by
/// the housekeeper, in steps.
fn close(work: &Work, id: AccountId, by: &Actor) -> Result<(), AccountError> {
    let account = by_id(&work.connection, id)?.ok_or(AccountError::NoAccount)?;
    keep_an_operator(work, &account)?;
    let run = || -> Result<(), StoreError> {
        // What stands in the place of the address is none, so that nobody can ever have it.
        work.connection.execute(
            "UPDATE accounts SET email = '', email_key = 'closed ' || id, first_name = '', last_name = '', company_name = '',
                 password = NULL, totp = NULL, language = NULL, role = 1, closed = ?2, closes = NULL WHERE id = ?1",
            params![id.0, work.now().as_millisecond()],
        )?;
        for sql in ["DELETE FROM tokens WHERE account = ?1", "DELETE FROM recovery_codes WHERE account = ?1"] {
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
        match super::zones::delete(work, &author, *zone) {
            Ok(_) => deleted = true,
            // It comes back to that when the large change is done.
            Err(StoreError::Busy) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(deleted)
}

impl Operator {
    /// Creates an account.
    pub async fn create_account(&self, new: NewAccount) -> Result<Account, CreateAccountError> {
        let by = self.by;
        self.store.inner.writer.run(move |work| create_noted(work, new, &by)).await
    }

    /// The account with that address, compared without regard to case.
    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        let email = email.to_owned();
        self.store.inner.readers.run(Size::Small, move |connection| by_email(connection, &email)).await
    }

    /// All accounts, oldest first.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.store.inner.readers.run(Size::Large, all).await
    }

    /// The account; `None` where there is none, or it is closed.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.store.inner.readers.run(Size::Small, move |connection| by_id(connection, id)).await
    }

    /// The accounts after the address `after` that have `text` in their address or name, by address, at most `limit`. Without a
    /// text, all.
    pub async fn find_accounts(
        &self,
        text: &str,
        after: Option<String>,
        limit: u32,
    ) -> Result<FoundAccounts, StoreError> {
        let text = text.trim().to_lowercase();
        let size = if text.is_empty() { Size::Small } else { Size::Large };
        let read = move |connection: &Connection| find(connection, &text, after.as_deref().unwrap_or_default(), limit);
        self.store.inner.readers.run(size, read).await
    }

    /// How many zones an account has.
    pub async fn count_zones(&self, id: AccountId) -> Result<u32, StoreError> {
        let read = move |connection: &Connection| count_zones(connection, id);
        self.store.inner.readers.run(Size::Large, read).await
    }

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

    /// Sets what an account's owner may see.
    pub async fn set_role(&self, id: AccountId, role: Role) -> Result<(), AccountError> {
        let by = self.by;
        self.store.inner.writer.run(move |work| set_role(work, id, role, &by)).await
    }

    /// Sets what an account may have. What it has already stays.
    pub async fn set_limits(&self, id: AccountId, limits: AccountLimits) -> Result<(), AccountError> {
        let by = self.by;
        self.store.inner.writer.run(move |work| set_limits(work, id, limits, &by)).await
    }
}

impl People {
    /// Creates an account for somebody who registers, and is not signed in yet.
    pub async fn register(&self, new: NewAccount, by: Actor) -> Result<Account, CreateAccountError> {
        self.store.inner.writer.run(move |work| create_noted(work, NewAccount { role: Role::User, ..new }, &by)).await
    }
}

impl Person {
    /// Whether the account has a password.
    pub async fn has_password(&self) -> Result<bool, StoreError> {
        let account = self.account;
        let read = move |connection: &Connection| Ok(password(connection, account)?.is_some());
        self.store.inner.readers.run(Size::Small, read).await
    }

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

    /// Sets what the owner may change by themselves.
    pub async fn set_names(&self, names: AccountNames) -> Result<(), StoreError> {
        let (id, by) = (self.account, self.by);
        let set = self.store.inner.writer.run(move |work| set_names(work, id, &names, &by)).await;
        self.store.inner.shared.identities.empty();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(250));
        for text in [
            "",
            "@",
            "a@",
            "@b",
            "a",
            "a b@c",
            "a@b c",
            "a@b@c",
            "a@b\n",
            "a\u{a0}@b",
            "a\u{200b}@b",
            "a@\u{202e}b",
            "\u{feff}a@b",
            "-a@b",
            &long,
        ] {
            assert!(!is_email_address(text), "{text:?}");
        }
        for text in ["admin@localhost", "a.b+c@example.com", "jürgen@bücher.example"] {
            assert!(is_email_address(text), "{text:?}");
        }
    }
}
