//! Zones and records as they are stored, and the outcomes of changing them.

use std::ops::ControlFlow;

use dns::{Fault, OwnerName, Record, RecordId, RecordType, Serial, ZoneId, ZoneName};

use crate::{AccountId, StoreError, Timestamp, VersionNumber};

/// A zone at its newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its identity.
    pub id: ZoneId,
    /// Its name.
    pub name: ZoneName,
    /// When it was made.
    pub created_at: Timestamp,
    /// How many records its users made.
    pub record_count: u64,
    /// Its newest version.
    pub version: VersionNumber,
    /// That version's serial.
    pub serial: Serial,
}

/// A zone as the operator sees it: with its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "what the types say")]
pub struct ZoneOfAnyone {
    pub account: AccountId,
    pub email: String,
    pub zone: Zone,
}

/// A record with what the store knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The zone it is in.
    pub zone: ZoneId,
    /// The record.
    pub record: Record,
    /// When it was made; stays when it is changed.
    pub created_at: Timestamp,
    /// The version that last changed it.
    pub version: VersionNumber,
    /// That version's serial.
    pub serial: Serial,
}

/// Which records; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Of this type.
    pub record_type: Option<RecordType>,
    /// At this name.
    pub owner: Option<OwnerName>,
}

/// Takes the records of one zone, all from one version, as they are read. Called on a thread that may block for short times.
pub trait RecordVisitor: Send + 'static {
    /// Called once, first.
    fn zone(&mut self, zone: &Zone);

    /// Called for each record, oldest first. `Break` ends the reading.
    fn record(&mut self, record: &StoredRecord) -> ControlFlow<()>;
}

/// A change is made only if this record has not been changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "what the types say")]
pub struct Condition {
    pub record: RecordId,
    pub version: VersionNumber,
}

/// A change that is stored, durably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The zone after it.
    pub zone: Zone,
    /// For each edit its record as it stands now; `None` where it is gone.
    pub records: Vec<Option<StoredRecord>>,
    /// Whether there is a new version: a change that changes nothing makes none.
    pub changed: bool,
}

/// Why a zone was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateZoneError {
    /// Somebody has it.
    #[error("zone already exists")]
    Exists,
    /// Another account has a zone above or below it.
    #[error("a zone above or below this one belongs to another account")]
    Related,
    /// The server's own records cannot stand in it.
    #[error(transparent)]
    Apex(Fault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The account has no such zone.
    #[error("no such zone")]
    NoZone,
    /// The zone has no such record.
    #[error("edit {index} names a record that does not exist")]
    NoRecord {
        /// Which edit, counted from 0.
        index: usize,
    },
    /// A [`Condition`] does not hold any more.
    #[error("the record was changed by somebody else")]
    Moved,
    /// Rules are broken; all of them, with the index of the edit at fault.
    #[error("{} rules are broken", .0.len())]
    Faults(Vec<(usize, Fault)>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
