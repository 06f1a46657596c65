//! Tokens: made, listed, revoked.

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::accounts::{ACCOUNT_WIDTH, account, account_columns};
use super::rows::Place;
use super::writer::Work;
use crate::tokens::PlainToken;
use crate::{AccountId, CreatedToken, Identity, NewToken, Permissions, StoreError, Token, TokenId};

/// What is stored of a token's text: SHA-256 is right for 256 random bits, which nobody can guess at any speed.
pub(super) type TokenHash = [u8; 32];

/// The hash of a token's text.
pub(super) fn hash(text: &str) -> TokenHash {
    Sha256::digest(text.as_bytes()).into()
}

macro_rules! token_columns {
    () => {
        "t.id, t.account, t.name, t.permissions, t.last_four, t.created, t.expires, t.last_used"
    };
}

/// Reads [`token_columns`] from column `first` on.
fn token(row: &Row<'_>, first: usize) -> Result<Token, StoreError> {
    let id: i64 = row.get(first)?;
    let place = Place { table: "tokens", row: id };
    Ok(Token {
        id: TokenId(id),
        account: AccountId(row.get(first + 1)?),
        name: row.get(first + 2)?,
        permissions: Permissions::from_bits(row.get(first + 3)?),
        last_four: row.get(first + 4)?,
        created_at: place.time("created", row.get(first + 5)?)?,
        expires_at: place.time_or_none("expires", row.get(first + 6)?)?,
        last_used_at: place.time_or_none("last_used", row.get(first + 7)?)?,
    })
}

/// Makes a token with the text that the caller drew.
pub(super) fn create(
    work: &Work,
    account: AccountId,
    new: NewToken,
    plain: PlainToken,
) -> Result<CreatedToken, StoreError> {
    let now = work.now();
    let last_four = plain.last_four().to_owned();
    work.connection
        .prepare_cached(
            "INSERT INTO tokens (account, hash, name, permissions, last_four, created, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            account.0,
            hash(plain.reveal()),
            new.name,
            new.permissions.bits(),
            last_four,
            now.as_millisecond(),
            new.expires_at.map(|time| time.as_millisecond()),
        ])?;
    let token = Token {
        id: TokenId(work.connection.last_insert_rowid()),
        account,
        name: new.name,
        permissions: new.permissions,
        last_four,
        created_at: now,
        expires_at: new.expires_at,
        last_used_at: None,
    };
    Ok(CreatedToken { token, plain })
}

/// The tokens of one account or of all, oldest first.
pub(super) fn all(connection: &Connection, account: Option<AccountId>) -> Result<Vec<Token>, StoreError> {
    const OF_ALL: &str = concat!("SELECT ", token_columns!(), " FROM tokens t WHERE ?1 IS NULL ORDER BY t.id");
    const OF_ONE: &str = concat!("SELECT ", token_columns!(), " FROM tokens t WHERE t.account = ?1 ORDER BY t.id");
    let mut statement = connection.prepare_cached(if account.is_some() { OF_ONE } else { OF_ALL })?;
    let mut rows = statement.query([account.map(|account| account.0)])?;
    let mut tokens = Vec::new();
    while let Some(row) = rows.next()? {
        tokens.push(token(row, 0)?);
    }
    Ok(tokens)
}

/// Revokes a token.
pub(super) fn revoke(work: &Work, id: i64) -> Result<bool, StoreError> {
    Ok(work.connection.execute("DELETE FROM tokens WHERE id = ?1", [id])? > 0)
}

/// Whom a hash speaks for, whether or not it has expired, with the hash that is stored.
pub(super) fn identity(connection: &Connection, hash: TokenHash) -> Result<Option<(TokenHash, Identity)>, StoreError> {
    connection
        .prepare_cached(concat!(
            "SELECT ",
            account_columns!(),
            ", ",
            token_columns!(),
            ", t.hash FROM tokens t CROSS JOIN accounts a ON a.id = t.account WHERE t.hash = ?1"
        ))?
        .query_row([hash], |row| {
            let stored: TokenHash = row.get(ACCOUNT_WIDTH + 8)?;
            Ok(account(row).and_then(|account| Ok((stored, Identity { account, token: token(row, ACCOUNT_WIDTH)? }))))
        })
        .optional()?
        .transpose()
}

/// Notes when tokens were last used.
pub(super) fn note_uses(work: &Work, uses: &[(TokenId, i64)]) -> Result<(), StoreError> {
    let mut update = work.connection.prepare_cached("UPDATE tokens SET last_used = ?2 WHERE id = ?1")?;
    for (token, time) in uses {
        update.execute(params![token.0, time])?;
    }
    Ok(())
}

/// What moves when an identity changes, whoever changed it.
pub(super) fn revision(connection: &Connection) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT revision FROM identities WHERE only = 1")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}
