//! A server's life: first start, second start, what keeps it from starting, what it shows to whoever watches it, a change of the
//! operator's nameservers, and its end.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::api::Api;
use common::{DEADLINE, Server, describe, run, wait_for, zonewright};
use serde_json::{Value, json};

/// From SIGTERM to the end, at most.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

#[test]
fn what_the_machine_refuses_is_named_with_its_key() {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let (http, dns) = (address(tcp.local_addr()), address(udp.local_addr()));
    let file = folder.path().join("file");
    fs::write(&file, "not a directory").expect("a file");
    let foreign = folder.path().join("foreign");
    fs::create_dir(&foreign).expect("a folder");
    fs::write(foreign.join("zonewright.sqlite"), "not a database, and longer than the header of one".repeat(100))
        .expect("a file");
    let free = ["--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"];
    let cases: &[(&Path, &[&str], &[&str])] = &[
        (
            &data,
            &["--http", &http, "--dns", "127.0.0.1:0"],
            &["--http: http: cannot listen on ", &http, "another program"],
        ),
        (&data, &["--http", "127.0.0.1:0", "--dns", &dns], &["--dns: dns: cannot listen on ", &dns, "another program"]),
        (
            &data,
            &["--http", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--metrics", &http],
            &["--metrics: metrics: cannot listen on ", &http, "another program"],
        ),
        (&data, &["--http", "192.0.2.1:80"], &["--http: http: cannot listen on 192.0.2.1:80", "of this machine"]),
        (&file, &free, &["--data: data: ", "cannot create", "choose a directory"]),
        (&file.join("below"), &free, &["--data: data: ", "Not a directory"]),
        // Not even root makes a directory there.
        (Path::new("/proc/zonewright"), &free, &["--data: data: cannot create /proc/zonewright"]),
        (&foreign, &free, &["is not a database of this program"]),
    ];
    for (data, flags, words) in cases {
        let mut command = zonewright(data, &["serve"]);
        let output = run(command.args(*flags));
        assert_eq!(output.status.code(), Some(1), "{flags:?}: {}", describe(&output));
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.lines().last().unwrap_or_default();
        for word in *words {
            assert!(last.contains(word), "{flags:?} does not say {word:?}: {text}");
        }
    }
    assert!(!data.exists(), "a server that could not listen made its data directory");
}

#[test]
fn sigterm_lets_requests_finish_and_ends_in_time() {
    let mut server = Server::start(&[]);
    let token = server.token();
    let admin = Api::new(&server, &token);
    admin.create_zone("example.com");

    // One that stands idle after an answer, one that never goes on with its body, and one whose body is on its way.
    let mut idle = TcpStream::connect(server.http()).expect("a connection");
    idle.set_read_timeout(Some(DEADLINE)).expect("a time-out");
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").expect("a request");
    read_until(&mut idle, "ok\n");
    let body = r#"{"domain": "late.example.com"}"#;
    let mut stuck = half_a_request(&server, &token, body);
    let mut late = half_a_request(&server, &token, body);

    let asked = Instant::now();
    server.signal("TERM");
    wait_for("new connections to be refused", || TcpStream::connect(server.http()).is_err().then_some(()));
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).expect("an idle connection is closed");
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    // What was under way is answered, and until then DNS is too.
    assert!(server.dig(&["example.com", "SOA"]).contains("SOA"));
    late.write_all(&body.as_bytes()[5..]).expect("the server takes the rest");
    let answer = read_until(&mut late, "\"records\"");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");

    let status = server.ended();
    let took = asked.elapsed();
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(took < STOPS_WITHIN, "it took {took:?}");
    // Cut off or refused, but not kept waiting.
    let mut cut = String::new();
    let _ = stuck.read_to_string(&mut cut);
    assert!(!cut.contains(" 201 "), "{cut}");

    let data = server.data().to_owned();
    let again = Server::start_in(&data, &[]);
    let domains: Vec<Value> = list(&Api::new(&again, &token)).into_iter().map(|zone| zone["domain"].clone()).collect();
    assert_eq!(domains, ["example.com", "late.example.com"]);
}

#[test]
fn sigint_ends_it_too_and_a_second_one_at_once() {
    let mut server = Server::start(&[]);
    server.signal("INT");
    assert_eq!(server.ended().code(), Some(0), "{}", server.log());

    let mut server = Server::start(&[]);
    let _stuck = half_a_request(&server, &server.token(), r#"{"domain": "example.com"}"#);
    let asked = Instant::now();
    server.signal("INT");
    wait_for("the server to begin to stop", || server.log().contains("\"stopping\"").then_some(()));
    server.signal("INT");
    assert_eq!(server.ended().code(), Some(0), "{}", server.log());
    assert!(asked.elapsed() < Duration::from_secs(5), "the second signal took {:?}", asked.elapsed());
}

#[test]
fn a_second_start_says_nothing_and_serves_what_was_there() {
    let mut server = Server::start(&[]);
    let token = server.token();
    let admin = Api::new(&server, &token);
    let zone = admin.create_zone("example.com");
    admin.create_a(&zone, "www", "192.0.2.7");
    assert!(server.stop().success());
    let data = server.data().to_owned();
    let again = Server::start_in(&data, &[]);
    // Ready: so it is served, without waiting.
    assert_eq!(again.dig(&["www.example.com", "A"]), "www.example.com. 3600 IN A 192.0.2.7\n");
    assert_eq!(again.said(), "");
    assert_eq!(list(&Api::new(&again, &token)).len(), 1);

    // Another server on the same data: both take changes, both serve all zones.
    let beside = Server::start_in(&data, &[]);
    assert_eq!(beside.said(), "");
    Api::new(&beside, &token).create_a(&zone, "there", "192.0.2.8");
    Api::new(&again, &token).create_a(&zone, "here", "192.0.2.9");
    for server in [&again, &beside] {
        server.dig_until(&["there.example.com", "A"], |answer| answer.contains("192.0.2.8"));
        server.dig_until(&["here.example.com", "A"], |answer| answer.contains("192.0.2.9"));
    }
}

#[test]
fn the_first_start_prints_what_can_be_pasted_wherever_it_listens() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&["--http", "0.0.0.0:0", "--dns", "0.0.0.0:0"], "http://127.0.0.1:", "dig @127.0.0.1 "),
        (&["--http", "[::]:0", "--dns", "[::]:0"], "http://[::1]:", "dig @::1 "),
        (&["--http", "[::1]:0", "--dns", "[::1]:0"], "http://[::1]:", "dig @::1 "),
    ];
    for (flags, base, dig) in cases {
        let server = Server::start_on_terminal(flags);
        let text = server.welcome();
        assert!(text.contains("account    admin@localhost\n") && text.contains(dig), "{text}");
        assert!(text.contains(&format!("dashboard  {base}")) && text.contains("/link/"), "{text}");
        assert!(text.contains(&format!(" {base}")), "{text}");
        assert_eq!(text.matches("Welcome").count(), 1);
        paste(&server, &text);
        server_answers(&text, dig);
    }

    let server = Server::start_on_terminal(&["--nameserver", "none"]);
    let text = server.welcome();
    assert!(!text.contains("dig") && !text.contains("to query it"), "{text}");
    assert!(text.contains("There is no nameserver (--nameserver none)"), "{text}");
    let lines = text.split("There is no nameserver").next().expect("what is before it");
    paste(&server, lines);
    assert_eq!(list(&Api::new(&server, &server.token())).len(), 1);
}

#[test]
fn the_first_start_prints_secrets_on_a_terminal_only_and_none_that_last() {
    let server = Server::start(&[]);
    let text = server.welcome();
    let output = format!("{text}{}", server.log());
    assert!(!output.contains("vps_") && !output.contains("/link/"), "{output}");
    let tokens = |server: &Server| {
        let list = run(&mut zonewright(server.data(), &["token", "list"]));
        String::from_utf8_lossy(&list.stdout).lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(tokens(&server), [""; 0]);
    // The commands that it names work as they stand there.
    for line in text.lines().filter(|line| line.starts_with("  zonewright ")) {
        let line = line.replacen("zonewright", env!("CARGO_BIN_EXE_zonewright"), 1);
        let printed = run(Command::new("sh").args(["-c", &line]));
        let secret = String::from_utf8_lossy(&printed.stdout).into_owned();
        assert!(secret.starts_with("vps_") || secret.contains("/link/"), "{line}: {}", describe(&printed));
    }
    assert_eq!(tokens(&server).len(), 1);

    let server = Server::start_on_terminal(&[]);
    let text = server.welcome();
    assert!(text.contains("/link/") && !server.log().contains("vps_") && !server.log().contains("/link/"));
    let token = text.lines().find_map(|line| line.strip_prefix("  token      ")).expect("a token").to_owned();
    assert_eq!(Api::new(&server, &token).status("/dns-zones/"), 200);
    let listed = tokens(&server);
    let times: Vec<&str> = listed[0].split('\t').collect();
    let (created, expires): (jiff::Timestamp, jiff::Timestamp) =
        (times[5].parse().expect("a time"), times[6].parse().expect("an end"));
    assert_eq!(expires.duration_since(created).as_hours(), 24, "{listed:?}");
}

#[test]
fn https_works_with_a_certificate_of_ones_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder.path()));
    assert!(made.status.success(), "{}", describe(&made));
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let server = Server::start_on_terminal(&["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem")]);
    let text = server.welcome();
    assert!(text.contains("https://127.0.0.1:") && text.contains("curl -sk "), "{text}");
    paste(&server, &text);
    server.dig_until(&["example.com", "A"], |answer| answer.contains("192.0.2.1"));
    for (version, wanted) in [("--http1.1", "1.1 200"), ("--http2", "2 200")] {
        let url = format!("{}/healthz", server.base());
        let format = "%{http_version} %{http_code}";
        let output = run(Command::new("curl").args(["-sk", version, "-o", "/dev/null", "-w", format, &url]));
        assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{}", describe(&output));
    }
    let strict = run(Command::new("curl").args(["-s", &format!("{}/healthz", server.base())]));
    assert!(!strict.status.success(), "nobody has to believe a certificate of one's own");
}

#[test]
fn metrics_are_left_out_where_they_are_not_wanted_or_their_default_address_is_taken() {
    let server = Server::start(&["--metrics", "none"]);
    assert_eq!(server.metrics_address(), None);
    // Whoever has the default address: this socket, or another server on this machine.
    let _taken = TcpListener::bind("127.0.0.1:8054");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command =
        zonewright(&folder.path().join("data"), &["serve", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut child = KillOnDrop(child);
    let log = BufReader::new(child.0.stderr.take().expect("piped"));
    let mut warned = false;
    for line in log.lines() {
        let line = line.expect("text");
        warned |= line.contains("metrics are not served; set another address with --metrics")
            && line.contains("127.0.0.1:8054");
        if line.contains("zonewright is running") {
            assert!(warned && !line.contains("metrics.address"), "{line}");
            return;
        }
    }
    panic!("the server ended");
}

/// A process that ends with the test.
struct KillOnDrop(std::process::Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn security_txt_names_the_contact_that_is_set_and_is_not_there_otherwise() {
    const PATH: &str = "/.well-known/security.txt";
    let folder = tempfile::tempdir().expect("a folder");
    let bad = run(&mut zonewright(folder.path(), &["serve", "--security-contact", "security"]));
    assert_eq!(bad.status.code(), Some(2), "{}", describe(&bad));
    assert!(
        describe(&bad).contains("--security-contact: security_contact: \"security\" is neither"),
        "{}",
        describe(&bad)
    );
    assert_eq!(get(&Server::start(&[]), PATH).0, 404);

    let flags = ["--security-contact", "security@example.net", "--url", "https://dns.example.net"];
    let server = Server::start(&flags);
    let (status, text) = get(&server, PATH);
    assert_eq!(status, 200);
    let value =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default();
    assert_eq!(value("Contact"), "mailto:security@example.net");
    assert_eq!(value("Canonical"), "https://dns.example.net/.well-known/security.txt");
    let expires: jiff::Timestamp = value("Expires").parse().expect("a time of RFC 3339");
    let days = expires.duration_since(store::Clock::system().now()).as_hours() / 24;
    assert!((30..365).contains(&days), "{text}");
}

#[test]
fn invitations_end_when_registration_closes() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let created = run(&mut zonewright(&data, &["account", "create", "ann@example.com"]));
    assert!(created.status.success(), "{}", describe(&created));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let open = || {
        let nameserver = dns::apex::ApexNameserver {
            name: dns::Name::parse("ns1.zonewright.test").expect("a name"),
            addresses: Vec::new(),
        };
        let options = store::Options {
            clock: store::Clock::system(),
            limits: dns::change::Limits::default(),
            apex: dns::apex::Apex::new(vec![nameserver]).expect("a nameserver"),
            own_names: Vec::new(),
            policy: store::Policy::default(),
            key_file: None,
        };
        store::Store::open(data.join("zonewright.sqlite"), options).expect("the store")
    };
    let secret = runtime.block_on(async {
        let store = open();
        let (hour, operator) = (jiff::SignedDuration::from_hours(1), store.command_line());
        let secret = operator.invite("bob@example.com", hour);
        let secret = secret.await.expect("an invitation");
        store.close().await;
        secret.reveal().to_owned()
    });
    let path = format!("/link/{secret}/");
    let mut server = Server::start_in(&data, &["--registration", "invitation"]);
    assert_eq!(get(&server, &path).0, 200);
    assert!(server.stop().success());
    let mut closed = Server::start_in(&data, &[]);
    assert_eq!(get(&closed, &path).0, 410);
    assert!(closed.stop().success());
    // For good, and not only while it is closed.
    assert_eq!(get(&Server::start_in(&data, &["--registration", "invitation"]), &path).0, 410);
}

#[test]
fn whoever_watches_sees_health_readiness_and_numbers_but_no_names() {
    let server = Server::start(&[]);
    let admin = Api::new(&server, &server.token());
    let zone = admin.create_zone("very-private-zone.example.com");
    admin.create_a(&zone, "@", "192.0.2.1");
    server.dig_until(&["very-private-zone.example.com", "A"], |answer| answer.contains("192.0.2.1"));
    assert_eq!(admin.send("GET", "/nothing", None).0, 404);

    assert_eq!(get(&server, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get(&server, "/readyz"), (200, "ready\n".to_owned()));
    let (status, body) = get(&server, "/healthz/more");
    assert_eq!((status, json(&body)["error_code"].clone()), (404, json!("not_found")));

    assert_eq!(get(&server, "/metrics").0, 404, "metrics have an address of their own");
    let metrics = server.metrics();
    for line in [
        "# TYPE zonewright_http_requests_total counter",
        "# TYPE zonewright_http_request_duration_seconds histogram",
        "# TYPE zonewright_deploy_seconds histogram",
        "# TYPE zonewright_nameserver_queries_total counter",
        "zonewright_info{version=\"",
    ] {
        assert!(metrics.contains(line), "no {line:?} in:\n{metrics}");
    }
    let count = |name: &str, label: &str| -> f64 {
        let lines = metrics.lines().filter(|line| line.starts_with(name) && line.contains(label));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    assert!(count("zonewright_http_requests_total{", "status=\"201\"") >= 2.0, "{metrics}");
    assert!(count("zonewright_deploy_seconds_count{", "nameserver=") >= 1.0, "{metrics}");
    assert!(count("zonewright_nameserver_queries_total{", "transport=\"udp\"") >= 1.0, "{metrics}");
    let described = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for name in described {
        assert!(metrics.contains(&format!("# HELP {name} ")), "{name} is not described:\n{metrics}");
    }
    for private in ["very-private-zone", "admin@localhost", &zone, "vps_", "127.0.0.1"] {
        assert!(!metrics.contains(private), "{private:?} in:\n{metrics}");
    }
}

#[test]
fn ready_is_said_only_when_the_zones_are_served() {
    let mut server = Server::start(&["--nameserver", "none"]);
    let token = server.token();
    let admin = Api::new(&server, &token);
    create_zones(&admin, 300);
    assert!(server.stop().success());
    let data = server.data().to_owned();
    // Returns when it is ready: then all are served.
    let server = Server::start_in(&data, &[]);
    for number in [0, 150, 299] {
        assert!(server.dig(&[&format!("z{number}.example.com"), "SOA"]).contains("SOA"));
    }
}

#[test]
fn new_nameservers_are_rolled_out_to_every_zone_while_changes_go_on() {
    const ZONES: usize = 1000;
    let mut server = Server::start(&[]);
    let token = server.token();
    let admin = Api::new(&server, &token);
    let zones = create_zones(&admin, ZONES);
    let own = admin.create_zone("example.net");
    admin.create_a(&own, "www", "192.0.2.80");
    let ns = server.dig_until(&["z7.example.com", "NS"], |answer| !answer.is_empty());
    assert!(ns.contains("ns1.zonewright.test.") && ns.contains("ns2.zonewright.test."), "{ns}");
    let names = ["z0.example.com", "z500.example.com", "z999.example.com", "example.net"];
    let before: Vec<u32> = names.iter().map(|name| serial(&server, name)).collect();
    let listed = list(&admin);
    assert!(server.stop().success());

    let data = server.data().to_owned();
    let flags = ["--ns", "ns1.example.net=192.0.2.53,2001:db8::53", "--ns", "ns.example.org"];
    let server = Server::start_in(&data, &flags);
    let started = Instant::now();
    let admin = Api::new(&server, &token);
    // Users' changes do not wait for it, and are not lost by it.
    for number in [0, 500, 999] {
        admin.create_a(&zones[number], "during", "192.0.2.99");
    }
    wait_for("the new nameservers in every zone", || {
        server.log().contains("existing zones now have the configured nameservers").then_some(())
    });
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
    for (name, before) in names.iter().zip(before) {
        let ns = server.dig_until(&[name, "NS"], |answer| !answer.contains("zonewright.test") && !answer.is_empty());
        assert_eq!(ns.lines().count(), 2, "{ns}");
        assert!(ns.contains("NS ns1.example.net.") && ns.contains("NS ns.example.org."), "{ns}");
        assert!(server.dig(&[name, "SOA"]).contains(" ns1.example.net. hostmaster.example.net. "));
        let after = serial(&server, name);
        assert!(after.wrapping_sub(before).cast_signed() > 0, "{name}: {before} then {after}");
    }
    server.dig_until(&["during.z999.example.com", "A"], |answer| answer.contains("192.0.2.99"));

    // The operator's own zone has the addresses, and nobody's list shows them.
    assert_eq!(server.dig(&["ns1.example.net", "A"]), "ns1.example.net. 3600 IN A 192.0.2.53\n");
    assert_eq!(server.dig(&["ns1.example.net", "AAAA"]), "ns1.example.net. 3600 IN AAAA 2001:db8::53\n");
    let (_, records) = admin.send("GET", &format!("/dns-zones/{own}/records/"), None);
    assert_eq!(records.as_array().map(Vec::len), Some(1), "{records}");
    let mut expected = listed;
    for zone in &mut expected {
        if [0, 500, 999].iter().any(|number| zone["uuid"] == zones[*number].as_str()) {
            zone["record_count"] = json!(1);
        }
    }
    assert_eq!(list(&admin), expected, "nothing else changed for the users");
}

/// Zones `z0.example.com` and so on, from a few clients at a time. Gives their UUIDs.
fn create_zones(api: &Api, number: usize) -> Vec<String> {
    const CLIENTS: usize = 16;
    let mut zones = vec![String::new(); number];
    std::thread::scope(|scope| {
        for (part, chunk) in zones.chunks_mut(number.div_ceil(CLIENTS)).enumerate() {
            scope.spawn(move || {
                let first = part * number.div_ceil(CLIENTS);
                for (offset, zone) in chunk.iter_mut().enumerate() {
                    *zone = api.create_zone(&format!("z{}.example.com", first + offset));
                }
            });
        }
    });
    zones
}

/// The oldest 1,000 zones of an account.
fn list(api: &Api) -> Vec<Value> {
    let (status, zones) = api.send("GET", "/dns-zones/?page_size=1000", None);
    assert_eq!(status, 200, "{zones}");
    zones.as_array().expect("a list").clone()
}

fn serial(server: &Server, zone: &str) -> u32 {
    let soa = server.dig_until(&[zone, "SOA"], |answer| !answer.is_empty());
    soa.split_whitespace().nth(6).and_then(|serial| serial.parse().ok()).unwrap_or_else(|| panic!("no SOA: {soa}"))
}

/// Sends the head of a request to make a zone and five bytes of its body, once the server has begun with it.
fn half_a_request(server: &Server, token: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.http()).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time-out");
    let head = format!(
        "POST /api/v1/dns-zones/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("a request");
    // The server asks for the body: so the request is under way.
    read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body.as_bytes()[..5]).expect("a request");
    stream
}

#[track_caller]
fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains(wanted) {
        let length = stream.read(&mut buffer).expect("an answer in time");
        assert_ne!(length, 0, "closed without {wanted:?}: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    text
}

/// Runs the lines that the first start prints, as their reader would.
#[track_caller]
fn paste(server: &Server, text: &str) {
    let from = text.find("  TOKEN=").expect("the lines to paste begin with the token");
    let pasted = run(Command::new("sh").args(["-e", "-c", &text[from..]]));
    assert!(pasted.status.success(), "{}{}", describe(&pasted), server.log());
    let said = String::from_utf8_lossy(&pasted.stdout);
    assert!(said.contains(r#""192.0.2.1""#), "the record is shown:\n{said}");
}

/// The `dig` line gets an answer.
#[track_caller]
fn server_answers(text: &str, dig: &str) {
    let line = text.lines().map(str::trim).find(|line| line.starts_with(dig)).expect("a dig line");
    wait_for("dig to show the record", || {
        let asked = run(Command::new("sh").args(["-c", line]));
        String::from_utf8_lossy(&asked.stdout).contains("192.0.2.1").then_some(())
    });
}

fn get(server: &Server, path: &str) -> (u16, String) {
    let url = format!("{}{path}", server.base());
    let output = run(Command::new("curl").args(["-s", "-w", "\n%{http_code}", &url]));
    let text = String::from_utf8_lossy(&output.stdout);
    let (body, status) = text.rsplit_once('\n').expect("curl writes the status on a line of its own");
    (status.parse().expect("a status"), body.to_owned())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn address(address: std::io::Result<SocketAddr>) -> String {
    address.expect("an address").to_string()
}
