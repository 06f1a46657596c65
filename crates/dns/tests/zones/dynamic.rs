//! Dynamic updates: what each prerequisite asks and what each step does, as tables in the words of nsupdate.

use std::convert::Infallible;

use dns::change::{DynamicError, DynamicStep, DynamicUpdate, PlanError, Prerequisite, Unmet, dynamic};
use dns::{OwnerName, RecordData, RecordType, Serial, Ttl, ZoneName};

use crate::memory::{Zone, apex};

/// What the zone of most tests has.
const CONTENT: &str = "
    add @ 300 MX 10 mail.example.com.
    add www 300 A 192.0.2.1
    add www 300 A 192.0.2.2
    add www 300 TXT x
    add alias 300 CNAME www.example.com.
    add a.deep 300 TXT deep";

/// One line in the words of nsupdate, with owners relative to the zone.
enum Line {
    Prerequisite(Prerequisite),
    Step(DynamicStep),
}

fn read(line: &str, zone: &ZoneName) -> Line {
    let words: Vec<&str> = line.split_whitespace().collect();
    let owner = |text| OwnerName::parse(text, zone).unwrap();
    let code = |text: &str| RecordType::code_of(text).unwrap();
    let data = |record_type: &str, words: &[&str]| {
        let record_type = RecordType::parse(record_type).unwrap();
        let (priority, value) = match words {
            [priority, value] if record_type.has_priority() => (Some(priority.parse().unwrap()), (*value).to_owned()),
            value => (None, value.join(" ")),
        };
        RecordData::parse(record_type, &value, priority, zone).unwrap()
    };
    match words.as_slice() {
        ["yxdomain", name] => Line::Prerequisite(Prerequisite::NameInUse(owner(name))),
        ["nxdomain", name] => Line::Prerequisite(Prerequisite::NameNotInUse(owner(name))),
        ["yxrrset", name, of] => Line::Prerequisite(Prerequisite::SetExists(owner(name), code(of))),
        ["nxrrset", name, of] => Line::Prerequisite(Prerequisite::SetMissing(owner(name), code(of))),
        ["equals", name, of, values] => {
            let values = values.split(',').map(|value| data(of, &[value]).wire()).collect();
            Line::Prerequisite(Prerequisite::SetEquals(owner(name), code(of), values))
        }
        ["add", name, ttl, of, value @ ..] => {
            Line::Step(DynamicStep::Add(owner(name), Ttl::new(ttl.parse().unwrap()).unwrap(), data(of, value)))
        }
        ["del", name] => Line::Step(DynamicStep::DeleteName(owner(name))),
        ["del", name, of] => Line::Step(DynamicStep::DeleteSet(owner(name), code(of))),
        ["del", name, of, value @ ..] => {
            Line::Step(DynamicStep::DeleteRecord(owner(name), code(of), data(of, value).wire()))
        }
        other => panic!("{other:?}"),
    }
}

fn update(lines: &str, zone: &ZoneName) -> DynamicUpdate {
    let mut update = DynamicUpdate::default();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        match read(line, zone) {
            Line::Prerequisite(prerequisite) => update.prerequisites.push(prerequisite),
            Line::Step(step) => update.steps.push(step),
        }
    }
    update
}

/// Carries an update out; what it changed, or the rules that it breaks.
fn send(zone: &mut Zone, lines: &str) -> Result<bool, String> {
    let (name, apex) = (zone.name.clone(), zone.apex.clone());
    let soa = apex.soa(Serial(1));
    let update = update(lines, &name);
    let mut ids: Vec<_> = (0..100).map(|_| zone.new_id()).collect();
    let edits = dynamic(&update, &name, (&apex, &soa), zone, || ids.pop().unwrap()).map_err(|error| match error {
        DynamicError::Unmet(unmet) => format!("{unmet:?}"),
        DynamicError::<Infallible>::Lookup(never) => match never {},
    })?;
    let plan = zone.plan(&edits).map_err(|error| match error {
        PlanError::Faults(faults) => faults[0].1.check.to_owned(),
        other => format!("{other:?}"),
    })?;
    zone.commit(&plan);
    assert_eq!(plan.is_empty(), edits.is_empty(), "what changes nothing makes no edits: {lines}");
    Ok(!edits.is_empty())
}

fn zone() -> Zone {
    let mut zone = Zone::new("example.com", apex(&[("ns1.example.net", &[]), ("ns2.example.net", &[])]));
    assert_eq!(send(&mut zone, CONTENT), Ok(true));
    zone
}

fn content(zone: &Zone) -> Vec<String> {
    let line =
        |record: &dns::Record| format!("{} {} {} {}", record.owner, record.ttl, record.data.record_type(), record.data);
    let mut lines: Vec<String> = zone.records().map(line).collect();
    lines.sort();
    lines
}

/// The lines that an update removes and adds, as a difference of texts.
fn difference(lines: &str) -> String {
    let mut zone = zone();
    let before = content(&zone);
    let changed = match send(&mut zone, lines) {
        Ok(changed) => changed,
        Err(error) => {
            assert_eq!(content(&zone), before);
            return error;
        }
    };
    let after = content(&zone);
    assert_eq!(changed, before != after, "{lines}");
    // The same message again changes nothing.
    assert_eq!(send(&mut zone, lines), Ok(false), "{lines}");
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("-{line}"));
    let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+{line}"));
    gone.chain(new).collect::<Vec<_>>().join(" ")
}

#[test]
fn prerequisites() {
    for (line, unmet) in [
        ("yxdomain www", None),
        ("yxdomain @", None),
        ("yxdomain nothing", Some(Unmet::NameNotInUse)),
        // An empty non-terminal has no records.
        ("yxdomain deep", Some(Unmet::NameNotInUse)),
        ("nxdomain deep", None),
        ("nxdomain nothing", None),
        ("nxdomain www", Some(Unmet::NameInUse)),
        ("nxdomain @", Some(Unmet::NameInUse)),
        ("yxrrset www A", None),
        ("yxrrset www AAAA", Some(Unmet::SetMissing)),
        ("yxrrset www RRSIG", Some(Unmet::SetMissing)),
        ("yxrrset nothing A", Some(Unmet::SetMissing)),
        // The server's own records count.
        ("yxrrset @ SOA", None),
        ("yxrrset @ NS", None),
        ("nxrrset @ NS", Some(Unmet::SetExists)),
        ("equals @ NS ns1.example.net.,ns2.example.net.", None),
        ("equals @ NS ns1.example.net.", Some(Unmet::SetMissing)),
        ("nxrrset www AAAA", None),
        ("nxrrset www RRSIG", None),
        ("nxrrset www A", Some(Unmet::SetExists)),
        ("equals www A 192.0.2.2,192.0.2.1", None),
        ("equals www A 192.0.2.1", Some(Unmet::SetMissing)),
        ("equals www A 192.0.2.1,192.0.2.2,192.0.2.3", Some(Unmet::SetMissing)),
        ("equals nothing A 192.0.2.1", Some(Unmet::SetMissing)),
    ] {
        let mut zone = zone();
        let expected = unmet.map_or(Ok(false), |unmet| Err(format!("{unmet:?}")));
        assert_eq!(send(&mut zone, line), expected, "{line}");
        // Nothing of a message is done whose prerequisites do not hold.
        let step = format!("{line}\nadd new 60 A 192.0.2.9");
        assert_eq!(send(&mut zone, &step), expected.map(|_| true), "{line}");
    }
}

#[test]
fn steps() {
    for (lines, expected) in [
        ("add new 60 A 192.0.2.9", "+new 60 A 192.0.2.9"),
        // Existing records are added, and missing ones are deleted.
        ("add www 300 A 192.0.2.1", ""),
        ("del www A 192.0.2.9", ""),
        ("del www AAAA", ""),
        ("del nothing", ""),
        ("del nothing RRSIG", ""),
        ("del www RRSIG", ""),
        // The TTL of the set.
        ("add www 60 A 192.0.2.1", "-www 300 A 192.0.2.1 -www 300 A 192.0.2.2 +www 60 A 192.0.2.1 +www 60 A 192.0.2.2"),
        ("del www A 192.0.2.1", "-www 300 A 192.0.2.1"),
        ("del www A", "-www 300 A 192.0.2.1 -www 300 A 192.0.2.2"),
        ("del www", "-www 300 A 192.0.2.1 -www 300 A 192.0.2.2 -www 300 TXT \"x\""),
        // Order counts, and the end is what is judged.
        ("del www A\nadd www 300 A 192.0.2.1\nadd www 300 A 192.0.2.2", ""),
        ("add www 300 A 192.0.2.3\ndel www A 192.0.2.3", ""),
        ("del www TXT\nadd www 300 TXT x", ""),
        (
            "del www\nadd www 300 CNAME alias.example.com.",
            "-www 300 A 192.0.2.1 -www 300 A 192.0.2.2 -www 300 TXT \"x\" +www 300 CNAME alias.example.com.",
        ),
        ("add www 300 CNAME alias.example.com.", "cname-alone"),
        ("add alias 300 A 192.0.2.1", "cname-alone"),
        ("add www 300 CNAME alias.example.com.\ndel www CNAME", ""),
        // A CNAME takes the place of another.
        (
            "add alias 60 CNAME a.deep.example.com.",
            "-alias 300 CNAME www.example.com. +alias 60 CNAME a.deep.example.com.",
        ),
        // The apex keeps its nameservers, whatever a message deletes.
        ("del @", "-@ 300 MX 10 mail.example.com."),
        ("del @ NS", ""),
        ("del @ SOA", ""),
        ("del @ NS ns1.example.net.", ""),
        ("add @ 60 NS ns1.example.net.", ""),
        ("add @ 60 NS dnscontrol.invalid.\ndel @ NS dnscontrol.invalid.", ""),
        ("add @ 60 NS dnscontrol.invalid.", "+@ 3600 NS dnscontrol.invalid."),
        ("add @ 60 CNAME www.example.com.", "cname-apex"),
        ("add *.wild 60 NS other.example.com.", "ns-wildcard"),
        (
            "add id 60 DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
            "+id 60 DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
        ),
    ] {
        assert_eq!(difference(lines), expected, "{lines}");
    }
}

/// The two messages of Kea: a client's first lease, and the renewal that sees YXDOMAIN first.
#[test]
fn the_conflict_resolution_of_dhcp_servers() {
    let mut zone = zone();
    let first = "nxdomain host\nadd host 60 A 192.0.2.7\nadd host 60 DHCID AAIBY2/A";
    let own = "yxdomain host\nequals host DHCID AAIBY2/A\ndel host A\nadd host 60 A 192.0.2.8";
    let of_another = "yxdomain host\nequals host DHCID AAIBY2/B\ndel host A\nadd host 60 A 192.0.2.9";
    assert_eq!(send(&mut zone, first), Ok(true));
    assert_eq!(send(&mut zone, first), Err("NameInUse".to_owned()));
    assert_eq!(send(&mut zone, own), Ok(true));
    assert_eq!(send(&mut zone, of_another), Err("SetMissing".to_owned()));
    assert!(content(&zone).contains(&"host 60 A 192.0.2.8".to_owned()));
    let end = "equals host DHCID AAIBY2/A\ndel host A 192.0.2.8";
    let tidy = "nxrrset host A\nnxrrset host AAAA\ndel host";
    assert_eq!(send(&mut zone, tidy), Err("SetExists".to_owned()));
    assert_eq!(send(&mut zone, end), Ok(true));
    assert_eq!(send(&mut zone, tidy), Ok(true));
    assert_eq!(send(&mut zone, "nxdomain host"), Ok(false));
}
