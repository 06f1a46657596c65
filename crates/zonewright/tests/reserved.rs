//! Reserved names, from outside: no tenant gets one through the API or a command, and `doctor` names those that have one.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::api::Api;
use common::{Server, describe, run, zonewright};
use serde_json::{Value, json};

const FLAGS: [&str; 4] = ["--ns", "ns1.op-dns.net=192.0.2.53", "--url", "http://panel.example.org:8053"];
const SERVERS: [&str; 7] = [
    "op-dns.net",
    "ns1.op-dns.net",
    "a.ns1.op-dns.net",
    "NS1.OP-DNS.NET.",
    "panel.example.org",
    "x.panel.example.org",
    "example.org",
];
const CATALOGS: [&str; 3] =
    ["c25.catalogs.zonewright.invalid", "x.zones.c25.catalogs.zonewright.invalid", "zonewright.invalid"];

#[test]
fn no_tenant_gets_a_reserved_name() {
    let server = Server::start(&FLAGS);
    let data = server.data();
    let tenant = tenant(&server);
    let operator = Api::new(&server, &server.token());

    let refusal = |api: &Api, domain: &str| -> String {
        for body in [json!({"domain": domain}), json!({"domain": domain, "zonefile": "www 60 A 192.0.2.1\n"})] {
            let (status, answer) = api.send("POST", "/dns-zones/", Some(&body));
            assert_eq!(
                (status, &answer["error_code"], &answer["field"]),
                (400, &json!("validation_error"), &json!("domain")),
                "{domain}: {answer}"
            );
        }
        let (_, answer) = api.send("POST", "/dns-zones/", Some(&json!({"domain": domain})));
        answer["detail"].as_str().expect("a sentence").to_owned()
    };
    for domain in SERVERS.into_iter().chain(CATALOGS) {
        let detail = refusal(&tenant, domain);
        assert_eq!(detail, "this name is reserved by the server; choose another domain", "{domain}");
        let file = server.data().join("zone.txt");
        fs::write(&file, "@ 60 A 192.0.2.1\n").expect("a file");
        let file = file.to_str().expect("text");
        for more in [&[][..], &["--dry-run"]] {
            let import = [&["zone", "import", file, "--account", "eve@example.com", "--domain", domain], more].concat();
            fails(data, &import, "refused: ");
        }
        fails(data, &["zone", "create", domain, "--account", "eve@example.com", "--reserved"], "can have it");
    }
    for domain in CATALOGS {
        refusal(&operator, domain);
    }
    for domain in ["github.io", "uk.com", "eu.org"] {
        assert!(refusal(&tenant, domain).contains("public suffix"), "{domain}");
        assert!(refusal(&operator, domain).contains("only the operator of this server"), "{domain}");
        fails(data, &["zone", "create", domain, "--account", "eve@example.com"], "--reserved");
    }
    for domain in ["lan", "internal", "home.arpa"] {
        assert!(refusal(&tenant, domain).contains("for local networks"), "{domain}");
        fails(data, &["zone", "create", domain, "--account", "eve@example.com"], "--reserved");
    }
    fails(data, &["zone", "create", "com", "--account", "eve@example.com", "--reserved"], "top-level");
    fails(data, &["zone", "create", "github.io", "--account", "bob@example.com", "--reserved"], "there is no account");

    for domain in ["foo.github.io", "foo.lan", "shop.op-dns.net"] {
        tenant.create_zone(domain);
    }
    for domain in ["github.io", "lan", "home.arpa", "plain.example"] {
        let mut create = vec!["zone", "create", domain, "--account", "eve@example.com"];
        if domain != "plain.example" {
            create.push("--reserved");
        }
        assert!(succeeds(data, &create).starts_with(&format!("zone {domain} created for eve@example.com: ")));
        let soa = server.dig_until(&[domain, "SOA"], |answer| !answer.is_empty());
        assert!(soa.contains(" SOA ns1.op-dns.net. "), "{soa}");
    }
    fails(data, &["zone", "create", "lan", "--account", "eve@example.com", "--reserved"], "already exists");
    succeeds(data, &doctor(&server));
}

#[test]
fn the_doctor_names_reserved_names_in_the_wrong_hands() {
    let server = Server::start(&FLAGS);
    let data = server.data();
    let operator = Api::new(&server, &server.token());
    operator.create_zone("op-dns.net");
    tenant(&server);
    fails(data, &["zone", "move", "op-dns.net", "--to", "eve@example.com"], "only operator accounts can have it");
    let healthy = succeeds(data, &doctor(&server));
    assert!(healthy.contains("reserved names: no user has a zone with a reserved name"), "{healthy}");

    // Eve was an operator for a while.
    succeeds(data, &["account", "role", "eve@example.com", "operator"]);
    succeeds(data, &["zone", "move", "op-dns.net", "--to", "eve@example.com"]);
    succeeds(data, &["account", "role", "eve@example.com", "user"]);
    let said = fails(data, &doctor(&server), "BAD   reserved names: op-dns.net of eve@example.com contains a name");
    assert!(said.contains("fix: zonewright zone move op-dns.net --to OPERATOR"), "{said}");
    succeeds(data, &["zone", "move", "op-dns.net", "--to", "admin@localhost"]);
    succeeds(data, &doctor(&server));
}

#[test]
fn the_doctor_names_suffixes_and_local_names_from_before_the_rule() {
    let mut server = Server::start(&FLAGS);
    let eve = tenant(&server);
    for domain in ["suffix.example", "local.example"] {
        eve.create_zone(domain);
    }
    succeeds(server.data(), &["zone", "create", "uk.com", "--account", "eve@example.com", "--reserved"]);
    server.stop();
    let database = rusqlite::Connection::open(server.data().join("zonewright.sqlite")).expect("the database");
    for (from, to) in [("suffix.example", "github.io"), ("local.example", "lan")] {
        let key = |name| dns::Name::parse(name).expect("a name").key();
        database.execute("UPDATE zones SET name = ?2 WHERE name = ?1", (key(from), key(to))).expect("an update");
    }
    drop(database);

    let data = server.data();
    let said = succeeds(data, &["doctor"]);
    for line in [
        "warn  reserved names: github.io of eve@example.com is a public suffix",
        "warn  reserved names: lan of eve@example.com is a name for local networks",
        "to let eve@example.com keep it: zonewright zone move lan --to eve@example.com",
    ] {
        assert!(said.contains(line), "{line} is missing in\n{said}");
    }
    assert!(!said.contains("uk.com"), "the operator has decided that: {said}");
    succeeds(data, &["zone", "move", "lan", "--to", "eve@example.com"]);
    succeeds(data, &["zone", "delete", "github.io"]);
    let said = succeeds(data, &["doctor"]);
    assert!(said.contains("reserved names: no user has a zone with a reserved name"), "{said}");
}

#[test]
fn nothing_redirects_questions_for_the_servers_addresses() {
    let server = Server::start(&FLAGS);
    let operator = Api::new(&server, &server.token());
    let zone = operator.create_zone("op-dns.net");
    let records = format!("/dns-zones/{zone}/records/");
    for (record_type, name) in [("NS", "ns1"), ("DNAME", "ns1"), ("DNAME", "@"), ("A", "ns1"), ("CNAME", "ns1")] {
        let value = if record_type == "A" { "192.0.2.66" } else { "evil.example.com" };
        let record = json!({"record_type": record_type, "name": name, "value": value});
        let (status, answer) = operator.send("POST", &records, Some(&record));
        assert_eq!((status, &answer["field"]), (400, &Value::from("name")), "{record}: {answer}");
    }
    let file = format!("/dns-zones/{zone}/zonefile/");
    assert_eq!(operator.put_zone_file(&file, "ns1 60 NS evil.example.com.\n").0, 400);
    let wildcard = json!({"record_type": "CNAME", "name": "*", "value": "evil.example.com"});
    assert_eq!(operator.send("POST", &records, Some(&wildcard)).0, 201);
    server.dig_until(&["x.op-dns.net", "CNAME"], |answer| answer.ends_with(" CNAME evil.example.com.\n"));
    assert!(server.dig(&["ns1.op-dns.net", "A"]).ends_with(" A 192.0.2.53\n"));
    assert_eq!(server.dig(&["ns1.op-dns.net", "AAAA"]), "");
}

/// The account eve@example.com, and its client.
fn tenant(server: &Server) -> Api {
    succeeds(server.data(), &["account", "create", "eve@example.com"]);
    let create = ["token", "create", "--account", "eve@example.com", "--name", "test", "--permission", "dns:*"];
    Api::new(server, succeeds(server.data(), &create).trim())
}

fn doctor(server: &Server) -> Vec<String> {
    let (http, dns) = (server.http().to_string(), server.dns().to_string());
    ["doctor", "--http", &http, "--dns", &dns].into_iter().chain(FLAGS).map(str::to_owned).collect()
}

#[track_caller]
fn succeeds(data: &Path, command: &[impl AsRef<str>]) -> String {
    let command: Vec<&str> = command.iter().map(AsRef::as_ref).collect();
    let output = run(&mut zonewright(data, &command));
    assert!(output.status.success(), "{command:?}: {}", describe(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// What a command said that fails and says this too.
#[track_caller]
fn fails(data: &Path, command: &[impl AsRef<str>], expected: &str) -> String {
    let command: Vec<&str> = command.iter().map(AsRef::as_ref).collect();
    let output = run(&mut zonewright(data, &command));
    let said = describe(&output);
    assert!(!output.status.success() && said.contains(expected), "{command:?}: {said}");
    said
}
