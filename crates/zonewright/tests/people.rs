//! The operator's commands for accounts and bound tokens, beside a running server.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::path::Path;

use common::api::Api;
use common::{Server, describe, run, wait_for, zonewright};

fn says(data: &Path, words: &[&str]) -> String {
    let output = run(&mut zonewright(data, words));
    assert!(output.status.success(), "{words:?}: {}", describe(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn refused(data: &Path, words: &[&str], says: &str) {
    let output = run(&mut zonewright(data, words));
    assert!(!output.status.success(), "{words:?}: {}", describe(&output));
    assert!(describe(&output).contains(says), "{words:?}: {}", describe(&output));
}

/// The status of a page, with a browser's way to ask.
fn page(server: &Server, path: &str) -> u16 {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
    let agent: ureq::Agent = config.into();
    let url = format!("{}{path}", server.base());
    agent.get(&url).header("accept", "text/html").call().expect("an answer").status().as_u16()
}

fn path_of(said: &str) -> String {
    let at = said.find("/link/").expect("a link");
    said[at..].split_whitespace().next().expect("its path").to_owned()
}

#[test]
fn accounts_are_suspended_and_let_in_again_under_a_running_server() {
    let server = Server::start(&[]);
    let data = server.data();
    refused(data, &["account", "link", "ann@example.com"], "there is no account ann@example.com");
    let made = says(data, &["account", "create", "ann@example.com"]);
    assert!(made.contains("signs its owner in, once"), "{made}");
    let first = path_of(&made);
    assert_eq!(page(&server, &first), 200);
    assert_eq!(page(&server, "/link/x/"), 410);

    let all = ["--permission", "dns:*"];
    let create = [&["token", "create", "--account", "ann@example.com", "--name", "ci"][..], &all].concat();
    let token = says(data, &create);
    let ann = Api::new(&server, token.trim());
    assert_eq!(ann.status("/dns-zones/"), 200);

    says(data, &["account", "suspend", "ann@example.com"]);
    wait_for("the token to be refused", || (ann.status("/dns-zones/") == 401).then_some(()));
    assert_eq!(page(&server, &first), 410, "and the link");
    refused(data, &["account", "link", "ann@example.com"], "zonewright account resume ann@example.com");
    refused(data, &create, "there is no such account");
    let listed = says(data, &["account", "list"]);
    assert!(listed.contains("ann@example.com\tuser\tsuspended"), "{listed}");
    assert!(listed.contains("admin@localhost\toperator\tactive"), "{listed}");
    says(data, &["account", "resume", "ann@example.com"]);
    wait_for("the token to be good again", || (ann.status("/dns-zones/") == 200).then_some(()));
    assert_eq!(page(&server, &path_of(&says(data, &["account", "link", "ann@example.com"]))), 200);

    refused(data, &["account", "suspend", "admin@localhost"], "the last operator");
    refused(data, &["account", "role", "admin@localhost", "user"], "the last operator");
    refused(data, &["account", "role", "ann@example.com", "king"], "use user or operator");
    says(data, &["account", "role", "ann@example.com", "operator"]);
    says(data, &["account", "suspend", "admin@localhost"]);
}

#[test]
fn tokens_are_bound_to_zones_and_networks() {
    let server = Server::start(&[]);
    let data = server.data();
    let admin = Api::new(&server, &server.token());
    admin.create_zone("example.com");
    admin.create_zone("example.org");
    let create = ["token", "create", "--account", "admin@localhost", "--name", "ci", "--permission", "dns:*"];
    let with = |more: &[&'static str]| [&create[..], more].concat();
    refused(data, &with(&["--zone", "example.net"]), "admin@localhost has no zone example.net");
    refused(data, &with(&["--cidr", "192.0.2.1/24"]), "192.0.2.0/24 is the network");
    refused(data, &with(&["--cidr", "example.com"]), "give a network such as");

    let bound = says(data, &with(&["--zone", "Example.ORG"]));
    let (status, zones) = Api::new(&server, bound.trim()).send("GET", "/dns-zones/", None);
    assert_eq!((status, zones.as_array().map(Vec::len)), (200, Some(1)));
    assert_eq!(zones[0]["domain"], "example.org");
    let elsewhere = says(data, &with(&["--cidr", "192.0.2.0/24"]));
    assert_eq!(Api::new(&server, elsewhere.trim()).status("/dns-zones/"), 401);
    let here = says(data, &with(&["--cidr", "192.0.2.0/24", "--cidr", "127.0.0.1"]));
    assert_eq!(Api::new(&server, here.trim()).status("/dns-zones/"), 200);
}
