//! The server against its own description, asked by a program that knows nothing else of it: schemathesis sends what the
//! description allows and what it forbids, thousands of requests made up by chance, and holds every answer against it.
//!
//! The tests of `api` check the answers to what we thought of; this finds what we did not. What it is asked to do stands in
//! `schemathesis/schemathesis.toml`. It comes from PyPI, into a virtual environment in the target folder, by `scripts/test`.

#![expect(clippy::expect_used, reason = "a test ends where something unexpected happens")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::api::Api;
use common::{Server, describe, run, zonewright};
use serde_json::json;

/// So many zones, each with two records, are there to be read, changed and deleted.
const ZONES: usize = 30;
/// Far more than it takes, also on a busy machine. In seconds.
const DEADLINE: &str = "600";

#[test]
fn the_server_is_as_its_description_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("the temporary folder takes files");
        path
    };
    // Half of its requests have no good token.
    let limits = file("zonewright.toml", "[limits]\nfailed_auth_burst = 1000000\n");
    let server = Server::start(&["--config", &limits.to_string_lossy()]);

    let first = server.token();
    let users = [("first", first.as_str()), ("second", &second_account(&server))].map(|(name, token)| {
        json!({"name": name, "fixedHeaders": [{"name": "Authorization", "value": format!("Bearer {token}")}]})
    });
    file("users.json", &json!({ "auth": users }).to_string());
    let api = Api::new(&server, &first);
    let (mut zones, mut records) = (String::new(), String::new());
    for number in 0..ZONES {
        let zone = api.create_zone(&format!("zone{number}.example"));
        for name in ["www", "mail"] {
            records += &format!("\"{}\"\n", api.create_a(&zone, name, "192.0.2.1"));
        }
        zones += &format!("\"{zone}\"\n");
    }
    file("zones.txt", &zones);
    file("records.txt", &records);
    file("schemathesis.toml", include_str!("schemathesis/schemathesis.toml"));

    let output = run(Command::new("timeout")
        .args(["--kill-after=5", DEADLINE])
        .arg(program("schemathesis"))
        .args(["--no-color", "run", &format!("{}/openapi.json", server.api())])
        .current_dir(folder.path()));
    assert!(output.status.success(), "schemathesis found something: {}", describe(&output));
    let said = String::from_utf8_lossy(&output.stdout);
    for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
        assert!(said.contains(&format!("✅ {phase}")), "the phase {phase} was not run:\n{said}");
    }
}

#[test]
fn the_description_is_valid_openapi() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let output = run(Command::new(program("openapi-spec-validator")).arg(file));
    assert!(output.status.success(), "{}", describe(&output));
}

/// A token of another account.
fn second_account(server: &Server) -> String {
    let succeed = |arguments: &[&str]| {
        let output = run(&mut zonewright(server.data(), arguments));
        assert!(output.status.success(), "{arguments:?}: {}", describe(&output));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    };
    succeed(&["account", "create", "second@example.com"]);
    succeed(&["token", "create", "--account", "second@example.com", "--name", "second", "--permission", "dns:*"])
}

/// A program of the virtual environment that `scripts/test` makes.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("schemathesis").join("bin").join(name);
    assert!(path.exists(), "{} is not there; scripts/test installs it", path.display());
    path
}
