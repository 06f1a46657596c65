//! Deleted zones: invisible to their accounts at once, and kept for the operator for a while.

use dns::{ZoneId, ZoneName};

use crate::{AccountId, Reservation, StoreError, Timestamp, Zone};

/// A deleted zone that can be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedZone {
    /// Whose it was.
    pub account: AccountId,
    /// That account's address.
    pub email: String,
    /// The zone at its last version, which deleted it.
    pub zone: Zone,
    /// When that was.
    pub deleted_at: Timestamp,
}

/// Why a zone was not brought back.
#[derive(Debug, thiserror::Error)]
pub enum UndeleteError {
    /// No deleted zone has this identity, or it has been forgotten.
    #[error("no deleted zone has this UUID")]
    NoZone(ZoneId),
    /// The zone with this identity is there.
    #[error("{0} is not deleted")]
    NotDeleted(ZoneName),
    /// Its name was taken since.
    #[error("the name {name} was taken since by another zone, which is {email}'s; delete that one first")]
    Taken {
        /// The name.
        name: ZoneName,
        /// Whose the other zone is.
        email: String,
    },
    /// A name above or below it was taken since, or moved.
    #[error("{other}, above or below {name}, is {email}'s now; move or delete that zone first")]
    Related {
        /// The zone that was to come back.
        name: ZoneName,
        /// The zone in its way.
        other: ZoneName,
        /// Whose that is.
        email: String,
    },
    /// Its account may not hold its name (any more).
    #[error("{name}: {reason}")]
    Reserved {
        /// The name.
        name: ZoneName,
        /// Why.
        reason: Reservation,
    },
    /// Its account was closed.
    #[error("the account that had {0} was closed")]
    NoAccount(ZoneName),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
