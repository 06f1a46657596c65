//! The doors for existing clients: refusals, the recorded requests of clients, and the clients themselves.
//!
//! `traces` has what real clients sent to real servers, with the answers, and what the source of others says that they send and
//! need.

#![expect(clippy::expect_used, reason = "a test ends where something unexpected happens")]

mod acme_dns;
#[path = "../common/mod.rs"]
mod common;

mod dyndns;
mod httpreq;
mod powerdns;
mod powerdns_programs;
mod webhook;

use std::fs;
use std::path::{Path, PathBuf};

use common::api::Api;
use common::raw::{Answer, send};
use common::{Server, describe, run, wait_for, zonewright};
use serde_json::Value;

/// One server, one key, and the REST API to look at what became of the zones.
pub(crate) struct Door {
    pub(crate) server: Server,
    pub(crate) key: String,
    pub(crate) api: Api,
}

impl Door {
    pub(crate) fn open() -> Door {
        Door::open_with(&[], &[])
    }

    /// Opens one with environment variables and flags.
    pub(crate) fn open_with(environment: &[(&str, &str)], flags: &[&str]) -> Door {
        let server = Server::start_with(environment, flags);
        let key = server.token();
        let api = Api::new(&server, &key);
        Door { server, key, api }
    }

    /// Sends a request with the key in `X-API-Key`.
    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send_as(&self.key, method, path, body)
    }

    #[track_caller]
    pub(crate) fn send_as(&self, key: &str, method: &str, path: &str, body: &str) -> Answer {
        let line = format!("{method} {path} HTTP/1.1");
        send(self.server.http(), &line, &[("X-API-Key", key), ("Content-Type", "application/json")], body)
    }

    /// What users have in a zone, one record a line, in canonical order.
    #[track_caller]
    pub(crate) fn records(&self, domain: &str) -> Vec<String> {
        let (_, zones) = self.api.send("GET", &format!("/dns-zones/?domain={domain}"), None);
        let uuid = zones[0]["uuid"].as_str().unwrap_or_else(|| panic!("{domain}: {zones}"));
        let (_, file) = self.api.send("GET", &format!("/dns-zones/{uuid}/zonefile/"), None);
        let lines = file.as_str().expect("a zone file").lines();
        lines
            .filter(|line| {
                !line.starts_with([';', '$']) && !line.contains(" SOA ") && !line.contains(".zonewright.test.")
            })
            .map(str::to_owned)
            .collect()
    }

    /// The newest version of a zone: its source, its author's key and its number of records.
    #[track_caller]
    pub(crate) fn versions(&self, domain: &str) -> Vec<(String, String)> {
        let (_, zones) = self.api.send("GET", &format!("/dns-zones/?domain={domain}"), None);
        let uuid = zones[0]["uuid"].as_str().unwrap_or_else(|| panic!("{domain}: {zones}"));
        let (_, versions) = self.api.send("GET", &format!("/dns-zones/{uuid}/history/"), None);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let versions = versions.as_array().expect("versions").iter();
        versions.map(|version| (text(&version["source"]), text(&version["author"]["token"]))).collect()
    }

    /// A key of another account, or with other permissions.
    #[track_caller]
    pub(crate) fn other_key(&self, account: &str, more: &[&str]) -> String {
        let arguments = ["token", "create", "--account", account, "--name", "other"];
        let output = run(&mut zonewright(self.server.data(), &[&arguments, more].concat()));
        assert!(output.status.success(), "{}", describe(&output));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    #[track_caller]
    pub(crate) fn other_account(&self) -> String {
        let created = run(&mut zonewright(self.server.data(), &["account", "create", "other@example.com"]));
        assert!(created.status.success(), "{}", describe(&created));
        self.other_key("other@example.com", &["--permission", "dns:*"])
    }

    /// Creates an update key, and gives it with its secrets.
    #[track_caller]
    pub(crate) fn update_key(&self, body: &Value) -> Value {
        let (status, key) = self.api.send("POST", "/update-keys/", Some(body));
        assert_eq!(status, 201, "{body}: {key}");
        key
    }

    /// The refusals of an update key: which rule, and what was wrong.
    #[track_caller]
    pub(crate) fn refusals(&self, key: &Value) -> Vec<(String, String)> {
        let path = format!("/update-keys/{}/log/", key["uuid"].as_str().expect("a UUID"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let noted = wait_for("the refusals to be stored", || {
            let (_, log) = self.api.send("GET", &path, None);
            log.as_array().filter(|log| !log.is_empty()).cloned()
        });
        noted.iter().map(|refusal| (text(&refusal["rule"]), text(&refusal["detail"]))).collect()
    }
}

/// What a client sent and got, in its order.
pub(crate) fn steps(file: &str, run: &str) -> Vec<Value> {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(file)).expect("a trace");
    let trace: Value = serde_json::from_str(&text).expect("JSON");
    let steps = trace["runs"].as_object().and_then(|runs| runs.iter().find(|(name, _)| name.starts_with(run)));
    steps.map_or(&trace[run], |(_, steps)| steps).as_array().unwrap_or_else(|| panic!("{file} has no {run}")).clone()
}

/// A program of the virtual environment that `scripts/test` makes.
pub(crate) fn client(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("clients").join("bin").join(name);
    assert!(path.exists(), "{} is not there; scripts/test installs it", path.display());
    path
}
