//! Changes of zones: what is wanted, on which terms, and what comes of it.

use std::sync::Arc;

use dns::change::{DynamicUpdate, Edit, NewRecord, Unmet};
use dns::warnings::Warning;
use dns::{Fault, RecordId, Serial, ZoneName};

use crate::{
    Comment, DailyLimit, EffectiveSettings, KeyScope, OutOfScope, Permission, Permissions, Proof, Reservation,
    SettingsChange, StoreError, StoredRecord, VersionNumber, Zone,
};

/// A change of a zone: what is wanted, and on which terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is wanted.
    pub wish: Wish,
    /// What must hold, inside the transaction, for anything to be changed.
    pub conditions: Vec<Condition>,
    /// Why, for the journal.
    pub comment: Option<Comment>,
    /// The new version's serial, where there is one, is newer than this too: for content that comes from another nameserver.
    pub serial_above: Option<Serial>,
    /// What the difference may consist of, where that is bounded: added records need [`Permission::Create`], removed ones
    /// [`Permission::Delete`], changed ones and other settings [`Permission::Update`].
    pub allowed: Option<Permissions>,
    /// The scope of the update key that the change came with. [`Tenant`](crate::Tenant) sets it.
    pub scope: Option<Arc<KeyScope>>,
    /// Whether to look for what is accepted and yet unwise about the outcome.
    pub warn: bool,
    /// Nothing is stored; the outcome says what would be. New records have other identities when they are really made.
    pub dry_run: bool,
}

impl Change {
    /// This wish, on no terms.
    pub fn of(wish: Wish) -> Change {
        Change {
            wish,
            conditions: Vec::new(),
            comment: None,
            serial_above: None,
            allowed: None,
            scope: None,
            warn: false,
            dry_run: false,
        }
    }

    /// The same change under one more condition.
    pub fn on(mut self, condition: Condition) -> Change {
        self.conditions.push(condition);
        self
    }
}

impl From<Vec<Edit>> for Change {
    fn from(edits: Vec<Edit>) -> Change {
        Change::of(Wish::Edits(edits))
    }
}

/// What a change is to make of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// These edits, in their order.
    Edits(Vec<Edit>),
    /// What a dynamic update says, if its prerequisites hold. Faults count the RRsets that it changes, and name them.
    Dynamic(DynamicUpdate),
    /// Exactly these records. Only the difference is written: a record that is there already, compared in wire form, keeps its
    /// identity, its time of creation and its spelling. Faults count these records from 0.
    Content(Vec<NewRecord>),
    /// The records and the settings of the version with this serial. Records that lived then and live again have their identity and their time of
    /// creation again. Faults count the records that would come back.
    Version(Serial),
    /// Other settings of the zone as a whole; its records stay.
    Settings(SettingsChange),
}

/// What must hold for a change to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The zone's newest version has one of these serials.
    Zone(Vec<Serial>),
    /// The version that last changed the record has one of these serials.
    Record(RecordId, Vec<Serial>),
    /// The record was last changed by this very version: for who read it a moment ago, and would read it again.
    Unmoved(RecordId, VersionNumber),
}

/// A change that is stored, durably; or, after a dry run, what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The zone before it.
    pub before: Zone,
    /// The zone after it; the same where nothing changed.
    pub zone: Zone,
    /// For each edit its record as it stands now; `None` where it is gone, and for whole RRsets. Empty for other wishes.
    pub records: Vec<Option<StoredRecord>>,
    /// The records that ended, as they were, in the order of their names and types. One that is changed is here and in `added`,
    /// under one identity.
    pub removed: Vec<StoredRecord>,
    /// The records that began, in the same order.
    pub added: Vec<StoredRecord>,
    /// The zone's settings as they are now, where the wish was about them, or they became others by it.
    pub settings: Option<EffectiveSettings>,
    /// What is unwise at the names that changed, where the change asked for that.
    pub warnings: Vec<Warning>,
    /// Whether there is a new version: a change that changes nothing makes none.
    pub changed: bool,
}

impl Committed {
    /// The record of a change that was one edit; `None` where it is gone.
    pub fn only_record(&self) -> Option<&StoredRecord> {
        self.records.first()?.as_ref()
    }
}

/// A zone that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewZone {
    /// Its name.
    pub name: ZoneName,
    /// Whether zones of other accounts above or below it, and names on hold, do not matter: the operator's decision.
    pub override_related: bool,
    /// Whether the account gets it although it is a public suffix or a name for local networks: the operator's decision.
    pub reserved: bool,
    /// What its first version holds beside the server's own records. Faults count these records from 0.
    pub content: Vec<NewRecord>,
    /// As [`Change::serial_above`].
    pub serial_above: Option<Serial>,
    /// As [`Change::comment`].
    pub comment: Option<Comment>,
    /// That the account controls the name, against zones of others that are in the way.
    pub proof: Option<Proof>,
}

impl NewZone {
    /// An empty zone.
    pub fn named(name: ZoneName) -> NewZone {
        NewZone {
            name,
            override_related: false,
            reserved: false,
            content: Vec::new(),
            serial_above: None,
            comment: None,
            proof: None,
        }
    }
}

impl From<ZoneName> for NewZone {
    fn from(name: ZoneName) -> NewZone {
        NewZone::named(name)
    }
}

/// Why a zone was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateZoneError {
    /// The account may not hold this name.
    #[error("{0}")]
    Reserved(Reservation),
    /// An update key changes records only.
    #[error(transparent)]
    OutOfScope(OutOfScope),
    /// An account has it.
    #[error("zone already exists")]
    Exists,
    /// Another account has a zone above or below it.
    #[error("a zone above or below this one belongs to another account")]
    Related,
    /// The server's own records cannot stand in it.
    #[error(transparent)]
    Apex(Fault),
    /// The name was deleted a short time ago, and its last owner may still take it again.
    #[error("this name, or one above or below it, was deleted by another account; it is on hold")]
    OnHold,
    /// Another account proved that it controls the name, and waits for it.
    #[error("another account proved that it controls this name; the operator of the server decides")]
    Contested,
    /// Rules are broken by its content; all of them, with the index of the record at fault.
    #[error("{} rules are broken", .0.len())]
    Faults(Vec<(usize, Fault)>),
    /// The account has made as many changes today as it may.
    #[error("{0}")]
    DailyLimit(DailyLimit),
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
    /// A [`Condition::Unmoved`] does not hold any more.
    #[error("the record was changed by somebody else")]
    Moved,
    /// A prerequisite of a [`Wish::Dynamic`] does not hold.
    #[error(transparent)]
    Unmet(Unmet),
    /// Another [`Condition`] does not hold (any more).
    #[error("a condition of the change does not hold")]
    Condition,
    /// The difference needs a permission that is not among [`Change::allowed`].
    #[error("the change needs the permission {0}")]
    Forbidden(Permission),
    /// The change, or a record that it removes or adds, is outside [`Change::scope`].
    #[error(transparent)]
    OutOfScope(OutOfScope),
    /// Rules are broken; all of them, with the index of the edit (or of the record, see [`Wish::Content`]) at fault.
    #[error("{} rules are broken", .0.len())]
    Faults(Vec<(usize, Fault)>),
    /// The account has made as many changes today as it may.
    #[error("{0}")]
    DailyLimit(DailyLimit),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
