//! Several servers on one PostgreSQL: any of them answers, all serve, and what happens when one or the database is gone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
#[path = "common/nodes.rs"]
mod kit;
#[path = "../../store/tests/common/postgres.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest")]
mod postgres;

use common::api::Api;
use common::{Server, describe, run, wait_for, zonewright};
use kit::Nodes;
use serde_json::json;

fn serves(server: &Server, name: &str, address: &str) {
    let wanted = format!("{name}. 3600 IN A {address}\n");
    server.dig_until(&[name, "A"], |answer| answer == wanted);
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |url: &str, wanted: &[&str]| {
        let data = folder.path().join("data");
        let output = run(zonewright(&data, &["serve", "--http", "127.0.0.1:0"]).env("ZONEWRIGHT_DATABASE", url));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{url}");
        assert!(!said.contains("hunter2"), "{said}");
        for word in wanted {
            assert!(said.contains(word), "wanted {word:?}: {said}");
        }
    };
    refuse("postgres://me:hunter2@127.0.0.1/zones?sslmode=on", &["ZONEWRIGHT_DATABASE", "sslmode=on does not exist"]);
    // Nothing listens there.
    refuse(
        "postgres://me:hunter2@127.0.0.1:1/zones",
        &["database: postgres://127.0.0.1:1/zones", "is the server running"],
    );
    let url = postgres::empty_database();
    postgres::execute(&url, "CREATE TABLE others (id BIGINT)");
    refuse(&url, &["is not a database of this program"]);
}

#[test]
fn any_node_answers_and_all_serve() {
    let nodes = Nodes::new();
    let mut one = nodes.start("one");
    let two = nodes.start("two");
    let token = nodes.token(&one);
    let (api_one, api_two) = (Api::new(&one, &token), Api::new(&two, &token));

    let zone = api_one.create_zone("example.com");
    api_two.create_a(&zone, "www", "192.0.2.1");
    serves(&one, "www.example.com", "192.0.2.1");
    serves(&two, "www.example.com", "192.0.2.1");

    // A node with another key, or without one, says where the right one is.
    let other = nodes.folder.path().join("other");
    let refused = run(&mut nodes.command(&other, &["serve", "--http", "127.0.0.1:0"]));
    assert!(describe(&refused).contains("copy secret.key from"), "{}", describe(&refused));

    // A command without the URL would use another database: it is refused.
    let without = run(&mut zonewright(two.data(), &["account", "list"]));
    assert!(!without.status.success());
    assert!(describe(&without).contains("ZONEWRIGHT_DATABASE"), "{}", describe(&without));

    // One node is killed: the other goes on, and the first catches up when it is back.
    one.kill();
    api_two.create_a(&zone, "later", "192.0.2.2");
    serves(&two, "later.example.com", "192.0.2.2");
    let one = nodes.start("one");
    serves(&one, "later.example.com", "192.0.2.2");

    // A token that a command on one node revokes is refused by both.
    let listed = run(&mut nodes.command(one.data(), &["token", "list"]));
    let listed = String::from_utf8(listed.stdout).unwrap();
    let number = listed.lines().nth(1).and_then(|line| line.split('\t').next()).expect("a token").to_owned();
    assert!(run(&mut nodes.command(one.data(), &["token", "revoke", &number])).status.success());
    for server in [&one, &two] {
        let api = Api::new(server, &token);
        wait_for("the token to be refused", || (api.status("/dns-zones/") == 401).then_some(()));
    }
}

#[test]
fn a_database_that_is_gone_is_an_honest_503_and_the_nameserver_goes_on() {
    let nodes = Nodes::new();
    let mut server = nodes.start("one");
    let api = Api::new(&server, &nodes.token(&server));
    let zone = api.create_zone("example.com");
    api.create_a(&zone, "www", "192.0.2.1");
    serves(&server, "www.example.com", "192.0.2.1");

    postgres::refuse_connections(&nodes.url, || {
        let wish = json!({"name": "new", "record_type": "A", "value": "192.0.2.2"});
        let (status, body) = api.send("POST", &format!("/dns-zones/{zone}/records/"), Some(&wish));
        assert_eq!((status, &body["error_code"]), (503, &json!("unavailable")), "{body}");
        assert_eq!(api.status(&format!("/dns-zones/{zone}/records/")), 503);
        wait_for("the server to say that it is not ready", || {
            server.waits_for().contains("the database cannot be reached").then_some(())
        });
        assert_eq!(server.dig(&["www.example.com", "A"]), "www.example.com. 3600 IN A 192.0.2.1\n");
    });
    server.wait_until_ready();
    api.create_a(&zone, "after", "192.0.2.3");
    serves(&server, "after.example.com", "192.0.2.3");
    let records = api.send("GET", &format!("/dns-zones/{zone}/records/"), None).1;
    let names: Vec<_> = records.as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| **name == "new").count(), 0, "what was refused is not there: {names:?}");
}
