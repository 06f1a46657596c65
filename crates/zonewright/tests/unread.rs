//! Answers that nobody reads: what the real server has in memory for them.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::Server;

/// The streams that a client may have on one connection of HTTP/2.
const STREAMS: u8 = 64;
const CONNECTIONS: usize = 3;

/// The preface of HTTP/2 and a SETTINGS frame (RFC 9113, sections 3.4 and 6.5), which allows the server no octet of a body.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";

/// A HEADERS frame: GET with a token (RFC 9113, section 6.2; indexed and literal fields of RFC 7541).
fn get(token: &str, path: &str, stream: u8) -> Vec<u8> {
    let credentials = format!("Bearer {token}");
    let mut block = vec![0x82, 0x86, 0x04, path.len() as u8];
    block.extend(path.as_bytes());
    block.extend(b"\x01\x01a\x0f\x08");
    block.push(credentials.len() as u8);
    block.extend(credentials.as_bytes());
    let mut frame = vec![0, 0, block.len() as u8, 1, 5, 0, 0, 0, stream];
    frame.extend(block);
    frame
}

/// What the server has in memory, in kB.
fn memory(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn lists_that_nobody_reads_cost_little() {
    let server = Server::start(&[]);
    let token = server.token();
    let bearer = format!("Bearer {token}");
    let agent = ureq::Agent::new_with_defaults();
    let mut made = agent
        .post(format!("{}/dns-zones/", server.api()))
        .header("authorization", &bearer)
        .send_json(serde_json::json!({"domain": "example.org"}))
        .expect("a zone");
    let made: serde_json::Value = made.body_mut().read_json().expect("JSON");
    let zone = made["uuid"].as_str().expect("a UUID").to_owned();
    let mut file = "$TTL 60\n".to_owned();
    for number in 0..10_000 {
        let _ = writeln!(file, "h{number} A 10.0.{}.{}", number / 256, number % 256);
    }
    agent
        .put(format!("{}/dns-zones/{zone}/zonefile/", server.api()))
        .header("authorization", &bearer)
        .header("content-type", "text/dns")
        .send(&file)
        .expect("an import");
    let path = format!("/api/v1/dns-zones/{zone}/records/");
    let list = || {
        let mut answer = agent.get(format!("{}{path}", server.base())).header("authorization", &bearer).call();
        let body = answer.as_mut().expect("a list").body_mut().with_config().limit(100_000_000).read_to_string();
        body.expect("the whole list").len()
    };
    assert!(list() > 1_000_000);

    let before = memory(&server);
    let mut deaf = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(server.http()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        let asked: Vec<u8> = (0..STREAMS).flat_map(|number| get(&token, &path, number * 2 + 1)).collect();
        stream.write_all(&[HTTP_2, &asked].concat()).expect("sent");
        let mut answered = 0;
        while answered < STREAMS {
            let mut head = [0; 9];
            stream.read_exact(&mut head).expect("a frame");
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            stream.read_exact(&mut payload).expect("a payload");
            assert_ne!(head[3], 0, "there is no window for a body");
            answered += u8::from(head[3] == 1);
        }
        deaf.push(stream);
    }
    let cost = memory(&server).saturating_sub(before) / 1000;
    assert!(cost < 60, "{} lists that nobody reads cost {cost} MB", CONNECTIONS * usize::from(STREAMS));
    assert!(list() > 1_000_000, "others are served");
}
