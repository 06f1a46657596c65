//! The proof of deployment: who serves what, and answers that wait until everybody does.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use api::OPERATIONS;
use serde_json::{Value, json};

use crate::nameservers::{Double, SECRET};
use crate::routes;
use crate::server::{Answer, Client, PATIENCE, Server, Setup};

fn with(primary: &Double, secondaries: &[&Double]) -> Server {
    Server::with(Setup {
        nameservers: Some(vec![Arc::new(primary.clone())]),
        secondaries: secondaries.iter().map(|&double| Arc::new(double.clone()) as _).collect(),
        ..Setup::default()
    })
}

fn send(client: &Client, method: &str, path: &str, prefer: &str, body: Option<Value>) -> Answer {
    let body = body.map(|body| body.to_string());
    let headers = [("content-type", "application/json"), ("prefer", prefer)];
    client.request(method, path, &headers, body.as_deref().map(str::as_bytes))
}

fn address(name: &str) -> Value {
    json!({"record_type": "A", "name": name, "value": "192.0.2.1"})
}

#[track_caller]
fn says(answer: &Answer, applied: Option<&str>, deployment: Option<&str>) {
    assert!(answer.status < 300 || deployment.is_none(), "{answer:?}");
    assert_eq!((answer.header("preference-applied"), answer.header("deployment")), (applied, deployment), "{answer:?}");
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn refusals_and_reads_say_nothing_of_deployment() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    for (method, path, body) in [
        ("GET", "/dns-zones/".to_owned(), None),
        ("GET", format!("/dns-zones/{zone}/deployment/"), None),
        ("POST", "/dns-zones/".to_owned(), Some(json!({"domain": "example.com"}))),
        ("POST", format!("/dns-zones/{zone}/records/"), Some(json!({"record_type": "A"}))),
        ("DELETE", format!("/dns-records/{zone}/"), None),
    ] {
        says(&send(&tenant.client, method, &path, "wait=10", body), None, None);
    }
    tenant.client.get(&format!("/dns-zones/{zone}/deployment/?wait=10")).refused(400, "validation_error", Some("wait"));
}

#[test]
fn every_operation_that_changes_something_waits_when_it_is_asked_to() {
    for prefer in [None, Some("wait=30")] {
        let server = Server::start();
        let tenant = server.tenant();
        let zone = tenant.zone("example.com");
        let record = tenant.record(&zone, address("www"));
        let history = tenant.client.get(&format!("/dns-zones/{zone}/history/")).expect(200);
        let newest = history[0]["serial"].clone();
        let mut operations: Vec<_> =
            OPERATIONS.iter().filter(|operation| operation.method != http::Method::GET).collect();
        // Makes no version that could be waited for.
        operations
            .retain(|operation| operation.path != routes::CLAIM && !operation.path.starts_with(routes::UPDATE_KEYS));
        operations.sort_by_key(|operation| {
            (operation.method == http::Method::DELETE, operation.path.starts_with("/dns-zones/{uuid}/"))
        });
        for operation in operations {
            let (method, path) = (operation.method.as_str(), operation.path);
            let body = match (method, path) {
                ("DELETE", _) => None,
                ("POST", "/dns-zones/") => Some(json!({"domain": "walk.example.org"})),
                ("PATCH", "/dns-zones/{uuid}/") => Some(json!({"minimum": 60})),
                ("PATCH", _) => Some(json!({"ttl": 60})),
                ("POST", "/dns-zones/{uuid}/rollback/") => Some(json!({"serial": newest})),
                ("PUT", "/dns-zones/{uuid}/zonefile/") => Some(json!("www 3600 A 192.0.2.1\n@ 60 TXT walk\n")),
                ("POST", "/dns-records/") => {
                    Some(json!({"record_type": "A", "name": "flat", "value": "192.0.2.1", "zone": zone}))
                }
                ("POST", "/dns-zones/{uuid}/changes/") => {
                    Some(json!({"changes": [{"action": "update", "uuid": record, "ttl": 61}]}))
                }
                _ => Some(address(&method.to_lowercase())),
            };
            let id = if path.starts_with("/dns-zones/") { &zone } else { &record };
            let path = path.replace("{uuid}", id);
            let headers: Vec<_> = prefer.iter().map(|prefer| ("prefer", *prefer)).collect();
            let answer = routes::send(&tenant.client, method, &path, &headers, body.as_ref());
            assert!((200..300).contains(&answer.status), "{operation:?}: {answer:?}");
            says(&answer, prefer, Some(if prefer.is_some() { "live" } else { "pending" }));
        }
    }
}

#[test]
fn a_change_that_changes_nothing_is_live_when_the_zone_is() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let record = format!("/dns-records/{}/", tenant.record(&zone, address("www")));
    says(&tenant.client.patch(&record, &json!({})), None, Some("pending"));
    says(&send(&tenant.client, "PATCH", &record, "wait=10", Some(json!({}))), Some("wait=10"), Some("live"));
}

#[test]
fn a_nameserver_that_refuses_holds_back_no_change_and_is_named() {
    let primary = Double::primary();
    let secondary = primary.secondary();
    let server = with(&primary, &[&secondary]);
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let deployment = format!("/dns-zones/{zone}/deployment/");
    eventually("the zone is served", || tenant.client.get(&deployment).expect(200)["in_sync"] == true);
    let before = tenant.client.get(&deployment).expect(200)["serial"].clone();

    primary.state().refuses = true;
    let start = Instant::now();
    let path = format!("/dns-zones/{zone}/records/");
    let answer = send(&tenant.client, "POST", &path, "wait=1", Some(address("www")));
    assert_eq!(answer.status, 201);
    says(&answer, Some("wait=1"), Some("pending"));
    assert!(start.elapsed() >= Duration::from_secs(1));
    says(&send(&tenant.client, "POST", &path, "wait=0", Some(address("now"))), Some("wait=0"), Some("pending"));

    let shown = tenant.client.get(&deployment);
    let text = String::from_utf8(shown.body.clone()).unwrap();
    let body = shown.expect(200);
    assert!(!text.contains(SECRET), "{text}");
    assert_ne!(body["serial"], before);
    let time = body["nameservers"][0]["checked_at"].as_str().unwrap().to_owned();
    assert!(time.starts_with("2024-01-15T10:3") && time.len() == 20, "the server's clock, whole seconds: {time}");
    let error = "The last attempt to deploy this zone failed; it will be retried";
    let expected = format!(
        r#"{{"serial":{head},"in_sync":false,"nameservers":[\
           {{"name":"bind9","kind":"bind9","serial":{before},"in_sync":false,"checked_at":"{time}","error":"{error}"}},\
           {{"name":"secondary","kind":"secondary","serial":{before},"in_sync":false,"checked_at":"{time}","error":null}}]}}"#,
        head = body["serial"],
    );
    let without_time = |text: &str| text.replace(body["nameservers"][1]["checked_at"].as_str().unwrap(), &time);
    assert_eq!(without_time(&text), expected.replace("\\\n           ", ""));

    let waiting = std::thread::spawn({
        let (client, path) = (tenant.client.clone(), path.clone());
        move || send(&client, "POST", &path, "wait=20", Some(address("later")))
    });
    primary.state().refuses = false;
    says(&waiting.join().unwrap(), Some("wait=20"), Some("live"));
    let body = tenant.client.get(&deployment).expect(200);
    assert_eq!((&body["in_sync"], &body["nameservers"][0]["error"]), (&json!(true), &Value::Null), "{body}");
}

#[test]
fn a_secondary_that_is_ahead_is_not_in_sync() {
    let primary = Double::primary();
    let secondary = primary.secondary();
    let server = with(&primary, &[&secondary]);
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let path = format!("/dns-zones/{zone}/records/");
    says(&send(&tenant.client, "POST", &path, "wait=20", Some(address("a"))), Some("wait=20"), Some("live"));

    secondary.state().ahead = 1;
    let start = Instant::now();
    says(&send(&tenant.client, "POST", &path, "wait=1", Some(address("b"))), Some("wait=1"), Some("pending"));
    assert!(start.elapsed() >= Duration::from_secs(1) && start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    let body = tenant.client.get(&format!("/dns-zones/{zone}/deployment/")).expect(200);
    assert_eq!(body["in_sync"], false);
    let (ours, theirs) = (&body["nameservers"][0], &body["nameservers"][1]);
    assert_eq!((&ours["in_sync"], &ours["error"]), (&json!(true), &Value::Null));
    assert_eq!(
        (&theirs["in_sync"], theirs["serial"].as_u64()),
        (&json!(false), body["serial"].as_u64().map(|it| it + 1))
    );
    assert_eq!(theirs["error"], "The nameserver is ahead: it serves a serial above the zone's newest version");

    secondary.state().ahead = 0;
    says(&send(&tenant.client, "POST", &path, "wait=20", Some(address("c"))), Some("wait=20"), Some("live"));
    let body = tenant.client.get(&format!("/dns-zones/{zone}/deployment/")).expect(200);
    assert_eq!((&body["in_sync"], &body["nameservers"][1]["error"]), (&json!(true), &Value::Null));
}

#[test]
fn a_silent_secondary_costs_two_seconds_and_is_waited_for() {
    let primary = Double::primary();
    let secondary = primary.secondary();
    let server = with(&primary, &[&secondary]);
    let tenant = server.tenant();
    secondary.state().silent = true;
    let answer = send(&tenant.client, "POST", "/dns-zones/", "wait=1", Some(json!({"domain": "example.com"})));
    says(&answer, Some("wait=1"), Some("pending"));
    let zone = answer.expect(201)["uuid"].as_str().unwrap().to_owned();

    let start = Instant::now();
    let body = tenant.client.get(&format!("/dns-zones/{zone}/deployment/")).expect(200);
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
    assert_eq!(body["in_sync"], false);
    assert_eq!((&body["nameservers"][0]["in_sync"], &body["nameservers"][0]["error"]), (&json!(true), &Value::Null));
    let silent = &body["nameservers"][1];
    assert_eq!((&silent["in_sync"], &silent["serial"]), (&json!(false), &Value::Null));
    assert_eq!(silent["error"], "The nameserver does not respond");

    secondary.state().silent = false;
    let path = format!("/dns-zones/{zone}/records/");
    says(&send(&tenant.client, "POST", &path, "wait=20", Some(address("www"))), Some("wait=20"), Some("live"));
}

#[test]
fn a_deletion_is_live_when_nobody_serves_the_zone_or_another_has_its_name() {
    let primary = Double::primary();
    let secondary = primary.secondary();
    let server = with(&primary, &[&secondary]);
    let tenant = server.tenant();
    let make = |prefer| {
        let answer = send(&tenant.client, "POST", "/dns-zones/", prefer, Some(json!({"domain": "example.com"})));
        answer.expect(201)["uuid"].as_str().unwrap().to_owned()
    };
    let zone = make("wait=20");
    let gone = send(&tenant.client, "DELETE", &format!("/dns-zones/{zone}/"), "wait=20", None);
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    says(&gone, Some("wait=20"), Some("live"));

    // At once after it was made, while it may be on its way to the nameserver.
    for _ in 0..20 {
        let zone = make("wait=0");
        let gone = send(&tenant.client, "DELETE", &format!("/dns-zones/{zone}/"), "wait=20", None);
        says(&gone, Some("wait=20"), Some("live"));
    }

    let zone = make("wait=20");
    primary.state().refuses = true;
    let gone = send(&tenant.client, "DELETE", &format!("/dns-zones/{zone}/"), "wait=1", None);
    says(&gone, Some("wait=1"), Some("pending"));
    let successor = make("wait=0");
    let waiting = std::thread::spawn({
        let client = tenant.client.clone();
        move || send(&client, "DELETE", &format!("/dns-zones/{successor}/"), "wait=20", None)
    });
    make_when_free(&tenant.client);
    primary.state().refuses = false;
    says(&waiting.join().unwrap(), Some("wait=20"), Some("live"));
}

/// Makes the zone again as soon as the name is free.
fn make_when_free(client: &Client) {
    let body = json!({"domain": "example.com"});
    eventually("the name is free", || client.post("/dns-zones/", &body).status == 201);
}

#[test]
fn without_a_nameserver_nothing_is_proved_and_nobody_waits() {
    let server = Server::with(Setup { nameservers: Some(Vec::new()), ..Setup::default() });
    let tenant = server.tenant();
    let start = Instant::now();
    let answer = send(&tenant.client, "POST", "/dns-zones/", "wait=60", Some(json!({"domain": "example.com"})));
    says(&answer, Some("wait=60"), Some("pending"));
    let zone = answer.expect(201)["uuid"].as_str().unwrap().to_owned();
    let body = tenant.client.get(&format!("/dns-zones/{zone}/deployment/")).expect(200);
    assert_eq!((&body["in_sync"], &body["nameservers"]), (&json!(false), &json!([])));
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn a_stop_ends_the_waiting_with_an_answer() {
    let primary = Double::primary();
    primary.state().refuses = true;
    let mut server = with(&primary, &[]);
    let client = server.tenant().client;
    let waiting = std::thread::spawn(move || {
        send(&client, "POST", "/dns-zones/", "wait=60", Some(json!({"domain": "example.com"})))
    });
    eventually("the request waits", || primary.state().asked > 20);
    let start = Instant::now();
    server.stop.cancel();
    says(&waiting.join().unwrap(), Some("wait=60"), Some("pending"));
    server.wait_for_end();
    assert!(start.elapsed() < PATIENCE / 4, "{:?}", start.elapsed());
}

#[test]
fn many_that_wait_are_no_stampede_on_a_secondary() {
    const WAITING: usize = 50;
    let primary = Double::primary();
    let secondary = primary.secondary();
    let server = with(&primary, &[&secondary]);
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let path = format!("/dns-zones/{zone}/records/");
    let says_live = send(&tenant.client, "POST", &path, "wait=20", Some(address("first")));
    says(&says_live, Some("wait=20"), Some("live"));

    primary.state().refuses = true;
    let (before, start) = (primary.state().asked + secondary.state().asked, Instant::now());
    let barrier = Arc::new(Barrier::new(WAITING));
    let clients: Vec<_> = (0..WAITING)
        .map(|number| {
            let (client, path, barrier) = (tenant.client.clone(), path.clone(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                send(&client, "POST", &path, "wait=2", Some(address(&format!("n{number}"))))
            })
        })
        .collect();
    for client in clients {
        says(&client.join().unwrap(), Some("wait=2"), Some("pending"));
    }
    let asked = primary.state().asked + secondary.state().asked - before;
    let bound = 200 + start.elapsed().as_millis() as usize / 2;
    assert!(asked < bound, "asked {asked} times in {:?}", start.elapsed());
}
