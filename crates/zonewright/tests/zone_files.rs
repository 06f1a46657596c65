//! Zones in and out as BIND zone files, through the command line, beside a running server and the real BIND.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::api::Api;
use common::{Server, describe, run, zonewright};
use dns::RecordType;
use serde_json::json;

const HEAD: &str = "$TTL 1h\n@ SOA ns.old.example. host.old.example. 3471292800 1h 15m 2w 5m\n  NS ns.old.example.\n";

#[test]
fn what_cannot_be_imported_is_told_and_holds_back_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, files) = (folder.path().join("data"), folder.path().join("zones"));
    fs::create_dir(&files).expect("a folder");
    succeeds(&data, &["account", "create", "ann@example.com"]);
    succeeds(&data, &["account", "create", "bob@example.com"]);
    let file = |name: &str, text: &str| fs::write(files.join(name), text).expect("a file");
    let path = |name: &str| files.join(name).to_str().expect("a path").to_owned();

    let missing = path("missing");
    refused(&data, &["zone", "import", &missing, "--account", "ann@example.com"], &["cannot read ", "/missing: "]);
    file("mine.example.zone", HEAD);
    let mine = path("mine.example.zone");
    refused(
        &data,
        &["zone", "import", &mine, "--account", "eve@example.com"],
        &["there is no account eve@example.com"],
    );
    succeeds(&data, &["zone", "import", &mine, "--account", "bob@example.com"]);

    file("faults.example.zone", &format!("{HEAD}www A 192.0.2\n\"\n www CNAME a b\n$INCLUDE /etc/passwd\n"));
    file("rules.example.zone", &format!("{HEAD}www A 192.0.2.1\nwww CNAME other.example.org.\n"));
    file("generate.example.zone", &format!("{HEAD}$GENERATE 1-2000000 a TXT $\n"));
    file("empty.example.zone", "; nothing\n");
    file("com.zone", HEAD);
    file("notes", "this is no zone file\n");
    file("binary.example.zone", "\0\u{1}\u{2}\n\0");
    file("one.example.zone", HEAD);
    file("db.one.example", HEAD);
    file("zone.jnl", "not even looked at");
    file(".hidden", "nor this");
    file(
        "good.example.zone",
        &format!("{HEAD}www A 192.0.2.1\nwww RRSIG A 8 3 3600 x\nother.example.org. A 192.0.2.2\n"),
    );
    let folder = files.to_str().expect("a path");
    let report =
        zonewright(&data, &["zone", "import", folder, "--account", "ann@example.com"]).output().expect("it runs");
    assert_eq!(report.status.code(), Some(1), "{}", describe(&report));
    let said = String::from_utf8(report.stdout).expect("text");
    for words in [
        "faults.example.zone: line 4, column 7: ",
        "    line 5, column 1: a quoted string is not closed",
        "    line 6, column 2: a record type such as A or MX is expected here",
        "    line 7, column 1: $INCLUDE is not supported",
        "rules.example.zone: line 5, column 1: a CNAME record cannot exist beside other records",
        "generate.example.zone: line 4, column 11: the $GENERATE directives of this file create more records than are allowed",
        "empty.example.zone: line 1, column 1: there is no record in the file",
        "com.zone: the zone's name is neither in the file nor in the file name; give --domain",
        "notes: the zone's name is neither in the file nor in the file name",
        "binary.example.zone: line 1, column 1: a NUL octet is not allowed here",
        "another file of this import is also for one.example",
        "mine.example.zone: mine.example belongs to bob@example.com",
        "2 zones created, 0 changed (1 records), 0 unchanged, 9 refused",
        "left out: 1 DNSSEC records",
        "left out: 1 records outside their zone",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    assert!(!said.contains("passwd") && !said.contains("jnl") && !said.contains("hidden"), "{said}");
    let listed = succeeds(&data, &["zone", "list"]);
    let zones: Vec<&str> = listed.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(zones, ["good.example", "mine.example", "one.example"], "{listed}");

    let two =
        ["zone", "import", &mine, &path("one.example.zone"), "--account", "bob@example.com", "--domain", "a.example"];
    refused(&data, &two, &["--domain can be used with a single file, but there are 2"]);
    refused(&data, &["zone", "export", "other.example"], &["there is no zone other.example"]);
}

#[test]
fn an_import_is_served_goes_on_where_it_was_and_never_overwrites_edits() {
    let server = Server::start(&[]);
    let data = server.data();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for index in 0..50 {
        let text = format!("{HEAD}www A 192.0.2.{index}\n@ MX 10 mail\nmail A 192.0.2.100\n");
        fs::write(folder.path().join(format!("z{index}.example.zone")), text).expect("a file");
    }
    let files = folder.path().to_str().expect("a path");
    let import = ["zone", "import", files, "--account", "admin@localhost"];

    let dry = succeeds(data, &[&import[..], &["--dry-run"]].concat());
    let summary = |said: &str| said.lines().last().expect("a line").to_owned();
    assert_eq!(summary(&dry), "50 zones would be created, 0 would be changed (150 records), 0 unchanged, 0 refused");
    assert!(dry.contains("z7.example.zone -> z7.example: would be created, 3 records\n"), "{dry}");
    assert_eq!(succeeds(data, &["zone", "list"]), "");

    // As if it had been interrupted.
    for index in [3, 4] {
        fs::rename(folder.path().join(format!("z{index}.example.zone")), folder.path().join(format!(".{index}")))
            .expect("a file");
    }
    let first = succeeds(data, &import);
    assert_eq!(summary(&first), "48 zones created, 0 changed (144 records), 0 unchanged, 0 refused");
    assert!(first.contains("z7.example.zone -> z7.example: created, 3 records\n"), "{first}");
    for index in [3, 4] {
        fs::rename(folder.path().join(format!(".{index}")), folder.path().join(format!("z{index}.example.zone")))
            .expect("a file");
    }
    let second = succeeds(data, &import);
    assert_eq!(summary(&second), "2 zones created, 0 changed (6 records), 48 unchanged, 0 refused");
    assert!(second.contains("z7.example.zone -> z7.example: unchanged\n"), "{second}");
    for index in [0, 3, 49] {
        let name = format!("www.z{index}.example");
        server.dig_until(&[&name, "A"], |answer| answer.contains(&format!("192.0.2.{index}")));
    }
    // The serial goes on above the file's, which lies in the year 2080.
    server.dig_until(&["z3.example", "SOA"], |answer| answer.contains(" 3471292801 "));
    server.dig_until(&["z3.example", "NS"], |answer| {
        !answer.contains("ns.old.example.") && answer.contains("ns1.zonewright.test.")
    });

    let admin = Api::new(&server, &server.token());
    let (_, zones) = admin.send("GET", "/dns-zones/?domain=z7.example", None);
    let zone = zones[0]["uuid"].as_str().expect("a UUID");
    admin.create_a(zone, "new", "192.0.2.7");
    let (_, history) = admin.send("GET", &format!("/dns-zones/{zone}/history/"), None);
    assert_eq!(history[1]["source"], json!("import"), "{history}");
    let again = zonewright(data, &import).output().expect("it runs");
    assert_eq!(again.status.code(), Some(1), "{}", describe(&again));
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    let words =
        "z7.example exists with different records: the file would add 0 and remove 1; use --replace to replace them";
    assert!(said.contains(words) && said.contains("49 unchanged, 1 refused"), "{said}");
    server.dig_until(&["new.z7.example", "A"], |answer| answer.contains("192.0.2.7"));

    let replaced = succeeds(data, &[&import[..], &["--replace"]].concat());
    assert_eq!(summary(&replaced), "0 zones created, 1 changed (1 records), 49 unchanged, 0 refused");
    assert!(replaced.contains("z7.example.zone -> z7.example: changed, 0 records added, 1 removed\n"), "{replaced}");
    server.dig_until(&["new.z7.example", "A"], str::is_empty);
}

#[test]
fn names_of_files_are_never_guessed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, files) = (folder.path().join("data"), folder.path().join("zones"));
    fs::create_dir(&files).expect("a folder");
    succeeds(&data, &["account", "create", "ann@example.com"]);
    let reverse = format!("{HEAD}1 PTR host.example.\n");
    for (name, text) in [
        ("db.192.168.1", reverse.as_str()),
        ("db.10.128", &reverse),
        ("7.168.192.rev", &reverse),
        ("db.203.0.113", &reverse),
        ("F14.EXAMPLE.ZONE", HEAD),
        ("forward.x.example", HEAD),
        ("x.example.bak", HEAD),
        (
            "cf.txt",
            ";; Domain:     cf.example.\n;; Exported:   2024-05-01 10:21:33\nwww.cf.example. 1 IN A 192.0.2.1\n",
        ),
    ] {
        fs::write(files.join(name), text).expect("a file");
    }
    let path = |name: &str| files.join(name).to_str().expect("a path").to_owned();
    let import = |more: &[&str]| {
        let zones = files.to_str().expect("a path");
        let command = [&["zone", "import", zones, "--account", "ann@example.com"], more].concat();
        let output = run(&mut zonewright(&data, &command));
        assert_eq!(output.status.code(), Some(1), "{}", describe(&output));
        String::from_utf8(output.stdout).expect("text")
    };
    for (said, made) in [(import(&["--dry-run"]), "would be created"), (import(&[]), "created")] {
        for (file, zone) in [
            ("db.192.168.1", "1.168.192.in-addr.arpa"),
            ("db.10.128", "128.10.in-addr.arpa"),
            ("7.168.192.rev", "7.168.192.in-addr.arpa"),
            ("F14.EXAMPLE.ZONE", "f14.example"),
            ("cf.txt", "cf.example"),
        ] {
            let line = format!("{} -> {zone}: {made}, ", path(file));
            assert!(said.contains(&line), "{line:?} is not in\n{said}");
        }
        for (file, words) in [
            ("db.203.0.113", "give --domain 113.0.203.in-addr.arpa or --domain 203.0.113.in-addr.arpa\n"),
            ("forward.x.example", "give --domain x.example or --domain forward.x.example\n"),
        ] {
            let line =
                format!("refused: {}: the zone's name is not in the file, and the file name is ambiguous", path(file));
            assert!(said.contains(&line) && said.contains(words), "{file} is not in\n{said}");
        }
        assert!(said.contains(&format!("skipped: {}", path("x.example.bak"))), "{said}");
        assert!(said.contains("note: line 3, column 17: 1 line has the TTL 1"), "{said}");
    }
    // A copy that is named by hand is refused with what to type; what it says to type works.
    let copy = path("x.example.bak");
    let by_hand = ["zone", "import", &copy, "--account", "ann@example.com"];
    refused(&data, &by_hand, &["give --domain x.example\n"]);
    let said = succeeds(&data, &[&by_hand[..], &["--domain", "x.example"]].concat());
    assert!(said.contains(&format!("{copy} -> x.example: created, 0 records\n")), "{said}");
    let other = path("cf.txt");
    let wrong = ["zone", "import", &other, "--account", "ann@example.com", "--domain", "shop.example"];
    refused(&data, &wrong, &["This file is for cf.example, not shop.example"]);
    let listed = succeeds(&data, &["zone", "list"]);
    assert_eq!(listed.lines().count(), 6, "{listed}");
}

#[test]
fn what_an_import_leaves_out_and_finds_unwise_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    succeeds(&data, &["account", "create", "ann@example.com"]);
    let file = folder.path().join("example.com");
    let text = format!(
        "{HEAD}@ MX 10 alias\nalias CNAME mail\nmail 1 A 192.0.2.1 ; cf_tags=cf-proxied:true\n@ WINS LOCAL 192.0.2.9\n\
         @ TXT \"v=spf1 -all\"\n@ TXT \"v=spf1 mx -all\"\n"
    );
    fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("a path");
    let import = ["zone", "import", file, "--account", "ann@example.com"];
    refused(&data, &import, &["line 7, column 3: ", "use --leave-out-unknown to skip records of unsupported types"]);
    let leave = [&import[..], &["--leave-out-unknown"]].concat();
    let dry = succeeds(&data, &[&leave[..], &["--dry-run"]].concat());
    let done = succeeds(&data, &leave);
    for said in [dry, done] {
        for words in [
            "    left out: 1 WINS (line 7): this server does not support records of this type\n",
            "    left out: 1 NS (line 3): they name another provider's nameservers, and are kept only on request (use --keep-apex-ns",
            "    note: line 6, column 6: 1 line has the TTL 1",
            "    warning: mx-to-cname at @: ",
            "    warning: spf-multiple at @: ",
        ] {
            assert!(said.contains(words), "{words:?} is not in\n{said}");
        }
        assert!(!said.contains("low-ttl") && !said.contains("left out: 1 SOA"), "{said}");
    }
    let exported = succeeds(&data, &["zone", "export", "example.com"]);
    assert!(exported.contains("mail 300 IN A 192.0.2.1\n") && !exported.contains("ns.old"), "{exported}");
    let kept = [&leave[..], &["--replace", "--keep-ttl", "--keep-apex-ns"]].concat();
    let kept = succeeds(&data, &kept);
    assert!(kept.contains("warning: low-ttl at mail") && kept.contains("warning: foreign-apex-ns at @"), "{kept}");
    let exported = succeeds(&data, &["zone", "export", "example.com"]);
    assert!(exported.contains("mail 1 IN A 192.0.2.1\n") && exported.contains("IN NS ns.old.example.\n"), "{exported}");
}

/// Whatever the flags of either server are, and although the commands are given none of them.
#[test]
fn an_export_comes_to_another_server_without_the_first_ones_nameservers() {
    let first = Server::start(&["--ns", "ns1.first.example", "--ns", "ns2.first.example"]);
    let admin = Api::new(&first, &first.token());
    let zone = admin.create_zone("example.com");
    admin.create_a(&zone, "www", "192.0.2.1");
    let second_provider = json!({"record_type": "NS", "name": "@", "value": "ns.provider.example"});
    let (status, answer) = admin.send("POST", &format!("/dns-zones/{zone}/records/"), Some(&second_provider));
    assert_eq!(status, 201, "{answer}");
    let exported = succeeds(first.data(), &["zone", "export", "example.com"]);
    assert!(exported.starts_with("; Zonewright zone file, format 1\n") && exported.contains("NS ns1.first.example."));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("exported");
    fs::write(&file, &exported).expect("a file");
    let import = ["zone", "import", file.to_str().expect("a path"), "--account", "admin@localhost"];
    assert!(succeeds(first.data(), &import).contains("-> example.com: unchanged\n"));

    let second = Server::start(&["--ns", "ns1.second.example"]);
    let said = succeeds(second.data(), &import);
    assert!(said.contains("-> example.com: created, 2 records\n"), "{said}");
    second.dig_until(&["example.com", "NS"], |answer| {
        answer.contains("ns1.second.example.") && answer.contains("ns.provider.example.") && !answer.contains("first")
    });
    assert!(succeeds(second.data(), &import).contains("-> example.com: unchanged\n"));
    // A stopped server's flags count as well, and what a command is told of other nameservers changes nothing.
    let mut second = second;
    assert!(second.stop().success());
    assert!(succeeds(second.data(), &import).contains("-> example.com: unchanged\n"));
    let own = succeeds(second.data(), &["zone", "export", "example.com"]);
    fs::write(&file, own).expect("a file");
    let other = [&import[..], &["--ns", "ns9.elsewhere.example"]].concat();
    assert!(succeeds(second.data(), &other).contains("-> example.com: unchanged\n"));
}

#[test]
fn a_zone_of_every_type_comes_out_as_it_went_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    succeeds(&data, &["account", "create", "ann@example.com"]);
    let original = folder.path().join("original");
    fs::write(&original, everything()).expect("a file");
    let original_path = original.to_str().expect("a path");
    let import = |data: &Path, file: &str| {
        succeeds(
            data,
            &["zone", "import", file, "--account", "ann@example.com", "--domain", "example.com", "--keep-keys"],
        )
    };
    assert!(import(&data, original_path).contains("original -> example.com: created, "));
    let exported = succeeds(&data, &["zone", "export", "example.com"]);
    let first = folder.path().join("first");
    fs::write(&first, &exported).expect("a file");
    let first_path = first.to_str().expect("a path");

    // BIND has the same of both files, but for what the server makes itself.
    let (before, after) = (compiled(&original), compiled(&first));
    assert!(before.len() > 3000, "{} records", before.len());
    let lost: Vec<_> = before.difference(&after).collect();
    let gained: Vec<_> = after.difference(&before).collect();
    assert!(lost.is_empty() && gained.is_empty(), "lost {lost:?}\ngained {gained:?}");

    // The same file again changes nothing, and what comes out is the same to the octet.
    assert!(import(&data, first_path).contains("first -> example.com: unchanged\n"));
    assert_eq!(succeeds(&data, &["zone", "export", "example.com"]), exported);

    // Elsewhere too, but for the serial.
    let elsewhere = folder.path().join("elsewhere");
    succeeds(&elsewhere, &["account", "create", "ann@example.com"]);
    assert!(import(&elsewhere, first_path).contains("first -> example.com: created, "));
    let again = succeeds(&elsewhere, &["zone", "export", "example.com"]);
    let without_soa =
        |text: &str| text.lines().filter(|line| !line.contains(" IN SOA ")).collect::<Vec<_>>().join("\n");
    assert_eq!(without_soa(&again), without_soa(&exported));
}

/// The issue's own words: it imports, serves, and is the same by AXFR as the file is in BIND.
#[test]
fn a_zone_of_every_type_is_served_by_both_nameservers_as_bind_reads_its_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let original = folder.path().join("original");
    fs::write(&original, everything()).expect("a file");
    let wanted = compiled(&original);
    for kind in ["embedded", "bind9-managed"] {
        let server = Server::start_with(&common::TRANSFERS, &["--nameserver", kind]);
        let api = Api::new(&server, &server.token());
        let zone = api.create_zone("example.com");
        let path = format!("/dns-zones/{zone}/zonefile/?keep_keys=true");
        let (status, answer) = api.put_zone_file(&path, &everything());
        assert_eq!(status, 200, "{answer}");
        let serial = format!(" {} ", answer["serial"]);
        server.dig_until(&["example.com", "SOA"], |answer| answer.contains(&serial));
        let transferred = folder.path().join(kind);
        fs::write(&transferred, transfer(&server, "example.com")).expect("a file");
        let served = compiled(&transferred);
        let lost: Vec<_> = wanted.difference(&served).collect();
        let gained: Vec<_> = served.difference(&wanted).collect();
        assert!(lost.is_empty() && gained.is_empty(), "{kind}: lost {lost:?}\ngained {gained:?}");

        // What is exported loads in BIND, and is the same.
        let exported = folder.path().join("exported");
        fs::write(&exported, succeeds(server.data(), &["zone", "export", "example.com"])).expect("a file");
        assert_eq!(compiled(&exported), wanted, "{kind}");
    }
}

/// The whole zone as dig prints a transfer; with the key that a managed BIND wants for it.
fn transfer(server: &Server, zone: &str) -> String {
    let mut dig = Command::new("dig");
    let (ip, port) = (server.dns().ip().to_string(), server.dns().port().to_string());
    dig.args([&format!("@{ip}"), "-p", &port, "+onesoa", zone, "AXFR"]);
    let key = server.data().join("bind9/keys/transfer.key");
    if key.exists() {
        dig.arg("-k").arg(key);
    }
    let output = run(&mut dig);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("XFR size"), "{}", describe(&output));
    // The signatures of the messages are no part of the zone.
    text.lines().filter(|line| !line.contains("\tTSIG\t")).map(|line| format!("{line}\n")).collect()
}

/// Each type with its example, odd names and strings, and thousands of records.
fn everything() -> String {
    let mut text = HEAD.to_owned();
    for record_type in RecordType::EDITABLE {
        let Some(form) = record_type.form() else { continue };
        let name = form.name.to_ascii_lowercase();
        // A delegation signer stands at a delegation.
        if form.name == "DS" {
            let _ = writeln!(text, "{name}-example NS ns.old.example.");
        }
        let _ = writeln!(text, "{name}-example {} {}", form.name, form.example);
    }
    text.push_str(
        "\\@ A 192.0.2.1\na\\.b 60 A 192.0.2.2\n\\000\\255 TXT \"\\000\\255\\\"\\\\;\" x\\;y\n*.wild TXT ( a ; b\n c )\n\
         caf\\195\\169 TXT \"caf\u{e9}\"\nTYPE65280 TYPE65280 \\# 4 01020304\n\\$ORIGIN TXT \"\\$INCLUDE /etc/passwd\"\n",
    );
    for index in 0..1000 {
        let _ =
            writeln!(text, "host{index} A 10.0.{}.{}\n MX {index} mail\n TXT \"{index}\"", index / 256, index % 256);
    }
    text + "$GENERATE 1-100 gen${0,3,d} 5m AAAA 2001:db8::$\n"
}

/// What BIND has of a file: without the SOA and the NS records at the apex, in lower case.
fn compiled(file: &Path) -> BTreeSet<String> {
    let mut command = Command::new("named-compilezone");
    command.args(["-k", "ignore", "-n", "ignore", "-m", "ignore", "-M", "ignore", "-r", "ignore", "-S", "ignore"]);
    command.args(["-T", "ignore", "-W", "ignore", "-i", "none", "-s", "full", "-o", "-", "example.com"]).arg(file);
    let output = run(&mut command);
    assert!(output.status.success(), "{}", describe(&output));
    let text = String::from_utf8_lossy(&output.stdout).to_ascii_lowercase();
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let own = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        words.first() == Some(&"example.com.") && matches!(words.get(3), Some(&"soa" | &"ns"))
    };
    lines.filter(|line| line.starts_with(|c: char| c != ';' && c != '$') && !line.is_empty() && !own(line)).collect()
}

#[track_caller]
fn succeeds(data: &Path, command: &[&str]) -> String {
    let output = run(&mut zonewright(data, command));
    assert!(output.status.success(), "{command:?}: {}", describe(&output));
    String::from_utf8(output.stdout).expect("text")
}

#[track_caller]
fn refused(data: &Path, command: &[&str], words: &[&str]) {
    let output: Output = run(&mut zonewright(data, command));
    let said = describe(&output);
    assert!(!output.status.success(), "{command:?}: {said}");
    for words in words {
        assert!(said.contains(words), "{command:?}: {words:?} is not in {said}");
    }
}
