//! What is accepted and yet unwise: each kind where it belongs, and nowhere else.

use std::collections::BTreeSet;

use dns::change::Edit;
use dns::warnings::{Code, MAX_NAMES, MAX_WARNINGS, check};
use dns::{OwnerName, RecordType};

use crate::memory::{Given, Zone, apex};

type Line<'a> = (&'a str, &'a str, &'a str);

/// The codes and names of the warnings about a zone with these records, each as name, type and value.
fn warnings(lines: &[Line<'_>]) -> Vec<(String, String)> {
    warnings_at(lines, None)
}

fn warnings_at(lines: &[Line<'_>], touched: Option<&[&str]>) -> Vec<(String, String)> {
    let mut zone = Zone::new("example.com", apex(&[("ns1.zonewright.test", &[])]));
    let mut edits = Vec::new();
    for (name, record_type, value) in lines {
        let (record_type, ttl) = match record_type.split_once('/') {
            Some((record_type, ttl)) => (record_type, Some(ttl.parse().unwrap())),
            None => (*record_type, None),
        };
        let record_type = RecordType::parse(record_type).unwrap();
        let priority = record_type.has_priority().then_some(if *value == "." { 0 } else { 10 });
        let given = Given { record_type, name: (*name).to_owned(), value: (*value).to_owned(), priority, ttl };
        edits.push(Edit::Create(zone.new_id(), given.parse(&zone.name).unwrap()));
    }
    let plan = zone.plan(&edits).unwrap_or_else(|error| panic!("{lines:?}: {error:?}"));
    zone.commit(&plan);
    let (name, apex) = (zone.name.clone(), zone.apex.clone());
    let touched: BTreeSet<OwnerName> = match touched {
        None => zone.records().map(|record| record.owner.clone()).collect(),
        Some(names) => names.iter().map(|text| OwnerName::parse(text, &name).unwrap()).collect(),
    };
    let found = check(&name, &apex, &touched, &mut zone).unwrap();
    for warning in &found {
        assert!(warning.detail.to_string().len() > 20, "{warning:?}");
    }
    found.into_iter().map(|warning| (warning.code.to_string(), warning.owner.to_string())).collect()
}

#[track_caller]
fn expect(lines: &[Line<'_>], expected: &[(&str, &str)]) {
    let found = warnings(lines);
    let found: Vec<_> = found.iter().map(|(code, name)| (code.as_str(), name.as_str())).collect();
    assert_eq!(found, expected, "{lines:?}");
}

#[test]
fn a_sound_zone_has_none() {
    expect(
        &[
            ("@", "MX", "mail"),
            ("@", "MX", "mx.example.org"),
            ("@", "TXT", "v=spf1 mx include:_spf.example.org -all"),
            ("_dmarc", "TXT", "v=DMARC1; p=reject"),
            ("mail", "A", "192.0.2.1"),
            ("www", "CNAME", "@"),
            ("alias", "CNAME", "www.example.com"),
            ("_acme-challenge", "CNAME", "_acme.example.org"),
            ("_sip._tcp", "SRV", "1 5060 mail.example.com"),
            ("sub", "NS", "ns.sub.example.com"),
            ("sub", "NS", "ns.example.org"),
            ("ns.sub", "A", "192.0.2.2"),
            ("@", "TXT", "v=DMARC2"),
        ]
        .map(|(name, record_type, value)| {
            (name, record_type, if value == "mail" { "mail.example.com" } else { value })
        }),
        &[],
    );
}

#[test]
fn mail_and_nameservers_that_are_aliases() {
    let alias = ("alias", "CNAME", "www.example.org");
    expect(&[alias, ("@", "MX", "alias.example.com")], &[("mx-to-cname", "@")]);
    expect(&[alias, ("sub", "NS", "alias.example.com")], &[("ns-to-cname", "sub")]);
    expect(&[("*", "CNAME", "www.example.org"), ("@", "MX", "mail.example.com")], &[("mx-to-cname", "@")]);
}

#[test]
fn targets_that_are_not_there() {
    let dangling = |name| [("dangling-target", name)];
    expect(&[("www", "CNAME", "web.example.com")], &dangling("www"));
    expect(&[("@", "MX", "mail.example.com")], &dangling("@"));
    expect(&[("_x._tcp", "SRV", "1 1 srv.example.com")], &dangling("_x._tcp"));
    expect(&[("mail", "TXT", "x"), ("@", "MX", "mail.example.com")], &dangling("@"));
    expect(&[("mail", "TXT", "x"), ("www", "CNAME", "mail.example.com")], &[]);
    // A wildcard answers for what does not exist, but not beside or below what does (RFC 4592).
    let star = ("*", "A", "192.0.2.1");
    expect(&[star, ("@", "MX", "mail.example.com")], &[]);
    expect(&[star, ("@", "MX", "deep.mail.example.com")], &[]);
    expect(&[star, ("x.mail", "A", "192.0.2.1"), ("@", "MX", "mail.example.com")], &dangling("@"));
    expect(&[star, ("mail", "A", "192.0.2.1"), ("@", "MX", "deep.mail.example.com")], &dangling("@"));
    // Somebody else knows what is there.
    let elsewhere = ("sub", "NS", "ns.example.org");
    expect(&[elsewhere, ("@", "MX", "mail.sub.example.com"), ("www", "CNAME", "sub.example.com")], &[]);
    expect(&[("old", "DNAME", "new.example.org"), ("www", "CNAME", "www.old.example.com")], &[]);
    expect(&[("@", "MX", "."), ("www", "CNAME", "example.org")], &[]);
}

#[test]
fn the_apex_loses_its_target_when_that_is_touched() {
    let lines = [("@", "MX", "mail.example.com")];
    assert_eq!(warnings_at(&lines, Some(&["mail"])), [("dangling-target".to_owned(), "@".to_owned())]);
    assert_eq!(warnings_at(&lines, Some(&["other"])), []);
}

#[test]
fn policies_of_mail() {
    let two = [("@", "TXT", "v=spf1 -all"), ("@", "TXT", "v=spf1 mx -all")];
    expect(&two, &[("spf-multiple", "@")]);
    expect(&[("@", "TXT", "v=spf1 -all"), ("@", "TXT", "v=spf10 x"), ("a", "TXT", "v=spf1")], &[]);
    for text in [
        "v=spf1 mx ~al",
        "v=spf1mx -all",
        "\" v=spf1 mx -all\"",
        "\"\\\"v=spf1 -all\\\"\"",
        "\"v=spf1\" \"mx\" \"-all\"",
    ] {
        expect(&[("@", "TXT", text)], &[("spf-syntax", "@")]);
    }
    for text in ["v=DMARC1; p=nonee", "v=DMARC1 p=none", "v=DMARC1", "p=none; v=DMARC1", "v=dmarc1; p=none"] {
        expect(&[("_dmarc", "TXT", text)], &[("dmarc-syntax", "_dmarc")]);
    }
    let policy = ("_dmarc", "TXT", "v=DMARC1; p=none");
    expect(&[policy, ("_dmarc", "TXT", "v=DMARC1; p=reject")], &[("dmarc-multiple", "_dmarc")]);
    expect(&[policy, ("_dmarc", "TXT", "a verification token")], &[]);
    let eleven = "v=spf1 a mx ptr exists:x.example.org a:b.example.org ?mx:c.example.org/24 include:1.example.org \
                  include:2.example.org include:3.example.org include:4.example.org redirect=5.example.org";
    expect(&[("@", "TXT", eleven)], &[("spf-lookups", "@")]);
    let ten = eleven.replace(" ptr", " ip4:192.0.2.0/24 ip6:2001:db8::/32 exp=x.example.org") + " all";
    expect(&[("@", "TXT", &ten)], &[]);
    // What is included from the same zone counts too, and a circle comes to an end.
    let five = "v=spf1 a:1.example.org a:2.example.org a:3.example.org a:4.example.org include:";
    let (first, second) = (format!("{five}b.example.com"), format!("{five}a.example.com"));
    expect(&[("a", "TXT", &first), ("b", "TXT", "v=spf1 a -all")], &[]);
    expect(
        &[("a", "TXT", &first), ("b", "TXT", &second), ("@", "TXT", "v=spf1 include:a.example.com -all")],
        &[("spf-lookups", "@")],
    );
    for (name, warned) in [("@", true), ("dmarc", true), ("_dmarc.sub", false), ("x._dmarc", true)] {
        let expected: &[_] = if warned { &[("dmarc-name", name)] } else { &[] };
        expect(&[(name, "TXT", "v=DMARC1; p=none")], expected);
        expect(&[(name, "TXT", "\"v = DMARC1\" \"; p=none\"")], expected);
    }
}

#[test]
fn hosts_and_times() {
    expect(&[("my_host", "A", "192.0.2.1")], &[("underscore-host", "my_host")]);
    expect(&[("my_host", "TXT", "x"), ("_x", "CNAME", "a_b.example.org")], &[]);
    expect(&[("@", "MX", "my_mail.example.org")], &[("underscore-host", "@")]);
    expect(&[("a", "A/59", "192.0.2.1"), ("a", "A", "192.0.2.2"), ("a", "TXT/60", "x")], &[("low-ttl", "a")]);
}

#[test]
fn records_that_a_delegation_hides() {
    let hidden = |names: &[&'static str]| -> Vec<(&str, &str)> {
        names.iter().map(|name| ("hidden-by-delegation", *name)).collect()
    };
    let sub = ("sub", "NS", "ns.sub.example.com");
    let glue = ("ns.sub", "A", "192.0.2.1");
    expect(&[sub, glue, ("www.sub", "A", "192.0.2.1")], &hidden(&["sub", "www.sub"]));
    expect(&[sub, glue, ("sub", "TXT", "x")], &hidden(&["sub"]));
    expect(&[sub, glue, ("ns.sub", "TXT", "x")], &hidden(&["ns.sub"]));
    expect(&[sub, glue, ("subway", "A", "192.0.2.1")], &[]);
    expect(&[("sub", "NS", "sub.example.com"), ("sub", "A", "192.0.2.1")], &[]);
    expect(&[sub, glue, ("deep.sub", "NS", "ns.example.org")], &hidden(&["sub", "deep.sub"]));
    let many = [sub, glue, ("a.sub", "A", "192.0.2.1"), ("b.sub", "A", "192.0.2.1"), ("c.sub", "A", "192.0.2.1")];
    assert_eq!(warnings_at(&many, Some(&["sub"])).len(), 1, "one warning for all that is below");
}

#[test]
fn nothing_beside_something() {
    let mail = ("@", "MX", "mx.example.org");
    expect(&[mail, ("@", "MX", ".")], &[("null-mx-not-alone", "@")]);
    expect(&[("@", "MX", "."), ("a", "MX", "mx.example.org")], &[]);
    let service = ("_x._tcp", "SRV", "1 1 srv.example.org");
    expect(&[service, ("_x._tcp", "SRV", "0 0 .")], &[("no-service-not-alone", "_x._tcp")]);
    expect(&[("_x._tcp", "SRV", "0 0 .")], &[]);
}

#[test]
fn values_that_no_program_understands() {
    let curly = [("curly-quotes", "@")];
    expect(&[("@", "TXT", "\u{201c}google-site-verification=x\u{201d}")], &curly);
    expect(&[("@", "TXT", "v=DKIM1; p=\u{201c}AAAA\u{201d}; x")], &curly);
    expect(&[("@", "TXT", "it\u{2019}s \u{201c}text\u{201d} for people")], &[]);
    expect(&[("@", "CAA", "0 issue \u{201c}letsencrypt.org\u{201d}")], &curly);
    expect(&[("@", "CAA", "0 isue letsencrypt.org")], &[("caa-unknown-tag", "@")]);
    for issuer in
        ["https://letsencrypt.org", "letsencrypt.org/", "\"letsencrypt.org validationmethods=dns-01\"", "letsencrypt"]
    {
        expect(&[("@", "CAA", &format!("0 issue {issuer}"))], &[("caa-issuer", "@")]);
    }
    for value in [
        "issue \";\"",
        "issuewild \"\"",
        "issue \"letsencrypt.org; validationmethods=dns-01\"",
        "contactemail a@example.com",
    ] {
        expect(&[("@", "CAA", &format!("0 {value}"))], &[]);
    }
    expect(&[("@", "CAA", "0 iodef security@example.com")], &[("caa-iodef", "@")]);
    expect(&[("@", "CAA", "0 iodef mailto:security@example.com"), ("@", "CAA", "0 iodef https://example.com/x")], &[]);
    expect(&[("@", "HTTPS", "1 . alpn=\"h2, h3\"")], &[("alpn-space", "@")]);
    expect(&[("@", "SVCB", "1 . alpn=\"h2\\\\,h3\"")], &[("alpn-space", "@")]);
    expect(&[("@", "HTTPS", "1 . alpn=h2,h3 port=443"), ("a", "HTTPS", "0 svc.example.org.")], &[]);
}

#[test]
fn mailboxes_and_uris() {
    let generic = |text: &str| {
        let wire: Vec<u8> = [&[text.len() as u8][..], text.as_bytes(), b"\x07example\x03org\0\0"].concat();
        format!("\\# {} {}", wire.len(), wire.iter().map(|octet| format!("{octet:02x}")).collect::<String>())
    };
    expect(&[("@", "RP", &generic("admin@x"))], &[("mailbox-at-sign", "@")]);
    expect(&[("@", "RP", "admin.example.org ."), ("@", "RP", "first\\.last.example.org .")], &[]);
    for target in ["www.example.com", "", "//example.com/x", "1x:y"] {
        expect(&[("_x", "URI", &format!("10 1 \"{target}\""))], &[("uri-scheme", "_x")]);
    }
    expect(&[("_x", "URI", "10 1 \"https://www.example.com/\""), ("_y", "URI", "10 1 \"sip:a@example.com\"")], &[]);
}

#[test]
fn aliases_that_never_end() {
    expect(&[("a", "CNAME", "a.example.com")], &[("cname-loop", "a")]);
    let circle = [("a", "CNAME", "b.example.com"), ("b", "CNAME", "c.example.com"), ("c", "CNAME", "a.example.com")];
    expect(&circle, &[("cname-loop", "a"), ("cname-loop", "b"), ("cname-loop", "c")]);
    let led_in = [circle.as_slice(), &[("www", "CNAME", "b.example.com")]].concat();
    assert_eq!(warnings_at(&led_in, Some(&["www"])), [("cname-loop".to_owned(), "www".to_owned())]);
    expect(&[("*", "CNAME", "www.example.com")], &[("cname-loop", "*")]);
    expect(&[("old", "DNAME", "old.example.com")], &[("cname-loop", "old")]);
    expect(&[("old", "DNAME", "x.old.example.com")], &[("cname-loop", "old")]);
    expect(&[("*", "CNAME", "www.example.com"), ("www", "A", "192.0.2.1"), ("b", "CNAME", "www.example.com")], &[]);
    expect(&[("a", "CNAME", "b.example.com"), ("b", "CNAME", "a.example.org")], &[]);
}

#[test]
fn names_that_look_like_a_slip() {
    expect(&[("x.example.com.example.com", "A", "192.0.2.1")], &[("doubled-name", "x.example.com")]);
    expect(&[("example.com.example.com.", "TXT", "x")], &[("doubled-name", "example.com")]);
    expect(&[("@", "MX", "mail.example.com.example.com")], &[("doubled-name", "@"), ("dangling-target", "@")]);
    expect(&[("1", "PTR", "host.example.com.example.com.")], &[("doubled-name", "1")]);
    expect(&[("x.com", "A", "192.0.2.1"), ("com.example", "A", "192.0.2.1")], &[]);
    for target in ["https://x.example/", "mail.example.org:25", "*.x.example"] {
        for record_type in ["CNAME", "PTR", "DNAME"] {
            expect(&[("a", record_type, target)], &[("not-a-host-name", "a")]);
        }
    }
    expect(
        &[
            ("1", "CNAME", "1.0/25.2.0.192.in-addr.arpa"),
            ("2", "CNAME", "_x.acm-validations.aws"),
            ("_ipp._tcp", "PTR", "The\\032Printer._ipp._tcp.example.org"),
            ("3", "PTR", "."),
        ],
        &[],
    );
}

#[test]
fn the_cost_is_that_of_the_names_that_changed() {
    let mut zone = Zone::new("example.com", apex(&[("ns1.zonewright.test", &[])]));
    let mut edits = Vec::new();
    // A chain of aliases through the whole zone, and a circle at its end.
    for index in 0..3000 {
        let given = Given {
            record_type: RecordType::Cname,
            name: format!("c{index}.a.b"),
            value: format!("c{}.a.b.example.com", if index == 2999 { 2990 } else { index + 1 }),
            priority: None,
            ttl: None,
        };
        edits.push(Edit::Create(zone.new_id(), given.parse(&zone.name).unwrap()));
    }
    let plan = zone.plan(&edits).unwrap();
    zone.commit(&plan);
    let (name, apex) = (zone.name.clone(), zone.apex.clone());
    let owner = |index: usize| OwnerName::parse(&format!("c{index}.a.b"), &name).unwrap();
    let mut cost = |touched: BTreeSet<OwnerName>| {
        zone.lookups = 0;
        let found = check(&name, &apex, &touched, &mut zone).unwrap();
        (zone.lookups, found.len())
    };
    let (one, none) = cost(BTreeSet::from([owner(5)]));
    assert!(one < 40 && none == 0, "{one} look-ups for one name");
    let (all, found) = cost((0..3000).map(owner).collect());
    assert!(all < 10 * 3000 && found >= 10, "{all} look-ups for 3000 names, {found} warnings");
}

#[test]
fn so_many_warnings_and_no_more() {
    let lines: Vec<(String, String)> =
        (0..MAX_WARNINGS + 10).map(|index| (format!("a_{index:05}"), "192.0.2.1".to_owned())).collect();
    let lines: Vec<Line<'_>> = lines.iter().map(|(name, value)| (name.as_str(), "A", value.as_str())).collect();
    let found = warnings(&lines);
    assert_eq!(found.len(), MAX_WARNINGS);
    assert_eq!(found.last(), Some(&("more-warnings".to_owned(), format!("a_{MAX_WARNINGS:05}"))));

    let mut zone = Zone::new("example.com", apex(&[("ns1.zonewright.test", &[])]));
    let (name, apex) = (zone.name.clone(), zone.apex.clone());
    let owner = |index: usize| OwnerName::parse(&format!("n{index:06}"), &name).unwrap();
    let touched: BTreeSet<OwnerName> = (0..MAX_NAMES + 500).map(owner).collect();
    let found = check(&name, &apex, &touched, &mut zone).unwrap();
    let found: Vec<_> =
        found.iter().map(|warning| (warning.code, warning.detail.to_string().contains("500 names"))).collect();
    assert_eq!(found, [(Code::MoreWarnings, true)]);
    assert!(zone.lookups < 4 * MAX_NAMES, "{} look-ups", zone.lookups);
}

#[test]
fn every_code_has_its_section() {
    let page = include_str!("../../../../docs/warnings.md");
    for code in Code::ALL {
        assert!(page.contains(&format!("\n## {code}\n")), "{code} has no section in docs/warnings.md");
    }
    assert_eq!(page.matches("\n## ").count(), Code::ALL.len());
}
