//! What an account may have, checked inside the transaction that adds to it, so that requests at the same time cannot pass it
//! together.
//!
//! Only growth is refused: an account that has more than its limit, because the limit was set later, may change and delete what
//! it has. The operator's own commands, and what the server itself does, are bound by no limit. An account without a limit
//! costs one read by its key.

use dns::Fault;
use rusqlite::{Connection, OptionalExtension, params};

use super::writer::Work;
use crate::{AccountId, Author, Source, StoreError};

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

/// The fault of a change that was just stored and made its zone grow, where the account now has too many records.
pub(super) fn records_too_many(work: &Work, author: &Author) -> Result<Option<Fault>, StoreError> {
    let Some(most) = limit(&work.connection, author, "SELECT max_records FROM accounts WHERE id = ?1")? else {
        return Ok(None);
    };
    let sql = "SELECT coalesce(sum(record_count), 0) FROM zones INDEXED BY zones_of_account
                   WHERE account = ?1 AND deleted IS NULL AND ?2 >= 0";
    let held = count(&work.connection, sql, author.account, most)?;
    let detail = || format!("This account may have at most {most} records in all its zones");
    Ok((held > most).then(|| Fault::general("account-records", detail())))
}

fn limit(connection: &Connection, author: &Author, sql: &'static str) -> Result<Option<i64>, StoreError> {
    match author.source {
        Source::Operator | Source::Server | Source::Undelete => return Ok(None),
        Source::Api | Source::Dashboard | Source::Import | Source::Rollback => {}
    }
    Ok(connection.prepare_cached(sql)?.query_row([author.account.0], |row| row.get(0)).optional()?.flatten())
}

fn count(connection: &Connection, sql: &'static str, account: AccountId, most: i64) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached(sql)?.query_row(params![account.0, most + 1], |row| row.get(0))?)
}
