//! The way back to an earlier version, as the nameservers see it.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use common::Server;
use common::api::Api;
use serde_json::{Value, json};

/// The addresses that are served.
fn serves(server: &Server, name: &str, address: &str) {
    let wanted = if address.is_empty() { String::new() } else { format!("{name}. 3600 IN A {address}\n") };
    server.dig_until(&[name, "A"], |answer| answer == wanted);
}

fn goes_back_and_forth(flags: &[&str]) {
    let server = Server::start(flags);
    let api = Api::new(&server, &server.token());
    let zone = api.create_zone("example.com");
    let www = api.create_a(&zone, "www", "192.0.2.1");
    let gone = api.create_a(&zone, "gone", "192.0.2.2");
    let history = format!("/dns-zones/{zone}/history/");
    let newest = || -> Value { api.send("GET", &history, None).1[0]["serial"].clone() };
    let then = newest();
    assert_eq!(api.send("PATCH", &format!("/dns-records/{www}/"), Some(&json!({"value": "192.0.2.9"}))).0, 200);
    assert_eq!(api.send("DELETE", &format!("/dns-records/{gone}/"), None).0, 204);
    api.create_a(&zone, "new", "192.0.2.3");
    let undo = newest();
    let at_first = |new: &str, www: &str, gone: &str| {
        serves(&server, "new.example.com", new);
        serves(&server, "www.example.com", www);
        serves(&server, "gone.example.com", gone);
    };
    at_first("192.0.2.3", "192.0.2.9", "");

    let back = |serial: &Value| {
        let (status, body) =
            api.send("POST", &format!("/dns-zones/{zone}/rollback/"), Some(&json!({"serial": serial})));
        assert_eq!(status, 200, "{body}");
        body
    };
    let made = back(&then);
    assert_eq!(made["serial"], newest());
    at_first("", "192.0.2.1", "192.0.2.2");
    back(&undo);
    at_first("192.0.2.3", "192.0.2.9", "");
    // The rollback itself is a version to go back to.
    back(&made["serial"]);
    at_first("", "192.0.2.1", "192.0.2.2");
    assert_eq!(api.status(&format!("/dns-records/{gone}/")), 200, "under its old UUID");
    let versions = api.send("GET", &history, None).1;
    let sources: Vec<_> = versions.as_array().expect("a list").iter().map(|version| &version["source"]).collect();
    assert_eq!(sources, ["rollback", "rollback", "rollback", "api", "api", "api", "api", "api", "api"]);
}

#[test]
fn the_built_in_nameserver_goes_back_and_forth() {
    goes_back_and_forth(&[]);
}

#[test]
fn bind_goes_back_and_forth() {
    goes_back_and_forth(&["--nameserver", "bind9-managed"]);
}
