//! What planning asks, answered by SQLite: single statements by index. They cost no round trip, so nothing is read ahead.

use std::sync::Arc;

use dns::{Apex, OwnerName, RecordId, RecordType, Serial, ZoneId};

use super::db::{Row, params};
use super::deployment::LIVE;
use super::rows::{self, Place, lives, record_columns};
use super::writer::View;
use super::{answers, history, journal, settings, zones};
use crate::logic::source::{Bound, Quota, RecordRow, Source, VersionAt, ZoneRow};
use crate::{AccountId, Done, Repeatable, StoreError, StoredRecord, Timestamp, VersionNumber, ZoneSettings};

pub(super) const LIVE_AT_OWNER: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_by_data WHERE r.zone = ?1 AND r.owner = ?2 AND ",
    lives!()
);
pub(super) const LIVE_BY_ID: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM records r INDEXED BY records_of_zone WHERE r.zone = ?1 AND r.record = ?2 AND ",
    lives!()
);
pub(super) const LIVE_OF_TYPE: &str = concat!(
    "SELECT 1 FROM records r INDEXED BY records_by_data WHERE r.zone = ?1 AND r.owner = ?2 AND r.type = ?3 AND ",
    lives!(),
    " LIMIT 1"
);
pub(super) const LIVE_OWNERS_BETWEEN: &str = concat!(
    "SELECT DISTINCT r.owner FROM records r INDEXED BY records_by_data
     WHERE r.zone = ?1 AND r.owner > ?2 AND r.owner < ?3 AND ",
    lives!(),
    " LIMIT ?4"
);
pub(super) const LIVE_OF_ACCOUNT: &str = "SELECT 1 FROM records INDEXED BY records_of_account
     WHERE account = ?1 AND record = ?2 AND to_version IS NULL AND ends = 0";
pub(super) const CHANGED_SINCE: &str = "SELECT removed + added FROM versions INDEXED BY versions_by_number
     WHERE zone = ?1 AND version > ?2 ORDER BY version";
pub(super) const QUOTA: &str =
    "SELECT max_records, held_records, max_stored, held_stored, max_changes FROM accounts WHERE id = ?1";
pub(super) const MADE: &str = "SELECT day, made FROM changes_made WHERE account = ?1";

impl Source for View<'_> {
    fn zone(&self, id: ZoneId) -> Result<Option<ZoneRow>, StoreError> {
        zones::by_uuid(self.connection, id)
    }

    fn is_being_written(&self, zone: &ZoneRow) -> Result<bool, StoreError> {
        journal::is_being_written(self.connection, zone.row)
    }

    fn apex(&self, number: i64) -> Result<Arc<Apex>, StoreError> {
        self.shared.apexes.get(self.connection, number)
    }

    fn settings(&self, number: i64) -> Result<ZoneSettings, StoreError> {
        settings::get(self.connection, Some(number))
    }

    fn quota(&self, account: AccountId) -> Result<Option<Quota>, StoreError> {
        let bound = |row: &Row<'_>, most: &str, held: &str| -> super::db::Result<Option<Bound>> {
            let both = row.get::<_, Option<i64>>(most)?.zip(row.get(held)?);
            Ok(both.map(|(most, held)| Bound { most, held }))
        };
        let read = |row: &Row<'_>| {
            Ok(Quota {
                live: bound(row, "max_records", "held_records")?,
                stored: bound(row, "max_stored", "held_stored")?,
                changes: row.get("max_changes")?,
                made: None,
            })
        };
        let mut quota = self.connection.optional(QUOTA, [account.0], read)?;
        if let Some(quota) = &mut quota
            && (quota.changes.is_some() || self.shared.rules.policy.changes_per_day.is_some())
        {
            let made = |row: &Row<'_>| Ok((row.get("day")?, row.get("made")?));
            quota.made = self.connection.optional(MADE, [account.0], made)?;
        }
        Ok(quota)
    }

    fn answer(&self, request: &Repeatable, now: Timestamp) -> Result<Option<Done>, StoreError> {
        answers::find(self.connection, request, now)
    }

    fn records_at(&self, zone: &ZoneRow, owner: &OwnerName) -> Result<Vec<RecordRow>, StoreError> {
        self.connection.list(LIVE_AT_OWNER, params![zone.row, owner.key()], |row| rows::record(row, zone.zone.id))
    }

    fn record(&self, zone: &ZoneRow, id: RecordId) -> Result<Option<RecordRow>, StoreError> {
        let by_id = params![zone.row, id.0.as_bytes()];
        self.connection.optional(LIVE_BY_ID, by_id, |row| rows::record(row, zone.zone.id))
    }

    fn has(&self, zone: &ZoneRow, owner: &OwnerName, record_type: RecordType) -> Result<bool, StoreError> {
        self.connection.exists(LIVE_OF_TYPE, params![zone.row, owner.key(), record_type.code()])
    }

    fn names_below(&self, zone: &ZoneRow, owner: &OwnerName, most: usize) -> Result<Vec<OwnerName>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let range = params![zone.row, owner.key(), owner.key_after_below(), most];
        self.connection.list(LIVE_OWNERS_BETWEEN, range, |row| {
            let name = row.get_ref("owner")?.as_blob().ok().and_then(OwnerName::from_key);
            Place { table: "records", row: zone.row }.sound("owner", name)
        })
    }

    fn records(&self, zone: &ZoneRow) -> Result<Vec<RecordRow>, StoreError> {
        self.connection.list(LIVE, [zone.row], |row| rows::record(row, zone.zone.id))
    }

    fn version(&self, zone: &ZoneRow, serial: Serial) -> Result<Option<VersionAt>, StoreError> {
        history::at(self.connection, zone, serial)
    }

    fn between(
        &self,
        zone: &ZoneRow,
        earlier: VersionNumber,
        later: VersionNumber,
    ) -> Result<(Vec<StoredRecord>, Vec<StoredRecord>), StoreError> {
        history::between(self.connection, zone, earlier, later)
    }

    fn is_far(&self, zone: &ZoneRow, version: VersionNumber, most: usize) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(CHANGED_SINCE)?;
        let mut rows = statement.query(params![zone.row, rows::number(version)])?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut changed = 0;
        for versions in 0.. {
            let Some(row) = rows.next()? else { break };
            changed += row.get::<_, i64>(0)?;
            if changed > most || versions > most {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn lives(&self, account: AccountId, id: RecordId) -> Result<bool, StoreError> {
        self.connection.exists(LIVE_OF_ACCOUNT, params![account.0, id.0.as_bytes()])
    }
}
