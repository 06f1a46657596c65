//! external-dns, as its webhook provider.

use serde_json::{Value, json};

use crate::common::raw::{Answer, send};
use crate::common::wait_for;
use crate::{Door, steps};

const MEDIA_TYPE: &str = "application/external.dns.webhook+json;version=1";

fn open() -> (Door, Value, String) {
    let door = Door::open();
    for domain in ["example.com", "other.example"] {
        door.api.create_zone(domain);
    }
    let key = door.update_key(&json!({"name": "cluster", "zones": ["example.com"], "door": "external-dns"}));
    let path = key["path"].as_str().unwrap_or_else(|| panic!("a path: {key}"));
    let secret = path.trim_end_matches('/').rsplit('/').next().expect("a secret").to_owned();
    (door, key, format!("/external-dns/{secret}"))
}

#[track_caller]
fn ask(door: &Door, method: &str, path: &str, body: &Value) -> Answer {
    let headers = [("Accept", MEDIA_TYPE), ("Content-Type", MEDIA_TYPE)];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(door.server.http(), &format!("{method} {path} HTTP/1.1"), &headers, &body)
}

fn endpoint(name: &str, record_type: &str, targets: &[&str]) -> Value {
    json!({"dnsName": name, "targets": targets, "recordType": record_type, "recordTTL": 300, "labels": {"owner": "default"}})
}

#[test]
fn a_wrong_path_is_refused_and_bad_bodies_change_nothing() {
    let (door, _, base) = open();
    for path in ["/external-dns/x", &format!("/external-dns/{}", "A".repeat(43))] {
        for (method, end) in [("GET", ""), ("GET", "/records"), ("POST", "/records"), ("POST", "/adjustendpoints")] {
            assert_eq!(ask(&door, method, &format!("{path}{end}"), &json!({})).status, 401, "{method} {path}{end}");
        }
    }
    for end in ["records", "adjustendpoints"] {
        let line = format!("POST {base}/{end} HTTP/1.1");
        assert_eq!(send(door.server.http(), &line, &[], "{").status, 400);
        assert_eq!(send(door.server.http(), &line, &[], "7").status, 422);
        let huge = send(door.server.http(), &line, &[("Content-Length", "40000000")], "");
        assert_eq!(huge.status, 413);
    }
    assert_eq!(door.versions("example.com").len(), 1);
    let secret = base.rsplit('/').next().expect("a secret");
    assert!(!door.server.log().contains(secret) && !door.server.metrics().contains(secret), "paths are not logged");
}

#[test]
fn recorded_requests_are_answered_and_applied_as_one_change() {
    let (door, _, base) = open();
    let old = endpoint("old.example.com", "A", &["192.0.2.10"]);
    assert_eq!(ask(&door, "POST", &format!("{base}/records"), &json!({"create": [old]})).status, 204);
    let versions = door.versions("example.com").len();
    for step in steps("external-dns-webhook.json", "steps") {
        let path = step["path"].as_str().expect("a path").replace("/secret/path", &base);
        let answer = ask(&door, step["method"].as_str().expect("a method"), &path, &step["body"]);
        assert_eq!(json!(answer.status), step["response"]["status"], "{step}: {answer:?}");
        if answer.status == 200 {
            assert_eq!(answer.header("Content-Type"), Some(MEDIA_TYPE));
        }
        if path == base {
            assert_eq!(answer.json()["include"], json!(["example.com"]));
            assert_eq!(answer.json()["exclude"], json!([]));
        } else if path.ends_with("adjustendpoints") {
            assert_eq!(answer.json(), step["response"]["body"]);
        }
    }
    assert_eq!(door.records("example.com"), ["svc 300 IN A 192.0.2.11"]);
    assert_eq!(door.versions("example.com").len(), versions + 1, "all four lists are one change");
    assert_eq!(door.versions("example.com")[0], ("webhook".to_owned(), "cluster".to_owned()));
    let changes = json!({"create": [endpoint("svc.example.com", "A", &["192.0.2.11"])], "delete": []});
    assert_eq!(ask(&door, "POST", &format!("{base}/records"), &changes).status, 204);
    assert_eq!(door.versions("example.com").len(), versions + 1, "nothing was changed");
}

#[test]
fn what_is_refused_does_not_stop_the_rest() {
    let (door, key, base) = open();
    let with_id =
        json!({"dnsName": "w.example.com", "targets": ["192.0.2.1"], "recordType": "A", "setIdentifier": "eu"});
    let bad = [
        endpoint("svc.other.example", "A", &["192.0.2.1"]),
        endpoint("svc.example.org", "A", &["192.0.2.1"]),
        endpoint("bad.example.com", "A", &["192.0.2.999"]),
        endpoint("sub.example.com", "NS", &["ns1.example.net"]),
        endpoint("example.com", "CNAME", &["lb.example.net"]),
        endpoint("a..example.com", "A", &["192.0.2.1"]),
        with_id,
    ];
    let good = endpoint("good.example.com", "A", &["192.0.2.1"]);
    let all: Vec<Value> = bad.iter().chain([&good]).cloned().collect();
    let answer = ask(&door, "POST", &format!("{base}/records"), &json!({"create": all}));
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(door.records("example.com"), ["good 300 IN A 192.0.2.1"]);
    assert_eq!(door.records("other.example"), [] as [&str; 0]);
    let refusals =
        wait_for("all refusals", || Some(door.refusals(&key)).filter(|refusals| refusals.len() == bad.len()));
    for rule in ["zone", "type", "content"] {
        assert!(refusals.iter().any(|(by, _)| by == rule), "{rule}: {refusals:?}");
    }
    // What can never be applied is not wanted either.
    let adjusted = ask(&door, "POST", &format!("{base}/adjustendpoints"), &json!(all)).json();
    let names: Vec<&str> =
        adjusted.as_array().expect("endpoints").iter().filter_map(|end| end["dnsName"].as_str()).collect();
    assert_eq!(names, ["example.com", "good.example.com"]);
    // An update whose new form is refused leaves the old one.
    let changes = json!({"updateOld": [good], "updateNew": [endpoint("good.example.com", "A", &["x"])]});
    assert_eq!(ask(&door, "POST", &format!("{base}/records"), &changes).status, 204);
    assert_eq!(door.records("example.com"), ["good 300 IN A 192.0.2.1"]);
}

#[test]
fn records_are_read_back_as_they_are_adjusted() {
    let (door, _, base) = open();
    let heritage = "\"heritage=external-dns,external-dns/owner=default,external-dns/resource=service/ns/svc\"";
    let wanted = json!([
        endpoint("svc.example.com", "A", &["192.0.2.2", "192.0.2.1"]),
        endpoint("svc.example.com", "AAAA", &["2001:DB8::1"]),
        endpoint("a-svc.example.com", "TXT", &[heritage]),
        endpoint("plain.example.com", "TXT", &["v=spf1 -all"]),
        endpoint("www.example.com", "CNAME", &["Svc.example.com."]),
        endpoint("example.com", "MX", &["10 mail.example.net."]),
        endpoint("_sip._tcp.example.com", "SRV", &["1 2 3 sip.example.net"]),
        endpoint("*.example.com", "A", &["192.0.2.3"]),
        json!({"dnsName": "none.example.com", "targets": ["192.0.2.4"], "recordType": "A", "labels": null}),
    ]);
    let adjusted = ask(&door, "POST", &format!("{base}/adjustendpoints"), &wanted).json();
    assert_eq!(ask(&door, "POST", &format!("{base}/records"), &json!({"create": wanted})).status, 204);
    let read = ask(&door, "GET", &format!("{base}/records"), &json!(null)).json();
    let of = |list: &Value| {
        let mut all: Vec<(String, String, Vec<String>)> = list
            .as_array()
            .expect("endpoints")
            .iter()
            .map(|endpoint| {
                let mut targets: Vec<String> = serde_json::from_value(endpoint["targets"].clone()).expect("targets");
                targets.sort();
                let text = |member: &str| endpoint[member].as_str().expect("text").to_owned();
                (text("dnsName"), text("recordType"), targets)
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(of(&adjusted), of(&read));
    let find = |name: &str| {
        read.as_array().expect("endpoints").iter().find(|end| end["dnsName"] == name).expect("an endpoint")
    };
    assert_eq!(find("a-svc.example.com")["targets"], json!([heritage]), "quoted as it came");
    assert_eq!(find("plain.example.com")["targets"], json!(["v=spf1 -all"]), "and not quoted as it came");
    assert_eq!(
        (&find("svc.example.com")["recordTTL"], &find("none.example.com")["recordTTL"]),
        (&json!(300), &json!(3600))
    );
    assert_eq!(adjusted[0]["labels"], json!({"owner": "default"}));
    let versions = door.versions("example.com").len();
    assert_eq!(ask(&door, "POST", &format!("{base}/records"), &json!({"create": adjusted})).status, 204);
    assert_eq!(door.versions("example.com").len(), versions, "nothing was changed");
}
