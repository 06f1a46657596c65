//! The zone of a file that neither its SOA record nor `$ORIGIN` names: taken from the file's name, if it is unambiguous.
//!
//! An ambiguous name is never guessed: the error suggests the `--domain` to use. A zone under a wrong name answers no queries,
//! and the mistake would show only when the domain moves.

use std::net::Ipv4Addr;
use std::path::Path;

use dns::{Name, ZoneName};

/// What stands before the zone's name.
const BEFORE: [&str; 3] = ["db.", "pri.", "master."];
/// What stands behind it.
const BEHIND: [&str; 7] = [".zone", ".db", ".txt", ".hosts", ".dns", ".rev", ".bind"];
/// Words before a name that may as well be its first label: `forward.example.com`.
const MAYBE_BEFORE: [&str; 8] = ["forward.", "fwd.", "reverse.", "rev.", "zone.", "named.", "hosts.", "dns."];
/// How the names of copies end.
const COPIES: [&str; 8] = [".bak", ".old", ".orig", ".save", ".saved", ".tmp", ".new", "~"];
/// Top-level domains for examples and tests, which the public suffix list does not have (RFC 2606).
const RESERVED: [&str; 4] = ["example", "test", "invalid", "arpa"];

/// Why a file's name gives no zone.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoZone {
    /// It is no domain name at all.
    #[error("the zone's name is neither in the file nor in the file name; give --domain")]
    Unnamed,
    /// It can be read as one of these.
    #[error("the zone's name is not in the file, and the file name is ambiguous; give {}", options(.0))]
    Open(Vec<String>),
    /// It cannot be a zone's name.
    #[error("{0}; give --domain")]
    Refused(String),
}

fn options(zones: &[String]) -> String {
    let flags: Vec<String> = zones.iter().map(|zone| format!("--domain {zone}")).collect();
    flags.join(" or ")
}

/// Whether the name of a file says that it is a copy of another one.
pub(super) fn is_copy(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    COPIES.iter().any(|end| name.ends_with(end))
}

/// The zone that a file's name gives: `example.com`, `example.com.zone`, `db.example.com`, `db.192.168.1`, in any letter case.
pub(super) fn zone_of(file: &Path) -> Result<ZoneName, NoZone> {
    let name = file.file_name().and_then(|name| name.to_str()).ok_or(NoZone::Unnamed)?.to_lowercase();
    if let Some(rest) = COPIES.iter().find_map(|end| name.strip_suffix(end)) {
        return Err(match zone_of(Path::new(rest)) {
            Ok(zone) => NoZone::Open(vec![zone.to_string()]),
            Err(error) => error,
        });
    }
    let is_reversed = name.ends_with(".rev");
    let bare = BEFORE.iter().find_map(|word| name.strip_prefix(word)).unwrap_or(&name);
    let bare = BEHIND.iter().find_map(|end| bare.strip_suffix(end)).unwrap_or(bare);
    let digits = MAYBE_BEFORE.iter().find_map(|word| bare.strip_prefix(word)).unwrap_or(bare);
    if let Some(octets) = octets(digits) {
        return reverse_zone(&octets, is_reversed);
    }
    let domain = Name::parse(bare).ok().filter(is_domain).ok_or(NoZone::Unnamed)?;
    if let Some(rest) = MAYBE_BEFORE.iter().find_map(|word| bare.strip_prefix(word))
        && Name::parse(rest).is_ok_and(|rest| is_domain(&rest))
    {
        return Err(NoZone::Open(vec![rest.to_owned(), domain.to_string()]));
    }
    parse(bare)
}

fn parse(domain: &str) -> Result<ZoneName, NoZone> {
    ZoneName::parse_for_operator(domain).map_err(|fault| NoZone::Refused(fault.to_string()))
}

/// Whether a name lies below a top-level domain that there is.
fn is_domain(name: &Name) -> bool {
    let text = name.to_string();
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_known = psl::suffix(text.as_bytes()).is_some_and(|suffix| suffix.is_known());
    name.labels().count() > 1 && (is_known || RESERVED.contains(&last))
}

/// One to three octets of an address, with dots or hyphens between.
fn octets(text: &str) -> Option<Vec<u8>> {
    let octets: Option<Vec<u8>> = text
        .split(['.', '-'])
        .map(|octet| octet.parse().ok().filter(|_| octet.bytes().all(|digit| digit.is_ascii_digit())))
        .collect();
    octets.filter(|octets| octets.len() <= 3)
}

/// The reverse zone of a network. Its octets may stand in the order of addresses (`db.192.168.1`) or of the zone's name
/// (`1.168.192.rev`); only where one of the two is a network for private use, that one is meant.
fn reverse_zone(octets: &[u8], is_reversed: bool) -> Result<ZoneName, NoZone> {
    let zone = |octets: &mut dyn Iterator<Item = &u8>| {
        let labels: Vec<String> = octets.map(u8::to_string).collect();
        format!("{}.in-addr.arpa", labels.join("."))
    };
    // As in addresses, and as in the name of the zone.
    let (by_address, by_name) = (zone(&mut octets.iter().rev()), zone(&mut octets.iter()));
    let address_is_private = is_private(octets);
    let name_is_private = is_private(&octets.iter().rev().copied().collect::<Vec<u8>>());
    match (by_address == by_name, address_is_private, name_is_private) {
        (true, true, _) => parse(&by_name),
        (true, false, _) => Err(NoZone::Open(vec![by_name])),
        (false, true, false) if !is_reversed => parse(&by_address),
        (false, false, true) => parse(&by_name),
        (false, ..) => Err(NoZone::Open(vec![by_address, by_name])),
    }
}

/// Whether addresses that begin so are for private use or loopback (RFC 1918, RFC 1122).
fn is_private(octets: &[u8]) -> bool {
    let octet = |at: usize| octets.get(at).copied();
    let address = Ipv4Addr::new(octet(0).unwrap_or(0), octet(1).unwrap_or(0), octet(2).unwrap_or(0), 1);
    let enough = match octet(0) {
        Some(172 | 192) => octets.len() > 1,
        _ => true,
    };
    enough && (address.is_private() || address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_doubt_give_their_zone() {
        for (file, zone) in [
            ("example.com", "example.com"),
            ("example.com.zone", "example.com"),
            ("Example.COM.ZONE", "example.com"),
            ("F14.EXAMPLE.ZONE", "f14.example"),
            ("db.example.com", "example.com"),
            ("DB.example.com", "example.com"),
            ("pri.example.co.uk", "example.co.uk"),
            ("x.example.DNS", "x.example"),
            ("db.192.168.1", "1.168.192.in-addr.arpa"),
            ("db.10.128", "128.10.in-addr.arpa"),
            ("db.172.16", "16.172.in-addr.arpa"),
            ("7.168.192.rev", "7.168.192.in-addr.arpa"),
            ("192-168-1.zone", "1.168.192.in-addr.arpa"),
            ("db.1.168.192", "1.168.192.in-addr.arpa"),
            ("db.127", "127.in-addr.arpa"),
            ("db.10", "10.in-addr.arpa"),
            ("2.0.192.in-addr.arpa.zone", "2.0.192.in-addr.arpa"),
        ] {
            let found = zone_of(Path::new("/zones").join(file).as_path());
            assert_eq!(found.map(|zone| zone.to_string()).as_deref(), Ok(zone), "{file}");
        }
    }

    #[test]
    fn names_that_leave_it_open_are_refused_with_what_to_type() {
        for (file, zones) in [
            ("x.example.bak", &["x.example"][..]),
            ("x.example.zone.BAK", &["x.example"]),
            ("x.example.zone~", &["x.example"]),
            ("forward.x.example", &["x.example", "forward.x.example"]),
            ("fwd.x.example.db", &["x.example", "fwd.x.example"]),
            ("db.203.0.113", &["113.0.203.in-addr.arpa", "203.0.113.in-addr.arpa"]),
            ("113.0.203.rev", &["203.0.113.in-addr.arpa", "113.0.203.in-addr.arpa"]),
            ("192.0.2.zone", &["2.0.192.in-addr.arpa", "192.0.2.in-addr.arpa"]),
            ("db.255", &["255.in-addr.arpa"]),
        ] {
            let zones: Vec<String> = zones.iter().map(|zone| (*zone).to_owned()).collect();
            let refused = zone_of(Path::new(file)).unwrap_err();
            assert!(refused.to_string().contains(&format!("give --domain {}", zones[0])), "{file}: {refused}");
            assert_eq!(refused, NoZone::Open(zones), "{file}");
        }
        for file in
            ["notes", "com.zone", "x.example.unknown", "named.conf", "db.2001.db8", "db.local", "db.300.1", "db"]
        {
            assert_eq!(zone_of(Path::new(file)), Err(NoZone::Unnamed), "{file}");
        }
        assert!(matches!(zone_of(Path::new("co.uk.zone")), Err(NoZone::Refused(_))));
    }

    #[test]
    fn copies_are_known_by_their_names() {
        for (file, is) in [("x.example.bak", true), ("x.example.OLD", true), ("x.zone~", true), ("x.example", false)] {
            assert_eq!(is_copy(Path::new(file)), is, "{file}");
        }
    }
}
