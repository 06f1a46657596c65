//! The log of the real server: its form, each request in it once, and no secret.

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use common::api::Api;
use common::{DEADLINE, Server, describe, run, wait_for, zonewright};
use serde_json::{Value, json};

#[test]
fn the_log_is_json_lines_and_holds_no_token() {
    let server = Server::start(&[]);
    let token = server.token();
    let secret = token.strip_prefix("vps_").expect("a token");
    let admin = Api::new(&server, &token);
    let zone = admin.create_zone("example.com");
    let record = admin.create_a(&zone, "@", "192.0.2.1");
    assert_eq!(admin.send("PATCH", &format!("/dns-records/{record}/"), Some(&json!({"ttl": 60}))).0, 200);
    assert_eq!(admin.send("DELETE", &format!("/dns-records/{record}/"), None).0, 204);
    // Tokens where they do not belong.
    let body = json!({"domain": token, "token": token});
    for (method, path, body) in [
        ("GET", format!("/dns-zones/{token}/"), None),
        ("GET", format!("/{token}"), None),
        ("GET", format!("/dns-zones/?domain={token}&token={token}"), None),
        ("GET", format!("/dns-zones/?cursor={token}"), None),
        ("POST", "/dns-zones/".to_owned(), Some(&body)),
        ("POST", format!("/dns-zones/{zone}/records/"), Some(&body)),
        ("PATCH", format!("/dns-records/{record}/"), Some(&body)),
    ] {
        let (status, answer) = admin.send(method, &path, body);
        assert!((400..500).contains(&status) || status == 200, "{method} {path}: {status} {answer}");
    }
    for wrong in [format!("{token}x"), "vps_unknown".to_owned(), format!("Bearer {token}"), "vps_\u{fc}".to_owned()] {
        let header = format!("Authorization: Bearer {wrong}");
        let url = format!("{}/dns-zones/", server.api());
        let output =
            run(Command::new("curl").args(["-s", "-o", "/dev/null", "-w", "%{http_code}", &url, "-H", &header]));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "401", "{wrong}");
    }
    for raw in [format!("{token} / HTTP/1.1\r\n\r\n"), format!("GET / HTTP/1.1\r\nBad Header {token}: x\r\n\r\n")] {
        let mut stream = TcpStream::connect(server.http()).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time-out");
        stream.write_all(raw.as_bytes()).expect("it takes them");
        let mut answer = String::new();
        // However it ends: the log is what counts here.
        let _ = stream.read_to_string(&mut answer);
    }
    let made = run(&mut zonewright(
        server.data(),
        &["token", "create", "--account", "admin@localhost", "--name", &token, "--permission", "dns:list"],
    ));
    assert!(made.status.success(), "{}", describe(&made));
    server.dig(&[&format!("{token}.example.com"), "A"]);

    let mut server = server;
    assert!(server.stop().success());
    let log = server.log();
    assert!(log.lines().count() > 15, "{log}");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    assert!(!log.contains("vps_") && !log.contains(secret), "{log}");
}

#[test]
fn a_request_has_one_line_in_the_log_and_each_fact_stands_there_once() {
    let server = Server::start(&[]);
    let asked = run(Command::new("curl").args(["-si", &format!("{}/dns-zones/", server.api())]));
    let answer = String::from_utf8_lossy(&asked.stdout).to_ascii_lowercase();
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("the header").trim();
    wait_for("the line", || server.log().contains(id).then_some(()));
    let log = server.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(id)).collect();
    let [line] = lines[..] else { panic!("{lines:#?}") };
    for fact in [id, "\"GET\"", "/dns-zones", "\"http.status\":401", "duration_ms"] {
        assert_eq!(line.matches(fact).count(), 1, "{fact}: {line}");
    }
}

/// The log is on a full disk: its lines are lost, and nothing else.
#[test]
fn a_log_that_cannot_be_written_does_not_end_the_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let http = {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        free.local_addr().expect("its address").to_string()
    };
    let full = File::options().write(true).open("/dev/full").expect("a file that is always full");
    let mut command = zonewright(&folder.path().join("data"), &["serve", "--nameserver", "none", "--metrics", "none"]);
    command.args(["--http", &http]).stdout(Stdio::null()).stderr(full);
    let mut server = command.spawn().expect("the server starts");
    let ready = || {
        let mut connection = TcpStream::connect(&http).ok()?;
        connection.write_all(b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        connection.read_to_string(&mut text).ok()?;
        text.starts_with("HTTP/1.1 200").then_some(())
    };
    let outcome = std::panic::catch_unwind(|| wait_for("two responses", || ready().and_then(|()| ready())));
    let ended = server.try_wait().expect("the process is ours");
    server.kill().expect("it can be killed");
    server.wait().expect("it ends");
    assert!(outcome.is_ok() && ended.is_none(), "{outcome:?} {ended:?}");
}
