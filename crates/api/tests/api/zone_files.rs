//! Zones in and out as zone files, over HTTP.

use serde_json::{Value, json};
use store::Permission;

use crate::server::{Answer, Client, Server, Setup};

const HEAD: &str = "$TTL 1h\n@ SOA ns.old.example. host.old.example. 7 1h 15m 2w 5m\n  NS ns1.zonewright.test.\n";

fn put(client: &Client, path: &str, text: &str) -> Answer {
    client.request("PUT", path, &[("content-type", "text/dns")], Some(text.as_bytes()))
}

fn records(client: &Client, zone: &str) -> Vec<(String, String, String)> {
    let all = client.get(&format!("/dns-zones/{zone}/records/")).expect(200);
    let text = |record: &Value, name: &str| record[name].as_str().unwrap().to_owned();
    let mut list: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|record| (text(record, "name"), text(record, "record_type"), text(record, "value")))
        .collect();
    list.sort();
    list
}

/// The list of faults, as `LINE:COLUMN field`.
fn faults(answer: &Answer, field: Option<&str>) -> Vec<String> {
    let body = answer.expect(400);
    assert_eq!((&body["error_code"], &body["field"]), (&json!("validation_error"), &json!(field)), "{body}");
    let errors = body["errors"].as_array().unwrap();
    assert!(body["detail"].as_str().unwrap().contains(errors[0]["detail"].as_str().unwrap()), "{body}");
    let place =
        |error: &Value| format!("{}:{} {}", error["line"], error["column"], error["field"].as_str().unwrap_or("-"));
    errors.iter().map(place).collect()
}

#[test]
fn files_that_cannot_be_taken_are_refused_whole() {
    let server = Server::with(Setup {
        settings: api::Settings { bulk_limit: 5000, ..api::Settings::default() },
        ..Setup::default()
    });
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let before = records(&tenant.client, &zone);
    let path = format!("/dns-zones/{zone}/zonefile/");

    for media_type in ["application/json", "text/plain", "text/dnsx", ""] {
        let answer = tenant.client.request("PUT", &path, &[("content-type", media_type)], Some(HEAD.as_bytes()));
        answer.refused(415, "unsupported_media_type", None);
    }
    let zipped = [("content-type", "text/dns"), ("content-encoding", "gzip")];
    tenant.client.request("PUT", &path, &zipped, Some(HEAD.as_bytes())).refused(415, "unsupported_media_type", None);
    put(&tenant.client, &path, &";".repeat(5001)).refused(413, "payload_too_large", None);
    for (query, field) in [
        ("?dry_run=yes", "dry_run"),
        ("?keep_keys=1", "keep_keys"),
        ("?keep_ttl=1", "keep_ttl"),
        ("?leave_out_unknown=", "leave_out_unknown"),
        ("?keep_apex_ns=true", "keep_apex_ns"),
        ("?comment=a%E2%80%AEb", "comment"),
        ("?comment=a%0Ab", "comment"),
        ("?dryrun=true", "dryrun"),
    ] {
        put(&tenant.client, &format!("{path}{query}"), HEAD).refused(400, "validation_error", Some(field));
    }
    put(&tenant.client, "/dns-zones/0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000/zonefile/", HEAD).refused(
        404,
        "not_found",
        None,
    );
    let old = [("content-type", "text/dns"), ("if-match", "\"1\"")];
    tenant.client.request("PUT", &path, &old, Some(HEAD.as_bytes())).refused(412, "precondition_failed", None);

    for (body, expected) in [
        ("", &["1:1 -"][..]),
        ("; nothing\n", &["1:1 -"]),
        (
            "www A 192.0.2\nMAIL mx 10\n$INCLUDE /etc/passwd\n\" x\n",
            &["4:7 value", "5:11 value", "6:1 value", "7:1 value"],
        ),
        ("www 1h CH A 192.0.2.1\n", &["4:8 record_type"]),
        ("a..b A 192.0.2.1\n", &["4:1 name"]),
        ("www 1z A 192.0.2.1\n", &["4:5 record_type"]),
        // The rules over a zone, where the record at fault stands.
        ("a A 192.0.2.1\nb A 192.0.2.1\na CNAME b\n", &["6:1 name"]),
        ("@ CNAME www.example.org.\n", &["4:1 name"]),
        ("@ NS inside\n", &["4:1 value"]),
        ("$GENERATE 0-70000 a$ TXT x\n", &["4:11 value"]),
    ] {
        let text = if expected == ["1:1 -"] { body.to_owned() } else { format!("{HEAD}{body}") };
        assert_eq!(faults(&put(&tenant.client, &path, &text), None), expected, "{body}");
        let new = json!({"domain": "new.example.org", "zonefile": text});
        let new = tenant.client.post("/dns-zones/?keep_apex_ns=true", &new);
        assert_eq!(faults(&new, Some("zonefile")), expected, "{body}");
    }
    let many = format!("{HEAD}{}", "x\n".repeat(300));
    assert_eq!(faults(&put(&tenant.client, &path, &many), None).len(), 101);
    tenant.client.post("/dns-zones/", &json!({"domain": "a.example", "zonefile": 1})).refused(
        400,
        "validation_error",
        Some("zonefile"),
    );

    tenant.client.get(&format!("{path}?serial=x")).refused(400, "validation_error", Some("serial"));
    tenant.client.get(&format!("{path}?serial=7")).refused(404, "not_found", Some("serial"));
    assert_eq!(records(&tenant.client, &zone), before, "nothing was changed");
    assert_eq!(tenant.client.get("/dns-zones/").expect(200).as_array().unwrap().len(), 1);
}

#[test]
fn a_file_replaces_the_records_by_one_version_with_the_difference() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let kept = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    tenant.record(&zone, json!({"record_type": "A", "name": "gone", "value": "192.0.2.2"}));
    tenant.record(&zone, json!({"record_type": "TXT", "name": "@", "value": "x", "ttl": 60}));
    let path = format!("/dns-zones/{zone}/zonefile/");
    let text = format!(
        "{HEAD}@ NS ns.other.example.\n@ TXT x\nwww A 192.0.2.1\nwww A 192.0.2.1\nnew MX 10 mail ; relative\n\
         www RRSIG A nonsense\nother.example. A 192.0.2.3\n@ DNSKEY 257 3 13 bm9uc2Vuc2U=\n"
    );

    let history = || tenant.client.get(&format!("/dns-zones/{zone}/history/")).expect(200);
    let versions = history().as_array().unwrap().len();
    let dry = put(&tenant.client, &format!("{path}?dry_run=true"), &text).expect(200);
    assert_eq!((&dry["removed"], &dry["added"], &dry["changed"]), (&json!(1), &json!(2), &json!(1)), "{dry}");
    let names = |list: &Value| -> Vec<String> {
        let mut names: Vec<_> =
            list.as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&dry["difference"]["removed"]), ["@", "gone"]);
    assert_eq!(names(&dry["difference"]["added"]), ["@", "@", "new"]);
    assert_eq!(history().as_array().unwrap().len(), versions, "a dry run stores nothing");

    let done = put(&tenant.client, &format!("{path}?comment=moved%20here"), &text);
    let serial = done.expect(200)["serial"].clone();
    assert_eq!(done.header("etag"), Some(format!("\"{serial}\"").as_str()));
    let done = done.expect(200);
    assert_eq!(done["difference"], Value::Null);
    let mut left_out: Vec<_> = done["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| {
            format!(
                "{} {} {} {}",
                left["reason"].as_str().unwrap(),
                left["record_type"].as_str().unwrap(),
                left["count"],
                left["line"]
            )
        })
        .collect();
    left_out.sort();
    assert_eq!(
        left_out,
        ["dnssec DNSKEY 1 11", "dnssec RRSIG 1 9", "out-of-zone A 1 10", "own-nameserver NS 1 3", "soa SOA 1 2"]
    );
    let notes: Vec<_> = done["notes"].as_array().unwrap().iter().map(|note| note["line"].as_u64().unwrap()).collect();
    assert_eq!(notes, [10, 7], "the name outside, and the record that is there twice");

    let version = &history()[0];
    assert_eq!((&version["source"], &version["comment"]), (&json!("import"), &json!("moved here")));
    assert_eq!(version["counts"], json!({"removed": 2, "added": 3, "changed": 1}));
    let now = records(&tenant.client, &zone);
    let shown: Vec<_> = now.iter().map(|(name, kind, value)| format!("{name} {kind} {value}")).collect();
    assert_eq!(shown, ["@ NS ns.other.example", "@ TXT x", "new MX mail.example.com", "www A 192.0.2.1"]);
    assert_eq!(tenant.client.get(&format!("/dns-records/{kept}/")).status, 200, "what stays keeps its identity");

    let again = put(&tenant.client, &path, &text).expect(200);
    assert_eq!((&again["serial"], &again["added"]), (&serial, &json!(0)), "what changes nothing makes no version");
    let keys = put(&tenant.client, &format!("{path}?keep_keys=true"), &text).expect(200);
    assert_eq!(keys["added"], json!(1), "{keys}");
}

#[test]
fn what_was_read_may_be_sent_back_and_old_versions_are_read_too() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    for (name, value) in [("www", "\"a;b\" \"\\\"\\\\\""), ("a\\.b", "é"), ("*", "$INCLUDE x")] {
        tenant.record(&zone, json!({"record_type": "TXT", "name": name, "value": value}));
    }
    let path = format!("/dns-zones/{zone}/zonefile/");
    let read = tenant.client.get(&path);
    assert_eq!(read.status, 200);
    assert_eq!(read.header("content-type"), Some("text/dns"));
    assert_eq!(read.header("content-disposition"), Some("attachment; filename=\"example.com.zone\""));
    let text = String::from_utf8(read.body.clone()).unwrap();
    let head = "; Zonewright zone file, format 1\n; Nameservers of the server: ns1.zonewright.test. ns2.zonewright.test.\n\
                $ORIGIN example.com.\n@ 3600 IN SOA ns1.zonewright.test. ";
    assert!(text.starts_with(head), "{text}");
    assert!(
        text.contains("@ 3600 IN NS ns2.zonewright.test.\n") && text.contains("www 3600 IN TXT \"a;b\" "),
        "{text}"
    );
    let tag = read.header("etag").unwrap().to_owned();
    let seen = tenant.client.request("GET", &path, &[("if-none-match", &tag)], None);
    assert_eq!((seen.status, seen.body.len()), (304, 0));

    let back = put(&tenant.client, &path, &text).expect(200);
    assert_eq!((&back["added"], &back["removed"], &back["changed"]), (&json!(0), &json!(0), &json!(0)), "{back}");
    assert_eq!(tenant.client.get(&path).body, read.body);

    put(&tenant.client, &path, HEAD).expect(200);
    assert!(!String::from_utf8(tenant.client.get(&path).body).unwrap().contains("TXT"));
    let old = tenant.client.get(&format!("{path}?serial={}", tag.trim_matches('"')));
    assert_eq!((old.body, old.headers.get("etag")), (read.body.clone(), read.headers.get("etag")));

    // Made anew elsewhere, above the file's serial.
    let file = text.replace(tag.trim_matches('"'), "3000000000");
    let made = tenant.client.post(
        "/dns-zones/",
        &json!({"domain": "other.example", "zonefile": file.replace("$ORIGIN example.com.", "$ORIGIN other.example.")}),
    );
    let made_body = made.expect(201);
    assert_eq!((&made_body["record_count"], made_body.get("records")), (&json!(3), None), "{made_body}");
    assert_eq!(made.header("etag"), Some("\"3000000001\""));
    let elsewhere = format!("/dns-zones/{}/zonefile/", made_body["uuid"].as_str().unwrap());
    let elsewhere = String::from_utf8(tenant.client.get(&elsewhere).body).unwrap();
    let rest = |text: &str| text.lines().skip(4).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rest(&elsewhere), rest(&text));
}

#[test]
fn a_large_zone_goes_out_and_comes_back() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.large_zone("example.com", 20_000);
    let path = format!("/dns-zones/{zone}/zonefile/");
    let text = String::from_utf8(tenant.client.get(&path).body).unwrap();
    assert_eq!(text.lines().count(), 20_000 + 6);
    let more = put(&tenant.client, &path, &format!("{text}extra A 192.0.2.2\n")).expect(200);
    assert_eq!((&more["added"], &more["removed"], &more["changed"]), (&json!(1), &json!(0), &json!(0)));
}

/// What an answer says of a file: left out, notes and warnings, each as its code.
fn told(body: &Value) -> [Vec<String>; 3] {
    let words = |list: &str, name: &str| -> Vec<String> {
        let list = body[list].as_array().unwrap_or_else(|| panic!("no {list}: {body}"));
        list.iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
    };
    let mut all = [words("left_out", "reason"), words("notes", "code"), words("warnings", "code")];
    all.iter_mut().for_each(|words| words.sort());
    all
}

/// A zone as Cloudflare exports it, with mail to an alias, two SPF records and a type that this server does not have.
const CLOUDFLARE: &str = ";;\n;; Domain:     cf.example.\n;; Exported:   2024-05-01 10:21:33\n;;\n\
cf.example\t3600\tIN\tSOA\tkip.ns.example. dns.example. 2053368469 10000 2400 604800 3600\n\
cf.example.\t86400\tIN\tNS\tkip.ns.example.\n\
cf.example.\t86400\tIN\tNS\tzara.ns.example.\n\
cf.example.\t1\tIN\tA\t192.0.2.1 ; cf_tags=cf-proxied:true\n\
www.cf.example.\t1\tIN\tCNAME\tcf.example.\n\
cf.example.\t1\tIN\tMX\t10 www.cf.example.\n\
cf.example.\t1\tIN\tTXT\t\"v=spf1 -all\"\n\
cf.example.\t1\tIN\tTXT\t\"v=spf1 mx -all\"\n";

#[test]
fn files_of_another_provider_come_without_its_nameservers() {
    let server = Server::start();
    let tenant = server.tenant();
    let client = &tenant.client;
    let new = json!({"domain": "cf.example", "zonefile": CLOUDFLARE});
    for (query, field) in [
        ("?keep_apex_ns=yes", "keep_apex_ns"),
        ("?keep_ttl=1", "keep_ttl"),
        ("?leave_out_unknown=x", "leave_out_unknown"),
        ("?keep=true", "keep"),
    ] {
        client.post(&format!("/dns-zones/{query}"), &new).refused(400, "validation_error", Some(field));
    }
    let wins = json!({"domain": "cf.example", "zonefile": format!("{CLOUDFLARE}@ 0 WINS LOCAL 192.0.2.9\n")});
    assert_eq!(faults(&client.post("/dns-zones/", &wins), Some("zonefile")), ["13:5 record_type"]);
    let other = json!({"domain": "shop.example", "zonefile": CLOUDFLARE});
    let answer = client.post("/dns-zones/", &other);
    assert_eq!(faults(&answer, Some("zonefile")), ["5:1 name"]);
    let detail = answer.expect(400)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("This file is for cf.example, not shop.example"), "{detail}");
    assert_eq!(client.get("/dns-zones/").expect(200), json!([]));

    let made = client.post("/dns-zones/?leave_out_unknown=true", &wins);
    let body = made.expect(201);
    let unwise = ["mx-to-cname", "spf-multiple"].map(str::to_owned);
    assert_eq!(
        told(&body),
        [
            ["foreign-apex-ns", "soa", "unsupported-type"].map(str::to_owned).to_vec(),
            ["final-dot", "ttl-automatic"].map(str::to_owned).to_vec(),
            unwise.to_vec(),
        ]
    );
    assert_eq!((&body["left_out"][1]["count"], &body["record_count"]), (&json!(1), &json!(5)), "{body}");
    let zone = body["uuid"].as_str().unwrap();
    let ttls = client.get(&format!("/dns-zones/{zone}/records/")).expect(200).clone();
    assert!(ttls.as_array().unwrap().iter().all(|record| record["ttl"] == 300), "{ttls}");

    // Replacing a zone does what the file says, and warns.
    let path = format!("/dns-zones/{zone}/zonefile/");
    for query in ["?dry_run=true", ""] {
        let replaced = put(client, &format!("{path}{query}"), CLOUDFLARE);
        let body = replaced.expect(200);
        assert_eq!(body["added"], json!(2), "{body}");
        let [left_out, _, warnings] = told(&body);
        assert_eq!(left_out, ["soa"], "{body}");
        assert_eq!(warnings, ["foreign-apex-ns", "mx-to-cname", "spf-multiple"], "{body}");
        assert_eq!(body["warnings"][0]["name"], "@");
    }
    let kept = put(client, &format!("{path}?keep_ttl=true"), CLOUDFLARE);
    let [_, notes, warnings] = told(&kept.expect(200));
    assert_eq!((notes, warnings.contains(&"low-ttl".to_owned())), (vec!["final-dot".to_owned()], true));
    // A changeset says the same of such a record.
    let change =
        json!({"changes": [{"action": "create", "record_type": "NS", "name": "@", "value": "ns.other.example"}]});
    let changed = client.post(&format!("/dns-zones/{zone}/changes/?dry_run=true"), &change).expect(200);
    let codes: Vec<&str> =
        changed["warnings"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"foreign-apex-ns"), "{codes:?}");
}

#[test]
fn other_nameservers_are_kept_on_request_and_in_our_own_exports() {
    let server = Server::start();
    let tenant = server.tenant();
    let client = &tenant.client;
    let text = format!("{HEAD}@ NS ns.other.example.\nwww A 192.0.2.1\n");
    let asked = client.post("/dns-zones/?keep_apex_ns=true", &json!({"domain": "kept.example", "zonefile": text}));
    let body = asked.expect(201);
    assert_eq!(body["record_count"], json!(2), "{body}");
    assert_eq!(told(&body)[2], ["foreign-apex-ns"], "{body}");
    let zone = body["uuid"].as_str().unwrap();
    let exported = String::from_utf8(client.get(&format!("/dns-zones/{zone}/zonefile/")).body).unwrap();
    assert_eq!(client.delete(&format!("/dns-zones/{zone}/")).status, 204);
    // Whole, without being asked to; the server's own records are its own here too.
    let again = client.post("/dns-zones/", &json!({"domain": "kept.example", "zonefile": exported}));
    let body = again.expect(201);
    assert_eq!(
        (&body["record_count"], told(&body)[0].as_slice()),
        (&json!(2), &["own-nameserver", "soa"].map(str::to_owned)[..])
    );
    let back = String::from_utf8(client.get(&format!("/dns-zones/{}/zonefile/", body["uuid"].as_str().unwrap())).body);
    let records =
        |text: &str| text.lines().filter(|line| !line.contains(" SOA ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(records(&back.unwrap()), records(&exported));
}

#[test]
fn a_file_and_a_rollback_need_the_permissions_of_what_they_do() {
    use Permission::{Create, Delete, List, Update};
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let path = format!("/dns-zones/{zone}/zonefile/");
    let rollback = format!("/dns-zones/{zone}/rollback/");
    let file = |lines: &str| format!("{HEAD}{lines}");
    let first = put(&tenant.client, &path, &file("a 60 A 192.0.2.1\nb 60 A 192.0.2.1\n")).expect(200)["serial"].clone();
    let cases: [(&str, &[Permission]); 4] = [
        ("a 60 A 192.0.2.1\nb 60 A 192.0.2.1\nc 60 A 192.0.2.1\n", &[Create]),
        ("a 60 A 192.0.2.1\nb 90 A 192.0.2.1\n", &[Update]),
        ("a 60 A 192.0.2.1\n", &[Delete]),
        ("a 90 A 192.0.2.1\nc 60 A 192.0.2.1\n", &[Create, Update, Delete]),
    ];
    let lacks = |answer: Answer, missing: Permission| {
        let (code, field, detail) = answer.error(403);
        assert_eq!((code.as_str(), field), ("permission_denied", None));
        assert_eq!(detail, format!("Token lacks {missing} permission"));
    };
    for (lines, needed) in cases {
        for missing in needed {
            let others: Vec<_> = [List, Create, Update, Delete].into_iter().filter(|other| other != missing).collect();
            lacks(put(&tenant.with(&others), &path, &file(lines)), *missing);
            lacks(put(&tenant.with(&others), &format!("{path}?dry_run=true"), &file(lines)), *missing);
        }
        put(&tenant.with(needed), &format!("{path}?dry_run=true"), &file(lines)).expect(200);
        put(&tenant.with(needed), &path, &file(lines)).expect(200);
        // The way back does the opposite.
        let back: Vec<_> = needed
            .iter()
            .map(|permission| match permission {
                Create => Delete,
                Delete => Create,
                other => *other,
            })
            .collect();
        for missing in &back {
            let others: Vec<_> = [List, Create, Update, Delete].into_iter().filter(|other| other != missing).collect();
            for path in [rollback.clone(), format!("{rollback}?dry_run=true")] {
                lacks(tenant.with(&others).post(&path, &json!({ "serial": first })), *missing);
            }
        }
        tenant.with(&back).post(&rollback, &json!({ "serial": first })).expect(200);
    }
    lacks(put(&tenant.with(&[List]), &path, &file("a 60 A 192.0.2.1\nb 60 A 192.0.2.1\n")), Update);
}
