//! The first line of a zone file: the zone, the version, the time of writing.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use dns::{Name, Serial, ZoneName, ZoneSnapshot};
use store::Timestamp;

const START: &str = "; zonewright zone=";
/// The longest name in presentation form is under 1,020 octets, and stands near the start.
const READ: u64 = 4096;

/// The header of a zone's file, with the line's end.
pub(super) fn line(zone: &ZoneSnapshot, now: Timestamp) -> String {
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    format!("{START}{} id={} serial={} time={now}\n", zone.name.name().fqdn(), zone.id.0, zone.serial())
}

/// The zone that a zone file is of; `None` where it does not say, or is not there (any more).
pub(super) fn zone_name(path: &Path) -> io::Result<Option<ZoneName>> {
    Ok(start(path)?.as_deref().and_then(read))
}

/// The serial in a zone file; `None` where there is none, or no file.
pub(super) fn serial(path: &Path) -> io::Result<Option<Serial>> {
    Ok(start(path)?.as_deref().and_then(read_serial))
}

fn start(path: &Path) -> io::Result<Option<String>> {
    let mut start = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(READ).read_to_end(&mut start)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(String::from_utf8_lossy(&start).into_owned()))
}

/// The first number of the first SOA record, as we write it or as named does.
fn read_serial(text: &str) -> Option<Serial> {
    let mut words = text.lines().filter(|line| !line.starts_with(';')).flat_map(str::split_whitespace);
    words.find(|word| *word == "SOA")?;
    words.filter(|word| *word != "(").nth(2)?.parse().ok().map(Serial)
}

fn read(text: &str) -> Option<ZoneName> {
    let name = match text.strip_prefix(START) {
        Some(rest) => parse(rest.split_whitespace().next()?, &Name::root()),
        None => first_owner(text),
    };
    name.map(ZoneName::from_stored)
}

/// The owner of the first record, which is the SOA, in a file as named writes it: directives first, then the record.
fn first_owner(text: &str) -> Option<Name> {
    let mut origin = Name::root();
    for line in text.lines() {
        if let Some(directive) = line.strip_prefix("$ORIGIN") {
            origin = parse(directive.split_whitespace().next()?, &Name::root())?;
            continue;
        }
        if line.starts_with(['$', ';']) || line.trim().is_empty() {
            continue;
        }
        let owner = line.split_whitespace().next().filter(|_| line.contains("SOA"))?;
        return if owner == "@" { Some(origin) } else { parse(owner, &origin) };
    }
    None
}

fn parse(text: &str, origin: &Name) -> Option<Name> {
    let name = Name::parse(text).ok()?;
    if text.ends_with('.') {
        return Some(name);
    }
    Name::from_labels(name.labels().chain(origin.labels())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serial_is_found_in_our_files_and_in_named_s() {
        for (text, serial) in [
            ("; zonewright SOA\n$ORIGIN a.test.\n@ 300 IN SOA ns. h. 7 2 3 4 5\n", Some(7)),
            ("$ORIGIN .\n$TTL 300\t; 5 minutes\na.test\t\t\tIN SOA\tns. h. (\n\t\t\t\t6          ; serial\n", Some(6)),
            ("$ORIGIN .\na.test\t\t\tIN SOA\tns. h. (\n", None),
            ("", None),
        ] {
            assert_eq!(read_serial(text), serial.map(Serial), "{text:?}");
        }
    }

    #[test]
    fn the_name_is_found_in_our_files_and_in_named_s() {
        for (text, name) in [
            ("; zonewright zone=example.com. id=x serial=1 time=y\n$ORIGIN example.org.\n", Some("example.com")),
            ("; zonewright zone=0/25.2.0.192.in-addr.arpa. id=x\n", Some("0/25.2.0.192.in-addr.arpa")),
            ("$ORIGIN .\n$TTL 300\t; 5 minutes\na.test\t\t\tIN SOA\tns.invalid. h. (\n", Some("a.test")),
            ("$ORIGIN test.\n$TTL 300\na 300 IN SOA ns. h. 1 2 3 4 5\n", Some("a.test")),
            ("$ORIGIN a.test.\n@ 300 IN SOA ns. h. 1 2 3 4 5\n", Some("a.test")),
            ("$TTL 300\na.test. IN SOA ns. h. (\n", Some("a.test")),
            ("", None),
            ("; a comment\n\n", None),
            ("; zonewright zone=", None),
            ("no zone at all\n", None),
        ] {
            let expected = name.map(|name| ZoneName::from_stored(Name::parse(name).unwrap()));
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}
