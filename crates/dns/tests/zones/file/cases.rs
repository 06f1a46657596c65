//! The corpus: hundreds of small files, in `tests/zonefiles`, each with what it is for.
//!
//! A case begins with a line `;;; VERDICT: title`:
//!
//! - `good`: both accept, with the same records.
//! - `bad LINE:COLUMN check`: both refuse; our first fault is there.
//! - `ours`: a documented difference: we accept, BIND refuses.
//! - `bind LINE:COLUMN check`: a documented difference: BIND accepts, we refuse.
//! - `records`: a documented difference: both accept, and have other records.
//!
//! `VERDICT in DOMAIN` names the zone, which is example.com otherwise. `$TTL`, an SOA and an NS record stand before each case, unless its title ends with `(bare)`; lines are counted without them.
//! Octets that do not show are written as `<0D>` (hexadecimal); `<EOF>` ends a file without a final line break.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use dns::zonefile::FileFault;

use super::judge::{binds, ours};

/// The zone of a case that names no other.
const DOMAIN: &str = "example.com";
pub(crate) const PRELUDE: &str = "$TTL 300\n@ SOA ns.example.org. host.example.org. 1 2 3 4 5\n@ NS ns.example.org.\n";

pub(crate) struct Case {
    /// File and title.
    pub(crate) name: String,
    pub(crate) domain: String,
    verdict: Verdict,
    /// Lines before the case's own.
    offset: u32,
    pub(crate) text: Vec<u8>,
}

impl Case {
    /// Whether both accept it, and agree.
    pub(crate) fn is_good(&self) -> bool {
        self.verdict == Verdict::Good
    }

    /// Whether this is none of the documented differences, and of the usual zone.
    pub(crate) fn both_agree(&self) -> bool {
        self.domain == DOMAIN && matches!(self.verdict, Verdict::Good | Verdict::Bad(_))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Good,
    Bad(Place),
    Ours,
    Bind(Place),
    Records,
}

/// Line, column and check, as `3:1 owner-name`.
type Place = String;

#[test]
fn the_corpus_is_read_as_bind_reads_it() {
    let cases = corpus();
    assert!(cases.len() >= 300, "only {} cases", cases.len());
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from).min(8);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(what) = check(case) {
                        let text = String::from_utf8_lossy(&case.text);
                        wrong.lock().unwrap().push(format!("{}: {what}\n{text}", case.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} cases:\n\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

fn check(case: &Case) -> Result<(), String> {
    let (ours, binds) = (ours(&case.domain, &case.text), binds(&case.domain, &case.text));
    let place = ours.as_ref().err().and_then(|faults| faults.first()).map(|fault| place(fault, case.offset));
    let agrees = match (&case.verdict, &ours, &binds) {
        (Verdict::Good, Ok(ours), Ok(binds)) => ours == binds,
        (Verdict::Records, Ok(ours), Ok(binds)) => ours != binds,
        (Verdict::Bad(wanted), Err(_), Err(_)) | (Verdict::Bind(wanted), Err(_), Ok(_)) => {
            place.as_ref() == Some(wanted)
        }
        (Verdict::Ours, Ok(_), Err(_)) => true,
        _ => false,
    };
    if agrees {
        return Ok(());
    }
    let faults = ours.as_ref().err().map(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>());
    Err(format!(
        "wanted {:?}, and we have {:?} ({})\nBIND has {:?}",
        case.verdict,
        faults.as_ref().map_or_else(|| format!("{ours:?}"), |faults| faults.join("; ")),
        place.unwrap_or_default(),
        binds
    ))
}

fn place(fault: &FileFault, offset: u32) -> String {
    format!("{}:{} {}", i64::from(fault.at.line) - i64::from(offset), fault.at.column, fault.fault.check)
}

/// All cases of all files.
pub(crate) fn corpus() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zonefiles");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|file| read_cases(file)).collect()
}

fn read_cases(file: &Path) -> Vec<Case> {
    let text = fs::read_to_string(file).unwrap();
    let file_name = file.file_name().unwrap().to_string_lossy();
    let mut cases = Vec::new();
    // What stands before the first case says what the file is about.
    for case in text.split(";;; ").skip(1) {
        let (head, body) = case.split_once('\n').unwrap();
        let (verdict, title) = head.split_once(": ").unwrap_or_else(|| panic!("{file_name}: {head}: no title"));
        let (verdict, domain) = verdict.split_once(" in ").unwrap_or((verdict, DOMAIN));
        let verdict = match verdict.split_once(' ') {
            None if verdict == "good" => Verdict::Good,
            None if verdict == "ours" => Verdict::Ours,
            None if verdict == "records" => Verdict::Records,
            Some(("bad", place)) => Verdict::Bad(place.to_owned()),
            Some(("bind", place)) => Verdict::Bind(place.to_owned()),
            _ => panic!("{file_name}: {head}: unknown verdict"),
        };
        let prelude = if title.ends_with("(bare)") { "" } else { PRELUDE };
        cases.push(Case {
            name: format!("{file_name}: {title}"),
            domain: domain.to_owned(),
            verdict,
            offset: prelude.lines().count() as u32,
            text: [prelude.as_bytes(), &octets(body)].concat(),
        });
    }
    cases
}

/// The octets that a case's text stands for.
fn octets(body: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('<') {
        octets.extend(before.as_bytes());
        rest = after;
        match after.split_once('>') {
            Some(("EOF", _)) => return octets,
            Some((hex, behind)) if hex.len() == 2 && u8::from_str_radix(hex, 16).is_ok() => {
                octets.push(u8::from_str_radix(hex, 16).unwrap());
                rest = behind;
            }
            _ => octets.push(b'<'),
        }
    }
    octets.extend(rest.as_bytes());
    octets
}
