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
    assert!(made.contains("one-time sign-in link"), "{made}");
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
    refused(data, &with(&["--cidr", "192.0.2.1/24"]), "the network is 192.0.2.0/24");
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

#[test]
fn limits_are_set_and_shown_and_a_deleted_name_is_released() {
    let server = Server::start(&[]);
    let data = server.data();
    for email in ["ann@example.com", "bob@example.com"] {
        says(data, &["account", "create", email]);
    }
    let token = |email: &str| {
        says(data, &["token", "create", "--account", email, "--name", "ci", "--permission", "dns:*"]).trim().to_owned()
    };
    let (ann, bob) = (Api::new(&server, &token("ann@example.com")), Api::new(&server, &token("bob@example.com")));
    refused(data, &["account", "limits", "eve@example.com"], "there is no account eve@example.com");
    for wrong in ["-1", "many", "4294967296", ""] {
        refused(data, &["account", "limits", "ann@example.com", &format!("--zones={wrong}")], "--zones");
    }
    assert_eq!(says(data, &["account", "limits", "ann@example.com"]), "ann@example.com: no limits\n");
    let set = ["account", "limits", "ann@example.com", "--zones", "1", "--tokens", "9", "--changes-per-day", "4"];
    let shown = "at most 1 zones, 9 tokens, 4 changes per day";
    assert_eq!(says(data, &set), format!("ann@example.com: {shown}\n"));
    assert!(says(data, &["account", "list"]).contains(&format!("\t{shown}\n")));
    let zone = ann.create_zone("example.com");
    let (status, refusal) = ann.send("POST", "/dns-zones/", Some(&serde_json::json!({"domain": "example.net"})));
    assert_eq!((status, &refusal["detail"]), (400, &"This account may have at most 1 zones".into()));
    says(data, &["account", "limits", "ann@example.com", "--records", "1", "--zones", "none"]);
    ann.create_a(&zone, "a", "192.0.2.1");
    let a = serde_json::json!({"record_type": "A", "name": "b", "value": "192.0.2.1"});
    let (status, refusal) = ann.send("POST", &format!("/dns-zones/{zone}/records/"), Some(&a));
    assert_eq!((status, &refusal["detail"]), (400, &"This account may have at most 1 records in all its zones".into()));
    let shown = says(data, &["account", "limits", "ann@example.com"]);
    assert_eq!(shown, "ann@example.com: at most 1 records, 9 tokens, 4 changes per day\n");
    says(data, &["account", "limits", "ann@example.com", "--records", "none", "--stored-records", "1"]);
    let (status, refusal) = ann.send("POST", &format!("/dns-zones/{zone}/records/"), Some(&a));
    let detail = "This account may have at most 1 records in all kept versions of its zones. Versions are removed after 365 \
                  days, except each zone's newest 1000, and deleted zones after 30 days. The operator can raise this limit";
    assert_eq!((status, &refusal["detail"]), (400, &detail.into()));
    let shown = says(data, &["account", "limits", "ann@example.com", "--stored-records", "none"]);
    assert_eq!(shown, "ann@example.com: at most 9 tokens, 4 changes per day\n");

    assert_eq!(ann.send("DELETE", &format!("/dns-zones/{zone}/"), None).0, 204);
    let wanted = serde_json::json!({"domain": "www.example.com"});
    let (status, refusal) = bob.send("POST", "/dns-zones/", Some(&wanted));
    assert_eq!(status, 400, "{refusal}");
    refused(data, &["zone", "release", "example.net"], "example.net is not on hold");
    assert_eq!(says(data, &["zone", "release", "example.com"]), "example.com is no longer on hold\n");
    assert_eq!(bob.send("POST", "/dns-zones/", Some(&wanted)).0, 201);
}

#[test]
fn the_zones_of_a_suspended_or_closed_account_leave_the_nameserver_and_come_back() {
    let server = Server::start(&[]);
    let data = server.data();
    says(data, &["account", "create", "ann@example.com"]);
    let token =
        says(data, &["token", "create", "--account", "ann@example.com", "--name", "ci", "--permission", "dns:*"]);
    let ann = Api::new(&server, token.trim());
    let zone = ann.create_zone("example.com");
    ann.create_a(&zone, "www", "192.0.2.1");
    let address = ["www.example.com", "A", "+short"];
    let serial = || -> u32 {
        let soa = server.dig(&["example.com", "SOA", "+short"]);
        soa.split_whitespace().nth(2).and_then(|serial| serial.parse().ok()).unwrap_or_else(|| panic!("{soa}"))
    };
    server.dig_until(&address, |answer| answer.contains("192.0.2.1"));
    says(data, &["account", "suspend", "ann@example.com"]);
    assert!(server.dig(&address).contains("192.0.2.1"), "without --stop-serving its zones stay");
    let mut before = serial();
    for (command, state) in [
        (&["account", "suspend", "ann@example.com", "--stop-serving"][..], "suspended, zones not served"),
        (&["account", "close", "ann@example.com"], "closed, deleted "),
    ] {
        says(data, command);
        server.dig_until(&["example.com", "SOA"], str::is_empty);
        wait_for("the token to be refused", || (ann.status("/dns-zones/") == 401).then_some(()));
        let listed = says(data, &["account", "list"]);
        assert!(listed.contains(&format!("ann@example.com\tuser\t{state}")), "{listed}");
        says(data, &["account", "resume", "ann@example.com"]);
        server.dig_until(&address, |answer| answer.contains("192.0.2.1"));
        assert!(serial() > before, "a secondary that has the zone as it was takes it as it is now");
        before = serial();
        wait_for("the token to be good again", || (ann.status("/dns-zones/") == 200).then_some(()));
    }
    refused(data, &["account", "close", "admin@localhost"], "the last operator");
}
