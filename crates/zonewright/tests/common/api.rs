//! A client of the API that takes refusals for answers.

use serde_json::{Value, json};

use super::{DEADLINE, Server};

/// The API of one server with one token.
pub(crate) struct Api {
    agent: ureq::Agent,
    base: String,
    authorization: String,
}

impl Api {
    pub(crate) fn new(server: &Server, token: &str) -> Api {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(DEADLINE));
        Api { agent: config.build().into(), base: server.api(), authorization: format!("Bearer {token}") }
    }

    /// Status and body of an answer; a body that is no JSON comes as a string.
    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", &self.authorization)
            .header("Content-Type", "application/json");
        let result = match body {
            Some(body) => self.agent.run(request.body(body.to_string()).expect("a request")),
            None => self.agent.run(request.body(()).expect("a request")),
        };
        let mut response = result.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Sends a zone file.
    #[track_caller]
    pub(crate) fn put_zone_file(&self, path: &str, text: &str) -> (u16, Value) {
        let request = ureq::http::Request::builder()
            .method("PUT")
            .uri(format!("{}{path}", self.base))
            .header("Authorization", &self.authorization)
            .header("Content-Type", "text/dns");
        let result = self.agent.run(request.body(text).expect("a request"));
        let mut response = result.unwrap_or_else(|error| panic!("PUT {path}: {error}"));
        let answer = response.body_mut().read_to_string().expect("a body");
        (response.status().as_u16(), serde_json::from_str(&answer).unwrap_or(Value::String(answer)))
    }

    #[track_caller]
    pub(crate) fn status(&self, path: &str) -> u16 {
        self.send("GET", path, None).0
    }

    /// Makes a zone and gives its UUID.
    #[track_caller]
    pub(crate) fn create_zone(&self, domain: &str) -> String {
        let (status, zone) = self.send("POST", "/dns-zones/", Some(&json!({"domain": domain})));
        assert_eq!(status, 201, "{domain}: {zone}");
        zone["uuid"].as_str().expect("a UUID").to_owned()
    }

    /// Makes an address record and gives its UUID.
    #[track_caller]
    pub(crate) fn create_a(&self, zone: &str, name: &str, address: &str) -> String {
        let body = json!({"record_type": "A", "name": name, "value": address});
        let (status, record) = self.send("POST", &format!("/dns-zones/{zone}/records/"), Some(&body));
        assert_eq!(status, 201, "{name}: {record}");
        record["uuid"].as_str().expect("a UUID").to_owned()
    }
}
