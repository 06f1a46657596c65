//! Commands use the settings of the server that runs on their data directory, unless they are given others.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::api::Api;
use common::{Server, describe, run, zonewright};

const FLAGS: [&str; 4] = ["--url", "https://dns.example.net", "--ns", "ns1.op.example=192.0.2.53"];

#[test]
fn what_is_set_for_a_command_counts_over_the_server() {
    let server = Server::start(&FLAGS);
    let data = server.data();
    let file = data.join("other.toml");
    fs::write(&file, "url = \"https://file.example\"\n").expect("a file");
    let file = file.to_str().expect("a path");
    let link = ["account", "link", "admin@localhost"];
    let prints = |command: &mut std::process::Command, begin: &str| {
        let output = run(command);
        assert!(output.status.success() && text(&output).starts_with(begin), "{begin}: {}", describe(&output));
    };
    prints(&mut zonewright(data, &link), "https://dns.example.net/link/");
    prints(zonewright(data, &link).args(["--config", file]), "https://file.example/link/");
    let variable = ("ZONEWRIGHT_URL", "https://environment.example");
    prints(
        zonewright(data, &link).args(["--config", file]).env(variable.0, variable.1),
        "https://environment.example/",
    );

    let doctor = |more: &[&str]| run(zonewright(data, &["doctor"]).args(more).env(variable.0, variable.1));
    says(&doctor(&[]), &["nameservers of every zone: ns1.op.example\n", "other settings from the running server"]);
    says(&doctor(&["--ns", "ns.flag.example"]), &["nameservers of every zone: ns.flag.example\n"]);

    // An unusable value names the file that it comes from.
    let running = data.join("running").join("1.toml");
    let before = fs::read_to_string(&running).expect("the server's file");
    fs::write(&running, before.replace("ns1.op.example", "-")).expect("a file");
    let refused = run(&mut zonewright(data, &["zone", "list"]));
    let shown = describe(&refused);
    assert_eq!(refused.status.code(), Some(2), "{shown}");
    assert!(shown.contains("settings of the server, ") && shown.contains("running/1.toml: ns: "), "{shown}");
    fs::write(&running, "ns = ").expect("a file");
    let refused = run(&mut zonewright(data, &["zone", "list"]));
    assert_eq!(refused.status.code(), Some(2), "{}", describe(&refused));
    assert!(describe(&refused).contains("running/1.toml: cannot read the settings of the running server"));
    // Another version may have other keys.
    fs::write(&running, format!("new_key = 1\n{before}")).expect("a file");
    prints(&mut zonewright(data, &link), "https://dns.example.net/link/");
}

#[test]
fn every_command_knows_where_the_server_is_and_what_it_serves() {
    let server = Server::start(&FLAGS);
    let data = server.data();
    let admin = Api::new(&server, &server.token());
    let zone = admin.create_zone("example.com");
    admin.create_a(&zone, "@", "192.0.2.1");
    server.dig_until(&["example.com", "A"], |answer| answer.contains("192.0.2.1"));

    let made = run(&mut zonewright(data, &["account", "create", "bob@example.com"]));
    says(&made, &["https://dns.example.net/link/"]);
    let status = run(&mut zonewright(data, &["deploy", "status", "example.com"]));
    assert!(status.status.success(), "{}", describe(&status));
    says(&status, &[&server.dns().to_string(), "serves "]);
    let doctor = run(&mut zonewright(data, &["doctor"]));
    assert!(doctor.status.success(), "{}", describe(&doctor));
    let http = format!("the server responds on {} and is ready", server.http());
    let dns = format!("{} serves the newest version of the 1 zones", server.dns());
    says(&doctor, &[&http, &dns, "running/1.toml"]);
    let resync = run(&mut zonewright(data, &["deploy", "resync", "example.com"]));
    assert!(resync.status.success(), "{}", describe(&resync));
    let config = run(&mut zonewright(data, &["bind9", "config", "secondary", "--listen", "127.0.0.1:5399"]));
    says(&config, &[&format!("{} port {}", server.dns().ip(), server.dns().port())]);
}

#[test]
fn the_oldest_server_that_runs_counts_and_without_one_the_last() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let link = |wanted: &str| {
        let output = run(&mut zonewright(&data, &["account", "link", "admin@localhost"]));
        assert!(text(&output).starts_with(wanted), "{wanted}: {}", describe(&output));
    };
    let url = |name: &str| format!("--url=https://{name}.example");
    let mut first = Server::start_in(&data, &[&url("first")]);
    first.welcome();
    link("https://first.example/");
    let mut second = Server::start_in(&data, &[&url("second")]);
    let mut third = Server::start_in(&data, &[&url("third")]);
    link("https://first.example/");
    assert_eq!(files(&data), ["1.toml", "2.toml", "3.toml"]);
    // As after a power cut: nothing is cleaned up.
    first.kill();
    link("https://second.example/");
    third.kill();
    link("https://second.example/");
    assert!(second.stop().success());
    link("https://third.example/");
    // The numbers of processes are given again: a file that says it is of a process that lives is no proof.
    let claim = format!("# process id {}\nurl = \"https://stale.example\"\n", std::process::id());
    fs::write(data.join("running/4.toml"), claim).expect("a file");
    fs::write(data.join("running/5.toml"), "damaged = ").expect("a file");
    link("https://stale.example/");
    let mut fourth = Server::start_in(&data, &[&url("fourth")]);
    assert_eq!(files(&data), ["6.toml"], "the files of dead servers are removed");
    link("https://fourth.example/");
    fs::write(data.join("running/1.toml"), "url = \"https://stale.example\"\n").expect("a file");
    link("https://fourth.example/");
    assert!(fourth.stop().success());
}

#[test]
fn the_file_is_closed_to_others_and_holds_no_secret() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("zonewright.toml");
    fs::write(
        &file,
        "url = \"https://dns.example.net\"\n[mail]\nserver = \"127.0.0.1\"\nport = 1\nuser = \"dns\"\n\
         password = \"hunter2\"\nfrom = \"dns@example.net\"\n",
    )
    .expect("a file");
    let server = Server::start(&["--config", file.to_str().expect("a path")]);
    let data = server.data();
    let running = data.join("running");
    assert_eq!(mode(&running), 0o700);
    let mut found = 0;
    for entry in fs::read_dir(&running).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let content = fs::read_to_string(&path).expect("text");
        assert!(!content.contains("hunter2"), "{content}");
        found += usize::from(content.contains("\"mail.user\" = \"dns\""));
    }
    assert_eq!(found, 1);
    // Commands go on without the password; the doctor says that it does not know it.
    let output = run(&mut zonewright(data, &["account", "link", "admin@localhost"]));
    says(&output, &["https://dns.example.net/link/"]);
    let doctor = run(&mut zonewright(data, &["doctor"]));
    says(&doctor, &["mail: 127.0.0.1, port 1"]);
    assert!(!describe(&doctor).contains("hunter2"), "{}", describe(&doctor));
}

#[test]
fn relative_paths_start_where_the_server_was_started() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("zonewright.toml"), "data = \"data\"\n[bind9]\ndirectory = \"named\"\n")
        .expect("a file");
    let data = folder.path().join("data");
    let mut command = zonewright(&data, &["serve", "--http=127.0.0.1:0", "--dns=127.0.0.1:0"]);
    let mut child = command
        .current_dir(folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary starts");
    common::wait_for("the server's settings", || data.join("running/1.toml").exists().then_some(()));
    let config = run(zonewright(&data, &["bind9", "config", "primary"]).current_dir(other.path()));
    child.kill().and_then(|()| child.wait()).expect("it ends");
    let named = folder.path().canonicalize().expect("a path").join("named");
    says(&config, &[&format!("directory \"{}\"", named.display())]);
}

fn files(data: &Path) -> Vec<String> {
    let entries = fs::read_dir(data.join("running")).expect("a folder");
    let paths = entries.map(|entry| PathBuf::from(entry.expect("an entry").file_name()));
    let ours = paths.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let mut names: Vec<String> = ours.map(|path| path.display().to_string()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn says(output: &Output, words: &[&str]) {
    for word in words {
        assert!(text(output).contains(word), "does not say {word:?}: {}", describe(output));
    }
}
