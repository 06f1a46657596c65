//! `zonewright key ...`: what it refuses, what it prints, and that the programs read the configurations that it prints.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::api::Api;
use common::{ADMIN, Server, describe, run, wait_for, zonewright};

#[track_caller]
fn succeeds(data: &Path, arguments: &[&str]) -> String {
    let output = run(&mut zonewright(data, arguments));
    assert!(output.status.success(), "{arguments:?}: {}", describe(&output));
    String::from_utf8(output.stdout).expect("text")
}

const CREATE: [&str; 6] = ["key", "create", "--account", ADMIN, "--name", "k"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&CREATE[..], more].concat()
}

#[test]
fn keys_that_make_no_sense_are_refused() {
    let server = Server::start(&[]);
    Api::new(&server, &server.token()).create_zone("example.com");
    for (arguments, code, word) in [
        (with(&[]), 1, "--zone: zones is required"),
        (with(&["--zone", "example.org"]), 1, "--zone: the account has no zone example.org"),
        (with(&["--acme", "www.example.org"]), 1, "--acme: the account has no zone www.example.org"),
        (with(&["--zone", "example.com", "--purpose", "read"]), 2, "use one of: manage, transfer"),
        (with(&["--zone", "example.com", "--type", "SOA"]), 2, "SOA"),
        (with(&["--zone", "example.com", "--record-name", "a.*.b"]), 2, "**.N for N and all names below"),
        (with(&["--zone", "example.com", "--algorithm", "md5"]), 2, "use one of: hmac-md5, hmac-sha1"),
        (with(&["--zone", "example.com", "--cidr", "192.0.2.1/24"]), 2, "the network is 192.0.2.0/24"),
        (with(&["--zone", "example.com", "--door", "dyndns"]), 2, "use one of: acme-dns, external-dns"),
        (with(&["--zone", "example.com", "--format", "bind"]), 2, "use one of: named, knot, certbot"),
        (with(&["--zone", "example.com", "--format", "named", "--door", "acme-dns"]), 2, "cannot be used with"),
        (with(&["--acme", "www.example.com", "--record-name", "www"]), 2, "cannot be used with"),
        (with(&["--zone", "example.com", "--purpose", "transfer", "--type", "A"]), 1, "--type: a key for transfers"),
        (
            with(&["--zone", "example.com", "--purpose", "transfer", "--format", "lego"]),
            1,
            "--format lego: this program",
        ),
        (with(&["--zone", "example.com", "--algorithm", "hmac-md5", "--format", "external-dns"]), 1, "use hmac-sha256"),
        (vec!["key", "create", "--account", "nobody@example.com", "--name", "k"], 1, "there is no account"),
        (vec!["key", "create", "--account", ADMIN, "--name", " "], 2, "the name must not be empty"),
        (vec!["key", "revoke", "unknown"], 1, "there is no update key unknown; `zonewright key list`"),
    ] {
        let output = run(&mut zonewright(server.data(), &arguments));
        let said = describe(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty() && said.contains(word), "{arguments:?} does not say {word:?}: {said}");
    }
    assert_eq!(succeeds(server.data(), &["key", "list"]).lines().count(), 1, "none was left");
}

#[test]
fn a_key_is_created_listed_and_revoked() {
    let server = Server::start(&[]);
    let data = server.data();
    let api = Api::new(&server, &server.token());
    api.create_zone("example.com");
    let line = succeeds(data, &with(&["--acme", "*.example.com", "--expires", "1d"]));
    let parts: Vec<&str> = line.trim_end().split(':').collect();
    let [algorithm, name, secret] = parts[..] else { panic!("{line}") };
    assert_eq!((algorithm, &name[..2], secret.len()), ("hmac-sha256", "k-", 44), "{line}");
    let path = succeeds(data, &with(&["--zone", "example.com", "--door", "acme-dns"]));
    assert!(path.starts_with(&format!("{}/acme-dns/", server.base())), "{path}");
    let token = succeeds(data, &with(&["--zone", "example.com", "--format", "token"]));
    assert_eq!(Api::new(&server, token.trim_end()).status("/account/me/"), 401, "not a token of the API");

    let list = succeeds(data, &["key", "list", "--account", ADMIN]);
    let shown = list.lines().find(|line| line.contains(name)).expect("the key");
    assert!(shown.contains("\tmanage\texample.com\t_acme-challenge.**\tTXT\t"), "{shown}");
    assert!(!list.contains(secret) && !list.contains(path.rsplit('/').next().expect("a secret").trim_end()), "{list}");
    let (_, seen) = api.send("GET", "/update-keys/", None);
    assert_eq!(seen.as_array().expect("keys").len(), 3);

    let uuid = list.lines().last().expect("a key").split('\t').next().expect("its UUID");
    for key in [name, uuid] {
        assert!(succeeds(data, &["key", "revoke", key]).starts_with("update key k-"));
    }
    wait_for("the key to be gone", || {
        (api.send("GET", "/update-keys/", None).1.as_array().expect("keys").len() == 1).then_some(())
    });
}

/// The configuration for one program, in a file.
struct Printed {
    text: String,
    file: PathBuf,
}

fn printed(server: &Server, folder: &Path, format: &str, more: &[&str]) -> Printed {
    let arguments = [&CREATE[..], &["--zone", "example.com", "--format", format], more].concat();
    let text = succeeds(server.data(), &arguments);
    let file = folder.join(format!("{format}.conf"));
    fs::write(&file, &text).expect("the folder takes files");
    Printed { text, file }
}

#[track_caller]
fn accepts(program: &mut Command) {
    let output = run(program);
    assert!(output.status.success(), "{program:?}: {}", describe(&output));
}

#[track_caller]
fn reads(program: &mut Command, input: &str) {
    let mut child =
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{program:?}: {}", describe(&output));
}

#[test]
fn the_programs_read_what_is_printed_for_them() {
    let server = Server::start(&[]);
    Api::new(&server, &server.token()).create_zone("example.com");
    let folder = tempfile::tempdir().expect("a folder");
    let print = |format: &str, more: &[&str]| printed(&server, folder.path(), format, more);
    for algorithm in ["hmac-sha256", "hmac-sha512", "hmac-sha1", "hmac-md5"] {
        let named = print("named", &["--algorithm", algorithm]);
        reads(Command::new("nsupdate").arg("-k").arg(&named.file), "quit\n");
    }
    let transfer = ["--purpose", "transfer", "--address", "192.0.2.53:53"];
    accepts(Command::new("named-checkconf").arg(print("named", &transfer).file));
    for more in [&[][..], &transfer] {
        let knot = print("knot", more);
        accepts(Command::new("knotc").arg("-c").arg(knot.file).arg("conf-check"));
    }
    let knot = print("knot", &[]).text;
    let line = knot.lines().find_map(|line| line.strip_prefix("# hmac-")).expect("a line for knsupdate");
    let file = folder.path().join("knsupdate.key");
    fs::write(&file, format!("hmac-{line}\n")).expect("the folder takes files");
    reads(Command::new("knsupdate").arg("-k").arg(&file), "quit\n");
}

#[test]
fn every_configuration_has_the_key_and_the_address() {
    let server = Server::start(&["--ns", "ns1.example.net=192.0.2.53"]);
    Api::new(&server, &server.token()).create_zone("example.com");
    let folder = tempfile::tempdir().expect("a folder");
    let (ip, port) = ("127.0.0.1", server.dns().port().to_string());
    for (format, more, words) in [
        (
            "certbot",
            &[][..],
            &["dns_rfc2136_algorithm = HMAC-SHA256", "dns_rfc2136_server = IP\n", "dns_rfc2136_port = PORT\n"][..],
        ),
        ("lego", &[], &["RFC2136_NAMESERVER='IP:PORT'", "RFC2136_TSIG_ALGORITHM='hmac-sha256.'"]),
        ("octodns", &[], &["host: \"IP\"", "port: PORT\n", "  example.com.:\n", "key_algorithm: hmac-sha256"]),
        (
            "external-dns",
            &[],
            &["--rfc2136-host=IP\n", "--rfc2136-port=PORT\n", "--rfc2136-zone=example.com\n", "--rfc2136-tsig-axfr\n"],
        ),
        (
            "cert-manager",
            &[],
            &["nameserver: \"IP:PORT\"", "tsigAlgorithm: HMACSHA256", "protocol: TCP", "- example.com\n"],
        ),
        ("ansible", &[], &["server: \"IP\"", "port: PORT\n", "key_algorithm: hmac-sha256", "zone: example.com\n"]),
        (
            "ddclient",
            &["--record-name", "home"],
            &["password='vps_", "\nhome.example.com\n", "ssl=no\n", "protocol=dyndns2\n"],
        ),
        ("cert-manager", &["--address", "[2001:db8::53]:53"], &["nameserver: \"[2001:db8::53]:53\""]),
    ] {
        let data = server.data();
        // The commands know only the configuration; the port of this server was chosen when it started.
        let address = format!("{ip}:{port}");
        let own: &[&str] = if more.contains(&"--address") { &[] } else { &["--address", &address] };
        let text = printed(&server, folder.path(), format, &[more, own].concat()).text;
        let list = succeeds(data, &["key", "list"]);
        let name = list.lines().last().and_then(|line| line.split('\t').nth(3)).expect("the key's name");
        assert!(text.contains(name), "{format}: {text}");
        for word in words {
            let word = word.replace("IP", ip).replace("PORT", &port);
            assert!(text.contains(&word), "{format} lacks {word:?}: {text}");
        }
    }
}
