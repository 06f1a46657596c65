//! Two-factor authentication: one-time passwords and recovery codes.

use super::db::{Connection, params, value};
use super::tokens::hash;
use super::writer::Work;
use super::wrong_codes::{self, Kind};
use super::{accounts, events, known_browsers, sessions};
use crate::sealing::Purpose;
use crate::second_factor::RECOVERY_CODES;
use crate::*;

/// Takes a one-time code or a recovery code: either is valid once. True where it was valid.
fn take(work: &Work, account: AccountId, typed: &str, kind: Kind, by: &Actor) -> Result<bool, StoreError> {
    if kind == Kind::Recovery {
        return take_recovery_code(work, account, typed, by);
    }
    let sql = "SELECT totp, totp_step FROM accounts WHERE id = ?1";
    let stored: Option<(Option<Vec<u8>>, i64)> =
        work.connection.optional(sql, [account.0], |row| Ok((row.get("totp")?, row.get("totp_step")?)))?;
    let Some((Some(sealed), newest)) = stored else { return Ok(false) };
    let key = open_key(work, account, &sealed)?;
    let typed_code: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(step) = key.and_then(|key| key.step_of(&typed_code, work.now(), newest)) {
        work.connection
            .prepare_cached("UPDATE accounts SET totp_step = ?2 WHERE id = ?1")?
            .execute(params![account.0, step])?;
        return Ok(true);
    }
    Ok(false)
}

fn take_recovery_code(work: &Work, account: AccountId, typed: &str, by: &Actor) -> Result<bool, StoreError> {
    let Some(code) = RecoveryCode::typed(typed) else { return Ok(false) };
    let used = work
        .connection
        .prepare_cached("DELETE FROM recovery_codes WHERE account = ?1 AND hash = ?2")?
        .execute(params![account.0, hash(code.plain())])?;
    if used > 0 {
        events::insert(work, by, EventKind::RecoveryCodeUsed, Some(account), "")?;
    }
    Ok(used > 0)
}

/// The key of an account's one-time codes; `None` where it was given up with a lost key file.
fn open_key(work: &Work, account: AccountId, sealed: &[u8]) -> Result<Option<OneTimeKey>, StoreError> {
    if sealed.is_empty() {
        return Ok(None);
    }
    let key = work.shared.secrets.open(Purpose::OneTimeKey, account.0, sealed);
    let key = key.and_then(|key| key.try_into().ok()).map(OneTimeKey);
    super::rows::Place { table: "accounts", row: account.0 }.sound("totp", key).map(Some)
}

fn new_recovery_codes(work: &Work, account: AccountId) -> Result<Vec<RecoveryCode>, StoreError> {
    work.connection.prepare_cached("DELETE FROM recovery_codes WHERE account = ?1")?.execute([account.0])?;
    let mut insert = work.connection.prepare_cached("INSERT INTO recovery_codes VALUES (?1, ?2)")?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let code = RecoveryCode::draw()?;
        insert.execute(params![account.0, hash(code.plain())])?;
        codes.push(code);
    }
    Ok(codes)
}

impl Person {
    /// Asks for one-time codes from now on, where `code` shows that the owner's app has the key. Gives the recovery codes, once;
    /// `None` where the code is wrong, or the account has a second factor already. Sessions that began without a code end, and
    /// browsers that are known without one are forgotten, but for those to keep.
    pub async fn turn_second_factor_on(
        &self,
        key: OneTimeKey,
        code: &str,
        keep: Keep,
    ) -> Result<Option<Vec<RecoveryCode>>, StoreError> {
        let (account, by, code) = (self.account, self.by, code.to_owned());
        let turn_on = move |work: &Work| {
            let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
            let Some(step) = key.step_of(&code, work.now(), 0) else { return Ok(None) };
            let sealed = work.shared.secrets.seal(Purpose::OneTimeKey, account.0, &key.0)?;
            let set = work
                .connection
                .prepare_cached("UPDATE accounts SET totp = ?2, totp_step = ?3 WHERE id = ?1 AND totp IS NULL")?
                .execute(params![account.0, sealed, step])?;
            if set == 0 {
                return Ok(None);
            }
            let codes = new_recovery_codes(work, account)?;
            wrong_codes::forget(work, account)?;
            sessions::end_all_but(work, account, &keep)?;
            events::insert(work, &by, EventKind::SecondFactorOn, Some(account), "")?;
            Ok(Some(codes))
        };
        self.store.inner.writer.run(turn_on).await
    }

    /// Asks for one-time codes no more; its recovery codes are gone. False where it was off already.
    pub async fn turn_second_factor_off(&self) -> Result<bool, StoreError> {
        let (account, by) = (self.account, self.by);
        let turn_off = move |work: &Work| {
            let sql = "UPDATE accounts SET totp = NULL WHERE id = ?1 AND totp IS NOT NULL";
            if work.connection.execute(sql, [account.0])? == 0 {
                return Ok(false);
            }
            work.connection.execute("DELETE FROM recovery_codes WHERE account = ?1", [account.0])?;
            wrong_codes::forget(work, account)?;
            events::insert(work, &by, EventKind::SecondFactorOff, Some(account), "")?;
            Ok(true)
        };
        self.store.inner.writer.run(turn_off).await
    }

    /// Replaces the account's recovery codes; the new ones, once.
    pub async fn renew_recovery_codes(&self) -> Result<Vec<RecoveryCode>, StoreError> {
        let account = self.account;
        self.store.inner.writer.run(move |work| new_recovery_codes(work, account)).await
    }

    /// How many recovery codes are left.
    pub async fn recovery_codes_left(&self) -> Result<u32, StoreError> {
        let account = self.account;
        let read = move |connection: &Connection| {
            connection.one("SELECT count(*) FROM recovery_codes WHERE account = ?1", [account.0], value)
        };
        self.store.inner.readers.run(super::readers::Size::Small, read).await
    }
}

impl People {
    /// Judges a code that is given in a session that waits for one. A right code makes it a session that stands, under a new
    /// secret.
    ///
    /// [`CODES_PER_SESSION`] wrong codes end the session. From as many on, in whichever sessions, the account's next code of
    /// that kind waits (`wrong_codes`), except from a known browser; so many from a known browser, and it is not known any more.
    pub async fn complete_session(
        &self,
        waiting: &Session,
        code: &str,
        origin: Origin,
    ) -> Result<CodeOutcome, StoreError> {
        let (id, account, code, secret) = (waiting.id, waiting.account, code.to_owned(), PlainSecret::draw()?);
        self.store.inner.writer.run(move |work| judge(work, id, account, &code, &origin, secret)).await
    }
}

fn judge(
    work: &Work,
    session: SessionId,
    account: AccountId,
    code: &str,
    origin: &Origin,
    secret: PlainSecret,
) -> Result<CodeOutcome, StoreError> {
    let by = Actor { account: Some(account), address: origin.address };
    if accounts::active(&work.connection, account)?.is_none() || !sessions::waits(work, session)? {
        return Ok(CodeOutcome::Gone);
    }
    let kind = Kind::of(code);
    let browser = origin.browser.as_ref();
    let is_known = known_browsers::is_known(&work.connection, account, browser, work.now())?;
    if !is_known && let Some(seconds) = wrong_codes::wait(work, account, kind)? {
        return Ok(CodeOutcome::TooEarly { seconds });
    }
    if take(work, account, code, kind, &by)? {
        wrong_codes::clear(work, account, kind)?;
        let stands = sessions::complete(work, session, origin, secret)?;
        return Ok(stands.map_or(CodeOutcome::Gone, |session| CodeOutcome::Right(Box::new(session))));
    }
    let count = wrong_codes::note(work, account, kind)?;
    events::insert(work, &by, EventKind::CodeFailed, Some(account), "")?;
    if wrong_codes::is_notable(count) {
        events::insert(work, &by, EventKind::CodesGuessed, Some(account), &count.to_string())?;
    }
    if let Some(browser) = browser.filter(|_| is_known) {
        known_browsers::note_wrong_code(work, account, browser)?;
    }
    let has_ended = sessions::note_wrong_code(work, session)?;
    Ok(if has_ended { CodeOutcome::Ended } else { CodeOutcome::Wrong })
}
