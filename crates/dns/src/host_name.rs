//! Names of hosts in record data.

use std::fmt;
use std::net::IpAddr;

use crate::ZoneName;
use crate::name::{Name, NameError, parse_labels};

/// The name of a host that record data points at: the target of CNAME, NS, MX and SRV.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostName(Name);

impl HostName {
    /// Reads a target as users write it: always a full name, the final dot optional; `@` is the zone's apex.
    ///
    /// # Errors
    ///
    /// A single label without a final dot is refused: it is nearly always a relative name in the making. So is an address.
    pub fn parse(text: &str, zone: &ZoneName) -> Result<HostName, NameError> {
        if text == "@" {
            return Ok(HostName(zone.name().clone()));
        }
        if text == "." {
            return Ok(HostName(Name::root()));
        }
        // With a final dot `192.0.2.1.` would be a name all the same, but BIND warns of it, and it is always a mistake.
        if text.strip_suffix('.').unwrap_or(text).parse::<IpAddr>().is_ok() {
            return Err(NameError::Address(text.to_owned()));
        }
        let parsed = parse_labels(text)?;
        let name = Name::from_labels(parsed.labels.iter().map(Vec::as_slice))?;
        if parsed.labels.len() == 1 && !parsed.absolute {
            return Err(NameError::SingleLabel { label: name.to_string(), zone: zone.to_string() });
        }
        Ok(HostName(name))
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.0
    }
}

impl From<Name> for HostName {
    fn from(name: Name) -> Self {
        HostName(name)
    }
}

/// Without the final dot, but for a name of one label, which would not be read back without.
impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.labels().count() == 1 { self.0.fqdn().fmt(f) } else { self.0.fmt(f) }
    }
}
