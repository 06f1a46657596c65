//! Events of the audit trail that owners get an e-mail about.

use super::db::{Connection, Row, params, value};
use super::readers::Size;
use super::rows::Place;
use super::writer::Work;
use crate::*;

pub(super) const NEWEST: &str = "SELECT coalesce(max(id), 0) FROM events";
pub(super) const AFTER: &str =
    "SELECT e.id, e.time, e.kind, e.detail, e.address, e.actor IS NOT DISTINCT FROM e.account AS by_owner, e.account, a.email, a.created, a.language
     FROM events e CROSS JOIN accounts a ON a.id = e.account
     WHERE e.id > ?1 AND e.id <= ?2 AND a.closed IS NULL ORDER BY e.id";
/// How many events are looked at in one reading.
const STEP: i64 = 1000;

fn read(connection: &Connection, after: i64) -> Result<(Vec<OwnerNotice>, EventId), StoreError> {
    let newest: i64 = connection.one(NEWEST, [], value)?;
    let until = newest.min(after.saturating_add(STEP));
    let mut notices = Vec::new();
    if until > after {
        notices = connection.list(AFTER, params![after, until], notice)?;
        notices.retain(|notice| OwnerNotice::KINDS.contains(&notice.kind));
    }
    Ok((notices, EventId(until.max(after))))
}

fn notice(row: &Row<'_>) -> Result<OwnerNotice, StoreError> {
    let id: i64 = row.get("id")?;
    let place = Place { table: "events", row: id };
    Ok(OwnerNotice {
        id: EventId(id),
        time: place.time("time", row.get("time")?)?,
        kind: place.sound("kind", EventKind::from_number(row.get("kind")?))?,
        detail: row.get("detail")?,
        address: place.address("address", row.get("address")?)?,
        by_owner: row.get("by_owner")?,
        account: AccountId(row.get("account")?),
        email: row.get("email")?,
        account_created_at: place.time("created", row.get("created")?)?,
        language: row.get("language")?,
    })
}

impl Outbox {
    /// Up to which event owners have been written to.
    pub async fn owners_written_to(&self) -> Result<EventId, StoreError> {
        let read = |connection: &Connection| {
            let sql = "SELECT event FROM owner_mail WHERE \"only\" = 1";
            Ok(EventId(connection.one(sql, [], value)?))
        };
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// What owners are to hear of after an event, and up to which event that is: some of it where there is much.
    pub async fn owner_notices(&self, after: EventId) -> Result<(Vec<OwnerNotice>, EventId), StoreError> {
        self.store.inner.readers.run(Size::Small, move |connection| read(connection, after.0)).await
    }

    /// Notes that owners have been written to about all events up to this one.
    pub async fn note_owners_written_to(&self, until: EventId) -> Result<(), StoreError> {
        let note = move |work: &Work| {
            let sql = "UPDATE owner_mail SET event = ?1 WHERE \"only\" = 1 AND event < ?1";
            work.connection.prepare_cached(sql)?.execute([until.0])?;
            Ok(())
        };
        self.store.inner.writer.run(note).await
    }
}
