//! The options of a zone that is added over the control channel.
//!
//! Only primary zones: secondaries learn their zones from catalogs (RFC 9432), not from commands. Options that are `None` or
//! empty are left out, and named uses its `options`.

use dns::Name;

use super::line::CommandLine;
use crate::config_text::ConfigText;

/// The configuration of one primary zone.
///
/// ```
/// use deploy::ConfigText;
/// use deploy::bind9::control::ZoneConfig;
///
/// let config = ZoneConfig {
///     ignore_check_names: true,
///     ..ZoneConfig::primary(ConfigText::new("/var/lib/zones/0190.db")?)
/// };
/// # Ok::<(), deploy::ConfigTextError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneConfig {
    /// The zone file. It has to exist when the zone is added.
    pub file: ConfigText,
    /// The TSIG keys that may change the zone by dynamic update. With one or more the zone is dynamic; named must know the keys.
    pub update_keys: Vec<Name>,
    /// Whether owners of addresses may be no host names, e.g. have an underscore (`check-names ignore`; a primary refuses them otherwise).
    pub ignore_check_names: bool,
    /// The most records in one RRset. 0 is no limit, named's default 100.
    pub max_records_per_type: Option<u32>,
}

impl ZoneConfig {
    /// A primary zone that is read from `file`, all else as in named's `options`.
    pub fn primary(file: ConfigText) -> ZoneConfig {
        ZoneConfig { file, update_keys: Vec::new(), ignore_check_names: false, max_records_per_type: None }
    }

    /// Adds the block `{ ... }` that follows the zone's name.
    pub(super) fn render(&self, line: &mut CommandLine) {
        line.word("{ type primary;");
        line.word("file").text(&self.file).word(";");
        if !self.update_keys.is_empty() {
            line.word("allow-update {");
            for key in &self.update_keys {
                line.word("key").name(key).word(";");
            }
            line.word("};");
        }
        if self.ignore_check_names {
            line.word("check-names ignore;");
        }
        if let Some(most) = self.max_records_per_type {
            line.word("max-records-per-type").number(most).word(";");
        }
        line.word("};");
    }
}
