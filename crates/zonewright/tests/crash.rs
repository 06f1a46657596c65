//! SIGKILL at random moments under load. After each restart: every acknowledged change is there, no change is there by half,
//! serials never went back, and the nameserver answers exactly what the API lists.
//!
//! Each client has a zone name of its own, so that it knows what the zone must hold: what was acknowledged, with or without the
//! one request that was under way. `CRASH_SEED` repeats a run's choices (not its timing).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use common::Server;
use serde_json::{Value, json};

const KILLS: u64 = 100;
const CLIENTS: u64 = 4;
const TTLS: [u32; 3] = [60, 300, 3600];

/// Owner, address and TTL of every record of a zone; `None` where there is no zone.
type Content = Option<BTreeSet<(String, String, u32)>>;

/// The identity of each record of a zone, by owner and address.
type RecordIds = BTreeMap<(String, String), String>;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_half_done() {
    let seed = std::env::var("CRASH_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_121);
    eprintln!("CRASH_SEED={seed}");
    let mut moments = Random(seed);
    let mut server = Server::start_with(&common::TRANSFERS, &[]);
    let token = server.token();
    let data = server.data().to_owned();
    // The first server owns the folder; the later ones only use it.
    let mut running = None::<Server>;
    let mut clients: Vec<Client> = (0..CLIENTS).map(|number| Client::new(number, seed)).collect();
    let acknowledged = Arc::new(AtomicU64::new(0));

    for round in 0..KILLS {
        let current = running.as_mut().unwrap_or(&mut server);
        let api = current.api();
        let killed = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = clients
            .drain(..)
            .map(|mut client| {
                let (api, token) = (api.clone(), token.clone());
                let (killed, acknowledged) = (Arc::clone(&killed), Arc::clone(&acknowledged));
                std::thread::spawn(move || {
                    let http = Http::new(&api, &token);
                    while client.work(&http) {
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                    }
                    assert!(killed.load(Ordering::SeqCst), "a request failed before the kill: {:?}", client.under_way);
                    client
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(5 + moments.below(120)));
        killed.store(true, Ordering::SeqCst);
        current.kill();
        clients = threads.into_iter().map(|thread| thread.join().expect("the client did not fail")).collect();

        running = Some(Server::start_in_with(&data, &common::TRANSFERS, &[]));
        let current = running.as_ref().expect("just started");
        let http = Http::new(&current.api(), &token);
        for client in &mut clients {
            client.check(&http, current, round);
        }
    }
    let changes = acknowledged.load(Ordering::Relaxed);
    eprintln!("{changes} acknowledged changes survived {KILLS} kills");
    assert!(changes > KILLS, "there was load between the kills");
}

/// One client with its zone: what the zone must hold, and what may have been added to that.
struct Client {
    domain: String,
    random: Random,
    content: Content,
    under_way: Option<Request>,
    /// The highest serial that was ever served.
    serial: Option<u32>,
}

#[derive(Debug, Clone)]
enum Request {
    CreateZone,
    DeleteZone,
    /// Also gives the TTL to the others of its RRset: a change of several rows.
    Create(String, String, u32),
    PatchTtl(String, String, u32),
    Delete(String, String),
}

impl Client {
    fn new(number: u64, seed: u64) -> Client {
        let random = Random(seed.wrapping_mul(31).wrapping_add(number));
        Client { domain: format!("crash-{number}.example"), random, content: None, under_way: None, serial: None }
    }

    /// Makes one request. False where it was cut off: then nobody knows whether it was done.
    fn work(&mut self, http: &Http) -> bool {
        let request = self.choose();
        self.under_way = Some(request.clone());
        let Some(()) = self.send(http, &request) else { return false };
        self.content = request.outcome(self.content.clone());
        self.under_way = None;
        true
    }

    fn choose(&mut self) -> Request {
        let Some(records) = &self.content else { return Request::CreateZone };
        let count = records.len() as u64;
        let existing =
            (count > 0).then(|| records.iter().nth(self.random.below(count) as usize).expect("in range").clone());
        let ttl = TTLS[self.random.below(3) as usize];
        match (self.random.below(20), existing) {
            (0, _) => Request::DeleteZone,
            (1..=4, Some((owner, address, _))) => Request::Delete(owner, address),
            (5..=8, Some((owner, address, _))) => Request::PatchTtl(owner, address, ttl),
            _ => {
                let owner = format!("host-{}", self.random.below(3));
                let number = self.random.below(65_536);
                let address = format!("10.{}.{}.1", number / 256, number % 256);
                match records.iter().any(|(o, a, _)| *o == owner && *a == address) {
                    true => Request::DeleteZone,
                    false => Request::Create(owner, address, ttl),
                }
            }
        }
    }

    fn send(&self, http: &Http, request: &Request) -> Option<()> {
        match request {
            Request::CreateZone => http.send("POST", "/dns-zones/", Some(&json!({"domain": self.domain}))).map(drop),
            Request::DeleteZone => {
                let (zone, _) = self.find(http)?;
                http.send("DELETE", &format!("/dns-zones/{zone}/"), None).map(drop)
            }
            Request::Create(owner, address, ttl) => {
                let (zone, _) = self.find(http)?;
                let body = json!({"record_type": "A", "name": owner, "value": address, "ttl": ttl});
                http.send("POST", &format!("/dns-zones/{zone}/records/"), Some(&body)).map(drop)
            }
            Request::PatchTtl(owner, address, ttl) => {
                let (_, records) = self.find(http)?;
                let id = records.get(&(owner.clone(), address.clone())).expect("the record is listed");
                http.send("PATCH", &format!("/dns-records/{id}/"), Some(&json!({"ttl": ttl}))).map(drop)
            }
            Request::Delete(owner, address) => {
                let (_, records) = self.find(http)?;
                let id = records.get(&(owner.clone(), address.clone())).expect("the record is listed");
                http.send("DELETE", &format!("/dns-records/{id}/"), None).map(drop)
            }
        }
    }

    /// The zone's identity and its records' by owner and address; the zone must exist. `None` where the server was killed.
    fn find(&self, http: &Http) -> Option<(String, RecordIds)> {
        let zone = http.zone(&self.domain)?.expect("the zone is listed");
        let id = text(&zone["uuid"]);
        let records = http.send("GET", &format!("/dns-zones/{id}/records/"), None)?;
        let records = records.as_array().expect("a list").iter();
        Some((id, records.map(|r| ((text(&r["name"]), text(&r["value"])), text(&r["uuid"]))).collect()))
    }

    /// After a restart: the zone holds what it must, and the nameserver serves that.
    fn check(&mut self, http: &Http, server: &Server, round: u64) {
        let listed = http.content(&self.domain);
        let allowed = match self.under_way.take() {
            None => vec![self.content.clone()],
            Some(request) => vec![self.content.clone(), request.outcome(self.content.clone())],
        };
        assert!(allowed.contains(&listed), "round {round}, {}: listed {listed:#?}, allowed {allowed:#?}", self.domain);
        let answer = server.dig(&[&self.domain, "AXFR"]);
        match &listed {
            None => assert_eq!(answer, "", "round {round}: a zone that is not listed is not served"),
            Some(records) => {
                let (served, serial) = parse_axfr(&answer, &self.domain);
                assert_eq!(served, *records, "round {round}: {} is served as it is listed", self.domain);
                if let Some(before) = self.serial {
                    assert!(
                        serial.wrapping_sub(before) < 1 << 31,
                        "round {round}: the serial went back from {before} to {serial}"
                    );
                }
                self.serial = Some(serial);
            }
        }
        self.content = listed;
    }
}

impl Request {
    /// What a zone holds after the request, whole.
    fn outcome(&self, before: Content) -> Content {
        let with_ttl = |records: BTreeSet<(String, String, u32)>, owner: &str, ttl: u32| {
            records.into_iter().map(|(o, a, t)| if o == owner { (o, a, ttl) } else { (o, a, t) }).collect()
        };
        let mut records: BTreeSet<_> = before.unwrap_or_default();
        match self {
            Request::CreateZone => Some(BTreeSet::new()),
            Request::DeleteZone => None,
            Request::Create(owner, address, ttl) => {
                records.insert((owner.clone(), address.clone(), *ttl));
                Some(with_ttl(records, owner, *ttl))
            }
            Request::PatchTtl(owner, _, ttl) => Some(with_ttl(records, owner, *ttl)),
            Request::Delete(owner, address) => {
                Some(records.into_iter().filter(|(o, a, _)| !(o == owner && a == address)).collect())
            }
        }
    }
}

/// The A records and the serial of a transfer as dig prints it.
fn parse_axfr(answer: &str, domain: &str) -> (BTreeSet<(String, String, u32)>, u32) {
    let mut records = BTreeSet::new();
    let mut serials = BTreeSet::new();
    for line in answer.lines() {
        let columns: Vec<&str> = line.split(' ').collect();
        let &[owner, ttl, "IN", kind, ..] = columns.as_slice() else { panic!("not a record: {line}") };
        match kind {
            "A" => {
                let owner = owner.strip_suffix(&format!(".{domain}.")).expect("inside the zone").to_owned();
                assert!(records.insert((owner, columns[4].to_owned(), ttl.parse().unwrap())), "twice: {line}");
            }
            "SOA" => drop(serials.insert(columns[6].parse::<u32>().unwrap())),
            "NS" => {}
            _ => panic!("nobody made this record: {line}"),
        }
    }
    assert_eq!(serials.len(), 1, "one version in a transfer: {answer}");
    (records, serials.into_iter().next().expect("one"))
}

/// The API as one client uses it.
struct Http {
    agent: ureq::Agent,
    api: String,
    authorization: String,
}

impl Http {
    fn new(api: &str, token: &str) -> Http {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(common::DEADLINE));
        Http { agent: config.build().into(), api: api.to_owned(), authorization: format!("Bearer {token}") }
    }

    /// `None` where the connection was cut. Any answer but a success fails the test.
    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.api))
            .header("Authorization", &self.authorization)
            .header("Content-Type", "application/json");
        let result = match body {
            Some(body) => self.agent.run(request.body(body.to_string()).expect("a request")),
            None => self.agent.run(request.body(()).expect("a request")),
        };
        let mut response = result.ok()?;
        let status = response.status();
        let text = response.body_mut().read_to_string().ok()?;
        assert!(status.is_success(), "{method} {path} {body:?}: {status} {text}");
        Some(if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") })
    }

    /// The zone of that name as it is listed. The outer `None`: the connection was cut.
    fn zone(&self, domain: &str) -> Option<Option<Value>> {
        let list = self.send("GET", &format!("/dns-zones/?domain={domain}"), None)?;
        Some(list.as_array().expect("a list").first().cloned())
    }

    fn content(&self, domain: &str) -> Content {
        let zone = self.zone(domain).expect("the server runs")?;
        let zone = self.send("GET", &format!("/dns-zones/{}/", text(&zone["uuid"])), None).expect("the server runs");
        let records = zone["records"].as_array().expect("a list");
        assert_eq!(zone["record_count"].as_u64(), Some(records.len() as u64), "the count is right");
        let ttl = |record: &Value| u32::try_from(record["ttl"].as_u64().expect("a TTL")).expect("a TTL");
        Some(records.iter().map(|r| (text(&r["name"]), text(&r["value"]), ttl(r))).collect())
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// SplitMix64: choices that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
