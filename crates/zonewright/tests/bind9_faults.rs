//! Faults of a managed `named` while clients write through the API: every write is taken, and in the end every zone is served
//! exactly as the API lists it, with nothing lost and nothing left over. And a Knot secondary, as the API sees it.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;

use common::api::Api;
use common::named::{dig, free_addresses, wait_for_catalogs};
use common::{Server, describe, run, wait_for};
use deploy::ConfigText;
use deploy::bind9::config::Keys;
use deploy::knot::{KnotConfig, knot_secondary};
use serde_json::json;

const MANAGED: [&str; 2] = ["--nameserver", "bind9-managed"];
const CLIENTS: u64 = 4;
/// How many zone names each client has.
const ZONES: u64 = 3;

#[test]
fn named_is_killed_again_and_again() {
    let server = Server::start(&MANAGED);
    let load = Load::start(&server);
    for _ in 0..4 {
        load.more(15);
        let killed = named(&server);
        signal(&killed, "KILL");
        // The API goes on while there is no nameserver.
        load.more(15);
        wait_for("named to be started again", || {
            (fs::read_to_string(server.data().join("bind9/named.pid")).ok()?.trim() != killed).then_some(())
        });
    }
    load.more(15);
    load.end(&server);
}

#[test]
fn named_is_stopped_for_a_while_and_continued() {
    let server = Server::start(&MANAGED);
    let load = Load::start(&server);
    load.more(25);
    let stopped = named(&server);
    signal(&stopped, "STOP");
    load.more(50);
    wait_for("the server to find it silent", || {
        server.log().contains("the nameserver cannot be reached").then_some(())
    });
    load.more(25);
    signal(&stopped, "CONT");
    load.more(25);
    load.end(&server);
    assert_eq!(named(&server), stopped, "it was the same process all along");
}

#[test]
fn its_zones_are_wiped_and_removed() {
    let server = Server::start(&MANAGED);
    let load = Load::start(&server);
    load.more(25);
    // Under the running named, ...
    wipe(&server);
    load.more(25);
    // ... with all that it remembers, ...
    wipe(&server);
    fs::remove_file(server.data().join("bind9/_default.nzd")).expect("named's list of zones");
    signal(&named(&server), "KILL");
    load.more(25);
    // ... and each zone by hand, some of them in the middle of a change.
    for domain in all_domains() {
        let rndc = server.data().join("bind9/rndc.conf");
        wait_for("the zone to be there and be removed", || {
            run(Command::new("rndc").arg("-c").arg(&rndc).args(["delzone", &domain])).status.success().then_some(())
        });
    }
    load.more(25);
    load.end(&server);
}

#[test]
fn a_knot_secondary_is_named_in_the_proof_and_waited_for() {
    let [secondary] = free_addresses();
    let server = Server::start(&[&MANAGED[..], &["--secondary", &secondary]].concat());
    wait_for_catalogs(&server);
    let token = server.token();
    let api = Api::new(&server, &token);
    let zone = api.create_zone("example.com");
    // Stored at once, and honest about the secondary that is not there.
    let pending = prefer(&server, &token, &format!("/dns-zones/{zone}/records/"), "www", "wait=1");
    assert_eq!(pending, "pending");

    let _knot = start_knot(&server, &secondary);
    wait_for("Knot to serve the zone", || (dig(&secondary, "www.example.com") == "192.0.2.1\n").then_some(()));
    let live = prefer(&server, &token, &format!("/dns-zones/{zone}/records/"), "live", "wait=30");
    assert_eq!(live, "live");
    assert_eq!(
        dig(&secondary, "live.example.com"),
        "192.0.2.1\n",
        "live means that Knot serves it, without waiting here"
    );
    let (status, deployment) = api.send("GET", &format!("/dns-zones/{zone}/deployment/"), None);
    assert_eq!((status, &deployment["in_sync"]), (200, &json!(true)), "{deployment}");
    let nameservers = deployment["nameservers"].as_array().expect("a list");
    let knot = nameservers.iter().find(|nameserver| nameserver["kind"] == "secondary").expect("it is there");
    let name = knot["name"].as_str().expect("text");
    assert!(name.contains(&secondary) && knot["in_sync"] == true, "it is named: {deployment}");
    assert_eq!(knot["serial"], deployment["serial"]);

    // Deleted and made again: nothing of the old zone.
    assert_eq!(api.send("DELETE", &format!("/dns-zones/{zone}/"), None).0, 204);
    let again = api.create_zone("example.com");
    assert_eq!(prefer(&server, &token, &format!("/dns-zones/{again}/records/"), "new", "wait=30"), "live");
    assert_eq!(dig(&secondary, "new.example.com"), "192.0.2.1\n");
    assert_eq!(dig(&secondary, "www.example.com"), "");
}

/// Clients that write until they are told to end, each to zones of its own. A write that is not taken fails the test.
struct Load {
    is_over: Arc<AtomicBool>,
    /// Each with the number of its writes that were acknowledged.
    clients: Vec<(JoinHandle<Client>, Arc<AtomicU64>)>,
}

impl Load {
    fn start(server: &Server) -> Load {
        let is_over = Arc::<AtomicBool>::default();
        let token = server.token();
        let clients = (0..CLIENTS)
            .map(|number| {
                let api = Api::new(server, &token);
                let (acknowledged, is_over) = (Arc::<AtomicU64>::default(), Arc::clone(&is_over));
                let count = Arc::clone(&acknowledged);
                let client = std::thread::spawn(move || {
                    let mut client = Client { number, count: 0, zones: BTreeMap::new() };
                    while !is_over.load(Relaxed) {
                        client.write(&api);
                        acknowledged.fetch_add(1, Relaxed);
                    }
                    client
                });
                (client, count)
            })
            .collect();
        Load { is_over, clients }
    }

    /// Waits until each client had so many more writes acknowledged, to each of its zones in turn.
    #[track_caller]
    fn more(&self, writes: u64) {
        let enough: Vec<u64> = self.clients.iter().map(|(_, count)| count.load(Relaxed) + writes).collect();
        wait_for("the clients' writes to be acknowledged", || {
            assert!(self.clients.iter().all(|(client, _)| !client.is_finished()), "a client failed");
            let mut clients = self.clients.iter().zip(&enough);
            clients.all(|((_, count), enough)| count.load(Relaxed) >= *enough).then_some(())
        });
    }

    /// Ends the clients, and compares what they believe, what the API lists, and what is served.
    #[track_caller]
    fn end(self, server: &Server) {
        self.is_over.store(true, Relaxed);
        let api = Api::new(server, &server.token());
        for (client, _) in self.clients {
            let client = client.join().expect("every write was taken");
            for domain in (0..ZONES).map(|zone| domain(client.number, zone)) {
                match client.zones.get(&domain) {
                    Some(zone) => compare(server, &api, &domain, zone),
                    None => {
                        wait_for("a deleted zone to be gone", || transferred(server, &domain).is_empty().then_some(()))
                    }
                }
            }
        }
    }
}

/// One client and what it was told.
struct Client {
    number: u64,
    /// How many writes it has made.
    count: u64,
    zones: BTreeMap<String, Zone>,
}

struct Zone {
    uuid: String,
    /// Owner and address of each record, by its UUID.
    records: BTreeMap<String, (String, String)>,
}

impl Client {
    /// One write: as a rule to a record, now and then to a zone.
    fn write(&mut self, api: &Api) {
        self.count += 1;
        let count = self.count;
        let domain = domain(self.number, count % ZONES);
        let Some(zone) = self.zones.get_mut(&domain) else {
            let uuid = api.create_zone(&domain);
            self.zones.insert(domain, Zone { uuid, records: BTreeMap::new() });
            return;
        };
        if count.is_multiple_of(41) {
            assert_eq!(api.send("DELETE", &format!("/dns-zones/{}/", zone.uuid), None).0, 204);
            self.zones.remove(&domain);
            return;
        }
        let address = format!("10.{}.{}.{}", self.number, count >> 8 & 255, count & 255);
        let oldest = zone.records.keys().next().cloned();
        match (count % 7, oldest) {
            (0 | 1, Some(uuid)) => {
                let (status, answer) =
                    api.send("PATCH", &format!("/dns-records/{uuid}/"), Some(&json!({"value": address})));
                assert_eq!(status, 200, "{answer}");
                if let Some(record) = zone.records.get_mut(&uuid) {
                    record.1 = address;
                }
            }
            (2 | 3, Some(uuid)) if zone.records.len() > 3 => {
                assert_eq!(api.send("DELETE", &format!("/dns-records/{uuid}/"), None).0, 204);
                zone.records.remove(&uuid);
            }
            _ => {
                let owner = format!("host-{}", count % 11);
                let uuid = api.create_a(&zone.uuid, &owner, &address);
                zone.records.insert(uuid, (owner, address));
            }
        }
    }
}

fn domain(client: u64, zone: u64) -> String {
    format!("zone-{zone}.client-{client}.example")
}

fn all_domains() -> impl Iterator<Item = String> {
    (0..CLIENTS).flat_map(|client| (0..ZONES).map(move |zone| domain(client, zone)))
}

/// Holds a zone's records as the client, the API and the nameserver have them against each other.
#[track_caller]
fn compare(server: &Server, api: &Api, domain: &str, zone: &Zone) {
    let (status, listed) = api.send("GET", &format!("/dns-zones/{}/records/", zone.uuid), None);
    assert_eq!(status, 200, "{listed}");
    let field = |record: &serde_json::Value, name: &str| record[name].as_str().expect("text").to_owned();
    let listed: BTreeSet<String> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|record| format!("{}.{domain}. A {}", field(record, "name"), field(record, "value")))
        .collect();
    let believed: BTreeSet<String> =
        zone.records.values().map(|(owner, address)| format!("{owner}.{domain}. A {address}")).collect();
    assert_eq!(believed, listed, "{domain}: what was acknowledged is what is listed");
    let mut served = BTreeSet::new();
    let is_equal = wait_for_or(|| {
        served = transferred(server, domain)
            .iter()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter_map(|columns| match columns[..] {
                [owner, _, "IN", "A", address] => Some(format!("{owner} A {address}")),
                _ => None,
            })
            .collect();
        served == listed
    });
    assert!(is_equal, "{domain}: listed {listed:#?}, served {served:#?}");
}

/// Whether it came about within the usual time.
fn wait_for_or(mut is_so: impl FnMut() -> bool) -> bool {
    let end = std::time::Instant::now() + common::DEADLINE;
    while !is_so() {
        if std::time::Instant::now() > end {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    true
}

/// All records of a zone, as the server's own key may fetch them; none where it is not served.
fn transferred(server: &Server, domain: &str) -> Vec<String> {
    let (at, port) = (format!("@{}", server.dns().ip()), server.dns().port().to_string());
    let mut dig = Command::new("dig");
    dig.args([&at, "-p", &port, "+noall", "+answer", "+onesoa", "+time=2", "+tries=1"]);
    dig.arg("-k").arg(server.data().join("bind9/keys/update.key")).args([domain, "AXFR"]);
    let output = run(&mut dig);
    let text = String::from_utf8_lossy(&output.stdout);
    // A failure is told as a comment.
    text.lines().filter(|line| !line.is_empty() && !line.starts_with(';')).map(str::to_owned).collect()
}

/// The managed named's process number.
fn named(server: &Server) -> String {
    let pid = fs::read_to_string(server.data().join("bind9/named.pid")).expect("named's process number");
    pid.trim().to_owned()
}

#[track_caller]
fn signal(process: &str, name: &str) {
    let output = run(Command::new("kill").args([&format!("-{name}"), process]));
    assert!(output.status.success(), "kill -{name} {process}: {}", describe(&output));
}

/// Removes the folder of the zone files, into which others write.
#[track_caller]
fn wipe(server: &Server) {
    let folder = server.data().join("bind9/zones");
    let inode = |path: &Path| fs::metadata(path).map(|file| file.ino()).ok();
    let before = inode(&folder.join(".lock"));
    wait_for("the folder to be wiped", || {
        // Somebody may have put a file there while it was emptied.
        let _ = fs::remove_dir_all(&folder);
        (inode(&folder.join(".lock")) != before).then_some(())
    });
}

/// A `knotd`, ended with the value.
struct Knot(Child);

impl Drop for Knot {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is what was wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_knot(server: &Server, address: &str) -> Knot {
    let directory = server.data().join("knot");
    fs::create_dir(&directory).expect("a folder");
    let keys = Keys::load_or_create(&server.data().join("bind9/keys")).expect("the server's keys");
    let config = knot_secondary(&KnotConfig {
        directory: ConfigText::from_path(&directory).expect("a plain path"),
        listen: vec![address.parse().expect("an address")],
        primaries: vec![server.dns()],
        transfer_key: keys.transfer,
    });
    let file = directory.join("knot.conf");
    fs::write(&file, config).expect("a file");
    let log = File::create(directory.join("log")).expect("a log");
    let child =
        Command::new("knotd").arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
    let knot = Knot(child.expect("knotd is installed (Debian: knot)"));
    wait_for("Knot to answer", || std::net::TcpStream::connect(address).is_ok().then_some(()));
    knot
}

/// Makes an address record with a preference, and gives what the answer says of its deployment.
#[track_caller]
fn prefer(server: &Server, token: &str, path: &str, name: &str, preference: &str) -> String {
    let body = json!({"record_type": "A", "name": name, "value": "192.0.2.1"});
    let answer = ureq::post(format!("{}{path}", server.api()))
        .header("Authorization", format!("Bearer {token}"))
        .header("Prefer", preference)
        .send_json(body)
        .expect("the record is made");
    let deployment = answer.headers().get("deployment").expect("a header that says whether it is served");
    deployment.to_str().expect("text").to_owned()
}
