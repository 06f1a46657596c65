//! `zonewright deploy resync` while the server runs: whatever somebody did to zones by hand is mended at once, on every nameserver.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::api::Api;
use common::named::{Named, dig, free_addresses, wait_for_catalogs};
use common::{Server, describe, run, wait_for, zonewright};
use deploy::bind9::config::Keys;
use deploy::notify::Notifier;
use dns::{Serial, ZoneName};
use store::Clock;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const MANAGED: [&str; 2] = ["--nameserver", "bind9-managed"];

#[test]
fn what_was_changed_by_hand_is_mended_at_once_on_primary_and_secondary() {
    let [secondary] = free_addresses();
    let flags = [&MANAGED[..], &["--secondary", &secondary]].concat();
    let server = Server::start(&flags);
    wait_for_catalogs(&server);
    let dns = server.dns().to_string();
    let _secondary = start_secondary(&server, &secondary);
    let api = Api::new(&server, &server.token());
    let served = |name: &str, wanted: &str| {
        for address in [&dns, &secondary] {
            wait_for("every nameserver to serve it", || (dig(address, name) == wanted).then_some(()));
        }
    };
    for domain in ["example.com", "other.example", "third.example"] {
        let zone = api.create_zone(domain);
        api.create_a(&zone, "www", "192.0.2.1");
        served(&format!("www.{domain}"), "192.0.2.1\n");
    }

    // Changed with nsupdate, which takes the serial ahead, and passed on to the secondary by somebody who has the key.
    nsupdate(&server, "example.com", "update delete www.example.com A\nupdate add by-hand.example.com 60 A 192.0.2.66");
    let runtime = Runtime::new().expect("a runtime");
    notify(&runtime, &server, &secondary, "example.com");
    served("by-hand.example.com", "192.0.2.66\n");
    served("www.example.com", "");
    // Edited in the file, at the same serial, which no comparison of serials shows; the secondary fetches it whole.
    rewrite(&server, "other.example", "192.0.2.1", "192.0.2.77");
    wait_for("the edited file to be served", || (dig(&dns, "www.other.example") == "192.0.2.77\n").then_some(()));

    let begun = Instant::now();
    let one = resync(&server, &flags, &["example.com"]);
    assert!(one.status.success(), "{}", describe(&one));
    // It has answered when it is served: no waiting here.
    for address in [&dns, &secondary] {
        assert_eq!(dig(address, "www.example.com"), "192.0.2.1\n");
        assert_eq!(dig(address, "by-hand.example.com"), "");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "at once, but it took {:?}", begun.elapsed());
    let text = String::from_utf8_lossy(&one.stdout);
    assert!(text.contains(&dns) && text.contains(&secondary), "{text}");
    assert!(text.ends_with("1 zones; 2 nameservers; 0 not in sync\n"), "{text}");
    assert_eq!(dig(&dns, "www.other.example"), "192.0.2.77\n", "another zone was not asked for");

    // The folder is wiped under the running named; all zones.
    fs::remove_dir_all(server.data().join("bind9/zones")).expect("the zones' folder");
    let all = resync(&server, &flags, &[]);
    assert!(all.status.success(), "{}", describe(&all));
    assert!(
        String::from_utf8_lossy(&all.stdout).ends_with("3 zones; 2 nameservers; 0 not in sync\n"),
        "{}",
        describe(&all)
    );
    for domain in ["example.com", "other.example", "third.example"] {
        for address in [&dns, &secondary] {
            assert_eq!(dig(address, &format!("www.{domain}")), "192.0.2.1\n");
        }
        assert!(zone_file(&server, domain).is_some(), "{domain} has a file again");
    }

    // And changes go on from there.
    let zone = api.create_zone("late.example");
    api.create_a(&zone, "www", "192.0.2.5");
    served("www.late.example", "192.0.2.5\n");
}

#[test]
fn an_embedded_nameserver_is_resynced_too() {
    let server = Server::start(&[]);
    let zone = Api::new(&server, &server.token()).create_zone("example.com");
    Api::new(&server, &server.token()).create_a(&zone, "www", "192.0.2.1");
    server.dig_until(&["www.example.com", "A"], |answer| !answer.is_empty());
    let before = server.dig(&["example.com", "SOA"]);
    let output = resync(&server, &[], &["example.com"]);
    assert!(output.status.success(), "{}", describe(&output));
    let after = server.dig(&["example.com", "SOA"]);
    assert_ne!(before, after, "it has a later serial");
    assert_eq!(dig(&server.dns().to_string(), "www.example.com"), "192.0.2.1\n");
}

#[test]
fn without_a_server_that_runs_it_says_so() {
    let mut server = Server::start(&[]);
    let api = Api::new(&server, &server.token());
    api.create_zone("example.com");
    let unknown = resync(&server, &[], &["no-such-zone.example"]);
    assert!(!unknown.status.success() && describe(&unknown).contains("there is no zone"), "{}", describe(&unknown));
    let nowhere = run(&mut zonewright(server.data(), &["deploy", "resync", "--nameserver", "none"]));
    assert!(!nowhere.status.success() && describe(&nowhere).contains("no nameserver"), "{}", describe(&nowhere));

    server.kill();
    let output = resync(&server, &[], &[]);
    let said = describe(&output);
    assert!(output.status.code() == Some(1) && said.contains("Check that `zonewright serve` runs"), "{said}");
}

#[track_caller]
fn resync(server: &Server, flags: &[&str], more: &[&str]) -> Output {
    let dns = server.dns().to_string();
    run(&mut zonewright(server.data(), &[&["deploy", "resync", "--dns", &dns], flags, more].concat()))
}

#[track_caller]
fn start_secondary(server: &Server, address: &str) -> Named {
    let folder = server.data().join("secondary");
    let dns = server.dns().to_string();
    let arguments = ["bind9", "config", "secondary", "--dns", &dns, "--listen", address];
    let printed = run(zonewright(server.data(), &arguments).arg("--directory").arg(&folder));
    assert!(printed.status.success(), "{}", describe(&printed));
    let config = folder.join("named.conf");
    fs::write(&config, &printed.stdout).expect("a file");
    Named::start(&config, &folder.join("log"), address)
}

/// Tells the secondary of a zone, while the runtime is there.
fn notify(runtime: &Runtime, server: &Server, secondary: &str, zone: &str) {
    let _inside = runtime.enter();
    let keys = Keys::load_or_create(&server.data().join("bind9/keys")).expect("the server's keys");
    let secondary = secondary.parse().expect("an address");
    let notifier = Notifier::new(&[secondary], &keys.transfer, &Clock::system(), &CancellationToken::new());
    notifier.tell(&ZoneName::parse(zone).expect("a zone's name"), Serial(0));
}

/// Changes a zone with nsupdate and the server's own key.
#[track_caller]
fn nsupdate(server: &Server, domain: &str, script: &str) {
    let key = server.data().join("bind9/keys/update.key");
    let mut child =
        Command::new("nsupdate").arg("-k").arg(key).stdin(Stdio::piped()).spawn().expect("nsupdate (bind9-dnsutils)");
    let (address, port) = (server.dns().ip(), server.dns().port());
    let input = format!("server {address} {port}\nzone {domain}\n{script}\nsend\n");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("nsupdate reads");
    assert!(child.wait().expect("its end").success());
}

/// Edits a zone's file as an operator does: freeze, change, thaw.
#[track_caller]
fn rewrite(server: &Server, domain: &str, from: &str, to: &str) {
    rndc(server, &["freeze", domain]);
    let file = wait_for("named to write the zone into its file", || {
        let file = zone_file(server, domain)?;
        fs::read_to_string(&file).ok()?.contains(from).then_some(file)
    });
    let text = fs::read_to_string(&file).expect("the zone's file");
    fs::write(&file, text.replace(from, to)).expect("the zone's file");
    rndc(server, &["thaw", domain]);
}

#[track_caller]
fn rndc(server: &Server, arguments: &[&str]) {
    let output = run(Command::new("rndc").arg("-c").arg(server.data().join("bind9/rndc.conf")).args(arguments));
    assert!(output.status.success(), "rndc {arguments:?}: {}", describe(&output));
}

/// The file of a zone in the managed named's folder.
fn zone_file(server: &Server, domain: &str) -> Option<std::path::PathBuf> {
    let is_of = |path: &Path| {
        path.extension().is_some_and(|extension| extension == "zone")
            && fs::read_to_string(path).is_ok_and(|text| text.contains(domain))
    };
    let shards = fs::read_dir(server.data().join("bind9/zones")).ok()?;
    let files = shards.flatten().filter_map(|shard| fs::read_dir(shard.path()).ok()).flatten().flatten();
    files.map(|file| file.path()).find(|path| is_of(path))
}
