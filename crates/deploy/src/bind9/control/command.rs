//! The commands that named is sent, as values.
//!
//! A command that concerns a zone always names it: without a name `freeze`, `reload` and others
//! apply to all zones of the server, which nobody here ever means. Views are not used, so no
//! command names one.

use std::fmt;

use dns::ZoneName;

use super::line::CommandLine;
use super::zone_config::ZoneConfig;

/// One command for named. `Display` gives the line that named reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Loads a new zone from its file, synchronously. Needs `allow-new-zones yes`.
    AddZone {
        /// The zone's apex.
        zone: ZoneName,
        /// Its options.
        config: Box<ZoneConfig>,
    },
    /// Replaces a zone's options by others, and loads the zone with them.
    ModZone {
        /// The zone's apex.
        zone: ZoneName,
        /// All of its options, not only those that change.
        config: Box<ZoneConfig>,
    },
    /// Stops serving a zone.
    DelZone {
        /// The zone's apex.
        zone: ZoneName,
        /// Whether named removes the zone file and its journal too. It does so some time after
        /// it has answered.
        clean: bool,
    },
    /// The zone's options, as one `zone` statement.
    ShowZone(ZoneName),
    /// What named knows about the zone: see [`ZoneStatus`](super::ZoneStatus).
    ZoneStatus(ZoneName),
    /// Writes the journal into the zone file and refuses dynamic updates until [`Self::Thaw`], or
    /// until named restarts.
    Freeze(ZoneName),
    /// Begins to load the zone file, and accepts updates when it was good. Success says nothing
    /// about the load.
    Thaw(ZoneName),
    /// Queues the load of a zone that is not dynamic. Success says nothing about the load.
    Reload(ZoneName),
    /// Writes the journal into the zone file.
    Sync {
        /// The zone's apex.
        zone: ZoneName,
        /// Whether the journal is removed.
        clean: bool,
    },
    /// Sends the zone's NOTIFY messages again.
    Notify(ZoneName),
    /// Transfers a secondary zone anew, whatever its serial.
    Retransfer(ZoneName),
    /// Reads `named.conf` again, and loads new zones only.
    Reconfig,
    /// Version, counters and limits of the server, for people.
    Status,
    /// Ends named after writing all journals into their zone files.
    Stop,
    /// Ends named at once. Journals are replayed at the next start.
    Halt,
}

impl Command {
    /// Whether sending the command twice leaves named as sending it once does.
    ///
    /// Decides what happens when a kept connection breaks after the command was written and
    /// before any of the answer came: named may have carried it out, or never seen it. Those that
    /// may be repeated are sent again on a new connection. Repeating can change the *answer*: an
    /// [`AddZone`](Self::AddZone) that took effect the first time is answered "already exists", a
    /// [`DelZone`](Self::DelZone) "not found", a [`Freeze`](Self::Freeze) "already frozen". What
    /// that means is for the caller to judge.
    ///
    /// [`Stop`](Self::Stop) and [`Halt`](Self::Halt) are never repeated: the second could end a
    /// named that was started after the first.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::AddZone { .. }
            | Self::ModZone { .. }
            | Self::DelZone { .. }
            | Self::ShowZone(_)
            | Self::ZoneStatus(_)
            | Self::Freeze(_)
            | Self::Thaw(_)
            | Self::Reload(_)
            | Self::Sync { .. }
            | Self::Notify(_)
            | Self::Retransfer(_)
            | Self::Reconfig
            | Self::Status => true,
            Self::Stop | Self::Halt => false,
        }
    }

    /// The command's first word, for logs and metrics.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::AddZone { .. } => "addzone",
            Self::ModZone { .. } => "modzone",
            Self::DelZone { .. } => "delzone",
            Self::ShowZone(_) => "showzone",
            Self::ZoneStatus(_) => "zonestatus",
            Self::Freeze(_) => "freeze",
            Self::Thaw(_) => "thaw",
            Self::Reload(_) => "reload",
            Self::Sync { .. } => "sync",
            Self::Notify(_) => "notify",
            Self::Retransfer(_) => "retransfer",
            Self::Reconfig => "reconfig",
            Self::Status => "status",
            Self::Stop => "stop",
            Self::Halt => "halt",
        }
    }

    pub(super) fn line(&self) -> CommandLine {
        let mut line = CommandLine::default();
        line.word(self.verb());
        match self {
            Self::AddZone { zone, config } | Self::ModZone { zone, config } => {
                config.render(line.name(zone.name()));
            }
            Self::DelZone { zone, clean } | Self::Sync { zone, clean } => {
                if *clean {
                    line.word("-clean");
                }
                line.name(zone.name());
            }
            Self::ShowZone(zone)
            | Self::ZoneStatus(zone)
            | Self::Freeze(zone)
            | Self::Thaw(zone)
            | Self::Reload(zone)
            | Self::Notify(zone)
            | Self::Retransfer(zone) => {
                line.name(zone.name());
            }
            Self::Reconfig | Self::Status | Self::Stop | Self::Halt => {}
        }
        line
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.line().as_str())
    }
}

#[cfg(test)]
mod tests {
    use dns::Name;

    use super::super::{ConfigText, Dnssec, NotifyTarget, Peer};
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn zone(text: &str) -> ZoneName {
        ZoneName::parse(text).unwrap()
    }

    #[test]
    fn lines() {
        let zone = zone("0/25.2.0.192.in-addr.arpa");
        let quoted = r#""0\04725.2.0.192.in-addr.arpa.""#;
        let cases = [
            (Command::Status, "status".to_owned()),
            (Command::ZoneStatus(zone.clone()), format!("zonestatus {quoted}")),
            (Command::DelZone { zone: zone.clone(), clean: false }, format!("delzone {quoted}")),
            (Command::Sync { zone, clean: true }, format!("sync -clean {quoted}")),
        ];
        for (command, line) in cases {
            assert_eq!(command.to_string(), line);
        }
    }

    #[test]
    fn every_option_of_a_zone() {
        let text = |text| ConfigText::new(text).unwrap();
        let target = |address: &str, key| NotifyTarget { address: address.parse().unwrap(), key };
        let config = ZoneConfig {
            file: text("/zones/a b.db"),
            journal: Some(text("/zones/a.jnl")),
            update_keys: vec![name("one"), name("two")],
            allow_transfer: vec![Peer::Key(name("one")), Peer::Address([192, 0, 2, 1].into())],
            also_notify: vec![target("192.0.2.1:53", None), target("[2001:db8::1]:5301", Some(name("one")))],
            notify_explicit: true,
            ignore_check_names: true,
            max_records_per_type: Some(200),
            dnssec: Some(Dnssec { policy: text("default"), key_directory: text("/keys") }),
        };
        let zone = zone("example.com");
        assert_eq!(
            Command::AddZone { zone: zone.clone(), config: Box::new(config) }.to_string(),
            "addzone \"example.com.\" { type primary; file \"/zones/a b.db\" ; journal \"/zones/a.jnl\" ; \
             allow-update { key \"one.\" ; key \"two.\" ; }; \
             allow-transfer { key \"one.\" ; 192.0.2.1 ; }; \
             also-notify { 192.0.2.1 port 53 ; 2001:db8::1 port 5301 key \"one.\" ; }; \
             notify explicit; check-names ignore; max-records-per-type 200 ; \
             dnssec-policy \"default\" ; inline-signing yes; key-directory \"/keys\" ; };"
        );
        let config = Box::new(ZoneConfig::primary(text("a")));
        assert_eq!(
            Command::ModZone { zone, config }.to_string(),
            "modzone \"example.com.\" { type primary; file \"a\" ; };"
        );
    }
}
