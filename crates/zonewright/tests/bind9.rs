//! The server with BIND 9 behind it: one that it runs itself, one of the operator's, and secondaries that follow.

mod common;

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use common::api::Api;
use common::named::{Named, dig, free_addresses};
use common::{Server, describe, run, wait_for, zonewright};

/// named takes a while to start on a busy machine, and the catalogs are made at the first start.
const MANAGED: [&str; 2] = ["--nameserver", "bind9-managed"];

#[test]
fn a_managed_bind_is_as_easy_as_the_embedded_nameserver() {
    let mut server = Server::start(&[&MANAGED[..], &["--ns", "ns1.example.net=192.0.2.53"]].concat());
    let api = Api::new(&server, &server.token());
    let zone = api.create_zone("example.com");
    api.create_a(&zone, "www", "192.0.2.1");
    server.dig_until(&["www.example.com", "A"], |answer| answer == "www.example.com. 3600 IN A 192.0.2.1\n");

    let metrics = run(Command::new("curl").args(["-sf", &format!("{}/metrics", server.base())]));
    let metrics = String::from_utf8_lossy(&metrics.stdout);
    for name in [
        "zonewright_deploy_waiting{nameserver=\"primary\"}",
        "zonewright_deploy_oldest_waiting_seconds{nameserver=\"primary\"}",
        "zonewright_deploy_seconds_bucket{nameserver=\"primary\",le=\"0.005\"}",
        "zonewright_deploy_errors_total{nameserver=\"primary\"}",
    ] {
        assert!(metrics.contains(name), "{name} is missing in:\n{metrics}");
    }
    let strangers = metrics.lines().filter(|line| !line.starts_with("zonewright_") && !line.starts_with('#'));
    assert_eq!(strangers.filter(|line| !line.is_empty()).collect::<Vec<_>>(), Vec::<&str>::new(), "one prefix for all");

    // The operator's own domain, which holds the nameserver's address.
    let own = api.create_zone("example.net");
    server.dig_until(&["ns1.example.net", "A"], |answer| answer == "ns1.example.net. 3600 IN A 192.0.2.53\n");
    server.dig_until(&["example.net", "NS"], |answer| answer == "example.net. 3600 IN NS ns1.example.net.\n");
    assert_eq!(api.send("DELETE", &format!("/dns-zones/{own}/"), None).0, 204);
    server.dig_until(&["example.net", "NS"], str::is_empty);

    assert!(server.stop().success());
    assert!(TcpListener::bind(server.dns()).is_ok(), "named ended with the server");
}

#[test]
fn a_managed_bind_that_dies_comes_back_with_everything_and_outlives_no_server() {
    let mut server = Server::start(&MANAGED);
    let token = server.token();
    let api = Api::new(&server, &token);
    let zone = api.create_zone("example.com");
    api.create_a(&zone, "before", "192.0.2.1");
    server.dig_until(&["before.example.com", "A"], |answer| !answer.is_empty());
    let pid_file = server.data().join("bind9/named.pid");
    let pid = fs::read_to_string(&pid_file).expect("named's process number").trim().to_owned();
    assert!(run(Command::new("kill").args(["-KILL", &pid])).status.success());
    // The API takes changes all along.
    api.create_a(&zone, "meanwhile", "192.0.2.2");
    for (name, address) in [("before.example.com", "192.0.2.1\n"), ("meanwhile.example.com", "192.0.2.2\n")] {
        let dns = server.dns().to_string();
        wait_for("named to serve everything again", || (dig(&dns, name) == address).then_some(()));
    }

    // Killed with named left behind: the next server finds it, and has its own.
    let data = server.data().to_owned();
    server.kill();
    let next = Server::start_in(&data, &MANAGED);
    next.dig_until(&["meanwhile.example.com", "A"], |answer| answer == "meanwhile.example.com. 3600 IN A 192.0.2.2\n");
    let zone_again = Api::new(&next, &token).status(&format!("/dns-zones/{zone}/"));
    assert_eq!(zone_again, 200);
}

#[test]
fn printed_configurations_run_as_they_are_and_secondaries_follow() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let [dns, secondary, control] = free_addresses();
    let toml = folder.path().join("zonewright.toml");
    fs::write(&toml, format!("[bind9]\ncontrol = \"{control}\"\n")).expect("a file");
    let toml = toml.to_str().expect("a path in UTF-8");
    let print = |side: &str, more: &[&str]| {
        let mut command =
            zonewright(&data, &["bind9", "config", side, "--config", toml, "--dns", &dns, "--secondary", &secondary]);
        let output = run(command.args(more));
        assert!(output.status.success(), "{side}: {}", describe(&output));
        let path = folder.path().join(format!("{side}.conf"));
        fs::write(&path, &output.stdout).expect("a file");
        path
    };
    let place = folder.path().join("secondary");
    let place = place.to_str().expect("a path in UTF-8");
    let _primary = Named::start(&print("primary", &[]), &folder.path().join("primary.log"), &dns);
    let secondary_config = print("secondary", &["--directory", place]);

    let flags = ["--nameserver", "bind9", "--config", toml, "--dns", &dns, "--secondary", &secondary];
    let server = Server::start_in(&data, &flags);
    let token = server.token();
    let api = Api::new(&server, &token);
    common::named::wait_for_catalogs(&server);
    let _secondary = Named::start(&secondary_config, &folder.path().join("secondary.log"), &secondary);
    let everywhere = |name: &str, wanted: &str| {
        for address in [&dns, &secondary] {
            wait_for("every nameserver to serve it", || (dig(address, name) == wanted).then_some(()));
        }
    };
    let zone = api.create_zone("example.com");
    let record = api.create_a(&zone, "www", "192.0.2.1");
    everywhere("www.example.com", "192.0.2.1\n");
    let change = serde_json::json!({"value": "192.0.2.2"});
    assert_eq!(api.send("PATCH", &format!("/dns-records/{record}/"), Some(&change)).0, 200);
    everywhere("www.example.com", "192.0.2.2\n");
    let status = run(&mut zonewright(&data, &[&["deploy", "status", "example.com"], &flags[..]].concat()));
    let text = String::from_utf8_lossy(&status.stdout);
    assert!(status.status.success() && text.contains("1 zones; 2 nameservers; 0 not in sync"), "{}", describe(&status));
    assert!(text.contains(&dns) && text.contains(&secondary), "{text}");

    // Deleted and made again: nothing of the old zone is served again, anywhere.
    assert_eq!(api.send("DELETE", &format!("/dns-zones/{zone}/"), None).0, 204);
    let again = api.create_zone("example.com");
    api.create_a(&again, "new", "192.0.2.3");
    everywhere("new.example.com", "192.0.2.3\n");
    everywhere("www.example.com", "");

    // The operator brings the old one back: everybody serves it again, above the serials of the zone between.
    assert_eq!(api.send("DELETE", &format!("/dns-zones/{again}/"), None).0, 204);
    everywhere("new.example.com", "");
    let back = run(&mut zonewright(&data, &["zone", "undelete", &zone]));
    assert!(back.status.success(), "{}", describe(&back));
    everywhere("www.example.com", "192.0.2.2\n");
    // And at once, before anybody could take it away.
    assert_eq!(api.send("DELETE", &format!("/dns-zones/{zone}/"), None).0, 204);
    assert!(run(&mut zonewright(&data, &["zone", "undelete", &zone])).status.success());
    api.create_a(&zone, "later", "192.0.2.4");
    everywhere("later.example.com", "192.0.2.4\n");
    everywhere("www.example.com", "192.0.2.2\n");
}
