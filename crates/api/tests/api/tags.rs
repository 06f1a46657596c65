//! `ETag`, `If-None-Match` and `If-Match`: nobody's change is lost.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::server::{Answer, Client, Server};

const CLIENTS: usize = 32;
const JSON: (&str, &str) = ("content-type", "application/json");

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap().to_owned()
}

fn ask(client: &Client, method: &str, path: &str, if_match: &str, body: &Value) -> Answer {
    client.request(method, path, &[JSON, ("if-match", if_match)], Some(body.to_string().as_bytes()))
}

#[test]
fn who_has_a_version_is_spared_it() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let record = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    for path in [
        format!("/dns-zones/{zone}/"),
        format!("/dns-zones/{zone}/records/"),
        format!("/dns-zones/{zone}/records/?page_size=1"),
        format!("/dns-records/?zone={zone}"),
        format!("/dns-records/?zone={zone}&name=www&page_size=1"),
        format!("/dns-records/{record}/"),
    ] {
        let read = tenant.client.get(&path);
        read.expect(200);
        let tag = tag(&read);
        for seen in [tag.clone(), format!("W/{tag}"), format!("\"1\", {tag}"), "*".to_owned()] {
            let spared = tenant.client.request("GET", &path, &[("if-none-match", &seen)], None);
            assert_eq!((spared.status, spared.body.len()), (304, 0), "{path} {seen}");
            assert_eq!(spared.header("etag"), Some(tag.as_str()), "{path}");
        }
        let other = tenant.client.request("GET", &path, &[("if-none-match", "\"1\", \"abc\"")], None);
        assert_eq!((other.status, other.body), (200, read.body), "{path}");
        let malformed = tenant.client.request("GET", &path, &[("if-none-match", "1")], None);
        malformed.refused(400, "validation_error", Some("If-None-Match"));
        let stranger = server.tenant().client.request("GET", &path, &[("if-none-match", &tag)], None);
        assert_eq!(stranger.status, 404, "{path}");
    }
    assert_eq!(tenant.client.get("/dns-zones/").header("etag"), None);
}

#[test]
fn a_change_of_what_has_moved_on_is_refused() {
    let server = Server::start();
    let tenant = server.tenant();
    let client = &tenant.client;
    let zone = tenant.zone("example.com");
    let empty = tag(&client.get(&format!("/dns-zones/{zone}/")));
    let records = format!("/dns-zones/{zone}/records/");
    let www = json!({"record_type": "A", "name": "www", "value": "192.0.2.1"});
    let made = ask(client, "POST", &records, &empty, &www);
    let id = made.expect(201)["uuid"].as_str().unwrap().to_owned();
    let path = format!("/dns-records/{id}/");
    assert_eq!(tag(&made), tag(&client.get(&path)), "what was made can be changed at once");

    let other = json!({"record_type": "A", "name": "other", "value": "192.0.2.1"});
    ask(client, "POST", &records, &empty, &other).refused(412, "precondition_failed", None);
    ask(client, "POST", &records, "*", &other).expect(201);
    assert_eq!(tag(&made), tag(&client.get(&path)), "another record's change does not concern this one");

    let patched = ask(client, "PATCH", &path, &format!("W/{}", tag(&made)), &json!({"ttl": 60}));
    patched.expect(200);
    for (method, body) in [("PATCH", json!({"ttl": 61})), ("PUT", www.clone()), ("DELETE", Value::Null)] {
        ask(client, method, &path, &tag(&made), &body).refused(412, "precondition_failed", None);
    }
    let same = ask(client, "PATCH", &path, &tag(&patched), &json!({"ttl": 60}));
    assert_eq!(tag(&same), tag(&patched), "what changes nothing is no version");
    assert_eq!(client.get(&path).expect(200)["ttl"], 60);
    ask(client, "DELETE", &path, &tag(&patched), &Value::Null).expect(204);

    let path = format!("/dns-zones/{zone}/");
    ask(client, "DELETE", &path, &empty, &Value::Null).refused(412, "precondition_failed", None);
    let head = tag(&client.get(&path));
    ask(client, "DELETE", &path, &format!("{empty}, {head}"), &Value::Null).expect(204);
    let again = json!({"domain": "example.com"});
    ask(client, "POST", "/dns-zones/", &head, &again).refused(412, "precondition_failed", None);
    ask(client, "POST", "/dns-zones/", "*", &again).expect(201);
}

#[test]
fn clients_that_count_together_lose_nothing() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let counter = tenant.record(&zone, json!({"record_type": "TXT", "name": "counter", "value": "0"}));
    let path = format!("/dns-records/{counter}/");
    let barrier = Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (client, path, barrier) = (tenant.client.clone(), &path, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for _ in 0..3 {
                    loop {
                        let read = client.get(path);
                        let count: usize = read.expect(200)["value"].as_str().unwrap().parse().unwrap();
                        let next = json!({"value": (count + number).to_string()});
                        let answer = ask(&client, "PATCH", path, &tag(&read), &next);
                        if answer.status == 200 {
                            break;
                        }
                        answer.refused(412, "precondition_failed", None);
                    }
                }
            });
        }
    });
    let sum = 3 * (0..CLIENTS).sum::<usize>();
    assert_eq!(tenant.client.get(&path).expect(200)["value"], sum.to_string());
}
