//! `Idempotency-Key`: a request that is sent again is done once.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Answer, Client, PATIENCE, Server};

const CLIENTS: usize = 32;

fn keyed(client: &Client, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    client.request(method, path, &headers, Some(body.to_string().as_bytes()))
}

fn a(name: &str) -> Value {
    json!({"record_type": "A", "name": name, "value": "192.0.2.1"})
}

#[test]
fn keys_that_are_none_are_refused() {
    let server = Server::start();
    let tenant = server.tenant();
    for key in ["", "a b", "a\tb", "\u{e9}", &"k".repeat(256)] {
        let refused = keyed(&tenant.client, "POST", "/dns-zones/", key, &json!({"domain": "example.com"}));
        refused.refused(400, "validation_error", Some("Idempotency-Key"));
    }
    let twice = [("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "b")];
    let refused = tenant.client.request("POST", "/dns-zones/", &twice, Some(b"{}"));
    refused.refused(400, "validation_error", Some("Idempotency-Key"));
    let longest = "~".repeat(255);
    keyed(&tenant.client, "POST", "/dns-zones/", &longest, &json!({"domain": "example.com"})).expect(201);
}

#[test]
fn a_key_belongs_to_one_request() {
    let server = Server::start();
    let (tenant, stranger) = (server.tenant(), server.tenant());
    let client = &tenant.client;
    let zone = tenant.zone("example.com");
    let records = format!("/dns-zones/{zone}/records/");
    let first = keyed(client, "POST", &records, "k", &a("www"));
    first.expect(201);
    for (path, body) in [(records.clone(), a("other")), (format!("{records}?x=1"), a("www"))] {
        keyed(client, "POST", &path, "k", &body).refused(422, "idempotency_key_reused", None);
    }
    let again = keyed(client, "POST", records.trim_end_matches('/'), "k", &a("www"));
    assert_eq!((again.status, &again.body), (201, &first.body), "without the final slash it is the same path");

    // Another method, another path, another account: other requests.
    let id = first.json()["uuid"].as_str().unwrap().to_owned();
    keyed(client, "PATCH", &format!("/dns-records/{id}/"), "k", &json!({"ttl": 60})).expect(200);
    let mut flat = a("flat");
    flat["zone"] = zone.as_str().into();
    keyed(client, "POST", "/dns-records/", "k", &flat).expect(201);
    keyed(&stranger.client, "POST", &records, "k", &a("www")).refused(404, "not_found", None);
    assert_eq!(client.get(&records).expect(200).as_array().unwrap().len(), 2);
}

#[test]
fn a_key_of_the_account_shows_nothing_of_zones_that_a_token_does_not_see() {
    let server = Server::start();
    let tenant = server.tenant();
    let (hidden, seen) = (tenant.zone("hidden.example"), tenant.zone("seen.example"));
    let bound = server.bound(tenant.account, &[&seen]);
    let hidden_records = format!("/dns-zones/{hidden}/records/");
    let record = keyed(&tenant.client, "POST", &hidden_records, "k", &a("www")).expect(201);
    let record = format!("/dns-records/{}/", record["uuid"].as_str().unwrap());
    keyed(&tenant.client, "PATCH", &record, "k", &json!({"ttl": 60})).expect(200);
    let mut flat = a("flat");
    flat["zone"] = hidden.as_str().into();
    keyed(&tenant.client, "POST", "/dns-records/", "k", &flat).expect(201);
    flat["name"] = "other".into();

    let nothing = bound.post("/dns-zones/0193aaaa-0000-7000-8000-000000000000/records/", &a("www"));
    for (method, path, body) in [
        ("POST", hidden_records.as_str(), a("other")),
        ("POST", &hidden_records, a("www")),
        ("PATCH", &record, json!({"ttl": 61})),
        ("POST", "/dns-records/", flat.clone()),
    ] {
        let refused = keyed(&bound, method, path, "k", &body);
        refused.refused(404, "not_found", (path == "/dns-records/").then_some("zone"));
        if path == hidden_records {
            assert_eq!(refused.body, nothing.body, "as if the zone did not exist");
        }
    }
    // In a zone that the token sees, the key is the account's.
    flat["zone"] = seen.as_str().into();
    keyed(&bound, "POST", "/dns-records/", "k", &flat).refused(422, "idempotency_key_reused", None);
}

#[test]
fn refusals_are_not_kept() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let records = format!("/dns-zones/{zone}/records/");
    let obstacle = tenant.record(&zone, json!({"record_type": "CNAME", "name": "www", "value": "example.org"}));
    keyed(&tenant.client, "POST", &records, "k", &a("www")).refused(400, "validation_error", Some("name"));
    tenant.client.delete(&format!("/dns-records/{obstacle}/")).expect(204);
    keyed(&tenant.client, "POST", &records, "k", &a("www")).expect(201);
}

#[test]
fn what_is_gone_was_deleted_once() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let record = format!("/dns-records/{}/", tenant.record(&zone, a("www")));
    let zone = format!("/dns-zones/{zone}/");
    for path in [&record, &zone] {
        let first = keyed(&tenant.client, "DELETE", path, "k", &Value::Null);
        first.expect(204);
        let again = keyed(&tenant.client, "DELETE", path, "k", &Value::Null);
        assert_eq!((again.status, again.header("etag")), (204, first.header("etag")), "{path}");
        keyed(&tenant.client, "DELETE", path, "other", &Value::Null).refused(404, "not_found", None);
    }
    let waited = [("idempotency-key", "k"), ("prefer", "wait=20")];
    let again = tenant.client.request("DELETE", &zone, &waited, None);
    assert_eq!(again.header("deployment"), Some("live"), "a repeat waits too, for what the first did");
}

#[test]
fn equal_requests_at_once_make_one_change() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let doomed = tenant.record(&zone, a("doomed"));
    for (method, path, status) in
        [("POST", format!("/dns-zones/{zone}/records/"), 201), ("DELETE", format!("/dns-records/{doomed}/"), 204)]
    {
        let barrier = Barrier::new(CLIENTS);
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let ask = || {
                barrier.wait();
                keyed(&tenant.client.clone(), method, &path, "k", &a("www"))
            };
            let threads: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let distinct: HashSet<_> = answers.iter().map(|answer| (answer.status, answer.body.clone())).collect();
        assert_eq!(distinct.len(), 1, "{distinct:?}");
        assert_eq!(answers[0].status, status);
        let first = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
        assert_eq!(first, 1, "{method}");
    }
    let records = tenant.client.get(&format!("/dns-zones/{zone}/records/")).expect(200);
    assert_eq!(records.as_array().unwrap().len(), 1);
}

/// Sends a request, and hangs up after `patience`; the status where an answer came by then.
fn hasty(server: &Server, token: &str, path: &str, key: &str, body: &str, patience: Duration) -> Option<u16> {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /api/v1{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nidempotency-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let cut = if patience.is_zero() { head.len() / 2 } else { head.len() };
    stream.write_all(&head.as_bytes()[..cut]).ok()?;
    stream.set_read_timeout(Some(patience.max(Duration::from_micros(1)))).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).ok()?;
    std::str::from_utf8(&answer).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

#[test]
fn what_is_repeated_until_it_is_answered_is_done_exactly_once() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let path = format!("/dns-zones/{zone}/records/");
    let token = tenant.client.token.clone().unwrap();
    let each = 8;
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (server, path, token) = (&server, &path, &token);
            scope.spawn(move || {
                for number in 0..each {
                    let (key, body) = (format!("{client}-{number}"), a(&format!("c{client}-{number}")).to_string());
                    // Each try waits longer than the one before; the first breaks off in mid-request.
                    let started = Instant::now();
                    let mut patience = Duration::ZERO;
                    let status = loop {
                        match hasty(server, token, path, &key, &body, patience) {
                            Some(status) => break status,
                            None => assert!(started.elapsed() < PATIENCE, "{key} was never answered"),
                        }
                        patience = patience * 2 + Duration::from_micros(50 + 37 * client as u64);
                    };
                    assert_eq!(status, 201, "{key}");
                }
            });
        }
    });
    let records = tenant.client.get(&path).expect(200);
    let names: HashSet<_> = records.as_array().unwrap().iter().map(|record| record["name"].to_string()).collect();
    assert_eq!((names.len(), records.as_array().unwrap().len()), (CLIENTS * each, CLIENTS * each));
    let history = tenant.client.get(&format!("/dns-zones/{zone}/history/?page_size=1000")).expect(200);
    assert_eq!(history.as_array().unwrap().len(), 1 + CLIENTS * each, "one version each, and the zone's first");
}
