//! What goes wrong with the storage below: a disk that fills, and a database file that is damaged.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use common::api::Api;
use common::{Server, describe, run, wait_for, zonewright};
use serde_json::{Value, json};

/// Octets of a page of the database file.
const PAGE: u64 = 4096;

fn readyz(server: &Server) -> (u16, String) {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let mut answer = agent.get(format!("{}/readyz", server.base())).call().expect("an answer");
    (answer.status().as_u16(), answer.body_mut().read_to_string().expect("text"))
}

/// Adds a record; its status, its body and its Retry-After.
fn add(server: &Server, token: &str, zone: &str, number: usize) -> (u16, Value, Option<String>) {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let body = json!({"record_type": "TXT", "name": format!("r{number}"), "value": "x".repeat(2000)});
    let mut answer = agent
        .post(format!("{}/dns-zones/{zone}/records/", server.api()))
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .send(body.to_string())
        .expect("an answer");
    let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
    let text = answer.body_mut().read_to_string().expect("text");
    (answer.status().as_u16(), serde_json::from_str(&text).expect("JSON"), retry_after)
}

/// Writes until there is no room left.
fn fill(path: &Path) {
    let mut file = File::create(path).expect("a file");
    for size in [65_536, 4096, 1] {
        let block = vec![0; size];
        while file.write_all(&block).is_ok() {}
    }
}

#[test]
fn a_full_disk_refuses_changes_loses_none_and_recovers() {
    let server = Server::start_on_small_disk(48, &[]);
    // Commands do not see the disk but from where the server stands.
    let create = ["token", "create", "--account", "admin@localhost", "--name", "test", "--permission", "dns:*"];
    let create = zonewright(server.data(), &create);
    let mut command = Command::new("nsenter");
    command.args(["--target", &server.pid().to_string(), "--user", "--mount", "--preserve-credentials"]);
    command.arg(create.get_program()).args(create.get_args());
    let created = wait_for("the first account", || Some(run(&mut command)).filter(|output| output.status.success()));
    let token = String::from_utf8_lossy(&created.stdout).trim().to_owned();
    let api = Api::new(&server, &token);
    let zone = api.create_zone("full.example");
    let mut accepted = 0;
    while accepted < 20 {
        assert_eq!(add(&server, &token, &zone, accepted).0, 201);
        accepted += 1;
    }
    assert_eq!(readyz(&server), (200, "ready\n".to_owned()));
    let log = wait_for("the warning", || Some(server.log()).filter(|log| log.contains("the disk is nearly full")));
    assert!(log.contains("MiB free of 48 MiB"), "{log}");

    let filler = server.own_view(&server.data().join("../filler"));
    fill(&filler);
    let (status, body, retry_after) = loop {
        assert!(accepted < 10_000, "the disk does not fill");
        match add(&server, &token, &zone, accepted) {
            (201, ..) => accepted += 1,
            refused => break refused,
        }
    };
    assert_eq!(status, 503, "{body}");
    assert_eq!(body["error_code"], "unavailable");
    assert!(body["detail"].as_str().expect("text").contains("disk is full"), "{body}");
    assert_eq!(retry_after.as_deref(), Some("30"));
    let (status, why) = readyz(&server);
    assert_eq!(status, 503);
    assert!(why.contains("disk is full"), "{why}");
    let log = server.log();
    assert_eq!(log.matches("the disk is full: changes are refused until there is room").count(), 1, "{log}");
    wait_for("the metric", || server.metrics().contains("zonewright_disk_full 1").then_some(()));

    // Reads and DNS go on.
    assert_eq!(api.status(&format!("/dns-zones/{zone}/")), 200);
    assert!(server.dig(&["r0.full.example", "TXT"]).contains("xxxx"));

    fs::remove_file(&filler).expect("a file");
    wait_for("the server to be ready again", || (readyz(&server).0 == 200).then_some(()));
    assert_eq!(add(&server, &token, &zone, accepted).0, 201);
    accepted += 1;
    let (_, stored) = api.send("GET", &format!("/dns-zones/{zone}/records/"), None);
    let names: Vec<&str> =
        stored.as_array().expect("records").iter().filter_map(|record| record["name"].as_str()).collect();
    assert_eq!(names.len(), accepted, "what was acknowledged is there, and nothing else");
    assert!((0..accepted).all(|number| names.contains(&format!("r{number}").as_str())));
}

/// Overwrites 600 octets in each of these pages, counted from 0, after so many octets of the page.
fn damage(database: &Path, pages: impl Iterator<Item = u64>, after: u64) {
    let mut file = OpenOptions::new().write(true).open(database).expect("the database");
    for page in pages {
        file.seek(SeekFrom::Start(page * PAGE + after)).expect("a place");
        file.write_all(&[0x5a; 600]).expect("damage");
    }
    file.sync_all().expect("damage");
}

/// A data directory with some zones and records, as a server left it; its token.
fn with_zones(data: &Path) -> String {
    let mut server = Server::start_in(data, &[]);
    let token = server.token();
    let api = Api::new(&server, &token);
    for number in 0..40 {
        let file: String = (0..60).map(|host| format!("h{host} A 192.0.2.{host}\n")).collect();
        let body = json!({"domain": format!("zone{number}.example"), "zonefile": format!("$TTL 60\n{file}")});
        assert_eq!(api.send("POST", "/dns-zones/", Some(&body)).0, 201);
    }
    assert!(server.stop().success());
    token
}

#[test]
fn a_server_does_not_start_on_a_file_that_it_cannot_read_and_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    with_zones(&data);
    let database = data.join("zonewright.sqlite");
    let pages = fs::metadata(&database).expect("the database").len() / PAGE;
    damage(&database, (1..pages).filter(|page| page % 5 == 0), 0);
    let before = fs::read(&database).expect("the database");
    let free = ["--http", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--metrics", "none"];
    let refused = run(zonewright(&data, &["serve"]).args(free));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{}", describe(&refused));
    assert!(said.contains("malformed") && said.contains("newest backup"), "{said}");
    let doctor = run(&mut zonewright(&data, &["doctor", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"]));
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert_eq!(doctor.status.code(), Some(1), "{}", describe(&doctor));
    assert!(said.contains("BAD   database") && said.contains("backup"), "{said}");
    assert!(fs::read(&database).expect("the database") == before, "the file was written to");
}

#[test]
fn dns_goes_on_when_the_file_is_damaged_under_a_running_server_and_nothing_is_written_to_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let token = with_zones(&data);
    let mut server = Server::start_in(&data, &[]);
    let database = data.join("zonewright.sqlite");
    let pages = fs::metadata(&database).expect("the database").len() / PAGE;
    // The beginnings of the pages: SQLite cannot take them for pages any more.
    damage(&database, 1..pages, 0);
    let before = fs::read(&database).expect("the database");
    let api = Api::new(&server, &token);
    wait_for("a change to meet the damage", || {
        let status = api.send("POST", "/dns-zones/", Some(&json!({"domain": "new.example"}))).0;
        (status == 503).then_some(())
    });
    assert_eq!(api.send("POST", "/dns-zones/", Some(&json!({"domain": "other.example"}))).0, 503);
    let (status, why) = readyz(&server);
    assert!(status == 503 && why.contains("damaged"), "{status} {why}");
    for zone in 0..40 {
        let answer = server.dig(&[&format!("h7.zone{zone}.example"), "A"]);
        assert!(answer.contains("192.0.2.7"), "{answer}");
    }
    // Time for tasks that fail again and again to fill the log, if they did.
    let lines = server.log().lines().count();
    let started = Instant::now();
    wait_for("some seconds", || (started.elapsed().as_secs() >= 4).then_some(()));
    let log = server.log();
    assert_eq!(log.matches("the database file is damaged").count(), 1, "{log}");
    assert!(log.contains("malformed"), "the cause is named: {log}");
    assert!(log.lines().count() < lines + 25, "the log fills:\n{log}");
    server.stop();
    assert!(fs::read(&database).expect("the database") == before, "the file was written to");
}
