//! Searching zones and records by a part of what people see of them.
//!
//! The text can be anywhere in a name or value, so no index leads to it. An index provides the order and narrow rows: SQLite skips
//! those that cannot match without leaving the index, and the rest is compared here. The cost grows with the zones of the account
//! (100,000: about 30 ms of processor time) and ends with the page. Searches run on the threads for whole zones, so that they do not
//! delay small reads.
//!
//! Decided against: an index of trigrams (it would cost every new zone and record more than all searches save), and searching
//! only for the beginning of a name (people do not remember it).

use dns::{Name, OwnerName, Record, RecordData, RecordType, ZoneId, ZoneName};

use super::db::{Connection, Row, params};
use super::readers::Size;
use super::rows::{self, Place, lives_in_z, record_columns, zone_columns};
use super::zones;
use crate::{AccountId, FoundRecords, FoundZones, StoreError, Tenant, ZoneScope};

impl Tenant {
    /// The account's zones after `after` that have `text` in their name, by name, at most `limit`. Without a text, all.
    ///
    /// Unicode is looked for as the A-labels that it becomes.
    pub async fn find_zones(&self, text: &str, after: Option<ZoneName>, limit: u32) -> Result<FoundZones, StoreError> {
        let (account, scope) = (self.author.account, self.zones.clone());
        let wanted = Wanted::of(text);
        let size = if wanted.text.is_empty() { Size::Small } else { Size::Large };
        let read =
            move |connection: &Connection| find_zones(connection, account, &scope, &wanted, after.as_ref(), limit);
        self.store.inner.readers.run(size, read).await
    }

    /// The zone's records after the name `after` that have `text` in their name, type or value, by name: `at_least` so many where
    /// there are, and then the rest of the last name. `None` where the account has no such zone.
    pub async fn find_records(
        &self,
        zone: ZoneId,
        text: &str,
        after: Option<OwnerName>,
        at_least: usize,
    ) -> Result<Option<FoundRecords>, StoreError> {
        if !self.sees(zone) {
            return Ok(None);
        }
        let account = self.author.account;
        let text = text.trim().to_lowercase();
        let read =
            move |connection: &Connection| find_records(connection, account, zone, &text, after.as_ref(), at_least);
        self.store.inner.readers.run(Size::Large, read).await
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
    scope: &ZoneScope,
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
        let zone = rows::zone(&row)?.zone;
        if !scope.contains(zone.id) || !zone.name.to_string().contains(&wanted.text) {
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

/// All from the index: a record's row is read where the index does not rule it out.
pub(super) const RECORDS_BY_NAME: &str =
    "SELECT r.id, r.owner, r.type, r.data FROM records r INDEXED BY records_by_data
     WHERE r.zone = ?1 AND r.owner > ?2 AND r.to_version IS NULL ORDER BY r.owner, r.type, r.data";
/// The same from the apex on, whose key is empty.
pub(super) const RECORDS_FROM_APEX: &str =
    "SELECT r.id, r.owner, r.type, r.data FROM records r INDEXED BY records_by_data
     WHERE r.zone = ?1 AND r.owner >= ?2 AND r.to_version IS NULL ORDER BY r.owner, r.type, r.data";
pub(super) const RECORD_BY_ROW: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r CROSS JOIN zones z ON z.id = r.zone WHERE r.id = ?1 AND ",
    lives_in_z!()
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
    let sought = Sought { text, record_type: RecordType::parse(text).ok() };
    let sql = if after.is_some() { RECORDS_BY_NAME } else { RECORDS_FROM_APEX };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![zone.row, after.map(OwnerName::key).unwrap_or_default()])?;
    let mut found = FoundRecords { zone: zone.zone, records: Vec::new(), next: None };
    while let Some(row) = rows.next()? {
        if !sought.may_be_in(&row)? {
            continue;
        }
        let row: i64 = row.get(0)?;
        // The index has the records of a version that is yet to come, too.
        let stored = connection.optional(RECORD_BY_ROW, [row], |row| Ok(rows::record(row, found.zone.id)?.1))?;
        let Some(stored) = stored else { continue };
        if !sought.is_in(&stored.record) {
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

/// A text that is looked for in what is shown of records.
struct Sought<'a> {
    /// In lower case.
    text: &'a str,
    /// The type that it names.
    record_type: Option<RecordType>,
}

impl Sought<'_> {
    /// False only where the index is enough to say that a record does not have the text.
    fn may_be_in(&self, row: &Row<'_>) -> Result<bool, StoreError> {
        if self.text.is_empty() {
            return Ok(true);
        }
        let place = Place { table: "records", row: row.get(0)? };
        let record_type = u16::try_from(row.get::<_, i64>(2)?).ok().and_then(RecordType::from_code);
        let record_type = place.sound("type", record_type)?;
        if self.record_type == Some(record_type) {
            return Ok(true);
        }
        let owner = row.get_ref(1)?.as_blob().ok().and_then(OwnerName::from_key);
        if place.sound("owner", owner)?.to_string().contains(self.text) {
            return Ok(true);
        }
        let wire = place.sound("data", row.get_ref(3)?.as_blob().ok())?;
        let is_shown = |quoted: bool| {
            let data = RecordData::from_stored(record_type, wire, quoted);
            // What is damaged is told by whoever reads its row.
            data.is_err() || data.is_ok_and(|data| self.is_value(&data))
        };
        // Whether a text was written in quotes is not in the index.
        Ok(is_shown(false) || (record_type == RecordType::Txt && is_shown(true)))
    }

    fn is_in(&self, record: &Record) -> bool {
        self.text.is_empty()
            || self.record_type == Some(record.data.record_type())
            || record.owner.to_string().contains(self.text)
            || self.is_value(&record.data)
    }

    fn is_value(&self, data: &RecordData) -> bool {
        data.value().to_lowercase().contains(self.text)
    }
}
