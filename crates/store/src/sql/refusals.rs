//! What update keys were refused, and when they were used: collected in memory, and stored by the housekeeper.
//!
//! Requests that are refused cost their sender nothing, so they must cost the writer little. Equal ones become one row with a
//! count, what waits is bounded for each key and in all, and a job of the writer stores only some of it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::db::{Connection, Row, params, value};
use super::readers::Size;
use super::rows::Place;
use super::shared::Shared;
use super::writer::{Work, Writer};
use crate::*;

/// How many refusals wait to be stored, of all keys.
const WAITING: usize = 2_000;
/// How many one job of the writer stores: about 2 ms.
const AT_ONCE: usize = 100;

/// What waits to be stored.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// By the rows of the keys, oldest first.
    refusals: HashMap<i64, Vec<Refusal>>,
    count: usize,
    /// When keys were used, in milliseconds since 1970.
    uses: HashMap<i64, i64>,
}

impl Refusals {
    pub(super) fn note(&self, key: i64, refusal: Refusal) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting { refusals, count, .. } = &mut *waiting;
        if let Some(known) = refusals.get_mut(&key).and_then(|of_key| of_key.iter_mut().find(|r| r.is_like(&refusal))) {
            known.time = refusal.time;
            known.count += refusal.count;
            return;
        }
        let has_room = refusals.get(&key).is_none_or(|of_key| of_key.len() < REFUSALS_KEPT);
        if *count >= WAITING || !has_room {
            metrics::counter!("zonewright_refusals_dropped_total").increment(1);
            return;
        }
        *count += 1;
        refusals.entry(key).or_default().push(refusal);
    }

    pub(super) fn note_use(&self, key: i64, time: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).uses.insert(key, time);
    }

    /// What waits, of one key or of all; it counts as stored from now on.
    fn take(&self, of: Option<i64>) -> (Vec<(i64, Refusal)>, HashMap<i64, i64>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = match of {
            Some(key) => waiting.refusals.remove_entry(&key).into_iter().collect(),
            None => std::mem::take(&mut waiting.refusals),
        };
        let taken: Vec<(i64, Refusal)> =
            taken.into_iter().flat_map(|(key, of_key)| of_key.into_iter().map(move |refusal| (key, refusal))).collect();
        waiting.count -= taken.len();
        let uses = if of.is_none() { std::mem::take(&mut waiting.uses) } else { HashMap::new() };
        (taken, uses)
    }
}

/// Stores what waits.
pub(super) fn store(shared: &Shared, writer: &Writer) -> Result<(), StoreError> {
    let (refusals, uses) = shared.refusals.take(None);
    if !uses.is_empty() {
        writer.run_blocking(move |work| note_uses(work, &uses))?;
    }
    for some in refusals.chunks(AT_ONCE) {
        let some = some.to_vec();
        writer.run_blocking(move |work| insert(work, &some))?;
    }
    Ok(())
}

fn note_uses(work: &Work, uses: &HashMap<i64, i64>) -> Result<(), StoreError> {
    let mut update = work.connection.prepare_cached("UPDATE update_keys SET last_used = ?2 WHERE id = ?1")?;
    for (key, time) in uses {
        update.execute([key, time])?;
    }
    Ok(())
}

pub(super) const OF_KEY: &str =
    "SELECT id, time, source, transport, rule, asked, detail, count FROM refusals INDEXED BY refusals_by_time
     WHERE key = ?1 ORDER BY time DESC, id DESC LIMIT ?2";
pub(super) const TOO_MANY: &str = "SELECT id FROM refusals INDEXED BY refusals_by_time
     WHERE key = ?1 ORDER BY time DESC, id DESC LIMIT 9223372036854775807 OFFSET ?2";

/// Stores refusals of keys that still exist, and forgets the oldest where a key has more than are kept.
fn insert(work: &Work, refusals: &[(i64, Refusal)]) -> Result<(), StoreError> {
    let sql = "INSERT INTO refusals (key, time, source, transport, rule, asked, detail, count)
         SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM update_keys WHERE id = ?1
         ON CONFLICT (key, source, transport, rule, asked, detail)
         DO UPDATE SET time = excluded.time, count = refusals.count + excluded.count";
    let mut insert = work.connection.prepare_cached(sql)?;
    for (key, refusal) in refusals {
        insert.execute(params![
            key,
            refusal.time.as_millisecond(),
            refusal.source.map_or_else(String::new, |source| source.to_string()),
            refusal.transport as u8,
            refusal.rule as u8,
            refusal.asked,
            refusal.detail,
            i64::try_from(refusal.count).unwrap_or(i64::MAX),
        ])?;
    }
    let mut keys: Vec<i64> = refusals.iter().map(|(key, _)| *key).collect();
    keys.dedup();
    let mut forget = work.connection.prepare_cached("DELETE FROM refusals WHERE id = ?1")?;
    for key in keys {
        for id in work.connection.list(TOO_MANY, params![key, REFUSALS_KEPT as i64], value::<i64>)? {
            forget.execute([id])?;
        }
    }
    Ok(())
}

fn refusal(row: &Row<'_>) -> Result<Refusal, StoreError> {
    let place = Place { table: "refusals", row: row.get("id")? };
    let source: String = row.get("source")?;
    Ok(Refusal {
        time: place.time("time", row.get("time")?)?,
        source: place.address("source", Some(source).filter(|source| !source.is_empty()))?,
        transport: place.sound("transport", Transport::from_number(row.get("transport")?))?,
        asked: row.get("asked")?,
        rule: place.sound("rule", RefusedBy::from_number(row.get("rule")?))?,
        detail: row.get("detail")?,
        count: place.sound("count", u64::try_from(row.get::<_, i64>("count")?).ok())?,
    })
}

impl Tenant {
    /// The last refusals of one of the [update keys](Tenant::update_keys), newest first. `None`: there is no such key.
    pub async fn refusals(&self, id: UpdateKeyId) -> Result<Option<Vec<Refusal>>, StoreError> {
        let Some(key) = self.update_key(id).await? else { return Ok(None) };
        let (waiting, _) = self.store.inner.shared.refusals.take(Some(key.row));
        if !waiting.is_empty() {
            self.store.inner.writer.run(move |work| insert(work, &waiting)).await?;
        }
        let read =
            move |connection: &Connection| connection.list(OF_KEY, params![key.row, REFUSALS_KEPT as i64], refusal);
        self.store.inner.readers.run(Size::Small, read).await.map(Some)
    }
}
