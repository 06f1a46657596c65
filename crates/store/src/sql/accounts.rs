//! Accounts: creating, finding and changing them.

use super::columns::columns;
use super::db::{Connection, Row, params, value};
use super::events;
use super::readers::Size;
use super::rows::Place;
use super::writer::Work;
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
    let inserted = work.connection.insert(
        "INSERT INTO accounts (email, email_key, first_name, last_name, company_name, password, created, role,
                                   max_zones, max_records, max_tokens, max_changes, max_stored, held_records,
                                   held_stored)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, CASE WHEN ?10 IS NOT NULL THEN 0 END,
                     CASE WHEN ?13 IS NOT NULL THEN 0 END) RETURNING id",
        params![
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
        ],
    );
    match inserted {
        Ok(id) => Ok(Account {
            id: AccountId(id),
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
        Err(error) if error.violates_uniqueness() => Err(CreateAccountError::Exists(new.email)),
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
pub(super) fn by_id(connection: &Connection, id: AccountId) -> Result<Option<Account>, StoreError> {
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
        let account = account(&row)?;
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
pub(super) fn keep_an_operator(work: &Work, but: &Account) -> Result<(), AccountError> {
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
                 held_records = CASE WHEN ?3 IS NOT NULL THEN coalesce(held_records,
                     (SELECT coalesce(sum(record_count), 0) FROM zones INDEXED BY zones_of_account
                      WHERE account = ?1 AND deleted IS NULL)) END,
                 held_stored = CASE WHEN ?6 IS NOT NULL THEN coalesce(held_stored,
                     (SELECT coalesce(sum(stored), 0) FROM zones INDEXED BY zones_of_account
                      WHERE account = ?1 AND deleted IS NULL)
                     + (SELECT coalesce(sum(stored), 0) FROM zones INDEXED BY zones_deleted_of_account
                        WHERE account = ?1 AND deleted IS NOT NULL)) END
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
    /// Creates the account of a registration, before any sign-in.
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

    /// Sets what the owner may change by themselves.
    pub async fn set_names(&self, names: AccountNames) -> Result<(), StoreError> {
        let (id, by) = (self.account, self.by);
        let set = self.store.inner.writer.run(move |work| set_names(work, id, &names, &by)).await;
        self.store.inner.shared.identities.empty();
        set
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
