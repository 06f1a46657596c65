//! The same random updates through nsupdate to this server and to a real named: both give the same response codes and end with the
//! same zone.
//!
//! Known differences, which the random messages leave out (`docs/clients.md`):
//!
//! - a CNAME beside other data: BIND ignores the record, this server refuses the message;
//! - an MX to a name of the zone without addresses, which BIND refuses;
//! - the operator's nameservers: a message cannot delete them here;
//! - prerequisites and steps of a key that covers a part of the zone;
//! - the SOA and its serial.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::common::{Door, Key, ZONE, program};

const MESSAGES: usize = 150;
const DEADLINE: Duration = Duration::from_secs(30);

/// The zone at the start, as both have it.
const CONTENT: &str = "
    @ 300 TXT apex
    h0 300 A 192.0.2.1
    h0 300 A 192.0.2.2
    a.h1 300 TXT x
    c0 300 CNAME h0.example.test.";

struct Named {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Named {
    fn start(key: &Key) -> Named {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let parts: Vec<&str> = key.text.split(':').collect();
        let mut zone = "$TTL 3600\n@ SOA ns1.example.net. hostmaster.example.net. 1 3600 600 1209600 300\n\
            @ NS ns1.example.net.\n@ NS ns2.example.net.\n"
            .to_owned();
        for line in CONTENT.lines() {
            writeln!(zone, "{}", line.trim()).unwrap();
        }
        fs::write(folder.path().join("zone"), zone).unwrap();
        let text = format!(
            r#"options {{ directory "{directory}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
                pid-file none; session-keyfile none; recursion no; dnssec-validation no; notify no; }};
            controls {{ }};
            key "{name}" {{ algorithm {algorithm}; secret "{secret}"; }};
            zone "{ZONE}" {{ type primary; file "zone"; check-names ignore; allow-transfer {{ any; }};
                update-policy {{ grant "{name}" zonesub ANY; }}; }};"#,
            directory = folder.path().display(),
            port = address.port(),
            algorithm = parts[0],
            name = parts[1],
            secret = parts[2],
        );
        let config = folder.path().join("named.conf");
        fs::write(&config, text).unwrap();
        let process = start(&config, &folder.path().join("log"));
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(started.elapsed() < DEADLINE, "{}", fs::read_to_string(folder.path().join("log")).unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
        Named { process, address, _folder: folder }
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is what was wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(config: &Path, log: &Path) -> Child {
    let mut command = Command::new("named");
    command.arg("-g").arg("-c").arg(config).stdout(Stdio::null()).stderr(File::create(log).unwrap());
    command.spawn().unwrap_or_else(|error| panic!("named could not be started ({error}); scripts/test installs it"))
}

/// A loopback address whose port is free for UDP and TCP.
fn free_address() -> SocketAddr {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

/// A record's owner, type and data: aliases have names of their own.
fn record() -> impl Strategy<Value = (String, String, String)> {
    let host = prop::sample::select(vec!["h0", "h1", "a.h1", "b.a.h1", "*.w", "@"]);
    let typed = prop_oneof![
        (1..4_u8).prop_map(|last| ("A", format!("192.0.2.{last}"))),
        (1..3_u8).prop_map(|last| ("AAAA", format!("2001:db8::{last}"))),
        (1..4_u8).prop_map(|text| ("TXT", format!("\"text {text}\""))),
        (1..3_u8).prop_map(|first| ("MX", format!("{first} mail.example.com."))),
        Just(("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=".to_owned())),
    ];
    let alias = (0..2_u8, 0..2_u8)
        .prop_map(|(owner, target)| (format!("c{owner}"), "CNAME".to_owned(), format!("h{target}.example.test.")));
    let hosts = (host, typed).prop_map(|(owner, (rtype, data))| (owner.to_owned(), rtype.to_owned(), data));
    prop_oneof![6 => hosts, 1 => alias]
}

fn line() -> impl Strategy<Value = String> {
    let absolute =
        |owner: &str| if owner == "@" { "example.test.".to_owned() } else { format!("{owner}.example.test.") };
    (record(), prop::sample::select(vec![60, 300]), 0..12_u8).prop_map(move |((owner, rtype, data), ttl, action)| {
        let name = absolute(&owner);
        match action {
            0..5 => format!("update add {name} {ttl} {rtype} {data}"),
            5..7 => format!("update delete {name} {rtype} {data}"),
            7 => format!("update delete {name} {rtype}"),
            8 => format!("update delete {name}"),
            9 => format!("prereq yxrrset {name} {rtype}"),
            10 => format!("prereq nxrrset {name} {rtype} "),
            _ => format!("prereq yxrrset {name} {rtype} {data}"),
        }
    })
}

/// What nsupdate says of a message. Over TCP: over UDP it may send one again that was slow, and BIND carries it out again.
async fn send(to: SocketAddr, key: &Key, lines: &[String]) -> String {
    let script = format!("server {} {}\nzone {ZONE}\n{}\nsend\n", to.ip(), to.port(), lines.join("\n"));
    program("nsupdate", &["-v", "-y", &key.text], &script).await.err().unwrap_or_default()
}

/// The zone as it is served, without the SOA, sorted.
async fn zone(door: &Door, at: SocketAddr, key: &Key) -> Vec<String> {
    let text = door.dig_at(at, &["+noall", "+answer", "-y", &key.text, ZONE, "AXFR"]).await;
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut lines: Vec<String> =
        lines.filter(|line| line.contains(" IN ") && !line.contains(" SOA ") && !line.contains(" TSIG ")).collect();
    lines.sort();
    assert!(lines.len() >= 2, "{text}");
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn random_updates_do_the_same_here_and_at_bind() {
    let door = Door::with(CONTENT).await;
    let key = door.key().await;
    let named = Named::start(&key);
    assert_eq!(zone(&door, door.address, &key).await, zone(&door, named.address, &key).await);
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]));
    let message = prop::collection::vec(line(), 1..7);
    let mut codes = std::collections::BTreeMap::<String, u32>::new();
    for number in 0..MESSAGES {
        let lines = message.new_tree(&mut runner).unwrap().current();
        let (here, there) = (send(door.address, &key, &lines).await, send(named.address, &key, &lines).await);
        assert_eq!(here, there, "message {number}: {lines:#?}");
        *codes.entry(here).or_default() += 1;
        let both = (zone(&door, door.address, &key).await, zone(&door, named.address, &key).await);
        assert_eq!(both.0, both.1, "after message {number}: {lines:#?}");
    }
    // Most messages are carried out, and prerequisites fail in all ways that are tried.
    assert!(codes[""] > 50 && codes.len() == 3, "{codes:?}");
}
