//! The same questions to our server and to a real BIND with the same zone files: the answers are the same.
//!
//! Compared are response code, AA, TC, RD, RA, CD, the question, and each section as a set. Where we differ on purpose, the
//! difference is spelled out in [`is_same`].

use std::collections::BTreeSet;

use dns::{Name, ResourceRecord, ZoneSnapshot};

use super::common::client::{Answer, Query, Transport, ask, transfer};
use super::common::named::Named;
use super::common::zones::{random_zone, zone};
use super::common::{Ours, Random};

const NS: u16 = 2;
const ANY: u16 = 255;
/// A, NS, CNAME, SOA, PTR, MX, TXT, SIG, KEY, AAAA, SRV, NAPTR, DNAME, DS, RRSIG, NSEC, DNSKEY, TLSA, HTTPS, CAA, two that
/// nobody has, and ANY.
const TYPES: [u16; 23] =
    [1, 2, 5, 6, 12, 15, 16, 24, 25, 28, 33, 35, 39, 43, 46, 47, 48, 52, 65, 257, 1000, 65_280, ANY];

struct Pair {
    named: Named,
    ours: Ours,
}

impl Pair {
    fn start(zones: &[ZoneSnapshot]) -> Pair {
        let ours = Ours::start();
        for zone in zones {
            ours.zones.load(zone.clone());
        }
        Pair { named: Named::start(zones), ours }
    }

    /// How the answers differ, if they do.
    fn compare(&self, query: &Query, transport: Transport) -> Option<String> {
        let theirs = ask(self.named.address, query, transport).unwrap();
        let ours = ask(self.ours.address, query, transport).unwrap();
        let report = || format!("{query:?} over {transport:?}\n  ours: {ours:?}\n  theirs: {theirs:?}");
        (!is_same(query, transport, ours.clone(), theirs.clone())).then(report)
    }
}

fn is_same(query: &Query, transport: Transport, mut ours: Answer, mut theirs: Answer) -> bool {
    if query.qtype == ANY && transport == Transport::Udp && !theirs.answer.is_empty() {
        // Ours: what exists is told over TCP only.
        return ours.tc && ours.answer.is_empty();
    }
    if ours.authority.iter().filter(|line| line.1 == NS).count() > 13 {
        // BIND looks for the addresses of at most 13 hosts, also in a referral. Ours has all that are needed to go on, or says
        // that they did not fit (RFC 9471, section 3).
        let addresses = ours.additional.len();
        let complete = addresses == ours.authority.len();
        theirs.additional.clone_from(&ours.additional);
        theirs.tc = ours.tc;
        if complete == ours.tc {
            return false;
        }
    }
    if theirs.tc {
        // BIND fills a truncated answer with what fits, we leave it empty; the client is to discard it (RFC 2181, section 9).
        for answer in [&mut ours, &mut theirs] {
            answer.answer.clear();
            answer.authority.clear();
            answer.additional.clear();
        }
    }
    (ours.octets, theirs.octets) = (0, 0);
    ours == theirs
}

/// Every name of the zone, those above, below and beside them, and some that are not there.
fn names_around(zone: &ZoneSnapshot) -> Vec<Name> {
    let mut texts: BTreeSet<String> = BTreeSet::new();
    let origin = zone.name.to_string();
    // In a zone that is there for its sizes, what is around each name is the same everywhere.
    let around: &[&str] = match zone.records.len() {
        ..200 => &["", "a.", "x.", "*.", "nothing.", "b.c.", "a.*.", "*.a."],
        _ => &["", "x."],
    };
    for ResourceRecord { owner, data, .. } in &zone.records {
        let mut name = owner.in_zone(&zone.name);
        texts.extend(data.target().map(|host| host.name().to_string()));
        loop {
            for before in around {
                texts.insert(format!("{before}{name}"));
            }
            if name == *zone.name.name() {
                break;
            }
            name = name.parent().unwrap();
        }
    }
    texts.extend([format!("{}.{origin}", ["d"; 60].join(".")), format!("un{origin}"), "example".to_owned()]);
    // What is too long for a name with something before it is no question.
    texts.iter().filter_map(|text| Name::parse(text).ok()).collect()
}

fn compare_everything(zones: &[ZoneSnapshot]) -> usize {
    let pair = Pair::start(zones);
    let mut asked = 0;
    let mut differences = Vec::new();
    for zone in zones {
        for name in names_around(zone) {
            for qtype in TYPES {
                let mut query = Query::new(&name, qtype);
                query.rd = asked % 2 == 0;
                // Not 512: BIND then leaves addresses out, whether they fit or not.
                query.edns = [None, Some((1232, false)), Some((4096, true)), Some((600, false))][asked % 4];
                differences.extend(pair.compare(&query, Transport::Udp));
                if asked % 5 == 0 || qtype == ANY {
                    differences.extend(pair.compare(&query, Transport::Tcp));
                }
                asked += 1;
            }
        }
        let query = Query::new(zone.name.name(), 252);
        let ours = transfer(pair.ours.address, &query).unwrap();
        let theirs = transfer(pair.named.address, &query).unwrap();
        assert_eq!(ours.len(), theirs.len());
        assert_eq!(ours.into_iter().collect::<BTreeSet<_>>(), theirs.into_iter().collect::<BTreeSet<_>>());
    }
    let count = differences.len();
    differences.truncate(20);
    assert!(count == 0, "{count} of {asked} answers differ, among them:\n{}", differences.join("\n"));
    asked
}

#[test]
fn hand_made_zones_are_answered_as_bind_does() {
    let asked = compare_everything(&hand_made());
    assert!(asked > 3000, "only {asked} queries");
}

#[test]
fn random_zones_are_answered_as_bind_does() {
    let mut random = Random(2024);
    let zones: Vec<_> =
        (0..8u32).map(|number| random_zone(&format!("r{number}.example"), number + 1, &mut random)).collect();
    let asked = compare_everything(&zones);
    assert!(asked > 10_000, "only {asked} queries");
}

fn hand_made() -> Vec<ZoneSnapshot> {
    let mut zones = vec![
        zone(
            "basic.example",
            7,
            &[
                "@ 3600 NS ns1.basic.example",
                "@ 3600 NS ns2.elsewhere.example",
                "@ 300 A 192.0.2.1",
                "@ 300 MX 10 mail.basic.example",
                "@ 300 MX 20 basic.example",
                "@ 300 MX 30 alias.basic.example",
                "@ 300 MX 40 www.sub.basic.example",
                "@ 300 MX 50 anything.wild.basic.example",
                "@ 300 TXT v=spf1 -all",
                "@ 300 CAA 0 issue \"ca.example\"",
                "ns1 3600 A 192.0.2.53",
                "ns1 3600 AAAA 2001:db8::53",
                "mail 60 A 192.0.2.25",
                "mail 60 AAAA 2001:db8::25",
                "www 60 A 192.0.2.80",
                "www 60 A 192.0.2.81",
                "null 60 MX 0 .",
                "_sip._tcp 60 SRV 1 1 5060 mail.basic.example",
                "_sip._tcp 60 SRV 1 1 5061 mail.basic.example",
                "_sip._tcp 60 SRV 1 1 5062 sip.elsewhere.example",
                "_no._tcp 60 SRV 0 0 0 .",
                // Aliases: to a name, a name outside, nothing, an empty name, a chain, a loop, a wildcard, below a cut.
                "alias 60 CNAME www.basic.example",
                "out 60 CNAME www.elsewhere.example",
                "toapex 60 CNAME basic.example",
                "dangling 60 CNAME missing.basic.example",
                "toempty 60 CNAME _tcp.basic.example",
                "chain1 60 CNAME chain2.basic.example",
                "chain2 60 CNAME chain3.basic.example",
                "chain3 60 CNAME alias.basic.example",
                "loop1 60 CNAME loop2.basic.example",
                "loop2 60 CNAME loop1.basic.example",
                "self 60 CNAME self.basic.example",
                "towild 60 CNAME some.wild.basic.example",
                "todelegated 60 CNAME www.sub.basic.example",
                "tocut 60 CNAME sub.basic.example",
                "tochild 60 CNAME www.hosted.basic.example",
                // Wildcards: with data, under an empty name, with an alias, one that is itself empty.
                "*.wild 60 A 192.0.2.90",
                "*.wild 60 MX 5 mail.basic.example",
                "here.wild 60 TXT the wildcard does not answer for this name",
                "below.deep.wild 60 TXT nor for the empty name above this one",
                "*.under.empty 60 TXT under an empty name",
                "*.aliases 60 CNAME www.basic.example",
                "*.loops 60 CNAME x.loops.basic.example",
                "below.*.odd 60 TXT the wildcard is an empty name",
                // Delegations: glue below, beside and outside, data that is occluded, a cut below a cut.
                "sub 1800 NS ns.sub.basic.example",
                "sub 1800 NS ns2.sub.basic.example",
                "sub 1800 NS mail.basic.example",
                "sub 1800 NS ns.other.basic.example",
                "sub 1800 NS ns.elsewhere.example",
                "ns.sub 1800 A 192.0.2.54",
                "ns.sub 1800 AAAA 2001:db8::54",
                "ns2.sub 1800 A 192.0.2.55",
                "www.sub 60 TXT occluded",
                "sub 60 TXT occluded too",
                "*.sub 60 A 192.0.2.66",
                "cut.sub 1800 NS ns.cut.sub.basic.example",
                "other 1800 NS ns.other.basic.example",
                "ns.other 1800 A 192.0.2.56",
                "wildns 1800 NS host.wild.basic.example",
                "self-ns 1800 NS self-ns.basic.example",
                "self-ns 1800 A 192.0.2.57",
                "lame 1800 NS ns.lame.basic.example",
                "hosted 1800 NS ns.hosted.basic.example",
                "ns.hosted 1800 A 192.0.2.58",
                "viachild 60 MX 1 ns.hosted.basic.example",
                "a\\.b 60 TXT a dot inside a label",
                "\\000\\001 60 TXT octets that the key escapes",
                "zero 0 A 192.0.2.100",
            ],
        ),
        zone(
            "hosted.basic.example",
            8,
            &[
                "@ 3600 NS ns.hosted.basic.example",
                "ns 3600 A 192.0.2.58",
                "ns 3600 AAAA 2001:db8::58",
                "www 60 A 192.0.2.59",
                "up 60 CNAME www.basic.example",
                "grand 60 NS ns.elsewhere.example",
            ],
        ),
        zone(
            "beside.example",
            9,
            &["@ 3600 NS ns.elsewhere.example", "*.inner 60 TXT above", "www 60 MX 1 mail.inner.beside.example"],
        ),
        zone("inner.beside.example", 10, &["@ 3600 NS ns.elsewhere.example", "mail 60 A 192.0.2.60"]),
        zone(
            "renamed.example",
            12,
            &[
                "@ 3600 NS ns.elsewhere.example",
                "old 60 DNAME new.renamed.example",
                "old 60 TXT beside it",
                "new 60 A 192.0.2.70",
                "a.new 60 A 192.0.2.71",
                "*.new 60 TXT any other",
                "x.new 60 CNAME a.old.renamed.example",
                "away 60 DNAME elsewhere.example",
                "inside 60 DNAME www.basic.example",
                "loop 60 DNAME loop.renamed.example",
                "deeper 60 DNAME b.deeper2.renamed.example",
                "deeper2 60 DNAME old.renamed.example",
                "tocut 60 DNAME cut.renamed.example",
                "cut 60 NS ns.cut.renamed.example",
                "ns.cut 60 A 192.0.2.72",
                "key.cut 60 TXT occluded",
                "signed 60 NS ns.elsewhere.example",
                "signed 60 DS 1 13 9 0123",
                "host 60 MX 1 a.old.renamed.example",
                "svc 60 SVCB 1 a.new.renamed.example. port=53",
                "ptr 60 PTR www.renamed.example",
            ],
        ),
        zone(
            "moved.example",
            13,
            &["@ 3600 NS ns.elsewhere.example", "@ 60 DNAME renamed.example", "@ 60 A 192.0.2.73"],
        ),
    ];
    // Sizes around the limits of UDP, many addresses, many hosts, a long chain.
    let mut lines = vec!["@ 3600 NS ns.elsewhere.example".to_owned()];
    for count in 1..=100 {
        if count % 3 == 1 {
            lines.extend((1..=count).map(|number| format!("n{count} 60 A 192.0.2.{number}")));
        }
        lines.push(format!("t{count} 60 TXT {}", "x".repeat(12 * count)));
    }
    for count in 10..=16 {
        lines.extend(
            (1..=count).map(|number| format!("m{count} 60 MX {number} n{}.sizes.example", 1 + 3 * (number % 5))),
        );
        lines.extend((1..=count).map(|number| format!("d{count} 60 NS ns{number}.d{count}.sizes.example")));
        lines.extend((1..=count).map(|number| format!("ns{number}.d{count} 60 A 192.0.2.{number}")));
    }
    lines.push(format!("long 60 TXT {}", "long text ".repeat(6500)));
    for number in 0..24 {
        lines.push(format!("c{number} 60 CNAME c{}.sizes.example", number + 1));
    }
    lines.push("c24 60 A 192.0.2.24".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    zones.push(zone("sizes.example", 11, &lines));
    zones
}
