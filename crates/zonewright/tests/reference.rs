//! The examples of the API's reference page, as a reader finds them, run by the programs they are written for.

#![expect(clippy::expect_used, reason = "helpers of tests are tests")]

mod common;

use std::process::Command;

use common::api::Api;
use common::{Server, describe, run};
use serde_json::json;

#[test]
fn the_curl_examples_run() {
    every_example_runs("curl", |text| {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", text]);
        command
    });
}

#[test]
fn the_python_examples_run() {
    every_example_runs("python", |text| {
        let mut command = Command::new(std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into()));
        command.args(["-c", text]);
        command
    });
}

#[test]
fn the_javascript_examples_run() {
    every_example_runs("javascript", |text| {
        let mut command = Command::new("node");
        command.args(["--input-type=module", "-e", text]);
        command
    });
}

/// Runs the example of each operation on a zone and a record of its own.
#[track_caller]
fn every_example_runs(language: &str, program: impl Fn(&str) -> Command) {
    let server = Server::start(&[]);
    let token = server.token();
    let api = Api::new(&server, &token);
    let url = format!("{}/docs/dns/?lang=es", server.api());
    let page = ureq::get(&url).call().expect("the page").body_mut().read_to_string().expect("text");
    for (number, operation) in api::OPERATIONS.iter().enumerate() {
        let id = operation.description().id;
        let start = format!("<code id=\"{id}-{language}\">");
        let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("{id} has no example in {language}"));
        let text = unescaped(rest.split_once("</code>").expect("the end of the example").0);
        assert!(text.contains(&format!("{}/", server.api())), "{id}: the example does not ask this server:\n{text}");

        let zone = api.create_zone(&format!("zone{number}.example"));
        let mx = json!({"record_type": "MX", "name": "@", "value": "mail.example.com", "priority": 30});
        let (_, record) = api.send("POST", &format!("/dns-zones/{zone}/records/"), Some(&mx));
        let record = record["uuid"].as_str().unwrap_or_else(|| panic!("no record: {record}"));
        let (_, shown) = api.send("GET", &format!("/dns-zones/{zone}/deployment/"), None);
        let text = text
            .replace(api::EXAMPLE_ZONE, &zone)
            .replace(api::EXAMPLE_RECORD, record)
            .replace(&api::EXAMPLE_SERIAL.to_string(), &shown["serial"].to_string());
        let output = run(program(&text).env("TOKEN", &token));
        assert!(output.status.success(), "{id}: {}\n{text}", describe(&output));
    }
}

/// Text out of HTML.
fn unescaped(html: &str) -> String {
    html.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&")
}
