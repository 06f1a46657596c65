//! What an account may have, as planning checks it inside the transaction that adds to it, so that requests at the same time
//! cannot pass it together.
//!
//! Only growth is refused: an account that has more than its limit, because the limit was set later, may change and delete what
//! it has. The operator's own commands, and what the server itself does, are bound by no limit.

use std::time::Duration;

use dns::{Fault, Message, message};

use super::cache::Cache;
use super::source::Bound;
use crate::{Author, DailyLimit, Retention, Source, StoreError};

/// The fault of a change that adds and removes so many records, where the account would have too many: live ones, or stored ones.
///
/// Each added record is a row more, and a removed one stays as a row while its versions are kept. So what only removes is never
/// refused, and neither is what adds no more than it removes, as far as live records are concerned.
pub(crate) fn records_too_many(
    cache: &mut Cache<'_>,
    author: &Author,
    added: usize,
    removed: usize,
) -> Result<Option<Fault>, StoreError> {
    if added == 0 || !binds(author) {
        return Ok(None);
    }
    let Some(quota) = cache.quota(author.account)? else { return Ok(None) };
    let beyond = |bound: Option<Bound>, growth: usize| {
        let Bound { most, held } = bound?;
        (held.saturating_add(i64::try_from(growth).unwrap_or(i64::MAX)) > most).then_some(most)
    };
    if added > removed
        && let Some(most) = beyond(quota.live, added - removed)
    {
        let detail = message!("This account may have at most {most} records in all its zones", most);
        return Ok(Some(Fault::general("account-records", detail)));
    }
    Ok(beyond(quota.stored, added).map(|most| {
        let detail = stored_too_many(most, cache.rules.retention());
        Fault::general("account-stored-records", detail)
    }))
}

/// With the times after which old versions go, where they do.
fn stored_too_many(most: i64, retention: Option<Retention>) -> Message {
    match retention {
        Some(Retention { versions, age, deleted_zones, .. }) => message!(
            "This account may have at most {most} records in all kept versions of its zones. Versions are removed after {age}, \
             except each zone's newest {versions}, and deleted zones after {deleted_zones}. The operator can raise this limit",
            most,
            age = span(age),
            versions = versions.max(1),
            deleted_zones = span(deleted_zones)
        ),
        None => message!(
            "This account may have at most {most} records in all kept versions of its zones. The operator can raise this limit",
            most
        ),
    }
}

fn span(span: Duration) -> Message {
    let (seconds, day) = (span.as_secs(), DAY as u64);
    match seconds {
        _ if seconds.is_multiple_of(day) => message!("{count} days", count = seconds / day),
        _ if seconds.is_multiple_of(3_600) => message!("{count} hours", count = seconds / 3_600),
        _ if seconds.is_multiple_of(60) => message!("{count} minutes", count = seconds / 60),
        _ => message!("{count} seconds", count = seconds),
    }
}

/// Whether an account may make so many more changes today: the day, and how many it made; `Ok(None)` without a limit.
///
/// The count is one per account that is limited, and the day begins at 00:00 UTC. Decided against a count over the last 24 hours:
/// it would take a row per hour or change, and "tomorrow" is easier to plan with.
pub(crate) fn check_daily(
    cache: &mut Cache<'_>,
    author: &Author,
    changes: u64,
) -> Result<Result<Option<(i64, i64)>, DailyLimit>, StoreError> {
    if !binds(author) {
        return Ok(Ok(None));
    }
    let quota = cache.quota(author.account)?;
    let own = quota.and_then(|quota| quota.changes).and_then(|most| u32::try_from(most).ok());
    let Some(most) = own.or(cache.rules.policy.changes_per_day) else { return Ok(Ok(None)) };
    let now = cache.rules.now().as_second();
    let day = now.div_euclid(DAY);
    let made = quota.and_then(|quota| quota.made).filter(|(counted, _)| *counted == day).map_or(0, |(_, made)| made);
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
pub(crate) fn binds(author: &Author) -> bool {
    match author.source {
        Source::Operator | Source::Server | Source::Undelete => false,
        Source::Api
        | Source::Dashboard
        | Source::Import
        | Source::Rollback
        | Source::Rfc2136
        | Source::DynDns
        | Source::Acme
        | Source::Pdns
        | Source::Webhook => true,
    }
}
