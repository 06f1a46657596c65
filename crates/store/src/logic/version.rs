//! A zone's next version: its number, its serial, and who makes it.

use std::net::IpAddr;

use dns::{Record, Serial};

use super::source::ZoneRow;
use crate::{AccountId, Author, Comment, Source, StoredRecord, Timestamp, VersionNumber, Zone};

/// Who made a version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By<'a> {
    /// `None`: the server itself.
    pub(crate) account: Option<AccountId>,
    pub(crate) name: &'a str,
    pub(crate) source: Source,
    pub(crate) address: Option<IpAddr>,
    pub(crate) comment: Option<&'a Comment>,
}

impl By<'_> {
    /// The server itself.
    pub(crate) const SERVER: By<'static> =
        By { account: None, name: "server", source: Source::Server, address: None, comment: None };
}

impl<'a> From<&'a Author> for By<'a> {
    fn from(author: &'a Author) -> Self {
        By {
            account: Some(author.account),
            name: &author.name,
            source: author.source,
            address: author.address,
            comment: None,
        }
    }
}

/// Moves a zone to its next version, which removes and adds so many records.
pub(crate) fn next(zone: &mut Zone, now: Timestamp, removed: usize, added: usize) {
    advance(zone, now);
    zone.record_count = (zone.record_count + added as u64).saturating_sub(removed as u64);
}

/// Moves a zone to its next version: `max(last + 1, now)` in RFC 1982 order.
pub(crate) fn advance(zone: &mut Zone, now: Timestamp) {
    zone.version = VersionNumber(zone.version.0 + 1);
    zone.serial = zone.serial.next(Serial::at_time(now.as_second()));
}

/// Has the next version of the zone get a serial that is newer than `above`, too.
pub(crate) fn raise_base(zone: &mut ZoneRow, above: Option<Serial>) {
    if let Some(above) = above.filter(|above| above.is_newer_than(zone.zone.serial)) {
        zone.zone.serial = above;
    }
}

/// A record as it is stored with the version that `zone` has now.
pub(crate) fn stored(zone: &Zone, record: Record, created_at: Timestamp) -> StoredRecord {
    StoredRecord { zone: zone.id, record, created_at, version: zone.version, serial: zone.serial }
}
