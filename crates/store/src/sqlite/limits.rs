//! What an account may have, checked inside the transaction that adds to it, so that requests at the same time cannot pass it
//! together.
//!
//! Only growth is refused: an account that has more than its limit, because the limit was set later, may change and delete what
//! it has. The operator's own commands, and what the server itself does, are bound by no limit. An account without a limit
//! costs one read by its key.

use dns::Fault;
use rusqlite::{Connection, OptionalExtension, params};

use super::writer::{View, Work};
use crate::{AccountId, Author, DailyLimit, Source, StoreError};

/// The fault of a zone that was just inserted, where it is one too many.
pub(super) fn zone_too_many(work: &Work, author: &Author) -> Result<Option<Fault>, StoreError> {
    let Some(most) = limit(&work.connection, author, "SELECT max_zones FROM accounts WHERE id = ?1")? else {
        return Ok(None);
    };
    // No further than it takes to know.
    let sql = "SELECT count(*) FROM (SELECT 1 FROM zones INDEXED BY zones_of_account
                   WHERE account = ?1 AND deleted IS NULL LIMIT ?2)";
    let held = count(&work.connection, sql, author.account, most)?;
    let detail = || format!("This account may have at most {most} zones");
    Ok((held > most).then(|| Fault::general("account-zones", detail())))
}

/// The fault of a change that makes an account's zones grow by so many records, where these are too many.
pub(super) fn records_too_many(
    connection: &Connection,
    author: &Author,
    growth: usize,
) -> Result<Option<Fault>, StoreError> {
    if !binds(author) {
        return Ok(None);
    }
    let found = connection
        .prepare_cached("SELECT max_records, held_records FROM accounts WHERE id = ?1")?
        .query_row([author.account.0], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))
        .optional()?;
    let Some((Some(most), Some(held))) = found else { return Ok(None) };
    let held = held.saturating_add(i64::try_from(growth).unwrap_or(i64::MAX));
    let detail = || format!("This account may have at most {most} records in all its zones");
    Ok((held > most).then(|| Fault::general("account-records", detail())))
}

/// Counts the changes that are stored: the records that they touch, or one. The limit, where that is more than the account may
/// make today.
///
/// The count is a row per account that is limited, and the day begins at 00:00 UTC. Decided against a count over the last 24
/// hours: it would take a row per hour or change, and "tomorrow" is easier to plan with.
pub(super) fn daily(work: &Work, author: &Author, changes: u64) -> Result<Result<(), DailyLimit>, StoreError> {
    let (day, made) = match check_daily(work.view(), author, changes)? {
        Ok(Some(counted)) => counted,
        Ok(None) => return Ok(Ok(())),
        Err(limit) => return Ok(Err(limit)),
    };
    work.connection
        .prepare_cached(
            "INSERT INTO changes_made VALUES (?1, ?2, ?3)
             ON CONFLICT (account) DO UPDATE SET day = excluded.day, made = excluded.made",
        )?
        .execute(params![author.account.0, day, made + changes.max(1) as i64])?;
    Ok(Ok(()))
}

/// [`daily`] without counting; today, and how many changes the account made, where it is limited.
pub(super) fn check_daily(
    view: View<'_>,
    author: &Author,
    changes: u64,
) -> Result<Result<Option<(i64, i64)>, DailyLimit>, StoreError> {
    let own = limit(view.connection, author, "SELECT max_changes FROM accounts WHERE id = ?1")?;
    let most = match own.and_then(|most| u32::try_from(most).ok()) {
        Some(most) => most,
        None if binds(author) => match view.shared.policy.changes_per_day {
            Some(most) => most,
            None => return Ok(Ok(None)),
        },
        None => return Ok(Ok(None)),
    };
    let now = view.now().as_second();
    let day = now.div_euclid(DAY);
    let made: Option<i64> = view
        .connection
        .prepare_cached("SELECT made FROM changes_made WHERE account = ?1 AND day = ?2")?
        .query_row(params![author.account.0, day], |row| row.get(0))
        .optional()?;
    let made = made.unwrap_or_default();
    let left = u64::from(most).saturating_sub(made as u64);
    if changes.max(1) > left {
        let resets_in = (DAY - now.rem_euclid(DAY)) as u32;
        return Ok(Err(DailyLimit { most, left: left as u32, resets_in }));
    }
    Ok(Ok(Some((day, made))))
}

/// Seconds.
const DAY: i64 = 86_400;

/// Whether limits apply to what comes through this door.
fn binds(author: &Author) -> bool {
    match author.source {
        Source::Operator | Source::Server | Source::Undelete => false,
        Source::Api | Source::Dashboard | Source::Import | Source::Rollback => true,
    }
}

fn limit(connection: &Connection, author: &Author, sql: &'static str) -> Result<Option<i64>, StoreError> {
    if !binds(author) {
        return Ok(None);
    }
    Ok(connection.prepare_cached(sql)?.query_row([author.account.0], |row| row.get(0)).optional()?.flatten())
}

fn count(connection: &Connection, sql: &'static str, account: AccountId, most: i64) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached(sql)?.query_row(params![account.0, most + 1], |row| row.get(0))?)
}
