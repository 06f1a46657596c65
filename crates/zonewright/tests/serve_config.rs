//! The configuration, tried on the real binary: what is refused, with which words, and which of several settings counts.
//!
//! `doctor` stands in for `serve` where a configuration is good: it reads the same, and ends.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::{Command, Output};

use common::{describe, run};
use tempfile::TempDir;

/// Each key, a value that is refused for it (in the environment's form), and one that is not.
const KEYS: [(&str, &str, &str); 26] = [
    ("data", "", "other"),
    ("database", "mysql://root:hunter2@db/zones", ""),
    ("http", "localhost:80", "127.0.0.1:18053"),
    ("trusted_proxy", "192.0.2.1/24", "192.0.2.0/24"),
    ("nameserver", "bind8", "none"),
    ("dns", "5300", "[::1]:15300"),
    ("secondary", "192.0.2.1", "192.0.2.1:53"),
    ("ns", "ns1.example.net=nowhere", "ns1.example.net"),
    ("bind9.control", "9953", "127.0.0.1:9953"),
    ("transfers.loopback", "yes", "on"),
    ("rrl.responses_per_second", "1001", "0"),
    ("rrl.window", "0", "5"),
    ("rrl.slip", "11", "0"),
    ("rrl.ipv4_prefix", "33", "32"),
    ("rrl.ipv6_prefix", "65", "64"),
    ("rrl.table_size", "10", "1000"),
    ("rrl.exempt", "192.0.2.1/24", "192.0.2.0/24"),
    ("limits.rrset_records", "0", "1"),
    ("limits.ttl_min", "2147483648", "60"),
    ("limits.ttl_max", "4294967296", "86400"),
    ("limits.body_bytes", "0", "4096"),
    ("limits.bulk_bytes", "0", "65536"),
    ("limits.connections", "0", "10"),
    ("limits.failed_auth_burst", "0", "5"),
    ("limits.failed_auth_per_second", "4294967296", "5"),
    ("retention.events", "2y", "730d"),
];

#[test]
fn a_bad_value_is_refused_with_its_key_and_the_place_that_counts() {
    for (key, bad, good) in KEYS {
        let variable = variable(key);
        let flag = format!("--{}", key.replace('_', "-"));
        let file = toml(key, bad);

        let place = Place::new();
        place.write("zonewright.toml", &file);
        place.refuses(&["serve"], &[], &[&format!("zonewright.toml: {key}: ")]);
        place.refuses(&["serve"], &[(&variable, bad)], &[&format!("environment, {variable}: {key}: ")]);
        if !key.contains('.') {
            place.refuses(&["serve", &flag, bad], &[(&variable, bad)], &[&format!("command line, {flag}: {key}: ")]);
        }
        place.is_untouched();

        // A good value over the bad one: it is the one that counts.
        if !good.is_empty() {
            place.accepts(&["doctor"], &[(&variable, good)]);
            if !key.contains('.') {
                place.accepts(&["doctor", &flag, good], &[(&variable, bad)]);
            }
        }
    }
}

#[test]
fn values_of_the_wrong_type_or_beyond_their_limits_are_refused() {
    let cases: &[(&str, &[&str])] = &[
        ("http = 8053", &["http: is of type integer", "use a text; in the file, put it in quotes"]),
        ("http = [\"127.0.0.1:80\"]", &["http: is of type array"]),
        ("ns = 1", &["ns: is of type integer", "use a list"]),
        ("ns = [\"ns1.example.net\", 2]", &["ns: has an item of type integer"]),
        ("ns = []", &["ns: a zone needs at least one nameserver"]),
        ("limits = 3", &["limits: is not a table", "write [limits]"]),
        ("[limits]\nttl_min = \"60\"", &["limits.ttl_min: is of type string", "whole number"]),
        ("[limits]\nttl_min = 1.5", &["limits.ttl_min: is of type float"]),
        ("[limits]\nttl_min = -1", &["limits.ttl_min: -1 is negative"]),
        ("[limits]\nttl_min = 61\nttl_max = 60", &["limits.ttl_min, 61 is larger than limits.ttl_max, 60"]),
        ("htp = \"127.0.0.1:80\"", &["htp: is not a known key", "the keys are data, database, http"]),
        ("[limits]\nttl = 5", &["limits.ttl: is not a known key", "limits.ttl_min"]),
        ("[http]\naddress = \"127.0.0.1\"", &["http: is of type table"]),
        ("data = \"a\"\nhttp 1", &["line 2: "]),
        ("http = \"127.0.0.1:1\"\nhttp = \"127.0.0.1:2\"", &["line 2: duplicate key"]),
        ("http = \"\"", &["http: is empty"]),
    ];
    for (content, words) in cases {
        let place = Place::new();
        place.write("zonewright.toml", content);
        let mut wanted = vec!["zonewright.toml: "];
        wanted.extend(*words);
        place.refuses(&["serve"], &[], &wanted);
        place.is_untouched();
    }
    let place = Place::new();
    let cases: &[(&str, &str, &[&str])] = &[
        ("ZONEWRIGHT_HTPT", "127.0.0.1:1", &["environment, ZONEWRIGHT_*: ZONEWRIGHT_HTPT: ", "ZONEWRIGHT_HTTP"]),
        ("ZONEWRIGHT_LIMITS_TTL", "1", &["ZONEWRIGHT_LIMITS_TTL: ", "ZONEWRIGHT_LIMITS_TTL_MIN"]),
        ("ZONEWRIGHT_LIMITS_TTL_MIN", "1h", &["limits.ttl_min: \"1h\" is not a whole number"]),
        ("ZONEWRIGHT_LIMITS_TTL_MIN", "-1", &["limits.ttl_min: \"-1\" is not a whole number"]),
        ("ZONEWRIGHT_NS", " ", &["ns: a zone needs at least one nameserver"]),
        ("ZONEWRIGHT_TLS_CERT", " ", &["tls_cert: is empty"]),
    ];
    for (variable, value, words) in cases {
        place.refuses(&["serve"], &[(variable, value)], words);
    }
    let refused = place.run(place.command(&["serve"]).env("ZONEWRIGHT_DATA", std::ffi::OsString::from_vec(vec![0xff])));
    assert_refused(&refused, &["environment, ZONEWRIGHT_DATA: data: is not UTF-8"]);
    place.is_untouched();
}

#[test]
fn nameservers_that_no_zone_could_have_are_refused() {
    let cases: &[(&[&str], &str)] = &[
        (&[""], "a name may not be empty"),
        (&["ns1"], "is not a full host name"),
        (&["."], "is not a full host name"),
        (&["ns1..example.net"], "empty label"),
        (&["ns_1.example.net"], "letters, digits and inner hyphens"),
        (&["*.example.net"], "letters, digits and inner hyphens"),
        (&["-a.example.net"], "letters, digits and inner hyphens"),
        (&["ns1 .example.net"], "cannot contain spaces"),
        (&["192.0.2.53"], "an address is in the place of the name"),
        (&["2001:db8::53"], "an address is in the place of the name"),
        (&["ns1.example.net="], "\"\" cannot be the address of a host"),
        (&["ns1.example.net=192.0.2.256"], "\"192.0.2.256\" cannot be the address of a host"),
        (&["ns1.example.net=192.0.2.1,"], "\"\" cannot be the address of a host"),
        (&["ns1.example.net=192.0.2.1:53"], "\"192.0.2.1:53\" cannot be the address of a host"),
        (&["ns1.example.net=0.0.0.0"], "\"0.0.0.0\" cannot be the address of a host"),
        (&["ns1.example.net=192.0.2.1,192.0.2.1"], "192.0.2.1 is listed twice"),
        (&["ns1.example.net=2001:db8::1,2001:0db8::1"], "2001:db8::1 is listed twice"),
        (&["ns1.example.net", "NS1.example.net."], "ns1.example.net is listed twice"),
    ];
    let place = Place::new();
    for (values, words) in cases {
        let flags: Vec<String> = values.iter().map(|value| format!("--ns={value}")).collect();
        let arguments: Vec<&str> = ["serve"].into_iter().chain(flags.iter().map(String::as_str)).collect();
        place.refuses(&arguments, &[], &["command line, --ns: ns: ", words, "NAME=ADDRESS,ADDRESS"]);
    }
    place.is_untouched();
    place.accepts(&["doctor", "--ns", "NS1.example.net.=192.0.2.53,2001:db8::53", "--ns", "ns.bücher.example"], &[]);
    place.accepts(&["doctor"], &[("ZONEWRIGHT_NS", "ns1.example.net=192.0.2.53,2001:db8::53  ns2.example.net")]);
    place.write("zonewright.toml", "ns = \"ns1.example.net ns2.example.net\"");
    place.accepts(&["doctor"], &[]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let place = Place::new();
    place.refuses(
        &["serve", "--config", "no.toml"],
        &[],
        &["the configuration file no.toml does not exist (set by --config)"],
    );
    let variable = [("ZONEWRIGHT_CONFIG", "no.toml")];
    place.refuses(&["serve"], &variable, &["the configuration file no.toml does not exist (set by ZONEWRIGHT_CONFIG)"]);
    fs::create_dir(place.path("folder.toml")).expect("a folder");
    place.refuses(&["serve", "--config", "folder.toml"], &[], &["folder.toml: Is a directory"]);
    fs::write(place.path("latin1.toml"), b"data = \"\xe4\"").expect("a file");
    place.refuses(&["serve", "--config", "latin1.toml"], &[], &["latin1.toml: ", "UTF-8"]);
    place.is_untouched();

    // The flag counts over the variable, and both over the file in the current directory.
    place.write("zonewright.toml", "http = 1");
    place.write("good.toml", "http = \"127.0.0.1:18053\"");
    place.accepts(&["doctor", "--config", "good.toml"], &variable);
    place.accepts(&["doctor"], &[("ZONEWRIGHT_CONFIG", "good.toml")]);
    place.refuses(&["zone", "list"], &[], &["zonewright.toml: http: "]);
}

#[test]
fn https_needs_a_certificate_and_its_key() {
    let place = Place::new();
    let pair = |cert: &str, key: &str| {
        vec!["serve".to_owned(), "--tls-cert".to_owned(), cert.to_owned(), "--tls-key".to_owned(), key.to_owned()]
    };
    place.refuses(&["serve", "--tls-cert", "c.pem"], &[], &["--tls-cert: tls_cert: is set, but tls_key is not"]);
    place.refuses(&["serve", "--tls-key", "k.pem"], &[], &["--tls-key: tls_key: is set, but tls_cert is not"]);

    certificate(&place, "a");
    certificate(&place, "b");
    place.write("text.pem", "no PEM");
    place.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let cases: &[(&str, &str, &[&str])] = &[
        ("no.pem", "a.key", &["tls_cert: no.pem: No such file"]),
        ("text.pem", "a.key", &["tls_cert: text.pem: the file contains no PEM block", "BEGIN CERTIFICATE"]),
        ("a.key", "a.key", &["tls_cert: a.key: the file contains no PEM block"]),
        ("broken.pem", "a.key", &["tls_cert: broken.pem: ", "valid"]),
        ("a.pem", "no.pem", &["tls_key: no.pem: No such file"]),
        ("a.pem", "text.pem", &["tls_key: text.pem: the file contains no PEM block", "PRIVATE KEY"]),
        ("a.pem", "a.pem", &["tls_key: a.pem: the file contains no PEM block"]),
        ("a.pem", "b.key", &["tls_cert: a.pem: ", "match the key in tls_key"]),
    ];
    for (cert, key, words) in cases {
        let arguments = pair(cert, key);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        place.refuses(&arguments, &[], words);
    }
    let variable = [("ZONEWRIGHT_TLS_CERT", "no.pem"), ("ZONEWRIGHT_TLS_KEY", "a.key")];
    place.refuses(&["serve"], &variable, &["environment, ZONEWRIGHT_TLS_CERT: tls_cert: no.pem"]);
    place.write("zonewright.toml", "tls_cert = \"a.pem\"\ntls_key = \"no.pem\"");
    place.refuses(&["serve"], &[], &["zonewright.toml: tls_key: no.pem"]);
    place.is_untouched();
    let sound = place.accepts(&["doctor", "--tls-key", "a.key"], &[]);
    assert!(describe(&sound).contains("the certificate and its key are valid"), "{}", describe(&sound));
}

#[test]
fn proxies_are_named_and_not_everybody() {
    let place = Place::new();
    for (value, words) in [
        ("", "give a network"),
        ("proxy.example.net", "give a network"),
        ("192.0.2.1:80", "give a network"),
        ("192.0.2.0/33", "give a network"),
        ("2001:db8::1/64", "the network is 2001:db8::/64"),
        ("0.0.0.0/0", "includes every address"),
        ("::/0", "includes every address"),
    ] {
        let flag = format!("--trusted-proxy={value}");
        place.refuses(&["serve", &flag], &[], &["command line, --trusted-proxy: trusted_proxy: ", words]);
    }
    place.is_untouched();
    place.accepts(&["doctor", "--trusted-proxy", "192.0.2.1", "--trusted-proxy", "2001:db8::/64"], &[]);
}

#[test]
fn mail_is_configured_whole_or_not_at_all() {
    const SERVER: &str = "url = \"https://dns.example.net\"\n[mail]\nserver = \"mail.example.net\"\n";
    const WHOLE: &str = "from = \"dns@example.net\"\n";
    let place = Place::new();
    place.write("text.pem", "no PEM");
    place.write("empty", "\n");
    let refuses = |file: &str, words: &[&str]| {
        place.write("zonewright.toml", file);
        let refused = place.run(&mut place.command(&["serve"]));
        assert_refused(&refused, words);
        assert!(!describe(&refused).contains("hunter2"), "{}", describe(&refused));
    };
    for (key, value) in [
        ("port", "25"),
        ("tls", "\"none\""),
        ("ca", "\"ca.pem\""),
        ("user", "\"dns\""),
        ("password", "\"hunter2\""),
        ("password_file", "\"p\""),
        ("from", "\"dns@example.net\""),
    ] {
        let words = format!("zonewright.toml: mail.{key}: is set, but mail.server is not");
        refuses(&format!("[mail]\n{key} = {value}\n"), &[&words]);
    }
    refuses(SERVER, &["zonewright.toml: mail.from: is not set, but mail.server is"]);
    for (more, words) in [
        ("from = \"dns\"", "mail.from: \"dns\" is not a valid e-mail address"),
        ("from = \"dns@example.net\\r\\nBcc: eve@example.org\"", "is not a valid e-mail address"),
        ("port = 0", "mail.port: 0 is not a port"),
        ("port = 65536", "mail.port: 65536 is not a port"),
        ("port = \"25\"", "mail.port: is of type string"),
        ("tls = \"ssl\"", "mail.tls: \"ssl\" is not a kind of TLS (use implicit"),
        ("user = \"dns\"", "mail.user: is set, but there is no password"),
        ("password = \"hunter2\"", "mail.password: is set, but mail.user is not"),
        ("password_file = \"p\"", "mail.password_file: is set, but mail.user is not"),
        ("user = \"dns\"\npassword = \"hunter2\"\npassword_file = \"p\"", "mail.password_file: is set, and so is"),
        ("user = \"dns\"\npassword = \"hunter2\"\ntls = \"none\"", "mail.tls: the password would be sent unencrypted"),
        ("user = \"dns\"\npassword_file = \"no\"", "mail.password_file: no: No such file"),
        ("user = \"dns\"\npassword_file = \"empty\"", "mail.password_file: empty: its first line is empty"),
        ("tls = \"none\"\nca = \"ca.pem\"", "mail.ca: is set, but mail.tls is none"),
        ("ca = \"no.pem\"", "mail.ca: no.pem: No such file"),
        ("ca = \"text.pem\"", "mail.ca: text.pem: the file contains no PEM block"),
    ] {
        let whole = if more.starts_with("from") { "" } else { WHOLE };
        refuses(&format!("{SERVER}{whole}{more}\n"), &["zonewright.toml: ", words]);
    }
    for server in ["", "mail.example.net:25", "smtp://mail.example.net", "user@mail.example.net", "mail..example.net"] {
        let file = format!("url = \"https://dns.example.net\"\n[mail]\nserver = \"{server}\"\n{WHOLE}");
        refuses(&file, &["zonewright.toml: mail.server: "]);
    }
    let without_url = format!("[mail]\nserver = \"mail.example.net\"\n{WHOLE}");
    refuses(&without_url, &["zonewright.toml: url: is not set, but mail.server is (set the public URL"]);
    place.is_untouched();
    // Commands that send no mail need no address for its links, and no password.
    place.accepts(&["token", "list"], &[]);
    let secret = [("ZONEWRIGHT_MAIL_USER", "dns"), ("ZONEWRIGHT_MAIL_PASSWORD_FILE", "no")];
    place.accepts(&["token", "list"], &secret);
}

#[test]
fn secrets_in_a_refused_value_are_not_shown() {
    let place = Place::new();
    let refused = place.run(&mut place.command(&["serve", "--database", "mysql://u:hunter2@db/zones"]));
    assert_refused(&refused, &["database: \"mysql://...\" is not a kind of database"]);
    assert!(!describe(&refused).contains("hunter2"), "{}", describe(&refused));
}

#[test]
fn every_command_explains_itself() {
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["serve", "account", "token", "zone", "deploy", "bind9", "backup", "secrets", "doctor"]),
        (
            &["serve"],
            &["--config", "--data", "--http", "--dns", "--ns", "--nameserver", "127.0.0.1:8053", "--tls-cert"],
        ),
        (&["account", "create"], &["<EMAIL>", "--password-stdin", "--data", "--config"]),
        (&["token", "create"], &["--account", "--permission", "dns:list", "--expires", "90d", "--data"]),
        (&["token", "list"], &["--account", "--data"]),
        (&["token", "revoke"], &["<ID>", "--data"]),
        (&["zone", "list"], &["--data"]),
        (&["deploy", "status"], &["[DOMAIN]", "--secondary"]),
        (&["bind9", "config", "primary"], &["--listen", "--directory", "--data", "--dns", "--secondary"]),
        (&["bind9", "config", "secondary"], &["--listen", "--directory", "--data", "--dns"]),
        (&["backup"], &["<FILE>", "--with-keys", "--data"]),
        (&["secrets"], &["confirm", "reset"]),
        (&["zone", "move"], &["<DOMAIN>", "--to", "--data"]),
        (&["zone", "delete"], &["<DOMAIN>", "--data"]),
        (&["doctor"], &["--data", "--http", "--dns"]),
    ];
    let place = Place::new();
    for (command, words) in cases {
        let mut arguments = command.to_vec();
        arguments.push("--help");
        let output = place.run(&mut place.command(&arguments));
        assert!(output.status.success(), "{command:?}: {}", describe(&output));
        let text = String::from_utf8_lossy(&output.stdout);
        for word in *words {
            assert!(text.contains(word), "{command:?} does not say {word:?}:\n{text}");
        }
    }
    for wrong in [&["serve", "--prot", "1"][..], &["sreve"], &[], &["token"], &["serve", "--http"]] {
        let output = place.run(&mut place.command(wrong));
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", describe(&output));
    }
}

/// A current directory of its own.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("a file");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zonewright"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ZONEWRIGHT_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(self.0.path());
        command
    }

    fn run(&self, command: &mut Command) -> Output {
        run(command)
    }

    #[track_caller]
    fn refuses(&self, arguments: &[&str], environment: &[(&str, &str)], words: &[&str]) {
        let output = self.run(self.command(arguments).envs(environment.iter().copied()));
        assert_refused(&output, words);
    }

    /// The configuration is good; what the doctor finds beyond it does not matter.
    #[track_caller]
    fn accepts(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let output = self.run(self.command(arguments).envs(environment.iter().copied()));
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{arguments:?} {environment:?}: {}", describe(&output));
        output
    }

    #[track_caller]
    fn is_untouched(&self) {
        assert!(!self.path("zonewright-data").exists() && !self.path("other").exists(), "a data directory was made");
    }
}

#[track_caller]
fn assert_refused(output: &Output, words: &[&str]) {
    assert_eq!(output.status.code(), Some(2), "wanted {words:?}: {}", describe(output));
    assert!(output.stdout.is_empty(), "{}", describe(output));
    let text = String::from_utf8_lossy(&output.stderr);
    for word in words {
        assert!(text.contains(word), "does not say {word:?}: {text}");
    }
}

fn variable(key: &str) -> String {
    format!("ZONEWRIGHT_{}", key.replace('.', "_").to_uppercase())
}

/// A configuration file that sets one key; numbers are those of the limits.
fn toml(key: &str, value: &str) -> String {
    match key.split_once('.') {
        Some((table @ ("limits" | "rrl"), key)) if value.parse::<u64>().is_ok() => {
            format!("[{table}]\n{key} = {value}\n")
        }
        Some(("limits", key)) => format!("[limits]\n{key} = {value}\n"),
        Some((table, key)) => format!("[{table}]\n{key} = \"{value}\"\n"),
        None if matches!(key, "ns" | "secondary" | "trusted_proxy") => format!("{key} = [\"{value}\"]\n"),
        None => format!("{key} = \"{value}\"\n"),
    }
}

/// A key and a certificate for it, `NAME.key` and `NAME.pem`.
fn certificate(place: &Place, name: &str) {
    let made = run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")])
        .current_dir(place.0.path()));
    assert!(made.status.success() && Path::new(&place.path(&format!("{name}.key"))).exists(), "{}", describe(&made));
}
