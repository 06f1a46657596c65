//! Random files: sound ones in random layouts, and the corpus with random damage. We and BIND have to agree on each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::cases::{Case, PRELUDE, corpus};
use super::judge::{Agreement, compare};
use crate::bind::MAX_SHRINK_ITERS;

/// Each costs a process of some 10 ms.
const LAID_OUT: u32 = 500;
const DAMAGED: u32 = 1500;
/// Where no other is given.
const SEED: u64 = 1;

#[test]
fn sound_files_in_any_layout_are_read_as_bind_reads_them() {
    let seen = run(LAID_OUT, || file().prop_map(|text| File(text.into_bytes())));
    assert!(seen[&Agreement::Accepted] >= LAID_OUT as usize / 2, "{seen:?}");
}

#[test]
fn damaged_files_are_read_as_bind_reads_them() {
    // Damage done to a documented difference may be a difference that no reason stands for.
    let cases: Vec<Case> = corpus().into_iter().filter(Case::both_agree).collect();
    let texts = |of: &dyn Fn(&Case) -> bool| -> Vec<File> {
        cases.iter().filter(|case| of(case)).map(|case| File(case.text.clone())).collect()
    };
    let (good, all) = (texts(&Case::is_good), texts(&|_| true));
    let seen = run(DAMAGED, || (select(good.clone()), select(all.clone()), vec(damage(), 1..3)).prop_map(damaged));
    for agreement in [Agreement::Accepted, Agreement::Refused] {
        assert!(seen[&agreement] >= DAMAGED as usize / 10, "{seen:?}");
    }
}

/// A file, shown so that its octets can be told apart.
#[derive(Clone)]
struct File(Vec<u8>);

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// The same files in every run, so that a change is judged by what it changes. `ZONEWRIGHT_FUZZ_SEED` gives others: what BIND reads
/// otherwise in them is found by walks of their own, and becomes a row of `differences.txt`, or is fixed.
fn random(thread: u32) -> TestRng {
    let seed = std::env::var("ZONEWRIGHT_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    let mut octets = [0; 32];
    octets[..8].copy_from_slice(&u64::to_be_bytes(seed));
    octets[8..12].copy_from_slice(&thread.to_be_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &octets)
}

/// Has so many files compared, in parallel, and counts what came of it.
fn run<S: Strategy<Value = File>>(count: u32, files: impl Fn() -> S + Sync) -> BTreeMap<Agreement, usize> {
    let seen = Mutex::new(BTreeMap::new());
    let threads = thread::available_parallelism().map_or(2, usize::from).min(8) as u32;
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (files, seen) = (&files, &seen);
                scope.spawn(move || {
                    let config = Config {
                        cases: count.div_ceil(threads),
                        max_shrink_iters: MAX_SHRINK_ITERS,
                        failure_persistence: None,
                        ..Config::default()
                    };
                    let mut runner = TestRunner::new_with_rng(config, random(thread));
                    let outcome = runner.run(&files(), |text| {
                        let agreement = compare("example.com", &text.0).map_err(TestCaseError::fail)?;
                        *seen.lock().unwrap().entry(agreement).or_default() += 1;
                        Ok(())
                    });
                    if let Err(error) = outcome {
                        panic!("{error}");
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
    });
    seen.into_inner().unwrap()
}

/// A file of sound entries, laid out in any way.
fn file() -> impl Strategy<Value = String> {
    let line_break = select(vec!["\n", "\n", "\n", "\r\n"]);
    (vec(entry(), 1..12), line_break, any::<bool>()).prop_map(|(entries, line_break, final_break)| {
        let text = PRELUDE.to_owned() + &entries.concat();
        // A directive at the end of a line that does not end is one of the documented differences.
        let directive = entries.last().is_some_and(|last| last.starts_with('$'));
        let text = if final_break || directive { &text } else { text.trim_end_matches('\n') };
        text.replace('\n', line_break)
    })
}

fn entry() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => record(),
        1 => select(vec![
            "\n", "   \n", "; a comment\n", "  ; \" ( \\\n", "$TTL 1h30m\n", "$ORIGIN sub\n", "$ORIGIN example.com.\n",
            "$ORIGIN @\n", "$origin (\nsub.example.com. ) ; x\n", "$GENERATE 1-3 g$ 5 A 192.0.2.${7,2,d}\n",
            "$GENERATE 0-4/2 ${0,3,n}x TXT \"\\\"$ \\065\\\" b\"\n",
        ]).prop_map(str::to_owned),
    ]
}

/// One record, its fields apart in any way that is allowed.
fn record() -> impl Strategy<Value = String> {
    let head = (owner(), select(vec!["", "IN", "in", "CLASS1"]), ttl(), any::<bool>());
    (head, data(), vec(gap(), 16), select(vec!["", " ", " ; end", ";(\""]), any::<bool>()).prop_map(
        |((owner, class, ttl, class_first), data, gaps, tail, parentheses)| {
            let between = if class_first { [class, &ttl] } else { [&ttl, class] };
            let words = between.into_iter().filter(|word| !word.is_empty()).map(str::to_owned).chain(data);
            let mut text = owner;
            let mut gaps = gaps.into_iter().cycle();
            text.push(' ');
            if parentheses {
                text.push('(');
            }
            for word in words {
                // Line breaks are space only inside parentheses.
                let gap = gaps.next().unwrap_or(" ");
                let only_space = !gap.contains('\n');
                text.push_str(if parentheses || only_space { gap } else { " \t" });
                text.push_str(&word);
            }
            if parentheses {
                text.push_str(" )");
            }
            text + tail + "\n"
        },
    )
}

fn gap() -> impl Strategy<Value = &'static str> {
    select(vec![" ", " ", "  ", "\t", " \t ", "\n", " ; comment (\n", "\n\n  ", "( ) "])
        .prop_map(|gap| if gap == "( ) " { " " } else { gap })
}

fn owner() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec![
            "", "", "@", "www", "a", "b", "a.b", "*", "sub", "ns.sub", "www.example.com.", "1h", "IN", "\\@", "a\\.b",
            "\\000", "a\\032b", "\"a b\"", "\"a;b\"", "\\195\\169", "x\\;y", "host.example.org.", "_dmarc", "\\$a", "a$b",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9_*-]{1,63}(\\.[a-z0-9-]{1,20}){0,3}",
        1 => vec(any::<u8>(), 1..20)
            .prop_map(|octets| octets.iter().map(|octet| format!("\\{octet:03}")).collect::<String>()),
    ]
}

fn ttl() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        1 => any::<u32>().prop_map(|seconds| seconds.to_string()),
        1 => select(vec!["0", "60", "300", "1h", "1d2h", "2h1D", "1w", "5M30s", "0h7", "4294967295"]).prop_map(str::to_owned),
    ]
}

/// A type and its data, word by word.
fn data() -> impl Strategy<Value = Vec<String>> {
    let words = |text: &'static str| text.split('|').map(str::to_owned).collect::<Vec<_>>();
    let named = |kind: &'static str| target().prop_map(move |target| vec![kind.to_owned(), target]);
    prop_oneof![
        3 => any::<[u8; 4]>().prop_map(|octets| vec!["A".to_owned(), std::net::Ipv4Addr::from(octets).to_string()]),
        2 => any::<u128>().prop_map(|bits| vec!["aaaa".to_owned(), std::net::Ipv6Addr::from(bits).to_string()]),
        1 => named("CNAME"),
        1 => host().prop_map(|host| vec!["NS".to_owned(), host]),
        2 => (any::<u16>(), host()).prop_map(|(preference, target)| vec!["MX".to_owned(), preference.to_string(), target]),
        4 => vec(string(), 1..5).prop_map(|strings| [vec!["TXT".to_owned()], strings].concat()),
        1 => vec(any::<u8>(), 0..20).prop_map(|octets| {
            let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            ["TYPE65281".to_owned(), "\\#".to_owned(), octets.len().to_string()]
                .into_iter()
                .chain((!digits.is_empty()).then_some(digits))
                .collect()
        }),
        2 => select(vec![
            "SRV|1|2|3|sip", "CAA|0|issue|\"ca.example.org; x=y\"", "CAA|128|iodef|\"\"", "TXT|\\#|4", "TXT|\"\\#\"|4",
            "TYPE16|\\#|2|0161", "A|\\#|4|C00002|01", "type1|192.0.2.1",
        ]).prop_map(words),
    ]
}

fn target() -> impl Strategy<Value = String> {
    select(vec![
        "@",
        ".",
        "www",
        "a.b",
        "ns.sub",
        "mail.example.org.",
        "MAIL.Example.ORG.",
        "*.a",
        "a\\.b",
        "\\000.x.",
        "\\@",
        "\\195\\169",
        "a$b",
        "sub.example.com.",
    ])
    .prop_map(str::to_owned)
}

fn host() -> impl Strategy<Value = String> {
    select(vec!["@", ".", "www", "a.b", "ns.sub", "mail.example.org.", "MAIL.Example.ORG.", "a_b", "sub.example.com."])
        .prop_map(str::to_owned)
}

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[a-z0-9=:/_-]{1,20}",
        2 => vec(any::<u8>(), 0..40).prop_map(|octets| {
            let text: String = octets.iter().map(|octet| match octet {
                b'"' | b'\\' => format!("\\{}", char::from(*octet)),
                b' '..=b'~' | b'\t' => char::from(*octet).to_string(),
                other => format!("\\{other:03}"),
            }).collect();
            format!("\"{text}\"")
        }),
        1 => select(vec!["\"\"", "a\\ b", "\\\"", "x\\;", "it's", "\"a\\\nb\"", "\"(\"", "\\(", "\\065", "é"]).prop_map(str::to_owned),
    ]
}

/// One thing that goes wrong with a file.
#[derive(Debug, Clone)]
enum Damage {
    Delete(Index, usize),
    Insert(Index, &'static str),
    Octet(Index, u8),
    /// A piece of the same file again, elsewhere.
    Repeat(Index, usize, Index),
    /// A piece of another file.
    Graft(Index, usize, Index),
    SwapLines(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let pieces = select(vec![
        " ",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "(",
        ")",
        "( ",
        " )",
        "\"",
        ";",
        "\\",
        "\\\\",
        "\\0",
        "\\065",
        "\\256",
        "@",
        ".",
        "..",
        "$",
        "*",
        " IN ",
        " CH ",
        " 60 ",
        " 1h ",
        " 1h1 ",
        " A ",
        " MX ",
        " TXT ",
        " CNAME ",
        " NS ",
        " SOA ",
        " TYPE1 ",
        " \\# ",
        "\n$ORIGIN sub\n",
        "\n$ORIGIN .\n",
        "\n$TTL 5\n",
        "\n$GENERATE 1-3 g$ A 192.0.2.$\n",
        "${0,3,x}",
        "$$",
        "\0",
        "\u{80}",
        "é",
        "a",
        "0",
        "255",
        "-",
        "/",
        ",",
        "{",
        "}",
        "\n\n",
        " \n ",
        "www",
        "\n@ 7 ",
        "example.org.",
    ]);
    prop_oneof![
        3 => (any::<Index>(), 1..12usize).prop_map(|(at, length)| Damage::Delete(at, length)),
        6 => (any::<Index>(), pieces).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, octet)| Damage::Octet(at, octet)),
        1 => (any::<Index>(), 1..30usize, any::<Index>()).prop_map(|(from, length, to)| Damage::Repeat(from, length, to)),
        2 => (any::<Index>(), 1..30usize, any::<Index>()).prop_map(|(from, length, to)| Damage::Graft(from, length, to)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Damage::SwapLines(one, other)),
    ]
}

fn damaged((File(mut text), File(other), damages): (File, File, Vec<Damage>)) -> File {
    for damage in damages {
        if text.is_empty() {
            text.push(b'\n');
        }
        let place = |index: Index, text: &[u8]| index.index(text.len());
        match damage {
            Damage::Delete(at, length) => {
                let at = place(at, &text);
                text.drain(at..(at + length).min(text.len()));
            }
            Damage::Insert(at, piece) => {
                let at = place(at, &text);
                text.splice(at..at, piece.bytes());
            }
            Damage::Octet(at, octet) => {
                let at = place(at, &text);
                text[at] = octet;
            }
            Damage::Repeat(from, length, to) => {
                let (from, to) = (place(from, &text), place(to, &text));
                let piece = text[from..(from + length).min(text.len())].to_vec();
                text.splice(to..to, piece);
            }
            Damage::Graft(from, length, to) => {
                let (from, to) = (place(from, &other), place(to, &text));
                text.splice(to..to, other[from..(from + length).min(other.len())].to_vec());
            }
            Damage::SwapLines(one, another) => {
                let mut lines: Vec<Vec<u8>> = text.split_inclusive(|&c| c == b'\n').map(<[u8]>::to_vec).collect();
                let (one, another) = (one.index(lines.len()), another.index(lines.len()));
                lines.swap(one, another);
                text = lines.concat();
            }
        }
    }
    File(text)
}
