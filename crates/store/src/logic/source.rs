//! The seam between planning and a database: what planning may ask, inside one transaction.

use std::sync::Arc;

use dns::{Apex, OwnerName, RecordId, RecordType, Serial, ZoneId};

use crate::{AccountId, Done, Repeatable, StoreError, StoredRecord, Timestamp, VersionNumber, Zone, ZoneSettings};

/// A database as planning sees it. All answers are of one moment: that of the open transaction.
pub(crate) trait Source {
    /// The zone of that identity that is not deleted, whichever account has it.
    fn zone(&self, id: ZoneId) -> Result<Option<ZoneRow>, StoreError>;

    /// Whether a version of the zone is being written in steps, so that no other version may follow.
    fn is_being_written(&self, zone: &ZoneRow) -> Result<bool, StoreError>;

    /// The server's own records with that number.
    fn apex(&self, number: i64) -> Result<Arc<Apex>, StoreError>;

    /// The settings of zones with that number.
    fn settings(&self, number: i64) -> Result<ZoneSettings, StoreError>;

    /// What the account may have, and has; `None` where there is no such account.
    fn quota(&self, account: AccountId) -> Result<Option<Quota>, StoreError>;

    /// What a request under this key was answered in the 24 hours before `now`.
    fn answer(&self, request: &Repeatable, now: Timestamp) -> Result<Option<Done>, StoreError>;

    /// The users' records at a name, with their rows.
    fn records_at(&self, zone: &ZoneRow, owner: &OwnerName) -> Result<Vec<RecordRow>, StoreError>;

    /// One record of the zone, with its row.
    fn record(&self, zone: &ZoneRow, id: RecordId) -> Result<Option<RecordRow>, StoreError>;

    /// Whether users have a record of that type at a name.
    fn has(&self, zone: &ZoneRow, owner: &OwnerName, record_type: RecordType) -> Result<bool, StoreError>;

    /// Names below `owner` at which users have records: the first ones, at most so many.
    fn names_below(&self, zone: &ZoneRow, owner: &OwnerName, most: usize) -> Result<Vec<OwnerName>, StoreError>;

    /// All of the users' records, oldest first.
    fn records(&self, zone: &ZoneRow) -> Result<Vec<RecordRow>, StoreError>;

    /// The version of the zone with that serial.
    fn version(&self, zone: &ZoneRow, serial: Serial) -> Result<Option<VersionAt>, StoreError>;

    /// The records that ended, and those that began, between two versions.
    fn between(
        &self,
        zone: &ZoneRow,
        earlier: VersionNumber,
        later: VersionNumber,
    ) -> Result<(Vec<StoredRecord>, Vec<StoredRecord>), StoreError>;

    /// Whether the versions after this one changed more than `most` records, or are more than `most`.
    fn is_far(&self, zone: &ZoneRow, version: VersionNumber, most: usize) -> Result<bool, StoreError>;

    /// Whether the account has a record with that identity.
    fn lives(&self, account: AccountId, id: RecordId) -> Result<bool, StoreError>;
}

/// A record and the number of its row.
pub(crate) type RecordRow = (i64, StoredRecord);

/// A zone with what only the store knows of it.
#[derive(Debug, Clone)]
pub(crate) struct ZoneRow {
    pub(crate) row: i64,
    pub(crate) account: AccountId,
    pub(crate) apex: i64,
    pub(crate) settings: Option<i64>,
    pub(crate) zone: Zone,
}

/// A version as the reading of its content needs it.
pub(crate) struct VersionAt {
    pub(crate) number: VersionNumber,
    pub(crate) apex: i64,
    pub(crate) settings: Option<i64>,
}

/// A bound, and how much of it is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) most: i64,
    pub(crate) held: i64,
}

/// The limits of one account, and what it has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota {
    /// Records in the newest versions of its zones.
    pub(crate) live: Option<Bound>,
    /// Records in all kept versions.
    pub(crate) stored: Option<Bound>,
    /// Changed records a day.
    pub(crate) changes: Option<i64>,
    /// Where changes a day are limited: the last day on which they were counted, in days since 1970, and how many there were.
    pub(crate) made: Option<(i64, i64)>,
}
