//! Any history of a zone, applied step by step by updates, ends in the content that it should: BIND serves no more, no less
//! and nothing else.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test tells what is wrong by failing"
)]

mod common;

use std::collections::BTreeMap;

use common::content::{NS, record, snapshot, step};
use common::dynamic::Dynamic;
use deploy::bind9::difference::{compare, repair};
use dns::{ResourceRecord, ZoneName, ZoneSnapshot};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use wire::update::Outcome;

/// Few names, so that steps meet; odd ones, so that they are hard to spell.
const OWNERS: [&str; 14] = [
    "@",
    "www",
    "a.www",
    "*",
    "*.www",
    "_dmarc",
    "_sip._tcp",
    "a\\.b",
    "\\000\\001\\127\\255",
    "\\032\\\"\\;\\(\\@\\$",
    "0/25",
    "xn--bcher-kva",
    "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-123456789.n",
    "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z",
];
const HOSTS: [&str; 5] = ["x.net.", "ns1.zonewright.test.", "deep.er.example.org.", "odd-1.net.", "x.co.uk."];

/// All the data of one RRset, as zone-file text.
type Rrset = (&'static str, u32, Vec<String>);

fn ttl() -> impl Strategy<Value = u32> {
    select(vec![0, 60, 300, 3600, i32::MAX as u32])
}

fn host() -> impl Strategy<Value = String> {
    select(HOSTS.to_vec()).prop_map(str::to_owned)
}

/// Strings as octets: quotes, backslashes, semicolons, line ends and what is no UTF-8 among them.
fn text() -> impl Strategy<Value = String> {
    let string = vec(any::<u8>(), 0..40)
        .prop_map(|octets| octets.iter().map(|octet| format!("\\{octet:03}")).collect::<String>());
    let plain =
        select(vec!["v=spf1 -all", "", "\\\"", "\\\\", ";", "$INCLUDE /etc/passwd", "@", "( "]).prop_map(str::to_owned);
    vec(prop_oneof![string, plain].prop_map(|string| format!("\"{string}\"")), 1..4).prop_map(|all| all.join(" "))
}

fn values(value: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<String>> {
    btree_set(value, 1..4).prop_map(|set| set.into_iter().collect())
}

fn rrset(name: &'static str) -> BoxedStrategy<Vec<String>> {
    match name {
        "A" => values((0..6u8).prop_map(|host| format!("192.0.2.{host}"))).boxed(),
        "AAAA" => values((0..6u8).prop_map(|host| format!("2001:db8::{host}"))).boxed(),
        "MX" => values((0..3u16, host()).prop_map(|(preference, host)| format!("{preference} {host}"))).boxed(),
        "TXT" => values(text()).boxed(),
        "NS" => values(host()).boxed(),
        "SRV" => values((0..3u16, host()).prop_map(|(n, host)| format!("{n} {n} 5060 {host}"))).boxed(),
        "CNAME" => host().prop_map(|host| vec![host]).boxed(),
        _ => values(
            (any::<u8>(), select(vec!["ca.test", "", ";"]))
                .prop_map(|(flags, value)| format!("{flags} issue \"{value}\"")),
        )
        .boxed(),
    }
}

/// The RRsets at one name: either a CNAME or a few of the others.
fn at_name() -> impl Strategy<Value = Vec<Rrset>> {
    let of_type = |name: &'static str| (ttl(), rrset(name)).prop_map(move |(ttl, values)| (name, ttl, values));
    let others: Vec<_> = ["A", "AAAA", "MX", "TXT", "NS", "SRV", "CAA"]
        .into_iter()
        .map(|name| proptest::option::of(of_type(name)))
        .collect();
    prop_oneof![
        1 => of_type("CNAME").prop_map(|only| vec![only]),
        4 => others.prop_map(|rrsets| rrsets.into_iter().flatten().collect()),
    ]
}

fn content() -> impl Strategy<Value = BTreeMap<&'static str, Vec<Rrset>>> {
    btree_map(select(OWNERS.to_vec()), at_name(), 0..OWNERS.len())
}

/// The records of a content, as far as the rules of zones allow them.
fn records(zone: &ZoneName, content: &BTreeMap<&'static str, Vec<Rrset>>) -> Vec<ResourceRecord> {
    let mut records = Vec::new();
    for (owner, rrsets) in content {
        for (record_type, ttl, values) in rrsets {
            let is_allowed = match *record_type {
                "CNAME" => *owner != "@",
                "NS" => !owner.starts_with('*'),
                _ => true,
            };
            let mut seen: Vec<ResourceRecord> = Vec::new();
            for value in values.iter().filter(|_| is_allowed) {
                let next = record(zone, (owner, *ttl, record_type, value));
                if seen.iter().all(|other| other.data.wire() != next.data.wire()) {
                    seen.push(next);
                }
            }
            records.extend(seen);
        }
    }
    let has_ns =
        records.iter().any(|record| record.owner.is_apex() && record.data.record_type() == dns::RecordType::Ns);
    if !has_ns {
        records.push(record(zone, NS));
    }
    records
}

#[test]
fn any_history_ends_in_its_last_version() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let named = runtime.block_on(async { Dynamic::open() });
    let updater = runtime.block_on(async { named.updater() });
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let mut index = 0;
    let case = std::cell::RefCell::new(&mut index);
    let result = runner.run(&vec(content(), 2..6), |contents| {
        let number = {
            let mut case = case.borrow_mut();
            **case += 1;
            **case
        };
        let zone = ZoneName::parse(&format!("any{number}.test")).unwrap();
        let versions: Vec<ZoneSnapshot> = contents
            .iter()
            .zip(1..)
            .map(|(content, serial)| snapshot(zone.clone(), serial, records(&zone, content)))
            .collect();
        runtime.block_on(async {
            named.load(&versions[0]).await;
            for pair in versions.windows(2) {
                let outcome = updater.apply(&step(&pair[0], &pair[1])).await;
                prop_assert_eq!(outcome.unwrap(), Outcome::Applied);
                let served = named.transfer(&zone).await;
                let difference = compare(&pair[1], &served);
                prop_assert!(difference.is_empty(), "{:#?}", difference);
                prop_assert_eq!(served.serial().unwrap(), pair[1].serial());
            }
            // From the last version straight to the first one's content, by way of the difference.
            let served = named.transfer(&zone).await;
            let wanted = snapshot(zone.clone(), 99, versions[0].records.clone());
            let difference = compare(&wanted, &served);
            let outcome = updater.send(repair(&wanted, &served, None, &difference).unwrap()).await;
            prop_assert_eq!(outcome.unwrap(), Outcome::Applied);
            let repaired = compare(&wanted, &named.transfer(&zone).await);
            prop_assert!(repaired.is_empty(), "{:#?}", repaired);
            Ok(())
        })
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}
