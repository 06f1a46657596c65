//! What the log says of a request, and what it never says.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::server::{Answer, PATIENCE, Server, Setup};

/// The log of the whole process, in which each test finds its own lines by the request's id.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}

fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let to_log = tracing_subscriber::fmt().json().with_writer(log.clone()).with_max_level(tracing::Level::TRACE);
        tracing::subscriber::set_global_default(to_log.finish()).unwrap();
        log
    })
}

impl Log {
    /// The lines about an answer's request, once the last of them is there.
    fn of(&self, answer: &Answer) -> Vec<Value> {
        let id = answer.header("x-request-id").unwrap();
        let started = std::time::Instant::now();
        loop {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let whole_lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n') && line.contains(id));
            let lines: Vec<Value> = whole_lines.map(|line| serde_json::from_str(line).unwrap()).collect();
            if lines.iter().any(|line| line["fields"]["message"] == "request") {
                return lines;
            }
            assert!(started.elapsed() < PATIENCE, "nothing in the log about {id}");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_request_has_one_line_with_its_route_and_no_secrets() {
    let log = log();
    let server = Server::start();
    let tenant = server.tenant();
    let token = tenant.client.token.clone().unwrap();
    let zone = tenant.zone("example.com");
    let secret = json!({"record_type": "TXT", "name": "www", "value": "a-secret-in-the-body"});
    let answer = tenant.client.post(&format!("/dns-zones/{zone}/records"), &secret);
    answer.expect(201);
    let lines = log.of(&answer);
    let told: Vec<_> = lines.iter().filter(|line| line["level"] == "INFO").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let fields = &told[0]["fields"];
    assert_eq!(fields["http.route"], "/api/v1/dns-zones/{uuid}/records");
    assert_eq!((&fields["http.method"], &fields["http.status"]), (&json!("POST"), &json!(201)));
    assert!(fields["duration_ms"].as_f64().unwrap() > 0.0);
    assert!(fields["client.address"].as_str().unwrap().starts_with("127.0.0.1:"));
    let everything = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!everything.contains(&token) && !everything.contains("a-secret-in-the-body"));
}

#[test]
fn a_failure_has_its_cause_in_the_log_under_the_id_of_the_answer() {
    let log = log();
    let more = Router::new().route("/panic", get(async || -> () { panic!("the inside") }));
    let server = Server::with(Setup { more, ..Setup::default() });
    let answer = server.client(None).get("//panic");
    answer.refused(500, "internal_error", None);
    let lines = log.of(&answer);
    let failure = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert_eq!(failure["fields"]["error"], "a handler panicked: the inside");
    assert_eq!(failure["fields"]["request.id"], answer.header("x-request-id").unwrap());
}
