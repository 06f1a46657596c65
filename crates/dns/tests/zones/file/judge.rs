//! What we make of a zone file, and what `named-compilezone` makes of it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::process::Command;

use dns::change::{Edit, NewRecord, PlanError, TtlChoice};
use dns::zonefile::{self, FileFault, FileRecord, Options, ZoneFile};
use dns::{Fault, Message, Name, RecordData, RecordType, ZoneName};

use crate::bind::{Rr, read_raw};
use crate::memory::{Zone, apex};
use crate::types::{KNOWN, OTHER_NAMES};

/// The content of a file as both have to see it, names in lower case.
pub(crate) type Content = BTreeSet<Rr>;

/// Reads a file as an import does: the text, then the rules over a zone. DNSSEC keys are kept.
pub(crate) fn ours(domain: &str, text: &[u8]) -> Result<Content, Vec<FileFault>> {
    // Not `parse`: an example of the RFCs has a top-level zone.
    let zone = ZoneName::from_stored(Name::parse(domain).unwrap());
    let options = Options { keep_keys: true, ..Options::default() };
    let file = zonefile::parse(text, &zone, &options)?;
    check_rules(&zone, &file)?;
    Ok(content(&zone, &file))
}

/// The records of a file, its SOA among them.
pub(crate) fn content(zone: &ZoneName, file: &ZoneFile) -> Content {
    let apex = zone.name().wire().to_vec();
    let soa = file.soa.iter().map(|(soa, _)| (apex.clone(), 6, soa.ttl.seconds(), soa.wire()));
    let records = file.apex_ns.iter().chain(&file.records).map(|FileRecord { record, .. }| {
        let owner = record.owner.in_zone(zone).wire().to_vec();
        (owner, record.data.record_type().code(), record.ttl.seconds(), record.data.wire())
    });
    soa.chain(records).collect()
}

/// The rules that the store checks when the records become a zone's.
fn check_rules(zone: &ZoneName, file: &ZoneFile) -> Result<(), Vec<FileFault>> {
    let mut place = Zone::new("example.com", apex(&[("ns1.zonewright.test", &[])]));
    place.name = zone.clone();
    let all: Vec<&FileRecord> = file.apex_ns.iter().chain(&file.records).collect();
    let edits: Vec<Edit> = all
        .iter()
        .map(|FileRecord { record, .. }| {
            let ttl = TtlChoice::Set(record.ttl);
            Edit::Create(place.new_id(), NewRecord { owner: record.owner.clone(), data: record.data.clone(), ttl })
        })
        .collect();
    let faults = match place.plan(&edits) {
        Ok(_) => return Ok(()),
        Err(PlanError::Faults(faults)) => faults,
        Err(PlanError::NoRecord { index }) => {
            vec![(index, Fault::general("record", Message::untranslated("no such record")))]
        }
        Err(PlanError::Lookup(never)) => {
            let never: Infallible = never;
            match never {}
        }
    };
    Err(faults.into_iter().map(|(index, fault)| FileFault { at: all[index].at, fault }).collect())
}

/// What BIND loads, or what it says.
pub(crate) fn binds(domain: &str, text: &[u8]) -> Result<Content, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("zone"), text).unwrap();
    let output = Command::new("named-compilezone")
        .current_dir(folder.path())
        // Advice only is ignored: check-names, NS and MX targets, records that differ in spelling only, and so on.
        .args(["-k", "ignore", "-n", "ignore", "-m", "ignore", "-M", "ignore", "-r", "ignore"])
        .args(["-S", "ignore", "-T", "ignore", "-W", "ignore", "-i", "none"])
        // The raw format has names and data in wire form, so that no second parser of text is part of the test.
        .args(["-F", "raw", "-o", "raw", domain, "zone"])
        .output()
        .expect("named-compilezone runs (Debian: bind9-utils)");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if !output.status.success() {
        return Err(said);
    }
    let raw = fs::read(folder.path().join("raw")).unwrap();
    Ok(read_raw(&raw).into_iter().map(in_lower_case).collect())
}

/// BIND keeps the letter case of names.
fn in_lower_case((owner, code, ttl, data): Rr) -> Rr {
    let data = match RecordType::from_code(code) {
        Some(RecordType::Soa) => {
            // Two names and five numbers, which letters may look like.
            let (names, numbers) = data.split_at(data.len() - 20);
            [names.to_ascii_lowercase().as_slice(), numbers].concat()
        }
        Some(known) => match RecordData::from_stored(known, &data, false) {
            // Documented: tags are in lower case. A tag stands behind the flags and its length.
            Ok(read @ RecordData::Caa(_)) => {
                let mut wire = read.wire();
                let tag = 2..2 + usize::from(wire[1]);
                wire[tag].make_ascii_lowercase();
                wire
            }
            Ok(read) => read.wire(),
            Err(_) => data,
        },
        None => data,
    };
    (owner.to_ascii_lowercase(), code, ttl, data)
}

/// What came of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Agreement {
    Accepted,
    Refused,
    /// One of the differences that `docs/zone-files.md` lists.
    Documented,
}

/// Compares what both make of a file; what differs, where that is not documented.
pub(crate) fn compare(domain: &str, text: &[u8]) -> Result<Agreement, String> {
    let show = || String::from_utf8_lossy(text).into_owned();
    let faults = |faults: &[FileFault]| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let ours = ours(domain, text);
    // Damage turns a range of two into one of two thousand million, which BIND would make, for as long as it takes.
    if ours.as_ref().is_err_and(|found| found.iter().any(|fault| fault.fault.check == "generate-bound")) {
        return Ok(Agreement::Documented);
    }
    if ours.is_ok() && has_other_names(domain, text) {
        return Ok(Agreement::Documented);
    }
    match (ours, binds(domain, text)) {
        (Ok(ours), Ok(binds)) if ours == binds => Ok(Agreement::Accepted),
        (Err(_), Err(_)) => Ok(Agreement::Refused),
        (Ok(_), Err(said)) if we_accept_more(&said, text) => Ok(Agreement::Documented),
        (Err(found), Ok(_)) if found.iter().all(|fault| we_refuse_more(fault, text)) => Ok(Agreement::Documented),
        (Ok(ours), Ok(binds)) => {
            let (more, less): (Vec<_>, Vec<_>) = (ours.difference(&binds).collect(), binds.difference(&ours).collect());
            Err(format!("we have {more:?}, BIND has {less:?} of\n{}", show()))
        }
        (Ok(_), Err(said)) => Err(format!("we accept, BIND says: {said}\nof\n{}", show())),
        (Err(found), Ok(_)) => Err(format!("BIND accepts, we say: {}\nof\n{}", faults(&found), show())),
    }
}

/// Whether names are read otherwise than BIND reads them, with a note.
fn has_other_names(domain: &str, text: &[u8]) -> bool {
    let zone = ZoneName::from_stored(Name::parse(domain).unwrap());
    let options = Options { keep_keys: true, ..Options::default() };
    zonefile::parse(text, &zone, &options)
        .is_ok_and(|file| file.notes.iter().any(|note| OTHER_NAMES.contains(&note.check)))
}

/// The documented reasons for which BIND refuses what we accept, by what it says.
fn we_accept_more(said: &str, text: &[u8]) -> bool {
    let last_line = text.rsplit(|&octet| matches!(octet, b'\n' | b'\r')).next().unwrap_or_default();
    ["has no NS records", "has 0 SOA records"].iter().any(|reason| said.contains(reason))
        || said.contains("bad label type")
        || (said.contains("unbalanced parentheses") && said.contains("$GENERATE"))
        || (said.contains("extra input text") && last_line.starts_with(b"$"))
        || said.contains("SOA record not at top of zone")
        || (said.contains("syntax error") && text.windows(2).any(|octets| octets == b"\\\0"))
}

/// The documented reasons for which we refuse what BIND accepts.
fn we_refuse_more(fault: &FileFault, text: &[u8]) -> bool {
    // BIND looks for the length behind `\#` and misses the end of the file.
    let mark = text.windows(2).any(|octets| octets == b"\\#");
    if mark && fault.fault.check == "zone-file-syntax" && fault.fault.detail.to_string().contains("never closed") {
        return true;
    }
    let text = ["generate-range", "generate-bound", "rrset-records", "rrset-octets"];
    // The rules that are stricter than BIND's; what BIND refuses by them is refused by both.
    let rules = ["apex-ns-address", "dname-above", "dname-below", "dname-delegation", "ds-delegation", "ds-nameserver"];
    let check = fault.fault.check;
    text.contains(&check) || rules.contains(&check) || KNOWN.iter().any(|(_, known, _)| *known == check)
}
