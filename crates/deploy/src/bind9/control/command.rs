//! The commands for named, as values.
//!
//! A command about a zone always names it: without a name, `freeze` and others apply to all zones of the server, which is never
//! intended here. Views are not used, so no command names one.

use std::fmt;

use dns::ZoneName;

use super::line::CommandLine;
use super::zone_config::ZoneConfig;

/// One command for named. `Display` gives the line that named reads.
///
/// Sending any of them twice leaves named as sending it once does. Only the response can differ: an `addzone` that took effect
/// the first time is answered "already exists", a `delzone` "not found", a `freeze` "already frozen". What that means is for the
/// caller to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Loads a new zone from its file, synchronously. Needs `allow-new-zones yes`.
    AddZone {
        /// The zone's apex.
        zone: ZoneName,
        /// Its options.
        config: Box<ZoneConfig>,
    },
    /// Stops serving a zone. Its file stays.
    DelZone(ZoneName),
    /// The zone's options, as one `zone` statement.
    ShowZone(ZoneName),
    /// The state of the zone: see [`ZoneStatus`](super::ZoneStatus).
    ZoneStatus(ZoneName),
    /// Writes the journal into the zone file and refuses dynamic updates until [`Self::Thaw`], or until named restarts.
    Freeze(ZoneName),
    /// Begins to load the zone file, and accepts updates if it is valid. Success does not mean that the load succeeded.
    Thaw(ZoneName),
    /// Reads `named.conf` again, and loads new zones only.
    Reconfig,
    /// Version, counters and limits of the server, for people.
    Status,
}

impl Command {
    /// The command's first word, for logs and metrics.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::AddZone { .. } => "addzone",
            Self::DelZone(_) => "delzone",
            Self::ShowZone(_) => "showzone",
            Self::ZoneStatus(_) => "zonestatus",
            Self::Freeze(_) => "freeze",
            Self::Thaw(_) => "thaw",
            Self::Reconfig => "reconfig",
            Self::Status => "status",
        }
    }

    pub(super) fn line(&self) -> CommandLine {
        let mut line = CommandLine::default();
        line.word(self.verb());
        match self {
            Self::AddZone { zone, config } => config.render(line.name(zone.name())),
            Self::DelZone(zone)
            | Self::ShowZone(zone)
            | Self::ZoneStatus(zone)
            | Self::Freeze(zone)
            | Self::Thaw(zone) => {
                line.name(zone.name());
            }
            Self::Reconfig | Self::Status => {}
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

    use super::*;
    use crate::config_text::ConfigText;

    #[test]
    fn lines() {
        let zone = ZoneName::parse("0/25.2.0.192.in-addr.arpa").unwrap();
        let quoted = r#""0\04725.2.0.192.in-addr.arpa.""#;
        for (command, line) in [
            (Command::Status, "status".to_owned()),
            (Command::ZoneStatus(zone.clone()), format!("zonestatus {quoted}")),
            (Command::DelZone(zone), format!("delzone {quoted}")),
        ] {
            assert_eq!(command.to_string(), line);
        }
    }

    #[test]
    fn every_option_of_a_zone() {
        let name = |text| Name::parse(text).unwrap();
        let config = ZoneConfig {
            file: ConfigText::new("/zones/a b.db").unwrap(),
            update_keys: vec![name("one"), name("two")],
            ignore_check_names: true,
            max_records_per_type: Some(200),
        };
        let add = |config| {
            Command::AddZone { zone: ZoneName::parse("example.com").unwrap(), config: Box::new(config) }.to_string()
        };
        assert_eq!(
            add(config),
            "addzone \"example.com.\" { type primary; file \"/zones/a b.db\" ; allow-update { key \"one.\" ; key \"two.\" ; }; \
             check-names ignore; max-records-per-type 200 ; };"
        );
        let config = ZoneConfig::primary(ConfigText::new("a").unwrap());
        assert_eq!(add(config), "addzone \"example.com.\" { type primary; file \"a\" ; };");
    }
}
