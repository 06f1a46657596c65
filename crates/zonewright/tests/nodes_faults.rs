//! Three servers and their PostgreSQL while they are stopped, killed and started again: what was acknowledged is there, once, on all
//! nameservers. Alone in its program, because it ends the database that other tests would use.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
#[path = "common/nodes.rs"]
mod kit;
#[path = "../../store/tests/common/postgres.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest")]
mod postgres;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::api::Api;
use common::{Server, wait_for};
use kit::Nodes;
use serde_json::json;

const NODES: usize = 3;
/// How many clients write to each node.
const CLIENTS: usize = 3;

/// Where the nodes are; a node that is started again has another port.
struct Bases(Mutex<Vec<String>>);

impl Bases {
    fn of(&self, node: usize) -> String {
        self.0.lock().unwrap()[node % NODES].clone()
    }

    fn set(&self, node: usize, server: &Server) {
        self.0.lock().unwrap()[node] = server.api();
    }
}

/// A client that repeats each request, on the next node, until it has an answer. The key makes the repeats one request.
struct Client<'a> {
    bases: &'a Bases,
    token: &'a str,
    zone: &'a str,
    agent: ureq::Agent,
}

impl Client<'_> {
    fn create(&self, mut node: usize, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let request = self
                .agent
                .post(format!("{}/dns-zones/{}/records/", self.bases.of(node), self.zone))
                .header("Authorization", format!("Bearer {}", self.token))
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", name);
            match request.send(json!({"name": name, "record_type": "A", "value": "192.0.2.1"}).to_string()) {
                Ok(response) if response.status() == 201 => return,
                Ok(response) => assert_eq!(response.status(), 503, "{name}"),
                // The node is gone.
                Err(_) => {}
            }
            assert!(Instant::now() < deadline, "{name}: no answer for a minute");
            node += 1;
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn nothing_is_lost_or_doubled_when_nodes_and_the_database_are_killed() {
    let nodes = Nodes::new();
    postgres::make_durable(&nodes.url);
    let mut servers: Vec<Server> = (0..NODES).map(|number| nodes.start(&number.to_string())).collect();
    let token = nodes.token(&servers[0]);
    let zone = Api::new(&servers[0], &token).create_zone("example.com");
    let bases = Bases(Mutex::new(servers.iter().map(Server::api).collect()));
    let (over, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));

    let names: Vec<String> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..NODES * CLIENTS)
            .map(|number| {
                let (bases, token, zone, over, acknowledged) = (&bases, &token, &zone, &over, &acknowledged);
                scope.spawn(move || {
                    let config = ureq::Agent::config_builder()
                        .http_status_as_error(false)
                        .timeout_global(Some(Duration::from_secs(20)));
                    let client = Client { bases, token, zone, agent: config.build().into() };
                    let mut names = Vec::new();
                    while !over.load(Ordering::Relaxed) {
                        let name = format!("c{number}-{}", names.len());
                        client.create(number, &name);
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                        names.push(name);
                    }
                    names
                })
            })
            .collect();

        let some_more = |what: &str| {
            let before = acknowledged.load(Ordering::Relaxed);
            wait_for(what, || (acknowledged.load(Ordering::Relaxed) > before + 50).then_some(()));
        };
        some_more("changes at the start");
        // It may hold the writer's lock: the others wait for it some seconds, and go on.
        servers[0].signal("STOP");
        some_more("changes while a node is stopped");
        servers[0].signal("CONT");
        some_more("changes after a node was stopped");
        servers[1].kill();
        some_more("changes while a node is killed");
        servers[1] = nodes.start("1");
        bases.set(1, &servers[1]);
        postgres::crash();
        some_more("changes after the database has crashed");
        servers[2].kill();
        postgres::crash();
        servers[2] = nodes.start("2");
        bases.set(2, &servers[2]);
        some_more("changes at the end");
        over.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });

    let api = Api::new(&servers[0], &token);
    let records = api.send("GET", &format!("/dns-zones/{zone}/records/"), None).1;
    let stored: Vec<&str> = records.as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap()).collect();
    let distinct: HashSet<&str> = stored.iter().copied().collect();
    assert_eq!(stored.len(), distinct.len(), "nothing is there twice");
    let lost: Vec<&String> = names.iter().filter(|name| !distinct.contains(name.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged, and not there: {lost:?}");
    assert_eq!(stored.len(), names.len(), "nothing is there that was not acknowledged");
    // One version for each, and one for the zone; their positions have no gap, and serials grow.
    let count = |sql: &str| postgres::number(&nodes.url, sql);
    assert_eq!(count("SELECT count(*) FROM versions"), names.len() as i64 + 1);
    assert_eq!(count("SELECT max(seq) - min(seq) + 1 FROM versions"), names.len() as i64 + 1);
    let disorder = "SELECT count(*) FROM versions v JOIN versions p ON p.seq = v.seq - 1
                    WHERE v.version <> p.version + 1 OR v.serial <= p.serial";
    assert_eq!(count(disorder), 0);
    let serial = count("SELECT max(serial) FROM versions").to_string();
    for server in &servers {
        server.dig_until(&["+short", "example.com", "SOA"], |answer| answer.contains(&serial));
        for name in names.iter().rev().step_by(names.len() / 20 + 1) {
            assert!(server.dig(&["+short", &format!("{name}.example.com"), "A"]).contains("192.0.2.1"), "{name}");
        }
    }
    println!("{} changes", names.len());
}
