//! Zones and records as they are stored.

use std::ops::ControlFlow;

use dns::{OwnerName, Record, RecordType, Serial, ZoneId, ZoneName};

use crate::{AccountId, Timestamp, VersionNumber};

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
