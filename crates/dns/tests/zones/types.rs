//! Every record type against the real BIND: what we accept it loads, with the same octets and the same text; what it refuses we
//! refuse. The values are those of `types.txt`, the examples of the types, and thousands that are made from these by small
//! mistakes.
//!
//! We may refuse more than BIND: each case is listed in [`KNOWN`] with its reason, and in `docs/zone-files.md`. There is no list
//! for the other direction: nothing that is accepted may ever be refused by BIND.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use dns::zonefile::{Options, ZoneFile, parse};
use dns::{Fault, Message, RecordData, RecordType, ZoneName};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

/// For each type, so many values with mistakes.
const MUTATIONS: usize = 1000;

/// What BIND loads and we refuse: the types it concerns (none for all), the check, and why.
pub(crate) const KNOWN: &[(&[&str], &str, &str)] = &[
    (&["EUI48", "EUI64"], "field-eui", "BIND drops what is too much, and reads a group such as `0x1` as 0"),
    (&["KEY"], "field-number", "flags and protocol are numbers only, as in DNSKEY"),
    (&["AMTRELAY"], "record-data", "relays of unassigned types mean nothing yet"),
    (&["DNSKEY", "CDNSKEY"], "field-number", "RFC 4034, section 2.2, has flags and protocol as numbers only"),
    (&["SVCB", "HTTPS"], "field-quoted", "a name in quotes is a name of no other type"),
    (&["LOC"], "field-angle", "BIND takes signs before seconds"),
    (&["LOC"], "field-altitude", "BIND takes two signs"),
    (&["LOC"], "field-precision", "BIND takes a minus before nothing"),
    (&["APL"], "field-prefix", "BIND takes a plus before the family"),
    (&["NID", "L64"], "field-locator", "BIND takes a colon behind the last group"),
    (&["CAA"], "record-data", "a tag has at most 15 letters and digits, a value 1024 octets, as in the API"),
    (
        &["DNSKEY", "CDNSKEY"],
        "record-data",
        "a key of PRIVATEDNS begins with a name; BIND looks at its first octets only",
    ),
    (&["SSHFP"], "field-missing", "a fingerprint of nothing is none"),
    (
        &["SVCB", "HTTPS"],
        "svcb-key",
        "keys are in lower case (RFC 9460, section 2.1); BIND takes others where no value follows",
    ),
    (&["CSYNC"], "field-type", "KEYDATA is a type of BIND's own, and no name of the registry"),
    (&["SVCB", "HTTPS"], "svcb-value", "a dohpath is checked whole, not for its first variable only"),
    (
        &["MX", "TYPE15", "NS", "SRV", "AFSDB", "KX", "NAPTR", "LP", "SVCB", "HTTPS", "IPSECKEY", "AMTRELAY", "HIP"],
        "not-a-host-name",
        "a host is needed, as BIND says too where check-names is not ignored",
    ),
    (&[], "name-idna", "BIND takes the octets of Unicode for themselves, and nobody asks for such a name"),
];

/// The notes on names that are read otherwise than BIND reads them; `docs/zone-files.md` says why.
pub(crate) const OTHER_NAMES: &[&str] = &["name-converted", "name-at-sign"];

/// Types whose text we write otherwise: IPv6 addresses with an IPv4 address inside (RFC 5952), and types that BIND 9.18 knows by
/// name only since lately.
const SPELLINGS: &[&str] = &["AAAA", "SVCB", "HTTPS", "APL", "CSYNC"];

#[test]
fn written_values_agree_with_bind() {
    let values: Vec<&str> = include_str!("types.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let tally = compare(&values);
    for known in RecordType::EDITABLE {
        let [accepted, refused] = tally.get(&known.to_string()).copied().unwrap_or_default();
        assert!(accepted >= 1 && refused >= 1, "{known}: {accepted} good and {refused} bad values are too few");
    }
}

#[test]
fn values_with_small_mistakes_agree_with_bind() {
    let written = include_str!("types.txt").lines().filter(|line| !line.starts_with('#')).map(str::to_owned);
    let examples = RecordType::EDITABLE.iter().map(|known| format!("{known} {}", known.form().unwrap().example));
    let mut good: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in written.chain(examples) {
        if ours(&line).is_ok() {
            good.entry(line.split(' ').next().unwrap().to_owned()).or_default().push(line);
        }
    }
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let mut values = BTreeSet::new();
    for lines in good.into_values() {
        let strategy = (select(lines), vec(mistake(), 1..4));
        for _ in 0..MUTATIONS {
            let (line, mistakes) = strategy.new_tree(&mut runner).unwrap().current();
            let (record_type, data) = line.split_once(' ').unwrap_or((&line, ""));
            let data = mistakes.iter().fold(data.to_owned(), |data, mistake| mistake.make(&data));
            // Those would swallow the lines that follow.
            let open = data.replace("\\\\", "").replace("\\\"", "").matches('"').count() % 2 == 1;
            if !open && !data.contains(['(', ')', '\n']) && !data.ends_with('\\') {
                values.insert(format!("{record_type} {data}"));
            }
        }
    }
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let tally = compare(&values);
    let [accepted, refused] = tally.values().fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
    assert!(accepted > 1000 && refused > 1000, "{accepted} were accepted, {refused} refused");
}

/// Fails with every line on which ours and BIND's verdict differ; gives how many each type had accepted and refused.
fn compare(lines: &[&str]) -> BTreeMap<String, [usize; 2]> {
    let verdicts = bind(lines);
    let mut tally: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    let mut differences = Vec::new();
    for (line, verdict) in lines.iter().zip(verdicts) {
        let name = line.split(' ').next().unwrap_or_default();
        let count = tally.entry(name.to_owned()).or_default();
        match (ours(line), verdict) {
            (Ok(_), Ok(_)) if has_other_name(line) => count[0] += 1,
            (Ok(data), Ok((wire, text))) => {
                count[0] += 1;
                let theirs = RecordData::from_stored(data.record_type(), &wire, false).map(|data| data.wire());
                if theirs.as_deref() != Ok(&data.wire()) {
                    differences.push(format!("{line}: our octets are {:02x?}, BIND's {wire:02x?}", data.wire()));
                }
                let reads_as = ours(&format!("{name} {text}")).map(|theirs| theirs.wire() == data.wire());
                if reads_as != Ok(true) || (plain(&data.to_string()) != plain(&text) && !SPELLINGS.contains(&name)) {
                    differences.push(format!("{line}: our text is {data}, BIND's {text}"));
                }
            }
            (Err(_), Err(_)) => count[1] += 1,
            (Ok(data), Err(said)) => differences.push(format!("{line}: accepted as {data}, and BIND says: {said}")),
            (Err(fault), Ok((_, text))) => {
                let concerns = |types: &[&str]| types.is_empty() || types.contains(&name);
                if !KNOWN.iter().any(|(types, check, _)| concerns(types) && *check == fault.check) {
                    differences.push(format!("{line}: refused ({}: {fault}), and BIND loads {text}", fault.check));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    tally
}

/// Letter case, and the breaks in long digits, are no part of the text.
fn plain(text: &str) -> String {
    text.to_ascii_lowercase().split_ascii_whitespace().collect()
}

/// Our verdict on one entry.
fn ours(line: &str) -> Result<RecordData, Fault> {
    let file = read(line)?;
    match file.records.as_slice() {
        [only] => Ok(only.record.data.clone()),
        _ => Err(Fault::general("left-out", Message::untranslated("the record is left out"))),
    }
}

/// Whether a note says that a name of an entry is another one than BIND's.
fn has_other_name(line: &str) -> bool {
    read(line).is_ok_and(|file| file.notes.iter().any(|note| OTHER_NAMES.contains(&note.check)))
}

fn read(line: &str) -> Result<ZoneFile, Fault> {
    let zone = ZoneName::parse("example.com").unwrap();
    let text = format!("$TTL 300\n@ IN SOA ns.x. h.x. 1 1 1 1 1\n@ IN NS ns.x.\nr IN {line}\n");
    let options = Options { keep_keys: true, ..Options::default() };
    parse(text.as_bytes(), &zone, &options).map_err(|faults| faults.into_iter().next().unwrap().fault)
}

/// BIND's verdict on each entry: its octets and its text, or what it says.
fn bind(lines: &[&str]) -> Vec<Result<(Vec<u8>, String), String>> {
    let folder = tempfile::tempdir().unwrap();
    let mut refused: BTreeMap<usize, String> = BTreeMap::new();
    // Some faults are only found once others are gone.
    let raw = loop {
        let said = compile(folder.path(), lines, &refused, "raw");
        if let Ok(raw) = fs::read(folder.path().join("raw")) {
            break raw;
        }
        let before = refused.len();
        refused.extend(said.lines().filter_map(|said| {
            let (_, place) = said.split_once("/zone:")?;
            let (line, reason) = place.split_once(": ")?;
            Some((line.parse::<usize>().ok()?.checked_sub(HEAD)?, reason.to_owned()))
        }));
        assert!(refused.len() > before, "BIND refuses the zone for nothing that is known: {said}");
    };
    let owner = |wire: &[u8]| -> Option<usize> {
        let label = wire.get(1..1 + usize::from(*wire.first()?))?.strip_prefix(b"r")?;
        std::str::from_utf8(label).ok()?.parse().ok()
    };
    let mut octets: BTreeMap<usize, Vec<u8>> =
        crate::bind::read_raw(&raw).into_iter().filter_map(|(name, _, _, data)| Some((owner(&name)?, data))).collect();
    compile(folder.path(), lines, &refused, "text");
    let text = fs::read_to_string(folder.path().join("text")).unwrap();
    let mut texts: BTreeMap<usize, String> = text
        .lines()
        .filter_map(|line| {
            // The rest of the owner, TTL, class, type, data.
            let (name, rest) = line.strip_prefix('r')?.split_once('.')?;
            let mut text = rest;
            for _ in 0..4 {
                text = text.trim_start().split_once(char::is_whitespace).map_or("", |(_, text)| text);
            }
            Some((name.parse().ok()?, text.trim_start().to_owned()))
        })
        .collect();
    let verdict = |index: usize| match refused.get(&index) {
        Some(reason) => Err(reason.clone()),
        None => match (octets.remove(&index), texts.remove(&index)) {
            (Some(octets), Some(text)) => Ok((octets, text)),
            _ => Err("not in the zone".to_owned()),
        },
    };
    (0..lines.len()).map(verdict).collect()
}

/// How many lines stand before the first of ours; lines count from 1.
const HEAD: usize = 4;

/// Gives what `named-compilezone` says of those that were not refused before.
fn compile(folder: &std::path::Path, lines: &[&str], refused: &BTreeMap<usize, String>, format: &str) -> String {
    let mut text = "$TTL 300\n@ IN SOA ns.x. h.x. 1 1 1 1 1\n@ IN NS ns.x.\n".to_owned();
    for (index, line) in lines.iter().enumerate() {
        match refused.get(&index) {
            None => writeln!(text, "r{index} IN {line}").unwrap(),
            Some(_) => text.push_str(";\n"),
        }
    }
    fs::write(folder.join("zone"), text).unwrap();
    let output = Command::new("named-compilezone")
        .args([
            "-k", "ignore", "-i", "none", "-m", "ignore", "-M", "ignore", "-S", "ignore", "-T", "ignore", "-W",
            "ignore",
        ])
        // named only warns of nameservers that look like addresses.
        .args(["-n", "ignore", "-F", format, "-s", "full", "-o"])
        .arg(folder.join(format))
        .arg("example.com")
        .arg(folder.join("zone"))
        .output()
        .expect("named-compilezone runs (Debian: bind9-utils)");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// One small mistake in a text.
#[derive(Debug, Clone)]
enum Mistake {
    Drop(Index),
    Double(Index),
    Put(Index, &'static str),
    DropWord(Index),
    DoubleWord(Index),
    SwapWords(Index),
    Word(Index, &'static str),
    Case(Index),
}

impl Mistake {
    fn make(&self, text: &str) -> String {
        let octets: Vec<char> = text.chars().collect();
        let words: Vec<&str> = text.split(' ').collect();
        let at = |index: &Index| index.index(octets.len().max(1));
        let word = |index: &Index| index.index(words.len().max(1));
        let edit = |index: &Index, with: &dyn Fn(char) -> String| -> String {
            let place = at(index);
            octets.iter().enumerate().map(|(at, c)| if at == place { with(*c) } else { c.to_string() }).collect()
        };
        let edit_word = |index: &Index, with: &dyn Fn(&str) -> String| -> String {
            let place = word(index);
            let words = words.iter().enumerate().map(|(at, w)| if at == place { with(w) } else { (*w).to_owned() });
            words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        };
        match self {
            Mistake::Drop(index) => edit(index, &|_| String::new()),
            Mistake::Double(index) => edit(index, &|c| format!("{c}{c}")),
            Mistake::Put(index, what) => edit(index, &|_| (*what).to_owned()),
            Mistake::DropWord(index) => edit_word(index, &|_| String::new()),
            Mistake::DoubleWord(index) => edit_word(index, &|word| format!("{word} {word}")),
            Mistake::SwapWords(index) => {
                let mut words = words.clone();
                let (from, to) = (word(index), (word(index) + 1) % words.len().max(1));
                words.swap(from, to);
                words.join(" ")
            }
            Mistake::Word(index, what) => edit_word(index, &|_| (*what).to_owned()),
            Mistake::Case(index) => edit_word(index, &|word| {
                if word.bytes().any(|c| c.is_ascii_lowercase()) {
                    word.to_ascii_uppercase()
                } else {
                    word.to_ascii_lowercase()
                }
            }),
        }
    }
}

fn mistake() -> impl Strategy<Value = Mistake> {
    let signs = vec![
        "0", "1", "9", "a", "F", "g", "z", ".", "-", "+", "=", ":", "/", "!", ",", "\\", "\\065", "\\256", "\\\"", "@",
        "*", "#", "\"", " ", "|", "_", "~", "é",
    ];
    let words = vec![
        "0",
        "00",
        "1",
        "255",
        "256",
        "65535",
        "65536",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "-1",
        "+1",
        "0x1",
        "1.",
        ".",
        "@",
        "a",
        "a.b.",
        "\"\"",
        "\"a b\"",
        "\\#",
        "\\# 0",
        "\\# 1 00",
        "00",
        "0a0b",
        "AAAA",
        "AA==",
        "192.0.2.1",
        "::1",
        "N",
        "port=1",
        "alpn=h2",
        "key9=\"x\"",
        "TYPE1",
        "A",
    ];
    let at = any::<Index>;
    prop_oneof![
        3 => at().prop_map(Mistake::Drop),
        2 => at().prop_map(Mistake::Double),
        4 => (at(), select(signs)).prop_map(|(index, sign)| Mistake::Put(index, sign)),
        2 => at().prop_map(Mistake::DropWord),
        1 => at().prop_map(Mistake::DoubleWord),
        1 => at().prop_map(Mistake::SwapWords),
        3 => (at(), select(words)).prop_map(|(index, word)| Mistake::Word(index, word)),
        1 => at().prop_map(Mistake::Case),
    ]
}
