//! Nothing in a domain, a name or a value can become a second record, a directive or a comment of the zone file.

use std::collections::BTreeMap;
use std::sync::Mutex;

use dns::{RecordType, ZoneName, zonefile};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use crate::bind;
use crate::generate;
use crate::memory::{Given, Zone, apex};
use dns::change::Edit;

/// Most are refused, which costs nothing; each accepted one costs a process.
const CASES: u32 = 2500;

#[test]
fn hostile_members_stay_one_record() {
    let accepted = Mutex::new(BTreeMap::<RecordType, usize>::new());
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        max_shrink_iters: bind::MAX_SHRINK_ITERS,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&(domain(), hostile_record()), |(domain, given)| {
        if let Some(record_type) = check(&domain, &given).map_err(TestCaseError::fail)? {
            *accepted.lock().unwrap().entry(record_type).or_default() += 1;
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let accepted = accepted.into_inner().unwrap();
    use RecordType::{A, Aaaa, Caa, Cname, Mx, Ns, Srv, Txt};
    for record_type in [A, Aaaa, Caa, Cname, Mx, Ns, Srv, Txt] {
        assert!(accepted.get(&record_type).copied().unwrap_or_default() >= 5, "too few accepted: {accepted:?}");
    }
}

#[test]
fn hostile_examples_stay_one_record() {
    let txt = |name: &str, value: &str| given(RecordType::Txt, name, value);
    for given in [
        txt("a", "\\"),
        txt("a", "text\\"),
        txt("a", "x\" ; ( $INCLUDE /etc/passwd"),
        txt("a", "a\" \"b"),
        txt("a", "\"\\\"\" \"\\\\\""),
        txt("a", "\"\\010$GENERATE 1-9 a$ A 192.0.2.1\\010\""),
        txt("a", "\u{feff}\u{202e}\u{2028}$ORIGIN evil."),
        txt("\\010\\$INCLUDE\\032/etc/passwd", "x"),
        txt("\\$generate", "x"),
        txt("\\$ttl.\\032\\009", "x"),
        txt("\\;\\(\\)\\\"\\\\", "x"),
        txt("\\@", "x"),
        txt("\\000\\010\\013", "x"),
        given(RecordType::Caa, "a", "0 issue \"\\010\\\"; policy=(\""),
        given(RecordType::Cname, "a", "\\010\\@\\032.example.org"),
        given(RecordType::Srv, "_sip._tcp", "1\n2\nevil.example.org"),
        given(RecordType::Dname, "a", "\\010evil.example.org"),
    ] {
        match check("example.com", &given) {
            Ok(Some(_)) => {}
            other => panic!("{given:?}: {other:?}"),
        }
    }
}

fn given(record_type: RecordType, name: &str, value: &str) -> Given {
    let priority = record_type.has_priority().then_some(10);
    Given { record_type, name: name.to_owned(), value: value.to_owned(), priority, ttl: None }
}

/// A zone with this one record, rendered and loaded; `None` where it is refused.
fn check(domain: &str, given: &Given) -> Result<Option<RecordType>, String> {
    if ZoneName::parse(domain).is_err() {
        return Ok(None);
    }
    let mut zone = Zone::new(domain, apex(&[("ns1.zonewright.test", &[])]));
    let Some(record) = given.parse(&zone.name) else { return Ok(None) };
    let id = zone.new_id();
    let Ok(plan) = zone.plan(&[Edit::Create(id, record)]) else { return Ok(None) };
    zone.commit(&plan);
    let snapshot = zone.snapshot();
    let text = zonefile::render(&snapshot);
    // The origin, the SOA, the server's NS record, and this one.
    if text.lines().count() != 4 || text.bytes().any(|octet| octet != b'\n' && !(b' '..=b'~').contains(&octet)) {
        return Err(format!("not four lines of printable ASCII: {text:?}"));
    }
    bind::assert_loads_unaltered(&snapshot)?;
    Ok(Some(given.record_type))
}

fn domain() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => Just("example.com".to_owned()),
        1 => (hostile(), any::<bool>()).prop_map(|(h, below)| if below { h + ".example.com" } else { h }),
    ]
}

/// A record of which one or more members are hostile, some of them in a shape that may pass.
fn hostile_record() -> impl Strategy<Value = Given> {
    let text = prop_oneof![hostile(), hostile().prop_map(|text| escaped(&text))];
    (generate::given(), hostile(), text, 0..6u8).prop_map(|(mut given, raw, text, what)| {
        match what {
            0 => given.name = raw,
            1 => given.name = format!("{text}.a"),
            2 => given.value = raw,
            3 => given.name = format!("\\{raw}"),
            _ => {
                given.value = match given.record_type {
                    RecordType::A | RecordType::Aaaa => format!("{}{raw}", given.value),
                    RecordType::Caa => format!("0 issue \"{text}\""),
                    RecordType::Txt => format!("\"{text}\""),
                    RecordType::Srv => format!("1 2 {text}.example.org"),
                    _ => format!("{text}.example.org"),
                };
            }
        }
        given
    })
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = vec![
        "\"",
        "\\\"",
        "\n",
        "\r\n",
        "\t",
        " ",
        "\0",
        "\u{1}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{feff}",
        "\u{202e}",
        "\u{2028}",
        "\u{2029}",
        ";",
        "(",
        ")",
        "\\",
        "\\\\",
        "\\.",
        "\\010",
        "\\000",
        "\\256",
        "\\1",
        "＼",
        "；",
        "。",
        "＂",
        "$",
        "$INCLUDE /etc/passwd",
        "$GENERATE 1-9 a$ A 192.0.2.1",
        "$ORIGIN evil.",
        "$TTL 0",
        "@",
        "*",
        ".",
        "IN A 192.0.2.66",
        "3600",
        "\nevil 3600 IN A 192.0.2.66\n",
        "a",
        "www",
        "é",
        "食",
        "\u{ad}",
        "\u{200d}",
        "\u{1f980}",
    ];
    prop_oneof![3 => vec(select(pieces), 1..6).prop_map(|pieces| pieces.concat()), 1 => any::<String>()]
}

/// Every octet as `\DDD`.
fn escaped(text: &str) -> String {
    text.bytes().map(|octet| format!("\\{octet:03}")).collect()
}
