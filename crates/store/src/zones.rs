//! Zones and records as they are stored, and the outcomes of changing them.

use std::ops::ControlFlow;

use dns::change::{Edit, NewRecord};
use dns::warnings::Warning;
use dns::{Fault, OwnerName, Record, RecordId, RecordType, Serial, ZoneId, ZoneName};

use crate::{
    AccountId, Comment, DailyLimit, EffectiveSettings, Permission, Permissions, Proof, Reservation, SettingsChange,
    StoreError, Timestamp, VersionNumber,
};

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
    /// Why no nameserver is to serve it, if that is so.
    pub withheld: Withheld,
}

/// Why a zone is not served by any nameserver. There may be several reasons at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Withheld {
    /// As they are stored: a sum of the constants below.
    pub(crate) reasons: u8,
    /// Until when it is displaced (then it is deleted) or waits (then it is served).
    pub(crate) until: Option<Timestamp>,
}

impl Withheld {
    /// The zones of its account are off the nameservers.
    pub(crate) const ACCOUNT: u8 = 1;
    /// Another account proved control of its name.
    pub(crate) const DISPLACED: u8 = 2;
    /// It waits until the zone of another account is displaced.
    pub(crate) const WAITS: u8 = 4;

    /// Whether there is no reason: nameservers serve it.
    pub fn is_served(self) -> bool {
        self.reasons == 0
    }

    /// Whether the zones of its account are off the nameservers.
    pub fn by_account(self) -> bool {
        self.reasons & Withheld::ACCOUNT != 0
    }

    /// Whether another account proved control of its name.
    pub fn is_displaced(self) -> bool {
        self.reasons & Withheld::DISPLACED != 0
    }

    /// Whether it waits until the zone of another account is displaced.
    pub fn waits(self) -> bool {
        self.reasons & Withheld::WAITS != 0
    }

    /// Whether it holds its name: no other zone can have it.
    pub(crate) fn has_name(self) -> bool {
        self.reasons & (Withheld::DISPLACED | Withheld::WAITS) == 0
    }

    /// When a displaced zone is deleted, or one that waits is served; `None` where the operator decides that.
    pub fn until(self) -> Option<Timestamp> {
        self.until
    }
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
    /// Called once, first, except by [`Store::visit_version`](crate::Store::visit_version).
    fn zone(&mut self, zone: &Zone);

    /// Called for each record, oldest first. `Break` ends the reading.
    fn record(&mut self, record: &StoredRecord) -> ControlFlow<()>;
}

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

/// Why a zone was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateZoneError {
    /// The account may not hold this name.
    #[error("{0}")]
    Reserved(Reservation),
    /// Somebody has it.
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
    /// Another [`Condition`] does not hold (any more).
    #[error("a condition of the change does not hold")]
    Condition,
    /// The difference needs a permission that is not among [`Change::allowed`].
    #[error("the change needs the permission {0}")]
    Forbidden(Permission),
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
