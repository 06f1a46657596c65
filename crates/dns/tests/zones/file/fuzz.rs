//! Hostile files: nothing panics, nothing takes more than linear time, and what is accepted is written and read as the same.
//!
//! A seeded walk of damage from the corpus, on the stable toolchain. It runs for [`SECONDS`], and prints its seed first; the
//! variables `ZONEWRIGHT_FUZZ_SEED` and `ZONEWRIGHT_FUZZ_SECONDS` repeat a run, or make it longer.

use std::env;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use dns::zonefile::{self, FileRecord, MAX_FAULTS, MAX_NOTES, Options, ZoneFile};
use dns::{Apex, Serial, ZoneId, ZoneName, ZoneSnapshot};
use uuid::Uuid;

use super::cases::corpus;
use super::judge::content;
use crate::memory::apex;

/// How long the walk goes on, unless the environment says otherwise.
const SECONDS: u64 = 30;
/// Files that grew longer are given up for a new one of the corpus.
const MAX_LENGTH: usize = 20_000;
/// How much damage is done to a file before the next one is taken.
const STEPS: u64 = 200;

#[test]
fn damaged_files_break_nothing() {
    let number = |name: &str| env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let seed = number("ZONEWRIGHT_FUZZ_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let deadline = Instant::now() + Duration::from_secs(number("ZONEWRIGHT_FUZZ_SECONDS").unwrap_or(SECONDS));
    println!("ZONEWRIGHT_FUZZ_SEED={seed}");
    let mut random = Random(seed);
    let corpus: Vec<Vec<u8>> = corpus().into_iter().map(|case| case.text).collect();
    let (mut files, mut accepted) = (0u64, 0u64);
    while Instant::now() < deadline {
        let mut text = random.pick(&corpus).clone();
        let graft = random.pick(&corpus);
        let mut sound = text.clone();
        for _ in 0..STEPS {
            damage(&mut random, &mut text, graft);
            if text.len() > MAX_LENGTH {
                break;
            }
            files += 1;
            if check(&text) {
                accepted += 1;
                sound.clone_from(&text);
            } else if random.below(4) > 0 {
                // Deep into refused files there is little to find.
                text.clone_from(&sound);
            }
        }
    }
    println!("{files} files, {accepted} of them accepted");
    assert!(accepted > files / 20, "{accepted} of {files}: the walk must see files that are read");
}

/// Reads a file; where it is sound, writes what it holds and reads that. Says whether it was sound.
fn check(text: &[u8]) -> bool {
    let zone = ZoneName::parse("example.com").unwrap();
    let options = Options { keep_keys: true, generated_records: 300, ..Options::default() };
    let started = Instant::now();
    let outcome = zonefile::parse(text, &zone, &options);
    // Far more than a loaded machine needs for this little text.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?} for {}", started.elapsed(), text.escape_ascii());
    match outcome {
        Err(faults) => {
            assert!(!faults.is_empty() && faults.len() <= MAX_FAULTS + 1, "{}", text.escape_ascii());
            let lines = text.split(|&octet| matches!(octet, b'\n' | b'\r')).count() as u32;
            for fault in &faults {
                assert!((1..=lines).contains(&fault.at.line), "{fault} of {}", text.escape_ascii());
                assert!(fault.fault.detail.to_string().len() < 600, "{fault}");
            }
            false
        }
        Ok(file) => {
            assert!(file.notes.len() <= MAX_NOTES);
            let written = zonefile::render(&snapshot(&zone, &file));
            let again = zonefile::parse(written.as_bytes(), &zone, &options)
                .unwrap_or_else(|faults| panic!("{} is written as {written}: {}", text.escape_ascii(), faults[0]));
            let without_soa = |file: &ZoneFile| content(&zone, &ZoneFile { soa: None, ..file.clone() });
            assert_eq!(without_soa(&file), without_soa(&again), "{} is written as {written}", text.escape_ascii());
            assert_eq!(again.left_out, [], "{written}");
            assert_eq!(zonefile::render(&snapshot(&zone, &again)), written, "the same octets the second time");
            true
        }
    }
}

fn snapshot(zone: &ZoneName, file: &ZoneFile) -> ZoneSnapshot {
    let apex: Apex = apex(&[("ns1.zonewright.test", &[])]);
    ZoneSnapshot {
        id: ZoneId(Uuid::nil()),
        name: zone.clone(),
        soa: file.soa.clone().map_or_else(|| apex.soa(Serial(1)), |(soa, _)| soa),
        records: file.apex_ns.iter().chain(&file.records).map(|FileRecord { record, .. }| record.clone()).collect(),
    }
}

fn damage(random: &mut Random, text: &mut Vec<u8>, graft: &[u8]) {
    const PIECES: &[&str] = &[
        " ",
        "\t",
        "\n",
        "\r",
        "(",
        ")",
        "\"",
        ";",
        "\\",
        "\\0",
        "\\065",
        "@",
        ".",
        "$",
        "*",
        "\0",
        "é",
        " IN ",
        " 60 ",
        " A ",
        " TXT ",
        " CNAME ",
        " NS ",
        " SOA ",
        " TYPE65280 ",
        " \\# ",
        "\n$ORIGIN ",
        "\n$TTL ",
        "\n$GENERATE 1-9 ",
        "${0,3,x}",
        "192.0.2.1",
        "2001:db8::1",
        "4294967296",
        "ns.example.org.",
        "[AGE:1] ",
        ".@ ",
        "\u{200b}",
        "。",
        " HIP 2 00 AA== ",
        " IPSECKEY 1 3 2 ",
        "\n www ",
        "\n@ ",
    ];
    let at = random.place(text);
    let end = (at + 1 + random.place(&[0; 16])).min(text.len());
    match random.below(8) {
        0 => drop(text.drain(at..end)),
        1 | 2 => drop(text.splice(at..at, random.pick(PIECES).bytes())),
        3 if at < text.len() => text[at] = random.below(256) as u8,
        4 if at < text.len() => text[at] ^= 1 << random.below(8),
        5 => {
            let piece = text[at..end].to_vec();
            let to = random.place(text);
            drop(text.splice(to..to, piece));
        }
        6 => {
            let from = random.place(graft);
            let piece = &graft[from..(from + 1 + random.place(&[0; 64])).min(graft.len())];
            drop(text.splice(at..at, piece.iter().copied()));
        }
        _ => {
            // A whole line of another file, where a line begins.
            let lines: Vec<&[u8]> = graft.split_inclusive(|&octet| octet == b'\n').collect();
            let line = random.pick(&lines).to_vec();
            let start = text[..at].iter().rposition(|&octet| octet == b'\n').map_or(0, |before| before + 1);
            drop(text.splice(start..start, line));
        }
    }
}

/// Shapes that would take quadratic time where something is looked at again and again.
#[test]
fn hostile_shapes_take_linear_time() {
    type Shape = fn(usize) -> String;
    let shapes: &[(&str, Shape)] = &[
        ("parentheses", |n| format!("a TXT {}x{}\n", "(".repeat(n), ")".repeat(n))),
        ("parentheses that stay open", |n| "a TXT (\n".repeat(n)),
        ("parentheses that were not opened", |n| "a A )\n".repeat(n)),
        ("quotes that stay open", |n| "a TXT \"\n".repeat(n)),
        ("quotes", |n| format!("a TXT {}\n", "\"\"".repeat(n))),
        ("backslashes", |n| format!("a TXT {}\n", "\\".repeat(n))),
        ("semicolons", |n| format!("{}\n", ";".repeat(n))),
        ("blank lines", |n| " \n".repeat(n)),
        ("carriage returns", |n| "\r".repeat(n)),
        ("NULs", |n| "\0\n".repeat(n)),
        ("one word", |n| "a".repeat(n)),
        ("one label", |n| format!("a CNAME {}\n", "a".repeat(n))),
        ("dots", |n| format!("a CNAME {}\n", "a.".repeat(n))),
        ("words", |n| format!("a TXT {}\n", "a ".repeat(n))),
        ("digits", |n| format!("a TYPE65280 \\# 1 {}\n", "0".repeat(n))),
        ("a number", |n| format!("a {} A 192.0.2.1\n", "1".repeat(n))),
        ("dollars", |n| format!("$GENERATE 1-2 {} A 192.0.2.1\n", "$".repeat(n))),
        ("braces", |n| format!("$GENERATE 1-2 {} A 192.0.2.1\n", "${".repeat(n))),
        ("origins", |n| "$ORIGIN a\n".repeat(n)),
        ("one RRset", |n| (0..n).map(|i| format!("a A 10.{}.{}.{}\n", i >> 16, i >> 8 & 255, i & 255)).collect()),
        ("one record", |n| "a A 192.0.2.1\n".repeat(n)),
        ("owners", |n| (0..n).map(|i| format!("a{i} A 192.0.2.1\n")).collect()),
        ("owners in turn", |n| (0..n).map(|i| format!("a{} {i} A 192.0.2.{}\n", i % 2, i % 256)).collect()),
        ("types of one owner", |n| (0..n).map(|i| format!("a TYPE{} \\# 0\n", 1024 + i % 60_000)).collect()),
        ("nameservers and their addresses", |n| {
            let names = (0..n).map(|i| format!("sub NS n{i}\n"));
            names.chain((0..n).map(|i| format!("n{i} A 192.0.2.1\n"))).collect()
        }),
        ("records outside the zone", |n| (0..n).map(|i| format!("a{i}.example.org. A 192.0.2.1\n")).collect()),
        ("records that are left out", |n| (0..n).map(|i| format!("a TYPE{} x\n", [46, 47, 50][i % 3])).collect()),
    ];
    let zone = ZoneName::parse("example.com").unwrap();
    let time = |text: &str| {
        let once = || {
            let started = Instant::now();
            let _ = zonefile::parse(text.as_bytes(), &zone, &Options::default());
            started.elapsed()
        };
        (0..3).map(|_| once()).min().unwrap()
    };
    for (name, shape) in shapes {
        let text = |n: usize| format!("$TTL 300\n{}", shape(n));
        let (short, long) = (text(4_000), text(64_000));
        // 16 times the text; quadratic would be 256 times the time. Other programs may take the processor meanwhile, so a
        // shape that fails is looked at again.
        let mut measured: Vec<(Duration, Duration)> = Vec::new();
        let is_linear = (0..10).any(|_| {
            let (of_short, of_long) = (time(&short), time(&long));
            measured.push((of_short, of_long));
            of_long < 100 * of_short.max(Duration::from_micros(500))
        });
        assert!(is_linear, "{name}: {measured:?}");
    }
}

/// SplitMix64: small, seeded, and good enough to walk.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A place in `text`, its end included.
    fn place(&mut self, text: &[u8]) -> usize {
        self.below(text.len() as u64 + 1) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = self.below(from.len() as u64) as usize;
        &from[at]
    }
}
