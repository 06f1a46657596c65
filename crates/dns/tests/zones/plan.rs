//! Every rule over a zone by example, refusals first.

use dns::change::{Edit, NewRecord, PlanError, TtlChoice};
use dns::{OwnerName, Record, RecordData, RecordId, RecordType, Ttl};
use uuid::Uuid;

use crate::memory::{Given, Zone, apex};

/// Type, name, value; with a priority of 10 where the type has one.
type Line<'a> = (&'a str, &'a str, &'a str);

fn zone(records: &[Line<'_>]) -> Zone {
    let mut zone = Zone::new("example.com", apex(&[("ns1.zonewright.test", &[]), ("ns2.zonewright.test", &[])]));
    add(&mut zone, records);
    zone
}

fn operators_zone(records: &[Line<'_>]) -> Zone {
    let mut zone = Zone::new("example.net", apex(&[("ns1.example.net", &["192.0.2.53"])]));
    add(&mut zone, records);
    zone
}

fn add(zone: &mut Zone, records: &[Line<'_>]) {
    let edits: Vec<Edit> = records.iter().map(|line| create(zone, *line)).collect();
    let plan = zone.plan(&edits).unwrap();
    zone.commit(&plan);
}

fn wanted(zone: &Zone, (record_type, name, value): Line<'_>, ttl: Option<u32>) -> NewRecord {
    let record_type = RecordType::parse(record_type).unwrap();
    let priority = record_type.has_priority().then_some(10);
    let given = Given { record_type, name: name.to_owned(), value: value.to_owned(), priority, ttl };
    given.parse(&zone.name).unwrap_or_else(|| panic!("{given:?} is well-formed"))
}

fn create(zone: &mut Zone, line: Line<'_>) -> Edit {
    Edit::Create(zone.new_id(), wanted(zone, line, None))
}

fn create_with(zone: &mut Zone, line: Line<'_>, ttl: u32) -> Edit {
    Edit::Create(zone.new_id(), wanted(zone, line, Some(ttl)))
}

fn replace(zone: &Zone, old: Line<'_>, new: Line<'_>) -> Edit {
    Edit::Replace(id(zone, old), wanted(zone, new, None))
}

fn delete(zone: &Zone, line: Line<'_>) -> Edit {
    Edit::Delete(id(zone, line))
}

fn id(zone: &Zone, line: Line<'_>) -> RecordId {
    let NewRecord { owner, data, .. } = wanted(zone, line, None);
    let same = |record: &&Record| record.owner == owner && record.data == data;
    zone.records().find(same).unwrap_or_else(|| panic!("{line:?} is in the zone")).id
}

/// The edit, the check and the member of every fault.
fn faults(zone: &mut Zone, edits: &[Edit]) -> Vec<(usize, &'static str, Option<&'static str>)> {
    match zone.plan(edits) {
        Err(PlanError::Faults(faults)) => {
            faults.into_iter().map(|(index, fault)| (index, fault.check, fault.field)).collect()
        }
        other => panic!("{edits:?} should break a rule: {other:?}"),
    }
}

fn refused(records: &[Line<'_>], new: Line<'_>, check: &'static str, field: Option<&'static str>) {
    let mut zone = zone(records);
    let edit = create(&mut zone, new);
    assert_eq!(faults(&mut zone, &[edit]), [(0, check, field)], "{new:?} beside {records:?}");
}

/// Commits, and gives the zone as lines `name type value ttl`, sorted.
fn lines_after(zone: &mut Zone, edits: &[Edit]) -> Vec<String> {
    let plan = zone.plan(edits).unwrap_or_else(|error| panic!("{edits:?}: {error:?}"));
    zone.commit(&plan);
    let line = |record: &Record| {
        format!("{} {} {} {}", record.owner, record.data.record_type(), record.data.value(), record.ttl)
    };
    let mut lines: Vec<_> = zone.records().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn duplicates_are_refused_in_canonical_form() {
    for (there, new) in [
        (("A", "www", "192.0.2.1"), ("A", "WWW.example.com.", "192.0.2.1")),
        (("AAAA", "www", "2001:db8::1"), ("AAAA", "www", "2001:0DB8:0::0:1")),
        (("TXT", "@", "abc"), ("TXT", "@", "\"abc\"")),
        (("TXT", "@", "\"abc\""), ("TXT", "@", "\"\\097bc\"")),
        (("MX", "@", "mail.example.com"), ("MX", "@", "MAIL.example.com.")),
        (("CAA", "@", "0 issue \"x\""), ("CAA", "@", "0 ISSUE x")),
        (("SRV", "_s._tcp", "1 2 a.example.com"), ("SRV", "_s._tcp", "01 2 A.example.com.")),
        (("CNAME", "www", "a.example.org"), ("CNAME", "www", "a.example.org.")),
        (("NS", "sub", "ns.example.org"), ("NS", "sub", "NS.example.org")),
    ] {
        refused(&[there], new, "duplicate", Some("value"));
    }
    refused(&[], ("NS", "@", "NS2.zonewright.test."), "duplicate", Some("value"));

    let mut zone = zone(&[("A", "a", "192.0.2.1"), ("A", "a", "192.0.2.2"), ("A", "b", "192.0.2.1")]);
    let twice = [create(&mut zone, ("A", "c", "192.0.2.1")), create(&mut zone, ("A", "c", "192.0.2.1"))];
    assert_eq!(faults(&mut zone, &twice), [(1, "duplicate", Some("value"))]);
    let moved = replace(&zone, ("A", "b", "192.0.2.1"), ("A", "a", "192.0.2.1"));
    assert_eq!(faults(&mut zone, &[moved]), [(0, "duplicate", Some("value"))]);
    let changed = replace(&zone, ("A", "a", "192.0.2.2"), ("A", "a", "192.0.2.1"));
    assert_eq!(faults(&mut zone, &[changed]), [(0, "duplicate", Some("value"))]);
}

#[test]
fn what_only_looks_like_a_duplicate_is_accepted() {
    // The strings of a TXT record and their borders are its data.
    let mut there = zone(&[("TXT", "@", "ab"), ("MX", "@", "a.example.org")]);
    let other_borders = create(&mut there, ("TXT", "@", "\"a\" \"b\""));
    let other_case = create(&mut there, ("TXT", "@", "AB"));
    let other_preference = Edit::Create(
        there.new_id(),
        NewRecord {
            data: RecordData::parse(RecordType::Mx, "a.example.org", Some(20), &there.name).unwrap(),
            ..wanted(&there, ("MX", "@", "a.example.org"), None)
        },
    );
    let below = create(&mut there, ("NS", "sub", "ns1.zonewright.test"));
    there.plan(&[other_borders, other_case, other_preference, below]).unwrap();

    // Two records may exchange their data, and one may be replaced by its like, in either order.
    let (one, two) = (("A", "a", "192.0.2.1"), ("A", "a", "192.0.2.2"));
    let mut there = zone(&[one, two]);
    let exchange = [replace(&there, one, two), replace(&there, two, one)];
    assert_eq!(lines_after(&mut there, &exchange), ["a A 192.0.2.1 3600", "a A 192.0.2.2 3600"]);
    let anew = [create(&mut there, one), delete(&there, one)];
    assert_eq!(lines_after(&mut there, &anew).len(), 2);
    let anew = [delete(&there, one), create(&mut there, one)];
    assert_eq!(lines_after(&mut there, &anew).len(), 2);
}

#[test]
fn a_cname_stands_alone_and_never_at_the_apex() {
    let alias = ("CNAME", "www", "example.org");
    refused(&[], ("CNAME", "@", "example.org"), "cname-apex", Some("name"));
    refused(&[("A", "www", "192.0.2.1")], alias, "cname-alone", Some("name"));
    refused(&[alias], ("TXT", "www", "x"), "cname-alone", Some("name"));
    refused(&[alias], ("CNAME", "www", "example.net"), "cname-single", Some("name"));
    refused(&[("MX", "*.a", "x.example.org")], ("CNAME", "*.a", "y.example.org"), "cname-alone", Some("name"));

    let mut both = zone(&[]);
    let edits = [create(&mut both, ("A", "x", "192.0.2.1")), create(&mut both, ("CNAME", "x", "example.org"))];
    assert_eq!(faults(&mut both, &edits), [(1, "cname-alone", Some("name"))]);
    let mut zone = zone(&[alias, ("A", "a", "192.0.2.1")]);
    let moved = replace(&zone, ("A", "a", "192.0.2.1"), ("A", "www", "192.0.2.1"));
    assert_eq!(faults(&mut zone, &[moved]), [(0, "cname-alone", Some("name"))]);
}

#[test]
fn a_cname_is_replaced_in_one_change_in_either_order() {
    let (alias, address) = (("CNAME", "www", "example.org"), ("A", "www", "192.0.2.1"));
    for (old, new) in [(alias, address), (address, alias), (alias, ("CNAME", "www", "example.net"))] {
        for create_first in [false, true] {
            let mut zone = zone(&[old]);
            let mut edits = vec![delete(&zone, old), create(&mut zone, new)];
            if create_first {
                edits.reverse();
            }
            assert_eq!(lines_after(&mut zone, &edits), [format!("www {} {} 3600", new.0, new.2)]);
        }
    }
    let mut zone = zone(&[alias]);
    let in_place = replace(&zone, alias, address);
    assert_eq!(lines_after(&mut zone, &[in_place]), ["www A 192.0.2.1 3600"]);
}

#[test]
fn ttls_that_contradict_or_leave_the_limits_are_refused() {
    let mut zone = zone(&[("A", "a", "192.0.2.1")]);
    let edits = [
        create_with(&mut zone, ("A", "a", "192.0.2.2"), 300),
        create_with(&mut zone, ("A", "a", "192.0.2.3"), 600),
        create_with(&mut zone, ("TXT", "a", "x"), 600),
    ];
    assert_eq!(faults(&mut zone, &edits), [(1, "ttl-conflict", Some("ttl"))]);

    zone.limits.ttl_min = Ttl::new(60).unwrap();
    zone.limits.ttl_max = Ttl::new(86_400).unwrap();
    for ttl in [0, 59, 86_401, 0x7fff_ffff] {
        let edit = create_with(&mut zone, ("A", "b", "192.0.2.1"), ttl);
        assert_eq!(faults(&mut zone, &[edit]), [(0, "ttl-range", Some("ttl"))], "{ttl}");
    }
    for ttl in [60, 86_400] {
        let edit = create_with(&mut zone, ("A", "b", "192.0.2.1"), ttl);
        zone.plan(&[edit]).unwrap();
    }
}

#[test]
fn an_rrset_has_one_ttl() {
    let mut zone = zone(&[]);
    let first = create_with(&mut zone, ("A", "a", "192.0.2.1"), 300);
    lines_after(&mut zone, &[first]);
    let joins = create(&mut zone, ("A", "a", "192.0.2.2"));
    assert_eq!(lines_after(&mut zone, &[joins]), ["a A 192.0.2.1 300", "a A 192.0.2.2 300"]);
    let sets = create_with(&mut zone, ("A", "a", "192.0.2.3"), 0);
    let plan = zone.plan(std::slice::from_ref(&sets)).unwrap();
    assert_eq!((plan.removed.len(), plan.added.len()), (2, 3), "the siblings change too");
    assert_eq!(lines_after(&mut zone, &[sets]), ["a A 192.0.2.1 0", "a A 192.0.2.2 0", "a A 192.0.2.3 0"]);
    let other_type = create(&mut zone, ("AAAA", "a", "2001:db8::1"));
    assert!(lines_after(&mut zone, &[other_type]).contains(&"a AAAA 2001:db8::1 3600".to_owned()));
}

#[test]
fn the_apex_ns_set_joins_the_servers_ttl_and_sets_it() {
    let mut zone = zone(&[]);
    zone.apex.ns_ttl = Ttl::new(7200).unwrap();
    let joins = create(&mut zone, ("NS", "@", "ns.example.org"));
    assert_eq!(lines_after(&mut zone, &[joins]), ["@ NS ns.example.org 7200"]);
    let sets = create_with(&mut zone, ("NS", "@", "ns.example.net"), 60);
    assert_eq!(lines_after(&mut zone, &[sets]), ["@ NS ns.example.net 60", "@ NS ns.example.org 60"]);
    let apex_ns = zone.snapshot().records.into_iter().filter(|record| record.data.record_type() == RecordType::Ns);
    assert_eq!(apex_ns.map(|record| record.ttl.seconds()).collect::<Vec<_>>(), [60; 4]);
    let below = create(&mut zone, ("NS", "sub", "ns.example.org"));
    assert!(lines_after(&mut zone, &[below]).contains(&"sub NS ns.example.org 3600".to_owned()));
}

#[test]
fn an_apex_ns_inside_the_zone_needs_an_address() {
    let (ns, host) = (("NS", "@", "ns.example.com"), ("A", "ns", "192.0.2.1"));
    refused(&[], ns, "apex-ns-address", Some("value"));
    refused(&[], ("NS", "@", "@"), "apex-ns-address", Some("value"));
    refused(&[("TXT", "ns", "x")], ns, "apex-ns-address", Some("value"));
    refused(&[("CNAME", "ns", "example.org")], ns, "apex-ns-address", Some("value"));
    refused(&[("A", "*", "192.0.2.1")], ns, "apex-ns-address", Some("value"));

    // The address may come before, after, or with it.
    zone(&[host, ns]);
    zone(&[ns, host]);
    zone(&[("AAAA", "ns", "2001:db8::1"), ns]);
    zone(&[("A", "@", "192.0.2.1"), ("NS", "@", "@")]);
    // Elsewhere nothing is needed: not for a delegation, not for a host outside.
    zone(&[("NS", "sub", "ns.sub.example.com"), ("NS", "@", "ns.example.org")]);
}

#[test]
fn the_address_of_an_apex_ns_cannot_go_before_it() {
    let (ns, host) = (("NS", "@", "ns.example.com"), ("A", "ns", "192.0.2.1"));
    let mut zone = zone(&[host, ns, ("A", "other", "192.0.2.1")]);
    let gone = [(0, "apex-ns-address", None)];
    let edits = [delete(&zone, host)];
    assert_eq!(faults(&mut zone, &edits), gone);
    let edits = [replace(&zone, host, ("A", "ns2", "192.0.2.1"))];
    assert_eq!(faults(&mut zone, &edits), gone, "moved away");
    let edits = [replace(&zone, host, ("TXT", "ns", "x"))];
    assert_eq!(faults(&mut zone, &edits), gone, "changed to another type");
    let edits = [delete(&zone, host), create(&mut zone, ("CNAME", "ns", "example.org"))];
    assert_eq!(faults(&mut zone, &edits), gone, "the edit at fault is the one that took the address away");
    let edits = [replace(&zone, ns, ("NS", "@", "ns2.example.com"))];
    assert_eq!(faults(&mut zone, &edits), [(0, "apex-ns-address", Some("value"))], "a host without address");

    for edits in [
        vec![delete(&zone, ns), delete(&zone, host)],
        vec![delete(&zone, host), delete(&zone, ns)],
        vec![replace(&zone, host, ("AAAA", "ns", "2001:db8::1"))],
        vec![replace(&zone, host, ("A", "ns", "192.0.2.2"))],
        vec![delete(&zone, host), create(&mut zone, ("AAAA", "ns", "2001:db8::1"))],
        vec![delete(&zone, host), replace(&zone, ns, ("NS", "@", "other.example.com"))],
        vec![replace(&zone, host, ("A", "ns2", "192.0.2.1")), replace(&zone, ns, ("NS", "@", "ns2.example.com"))],
    ] {
        zone.plan(&edits).unwrap_or_else(|error| panic!("{edits:?}: {error:?}"));
    }
}

#[test]
fn the_servers_addresses_are_the_servers() {
    let mut zone = operators_zone(&[]);
    for line in [("A", "ns1", "192.0.2.1"), ("A", "ns1", "192.0.2.53"), ("AAAA", "ns1", "2001:db8::1")] {
        let edit = create(&mut zone, line);
        assert_eq!(faults(&mut zone, &[edit]), [(0, "server-owned", Some("name"))], "{line:?}");
    }
    let alias = create(&mut zone, ("CNAME", "ns1", "example.org"));
    assert_eq!(faults(&mut zone, &[alias]), [(0, "cname-alone", Some("name"))]);
    // Other types at that name are the user's, and so are the addresses of a name that only this zone does not hold.
    add(&mut zone, &[("TXT", "ns1", "x"), ("A", "ns2", "192.0.2.1")]);
    let mut elsewhere = Zone::new("example.com", zone.apex.clone());
    add(&mut elsewhere, &[("A", "ns1", "192.0.2.1")]);
}

#[test]
fn nothing_hides_or_redirects_the_servers_addresses() {
    let nameservers = [("ns1.example.net", &["192.0.2.53"][..]), ("ns.a.b.example.net", &["2001:db8::53"])];
    let mut zone = Zone::new("example.net", apex(&nameservers));
    for name in ["ns1", "ns.a.b", "a.b", "b", "B"] {
        for record_type in ["NS", "DNAME"] {
            let edit = create(&mut zone, (record_type, name, "evil.example.org"));
            assert_eq!(faults(&mut zone, &[edit]), [(0, "server-owned", Some("name"))], "{record_type} at {name}");
        }
    }
    let apex = create(&mut zone, ("DNAME", "@", "example.org"));
    assert_eq!(faults(&mut zone, &[apex]), [(0, "server-owned", Some("name"))]);
    // Neither by a change of a record that is there, nor for a moment within a change.
    add(&mut zone, &[("NS", "c", "ns.example.org")]);
    let moved = replace(&zone, ("NS", "c", "ns.example.org"), ("NS", "ns1", "ns.example.org"));
    assert_eq!(faults(&mut zone, &[moved]), [(0, "server-owned", Some("name"))]);
    // What stands beside, below, or only looks alike hides nothing; a name that exists is not a wildcard's.
    add(
        &mut zone,
        &[
            ("NS", "@", "ns.example.org"),
            ("NS", "ns2", "ns.example.org"),
            ("NS", "x.ns1", "ns.example.org"),
            ("NS", "c.b", "ns.example.org"),
            ("DNAME", "d.b", "example.org"),
            ("TXT", "a.b", "x"),
            ("CNAME", "*", "example.org"),
            ("A", "*.a.b", "192.0.2.1"),
        ],
    );
    // Another zone has no address of theirs to hide, and a nameserver without addresses none at all.
    let mut elsewhere = Zone::new("example.com", zone.apex.clone());
    add(&mut elsewhere, &[("NS", "ns1", "ns.example.org"), ("DNAME", "b", "example.org")]);
}

#[test]
fn an_ns_at_a_wildcard_is_refused() {
    refused(&[], ("NS", "*", "ns.example.org"), "ns-wildcard", Some("name"));
    refused(&[], ("NS", "*.a", "ns.example.org"), "ns-wildcard", Some("name"));
    zone(&[("NS", "a.*", "ns.example.org"), ("A", "*", "192.0.2.1"), ("CNAME", "*.b", "example.org")]);
}

#[test]
fn an_rrset_has_at_most_so_many_records() {
    let mut zone = zone(&[]);
    let mut edits: Vec<Edit> = (0..101).map(|n| create(&mut zone, ("A", "a", &format!("192.0.2.{n}")))).collect();
    assert_eq!(faults(&mut zone, &edits), [(100, "rrset-records", None)]);
    edits.pop();
    assert_eq!(lines_after(&mut zone, &edits).len(), 100);
    let one_more = create(&mut zone, ("A", "a", "192.0.2.200"));
    let another_type = create(&mut zone, ("AAAA", "a", "2001:db8::1"));
    assert_eq!(faults(&mut zone, &[one_more, another_type]), [(0, "rrset-records", None)]);
    let exchanged = [create(&mut zone, ("A", "a", "192.0.2.200")), delete(&zone, ("A", "a", "192.0.2.0"))];
    zone.plan(&exchanged).unwrap();

    // The server's own count at the apex, where it has two.
    let mut edits: Vec<Edit> = (0..99).map(|n| create(&mut zone, ("NS", "@", &format!("ns{n}.example.org")))).collect();
    assert_eq!(faults(&mut zone, &edits), [(98, "rrset-records", None)]);
    edits.pop();
    zone.plan(&edits).unwrap();

    // A limit that was lowered keeps nobody from mending the zone, nor from changing what is beside.
    zone.limits.rrset_records = 10;
    let fewer = delete(&zone, ("A", "a", "192.0.2.0"));
    let changed = replace(&zone, ("A", "a", "192.0.2.1"), ("A", "a", "192.0.2.201"));
    let beside = create(&mut zone, ("TXT", "a", "x"));
    zone.plan(&[fewer, changed, beside]).unwrap();
}

#[test]
fn an_rrset_fits_one_message() {
    // 65,267 octets for the first; 188 for the message around them, 15 for the name asked: 65 are left for the second.
    let longest = "x".repeat(65_000);
    let mut there = zone(&[("TXT", "a", &longest)]);
    let fits = create(&mut there, ("TXT", "a", &"y".repeat(52)));
    there.plan(&[fits]).unwrap();
    let too_much = create(&mut there, ("TXT", "a", &"y".repeat(53)));
    assert_eq!(faults(&mut there, &[too_much]), [(0, "rrset-octets", Some("value"))]);
    // The longest text leaves 80 octets for the name.
    zone(&[("TXT", &format!("nn.{}", "n".repeat(63)), &longest)]);
    refused(&[], ("TXT", &format!("nnn.{}", "n".repeat(63)), &longest), "rrset-octets", Some("value"));
}

#[test]
fn a_replacement_moves_and_changes_and_keeps_its_identity() {
    let old = ("A", "a", "192.0.2.1");
    let mut zone = zone(&[old]);
    let id = id(&zone, old);
    for (new, line) in [
        (("A", "b", "192.0.2.1"), "b A 192.0.2.1 3600"),
        (("TXT", "b", "x"), "b TXT x 3600"),
        (("MX", "@", "mail.example.org"), "@ MX mail.example.org 3600"),
    ] {
        let edit = Edit::Replace(id, wanted(&zone, new, None));
        let plan = zone.plan(std::slice::from_ref(&edit)).unwrap();
        assert_eq!((plan.removed.len(), plan.added.len()), (1, 1));
        assert_eq!((plan.removed[0].id, plan.added[0].id), (id, id));
        assert_eq!(plan.results, [Some(plan.added[0].clone())]);
        assert_eq!(lines_after(&mut zone, &[edit]), [line]);
    }
}

#[test]
fn what_changes_nothing_is_an_empty_plan() {
    let records = [("A", "a", "192.0.2.1"), ("A", "a", "192.0.2.2"), ("TXT", "@", "x"), ("NS", "@", "ns.example.org")];
    let mut zone = zone(&records);
    let same: Vec<Edit> = records.iter().map(|line| replace(&zone, *line, *line)).collect();
    let plan = zone.plan(&same).unwrap();
    assert!(plan.is_empty(), "{plan:?}");
    assert!(plan.results.iter().all(Option::is_some), "the records are answered all the same");
    let Edit::Create(id, wanted) = create(&mut zone, ("A", "new", "192.0.2.1")) else { unreachable!() };
    let plan = zone.plan(&[Edit::Create(id, wanted), Edit::Delete(id)]).unwrap();
    assert!(plan.is_empty() && plan.results == [None, None], "{plan:?}");
    assert!(zone.plan(&[]).unwrap().is_empty());
    // Another spelling is answered from then on, so it is a change.
    let spelling = replace(&zone, ("TXT", "@", "x"), ("TXT", "@", "\"x\""));
    assert!(!zone.plan(&[spelling]).unwrap().is_empty());
}

#[test]
fn all_faults_are_reported_each_at_its_edit() {
    let mut zone = zone(&[("A", "a", "192.0.2.1"), ("CNAME", "c", "example.org"), ("A", "ns", "192.0.2.9")]);
    add(&mut zone, &[("NS", "@", "ns.example.com")]);
    let edits = [
        create(&mut zone, ("TXT", "c", "x")),
        create(&mut zone, ("A", "good", "192.0.2.1")),
        create(&mut zone, ("A", "a", "192.0.2.1")),
        create(&mut zone, ("NS", "*", "ns.example.org")),
        create(&mut zone, ("TXT", "*", "good")),
        delete(&zone, ("A", "ns", "192.0.2.9")),
        create(&mut zone, ("TXT", "ns", "good")),
        create(&mut zone, ("CNAME", "@", "example.org")),
        create(&mut zone, ("NS", "@", "nowhere.example.com")),
        create(&mut zone, ("TXT", "@", "good")),
    ];
    let found = faults(&mut zone, &edits);
    assert_eq!(
        found,
        [
            (0, "cname-alone", Some("name")),
            (2, "duplicate", Some("value")),
            (3, "ns-wildcard", Some("name")),
            (5, "apex-ns-address", None),
            (7, "cname-apex", Some("name")),
            (8, "apex-ns-address", Some("value")),
        ]
    );
}

#[test]
fn a_refused_replacement_causes_no_second_fault() {
    let (ns, host) = (("NS", "@", "ns.example.com"), ("A", "ns", "192.0.2.1"));
    let mut zone = zone(&[host, ns]);
    zone.limits.ttl_max = Ttl::new(86_400).unwrap();
    let id = id(&zone, host);
    let far = Edit::Replace(id, NewRecord { ttl: TtlChoice::Set(Ttl::MAX), ..wanted(&zone, host, None) });
    assert_eq!(faults(&mut zone, std::slice::from_ref(&far)), [(0, "ttl-range", Some("ttl"))]);
    assert_eq!(
        faults(&mut zone, &[far, Edit::Delete(id)]),
        [(0, "ttl-range", Some("ttl")), (1, "apex-ns-address", None)],
        "the next edit finds the record"
    );
}

#[test]
fn unknown_records_cannot_be_edited() {
    let line = ("A", "a", "192.0.2.1");
    let mut zone = zone(&[line]);
    let nobody = RecordId(Uuid::max());
    let there = delete(&zone, line);
    let missing = |index| Err(PlanError::NoRecord { index });
    assert_eq!(zone.plan(&[Edit::Delete(nobody)]), missing(0));
    let replacement = Edit::Replace(nobody, wanted(&zone, line, None));
    assert_eq!(zone.plan(&[there.clone(), replacement]), missing(1));
    assert_eq!(zone.plan(&[there.clone(), there.clone()]), missing(1), "gone already");
    let again = replace(&zone, line, line);
    assert_eq!(zone.plan(&[there, again]), missing(1));
}

#[test]
fn edits_of_one_record_follow_each_other() {
    let line = ("A", "a", "192.0.2.1");
    let mut zone = zone(&[line]);
    let id = id(&zone, line);
    let to = |zone: &Zone, line| Edit::Replace(id, wanted(zone, line, None));
    let twice = [to(&zone, ("A", "b", "192.0.2.2")), to(&zone, ("TXT", "c", "x"))];
    let plan = zone.plan(&twice).unwrap();
    assert_eq!((plan.removed.len(), plan.added.len()), (1, 1));
    assert_eq!(plan.results[0], plan.results[1], "each edit is answered with how its record stands in the end");
    assert_eq!(plan.added[0].owner, OwnerName::parse("c", &zone.name).unwrap());

    let there_and_back = [to(&zone, ("A", "b", "192.0.2.2")), to(&zone, line)];
    assert!(zone.plan(&there_and_back).unwrap().is_empty());

    let then_deleted = [to(&zone, ("A", "b", "192.0.2.2")), Edit::Delete(id)];
    let plan = zone.plan(&then_deleted).unwrap();
    assert_eq!((plan.removed.len(), plan.added.len(), plan.results), (1, 0, vec![None, None]));
}

#[test]
fn the_cost_is_that_of_the_names_touched() {
    let lookups = |size: usize| {
        let mut zone = zone(&[("A", "ns", "192.0.2.1"), ("NS", "@", "ns.example.com")]);
        let edits: Vec<Edit> = (0..size).map(|n| create(&mut zone, ("A", &format!("h{n}"), "192.0.2.1"))).collect();
        let plan = zone.plan(&edits).unwrap();
        zone.commit(&plan);
        let edits = [
            create(&mut zone, ("TXT", "h1", "x")),
            create(&mut zone, ("TXT", "h1", "y")),
            delete(&zone, ("A", "h2", "192.0.2.1")),
            create(&mut zone, ("TXT", "@", "x")),
        ];
        zone.lookups = 0;
        zone.plan(&edits).unwrap();
        zone.lookups
    };
    // h1, h2 and the apex, and the deleted record by its identity; above them is only the apex, which is known by then.
    assert_eq!(lookups(10), 4);
    assert_eq!(lookups(2000), 4);
}

#[test]
fn nothing_stands_below_a_dname() {
    let mut zone = zone(&[("A", "b.a", "192.0.2.1"), ("DNAME", "d", "example.net")]);
    let above = create(&mut zone, ("DNAME", "a", "example.net"));
    assert_eq!(faults(&mut zone, std::slice::from_ref(&above)), [(0, "dname-above", Some("name"))]);
    let apex = create(&mut zone, ("DNAME", "@", "example.net"));
    assert_eq!(faults(&mut zone, &[apex]), [(0, "dname-above", Some("name"))]);
    for name in ["x.d", "y.x.d", "*.d"] {
        let below = create(&mut zone, ("A", name, "192.0.2.1"));
        assert_eq!(faults(&mut zone, &[below]), [(0, "dname-below", Some("name"))], "{name}");
    }
    let both = [create(&mut zone, ("DNAME", "e", "example.net")), create(&mut zone, ("A", "x.e", "192.0.2.1"))];
    assert_eq!(faults(&mut zone, &both), [(1, "dname-below", Some("name"))]);
    // In one change, in either order.
    let gone = delete(&zone, ("A", "b.a", "192.0.2.1"));
    zone.plan(&[above.clone(), gone.clone()]).unwrap();
    let plan = zone.plan(&[gone, above]).unwrap();
    zone.commit(&plan);
    let alias_gone = delete(&zone, ("DNAME", "d", "example.net"));
    let below = create(&mut zone, ("A", "x.d", "192.0.2.1"));
    zone.plan(&[below, alias_gone]).unwrap();
    add(&mut zone, &[("A", "d", "192.0.2.1"), ("A", "ad", "192.0.2.1")]);
}

#[test]
fn a_dname_is_single_and_no_delegation() {
    let mut zone = zone(&[("DNAME", "a", "example.net"), ("NS", "b", "ns.example.net"), ("CNAME", "c", "example.net")]);
    let second = create(&mut zone, ("DNAME", "a", "example.org"));
    assert_eq!(faults(&mut zone, &[second]), [(0, "dname-single", Some("name"))]);
    let delegated = create(&mut zone, ("DNAME", "b", "example.org"));
    assert_eq!(faults(&mut zone, &[delegated]), [(0, "dname-delegation", Some("name"))]);
    let delegation = create(&mut zone, ("NS", "a", "ns.example.org"));
    assert_eq!(faults(&mut zone, &[delegation]), [(0, "dname-delegation", Some("name"))]);
    let alias = create(&mut zone, ("DNAME", "c", "example.org"));
    assert_eq!(faults(&mut zone, &[alias]), [(0, "cname-alone", Some("name"))]);
    add(&mut zone, &[("A", "a", "192.0.2.1")]);
    let other = replace(&zone, ("DNAME", "a", "example.net"), ("DNAME", "a", "example.org"));
    zone.plan(&[other]).unwrap();
}

#[test]
fn a_ds_stands_beside_a_delegation_and_never_at_the_apex() {
    const KEY: &str = "1 13 9 00";
    let mut zone = zone(&[("NS", "a", "ns.example.net"), ("DS", "a", KEY), ("A", "ns", "192.0.2.1")]);
    let apex = create(&mut zone, ("DS", "@", KEY));
    assert_eq!(faults(&mut zone, &[apex]), [(0, "ds-apex", Some("name"))]);
    let alone = create(&mut zone, ("DS", "b", KEY));
    assert_eq!(faults(&mut zone, std::slice::from_ref(&alone)), [(0, "ds-delegation", Some("name"))]);
    let unhinged = delete(&zone, ("NS", "a", "ns.example.net"));
    assert_eq!(faults(&mut zone, std::slice::from_ref(&unhinged)), [(0, "ds-delegation", Some("name"))]);
    let key = delete(&zone, ("DS", "a", KEY));
    zone.plan(&[unhinged, key]).unwrap();
    let delegation = create(&mut zone, ("NS", "b", "ns.example.net"));
    zone.plan(&[alone, delegation]).unwrap();
    // A nameserver of the apex that is a signed delegation itself.
    let both = [create(&mut zone, ("NS", "ns", "ns.example.net")), create(&mut zone, ("DS", "ns", KEY))];
    let nameserver = create(&mut zone, ("NS", "@", "ns.example.com"));
    let plan = zone.plan(std::slice::from_ref(&nameserver)).unwrap();
    let mut other = zone.clone();
    other.commit(&plan);
    assert_eq!(faults(&mut other, &both), [(1, "ds-nameserver", Some("name"))]);
    let plan = zone.plan(&both).unwrap();
    zone.commit(&plan);
    assert_eq!(faults(&mut zone, &[nameserver]), [(0, "ds-nameserver", Some("value"))]);
}

#[test]
fn the_parents_keys_need_their_dnskey() {
    let key = "257 3 13 AAAA";
    let mut zone = zone(&[("CDS", "www", "1 13 9 00")]);
    let cds = create(&mut zone, ("CDS", "@", "1 13 9 00"));
    assert_eq!(faults(&mut zone, std::slice::from_ref(&cds)), [(0, "child-key-unknown", Some("value"))]);
    let cdnskey = create(&mut zone, ("CDNSKEY", "@", key));
    assert_eq!(faults(&mut zone, &[cdnskey]), [(0, "child-key-unknown", Some("value"))]);
    let dnskey = create(&mut zone, ("DNSKEY", "@", key));
    let plan = zone.plan(&[cds, dnskey]).unwrap();
    zone.commit(&plan);
    let gone = delete(&zone, ("DNSKEY", "@", key));
    assert_eq!(faults(&mut zone, &[gone]), [(0, "child-key-unknown", Some("value"))]);
    let none = create(&mut zone, ("CDS", "@", "0 0 0 00"));
    assert_eq!(faults(&mut zone, std::slice::from_ref(&none)), [(0, "child-key-none", Some("value"))]);
    let others = [delete(&zone, ("CDS", "@", "1 13 9 00")), delete(&zone, ("DNSKEY", "@", key)), none];
    zone.plan(&others).unwrap();
}
