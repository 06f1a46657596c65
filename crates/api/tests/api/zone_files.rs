//! Zones in and out as zone files, over HTTP.

use serde_json::{Value, json};

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
        let new = tenant.client.post("/dns-zones/", &json!({"domain": "new.example.org", "zonefile": text}));
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
    assert!(text.starts_with("$ORIGIN example.com.\n@ 3600 IN SOA ns1.zonewright.test. "), "{text}");
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
    let rest = |text: &str| text.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rest(&elsewhere), rest(&text));
}

#[test]
fn a_large_zone_goes_out_and_comes_back() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.large_zone("example.com", 20_000);
    let path = format!("/dns-zones/{zone}/zonefile/");
    let text = String::from_utf8(tenant.client.get(&path).body).unwrap();
    assert_eq!(text.lines().count(), 20_000 + 4);
    let more = put(&tenant.client, &path, &format!("{text}extra A 192.0.2.2\n")).expect(200);
    assert_eq!((&more["added"], &more["removed"], &more["changed"]), (&json!(1), &json!(0), &json!(0)));
}
