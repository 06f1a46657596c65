//! Proof that an account controls a name, with another server's nameserver as the public DNS.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::path::Path;

use common::api::Api;
use common::{Server, describe, run, wait_for, zonewright};
use serde_json::{Value, json};

fn says(data: &Path, words: &[&str]) -> String {
    let output = run(&mut zonewright(data, words));
    assert!(output.status.success(), "{words:?}: {}", describe(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// The public DNS: a server of its own, in which the test publishes.
struct World {
    server: Server,
    api: Api,
}

impl World {
    fn start() -> World {
        let server = Server::start(&[]);
        let api = Api::new(&server, &server.token());
        World { server, api }
    }

    fn publish(&self, zone: &str, record_type: &str, name: &str, value: &str) {
        let record = json!({"record_type": record_type, "name": name, "value": value});
        let (status, answer) = self.api.send("POST", &format!("/dns-zones/{zone}/records/"), Some(&record));
        assert_eq!(status, 201, "{answer}");
    }

    fn sees(&self, name: &str, record_type: &str, what: &str) {
        self.server.dig_until(&[name, record_type], |answer| answer.contains(what));
    }
}

/// The server under test, which asks that public DNS, and gives three seconds of notice.
struct Ours {
    server: Server,
    _folder: tempfile::TempDir,
}

impl Ours {
    fn start(world: &World) -> Ours {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("zonewright.toml");
        let text = format!("[claims]\nnotice = \"3s\"\nresolvers = [\"{}\"]\n", world.server.dns());
        std::fs::write(&file, text).expect("a file");
        let server = Server::start(&["--config", file.to_str().expect("a path")]);
        Ours { server, _folder: folder }
    }

    fn account(&self, name: &str) -> Api {
        let (data, email) = (self.server.data(), format!("{name}@example.com"));
        says(data, &["account", "create", &email]);
        let token = says(data, &["token", "create", "--account", &email, "--name", "ci", "--permission", "dns:*"]);
        Api::new(&self.server, token.trim())
    }
}

fn wants(api: &Api, domain: &str) -> (u16, Value) {
    api.send("POST", "/dns-zones/", Some(&json!({"domain": domain})))
}

/// Asks for a zone that is in another's way, and gives what to publish.
#[track_caller]
fn claim(api: &Api, domain: &str) -> String {
    let (status, refusal) = wants(api, domain);
    assert_eq!((status, &refusal["field"]), (400, &"domain".into()), "{refusal}");
    let claim = &refusal["claim"];
    assert_eq!(claim["name"], format!("_zonewright-claim.{domain}"));
    assert_eq!(claim["type"], "TXT");
    claim["value"].as_str().expect("a value").to_owned()
}

#[test]
fn a_record_in_the_public_dns_displaces_an_unproven_zone() {
    let world = World::start();
    let ours = Ours::start(&world);
    let (ann, bob) = (ours.account("ann"), ours.account("bob"));
    let squatted = ann.create_zone("brand.example");
    ann.create_a(&squatted, "www", "192.0.2.1");
    ours.server.dig_until(&["www.brand.example", "A"], |answer| answer.contains("192.0.2.1"));
    let real = world.api.create_zone("brand.example");
    let value = claim(&bob, "brand.example");
    assert_eq!(claim(&bob, "brand.example"), value, "it stays the same");
    let carl = ours.account("carl");
    assert_ne!(claim(&carl, "brand.example"), value, "and is another account's own");
    // An alias is not followed, wherever the record is.
    world.publish(&real, "TXT", "elsewhere", &value);
    world.publish(&real, "CNAME", "_zonewright-claim", "elsewhere.brand.example");
    world.sees("_zonewright-claim.brand.example", "TXT", &value);
    let (status, refusal) = wants(&bob, "brand.example");
    assert_eq!(status, 400);
    assert!(
        refusal["claim"]["hint"].as_str().is_some_and(|hint| hint.contains("was not found in the public DNS")),
        "{refusal}"
    );
    let (_, records) = world.api.send("GET", &format!("/dns-zones/{real}/records/"), None);
    let records = records.as_array().expect("records");
    let alias = records.iter().find(|record| record["record_type"] == "CNAME").expect("the alias");
    let alias = alias["uuid"].as_str().expect("a UUID");
    assert_eq!(world.api.send("DELETE", &format!("/dns-records/{alias}/"), None).0, 204);
    world.publish(&real, "TXT", "_zonewright-claim", &value);
    wait_for("the record", || {
        let answer = world.server.dig(&["_zonewright-claim.brand.example", "TXT"]);
        (answer.contains(&value) && !answer.contains("CNAME")).then_some(())
    });

    let (status, made) = wants(&bob, "brand.example");
    assert_eq!((status, &made["not_served"]["reason"]), (201, &"waiting".into()), "{made}");
    let zone = made["uuid"].as_str().expect("a UUID").to_owned();
    bob.create_a(&zone, "www", "192.0.2.2");
    assert!(ours.server.dig(&["www.brand.example", "A", "+short"]).contains("192.0.2.1"));
    let listed = says(ours.server.data(), &["zone", "claims"]);
    assert!(listed.contains("brand.example\tann@example.com\tclaimed by bob@example.com"), "{listed}");
    ours.server.dig_until(&["www.brand.example", "A", "+short"], |answer| answer.contains("192.0.2.2"));
    let (_, zone_of_ann) = ann.send("GET", &format!("/dns-zones/{squatted}/"), None);
    assert_eq!(zone_of_ann["not_served"]["reason"], "displaced", "{zone_of_ann}");
    assert_eq!(zone_of_ann["record_count"], 1);
    let (_, shown) = bob.send("GET", &format!("/dns-zones/{zone}/claim/"), None);
    assert!(shown["proved_at"].is_string() && shown["value"] == value.as_str(), "{shown}");
}

#[test]
fn zones_above_and_of_operators_stay_and_looks_are_counted() {
    let world = World::start();
    let ours = Ours::start(&world);
    let (ann, bob) = (ours.account("ann"), ours.account("bob"));
    ann.create_zone("platform.example");
    Api::new(&ours.server, &ours.server.token()).create_zone("operator.example");
    let platform = world.api.create_zone("platform.example");
    let operator = world.api.create_zone("operator.example");

    let value = claim(&bob, "user.platform.example");
    world.publish(&platform, "TXT", "_zonewright-claim.user", &value);
    world.sees("_zonewright-claim.user.platform.example", "TXT", &value);
    let (status, refusal) = wants(&bob, "user.platform.example");
    assert_eq!(status, 400, "whoever may write records there has not been given the name: {refusal}");
    let child = world.api.create_zone("user.platform.example");
    world.publish(&child, "TXT", "_zonewright-claim", &value);
    world.sees("user.platform.example", "SOA", "SOA");
    world.sees("_zonewright-claim.user.platform.example", "TXT", &value);
    let (status, made) = wants(&bob, "user.platform.example");
    assert_eq!((status, &made["not_served"]), (201, &Value::Null), "{made}");

    let value = claim(&bob, "operator.example");
    world.publish(&operator, "TXT", "_zonewright-claim", &value);
    world.sees("_zonewright-claim.operator.example", "TXT", &value);
    let (status, refusal) = wants(&bob, "operator.example");
    assert_eq!((status, &refusal["claim"]), (400, &Value::Null), "{refusal}");

    let carl = ours.account("carl");
    claim(&carl, "platform.example");
    for _ in 0..10 {
        assert_eq!(wants(&carl, "platform.example").0, 400);
    }
    let (status, refusal) = wants(&carl, "platform.example");
    assert_eq!((status, &refusal["error_code"]), (429, &"rate_limited".into()), "{refusal}");
}

#[test]
fn two_who_prove_it_wait_for_the_operator() {
    let world = World::start();
    let ours = Ours::start(&world);
    let (ann, bob) = (ours.account("ann"), ours.account("bob"));
    let anns = ann.create_zone("brand.example");
    let real = world.api.create_zone("brand.example");
    let path = format!("/dns-zones/{anns}/claim/");
    let (_, shown) = ann.send("GET", &path, None);
    assert_eq!(shown["proved_at"], Value::Null);
    let (status, refusal) = ann.send("POST", &path, None);
    assert_eq!((status, &refusal["claim"]["value"]), (400, &shown["value"]), "{refusal}");
    assert_eq!(bob.send("GET", &path, None).0, 404);
    assert_eq!(bob.send("POST", &path, None).0, 404);
    let value = claim(&bob, "brand.example");
    for value in [&value, shown["value"].as_str().expect("a value")] {
        world.publish(&real, "TXT", "_zonewright-claim", value);
        world.sees("_zonewright-claim.brand.example", "TXT", value);
    }
    assert_eq!(ann.send("POST", &path, None).0, 200);
    let (status, made) = wants(&bob, "brand.example");
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["not_served"], json!({"reason": "waiting", "until": null}));
    let listed = says(ours.server.data(), &["zone", "claims"]);
    assert!(listed.contains("zonewright zone move brand.example --to"), "{listed}");
    let checked = says(ours.server.data(), &["doctor"]);
    assert!(
        checked.contains(
            "warn  claims: brand.example of ann@example.com by bob@example.com (both accounts proved control)"
        ),
        "{checked}"
    );
    says(ours.server.data(), &["zone", "move", "brand.example", "--to", "bob@example.com"]);
    let (_, anns) = ann.send("GET", &format!("/dns-zones/{anns}/"), None);
    assert_eq!(anns["not_served"]["reason"], "displaced", "{anns}");
    assert_eq!(says(ours.server.data(), &["zone", "claims"]), "");
    let checked = says(ours.server.data(), &["doctor"]);
    assert!(checked.contains("ok    claims: no zone will be displaced"), "{checked}");
}

#[test]
fn own_nameservers_are_no_resolvers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for resolver in ["127.0.0.1:5300", "resolver.example"] {
        let output = run(&mut zonewright(folder.path(), &["serve", "--resolvers", resolver]));
        assert_eq!(output.status.code(), Some(2), "{}", describe(&output));
        assert!(describe(&output).contains("resolvers: "), "{}", describe(&output));
    }
}
