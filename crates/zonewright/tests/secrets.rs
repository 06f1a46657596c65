//! The key file of the secrets in the database, by the commands of the real binary.

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use common::{Server, describe, run, zonewright};

fn command(data: &Path, arguments: &[&str]) -> Output {
    run(&mut zonewright(data, arguments))
}

#[track_caller]
fn says(output: &Output, code: i32, words: &[&str]) {
    let text = describe(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "it does not say {word:?}: {text}");
    }
}

#[test]
fn nothing_starts_without_the_right_key_until_it_is_back_or_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    says(&command(&data, &["account", "create", "ann@example.com"]), 0, &[]);
    let key_file = data.join("secret.key");
    let key = fs::read(&key_file).expect("a key file");
    assert_eq!(fs::metadata(&key_file).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&data).expect("a folder").permissions().mode() & 0o777, 0o700);

    fs::remove_file(&key_file).expect("a file");
    let serve = ["serve", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"];
    says(&command(&data, &serve), 1, &["secret.key is missing", "restore your copy", "zonewright secrets reset"]);
    says(&command(&data, &["account", "list"]), 1, &["secret.key is missing"]);
    let doctor = ["doctor", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"];
    says(&command(&data, &doctor), 1, &["BAD   secrets: ", "secret.key is missing"]);
    fs::write(&key_file, "garbage").expect("a file");
    says(&command(&data, &serve), 1, &["secret.key is not a key file"]);

    fs::write(&key_file, &key).expect("a file");
    says(&command(&data, &["account", "list"]), 0, &["ann@example.com"]);
    says(&command(&data, &["secrets", "reset"]), 1, &["nothing to reset"]);

    fs::remove_file(&key_file).expect("a file");
    says(&command(&data, &["secrets", "reset"]), 0, &["creates a new key"]);
    says(&command(&data, &["account", "list"]), 0, &["ann@example.com"]);
    assert_ne!(fs::read(&key_file).expect("a new key file"), key);
}

#[test]
fn the_doctor_warns_until_a_copy_of_the_key_was_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    says(&command(&data, &["account", "create", "ann@example.com"]), 0, &[]);
    let key_file = data.join("secret.key");
    let doctor = || command(&data, &["doctor", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"]);
    says(&doctor(), 0, &["warn  secrets: no copy of ", "zonewright secrets confirm COPY"]);

    let own = key_file.to_str().expect("text");
    says(&command(&data, &["secrets", "confirm", own]), 1, &["is the key file itself"]);
    let copy = folder.path().join("copy");
    let copy_text = copy.to_str().expect("text");
    says(&command(&data, &["secrets", "confirm", copy_text]), 1, &["No such file"]);
    fs::write(&copy, "not the key").expect("a file");
    says(&command(&data, &["secrets", "confirm", copy_text]), 1, &["is not a copy of"]);
    says(&doctor(), 0, &["warn  secrets: no copy of "]);

    let mut child = zonewright(&data, &["secrets", "confirm", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let text = fs::read(&key_file).expect("a key file");
    child.stdin.take().expect("piped").write_all(&text).expect("it reads");
    says(&child.wait_with_output().expect("it ends"), 0, &["The copy has the same key"]);
    says(&doctor(), 0, &["ok    secrets: confirmed that a copy of "]);
    fs::copy(&key_file, &copy).expect("a copy");
    says(&command(&data, &["secrets", "confirm", copy_text]), 0, &[]);

    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o640)).expect("permissions");
    says(&doctor(), 0, &["warn  secrets: ", "is accessible to other users", "chmod 600"]);
}

#[test]
fn a_backup_names_the_key_that_it_lacks_and_takes_it_along_when_asked() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |name: &str| folder.path().join(name);
    let take = |name: &str, more: &[&str]| {
        let path = copy(name);
        command(server.data(), &[&["backup", path.to_str().expect("text")], more].concat())
    };
    says(&take("plain.db", &[]), 0, &["The copy does not contain the key file", "secret.key", "--with-keys"]);
    assert!(!copy("plain.db.key").exists());
    fs::write(copy("taken.db.key"), "precious").expect("a file");
    says(&take("taken.db", &["--with-keys"]), 1, &["taken.db.key"]);
    assert_eq!(fs::read(copy("taken.db.key")).expect("a file"), b"precious");
    assert!(!copy("taken.db").exists(), "no copy of the database without the key that was asked for");
    says(&take("plain.db", &["--with-keys"]), 1, &["plain.db"]);
    assert!(!copy("plain.db.key").exists(), "no key without its database");

    says(&take("both.db", &["--with-keys"]), 0, &["both.db.key is a copy of the key file"]);
    assert_eq!(fs::metadata(copy("both.db.key")).expect("a file").permissions().mode() & 0o777, 0o600);
    let restored = copy("data");
    fs::create_dir(&restored).expect("a folder");
    fs::copy(copy("both.db"), restored.join("zonewright.sqlite")).expect("a copy");
    says(&command(&restored, &["account", "list"]), 1, &["secret.key is missing"]);
    // The key may lie anywhere.
    let elsewhere = copy("both.db.key");
    let mut list = zonewright(&restored, &["account", "list"]);
    says(&run(list.env("ZONEWRIGHT_SECRETS_KEY_FILE", &elsewhere)), 0, &["admin@localhost"]);
    fs::rename(&elsewhere, restored.join("secret.key")).expect("a move");
    Server::start_in(&restored, &[]);
}
