//! Deleted zones, as the operator brings them back and forgets them beside a running server.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::path::Path;

use common::api::Api;
use common::{Server, describe, run, wait_for, zonewright};

#[track_caller]
fn succeeds(data: &Path, arguments: &[&str]) -> String {
    let output = run(&mut zonewright(data, arguments));
    assert!(output.status.success(), "{arguments:?}: {}", describe(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[track_caller]
fn refused(data: &Path, arguments: &[&str], code: i32, text: &str) {
    let output = run(&mut zonewright(data, arguments));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", describe(&output));
    assert!(describe(&output).contains(text), "{arguments:?}: {}", describe(&output));
}

#[test]
fn a_deleted_zone_comes_back_is_deleted_again_and_forgotten() {
    let server = Server::start(&[]);
    let data = server.data();
    let admin = Api::new(&server, &server.token());
    let zone = admin.create_zone("example.com");
    let record = admin.create_a(&zone, "www", "192.0.2.1");
    for command in ["undelete", "purge"] {
        refused(data, &["zone", command, "example.com"], 2, "zone list --deleted");
        let unknown = "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
        refused(data, &["zone", command, unknown], 1, "there is no deleted zone 0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000");
    }
    refused(data, &["zone", "undelete", &zone], 1, "example.com is not deleted");
    refused(data, &["zone", "purge", &zone], 1, "there is no deleted zone");

    let zone_path = format!("/dns-zones/{zone}/");
    let before = admin.send("GET", &zone_path, None).1;
    for round in 1..=2 {
        assert_eq!(admin.send("DELETE", &zone_path, None).0, 204);
        server.dig_until(&["www.example.com", "A"], str::is_empty);
        assert_eq!(succeeds(data, &["zone", "list"]), "");
        let listed = succeeds(data, &["zone", "list", "--deleted"]);
        let begins = format!("{zone}\texample.com\tadmin@localhost\t1 records\tdeleted ");
        assert!(listed.starts_with(&begins) && listed.lines().count() == 1, "{listed}");

        let back = succeeds(data, &["zone", "undelete", &zone]);
        assert!(back.starts_with("example.com of admin@localhost restored, with 1 records, at serial "), "{back}");
        server.dig_until(&["www.example.com", "A"], |answer| answer.contains("192.0.2.1"));
        assert_eq!(admin.send("GET", &zone_path, None).1, before, "as it was, round {round}");
        assert_eq!(admin.status(&format!("/dns-records/{record}/")), 200);
    }
    let history = admin.send("GET", &format!("{zone_path}history/"), None).1;
    let events: Vec<_> = history.as_array().expect("a list").iter().map(|version| &version["event"]).collect();
    assert_eq!(events, ["undeleted", "deleted", "undeleted", "deleted", "changed", "created"]);

    assert_eq!(admin.send("DELETE", &zone_path, None).0, 204);
    let other = admin.create_zone("example.com");
    refused(data, &["zone", "undelete", &zone], 1, "the name example.com was taken since by another zone");
    assert_eq!(
        succeeds(data, &["zone", "purge", &zone]),
        "example.com of admin@localhost permanently deleted, with its history\n"
    );
    assert_eq!(succeeds(data, &["zone", "list", "--deleted"]), "");
    refused(data, &["zone", "undelete", &zone], 1, "there is no deleted zone");
    // The zone that has the name now is not concerned.
    admin.create_a(&other, "new", "192.0.2.9");
    server.dig_until(&["new.example.com", "A"], |answer| answer.contains("192.0.2.9"));
}

#[test]
fn a_zone_that_comes_back_while_nobody_serves_is_served_at_the_next_start() {
    let mut server = Server::start(&[]);
    let admin = Api::new(&server, &server.token());
    let zone = admin.create_zone("example.com");
    admin.create_a(&zone, "www", "192.0.2.1");
    assert_eq!(admin.send("DELETE", &format!("/dns-zones/{zone}/"), None).0, 204);
    let data = server.data().to_owned();
    server.kill();
    succeeds(&data, &["zone", "undelete", &zone]);
    let again = Server::start_in(&data, &[]);
    wait_for("the zone to be served", || again.dig(&["www.example.com", "A"]).contains("192.0.2.1").then_some(()));
}
