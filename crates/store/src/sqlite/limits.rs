//! What an account may have, checked inside the transaction that adds to it, so that requests at the same time cannot pass it
//! together.
//!
//! Only growth is refused: an account that has more than its limit, because the limit was set later, may change and delete what
//! it has. The operator's own commands, and what the server itself does, are bound by no limit. An account without a limit
//! costs one read by its key.

use std::time::Duration;

use dns::Fault;
use rusqlite::{Connection, OptionalExtension, params};

use super::writer::{View, Work};
use crate::{AccountId, Author, DailyLimit, Retention, Source, StoreError};

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

/// The fault of a change that adds and removes so many records, where the account would have too many: live ones, or stored ones.
///
/// Each added record is a row more, and a removed one stays as a row while its versions are kept. So what only removes is never
/// refused, and neither is what adds no more than it removes, as far as live records are concerned.
pub(super) fn records_too_many(
    view: View<'_>,
    author: &Author,
    added: usize,
    removed: usize,
) -> Result<Option<Fault>, StoreError> {
    if added == 0 || !binds(author) {
        return Ok(None);
    }
    let found = view
        .connection
        .prepare_cached("SELECT max_records, held_records, max_stored, held_stored FROM accounts WHERE id = ?1")?
        .query_row([author.account.0], |row| {
            let limit = |at: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.zip(row.get(at + 1)?));
            Ok((limit(0)?, limit(2)?))
        })
        .optional()?;
    let Some((live, stored)) = found else { return Ok(None) };
    let beyond = |limit: Option<(i64, i64)>, growth: usize| {
        let (most, held) = limit?;
        (held.saturating_add(i64::try_from(growth).unwrap_or(i64::MAX)) > most).then_some(most)
    };
    if added > removed
        && let Some(most) = beyond(live, added - removed)
    {
        let detail = format!("This account may have at most {most} records in all its zones");
        return Ok(Some(Fault::general("account-records", detail)));
    }
    Ok(beyond(stored, added).map(|most| {
        let removal = view.shared.retention.get().map(removal).unwrap_or_default();
        let detail = format!(
            "This account may have at most {most} records in all kept versions of its zones. {removal}The operator can \
             raise this limit"
        );
        Fault::general("account-stored-records", detail)
    }))
}

/// When old versions go, in words.
fn removal(retention: Retention) -> String {
    let Retention { versions, age, deleted_zones, .. } = retention;
    let (versions, age, deleted_zones) = (versions.max(1), span(age), span(deleted_zones));
    format!(
        "Versions are removed after {age}, except each zone's newest {versions}, and deleted zones after {deleted_zones}. "
    )
}

fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(DAY as u64, "days"), (3_600, "hours"), (60, "minutes")];
    let unit = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "seconds"));
    format!("{} {name}", seconds / unit)
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
