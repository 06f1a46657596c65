//! Versions: what the journal says of each change, and how its readers follow it.

use std::net::IpAddr;

use dns::{Fault, Serial, ZoneDelta, ZoneId, ZoneName, message};

use crate::free_text::{TextProblem, check_text};
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
    /// A dynamic update (RFC 2136).
    Rfc2136 = 8,
    /// The update of an address, as routers send it.
    DynDns = 9,
    /// A client that proves control of a name to a certificate authority: acme-dns or httpreq.
    Acme = 10,
    /// A client of the PowerDNS API.
    Pdns = 11,
    /// The webhook of external-dns.
    Webhook = 12,
}

impl Source {
    /// All of them.
    pub const ALL: [Source; 12] = [
        Source::Api,
        Source::Operator,
        Source::Server,
        Source::Dashboard,
        Source::Import,
        Source::Rollback,
        Source::Undelete,
        Source::Rfc2136,
        Source::DynDns,
        Source::Acme,
        Source::Pdns,
        Source::Webhook,
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
            Source::Rfc2136 => "rfc2136",
            Source::DynDns => "dyndns",
            Source::Acme => "acme",
            Source::Pdns => "pdns",
            Source::Webhook => "webhook",
        }
    }

    /// The source that is stored as this number.
    pub(crate) fn of_number(number: i64) -> Option<Source> {
        Source::ALL.into_iter().find(|source| *source as i64 == number)
    }
}

/// Why a change was made, in its author's words: one line, kept with the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment(String);

impl Comment {
    /// The most characters that it may have.
    pub const MAX_CHARACTERS: usize = 500;

    /// Reads a comment; one of nothing but spaces is none.
    ///
    /// # Errors
    ///
    /// It is too long, or has control characters (line breaks among them), which could forge lines wherever it is shown, or invisible ones.
    pub fn parse(text: &str) -> Result<Option<Comment>, Fault> {
        let text = text.trim_matches(' ');
        if text.chars().count() > Self::MAX_CHARACTERS {
            let detail = message!("comment may have at most {most} characters", most = Self::MAX_CHARACTERS);
            return Err(Fault::of("comment", "comment-length", detail));
        }
        match check_text(text) {
            Err(TextProblem::Control) => {
                let detail = message!("comment is one line: control characters and line breaks are not allowed");
                return Err(Fault::of("comment", "comment-control", detail));
            }
            Err(TextProblem::Invisible(character)) => {
                let detail = message!(
                    "comment has the invisible character {character}; delete it (it often comes along when text is copied)",
                    character = format!("U+{:04X}", u32::from(character))
                );
                return Err(Fault::of("comment", "comment-invisible", detail));
            }
            Ok(()) => {}
        }
        Ok(Comment::from_stored(text))
    }

    /// A comment that was accepted when it was stored; empty is none.
    pub(crate) fn from_stored(text: &str) -> Option<Comment> {
        (!text.is_empty()).then(|| Comment(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_one_short_line() {
        for (text, check) in [
            ("a\nb", "comment-control"),
            ("a\u{202e}b", "comment-invisible"),
            ("\u{feff}a", "comment-invisible"),
            ("a\rb", "comment-control"),
            ("a\u{1b}[31mb", "comment-control"),
            ("a\u{2028}b", "comment-control"),
            ("\u{85}", "comment-control"),
            ("é".repeat(501).as_str(), "comment-length"),
        ] {
            assert_eq!(Comment::parse(text).unwrap_err().check, check, "{text:?}");
        }
        assert_eq!(Comment::parse("  "), Ok(None));
        assert_eq!(Comment::parse(" move to é ").unwrap().unwrap().as_str(), "move to é");
        assert!(Comment::parse(&"é".repeat(500)).unwrap().is_some());
    }
}
