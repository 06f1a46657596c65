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

    let metrics = server.metrics();
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

    // A suspended account's zones leave every nameserver, and come back with it. The last operator cannot be suspended.
    let says = |arguments: &[&str]| {
        let output = run(&mut zonewright(&data, arguments));
        assert!(output.status.success(), "{arguments:?}: {}", describe(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    says(&["account", "create", "ann@example.org"]);
    let create = ["token", "create", "--account", "ann@example.org", "--name", "ci", "--permission", "dns:*"];
    let ann = Api::new(&server, says(&create).trim());
    let hers = ann.create_zone("example.org");
    ann.create_a(&hers, "www", "192.0.2.5");
    everywhere("www.example.org", "192.0.2.5\n");
    says(&["account", "suspend", "ann@example.org", "--stop-serving"]);
    everywhere("www.example.org", "");
    says(&["account", "resume", "ann@example.org"]);
    everywhere("www.example.org", "192.0.2.5\n");
    everywhere("www.example.com", "192.0.2.2\n");
}

/// RFC 2317: a zone with a slash in its name, the aliases that lead into it, and in it a record of every type there is.
#[test]
fn every_record_type_reaches_bind_and_so_do_classless_reverse_zones() {
    let server = Server::start(&MANAGED);
    let api = Api::new(&server, &server.token());
    let create = |zone: &str, record: &serde_json::Value| -> serde_json::Value {
        let (status, answer) = api.send("POST", &format!("/dns-zones/{zone}/records/"), Some(record));
        assert_eq!(status, 201, "{record}: {answer}");
        answer
    };
    let parent = api.create_zone("2.0.192.in-addr.arpa");
    let zone = api.create_zone("0/25.2.0.192.in-addr.arpa");
    create(&parent, &serde_json::json!({"record_type": "CNAME", "name": "1", "value": "1.0/25.2.0.192.in-addr.arpa"}));
    create(&zone, &serde_json::json!({"record_type": "PTR", "name": "1", "value": "host.example.com"}));

    let (status, types) = api.send("GET", "/record-types/", None);
    assert_eq!(status, 200);
    let mut made = Vec::new();
    for listed in types.as_array().expect("a list") {
        let record_type = listed["record_type"].as_str().expect("a name").to_owned();
        // At a name of its own, NS would be a delegation, and no answer.
        let name = if record_type == "NS" { "@".to_owned() } else { record_type.to_lowercase() };
        if record_type == "DS" {
            create(&zone, &serde_json::json!({"record_type": "NS", "name": name, "value": "ns.example.net"}));
        }
        let example = &listed["example"];
        let mut record = serde_json::json!({"record_type": record_type, "name": name, "value": example["value"]});
        let mut data = example["value"].as_str().expect("a value").to_owned();
        if let Some(priority) = example["priority"].as_u64() {
            record["priority"] = priority.into();
            data = format!("{priority} {data}");
        }
        create(&zone, &record);
        let full = format!("{name}.0/25.2.0.192.in-addr.arpa");
        made.push((full.trim_start_matches("@.").to_owned(), record_type, data));
    }
    // A key at the apex, and CDS and CDNSKEY, which BIND wants to have a key for; afterwards the zone takes changes as before.
    let key = "257 3 13 AAAA";
    for (record_type, value) in [("DNSKEY", key), ("CDNSKEY", key), ("CDS", "1 13 9 00"), ("TXT", "afterwards")] {
        create(&zone, &serde_json::json!({"record_type": record_type, "name": "@", "value": value}));
        made.push(("0/25.2.0.192.in-addr.arpa".to_owned(), record_type.to_owned(), value.to_owned()));
    }
    let unknown = serde_json::json!({"record_type": "TYPE65280", "name": "unknown", "value": "\\# 3 0A0B0C"});
    create(&zone, &unknown);
    made.push(("unknown.0/25.2.0.192.in-addr.arpa".to_owned(), "TYPE65280".to_owned(), "\\# 3 0A0B0C".to_owned()));

    // dig writes names with their final dots, long digits in pieces, and all text in quotes.
    let plain = |text: &str| -> String {
        text.to_lowercase().replace('"', "").split_whitespace().map(|word| word.trim_end_matches('.')).collect()
    };
    for (name, record_type, data) in made {
        let head = format!("{name}. 3600 IN {record_type} ");
        server.dig_until(&[&name, &record_type], |answer| {
            answer.lines().any(|line| line.strip_prefix(&head).is_some_and(|served| plain(served) == plain(&data)))
        });
    }
    // The alias leads out of its zone, where a resolver goes on asking.
    server.dig_until(&["1.2.0.192.in-addr.arpa", "PTR"], |answer| {
        answer == "1.2.0.192.in-addr.arpa. 3600 IN CNAME 1.0/25.2.0.192.in-addr.arpa.\n"
    });
    server.dig_until(&["1.0/25.2.0.192.in-addr.arpa", "PTR"], |answer| {
        answer == "1.0/25.2.0.192.in-addr.arpa. 3600 IN PTR host.example.com.\n"
    });
}
