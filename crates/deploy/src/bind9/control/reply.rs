//! The responses of named: success, a refusal with a reason, the status of a zone.

use std::str::FromStr;

use dns::Serial;

use super::message::ProtocolError;

/// The response to a command that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}{text}", if text.is_empty() { "" } else { ": " })]
pub struct Refused {
    /// What the caller can decide by.
    pub refusal: Refusal,
    /// named's name for the result, such as "already exists".
    pub reason: String,
    /// What named says beside it, possibly several lines. May be empty.
    pub text: String,
}

impl Refused {
    pub(super) fn new(reason: String, text: String) -> Refused {
        Refused { refusal: Refusal::from_reason(&reason), reason, text }
    }
}

/// The refusals that a caller can act on.
///
/// They are distinguished by named's texts: the numbers of the results changed between releases, the texts did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The zone to add exists.
    AlreadyExists,
    /// There is no such zone.
    NotFound,
    /// The zone to freeze is frozen already, by another client, or by a load that has not finished or has failed.
    AlreadyFrozen,
    /// The zone is configured, but none of its content is loaded.
    NotLoaded,
    /// Anything else: see [`Refused::reason`] and [`Refused::text`].
    Other,
}

impl Refusal {
    fn from_reason(reason: &str) -> Refusal {
        match reason {
            "already exists" => Self::AlreadyExists,
            "not found" => Self::NotFound,
            "already frozen" => Self::AlreadyFrozen,
            "zone not loaded" => Self::NotLoaded,
            _ => Self::Other,
        }
    }
}

/// What named knows about a zone (`zonestatus`), as far as deployment uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneStatus {
    /// What the zone is to named.
    pub kind: ZoneKind,
    /// The zone file and those it includes, joined with `, ` as named gives them; a comma in a name is not marked. `None` for a
    /// zone without a file.
    pub files: Option<String>,
    /// The SOA serial of the zone as it was given to named: for a zone that named signs inline, that of the unsigned zone.
    pub serial: Serial,
    /// Whether updates are refused until a `thaw`.
    pub frozen: bool,
}

/// The kind of a zone that has a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneKind {
    /// Loaded from a file here.
    Primary,
    /// Transferred from elsewhere.
    Secondary,
    /// Another one, in named's word.
    Other(String),
}

impl FromStr for ZoneStatus {
    type Err = ProtocolError;

    /// Reads the lines `key: value`. Unknown lines are skipped; `frozen` may be missing, and means no then.
    fn from_str(text: &str) -> Result<ZoneStatus, ProtocolError> {
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(": "));
            lines.find_map(|(name, value)| (name == key).then_some(value))
        };
        let kind = match value("type").ok_or(ProtocolError::Text("type"))? {
            "primary" | "master" => ZoneKind::Primary,
            "secondary" | "slave" => ZoneKind::Secondary,
            other => ZoneKind::Other(other.to_owned()),
        };
        let serial = value("serial").and_then(|serial| serial.parse().ok()).ok_or(ProtocolError::Text("serial"))?;
        let frozen = match value("frozen") {
            None | Some("no") => false,
            Some("yes") => true,
            Some(_) => return Err(ProtocolError::Text("frozen")),
        };
        Ok(ZoneStatus { kind, files: value("files").map(str::to_owned), serial: Serial(serial), frozen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "name: s.test\ntype: primary\nfiles: /zones/b.db\nserial: 4294967295\nsigned serial: 3\nnodes: 1\n\
                          last loaded: Sat, 21 Nov 2026 18:10:22 GMT\nsecure: yes\ndynamic: yes\nfrozen: no\n\
                          reconfigurable via modzone: yes";

    #[test]
    fn a_status_without_what_is_needed_is_refused() {
        let cases = [
            ("", "type"),
            ("type: primary", "serial"),
            ("type: primary\nserial: x", "serial"),
            ("type: primary\nserial: 4294967296", "serial"),
            ("type: primary\nserial: 1\nfrozen: maybe", "frozen"),
        ];
        for (text, line) in cases {
            assert_eq!(text.parse::<ZoneStatus>(), Err(ProtocolError::Text(line)), "{text}");
        }
    }

    #[test]
    fn the_serial_of_a_signed_zone_is_that_of_the_unsigned_zone() {
        let files = Some("/zones/b.db".to_owned());
        let expected = ZoneStatus { kind: ZoneKind::Primary, files, serial: Serial(u32::MAX), frozen: false };
        assert_eq!(SIGNED.parse(), Ok(expected));
    }
}
