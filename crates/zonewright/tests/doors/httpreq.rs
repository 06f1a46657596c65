//! lego's httpreq.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::common::pebble::Pebble;
use crate::common::raw::{Answer, send};
use crate::{Door, steps};

const VALUE: &str = "L6uxMplQleNuB4_mYJ1Q7lkAVPSavx5wousjwn8_uuo";

#[track_caller]
fn ask(door: &Door, token: &str, call: &str, body: &str) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("any:{token}")));
    let headers = [("Authorization", basic.as_str()), ("Content-Type", "application/json")];
    send(door.server.http(), &format!("POST /httpreq/{call} HTTP/1.1"), &headers, body)
}

fn challenge(fqdn: &str, value: &str) -> String {
    json!({"fqdn": fqdn, "value": value}).to_string() + "\n"
}

#[test]
fn refusals_say_what_is_wrong_and_change_nothing() {
    let door = Door::open();
    door.api.create_zone("example.com");
    let other = door.other_account();
    let name = "_acme-challenge.www.example.com.";
    for call in ["present", "cleanup"] {
        let none = send(door.server.http(), &format!("POST /httpreq/{call} HTTP/1.1"), &[], &challenge(name, VALUE));
        assert_eq!((none.status, none.header("WWW-Authenticate")), (401, Some("Basic realm=\"httpreq\"")));
        assert_eq!(ask(&door, "wrong", call, "{").status, 401);
        for (token, body, status, says) in [
            (door.key.as_str(), "{", 400, "Bad Request"),
            (&door.key, "{}", 422, "send fqdn and value, or domain and keyAuth"),
            (&door.key, r#"{"fqdn": 7, "value": "x"}"#, 422, "fqdn: invalid type: integer `7`, expected a string"),
            (&door.key, r#"{"fqdn": "a..b.", "value": "x"}"#, 422, "fqdn: "),
            (
                &door.key,
                &challenge("_acme-challenge.example.org.", VALUE),
                404,
                "No zone of this key contains the name",
            ),
            (&other, &challenge(name, VALUE), 404, "No zone of this key contains the name"),
            (&door.key, &challenge(name, "\"open"), 422, "value: a quoted string is not closed"),
            (&door.key, &format!("{{\"fqdn\": \"{}\"}}", "x".repeat(70_000)), 413, "larger than 65536 octets"),
        ] {
            let answer = ask(&door, token, call, body);
            assert_eq!(answer.status, status, "{call} {body:.80}: {answer:?}");
            assert!(answer.text.contains(says), "{call} {body:.80}: {answer:?}");
        }
    }
    let reader = door.other_key(crate::common::ADMIN, &["--permission", "dns:list"]);
    let answer = ask(&door, &reader, "present", &challenge(name, VALUE));
    assert_eq!((answer.status, answer.text.as_str()), (403, "Key lacks dns:create permission"));
    assert_eq!(ask(&door, &reader, "cleanup", &challenge(name, VALUE)).status, 200, "nothing is there");
    let key = door.update_key(&json!({"name": "acme", "zones": ["example.com"], "acme": "www.example.com"}));
    let token = key["token"].as_str().expect("a token");
    let answer = ask(&door, token, "present", &challenge("_acme-challenge.mail.example.com.", VALUE));
    assert_eq!((answer.status, answer.text.as_str()), (403, "Key may not change _acme-challenge.mail.example.com."));
    assert_eq!(door.refusals(&key), [("name".to_owned(), answer.text)]);
    assert_eq!(door.versions("example.com").len(), 1);
    assert_eq!(ask(&door, token, "present", &challenge(name, VALUE)).status, 200);
    assert_eq!(door.versions("example.com")[0], ("acme".to_owned(), "acme".to_owned()));
}

#[test]
fn recorded_requests_set_and_remove_single_values() {
    let door = Door::open();
    door.api.create_zone("example.test");
    let send_step = |step: &Value| {
        let path = step["path"].as_str().expect("a path");
        let answer = ask(&door, &door.key, path.rsplit('/').next().expect("a call"), &step["body"].to_string());
        assert_eq!((json!(answer.status), json!(answer.text)), (step["status"].clone(), step["response"].clone()));
    };
    let line = |name: &str, value: &str| format!("_acme-challenge.{name} 60 IN TXT \"{value}\"");
    // The value of the raw mode is a digest.
    let digest = "3cuILNad4R2qq_5B3qPjjlKgG-zpkbB4gSNyMc2yPLQ";
    for (run, name, value) in [("lego 4.9.1 httpreq", "www", VALUE), ("lego 4.9.1 httpreq RAW", "mail", digest)] {
        let [present, cleanup] = &steps("captured-http.json", run)[..] else { panic!("two steps") };
        send_step(present);
        assert_eq!(door.records("example.test"), [line(name, value)]);
        let versions = door.versions("example.test").len();
        send_step(present);
        assert_eq!(door.versions("example.test").len(), versions, "it was there");
        let fqdn = format!("_acme-challenge.{name}.example.test.");
        assert_eq!(ask(&door, &door.key, "present", &challenge(&fqdn, "other")).status, 200);
        send_step(cleanup);
        send_step(cleanup);
        assert_eq!(door.records("example.test"), [line(name, "other")]);
        assert_eq!(ask(&door, &door.key, "cleanup", &challenge(&fqdn, "other")).status, 200);
    }
}

#[test]
fn the_longest_zone_takes_the_challenge_and_concurrent_clients_lose_nothing() {
    let door = Door::open();
    for domain in ["example.com", "sub.example.com"] {
        door.api.create_zone(domain);
    }
    std::thread::scope(|scope| {
        for number in 0..16 {
            let door = &door;
            let body = challenge("_acme-challenge.www.sub.example.com", &format!("v{number:02}"));
            scope.spawn(move || assert_eq!(ask(door, &door.key, "present", &body).status, 200));
        }
    });
    assert_eq!(door.records("sub.example.com").len(), 16);
    assert_eq!(door.records("example.com"), [] as [&str; 0]);
}

#[test]
fn lego_gets_a_certificate() {
    let door = Door::open();
    door.api.create_zone("example.com");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pebble = Pebble::start(folder.path(), &door.server);
    let key = door.update_key(&json!({"name": "acme", "zones": ["example.com"], "acme": "www.example.com"}));
    let endpoint = format!("{}/httpreq", door.server.base());
    let token = key["token"].as_str().expect("a token");
    let environment =
        [("HTTPREQ_ENDPOINT", endpoint.as_str()), ("HTTPREQ_USERNAME", "lego"), ("HTTPREQ_PASSWORD", token)];
    pebble.lego(&door.server, folder.path(), "httpreq", &environment);
    assert_eq!(door.records("example.com"), [] as [&str; 0], "the challenges are removed");
}
