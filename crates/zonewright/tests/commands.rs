//! The operator's commands, beside a running server: it notices what they do, and they say what they did.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::api::Api;
use common::{Server, describe, run, wait_for, zonewright};
use serde_json::Value;

/// "Within a second", on a machine that is busy with other tests.
const NOTICED: Duration = Duration::from_secs(5);

#[test]
fn common_passwords_and_what_nobody_sees_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for password in ["1234567890", "          ", "Password123", "ann@example.com", "short"] {
        let create = zonewright(&data, &["account", "create", "ann@example.com", "--password-stdin"]);
        let output = with_input(create, &format!("{password}\n"));
        assert_eq!(output.status.code(), Some(1), "{password:?}: {}", describe(&output));
        assert!(String::from_utf8_lossy(&output.stderr).contains("the password "), "{}", describe(&output));
    }
    refused(&data, &["account", "create", "ann\u{200b}@example.com"], 1, &["is not an e-mail address"]);
    for flag in ["--first-name", "--last-name", "--company"] {
        refused(&data, &["account", "create", "ann@example.com", flag, "A\u{202e}nn"], 2, &["U+202E"]);
    }
    succeeds(&data, &["account", "create", "ann@example.com"]);
    let token = ["token", "create", "--account", "ann@example.com", "--permission", "dns:list", "--name"];
    refused(&data, &[&token[..], &["a\u{feff}"]].concat(), 2, &["U+FEFF"]);
    let create = zonewright(&data, &["account", "create", "bob@example.com", "--password-stdin"]);
    assert!(with_input(create, "four random words here\n").status.success());
}

#[test]
fn commands_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");

    // Without a database, only making an account makes one.
    for command in [
        &["zone", "list"][..],
        &["token", "list"],
        &["token", "revoke", "1"],
        &["token", "create", "--account", "a@example.com", "--name", "n", "--permission", "dns:*"],
        &["zone", "delete", "example.com"],
    ] {
        refused(&data, command, 1, &["command line, --data: data: there is no database in ", "check the directory"]);
    }
    assert!(!data.exists(), "a refused command made the data directory");

    for email in ["", "nobody", "@example.com", "a@", "a b@example.com", "a@b@example.com"] {
        refused(&data, &["account", "create", email], 1, &["is not an e-mail address"]);
    }
    let short =
        with_input(zonewright(&data, &["account", "create", "eve@example.com", "--password-stdin"]), "123456789\n");
    assert_eq!(short.status.code(), Some(1), "{}", describe(&short));
    assert!(describe(&short).contains("at least 10 characters"), "{}", describe(&short));
    refused(&data, &["token", "list", "--account", "eve@example.com"], 1, &["there is no account eve@example.com"]);

    succeeds(&data, &["account", "create", "Ann@Example.com", "--first-name", "Ann"]);
    refused(&data, &["account", "create", "ann@example.COM"], 1, &["there is an account", "already"]);

    let token = ["token", "create", "--account", "ann@example.com", "--name", "ci", "--permission"];
    fn with<'a>(token: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [token, more].concat()
    }
    refused(&data, &with(&token, &["dns:read"]), 2, &["\"dns:read\" is no permission; use dns:list, dns:create"]);
    refused(&data, &with(&token, &["dns:list", "--permission", "DNS:*"]), 2, &["\"DNS:*\" is no permission"]);
    refused(&data, &token[..6], 2, &["--permission"]);
    for expires in ["", "90", "d", "-1d", "0d", "1.5h", "90days", "tomorrow"] {
        refused(&data, &with(&token, &["dns:*", &format!("--expires={expires}")]), 2, &["--expires", "such as 90d"]);
    }
    refused(&data, &with(&token, &["dns:*", "--expires", "4294967295w"]), 1, &["--expires: the time is too long"]);
    let blank = ["token", "create", "--account", "ann@example.com", "--name", " ", "--permission", "dns:*"];
    refused(&data, &blank, 2, &["the name must not be empty"]);
    let unknown = ["token", "create", "--account", "bob@example.com", "--name", "ci", "--permission", "dns:*"];
    refused(&data, &unknown, 1, &["there is no account bob@example.com; create it with: zonewright account create"]);

    refused(&data, &["token", "revoke", "77"], 1, &["there is no token 77", "zonewright token list"]);
    refused(&data, &["token", "revoke", "seven"], 2, &["invalid value 'seven'"]);
    refused(&data, &["zone", "delete", "example.com"], 1, &["there is no zone example.com", "zonewright zone list"]);
    refused(&data, &["zone", "delete", "exa mple.com"], 2, &["cannot contain spaces"]);
    refused(&data, &["zone", "move", "example.com", "--to", "bob@example.com"], 1, &["there is no account bob"]);
    refused(&data, &["zone", "move", "example.com", "--to", "ann@example.com"], 1, &["there is no zone example.com"]);
    assert_eq!(succeeds(&data, &["zone", "list"]), "");
}

#[test]
fn a_token_made_by_the_operator_works_until_it_is_revoked_or_expires() {
    let server = Server::start(&[]);
    let data = server.data();
    let said = with_input(
        zonewright(data, &["account", "create", "ann@example.com", "--password-stdin"]),
        "correct horse battery\n",
    );
    assert!(said.status.success(), "{}", describe(&said));

    let made = run(&mut zonewright(data, &create_token("ann@example.com", &["--permission", "dns:list"])));
    assert!(made.status.success() && made.stderr.is_empty(), "{}", describe(&made));
    let token = String::from_utf8(made.stdout).expect("text");
    let token = token.strip_suffix('\n').expect("one line");
    let random = token.strip_prefix("vps_").expect("the token and nothing else");
    assert!(random.len() >= 43 && random.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c)), "{token}");

    let ann = Api::new(&server, token);
    assert_eq!(ann.send("GET", "/dns-zones/", None), (200, serde_json::json!([])));
    let (status, body) = ann.send("POST", "/dns-zones/", Some(&serde_json::json!({"domain": "example.com"})));
    assert_eq!((status, &body["detail"]), (403, &Value::from("Token lacks dns:create permission")));

    let brief = create_token("ann@example.com", &["--permission", "dns:*", "--expires", "2s"]);
    let brief = succeeds(data, &brief);
    let expiring = Api::new(&server, brief.trim());
    wait_for("the token to expire", || (expiring.status("/dns-zones/") == 401).then_some(()));

    let list = succeeds(data, &["token", "list", "--account", "ANN@example.com"]);
    let line = list.lines().find(|line| line.contains(&token[token.len() - 4..])).expect("the token is listed");
    assert!(!list.contains(token) && !list.contains("admin@localhost"), "{list}");
    let columns: Vec<&str> = line.split('\t').collect();
    assert_eq!((columns[1], columns[2], columns[4], columns[6]), ("ann@example.com", "test", "dns:list", "never"));
    server.token();
    assert!(succeeds(data, &["token", "list"]).contains("admin@localhost"));

    assert_eq!(ann.status("/dns-zones/"), 200);
    assert_eq!(succeeds(data, &["token", "revoke", columns[0]]), format!("token {} revoked\n", columns[0]));
    let revoked = Instant::now();
    wait_for("the token to be refused", || (ann.status("/dns-zones/") == 401).then_some(()));
    assert!(revoked.elapsed() < NOTICED, "refused only after {:?}", revoked.elapsed());
    refused(data, &["token", "revoke", columns[0]], 1, &["there is no token"]);
}

#[test]
fn zones_are_listed_moved_and_deleted_under_a_running_server() {
    let server = Server::start(&[]);
    let data = server.data();
    let admin = Api::new(&server, &server.token());
    let zone = admin.create_zone("example.com");
    let record = admin.create_a(&zone, "@", "192.0.2.1");
    server.dig_until(&["example.com", "A"], |answer| answer.contains("192.0.2.1"));
    succeeds(data, &["account", "create", "bob@example.com"]);
    let bob = succeeds(data, &create_token("bob@example.com", &["--permission", "dns:*"]));
    let bob = Api::new(&server, bob.trim());
    let (zone_path, record_path) = (format!("/dns-zones/{zone}/"), format!("/dns-records/{record}/"));
    assert_eq!(bob.status(&zone_path), 404);

    let listed = succeeds(data, &["zone", "list"]);
    assert!(listed.starts_with("example.com\tadmin@localhost\t1 records\tserial "), "{listed}");

    let moved = succeeds(data, &["zone", "move", "Example.COM.", "--to", "bob@example.com"]);
    assert_eq!(moved, "example.com now belongs to bob@example.com\n");
    wait_for("the old account to lose the zone", || (admin.status(&zone_path) == 404).then_some(()));
    for path in [&zone_path, &record_path] {
        assert_eq!((admin.status(path), bob.status(path)), (404, 200), "{path}");
    }
    assert_eq!(admin.send("GET", "/dns-zones/", None).1, serde_json::json!([]));
    let patch = serde_json::json!({"value": "192.0.2.2"});
    assert_eq!(admin.send("PATCH", &record_path, Some(&patch)).0, 404);
    assert_eq!(bob.send("PATCH", &record_path, Some(&patch)).0, 200);
    server.dig_until(&["example.com", "A"], |answer| answer.contains("192.0.2.2"));

    let deleted = succeeds(data, &["zone", "delete", "example.com"]);
    assert_eq!(deleted, "example.com of bob@example.com deleted, with 1 records\n");
    let deletion = Instant::now();
    server.dig_until(&["example.com", "SOA"], str::is_empty);
    assert!(deletion.elapsed() < NOTICED, "gone only after {:?}", deletion.elapsed());
    assert_eq!(bob.status(&zone_path), 404);
    assert_eq!(succeeds(data, &["zone", "list"]), "");
}

#[test]
fn commands_find_the_data_by_flag_environment_and_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    succeeds(&data, &["account", "create", "ann@example.com"]);
    fs::write(folder.path().join("zonewright.toml"), "data = \"data\"\n").expect("a file");
    fs::write(folder.path().join("nowhere.toml"), "data = \"nowhere\"\n").expect("a file");
    let here = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zonewright"));
        command
            .args(arguments)
            .current_dir(folder.path())
            .env_remove("ZONEWRIGHT_DATA")
            .env_remove("ZONEWRIGHT_CONFIG");
        command
    };
    let create = create_token("ann@example.com", &["--permission", "dns:*"]);
    for command in [&["zone", "list"][..], &["token", "list"], &create, &["token", "revoke", "1"]] {
        let by_file = run(&mut here(command));
        assert!(!describe(&by_file).contains("no database"), "{}", describe(&by_file));
        let elsewhere = run(here(command).args(["--config", "nowhere.toml"]));
        assert!(describe(&elsewhere).contains("nowhere.toml: data: there is no database"), "{}", describe(&elsewhere));
        let elsewhere = run(here(command).env("ZONEWRIGHT_DATA", "missing"));
        let words = "environment, ZONEWRIGHT_DATA: data: there is no database";
        assert!(describe(&elsewhere).contains(words), "{}", describe(&elsewhere));
        let by_flag = run(here(command).env("ZONEWRIGHT_DATA", "missing").args(["--data", "data"]));
        assert!(!describe(&by_flag).contains("no database"), "{}", describe(&by_flag));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    succeeds(&data, &["account", "create", "ann@example.com"]);
    let create = create_token("ann@example.com", &["--permission", "dns:*"]);
    for command in [&["token", "list"][..], &["zone", "list"], &["--help"], &create, &["doctor"]] {
        let mut command = zonewright(&data, command);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_ne!(output.status.code(), None, "{command:?}: {}", describe(&output));
        assert!(output.stderr.is_empty() && output.status.success(), "{command:?}: {}", describe(&output));
    }
}

#[test]
fn the_doctor_says_what_is_wrong_and_how_to_fix_it() {
    let server = Server::start(&["--ns", "ns1.example.net=192.0.2.53"]);
    let data = server.data().to_owned();
    let (http, dns) = (server.http().to_string(), server.dns().to_string());
    let doctor = |more: &[&str]| {
        let mut command = zonewright(&data, &["doctor"]);
        command.args(["--http", &http, "--dns", &dns]).args(more);
        run(&mut command)
    };
    let ns = ["--ns", "ns1.example.net=192.0.2.53"];

    // Without a zone there is nothing to compare, but DNS is asked all the same.
    finds(&doctor(&ns), 0, &["serves the newest version of the 0 zones", "the server responds on"]);
    let admin = Api::new(&server, &server.token());
    let zone = admin.create_zone("example.com");
    admin.create_a(&zone, "@", "192.0.2.1");
    let healthy = doctor(&ns);
    finds(
        &healthy,
        0,
        &[
            "configuration: no file",
            "is not accessible to other users",
            "disk: a write is durable",
            "database: no errors found",
            "accounts: 1",
            "clock: not behind",
            "serves the newest version of the 1 zones",
            "the server responds on",
            "nameservers of every zone: ns1.example.net",
        ],
    );
    assert!(!String::from_utf8_lossy(&healthy.stdout).contains("BAD"), "{}", describe(&healthy));
    finds(
        &doctor(&["--ns", "ns1.zonewright.test"]),
        0,
        &["warn  nameservers of every zone: ns1.zonewright.test", "fix: set your own: --ns"],
    );

    // Ports that are somebody else's.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let silent_tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = |address: std::io::Result<std::net::SocketAddr>| address.expect("an address").to_string();
    let (udp, tcp) = (address(silent.local_addr()), address(silent_tcp.local_addr()));
    let mut elsewhere = zonewright(&data, &["doctor", "--http", &tcp, "--dns", &udp]);
    finds(
        &run(&mut elsewhere),
        1,
        &[
            "does not respond to DNS queries: no response",
            "fix: another program may use the port; choose another --dns",
            " is in use by another program",
            "choose another --http",
        ],
    );
    let other = Server::start(&[]);
    let (other_http, other_dns) = (other.http().to_string(), other.dns().to_string());
    let mut strange = zonewright(&data, &["doctor", "--http", &other_http, "--dns", &other_dns]);
    finds(
        &run(&mut strange),
        1,
        &["does not serve the newest version of example.com (not served", "fix: check that the server runs"],
    );
    let mut away = zonewright(&data, &["doctor", "--http", "192.0.2.1:80", "--dns", "192.0.2.1:53"]);
    finds(&run(&mut away), 1, &["cannot listen on 192.0.2.1:53", "set --dns to an address of this machine", "--http"]);

    // Permissions.
    let database = data.join("zonewright.sqlite");
    mode(&data, 0o755);
    mode(&database, 0o644);
    let shown = data.display();
    finds(
        &doctor(&ns),
        0,
        &[
            "is readable by other users",
            &format!("fix: chmod 700 {shown}"),
            "is accessible to other users",
            "fix: chmod 600",
        ],
    );
    mode(&data, 0o700);
    mode(&database, 0o600);

    // A clock that was wrong once.
    let mut stopped = server;
    assert!(stopped.stop().success());
    finds(&doctor(&ns), 0, &["nameserver: not running", "http: not running"]);
    ahead(&database, "example.com");
    finds(&doctor(&ns), 0, &["warn  clock: example.com has serial", "in the future", "fix: set the clock"]);

    // Damage, on copies.
    let copy = tempfile::tempdir().expect("a temporary folder");
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut content = fs::read(&database).expect("the database");
        change(&mut content);
        let path = copy.path().join("zonewright.sqlite");
        for suffix in ["", "-wal", "-shm"] {
            // Only the first may be there.
            let _ = fs::remove_file(copy.path().join(format!("zonewright.sqlite{suffix}")));
        }
        fs::write(&path, content).expect("a copy");
        fs::copy(data.join("secret.key"), copy.path().join("secret.key")).expect("a copy of the key");
        run(&mut zonewright(copy.path(), &["doctor", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"]))
    };
    finds(&damaged(&|_| {}), 0, &["database: no errors found"]);
    finds(&damaged(&|content| content.truncate(content.len() / 2)), 1, &["BAD   database", "restore a backup"]);
    finds(&damaged(&|content| content.clear()), 1, &["BAD   database", "is empty", "restore a backup"]);
    finds(&damaged(&|content| content[..100].fill(b'x')), 1, &["is not a database of this program", "backup"]);
    finds(&damaged(&|content| content[4096..].fill(0)), 1, &["BAD   database", "restore a backup"]);

    let nothing = tempfile::tempdir().expect("a temporary folder");
    let missing = nothing.path().join("data");
    let free = ["doctor", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"];
    finds(
        &run(&mut zonewright(&missing, &free)),
        0,
        &["does not exist yet", "database: does not exist yet", "serve` creates"],
    );
    assert!(!missing.exists(), "the doctor made something");
    fs::write(&missing, "a file").expect("a file");
    finds(&run(&mut zonewright(&missing, &free)), 1, &["is a file", "choose another --data"]);
}

/// Gives a zone a serial a day from now, as a clock that was wrong does.
fn ahead(database: &Path, zone: &str) {
    let zone = dns::ZoneName::parse(zone).expect("a zone's name");
    let apex = dns::apex::Apex::new(vec![dns::apex::ApexNameserver {
        name: dns::Name::parse("ns1.example.net").expect("a name"),
        addresses: vec!["192.0.2.53".parse().expect("an address")],
    }]);
    let options = store::Options {
        clock: store::Clock::system(),
        limits: dns::change::Limits::default(),
        apex: apex.expect("a nameserver"),
        key_file: None,
        own_names: Vec::new(),
        policy: store::Policy::default(),
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        let store = store::Store::open(database, options).expect("the store");
        let head = store.journal().head(&zone).await.expect("a head").expect("the zone");
        let raised = store.journal().raise_serial(head.id, dns::Serial(head.serial.0 + 86_400)).await;
        raised.expect("a serial").expect("the zone");
        store.close().await;
    });
}

fn create_token<'a>(email: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["token", "create", "--account", email, "--name", "test"], more].concat()
}

#[track_caller]
fn succeeds(data: &Path, arguments: &[&str]) -> String {
    let output = run(&mut zonewright(data, arguments));
    assert!(output.status.success(), "{arguments:?}: {}", describe(&output));
    String::from_utf8(output.stdout).expect("text")
}

#[track_caller]
fn refused(data: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let output = run(&mut zonewright(data, arguments));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", describe(&output));
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", describe(&output));
    let text = String::from_utf8_lossy(&output.stderr);
    for word in words {
        assert!(text.contains(word), "{arguments:?} does not say {word:?}: {text}");
    }
}

#[track_caller]
fn finds(output: &Output, code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stdout);
    for word in words {
        assert!(text.contains(word), "the doctor does not say {word:?}: {}", describe(output));
    }
    assert_eq!(output.status.code(), Some(code), "{}", describe(output));
}

fn with_input(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the zonewright binary starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

#[test]
fn a_backup_is_taken_under_a_running_server_and_starts_another() {
    let server = Server::start(&[]);
    let token = server.token();
    let zone = Api::new(&server, &token).create_zone("example.com");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("a folder");
    let copy = data.join("zonewright.sqlite");
    let copy_text = copy.to_str().expect("a path in UTF-8");
    let taken = run(&mut zonewright(server.data(), &["backup", copy_text, "--with-keys"]));
    assert!(taken.status.success(), "{}", describe(&taken));
    let again = run(&mut zonewright(server.data(), &["backup", copy_text]));
    assert_eq!(again.status.code(), Some(1), "a file that is there is not overwritten: {}", describe(&again));

    fs::rename(data.join("zonewright.sqlite.key"), data.join("secret.key")).expect("the copy of the key");
    let restored = Server::start_in(&data, &[]);
    assert_eq!(Api::new(&restored, &token).status(&format!("/dns-zones/{zone}/")), 200);
    restored.dig_until(&["example.com", "SOA"], |answer| !answer.is_empty());
}
