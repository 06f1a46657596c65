//! Dynamic updates and transfers with update keys, at a real server: its addresses, and nameservers of a customer that follow it.

#![expect(clippy::expect_used, reason = "a test ends where something unexpected happens")]

mod common;

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use common::api::Api;
use common::named::{Named, dig, free_addresses};
use common::{Server, describe, run, run_dig, wait_for};
use serde_json::json;

/// Runs nsupdate at an address.
#[track_caller]
fn nsupdate(at: SocketAddr, key: &str, lines: &str) -> Output {
    let mut command = Command::new("nsupdate");
    command.args(["-y", key]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("nsupdate is installed (Debian: bind9-dnsutils)");
    let script = format!("server {} {}\n{lines}\nsend\n", at.ip(), at.port());
    child.stdin.take().expect("piped").write_all(script.as_bytes()).expect("nsupdate reads");
    child.wait_with_output().expect("nsupdate ends")
}

/// A key for a zone as programs take it, `algorithm:name:secret`.
#[track_caller]
fn key(api: &Api, zone: &str, purpose: &str) -> String {
    let body = json!({"name": "a key", "purpose": purpose, "zones": [zone]});
    let (status, key) = api.send("POST", "/update-keys/", Some(&body));
    assert_eq!(status, 201, "{key}");
    let text = |member: &str| key[member].as_str().expect("a text").to_owned();
    format!("{}:{}:{}", text("algorithm"), text("key_name"), text("secret"))
}

fn asked(at: SocketAddr, question: &[&str]) -> String {
    let (at, port) = (format!("@{}", at.ip()), at.port().to_string());
    let output = run_dig(&[&at, "-p", &port, "+time=5", "+tries=1"], question);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_address_of_the_nameserver_takes_updates() {
    let server = Server::start(&[]);
    let api = Api::new(&server, &server.token());
    let zone = api.create_zone("example.com");
    let (manage, at) = (key(&api, "example.com", "manage"), server.updates());
    assert_eq!(at, server.dns());
    let done = nsupdate(at, &manage, "update add www.example.com. 60 A 192.0.2.1");
    assert!(done.status.success(), "{}", describe(&done));
    assert!(asked(at, &["-y", &manage, "www.example.com", "A"]).contains("192.0.2.1"));
    server.dig_until(&["www.example.com", "A"], |answer| answer.contains("192.0.2.1"));
    // A client that reads it back at once sees it, too.
    for number in 2..12 {
        let line = format!("update delete www.example.com. A\nupdate add www.example.com. 60 A 192.0.2.{number}");
        let done = nsupdate(at, &manage, &line);
        assert!(done.status.success(), "{}", describe(&done));
        assert_eq!(server.dig(&["www.example.com", "A"]), format!("www.example.com. 60 IN A 192.0.2.{number}\n"));
    }
    assert!(asked(at, &["-y", &manage, "example.com", "AXFR"]).contains("XFR size: 5 records (messages 1"));
    assert!(asked(at, &["example.com", "AXFR"]).contains("Transfer failed"));
    let (_, history) = api.send("GET", &format!("/dns-zones/{zone}/history/"), None);
    assert_eq!(history[0]["source"], "rfc2136", "{history}");
    let refused = nsupdate(at, &manage, "zone example.org.\nupdate add www.example.org. 60 A 192.0.2.1");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("NOTAUTH"), "{}", describe(&refused));
    let uuid = api.send("GET", "/update-keys/", None).1[0]["uuid"].as_str().expect("a UUID").to_owned();
    let (_, log) = api.send("GET", &format!("/update-keys/{uuid}/log/"), None);
    assert!(log.to_string().contains("this is not one of the key's zones"), "{log}");
    let metrics = server.metrics();
    assert!(metrics.contains("zonewright_updates_requests_total{kind=\"update\",rcode=\"NOERROR\"} 11"), "{metrics}");
}

#[test]
fn an_address_of_its_own_answers_queries_too() {
    let server = Server::start(&["--nameserver", "none", "--updates", "127.0.0.1:0"]);
    let api = Api::new(&server, &server.token());
    api.create_zone("example.com");
    let (manage, at) = (key(&api, "example.com", "manage"), server.updates());
    let done = nsupdate(at, &manage, "update add www.example.com. 60 A 192.0.2.1");
    assert!(done.status.success(), "{}", describe(&done));
    assert!(asked(at, &["www.example.com", "A"]).contains("192.0.2.1"));
}

#[test]
fn updates_can_be_off() {
    let server = Server::start(&["--updates", "none"]);
    let api = Api::new(&server, &server.token());
    api.create_zone("example.com");
    let refused =
        nsupdate(server.dns(), &key(&api, "example.com", "manage"), "zone example.com.\nupdate delete x.example.com.");
    assert!(!refused.status.success() && describe(&refused).contains("NOTIMP"), "{}", describe(&refused));
}

#[test]
fn the_mname_can_be_set() {
    let environment = [("ZONEWRIGHT_SOA_MNAME", "updates.example.net")];
    let server = Server::start_with(&environment, &[]);
    let api = Api::new(&server, &server.token());
    api.create_zone("example.com");
    server.dig_until(&["example.com", "SOA"], |answer| {
        answer.contains("SOA updates.example.net. hostmaster.zonewright.test.")
    });
}

/// A nameserver of the customer, ended with the value.
struct Knot(Child);

impl Drop for Knot {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is what was wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn bind_and_knot_follow_with_a_transfer_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&[]);
    let api = Api::new(&server, &server.token());
    let zone = api.create_zone("example.com");
    for number in 0..50 {
        api.create_a(&zone, &format!("n{number}"), "192.0.2.1");
    }
    let (transfer, at) = (key(&api, "example.com", "transfer"), server.updates());
    let parts: Vec<&str> = transfer.split(':').collect();
    let [algorithm, name, secret] = parts[..] else { panic!("{transfer}") };
    let [bind, knot] = free_addresses();
    let _named = start_named(folder.path(), &bind, at, (algorithm, name, secret));
    let _knot = start_knot(folder.path(), &knot, at, (algorithm, name, secret));
    for follower in [&bind, &knot] {
        wait_for("the first transfer", || (dig(follower, "n49.example.com") == "192.0.2.1\n").then_some(()));
    }
    let manage = key(&api, "example.com", "manage");
    let lines = "update delete n49.example.com.\nupdate add new.example.com. 60 A 192.0.2.9";
    let done = nsupdate(at, &manage, lines);
    assert!(done.status.success(), "{}", describe(&done));
    for follower in [&bind, &knot] {
        wait_for("the difference", || (dig(follower, "new.example.com") == "192.0.2.9\n").then_some(()));
        assert_eq!(dig(follower, "n49.example.com"), "");
    }
    let counted = |what: &str| {
        let line = format!("zonewright_updates_requests_total{{kind=\"transfer\",rcode=\"{what}\"}}");
        server.metrics().lines().find_map(|shown| shown.strip_prefix(&line)?.trim().parse::<u32>().ok())
    };
    assert!(counted("NOERROR").is_some_and(|transfers| transfers >= 4), "two followers, two transfers each");
    assert_eq!(counted("REFUSED"), Some(0));
    let log = fs::read_to_string(folder.path().join("named.log")).expect("a log");
    // Four SOA records, one that went and one that came.
    assert!(log.contains("Transfer completed: 1 messages, 6 records"), "{log}");
}

fn start_named(
    folder: &Path,
    listen: &str,
    primary: SocketAddr,
    (algorithm, name, secret): (&str, &str, &str),
) -> Named {
    let address: SocketAddr = listen.parse().expect("an address");
    let directory = folder.join("named");
    fs::create_dir(&directory).expect("a folder");
    let text = format!(
        r#"options {{ directory "{directory}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
            pid-file none; session-keyfile none; recursion no; dnssec-validation no; }};
        controls {{ }};
        key "{name}" {{ algorithm {algorithm}; secret "{secret}"; }};
        zone "example.com" {{ type secondary; file "example.com.db"; min-refresh-time 1; max-refresh-time 1;
            primaries {{ {ip} port {of} key "{name}"; }}; }};"#,
        directory = directory.display(),
        port = address.port(),
        ip = primary.ip(),
        of = primary.port(),
    );
    let config = folder.join("named.conf");
    fs::write(&config, text).expect("a file");
    Named::start(&config, &folder.join("named.log"), listen)
}

fn start_knot(folder: &Path, listen: &str, primary: SocketAddr, (algorithm, name, secret): (&str, &str, &str)) -> Knot {
    let directory = folder.join("knot");
    fs::create_dir(&directory).expect("a folder");
    let directory = directory.display();
    let text = format!(
        "server:\n  rundir: {directory}\n  listen: {}\ndatabase:\n  storage: {directory}\n\
         key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n\
         remote:\n  - id: primary\n    address: {}@{}\n    key: {name}\n\
         zone:\n  - domain: example.com\n    storage: {directory}\n    master: primary\n    refresh-max-interval: 2\n",
        listen.replace(':', "@"),
        primary.ip(),
        primary.port(),
    );
    let config = folder.join("knot.conf");
    fs::write(&config, text).expect("a file");
    let checked = run(Command::new("knotc").arg("-c").arg(&config).arg("conf-check"));
    assert!(checked.status.success(), "{}", describe(&checked));
    let log = fs::File::create(folder.join("knot.log")).expect("a log");
    let child = Command::new("knotd").arg("-c").arg(&config).stdout(Stdio::null()).stderr(log).spawn();
    Knot(child.expect("knotd is installed (Debian: knot)"))
}
