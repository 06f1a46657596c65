//! What a newcomer does first, done by the real programs: the example clients, the lines the first start prints, and the README.
//!
//! Decided against skipping where a program is missing: the examples are promises, and `scripts/test` installs what they need.

#![expect(clippy::expect_used, reason = "helpers of tests are tests")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Server, describe, run};
use serde_json::{Value, json};

#[test]
fn the_curl_examples_work() {
    journey(|name, argument| {
        let mut command = Command::new(examples().join(format!("{name}.sh")));
        command.args(argument);
        command
    });
}

#[test]
fn the_python_examples_work() {
    journey(|name, argument| {
        let mut command = Command::new(std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into()));
        command.arg(examples().join(format!("{name}.py"))).args(argument);
        command
    });
}

#[test]
fn the_javascript_examples_work() {
    journey(|name, argument| {
        let mut command = Command::new("node");
        command.arg(examples().join(format!("{name}.mjs"))).args(argument);
        command
    });
}

/// From an empty server to answers from its nameserver, with the four programs of one language.
#[track_caller]
fn journey(program: impl Fn(&str, Option<&str>) -> Command) {
    let server = Server::start(&[]);
    let example = |name: &str, argument: Option<&str>| succeed(in_environment(program(name, argument), &server));

    assert_eq!(example("list_zones", None), json!([]));

    let zone = example("create_zone", Some("example.com"));
    assert_eq!(zone["domain"], "example.com");
    assert_eq!(zone["record_count"], 0);
    assert_eq!(zone["records"], json!([]));
    let zone_uuid = zone["uuid"].as_str().expect("a zone has a UUID");

    let record = example("create_record", Some(zone_uuid));
    assert_eq!(members(&record), ["created_at", "name", "priority", "record_type", "ttl", "uuid", "value"]);
    assert_eq!(record["record_type"], "A");
    assert_eq!(record["name"], "@");
    assert_eq!(record["value"], "192.0.2.1");
    assert_eq!(record["ttl"], 3600);
    assert_eq!(record["priority"], Value::Null);
    server.dig_until(&["example.com", "A"], |answer| answer == "example.com. 3600 IN A 192.0.2.1\n");

    let record_uuid = record["uuid"].as_str().expect("a record has a UUID");
    let patched = example("patch_ttl", Some(record_uuid));
    let mut wanted = record.clone();
    wanted["ttl"] = json!(1800);
    wanted["zone"] = zone["uuid"].clone();
    assert_eq!(patched, wanted, "only the TTL changed, and the flat path names the zone");
    server.dig_until(&["example.com", "A"], |answer| answer == "example.com. 1800 IN A 192.0.2.1\n");

    let zones = example("list_zones", None);
    assert_eq!(zones.as_array().map(Vec::len), Some(1));
    assert_eq!(members(&zones[0]), ["created_at", "domain", "record_count", "uuid"]);
    assert_eq!(zones[0]["uuid"], zone["uuid"]);
    assert_eq!(zones[0]["record_count"], 1);

    // A refusal ends the program with a failure, and shows what the server says.
    let refused = run(&mut in_environment(program("create_zone", Some("example.com")), &server));
    assert!(!refused.status.success(), "creating the zone a second time: {}", describe(&refused));
    assert!(describe(&refused).contains("zone already exists"), "{}", describe(&refused));
}

#[test]
fn an_mx_record_needs_a_priority_and_is_served_beside_the_rest() {
    let server = Server::start(&[]);
    let zone = succeed(in_environment(script("create_zone.sh", &["example.com"]), &server));
    let zone = zone["uuid"].as_str().expect("a zone has a UUID");
    succeed(in_environment(script("create_record.sh", &[zone]), &server));
    let post = |body: &str| {
        let url = format!("{}/dns-zones/{zone}/records/", server.api());
        let token = format!("Authorization: Bearer {}", server.token());
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--max-time", "30", "-w", "\n%{http_code}", &url, "-H", &token]);
        curl.args(["-H", "Content-Type: application/json", "-d", body]);
        let output = run(&mut curl);
        assert!(output.status.success(), "{}", describe(&output));
        let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        let (body, status) = text.rsplit_once('\n').expect("curl writes the status on a line of its own");
        (status.to_owned(), serde_json::from_str::<Value>(body).expect("a JSON body"))
    };

    let (status, body) = post(r#"{"record_type": "MX", "name": "@", "value": "mail.example.com"}"#);
    assert_eq!(status, "400");
    assert_eq!(
        body,
        json!({"detail": "MX records require a priority value", "error_code": "validation_error", "field": "priority"})
    );

    let (status, body) = post(r#"{"record_type": "MX", "name": "@", "value": "mail.example.com", "priority": 10}"#);
    assert_eq!(status, "201", "{body}");
    server.dig_until(&["example.com", "MX"], |answer| answer == "example.com. 3600 IN MX 10 mail.example.com.\n");

    let all = server.dig(&["example.com", "ANY"]);
    for line in [
        "example.com. 3600 IN A 192.0.2.1",
        "example.com. 3600 IN MX 10 mail.example.com.",
        "IN NS ns1.zonewright.test.",
        "IN NS ns2.zonewright.test.",
        "IN SOA ",
    ] {
        assert!(all.contains(line), "ANY lacks {line:?}:\n{all}");
    }
}

#[test]
fn what_the_first_start_prints_can_be_pasted() {
    let server = Server::start_on_terminal(&[]);
    let text = server.welcome();
    let from = text.find("  TOKEN=").expect("the lines to paste begin with the token");
    let pasted = run(Command::new("sh").args(["-e", "-c", &text[from..]]));
    assert!(pasted.status.success(), "{}{}", describe(&pasted), server.log());
    let said = String::from_utf8_lossy(&pasted.stdout);
    assert!(said.contains(r#""192.0.2.1""#), "the record is shown:\n{said}");
    server.dig_until(&["example.com", "A"], |answer| answer == "example.com. 3600 IN A 192.0.2.1\n");
}

#[test]
fn the_quick_start_of_the_readme_works_as_it_is_written() {
    let server = Server::start(&[]);
    server.welcome();
    let readme = readme();
    let blocks: Vec<Block<'_>> = blocks(&readme).collect();
    let quick_start = blocks.iter().position(|block| block.code.contains("token create")).expect("the quick start");
    let refusal = &blocks[quick_start + 1].code;
    let lines = format!("{}{refusal}", blocks[quick_start].code)
        // Only what differs in a test: the ports, and where the binary is.
        .replace("127.0.0.1:8053", &server.http().to_string())
        .replace("-p 5300", &format!("-p {}", server.dns().port()))
        .replace("target/release/zonewright", env!("CARGO_BIN_EXE_zonewright"));
    let pasted = run(Command::new("sh")
        .args(["-e", "-c", &lines])
        .env_remove("API")
        .env_remove("TOKEN")
        .env("ZONEWRIGHT_DATA", server.data())
        .current_dir(root()));
    assert!(pasted.status.success(), "{}{}", describe(&pasted), server.log());
    let said = String::from_utf8_lossy(&pasted.stdout);
    let answer = said.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
    let promised: Value = serde_json::from_str(&blocks[quick_start + 2].code).expect("the README shows the answer");
    assert_eq!(answer.as_ref(), Some(&promised), "{said}");
    server.dig_until(&["example.com", "A"], |answer| answer == "example.com. 3600 IN A 192.0.2.1\n");
}

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let readme = readme();
    let mut shown = BTreeSet::new();
    for block in blocks(&readme) {
        let Some(name) = block.before.strip_prefix("[`").and_then(|rest| rest.split_once('`')).map(|(name, _)| name)
        else {
            continue;
        };
        assert_eq!(block.before, format!("[`{name}`](examples/clients/{name})"));
        let file = fs::read_to_string(examples().join(name)).expect(name);
        assert_eq!(block.code, file, "README.md and examples/clients/{name} differ");
        shown.insert(name.to_owned());
    }
    let files: BTreeSet<String> = fs::read_dir(examples())
        .expect("examples/clients is there")
        .map(|entry| entry.expect("a readable folder").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(shown, files, "README.md shows every example");
}

/// A fenced block of Markdown, with the last line of text before it.
struct Block<'a> {
    before: &'a str,
    code: String,
}

fn blocks(markdown: &str) -> impl Iterator<Item = Block<'_>> {
    let mut lines = markdown.lines();
    let mut before = "";
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?;
            if line.starts_with("```") {
                let code = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
                return Some(Block { before, code });
            }
            if !line.is_empty() {
                before = line;
            }
        }
    })
}

/// Runs a program that must succeed, and gives the JSON it prints.
#[track_caller]
fn succeed(mut command: Command) -> Value {
    let output = run(&mut command);
    assert!(output.status.success(), "{command:?}: {}", describe(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command:?}: {error}: {}", describe(&output)))
}

/// Tells an example which server to talk to, the way its user would.
fn in_environment(mut command: Command, server: &Server) -> Command {
    command.env("API", server.api()).env("TOKEN", server.token());
    command
}

fn script(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(examples().join(name));
    command.args(arguments);
    command
}

fn members(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("README.md is there")
}

fn examples() -> PathBuf {
    root().join("examples/clients")
}

/// The top of the repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
