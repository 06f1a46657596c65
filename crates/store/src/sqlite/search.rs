//! Looking for zones and records by a part of what people see of them.
//!
//! A text that is looked for may stand anywhere, so no index leads to it. What an index gives is the order, and rows that are
//! narrow: SQLite passes over those that cannot match without leaving the index, and the rest is compared here. That costs as much
//! as the account has zones (100,000: some 30 ms of a processor) and ends with the page. It runs where whole zones are read, so that it keeps no
//! small question waiting.
//!
//! Decided against: an index of trigrams, which would cost every new zone and record more than all searches save; and looking
//! only for the beginning of a name, which does not find what people remember.

use dns::{Name, OwnerName, ZoneId, ZoneName};
use rusqlite::{Connection, params};

use super::Store;
use super::readers::Size;
use super::rows::{self, record_columns, zone_columns};
use super::zones;
use crate::{AccountId, FoundRecords, FoundZones, StoreError, StoredRecord};

impl Store {
    /// The account's zones after `after` that have `text` in their name, by name, at most `limit`. Without a text, all.
    ///
    /// Unicode is looked for as the A-labels that it becomes.
    pub async fn find_zones(
        &self,
        account: AccountId,
        text: &str,
        after: Option<ZoneName>,
        limit: u32,
    ) -> Result<FoundZones, StoreError> {
        let wanted = Wanted::of(text);
        let size = if wanted.text.is_empty() { Size::Small } else { Size::Large };
        let read = move |connection: &Connection| find_zones(connection, account, &wanted, after.as_ref(), limit);
        self.inner.readers.run(size, read).await
    }

    /// The zone's records after the name `after` that have `text` in their name, type or value, by name: `at_least` so many where
    /// there are, and then the rest of the last name. `None` where the account has no such zone.
    pub async fn find_records(
        &self,
        account: AccountId,
        zone: ZoneId,
        text: &str,
        after: Option<OwnerName>,
        at_least: usize,
    ) -> Result<Option<FoundRecords>, StoreError> {
        let text = text.trim().to_lowercase();
        let read =
            move |connection: &Connection| find_records(connection, account, zone, &text, after.as_ref(), at_least);
        self.inner.readers.run(Size::Large, read).await
    }
}

/// A part of a name that is looked for.
struct Wanted {
    /// As names are shown: lower case, A-labels.
    text: String,
    /// Two parts of a name's key that it has to have: they rule out nearly all other names without leaving the index.
    in_key: [Vec<u8>; 2],
}

impl Wanted {
    fn of(text: &str) -> Wanted {
        let text = text.trim();
        let text = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            // What is no name as a whole is in none.
            Name::parse(text).map_or_else(|_| text.to_lowercase(), |name| name.to_string())
        };
        // Escapes are written differently in a key.
        let in_key = if text.contains('\\') { Default::default() } else { in_key(&text) };
        Wanted { text, in_key }
    }
}

/// What stands before the first dot ends a label, and in a key a zero octet ends each; of what follows, the longest part.
fn in_key(text: &str) -> [Vec<u8>; 2] {
    match text.split_once('.') {
        None => [text.into(), Vec::new()],
        Some((first, rest)) => {
            let longest = rest.split('.').max_by_key(|part| part.len()).unwrap_or_default();
            [[first.as_bytes(), &[0]].concat(), longest.into()]
        }
    }
}

pub(super) const ZONES_BY_NAME: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_of_account_by_name
     WHERE z.account = ?1 AND z.name > ?2 AND z.deleted IS NULL AND instr(z.name, ?3) > 0 AND instr(z.name, ?4) > 0
     ORDER BY z.name"
);

fn find_zones(
    connection: &Connection,
    account: AccountId,
    wanted: &Wanted,
    after: Option<&ZoneName>,
    limit: u32,
) -> Result<FoundZones, StoreError> {
    let after = after.map(|name| name.name().key()).unwrap_or_default();
    let [first, longest] = &wanted.in_key;
    let mut statement = connection.prepare_cached(ZONES_BY_NAME)?;
    let mut rows = statement.query(params![account.0, after, first, longest])?;
    let mut found = FoundZones { zones: Vec::new(), next: None };
    while let Some(row) = rows.next()? {
        let zone = rows::zone(row)?.zone;
        if !zone.name.to_string().contains(&wanted.text) {
            continue;
        }
        if found.zones.len() == limit as usize {
            found.next = found.zones.last().map(|last| last.name.clone());
            break;
        }
        found.zones.push(zone);
    }
    Ok(found)
}

pub(super) const RECORDS_BY_NAME: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_by_data
     WHERE r.zone = ?1 AND r.owner > ?2 AND r.to_version IS NULL ORDER BY r.owner, r.type, r.data"
);
/// The same from the apex on, whose key is empty.
pub(super) const RECORDS_FROM_APEX: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_by_data
     WHERE r.zone = ?1 AND r.owner >= ?2 AND r.to_version IS NULL ORDER BY r.owner, r.type, r.data"
);

fn find_records(
    connection: &Connection,
    account: AccountId,
    zone: ZoneId,
    text: &str,
    after: Option<&OwnerName>,
    at_least: usize,
) -> Result<Option<FoundRecords>, StoreError> {
    let Some(zone) = zones::of_account(connection, account, zone)? else { return Ok(None) };
    let sql = if after.is_some() { RECORDS_BY_NAME } else { RECORDS_FROM_APEX };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![zone.row, after.map(OwnerName::key).unwrap_or_default()])?;
    let mut found = FoundRecords { zone: zone.zone, records: Vec::new(), next: None };
    while let Some(row) = rows.next()? {
        let (_, stored) = rows::record(row, found.zone.id)?;
        if !has(&stored, text) {
            continue;
        }
        if found.records.len() >= at_least
            && let Some(last) = found.records.last()
            && last.record.owner != stored.record.owner
        {
            found.next = Some(last.record.owner.clone());
            break;
        }
        found.records.push(stored);
    }
    Ok(Some(found))
}

/// Whether a text stands somewhere in what is shown of a record; `text` is in lower case.
fn has(stored: &StoredRecord, text: &str) -> bool {
    let record = &stored.record;
    text.is_empty()
        || record.owner.to_string().contains(text)
        || record.data.record_type().to_string().eq_ignore_ascii_case(text)
        || record.data.value().to_lowercase().contains(text)
}
