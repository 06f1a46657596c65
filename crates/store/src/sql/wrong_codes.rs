//! Counts the wrong codes of an account, and delays its next one.
//!
//! One-time passwords and recovery codes have separate counts. Only a right code of the same kind clears a count: not a right
//! password, a new session or a restart. Only a person with the account's password can increase the delay, and it does not apply to
//! the account's known browsers.

use super::db::{params, value};
use super::writer::Work;
use crate::*;

/// Wrong codes that make nobody wait.
const FREE: u32 = CODES_PER_SESSION;
/// The wait after the last of them, in milliseconds; each further one doubles it.
const FIRST: i64 = 60_000;
/// The longest wait, in milliseconds.
const LONGEST: i64 = 60 * 60_000;

/// Which codes are counted. The stored numbers never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    OneTime = 1,
    Recovery = 2,
}

impl Kind {
    pub(super) fn of(typed: &str) -> Kind {
        if RecoveryCode::typed(typed).is_some() { Kind::Recovery } else { Kind::OneTime }
    }
}

fn wait_after(count: u32) -> i64 {
    match count.checked_sub(FREE) {
        None => 0,
        Some(beyond) => FIRST.checked_shl(beyond.min(20)).unwrap_or(LONGEST).min(LONGEST),
    }
}

/// How many seconds the account's next code of this kind has to wait; `None`: not at all.
pub(super) fn wait(work: &Work, account: AccountId, kind: Kind) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT count, last FROM wrong_codes WHERE account = ?1 AND kind = ?2";
    let found: Option<(u32, i64)> = work
        .connection
        .optional(sql, params![account.0, kind as u8], |row| Ok((row.get("count")?, row.get("last")?)))?;
    let Some((count, last)) = found else { return Ok(None) };
    let wait = wait_after(count);
    // A clock that was set back makes the wait no longer than it was.
    let left = (last + wait - work.now().as_millisecond()).min(wait);
    Ok((left > 0).then(|| left.unsigned_abs().div_ceil(1000)))
}

/// Counts a wrong code; how many there are now.
pub(super) fn note(work: &Work, account: AccountId, kind: Kind) -> Result<u32, StoreError> {
    let sql = "INSERT INTO wrong_codes (account, kind, count, last) VALUES (?1, ?2, 1, ?3)
               ON CONFLICT (account, kind) DO UPDATE SET
                   count = CASE WHEN wrong_codes.count < 1000000 THEN wrong_codes.count + 1 ELSE 1000000 END,
                   last = excluded.last
               RETURNING count";
    let now = work.now().as_millisecond();
    work.connection.one(sql, params![account.0, kind as u8, now], value)
}

/// A right code was given.
pub(super) fn clear(work: &Work, account: AccountId, kind: Kind) -> Result<(), StoreError> {
    let sql = "DELETE FROM wrong_codes WHERE account = ?1 AND kind = ?2";
    work.connection.prepare_cached(sql)?.execute(params![account.0, kind as u8])?;
    Ok(())
}

/// Forgets all counts of an account whose second factor is gone.
pub(super) fn forget(work: &Work, account: AccountId) -> Result<(), StoreError> {
    work.connection.prepare_cached("DELETE FROM wrong_codes WHERE account = ?1")?.execute([account.0])?;
    Ok(())
}

/// Whether so many wrong codes are a reason to write to the owner: five, and then each time their number has doubled.
pub(super) fn is_notable(count: u32) -> bool {
    count.is_multiple_of(FREE) && (count / FREE).is_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_1_2_4_to_60_minutes() {
        let minutes: Vec<i64> =
            [0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 100, u32::MAX].map(wait_after).map(|ms| ms / 60_000).into();
        assert_eq!(minutes, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        let notable: Vec<u32> = (0..100).filter(|count| is_notable(*count)).collect();
        assert_eq!(notable, [5, 10, 20, 40, 80]);
    }
}
