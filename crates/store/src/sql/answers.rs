//! The answers to requests that came with a key, and doing such a request once.
//!
//! The key is looked for inside the transaction that makes the change and keeps the answer, and there is one writer: of two
//! equal requests at once, the second finds the first's answer.
//!
//! Of a long answer a rest is kept, and the zone's history has the records. So no version is forgotten by age that an answer
//! needs ([`NEEDED`]); where the whole zone is forgotten, its long answers cannot be made again.
//!
//! Decided against: to reserve a key before the change is made. A crash between the two would leave a key that belongs to
//! nothing, and every later repeat would have to guess what became of the first.

use dns::{Serial, ZoneId};

use super::db::{Connection, Row, params, value};
use super::rows::{self, Place};
use super::writer::Work;
use crate::logic::group::Made;
use crate::{ANSWERS_KEPT_FOR, Answer, Done, Head, Once, Repeatable, StoreError, Timestamp, VersionNumber};

/// Runs `job`; where the request came with a key, unless it was done before under the same key, and keeps its answer.
pub(super) fn make<T, E: From<StoreError>>(
    work: &Work,
    once: Option<&Once<T>>,
    job: impl FnOnce(&Work) -> Result<T, E>,
) -> Result<Made<T>, E> {
    let Some(once) = once else { return Ok(Made::Now(job(work)?)) };
    if let Some(known) = find(&work.connection, &once.request, work.now())? {
        return Ok(Made::Keyed(known));
    }
    let answer = (once.answer)(&job(work)?)?;
    keep(work, &once.request, &answer)?;
    Ok(Made::Keyed(Done::Now(answer)))
}

pub(super) const BY_KEY: &str =
    "SELECT id, fingerprint, status, headers, body, zone, name, version, serial, deleted, rest
     FROM answers INDEXED BY answers_by_key WHERE account = ?1 AND operation = ?2 AND key = ?3 AND time > ?4";

/// What a request under this key got before; `None` where there was none in the last 24 hours.
pub(super) fn find(connection: &Connection, request: &Repeatable, now: Timestamp) -> Result<Option<Done>, StoreError> {
    let key = params![request.account.0, request.operation, request.key, oldest(now)];
    connection.optional(BY_KEY, key, |row| {
        let answer = read(row)?;
        let fingerprint: [u8; 32] = row.get("fingerprint")?;
        Ok(if fingerprint == request.fingerprint { Done::Before(answer) } else { Done::KeyReused(answer.head.id) })
    })
}

fn read(row: &Row<'_>) -> Result<Answer, StoreError> {
    let place = Place { table: "answers", row: row.get("id")? };
    let headers: String = row.get("headers")?;
    Ok(Answer {
        status: row.get("status")?,
        headers: place.sound("headers", serde_json::from_str(&headers).ok())?,
        body: row.get("body")?,
        rest: row.get("rest")?,
        head: Head {
            id: ZoneId(place.uuid("zone", row, "zone")?),
            name: place.zone_name(row, "name")?,
            version: VersionNumber(place.sound("version", u64::try_from(row.get::<_, i64>("version")?).ok())?),
            serial: Serial(row.get("serial")?),
        },
        deleted: row.get("deleted")?,
    })
}

pub(super) fn keep(work: &Work, request: &Repeatable, answer: &Answer) -> Result<(), StoreError> {
    let headers = serde_json::to_string(&answer.headers).map_err(|_| StoreError::Bug("headers without a JSON form"))?;
    let body = if answer.rest.is_some() { &[] } else { answer.body.as_slice() };
    // One that is there is too old to be given again.
    work.connection
        .prepare_cached(
            "INSERT INTO answers (account, operation, key, fingerprint, time, status, headers, body,
                                             zone, name, version, serial, deleted, rest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (account, operation, key) DO UPDATE SET
                 fingerprint = excluded.fingerprint, time = excluded.time, status = excluded.status,
                 headers = excluded.headers, body = excluded.body, zone = excluded.zone, name = excluded.name,
                 version = excluded.version, serial = excluded.serial, deleted = excluded.deleted, rest = excluded.rest",
        )?
        .execute(params![
            request.account.0,
            request.operation,
            request.key,
            request.fingerprint,
            work.now().as_millisecond(),
            answer.status,
            headers,
            body,
            answer.head.id.0.as_bytes(),
            answer.head.name.name().key(),
            rows::number(answer.head.version),
            answer.head.serial.0,
            answer.deleted,
            answer.rest,
        ])?;
    Ok(())
}

pub(super) const NEEDED: &str = "SELECT min(version) FROM answers INDEXED BY answers_with_rest
     WHERE zone = (SELECT uuid FROM zones WHERE id = ?1) AND rest IS NOT NULL";

/// The number of the oldest version of the zone in that row of which an answer may have to be made again.
pub(super) fn oldest_needed(connection: &Connection, zone: i64) -> Result<Option<i64>, StoreError> {
    connection.one(NEEDED, [zone], value)
}

/// How many answers one step of [`forget`] drops: a few milliseconds of the writer's time.
const FORGET_STEP: usize = 100;

pub(super) const TOO_OLD: &str = "SELECT id FROM answers INDEXED BY answers_by_time WHERE time <= ?1 LIMIT ?2";

/// Whether [`forget`] has something to do.
pub(super) fn is_any_too_old(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    connection.exists(TOO_OLD, params![oldest(now), 1])
}

/// Drops some answers that are too old to be given again. False where there may be no more of them.
pub(super) fn forget(work: &Work) -> Result<bool, StoreError> {
    let forgotten = work
        .connection
        .prepare_cached(
            "DELETE FROM answers WHERE id IN (
                 SELECT id FROM answers INDEXED BY answers_by_time WHERE time <= ?1 LIMIT ?2)",
        )?
        .execute(params![oldest(work.now()), FORGET_STEP as i64])?;
    Ok(forgotten == FORGET_STEP)
}

/// The time, in milliseconds, up to which answers are too old.
fn oldest(now: Timestamp) -> i64 {
    now.as_millisecond() - ANSWERS_KEPT_FOR * 1000
}
