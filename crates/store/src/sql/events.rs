//! The audit trail of accounts.

use super::accounts;
use super::db::{Connection, Row, params, value};
use super::readers::Size;
use super::rows::Place;
use super::writer::Work;
use crate::{AccountEvent, AccountId, Actor, EventId, EventKind, Operator, People, StoreError, Timestamp};

/// Writes an event into the open transaction.
pub(super) fn insert(
    work: &Work,
    by: &Actor,
    kind: EventKind,
    account: Option<AccountId>,
    detail: &str,
) -> Result<(), StoreError> {
    work.connection
        .prepare_cached(
            "INSERT INTO events (time, kind, account, actor, address, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            work.now().as_millisecond(),
            kind as u8,
            account.map(|account| account.0),
            by.account.map(|account| account.0),
            by.address.map(|address| address.to_string()),
            detail,
        ])?;
    Ok(())
}

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT e.id, e.time, e.kind, a.email, b.email AS actor, e.address, e.detail FROM events e
             LEFT JOIN accounts a ON a.id = e.account AND a.closed IS NULL
             LEFT JOIN accounts b ON b.id = e.actor AND b.id IS DISTINCT FROM e.account AND b.closed IS NULL
             WHERE ",
            $condition,
            " ORDER BY e.id DESC LIMIT ?3"
        )
    };
}

pub(super) const OF_ALL: &str = select!("?1 IS NULL AND e.id < ?2");
pub(super) const OF_ONE: &str = select!("e.account = ?1 AND e.id < ?2");

fn page(
    connection: &Connection,
    account: Option<AccountId>,
    before: Option<EventId>,
    limit: u32,
) -> Result<Vec<AccountEvent>, StoreError> {
    let sql = if account.is_some() { OF_ONE } else { OF_ALL };
    let before = before.map_or(i64::MAX, |before| before.0);
    connection.list(sql, params![account.map(|account| account.0), before, limit], event)
}

fn event(row: &Row<'_>) -> Result<AccountEvent, StoreError> {
    let id: i64 = row.get("id")?;
    let place = Place { table: "events", row: id };
    Ok(AccountEvent {
        id: EventId(id),
        time: place.time("time", row.get("time")?)?,
        kind: place.sound("kind", EventKind::from_number(row.get("kind")?))?,
        email: row.get("email")?,
        actor: row.get("actor")?,
        address: place.address("address", row.get("address")?)?,
        detail: row.get("detail")?,
    })
}

/// The oldest of the trail, by their positions, which are in the order of time but for what a clock does that is set back.
pub(super) const OLDEST: &str = "SELECT time FROM events WHERE id > 0 ORDER BY id LIMIT ?1";

/// Whether [`forget`] would find something.
pub(super) fn has_old(connection: &Connection, old: Timestamp, step: usize) -> Result<bool, StoreError> {
    let times: Vec<i64> = connection.list(OLDEST, [step as i64], value)?;
    Ok(times.into_iter().any(|time| time < old.as_millisecond()))
}

/// Forgets those of the `step` oldest events that are from before `old`; gives how many those were.
///
/// There is no index by time, which every event would have to be entered into: where the clock ran ahead once, the events of
/// that time keep their places until they are old, and only so many of them would hold back what is behind them.
pub(super) fn forget(work: &Work, old: Timestamp, step: usize) -> Result<u64, StoreError> {
    let sql = "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id > 0 ORDER BY id LIMIT ?1) AND time < ?2";
    Ok(work.connection.prepare_cached(sql)?.execute(params![step as i64, old.as_millisecond()])? as u64)
}

impl Operator {
    /// The trail of one account or of all, newest first, before `before`.
    pub async fn events(
        &self,
        account: Option<AccountId>,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<AccountEvent>, StoreError> {
        let read = move |connection: &Connection| page(connection, account, before, limit);
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// Writes an event of which nothing else is stored.
    pub async fn note(&self, kind: EventKind, account: Option<AccountId>, detail: &str) -> Result<(), StoreError> {
        let (by, detail) = (self.by, detail.to_owned());
        self.store.inner.writer.run(move |work| insert(work, &by, kind, account, &detail)).await
    }
}

impl People {
    /// Records a sign-in with a wrong password for an address.
    pub async fn note_failed_sign_in(&self, email: &str, by: Actor) -> Result<(), StoreError> {
        let email = email.to_owned();
        let note = move |work: &Work| {
            let account = accounts::by_email(&work.connection, &email)?.map(|account| account.id);
            insert(work, &by, EventKind::SignInFailed, account, "")
        };
        self.store.inner.writer.run(note).await
    }
}
