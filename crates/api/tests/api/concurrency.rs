//! Many clients at once.

use std::collections::HashSet;
use std::sync::Barrier;

use serde_json::json;

use crate::server::Server;

const CLIENTS: usize = 32;

#[test]
fn clients_that_patch_one_record_all_have_their_way_in_turn() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let id =
        tenant.record(&zone, json!({"record_type": "MX", "name": "@", "value": "mail.example.com", "priority": 1}));
    let path = format!("/dns-records/{id}/");
    let barrier = Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (client, path, barrier) = (tenant.client.clone(), &path, &barrier);
            scope.spawn(move || {
                barrier.wait();
                // Half of them change one member, half another: neither may undo the other's.
                let (body, member) = if number % 2 == 0 {
                    (json!({"priority": 100 + number}), "priority")
                } else {
                    (json!({"ttl": 1000 + number}), "ttl")
                };
                let answer = client.patch(path, &body).expect(200);
                assert_eq!(answer[member], body[member]);
            });
        }
    });
    let record = tenant.client.get(&path).expect(200);
    assert!(record["priority"].as_u64().unwrap() >= 100, "{record}");
    assert!(record["ttl"].as_u64().unwrap() >= 1000 && record["ttl"] != 3600, "{record}");
}

#[test]
fn one_of_many_makes_the_zone_and_one_the_record() {
    let server = Server::start();
    let tenant = server.tenant();
    let barrier = Barrier::new(CLIENTS);
    let made = |path: &str, body: serde_json::Value| -> HashSet<u16> {
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let ask = || {
                barrier.wait();
                tenant.client.clone().post(path, &body).status
            };
            let threads: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        statuses.into_iter().collect()
    };
    assert_eq!(made("/dns-zones/", json!({"domain": "example.com"})), HashSet::from([201, 400]));
    let zone = tenant.client.get("/dns-zones/").expect(200)[0]["uuid"].as_str().unwrap().to_owned();
    let record = json!({"record_type": "A", "name": "www", "value": "192.0.2.1"});
    assert_eq!(made(&format!("/dns-zones/{zone}/records/"), record), HashSet::from([201, 400]));
}
