//! Versions: what the journal says of each change, and how its readers follow it.

use std::net::IpAddr;

use dns::{Serial, ZoneDelta, ZoneId, ZoneName};

use crate::{AccountId, Zone};

/// A version's number, counted per zone from 1. Not its serial: serials jump and wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionNumber(pub u64);

/// Who makes a change, for whom, and from where: what the journal remembers beside the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The account whose zones may be changed.
    pub account: AccountId,
    /// The token's name, or who else acted for the account.
    pub name: String,
    /// Through which door the change came.
    pub source: Source,
    /// The client's address, where there was one.
    pub address: Option<IpAddr>,
}

/// Through which door a change came. The stored numbers never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Source {
    /// The REST API.
    Api = 1,
    /// The operator's command line.
    Operator = 2,
    /// The server itself: a change of the operator's nameservers, a repair.
    Server = 3,
    /// A signed-in user on the dashboard.
    Dashboard = 4,
    /// A zone file.
    Import = 5,
    /// The return to an earlier version.
    Rollback = 6,
    /// The return of a deleted zone.
    Undelete = 7,
}

impl Source {
    const ALL: [Source; 7] = [
        Source::Api,
        Source::Operator,
        Source::Server,
        Source::Dashboard,
        Source::Import,
        Source::Rollback,
        Source::Undelete,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Source::Api => "api",
            Source::Operator => "operator",
            Source::Server => "server",
            Source::Dashboard => "dashboard",
            Source::Import => "import",
            Source::Rollback => "rollback",
            Source::Undelete => "undelete",
        }
    }

    /// The source that is stored as this number.
    pub(crate) fn of_number(number: i64) -> Option<Source> {
        Source::ALL.into_iter().find(|source| *source as i64 == number)
    }
}

/// The newest version of a zone that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "what the types say")]
pub struct Head {
    pub id: ZoneId,
    pub name: ZoneName,
    pub version: VersionNumber,
    pub serial: Serial,
}

impl From<Zone> for Head {
    fn from(zone: Zone) -> Head {
        Head { id: zone.id, name: zone.name, version: zone.version, serial: zone.serial }
    }
}

/// How a nameserver that serves an earlier version of a zone gets to the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// By the net difference between the two.
    Delta(ZoneDelta),
    /// The operator wants the zone rebuilt: the newest version, whole, whatever is there.
    Rebuild,
}

/// Which zones have changed, been made or been deleted after some position in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moves {
    /// Their names, each once.
    pub names: Vec<ZoneName>,
    /// The position to ask from next time.
    pub position: u64,
}
