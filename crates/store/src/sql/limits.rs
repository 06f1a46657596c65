//! The limits of an account that are counted in the database.

use dns::{Fault, message};

use super::db::{params, value};
use super::writer::Work;
use crate::logic::limits::{binds, check_daily};
use crate::{AccountId, Author, DailyLimit, StoreError};

/// The fault of a zone that was just inserted, where it is one too many.
pub(super) fn zone_too_many(work: &Work, author: &Author) -> Result<Option<Fault>, StoreError> {
    if !binds(author) {
        return Ok(None);
    }
    let most: Option<Option<i64>> =
        work.connection.optional("SELECT max_zones FROM accounts WHERE id = ?1", [author.account.0], value)?;
    let Some(most) = most.flatten() else { return Ok(None) };
    // No further than it takes to know.
    let sql = "SELECT count(*) FROM (SELECT 1 FROM zones INDEXED BY zones_of_account
                   WHERE account = ?1 AND deleted IS NULL LIMIT ?2) AS held";
    let held: i64 = work.connection.one(sql, params![author.account.0, most + 1], value)?;
    let detail = || message!("This account may have at most {most} zones", most);
    Ok((held > most).then(|| Fault::general("account-zones", detail())))
}

/// Counts the changes that are stored: the records that they touch, or one. The limit, where that is more than the account may
/// make today.
pub(super) fn daily(work: &Work, author: &Author, changes: u64) -> Result<Result<(), DailyLimit>, StoreError> {
    let view = work.view();
    match check_daily(&mut view.cache(), author, changes)? {
        Ok(Some((day, made))) => count(work, author.account, day, made + changes.max(1) as i64)?,
        Ok(None) => {}
        Err(limit) => return Ok(Err(limit)),
    }
    Ok(Ok(()))
}

/// Stores how many changes an account has made on a day.
pub(super) fn count(work: &Work, account: AccountId, day: i64, made: i64) -> Result<(), StoreError> {
    work.connection.write(
        "INSERT INTO changes_made VALUES (?1, ?2, ?3)
         ON CONFLICT (account) DO UPDATE SET day = excluded.day, made = excluded.made",
        params![account.0, day, made],
    )?;
    Ok(())
}
