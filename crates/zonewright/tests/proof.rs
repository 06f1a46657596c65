//! The promise of the proof, from outside: after an answer that says `live`, the first question to the nameserver sees the change.
//!
//! Nothing here polls: a `dig` that would have to be repeated is a failure.

#![expect(clippy::expect_used, reason = "helpers of tests are tests")]

mod common;

use common::{DEADLINE, Server};
use serde_json::{Value, json};

struct Client {
    agent: ureq::Agent,
    base: String,
    token: String,
}

struct Answer {
    status: u16,
    deployment: Option<String>,
    applied: Option<String>,
    body: Value,
}

impl Client {
    fn of(server: &Server) -> Client {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(DEADLINE)).build();
        Client { agent: config.into(), base: server.api(), token: format!("Bearer {}", server.token()) }
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, prefer: &str, body: &Value) -> Answer {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", &self.token)
            .header("prefer", prefer);
        let answered = if body.is_null() {
            self.agent.run(request.body(()).expect("a request"))
        } else {
            let request = request.header("content-type", "application/json");
            self.agent.run(request.body(body.to_string()).expect("a request"))
        };
        let mut answered = answered.expect("an answer");
        let text = answered.body_mut().read_to_string().expect("text");
        let header = |name: &str| Some(answered.headers().get(name)?.to_str().ok()?.to_owned());
        Answer {
            status: answered.status().as_u16(),
            deployment: header("deployment"),
            applied: header("preference-applied"),
            body: if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") },
        }
    }

    /// A change that has to be live within five seconds.
    #[track_caller]
    fn change(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.send(method, path, "wait=5", body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.body);
        assert_eq!(answer.applied.as_deref(), Some("wait=5"), "{method} {path}");
        assert_eq!(answer.deployment.as_deref(), Some("live"), "{method} {path}");
        answer.body
    }
}

fn uuid(body: &Value) -> &str {
    body["uuid"].as_str().expect("a UUID")
}

#[test]
fn one_question_sees_what_is_live_two_hundred_times_in_a_row() {
    let server = Server::start(&[]);
    let client = Client::of(&server);
    let zone = client.change("POST", "/dns-zones/", &json!({"domain": "example.com"}));
    let records = format!("/dns-zones/{}/records/", uuid(&zone));
    let body = json!({"record_type": "A", "name": "www", "value": "192.0.2.1"});
    let record = format!("/dns-records/{}/", uuid(&client.change("POST", &records, &body)));
    for number in 0..200 {
        let value = format!("198.51.100.{number}");
        client.change("PATCH", &record, &json!({"value": value}));
        assert_eq!(server.dig(&["www.example.com", "A"]), format!("www.example.com. 3600 IN A {value}\n"));
    }
    client.change("DELETE", &record, &Value::Null);
    assert_eq!(server.dig(&["www.example.com", "A"]), "");
}

#[test]
fn zones_come_and_go_between_two_questions() {
    let server = Server::start(&[]);
    let client = Client::of(&server);
    for _ in 0..20 {
        let zone = client.change("POST", "/dns-zones/", &json!({"domain": "example.com"}));
        assert!(server.dig(&["example.com", "SOA"]).starts_with("example.com. "));
        client.change("DELETE", &format!("/dns-zones/{}/", uuid(&zone)), &Value::Null);
        assert_eq!(server.dig(&["example.com", "SOA"]), "");
    }
}

#[test]
fn the_deployment_is_shown_with_the_serial_that_dig_sees() {
    let server = Server::start(&[]);
    let client = Client::of(&server);
    let zone = client.change("POST", "/dns-zones/", &json!({"domain": "example.com"}));
    let shown = client.send("GET", &format!("/dns-zones/{}/deployment/", uuid(&zone)), "wait=5", &Value::Null);
    assert_eq!((shown.status, shown.deployment), (200, None));
    let soa = server.dig(&["example.com", "SOA"]);
    let serial: u32 = soa.split(' ').nth(6).expect("a serial").parse().expect("a number");
    let nameserver = &shown.body["nameservers"][0];
    assert_eq!((&shown.body["serial"], &shown.body["in_sync"]), (&json!(serial), &json!(true)));
    assert_eq!(
        *nameserver,
        json!({"name": "embedded", "kind": "embedded", "serial": serial, "in_sync": true,
               "checked_at": nameserver["checked_at"], "error": null})
    );
}

#[test]
fn deployment_is_measured() {
    let server = Server::start(&[]);
    Client::of(&server).change("POST", "/dns-zones/", &json!({"domain": "example.com"}));
    let mut metrics = String::new();
    for line in [
        "zonewright_deploy_seconds_bucket{nameserver=\"embedded\",le=\"+Inf\"} 1",
        "zonewright_deploy_seconds_count{nameserver=\"embedded\"} 1",
        "zonewright_deploy_errors_total{nameserver=\"embedded\"} 0",
        "zonewright_deploy_waiting{nameserver=\"embedded\"} 0",
        "zonewright_deploy_oldest_waiting_seconds{nameserver=\"embedded\"} 0",
    ] {
        common::wait_for(line, || {
            metrics = server.metrics();
            metrics.lines().any(|shown| shown == line).then_some(())
        });
    }
    assert!(metrics.contains("# TYPE zonewright_deploy_seconds histogram"), "{metrics}");
}
