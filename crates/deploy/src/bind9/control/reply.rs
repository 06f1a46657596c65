//! What named says to a command: success, a refusal with a reason, the status of a zone.

use std::str::FromStr;

use dns::Serial;

use super::message::ProtocolError;

/// The answer to a command that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// What `rndc` would print. Often empty.
    pub text: String,
}

/// The answer to a command that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    pub(super) fn new(reason: String, text: String) -> Self {
        let refusal = Refusal::from_reason(&reason);
        Self { refusal, reason, text }
    }
}

/// The refusals that a caller can act on.
///
/// They are told apart by named's words: the numbers of the results changed from release to
/// release, the words did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The zone to add is there.
    AlreadyExists,
    /// There is no such zone.
    NotFound,
    /// The zone to freeze is frozen, by somebody or by a load that has not finished or has failed.
    AlreadyFrozen,
    /// The zone to freeze takes no dynamic updates.
    NotDynamic,
    /// The zone to reload takes dynamic updates, so that its file may be older than it.
    DynamicZone,
    /// The zone is configured, but none of its content is loaded.
    NotLoaded,
    /// The command is for primary zones.
    NotPrimary,
    /// The zone file is not where named looks for it.
    FileNotFound,
    /// The zone file was read and breaks a rule. Which one stands in named's log only.
    BadZone,
    /// named was not given `allow-new-zones yes`.
    NewZonesNotAllowed,
    /// Anything else: see [`Refused::reason`] and [`Refused::text`].
    Other,
}

impl Refusal {
    fn from_reason(reason: &str) -> Self {
        match reason {
            "already exists" => Self::AlreadyExists,
            "not found" => Self::NotFound,
            "already frozen" => Self::AlreadyFrozen,
            "not dynamic" => Self::NotDynamic,
            "dynamic zone" => Self::DynamicZone,
            "zone not loaded" => Self::NotLoaded,
            "not primary" | "not master" => Self::NotPrimary,
            "file not found" => Self::FileNotFound,
            "bad zone" => Self::BadZone,
            "permission denied" => Self::NewZonesNotAllowed,
            _ => Self::Other,
        }
    }
}

/// What named knows about a zone (`zonestatus`), as far as deployment uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneStatus {
    /// What the zone is to named.
    pub kind: ZoneKind,
    /// The zone file and those it includes, joined with `, ` as named gives them; a comma in a
    /// name is not marked. `None` for a zone without a file.
    pub files: Option<String>,
    /// The SOA serial of the zone as it was given to named: for a zone that named signs inline,
    /// that of the unsigned zone.
    pub serial: Serial,
    /// The SOA serial that is served, for a zone that named signs inline.
    pub signed_serial: Option<Serial>,
    /// Whether the zone takes dynamic updates when it is not frozen.
    pub dynamic: bool,
    /// Whether updates are refused until a `thaw`.
    pub frozen: bool,
    /// Whether the zone was added over the control channel, or may be changed there.
    pub reconfigurable: bool,
}

/// The kind of a zone that has a status.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// Reads the lines `key: value`. Unknown lines are skipped, those of yes-or-no that are
    /// missing mean no.
    fn from_str(text: &str) -> Result<Self, ProtocolError> {
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(": "));
            lines.find_map(|(name, value)| (name == key).then_some(value))
        };
        let serial = |key: &'static str| {
            let parse = |value: &str| value.parse().map(Serial).map_err(|_| ProtocolError::Text(key));
            value(key).map(parse).transpose()
        };
        let yes = |key: &'static str| match value(key) {
            None | Some("no") => Ok(false),
            Some("yes") => Ok(true),
            Some(_) => Err(ProtocolError::Text(key)),
        };
        let kind = match value("type").ok_or(ProtocolError::Text("type"))? {
            "primary" | "master" => ZoneKind::Primary,
            "secondary" | "slave" => ZoneKind::Secondary,
            other => ZoneKind::Other(other.to_owned()),
        };
        Ok(Self {
            kind,
            files: value("files").map(str::to_owned),
            serial: serial("serial")?.ok_or(ProtocolError::Text("serial"))?,
            signed_serial: serial("signed serial")?,
            dynamic: yes("dynamic")?,
            frozen: yes("frozen")?,
            reconfigurable: yes("reconfigurable via modzone")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "name: s.test\ntype: primary\nfiles: /zones/b.db\nserial: 4294967295\n\
        signed serial: 3\nnodes: 1\nlast loaded: Sat, 21 Nov 2026 18:10:22 GMT\nsecure: yes\n\
        dynamic: yes\nfrozen: no\nreconfigurable via modzone: yes";

    #[test]
    fn a_status_without_what_is_needed_is_refused() {
        let cases = [
            ("", "type"),
            ("type: primary", "serial"),
            ("type: primary\nserial: x", "serial"),
            ("type: primary\nserial: 4294967296", "serial"),
            ("type: primary\nserial: 1\nsigned serial: ", "signed serial"),
            ("type: primary\nserial: 1\nfrozen: maybe", "frozen"),
        ];
        for (text, line) in cases {
            assert_eq!(text.parse::<ZoneStatus>(), Err(ProtocolError::Text(line)), "{text}");
        }
    }

    #[test]
    fn a_signed_zone_has_two_serials() {
        let expected = ZoneStatus {
            kind: ZoneKind::Primary,
            files: Some("/zones/b.db".to_owned()),
            serial: Serial(u32::MAX),
            signed_serial: Some(Serial(3)),
            dynamic: true,
            frozen: false,
            reconfigurable: true,
        };
        assert_eq!(SIGNED.parse(), Ok(expected));
    }
}
