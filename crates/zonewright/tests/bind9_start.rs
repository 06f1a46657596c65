//! A start with BIND behind the server: the API and the pages wait for no nameserver, named runs as a user of its own, and what
//! cannot work ends the program.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs::{self, Permissions};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::api::Api;
use common::named::{Named, dig, free_addresses};
use common::{DEADLINE, Server, TRANSFERS, describe, run, wait_for, zonewright};

const MANAGED: [&str; 2] = ["--nameserver", "bind9-managed"];
/// With everything else that a busy machine does. Nothing that is waited for here takes long, and a named that is waited for never
/// comes.
const AT_ONCE: Duration = Duration::from_secs(10);

/// A folder with a program `named`, to be put before others in `PATH`.
struct Wrapper(tempfile::TempDir);

impl Wrapper {
    fn new(script: &str) -> Wrapper {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).expect("it is ours");
        let program = folder.path().join("named");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("it is ours");
        Wrapper(folder)
    }

    /// A real named that starts when it is released.
    fn slow() -> Wrapper {
        Wrapper::new("while [ ! -e \"${0%/*}/go\" ]; do sleep 0.05; done; PATH=${PATH#*:}:/usr/sbin; exec named \"$@\"")
    }

    fn release(&self) {
        fs::write(self.0.path().join("go"), "").expect("a file");
    }

    fn path(&self) -> String {
        format!("{}:{}", self.0.path().display(), std::env::var("PATH").expect("a PATH"))
    }
}

#[track_caller]
fn waits_for(server: &Server, words: &str) {
    let mut last = String::new();
    let deadline = Instant::now() + DEADLINE;
    while !last.contains(words) {
        assert!(Instant::now() < deadline, "/readyz does not say {words:?}, but {last:?}");
        last = server.waits_for();
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_api_answers_while_named_is_starting() {
    let wrapper = Wrapper::slow();
    let begun = Instant::now();
    let mut server = Server::begin(&[("PATH", &wrapper.path())], &MANAGED);
    let api = Api::new(&server, &server.token());
    let zone = api.create_zone("example.com");
    api.create_a(&zone, "www", "192.0.2.1");
    let took = begun.elapsed();
    assert!(took < AT_ONCE, "it took {took:?}");
    assert_eq!(server.waits_for(), "not ready: primary: named is starting\n");
    let pages = run(Command::new("curl").args(["-sf", &format!("{}/sign-in/", server.base())]));
    assert!(pages.status.success(), "{}", describe(&pages));
    let (status, deployment) = api.send("GET", &format!("/dns-zones/{zone}/deployment/"), None);
    assert_eq!((status, &deployment["in_sync"]), (200, &serde_json::json!(false)), "{deployment}");

    wrapper.release();
    server.wait_until_ready();
    assert_eq!(server.waits_for(), "ready\n");
    // Ready: what was made meanwhile is served.
    assert_eq!(server.dig(&["www.example.com", "A"]), "www.example.com. 3600 IN A 192.0.2.1\n");
    api.create_a(&zone, "later", "192.0.2.2");
    server.dig_until(&["later.example.com", "A"], |answer| !answer.is_empty());
    // Another zone is made, and one deleted, while named is away for a second time.
    let pid = fs::read_to_string(server.data().join("bind9/named.pid")).expect("named's process number");
    fs::remove_file(wrapper.0.path().join("go")).expect("the file is there");
    assert!(run(Command::new("kill").args(["-KILL", pid.trim()])).status.success());
    let other = api.create_zone("example.org");
    api.create_a(&other, "www", "192.0.2.3");
    assert_eq!(api.send("DELETE", &format!("/dns-zones/{zone}/"), None).0, 204);
    wrapper.release();
    let dns = server.dns().to_string();
    wait_for("named to serve the new zone", || (dig(&dns, "www.example.org") == "192.0.2.3\n").then_some(()));
    wait_for("the deleted zone to be gone", || dig(&dns, "www.example.com").is_empty().then_some(()));
}

#[test]
fn a_server_stops_while_named_is_starting() {
    let wrapper = Wrapper::slow();
    let mut server = Server::begin(&[("PATH", &wrapper.path())], &MANAGED);
    waits_for(&server, "named is starting");
    let asked = Instant::now();
    assert!(server.stop().success(), "{}", server.log());
    assert!(asked.elapsed() < AT_ONCE, "it took {:?}", asked.elapsed());
}

#[test]
fn a_named_that_does_not_start_is_told_and_tried_again() {
    let wrapper = Wrapper::new("echo 'config: error: no such thing' >&2; exit 3");
    let mut server = Server::begin(&[("PATH", &wrapper.path())], &MANAGED);
    waits_for(&server, "not ready: primary: named does not start; the log says why\n");
    wait_for("the log to say why", || server.log().contains("no such thing").then_some(()));
    let api = Api::new(&server, &server.token());
    let zone = api.create_zone("example.com");
    api.create_a(&zone, "www", "192.0.2.1");
    let real = "PATH=${PATH#*:}:/usr/sbin; exec named \"$@\"";
    fs::write(wrapper.0.path().join("named"), format!("#!/bin/sh\n{real}\n")).expect("a file");
    server.wait_until_ready();
    server.dig_until(&["www.example.com", "A"], |answer| !answer.is_empty());
}

#[test]
fn the_api_answers_while_an_external_bind_is_down() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let [dns, control] = free_addresses();
    let toml = folder.path().join("zonewright.toml");
    fs::write(&toml, format!("[bind9]\ncontrol = \"{control}\"\n")).expect("a file");
    let toml = toml.to_str().expect("a path in UTF-8");
    let printed = run(&mut zonewright(&data, &["bind9", "config", "primary", "--config", toml, "--dns", &dns]));
    assert!(printed.status.success(), "{}", describe(&printed));
    let config = folder.path().join("named.conf");
    fs::write(&config, &printed.stdout).expect("a file");

    let begun = Instant::now();
    let flags = ["--nameserver", "bind9", "--config", toml, "--dns", &dns];
    let mut server = Server::begin_in(&data, &[], &flags);
    let api = Api::new(&server, &server.token());
    let zone = api.create_zone("example.com");
    api.create_a(&zone, "www", "192.0.2.1");
    assert!(begun.elapsed() < AT_ONCE, "it took {:?}", begun.elapsed());
    waits_for(&server, "not ready: primary: it does not respond\n");

    let _named = Named::start(&config, &folder.path().join("log"), &dns);
    server.wait_until_ready();
    wait_for("named to serve the zone", || (dig(&dns, "www.example.com") == "192.0.2.1\n").then_some(()));
}

/// The number of a user, as `id` says it.
fn id(of: &[&str]) -> u32 {
    let output = run(Command::new("id").arg("-u").args(of));
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("a number (Debian: the package bind9 makes the user bind)")
}

/// Whom a managed named has to run as here.
fn user_of_named() -> u32 {
    if id(&[]) == 0 { id(&["bind"]) } else { id(&[]) }
}

fn named_of(server: &Server) -> PathBuf {
    let pid = fs::read_to_string(server.data().join("bind9/named.pid")).expect("named's process number");
    Path::new("/proc").join(pid.trim())
}

#[test]
fn a_managed_named_has_no_rights_but_its_own() {
    // First as a server without this did it, then with it.
    let mut server = Server::start_with(&[("ZONEWRIGHT_BIND9_USER", "root")], &MANAGED);
    let token = server.token();
    let api = Api::new(&server, &token);
    let zone = api.create_zone("example.com");
    api.create_a(&zone, "before", "192.0.2.1");
    server.dig_until(&["before.example.com", "A"], |answer| !answer.is_empty());
    assert_eq!(fs::metadata(named_of(&server)).expect("it runs").uid(), id(&[]));
    assert!(server.stop().success());

    let data = server.data().to_owned();
    let server = Server::start_in(&data, &MANAGED);
    let user = user_of_named();
    assert_eq!(fs::metadata(named_of(&server)).expect("it runs").uid(), user, "named runs as its user");
    let command = fs::read(named_of(&server).join("cmdline")).expect("it runs");
    assert_eq!(command.split(|octet| *octet == 0).any(|argument| argument == b"-u"), user != id(&[]));
    for part in ["bind9", "bind9/zones", "bind9/catalogs", "bind9/dnssec", "bind9/_default.nzd"] {
        assert_eq!(fs::metadata(data.join(part)).expect("it is there").uid(), user, "{part}");
    }
    let dns = server.dns().to_string();
    wait_for("the zone of before to be served", || (dig(&dns, "before.example.com") == "192.0.2.1\n").then_some(()));
    let api = Api::new(&server, &token);
    api.create_a(&zone, "after", "192.0.2.2");
    let other = api.create_zone("example.org");
    api.create_a(&other, "www", "192.0.2.3");
    for (name, address) in [("after.example.com", "192.0.2.2\n"), ("www.example.org", "192.0.2.3\n")] {
        wait_for("changes to be served", || (dig(&dns, name) == address).then_some(()));
    }
    // What named was not given, its user cannot read.
    let reads = |path: &Path| {
        let mut cat = Command::new("setpriv");
        cat.args([&format!("--reuid={user}"), "--clear-groups", "--inh-caps=-all", "--", "cat"]).arg(path);
        let with_group = run(Command::new("setpriv")
            .args([&format!("--reuid={user}"), "--init-groups", "--inh-caps=-all", "--", "cat"])
            .arg(path));
        run(&mut cat).status.success() || with_group.status.success()
    };
    if user != id(&[]) {
        let closed = ["zonewright.sqlite", "zonewright.sqlite-wal", "bind9/keys/update.key", "bind9/rndc.conf"];
        for file in closed {
            assert!(data.join(file).exists() && !reads(&data.join(file)), "{file}");
        }
        let listed = run(Command::new("setpriv")
            .args([&format!("--reuid={user}"), "--init-groups", "--inh-caps=-all", "--", "ls"])
            .arg(&data));
        assert!(!listed.status.success(), "the data directory can be passed through and not be listed");
    }
    // The doctor has nothing against that.
    let doctor = run(&mut zonewright(&data, &["doctor"]));
    assert!(
        String::from_utf8_lossy(&doctor.stdout).contains("is not accessible to other users"),
        "{}",
        describe(&doctor)
    );
}

#[test]
fn what_can_never_work_ends_the_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let serve = |environment: &[(&str, &str)], dns: &str| {
        let mut command = zonewright(&data, &["serve", "--http", "127.0.0.1:0", "--dns", dns]);
        run(command.args(MANAGED).envs(environment.iter().copied()))
    };
    if id(&[]) == 0 {
        let refused = serve(&[("ZONEWRIGHT_BIND9_USER", "no-such-user")], "127.0.0.1:0");
        assert_eq!(refused.status.code(), Some(2), "{}", describe(&refused));
        let words = "environment, ZONEWRIGHT_BIND9_USER: bind9.user: there is no user \"no-such-user\"";
        assert!(describe(&refused).contains(words), "{}", describe(&refused));
        assert!(!data.exists(), "nothing was made");
        // The folder above the data directory is not this server's to open.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("it is ours");
        let refused = serve(&[], "127.0.0.1:0");
        assert_eq!(refused.status.code(), Some(1), "{}", describe(&refused));
        let words = format!("chmod o+x {}", folder.path().display());
        assert!(describe(&refused).contains(&words), "{}", describe(&refused));
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).expect("it is ours");
    }
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("its address").to_string();
    let refused = serve(&[], &taken);
    assert_eq!(refused.status.code(), Some(1), "{}", describe(&refused));
    assert!(describe(&refused).contains(&format!("cannot listen on {taken}")), "{}", describe(&refused));
}

#[test]
fn without_a_key_no_nameserver_transfers_zones_to_this_machine() {
    for (environment, flags, expected) in [
        (&[][..], &[][..], false),
        (&TRANSFERS[..], &[], true),
        // A managed BIND wants a key whatever is set.
        (&TRANSFERS[..], &MANAGED, false),
    ] {
        let server = Server::start_with(environment, flags);
        let api = Api::new(&server, &server.token());
        api.create_zone("example.com");
        server.dig_until(&["example.com", "SOA"], |answer| !answer.is_empty());
        let transferred = server.dig(&["example.com", "AXFR"]);
        assert_eq!(!transferred.is_empty(), expected, "{environment:?} {flags:?}: {transferred}");
    }
}

/// A query for `www.example.com A` without EDNS.
const QUERY: &[u8] = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";

#[test]
fn both_nameservers_limit_their_responses_by_the_same_settings() {
    let strict =
        [("ZONEWRIGHT_RRL_EXEMPT", ""), ("ZONEWRIGHT_RRL_RESPONSES_PER_SECOND", "5"), ("ZONEWRIGHT_RRL_SLIP", "1")];
    for (environment, flags, limited) in [
        (&strict[..], &[][..], true),
        (&strict[..], &MANAGED, true),
        // By default this machine is exempt.
        (&[], &[], false),
        (&[], &MANAGED, false),
    ] {
        let server = Server::start_with(environment, flags);
        let api = Api::new(&server, &server.token());
        let zone = api.create_zone("example.com");
        api.create_a(&zone, "www", "192.0.2.1");
        server.dig_until(&["www.example.com", "A"], |answer| !answer.is_empty());
        // Another network than the server's own, which has to be answered.
        let truncated = truncated_of(100, server.dns());
        assert_eq!(truncated > 50, limited, "{environment:?} {flags:?}: {truncated} of 100");
    }
}

/// How many responses to so many queries at once are truncated.
fn truncated_of(queries: usize, server: SocketAddr) -> usize {
    let socket = UdpSocket::bind("127.0.99.9:0").expect("an address of this machine");
    socket.set_read_timeout(Some(DEADLINE)).expect("a time-out");
    for _ in 0..queries {
        socket.send_to(QUERY, server).expect("it is sent");
    }
    let mut response = [0; 512];
    let mut is_truncated = || {
        let length = socket.recv(&mut response).expect("every query has a response");
        length > 2 && response[2] & 2 != 0
    };
    (0..queries).filter(|_| is_truncated()).count()
}

#[test]
fn cookies_outlive_a_restart_and_the_identifier_is_as_it_is_set() {
    let flags = ["--dns", &free_addresses::<1>()[0]];
    let mut server = Server::start_with(&[("ZONEWRIGHT_EDNS_NSID", "ams-1")], &flags);
    let cookie = |server: &Server, cookie: &str| {
        let (at, port) = (format!("@{}", server.dns().ip()), server.dns().port().to_string());
        let output =
            run(Command::new("dig").args([&at, "-p", &port, "+nsid", "+nobadcookie", cookie, "example.com", "SOA"]));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("; COOKIE: ")).unwrap_or_default().to_owned();
        (line, text)
    };
    let (first, text) = cookie(&server, "+cookie=6120636c69656e74");
    assert!(first.ends_with(" (good)") && text.contains("(\"ams-1\")"), "{text}");
    let secret = server.data().join("dns-cookie.secret");
    assert_eq!(fs::metadata(&secret).expect("it was made").mode() & 0o777, 0o600);
    assert!(server.stop().success());
    let data = server.data().to_owned();
    let required = [("ZONEWRIGHT_EDNS_REQUIRE_COOKIE", "on")];
    let again = Server::start_in_with(&data, &required, &flags);
    let sent = format!("+cookie={}", first.trim_end_matches(" (good)"));
    let (_, text) = cookie(&again, &sent);
    assert!(
        text.contains("status: REFUSED"),
        "a cookie from before the restart is taken, and there is no zone: {text}"
    );
}
