//! Zones: their names, their content at one version, and the step from one version to another.

use std::fmt;
use std::net::Ipv4Addr;

use uuid::Uuid;

use crate::rdata::Soa;
use crate::{Fault, Name, ResourceRecord, Serial};

/// A zone's identity. A zone that is deleted and made again under the same name is another zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub Uuid);

/// The name of a zone that somebody may be given: never a top-level domain or a public suffix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ZoneName(Name);

impl ZoneName {
    /// Reads the name of a zone, Unicode or A-labels, any case, the final dot optional.
    ///
    /// Labels are letters, digits, hyphens inside, underscores, and the slash of RFC 2317 delegations; what else DNS would allow
    /// is a slip of the keyboard here.
    pub fn parse(text: &str) -> Result<ZoneName, Fault> {
        let fault = |check, detail: String| Fault::of("domain", check, detail);
        let name = Name::parse(text).map_err(|error| fault("domain-name", error.to_string()))?;
        for label in name.labels() {
            let sound = label.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'/'));
            if !sound || label.starts_with(b"-") || label.ends_with(b"-") {
                let detail =
                    "the labels of a zone's name are made of letters, digits and hyphens, with a hyphen only inside";
                return Err(fault("domain-label", detail.to_owned()));
            }
        }
        if name.to_string().parse::<Ipv4Addr>().is_ok() {
            let detail =
                format!("{name} is an address; the zone for a network's addresses is such as 2.0.192.in-addr.arpa");
            return Err(fault("domain-address", detail));
        }
        if name.labels().count() < 2 {
            return Err(fault(
                "domain-top-level",
                format!("{name} is a top-level name; give a name below one, such as example.com"),
            ));
        }
        if is_public_suffix(&name) {
            let detail = format!("{name} is a public suffix under which names are registered; give a name below it");
            return Err(fault("domain-public-suffix", detail));
        }
        Ok(ZoneName(name))
    }

    /// A name that was a zone's when it was stored: the list of public suffixes may have changed since, and does not count.
    pub fn from_stored(name: Name) -> ZoneName {
        ZoneName(name)
    }

    /// The absolute name.
    pub fn name(&self) -> &Name {
        &self.0
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether the ICANN section of the public suffix list has the whole name as a suffix. Its private section (`github.io`) does
/// not count: those names have an owner, who may host them.
fn is_public_suffix(name: &Name) -> bool {
    let text = name.to_string();
    psl::suffix(text.as_bytes())
        .is_some_and(|suffix| suffix.typ() == Some(psl::Type::Icann) && suffix.as_bytes().len() == text.len())
}

/// Everything a nameserver serves of a zone at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneSnapshot {
    /// Which zone.
    pub id: ZoneId,
    /// Its name.
    pub name: ZoneName,
    /// The SOA, whose serial is the version's.
    pub soa: Soa,
    /// All other records: the users' and the server's own, in no particular order.
    pub records: Vec<ResourceRecord>,
}

impl ZoneSnapshot {
    /// The version's serial.
    pub fn serial(&self) -> Serial {
        self.soa.serial
    }
}

/// The step from one version of a zone to a later one. A record of the later version is never both removed and added, unless
/// its TTL or spelling changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneDelta {
    /// Which zone.
    pub id: ZoneId,
    /// Its name.
    pub name: ZoneName,
    /// The SOA of the version that the step starts from.
    pub from: Soa,
    /// The SOA of the version that it leads to.
    pub to: Soa,
    /// What the later version no longer has.
    pub removed: Vec<ResourceRecord>,
    /// What the later version has in addition.
    pub added: Vec<ResourceRecord>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_nobody_may_have() {
        let long = format!("{}.com", "a".repeat(64));
        for (text, check) in [
            ("", "domain-name"),
            (".", "domain-top-level"),
            ("com", "domain-top-level"),
            ("com.", "domain-top-level"),
            ("localhost", "domain-top-level"),
            ("co.uk", "domain-public-suffix"),
            ("CO.UK.", "domain-public-suffix"),
            ("公司.cn", "domain-public-suffix"),
            ("in-addr.arpa", "domain-public-suffix"),
            ("ip6.arpa.", "domain-public-suffix"),
            ("example..com", "domain-name"),
            ("exa mple.com", "domain-name"),
            ("example.com\n", "domain-name"),
            ("exa\\032mple.com", "domain-label"),
            ("*.example.com", "domain-label"),
            ("-example.com", "domain-label"),
            ("example-.com", "domain-label"),
            ("exa\"mple.com", "domain-name"),
            ("@", "domain-name"),
            ("192.0.2.1", "domain-address"),
            ("192.0.2.1.", "domain-address"),
            ("１９２.0.2.1", "domain-address"),
            (long.as_str(), "domain-name"),
        ] {
            let fault = ZoneName::parse(text).unwrap_err();
            assert_eq!((fault.check, fault.field), (check, Some("domain")), "{text:?}: {fault}");
        }
    }

    #[test]
    fn answers_a_labels_in_lower_case() {
        for (text, canonical) in [
            ("Example.COM.", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("食狮.中国", "xn--85x722f.xn--fiqs8s"),
            ("github.io", "github.io"),
            ("example.co.uk", "example.co.uk"),
            ("2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa"),
            ("0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa"),
            ("0-127.2.0.192.in-addr.arpa", "0-127.2.0.192.in-addr.arpa"),
            ("10.in-addr.arpa.", "10.in-addr.arpa"),
            ("8.B.D.0.1.0.0.2.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"),
            ("_acme-challenge.example.com", "_acme-challenge.example.com"),
        ] {
            assert_eq!(ZoneName::parse(text).unwrap().to_string(), canonical);
        }
    }
}
