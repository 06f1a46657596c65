//! Slow clients: each loses its connection, and nobody else notices.
//!
//! A server with room for one connection shows it best: the next client gets its answer only when the slow one is gone.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use api::Settings;
use axum::Router;
use axum::routing::get;

use crate::server::{PATIENCE, Server, Setup};

const SHORT: Duration = Duration::from_millis(300);

fn quick() -> Setup {
    let http = http_server::Settings {
        header_timeout: SHORT,
        idle_timeout: SHORT,
        write_timeout: SHORT,
        handshake_timeout: SHORT,
        max_connections: 1,
        ..http_server::Settings::default()
    };
    Setup { settings: Settings { body_timeout: SHORT, ..Settings::default() }, http, ..Setup::default() }
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads until the server closes; what it said.
fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    if let Err(error) = stream.read_to_end(&mut text) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "the connection was not closed in time");
    }
    String::from_utf8(text).unwrap()
}

/// Sends `text` octet by octet, slowly, until the server closes the connection; what it said.
fn trickle(stream: &mut TcpStream, text: &[u8]) -> String {
    stream.set_read_timeout(Some(SHORT / 10)).unwrap();
    let started = Instant::now();
    let mut said = Vec::new();
    let mut octets = text.iter().cycle();
    loop {
        assert!(started.elapsed() < PATIENCE, "the connection was not closed in time");
        // A failure shows in the read below.
        let _ = stream.write(&[*octets.next().unwrap()]);
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => said.extend_from_slice(&buffer[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    String::from_utf8(said).unwrap()
}

/// Somebody else is served again.
fn somebody_else_is_served(server: &Server) {
    server.client(None).get("/nothing/").refused(404, "not_found", None);
}

#[test]
fn a_client_that_sends_nothing() {
    let server = Server::with(quick());
    let mut silent = connect(&server);
    assert_eq!(rest(&mut silent), "");
    somebody_else_is_served(&server);
}

#[test]
fn a_client_that_might_speak_http_2() {
    let server = Server::with(quick());
    let mut undecided = connect(&server);
    undecided.write_all(b"PRI * HTTP/2").unwrap();
    assert_eq!(rest(&mut undecided), "");
    somebody_else_is_served(&server);
}

#[test]
fn a_client_that_sends_its_headers_octet_by_octet() {
    let server = Server::with(quick());
    let mut slow = connect(&server);
    slow.write_all(b"GET /api/v1/dns-zones/ HTTP/1.1\r\nHost: a\r\nX-Slow: ").unwrap();
    let started = Instant::now();
    trickle(&mut slow, b"a");
    assert!(started.elapsed() >= SHORT - Duration::from_millis(50));
    somebody_else_is_served(&server);
}

#[test]
fn a_client_that_sends_its_body_octet_by_octet() {
    let server = Server::with(quick());
    let token = server.tenant().client.token.unwrap();
    for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let mut slow = connect(&server);
        let head = format!(
            "POST /api/v1/dns-zones/ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
        );
        slow.write_all(head.as_bytes()).unwrap();
        let said = trickle(&mut slow, b"1\r\n \r\n");
        assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
        assert!(said.contains("\"error_code\":\"invalid_json\"") && said.contains("did not arrive within"), "{said}");
        assert!(said.contains("x-request-id: ") && said.contains("connection: close"), "{said}");
        somebody_else_is_served(&server);
    }
}

#[test]
fn a_client_without_a_token_that_never_ends_its_body() {
    let server = Server::with(quick());
    let mut slow = connect(&server);
    slow.write_all(b"POST /api/v1/dns-zones/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n").unwrap();
    let said = trickle(&mut slow, b" ");
    assert!(said.starts_with("HTTP/1.1 401 "), "{said}");
    somebody_else_is_served(&server);
}

#[test]
fn a_client_that_stands_idle_after_its_answer() {
    let server = Server::with(quick());
    let mut idle = connect(&server);
    idle.write_all(b"GET /api/v1/ HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert!(rest(&mut idle).starts_with("HTTP/1.1 404 "));
    somebody_else_is_served(&server);
}

#[test]
fn a_client_that_stops_reading_a_large_list() {
    let server = Server::with(quick());
    let tenant = server.tenant();
    let zone = tenant.large_zone("large.example", 20_000);
    let token = tenant.client.token.clone().unwrap();
    let mut deaf = connect(&server);
    let ask = format!("GET /api/v1/dns-zones/{zone}/ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    // More than the buffers of both operating systems hold.
    let requests = 16;
    deaf.write_all(ask.repeat(requests).as_bytes()).unwrap();
    let mut first = [0; 12];
    deaf.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    somebody_else_is_served(&server);
    let mut got = Vec::new();
    let _ = deaf.read_to_end(&mut got);
    let whole = tenant.client.get(&format!("/dns-zones/{zone}/")).body.len();
    assert!(got.len() < requests * whole, "it was cut off");
}

/// The preface of HTTP/2 and a SETTINGS frame (RFC 9113, sections 3.4 and 6.5), which allows the server no octet of a body.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";

/// A HEADERS frame of the first stream: GET, without a body (RFC 9113, section 6.2; indexed and literal fields of RFC 7541).
fn get_over_http_2(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    block.extend(path.as_bytes());
    block.extend(b"\x01\x01a");
    let mut frame = vec![0, 0, u8::try_from(block.len()).unwrap(), 1, 5, 0, 0, 0, 1];
    frame.extend(block);
    frame
}

/// Reads frames until the server closes; the types of those it sent.
fn frames(stream: &mut TcpStream) -> Vec<u8> {
    let mut types = Vec::new();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).is_ok() {
        types.push(head[3]);
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).unwrap();
    }
    let ended = stream.read(&mut head);
    assert!(
        !ended.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)),
        "the connection was not closed in time"
    );
    types
}

const HEADERS: u8 = 1;
const DATA: u8 = 0;
const GOAWAY: u8 = 7;

#[test]
fn a_client_that_speaks_http_2_and_asks_nothing() {
    let server = Server::with(quick());
    let mut silent = connect(&server);
    silent.write_all(HTTP_2).unwrap();
    assert!(frames(&mut silent).contains(&GOAWAY));
    somebody_else_is_served(&server);
}

#[test]
fn a_client_that_opens_no_window_for_the_answer() {
    let server = Server::with(quick());
    let mut deaf = connect(&server);
    deaf.write_all(&[HTTP_2, &get_over_http_2("/api/v1/")].concat()).unwrap();
    let seen = frames(&mut deaf);
    assert!(seen.contains(&HEADERS) && !seen.contains(&DATA), "{seen:?}");
    somebody_else_is_served(&server);
}

#[test]
fn a_slow_handler_is_no_slow_client() {
    let more = Router::new().route(
        "/slow",
        get(async || {
            tokio::time::sleep(SHORT * 4).await;
            "done"
        }),
    );
    let server = Server::with(Setup { more, ..quick() });
    let answer = server.client(None).get("//slow");
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"done"[..]));
}

/// A route that says when it has been reached, and answers after a while.
fn slow_route(within: Duration) -> (Router, Receiver<()>) {
    let (reached, was_reached) = std::sync::mpsc::channel();
    let handler = async move || {
        reached.send(()).unwrap();
        tokio::time::sleep(within).await;
        "done"
    };
    (Router::new().route("/slow", get(handler)), was_reached)
}

#[test]
fn requests_under_way_are_finished_when_the_server_stops() {
    let (more, was_reached) = slow_route(SHORT * 2);
    let http =
        http_server::Settings { header_timeout: PATIENCE, idle_timeout: PATIENCE, ..http_server::Settings::default() };
    let mut server = Server::with(Setup { http, more, ..Setup::default() });
    let mut idle = connect(&server);
    idle.write_all(b"GET /api/v1/ HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).unwrap();
    let mut busy = connect(&server);
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    was_reached.recv_timeout(PATIENCE).unwrap();
    let started = Instant::now();
    server.stop.cancel();
    assert!(rest(&mut busy).ends_with("done"));
    rest(&mut idle);
    server.wait_for_end();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(TcpStream::connect(server.address).is_err(), "nothing listens any more");
}

#[test]
fn a_server_that_stops_does_not_wait_for_ever() {
    let (more, was_reached) = slow_route(PATIENCE * 10);
    let http = http_server::Settings { shutdown_timeout: SHORT, ..http_server::Settings::default() };
    let mut server = Server::with(Setup { http, more, ..Setup::default() });
    let mut waiting = connect(&server);
    waiting.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    was_reached.recv_timeout(PATIENCE).unwrap();
    server.stop.cancel();
    server.wait_for_end();
    assert_eq!(rest(&mut waiting), "");
}

#[test]
fn what_is_no_http_is_answered_in_json() {
    let server = Server::start();
    // As much as is read, and still no end of the head.
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Large: {}", "a".repeat(32 * 1024));
    let large = &large[..32 * 1024];
    for (request, status) in [
        ("nonsense\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHo st: a\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", "400"),
        (large, "431"),
    ] {
        let mut stream = connect(&server);
        stream.write_all(request.as_bytes()).unwrap();
        let said = rest(&mut stream);
        let version = if request.contains("HTTP/1.0") { "HTTP/1.0" } else { "HTTP/1.1" };
        assert!(said.starts_with(&format!("{version} {status} ")), "{said}");
        assert!(said.contains("\r\nx-request-id: ") && said.contains("\"error_code\":\"validation_error\""), "{said}");
    }
    let mut second = connect(&server);
    second.write_all(b"GET /api/v1/ HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n").unwrap();
    let said = rest(&mut second);
    assert_eq!(said.matches("\"error_code\"").count(), 2, "{said}");
}

/// [`get_over_http_2`] with a token, on a stream of its own.
fn get_as(token: &str, path: &str, stream: u8) -> Vec<u8> {
    let credentials = format!("Bearer {token}");
    let mut block = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    block.extend(path.as_bytes());
    block.extend(b"\x01\x01a\x0f\x08");
    block.push(u8::try_from(credentials.len()).unwrap());
    block.extend(credentials.as_bytes());
    let mut frame = vec![0, 0, u8::try_from(block.len()).unwrap(), 1, 5, 0, 0, 0, stream];
    frame.extend(block);
    frame
}

/// Reads frames until there were so many with HEADERS.
fn until_headers(stream: &mut TcpStream, mut count: usize) {
    let mut head = [0; 9];
    while count > 0 {
        stream.read_exact(&mut head).unwrap();
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).unwrap();
        assert_ne!(head[3], DATA, "there is no window for it");
        count -= usize::from(head[3] == HEADERS);
    }
}

#[test]
fn unread_answers_of_one_account_are_bounded() {
    let settings = Settings { unread_per_account: 300 * 1024, ..Settings::default() };
    let http = http_server::Settings { write_timeout: PATIENCE, ..http_server::Settings::default() };
    let server = Server::with(Setup { settings, http, ..Setup::default() });
    let (tenant, other) = (server.tenant(), server.tenant());
    let zone = tenant.large_zone("large.example", 3_000);
    let theirs = other.large_zone("large.example.net", 3_000);
    let path = format!("/dns-zones/{zone}/records/");
    let whole = tenant.client.get(&path).expect(200);
    assert_eq!(whole.as_array().unwrap().len(), 3_000);
    let mut deaf = connect(&server);
    let token = tenant.client.token.clone().unwrap();
    // Each holds the room of two chunks of 64 KiB.
    let asked: Vec<u8> = [1, 3].iter().flat_map(|stream| get_as(&token, &format!("/api/v1{path}"), *stream)).collect();
    deaf.write_all(&[HTTP_2, &asked].concat()).unwrap();
    until_headers(&mut deaf, 2);
    for path in [path.clone(), format!("/dns-zones/{zone}/zonefile/")] {
        let refused = tenant.client.get(&path);
        refused.refused(429, "rate_limited", None);
        assert_eq!(refused.header("retry-after"), Some("5"));
    }
    tenant.client.get(&format!("/dns-zones/{zone}/history/")).expect(200);
    other.client.get(&format!("/dns-zones/{theirs}/records/")).expect(200);
    drop(deaf);
    let started = Instant::now();
    while tenant.client.get(&path).status != 200 {
        assert!(started.elapsed() < PATIENCE, "the room is free when the client is gone");
    }
}

#[test]
fn large_bodies_of_one_account_are_bounded() {
    let settings = Settings { bulk_per_account: 150_000, body_timeout: PATIENCE * 10, ..Settings::default() };
    let server = Server::with(Setup { settings, ..Setup::default() });
    let (tenant, other) = (server.tenant(), server.tenant());
    let [zone, theirs] = [tenant.zone("example.com"), other.zone("example.net")];
    let token = tenant.client.token.clone().unwrap();
    let path = |zone: &str| format!("/dns-zones/{zone}/zonefile/?dry_run=true");
    let file = format!("www 60 A 192.0.2.1\n;{}\n", "x".repeat(100_000));
    let put = |client: &crate::server::Client, zone: &str| {
        client.request("PUT", &path(zone), &[("content-type", "text/dns")], Some(file.as_bytes()))
    };
    let head = format!(
        "PUT /api/v1{} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: text/dns\r\nContent-Length: 100000\r\n\r\n;",
        path(&zone)
    );
    let started = Instant::now();
    // Of two requests that arrive together either may get the room: where the slow one did not, once more.
    let (slow, refused) = loop {
        let mut slow = connect(&server);
        slow.write_all(head.as_bytes()).unwrap();
        let answer = put(&tenant.client, &zone);
        if answer.status != 200 {
            break (slow, answer);
        }
        assert!(started.elapsed() < PATIENCE * 6, "the first request takes its room");
    };
    refused.refused(429, "rate_limited", None);
    assert_eq!(refused.header("retry-after"), Some("5"));
    tenant.record(&zone, serde_json::json!({"record_type": "A", "name": "small", "value": "192.0.2.1"}));
    put(&other.client, &theirs).expect(200);
    drop(slow);
    let started = Instant::now();
    while put(&tenant.client, &zone).status != 200 {
        assert!(started.elapsed() < PATIENCE, "the room is free when the client is gone");
    }
}
