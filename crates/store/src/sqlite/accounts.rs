//! Accounts.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::Place;
use super::writer::Work;
use super::zones::violates_uniqueness;
use crate::{Account, AccountId, CreateAccountError, NewAccount, PasswordHash, StoreError};

/// The columns that [`account`] reads, in its order, of a table or alias named `a`.
macro_rules! account_columns {
    () => {
        "a.id, a.email, a.first_name, a.last_name, a.company_name, a.created"
    };
}
/// How many those are: the index of what a query selects after them.
pub(super) const ACCOUNT_WIDTH: usize = 6;

pub(super) use account_columns;

/// Reads [`account_columns`].
pub(super) fn account(row: &Row<'_>) -> Result<Account, StoreError> {
    let id: i64 = row.get(0)?;
    Ok(Account {
        id: AccountId(id),
        email: row.get(1)?,
        first_name: row.get(2)?,
        last_name: row.get(3)?,
        company_name: row.get(4)?,
        created_at: Place { table: "accounts", row: id }.time("created", row.get(5)?)?,
    })
}

/// Makes an account.
pub(super) fn create(work: &Work, new: NewAccount) -> Result<Account, CreateAccountError> {
    if !is_address(&new.email) {
        return Err(CreateAccountError::Email(new.email));
    }
    let now = work.now();
    let mut insert = work
        .connection
        .prepare_cached(
            "INSERT INTO accounts (email, email_key, first_name, last_name, company_name, password, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
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
    ]);
    match inserted {
        Ok(_) => Ok(Account {
            id: AccountId(work.connection.last_insert_rowid()),
            email: new.email,
            first_name: new.first_name,
            last_name: new.last_name,
            company_name: new.company_name,
            created_at: now,
        }),
        Err(error) if violates_uniqueness(&error) => Err(CreateAccountError::Exists(new.email)),
        Err(error) => Err(CreateAccountError::Store(error.into())),
    }
}

/// One `@` with something on both sides, no spaces or control characters, at most 254 octets (RFC 5321, section 4.5.3.1.3,
/// less the angle brackets). More is for the mail server to say.
fn is_address(text: &str) -> bool {
    let sides = text.split_once('@');
    sides.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn email_key(email: &str) -> String {
    email.to_lowercase()
}

/// The account with that address.
pub(super) fn by_email(connection: &Connection, email: &str) -> Result<Option<Account>, StoreError> {
    connection
        .prepare_cached(concat!("SELECT ", account_columns!(), " FROM accounts a WHERE a.email_key = ?1"))?
        .query_row([email_key(email)], |row| Ok(account(row)))
        .optional()?
        .transpose()
}

/// All accounts, oldest first.
pub(super) fn all(connection: &Connection) -> Result<Vec<Account>, StoreError> {
    let mut statement =
        connection.prepare_cached(concat!("SELECT ", account_columns!(), " FROM accounts a ORDER BY a.id"))?;
    let mut rows = statement.query([])?;
    let mut accounts = Vec::new();
    while let Some(row) = rows.next()? {
        accounts.push(account(row)?);
    }
    Ok(accounts)
}

/// The account's password, where it has one.
pub(super) fn password(connection: &Connection, id: AccountId) -> Result<Option<PasswordHash>, StoreError> {
    let password: Option<Option<String>> = connection
        .prepare_cached("SELECT password FROM accounts WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    Ok(password.flatten().map(PasswordHash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(250));
        for text in ["", "@", "a@", "@b", "a", "a b@c", "a@b c", "a@b@c", "a@b\n", "a\u{a0}@b", &long] {
            assert!(!is_address(text), "{text:?}");
        }
        for text in ["admin@localhost", "a.b+c@example.com", "jürgen@bücher.example"] {
            assert!(is_address(text), "{text:?}");
        }
    }
}
