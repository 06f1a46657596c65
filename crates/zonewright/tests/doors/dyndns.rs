//! Dynamic DNS: ddclient, inadyn, and devices whose requests are known.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::common::raw::{Answer, send};
use crate::common::{describe, run};
use crate::{Door, steps};

#[track_caller]
fn ask_at(at: SocketAddr, token: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("user@example.com:{token}")));
    let headers = [&[("Authorization", basic.as_str())], headers].concat();
    send(at, &format!("GET {path} HTTP/1.0"), &headers, "")
}

#[track_caller]
fn ask(door: &Door, token: &str, query: &str) -> String {
    let answer = ask_at(door.server.http(), token, &format!("/nic/update?{query}"), &[]);
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.text
}

#[test]
fn refusals_are_words() {
    let door = Door::open();
    door.api.create_zone("example.com");
    let other = door.other_account();
    let host = "hostname=home.example.com&myip=192.0.2.1";
    for path in ["/nic/update", "/update", "/dyndns/update", "/v3/update"] {
        for method in ["GET", "POST"] {
            for headers in [
                &[][..],
                &[("Authorization", "Basic dTpw")],
                &[("Authorization", "Basic !")],
                &[("Authorization", "Bearer x")],
            ] {
                let answer = send(door.server.http(), &format!("{method} {path}?{host} HTTP/1.1"), headers, "");
                assert_eq!((answer.status, answer.text.as_str()), (401, "badauth\n"), "{method} {path}");
                assert_eq!(answer.header("WWW-Authenticate"), Some("Basic realm=\"dyndns\""));
            }
        }
    }
    let in_query = format!("/nic/update?{host}&username=u&password={}", door.key);
    let answer = send(door.server.http(), &format!("GET {in_query} HTTP/1.1"), &[], "");
    assert_eq!((answer.status, answer.text.as_str()), (401, "badauth\n"), "credentials in the query are off");

    let key = door.update_key(&json!({"name": "home", "zones": ["example.com"], "host": "home.example.com"}));
    let token = key["token"].as_str().expect("a token");
    for (token, query, word) in [
        (&*door.key, "", "notfqdn"),
        (&door.key, "hostname=home&myip=192.0.2.1", "notfqdn"),
        (&door.key, "hostname=a..example.com&myip=192.0.2.1", "notfqdn"),
        (&door.key, "hostname=home.example.org&myip=192.0.2.1", "nohost"),
        (&other, host, "nohost"),
        (&door.key, &format!("hostname={}", vec!["a.example.com"; 21].join(",")), "numhost"),
        (&door.key, "hostname=home.example.com&myip=192.168.1.1", "dnserr"),
        (&door.key, "hostname=home.example.com&myip=0.0.0.0", "dnserr"),
        (&door.key, "hostname=home.example.com&myip=x", "dnserr"),
        (&door.key, "hostname=home.example.com", "dnserr"),
        (token, "hostname=office.example.com&myip=192.0.2.1", "!yours"),
    ] {
        assert_eq!(ask(&door, token, query), format!("{word}\n"), "{query}");
    }
    assert_eq!(door.refusals(&key), [("name".to_owned(), "Key may not change office.example.com.".to_owned())]);
    let reader = door.other_key(crate::common::ADMIN, &["--permission", "dns:list"]);
    assert_eq!(ask(&door, &reader, host), "!yours\n");
    let opnsense =
        ask_at(door.server.http(), &reader, &format!("/nic/update?{host}"), &[("User-Agent", "OPNsense-dyndns")]);
    assert_eq!((opnsense.status, opnsense.text.as_str()), (400, "!yours\n"), "it reads the status only");
    assert_eq!(door.versions("example.com").len(), 1);
    // One name is wrong, the others are changed.
    assert_eq!(
        ask(&door, token, "hostname=home.example.com,office.example.com&myip=192.0.2.1"),
        "good 192.0.2.1\n!yours\n"
    );
    assert!(!door.server.log().contains(token), "no token is logged");
}

#[test]
fn addresses_follow_and_each_host_has_its_line() {
    let door = Door::open_with(&[("ZONEWRIGHT_DOORS_DYNDNS_QUERY_CREDENTIALS", "on")], &[]);
    door.api.create_zone("example.com");
    let ask = |query: &str| ask(&door, &door.key, query);
    let hosts = "hostname=home.example.com,office.example.com";
    assert_eq!(ask(&format!("{hosts}&myip=192.0.2.88")), "good 192.0.2.88\ngood 192.0.2.88\n");
    assert_eq!(door.versions("example.com")[0], ("dyndns".to_owned(), "test".to_owned()));
    assert_eq!(door.versions("example.com").len(), 2, "all hosts are one change");
    assert_eq!(ask(&format!("{hosts}&myip=192.0.2.88")), "nochg 192.0.2.88\nnochg 192.0.2.88\n");
    assert_eq!(door.versions("example.com").len(), 2, "nothing was changed");
    assert_eq!(ask("hostname=home.example.com&myip=192.0.2.89,2001:db8::1"), "good 192.0.2.89\n");
    assert_eq!(ask("hostname=home.example.com&myip=&myipv6=2001:db8::2"), "good 2001:db8::2\n");
    assert_eq!(ask("hostname=home.example.com&myip=192.0.2.90&myipv6=preserve"), "good 192.0.2.90\n");
    assert_eq!(ask("hostname=*.home.example.com&myip=192.0.2.91"), "good 192.0.2.91\n");
    assert_eq!(
        door.records("example.com"),
        [
            "home 60 IN A 192.0.2.90",
            "home 60 IN AAAA 2001:db8::2",
            "*.home 60 IN A 192.0.2.91",
            "office 60 IN A 192.0.2.88",
        ]
    );
    door.server.dig_until(&["home.example.com", "A"], |answer| answer == "home.example.com. 60 IN A 192.0.2.90\n");

    // Synology sends its credentials in the query.
    let query = format!("hostname=nas.example.com&myip=192.0.2.1&username=u&password={}", door.key);
    let answer = send(door.server.http(), &format!("GET /nic/update?{query} HTTP/1.1"), &[], "");
    assert_eq!((answer.status, answer.text.as_str()), (200, "good 192.0.2.1\n"));
    assert_eq!(answer.header("Content-Length"), Some("15"));
    assert!(!door.server.log().contains(&door.key), "no query is logged");

    // A rule of the zone refuses the host.
    let (_, zones) = door.api.send("GET", "/dns-zones/", None);
    let records = format!("/dns-zones/{}/records/", zones[0]["uuid"].as_str().expect("a UUID"));
    let alias = json!({"record_type": "CNAME", "name": "alias", "value": "home.example.com"});
    assert_eq!(door.api.send("POST", &records, Some(&alias)).0, 201);
    assert_eq!(ask("hostname=alias.example.com&myip=192.0.2.1"), "dnserr\n");
}

#[test]
fn known_devices_are_understood() {
    let door = Door::open();
    for domain in ["example.com", "example.test"] {
        door.api.create_zone(domain);
    }
    for run in ["ddclient", "inadyn"] {
        for step in steps("captured-http.json", run) {
            let answer = ask_at(door.server.http(), &door.key, step["path"].as_str().expect("a path"), &[]);
            assert_eq!(
                json!(answer.text.trim_end()),
                json!(
                    step["response"]
                        .as_str()
                        .expect("text")
                        .trim_end()
                        .replace("good", if run == "inadyn" { "nochg" } else { "good" })
                )
            );
        }
    }
    let devices = steps("dyndns-devices.json", "requests");
    let requests = devices.iter().filter_map(|device| device["request"].as_str());
    let mut understood = 0;
    for request in requests.filter_map(|request| request.strip_prefix("GET ")) {
        let path =
            request.split(' ').next().expect("a path").replace("%h", "unifi.example.com").replace("%i", "192.0.2.7");
        let answer = ask_at(door.server.http(), &door.key, &path, &[]);
        assert!(
            answer.status == 200
                && answer.text.lines().all(|line| line.starts_with("good ") || line.starts_with("nochg ")),
            "{path}: {answer:?}"
        );
        understood += 1;
    }
    assert!(understood >= 4, "{understood}");
    // inadyn may write two spaces.
    let line = "GET /nic/update?hostname=unifi.example.com&myip=192.0.2.7  HTTP/1.0";
    let basic = format!("Basic {}", STANDARD.encode(format!("u:{}", door.key)));
    assert_eq!(send(door.server.http(), line, &[("Authorization", &basic)], "").text, "nochg 192.0.2.7\n");
    // Values of FRITZ!Box are not escaped.
    let fritz = ask_at(
        door.server.http(),
        &door.key,
        "/nic/update?hostname=fritz.example.com&myip=192.0.2.8&myipv6=2001:db8::8",
        &[("User-Agent", "Fritz!Box DDNS/1.0.1")],
    );
    assert_eq!(fritz.text, "good 192.0.2.8\n");
    assert_eq!(
        door.records("example.com"),
        [
            "a 60 IN A 192.0.2.1",
            "a 60 IN AAAA 2001:db8::1",
            "b 60 IN A 192.0.2.1",
            "b 60 IN AAAA 2001:db8::1",
            "fritz 60 IN A 192.0.2.8",
            "fritz 60 IN AAAA 2001:db8::8",
            "unifi 60 IN A 192.0.2.7",
        ]
    );
    assert_eq!(door.records("example.test"), ["home 60 IN A 192.0.2.88", "office 60 IN A 192.0.2.88"]);
}

#[test]
fn the_listener_without_tls_takes_keys_of_single_hosts_only() {
    let door = Door::open_with(&[], &["--dyndns", "127.0.0.1:0"]);
    door.api.create_zone("example.com");
    let log = door.server.log();
    let line = log.lines().find(|line| line.contains("zonewright is running")).expect("it runs");
    let line: Value = serde_json::from_str(line).expect("JSON");
    let text = line["dyndns.address"].as_str().expect("an address");
    let plain: SocketAddr = text.trim_start_matches("Some(").trim_end_matches(')').parse().expect("an address");
    let path = "/nic/update?hostname=home.example.com&myip=192.0.2.1";
    let key = |body: Value| door.update_key(&body)["token"].as_str().expect("a token").to_owned();
    let zones = ["example.com"];
    let wide = [
        door.key.clone(),
        key(json!({"name": "all", "zones": zones})),
        key(json!({"name": "types", "zones": zones, "names": ["home"]})),
        key(json!({"name": "names", "zones": zones, "types": ["A"]})),
        key(json!({"name": "below", "zones": zones, "names": ["*.home"], "types": ["A"]})),
        key(json!({"name": "acme", "zones": zones, "acme": "home.example.com"})),
    ];
    for token in &wide {
        let answer = ask_at(plain, token, path, &[]);
        assert_eq!((answer.status, answer.text.as_str()), (401, "badauth\n"));
    }
    assert_eq!(door.versions("example.com").len(), 1);
    let narrow = key(json!({"name": "home", "zones": zones, "host": "home.example.com"}));
    assert_eq!(ask_at(plain, &narrow, path, &[]).text, "good 192.0.2.1\n");
    for other in ["/api/v1/dns-zones/", "/api/v1/servers/localhost", "/healthz", "/"] {
        assert_eq!(ask_at(plain, &narrow, other, &[]).status, 404, "{other}");
    }
}

#[test]
fn ddclient_updates_two_hosts() {
    let door = Door::open();
    door.api.create_zone("example.com");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = format!(
        "daemon=0\ncache={0}/cache\npid={0}/pid\nssl=no\nusev4=ipv4, ipv4=192.0.2.88\nprotocol=dyndns2\nserver={1}\n\
         login=user\npassword='{2}'\nhome.example.com,office.example.com\n",
        folder.path().display(),
        door.server.http(),
        door.key,
    );
    let file = folder.path().join("ddclient.conf");
    fs::write(&file, config).expect("a file");
    let output =
        run(Command::new("ddclient").arg("-file").arg(&file).args(["-daemon=0", "-verbose", "-noquiet", "-force"]));
    assert!(output.status.success(), "{}", describe(&output));
    assert_eq!(
        door.records("example.com"),
        ["home 60 IN A 192.0.2.88", "office 60 IN A 192.0.2.88"],
        "{}",
        describe(&output)
    );
}

#[test]
fn inadyn_updates_two_hosts() {
    let door = Door::open();
    door.api.create_zone("example.com");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = format!(
        "iterations = 1\nallow-ipv6 = true\ncustom zonewright {{\n  ssl = false\n  username = user\n  password = {}\n  \
         ddns-server = {}\n  ddns-path = \"/nic/update?hostname=%h&myip=%i\"\n  ddns-response = {{ good, nochg }}\n  \
         checkip-command = \"echo 192.0.2.88\"\n  hostname = {{ home.example.com, office.example.com }}\n}}\n",
        door.key,
        door.server.http(),
    );
    let file = folder.path().join("inadyn.conf");
    fs::write(&file, config).expect("a file");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let output = run(Command::new("inadyn")
        .args(["-n", "-1", "--force", "-l", "debug", "-C", "-f"])
        .arg(&file)
        .args(["--cache-dir", &path("cache"), "-P", &path("pid")]));
    assert_eq!(
        door.records("example.com"),
        ["home 60 IN A 192.0.2.88", "office 60 IN A 192.0.2.88"],
        "{}",
        describe(&output)
    );
}
