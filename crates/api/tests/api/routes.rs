//! Every route of the table, asked without a token, without the permission, and for somebody else's objects.
//!
//! The table is the one the router is built from, so a new operation is walked without anybody thinking of it; one whose body
//! [`body`] does not know fails the walk.

use api::{OPERATIONS, Operation};
use serde_json::{Value, json};
use store::Permission;

use crate::server::{Answer, Client, Server};

const NOWHERE: &str = "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000";

/// What proves a claim finds none here, and changes no zone.
pub(crate) const CLAIM: &str = "/dns-zones/{uuid}/claim/";

pub(crate) const UPDATE_KEYS: &str = "/update-keys/";
const OWN_ZONE: &str = "example.com";

/// Whether an operation, asked for what there is, answers as it should.
fn is_answered(operation: &Operation, answer: &Answer) -> bool {
    let is_unproved = operation.path == CLAIM && operation.method == http::Method::POST && answer.status == 400;
    is_unproved || (200..300).contains(&answer.status)
}

/// A body that would succeed, for the operations that have one.
fn body(method: &str, path: &str, zone: &str, serial: u32) -> Option<Value> {
    let name: String = path.chars().filter(char::is_ascii_lowercase).collect();
    let name = format!("{}-{name}", method.to_lowercase());
    let record = json!({"record_type": "A", "name": name, "value": "192.0.2.77"});
    match (method, path) {
        ("GET" | "DELETE", _) | ("POST", CLAIM) => None,
        ("POST", "/dns-zones/") => Some(json!({"domain": "walk.example.org"})),
        ("POST", "/dns-zones/{uuid}/records/") => Some(record),
        ("POST", "/dns-zones/{uuid}/rollback/") => Some(json!({"serial": serial})),
        ("POST", "/dns-records/") => {
            let mut record = record;
            record["zone"] = zone.into();
            Some(record)
        }
        ("POST", "/dns-zones/{uuid}/changes/") => {
            let mut change = record;
            change["action"] = "create".into();
            Some(json!({"changes": [change]}))
        }
        ("PATCH", "/dns-zones/{uuid}/") => Some(json!({"comment": "walked"})),
        ("PUT", "/dns-records/{uuid}/") => Some(record),
        ("PUT", "/dns-zones/{uuid}/zonefile/") => {
            Some("www 3600 A 192.0.2.1\nwww 3600 A 192.0.2.2\n@ 60 MX 10 mail.example.org.\n".into())
        }
        ("PATCH", "/dns-records/{uuid}/") => Some(json!({"ttl": 60})),
        // Every account of these tests has this zone.
        ("POST", UPDATE_KEYS) => Some(json!({"name": "walked", "zones": [OWN_ZONE]})),
        _ => panic!("{method} {path} is new: say here what it is asked with"),
    }
}

fn is_zone_file(operation: &Operation) -> bool {
    body(operation.method.as_str(), operation.path, "", 1).is_some_and(|body| body.is_string())
}

/// A path of the table for an object.
fn filled(path: &str, id: &str, serial: u32) -> String {
    path.replace("{uuid}", id).replace("{serial}", &serial.to_string())
}

/// The serial of a zone's newest version.
fn newest_serial(client: &Client, zone: &str) -> u32 {
    let history = client.get(&format!("/dns-zones/{zone}/history/")).expect(200);
    u32::try_from(history[0]["serial"].as_u64().unwrap()).unwrap()
}

struct Walk {
    zone: String,
    record: String,
    key: String,
    serial: u32,
}

/// The object that a path of the table names.
fn object<'a>(path: &str, zone: &'a str, record: &'a str, key: &'a str) -> &'a str {
    if path.starts_with("/dns-zones/") {
        zone
    } else if path.starts_with(UPDATE_KEYS) {
        key
    } else {
        record
    }
}

impl Walk {
    /// Objects that do not exist.
    fn nowhere(id: &str, serial: u32) -> Walk {
        Walk { zone: id.to_owned(), record: id.to_owned(), key: id.to_owned(), serial }
    }

    fn ask(&self, client: &Client, method: &str, path: &str) -> Answer {
        let id = object(path, &self.zone, &self.record, &self.key);
        send(client, method, &filled(path, id, self.serial), &[], body(method, path, &self.zone, self.serial).as_ref())
    }
}

/// Sends a body as what it is: a text is a zone file, anything else is JSON.
pub(crate) fn send(
    client: &Client,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answer {
    let (media_type, text) = match body {
        None => return client.request(method, path, headers, None),
        Some(Value::String(zone_file)) => ("text/dns", zone_file.clone()),
        Some(json) => ("application/json", json.to_string()),
    };
    client.request(method, path, &[&[("content-type", media_type)], headers].concat(), Some(text.as_bytes()))
}

#[test]
fn without_a_good_token_there_is_nothing() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let record = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let serial = newest_serial(&tenant.client, &zone);
    let walk = Walk { zone, record, key: tenant.update_key("example.com"), serial };

    let revoked = server.token(tenant.account, &[Permission::All], None);
    let token =
        server.runtime.block_on(server.store.command_line().person(tenant.account).tokens()).unwrap().pop().unwrap();
    assert!(server.client(Some(revoked.clone())).get("/dns-zones/").status == 200, "good until it is revoked");
    server.runtime.block_on(server.store.command_line().revoke_token(token.id)).unwrap();
    let expired = server.token(tenant.account, &[Permission::All], Some("2024-01-01T00:00:00Z".parse().unwrap()));
    let bad = [
        None,
        Some("vps_".to_owned()),
        Some("sesame".to_owned()),
        Some(format!("vps_{}", "A".repeat(43))),
        Some(revoked),
        Some(expired),
    ];
    for operation in OPERATIONS {
        for token in &bad {
            let answer = walk.ask(&server.client(token.clone()), operation.method.as_str(), operation.path);
            answer.refused(401, "authentication_failed", None);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{operation:?}");
        }
    }
    assert_eq!(tenant.client.get("/dns-zones/").expect(200).as_array().unwrap().len(), 1, "nothing was changed");
}

#[test]
fn every_operation_needs_its_own_permission() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let record = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let serial = newest_serial(&tenant.client, &zone);
    let walk = Walk { zone, record, key: tenant.update_key("example.com"), serial };
    let single = [Permission::List, Permission::Create, Permission::Update, Permission::Delete];
    for operation in OPERATIONS {
        let Some(needed) = operation.permission else {
            if operation.method != http::Method::GET {
                // What it needs depends on its body; its own tests ask.
                walk.ask(&tenant.with(&[]), operation.method.as_str(), operation.path).error(403);
                continue;
            }
            let answer = walk.ask(&tenant.with(&[]), operation.method.as_str(), operation.path);
            answer.expect(200);
            continue;
        };
        let others: Vec<_> = single.into_iter().filter(|other| *other != needed).collect();
        assert_eq!(others.len(), 3, "{operation:?} needs one of the four");
        let answer = walk.ask(&tenant.with(&others), operation.method.as_str(), operation.path);
        let (code, field, detail) = answer.error(403);
        assert_eq!((code.as_str(), field), ("permission_denied", None), "{operation:?}");
        assert_eq!(detail, format!("Token lacks {needed} permission"));
    }
    // Deletions last, and of a zone very last, so that there is something to ask for.
    let mut in_order: Vec<_> = OPERATIONS.iter().filter(|operation| operation.permission.is_some()).collect();
    in_order
        .sort_by_key(|operation| (operation.method == http::Method::DELETE, operation.path == "/dns-zones/{uuid}/"));
    for operation in in_order {
        let only = tenant.with(&[operation.permission.unwrap()]);
        let answer = walk.ask(&only, operation.method.as_str(), operation.path);
        assert!(is_answered(operation, &answer), "{operation:?}: {answer:?}");
    }
}

#[test]
fn another_accounts_objects_do_not_exist() {
    let server = Server::start();
    let (tenant, stranger) = (server.tenant(), server.tenant());
    let zone = tenant.zone("hidden.example.net");
    let record = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "198.51.100.7"}));
    let before = tenant.client.get(&format!("/dns-zones/{zone}/")).expect(200);
    let serial = newest_serial(&tenant.client, &zone);
    let walk = Walk { zone: zone.clone(), record, key: tenant.update_key("hidden.example.net"), serial };
    let nowhere = Walk::nowhere(NOWHERE, serial);
    for operation in OPERATIONS {
        let (method, path) = (operation.method.as_str(), operation.path);
        let answer = walk.ask(&stranger.client, method, path);
        if (method, path) == ("POST", UPDATE_KEYS) {
            answer.refused(400, "validation_error", Some("zones"));
            continue;
        }
        let names_an_object = path.contains("{uuid}") || (method, path) == ("POST", "/dns-records/");
        if !names_an_object {
            assert!((200..300).contains(&answer.status), "{operation:?}: {answer:?}");
            let text = String::from_utf8(answer.body).unwrap();
            assert!(!text.contains("hidden") && !text.contains("198.51.100.7"), "{operation:?} shows {text}");
            continue;
        }
        answer.error(404);
        let mut unknown = nowhere.ask(&stranger.client, method, path);
        assert_eq!(answer.body, unknown.body, "{operation:?}");
        let mut headers = answer.headers.clone();
        for differing in ["x-request-id", "date"] {
            headers.remove(differing);
            unknown.headers.remove(differing);
        }
        assert_eq!(headers, unknown.headers, "{operation:?}");
        if path.contains("{uuid}") {
            for malformed in ["1", "%20", "%ff", &zone.replace('-', ""), "..%2f"] {
                let walk = Walk::nowhere(malformed, serial);
                assert_eq!(walk.ask(&stranger.client, method, path).body, answer.body, "{operation:?} {malformed}");
            }
        }
    }
    for path in [format!("/dns-records/?zone={zone}"), format!("/dns-records/?zone={zone}&name=www&page_size=3")] {
        stranger.client.get(&path).refused(404, "not_found", Some("zone"));
    }
    for name in ["www", "www.example.com", "www.example.com."] {
        let list = stranger.client.get(&format!("/dns-records/?name={name}")).expect(200);
        assert_eq!(list, json!([]), "{name}");
    }
    assert_eq!(stranger.client.get("/dns-zones/?domain=example.com").expect(200), json!([]));
    assert_eq!(tenant.client.get(&format!("/dns-zones/{zone}/")).expect(200), before, "and nothing was changed");
}

#[test]
fn to_a_token_of_some_zones_the_others_do_not_exist() {
    let server = Server::start();
    let tenant = server.tenant();
    let place = |domain: &str, address: &str| {
        let zone = tenant.zone(domain);
        let record = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": address}));
        let serial = newest_serial(&tenant.client, &zone);
        Walk { zone, record, key: tenant.update_key(domain), serial }
    };
    let (hidden, seen) = (place("hidden.example", "198.51.100.7"), place(OWN_ZONE, "192.0.2.2"));
    let nowhere = Walk::nowhere(NOWHERE, hidden.serial);
    let before = tenant.client.get(&format!("/dns-zones/{}/", hidden.zone)).expect(200);
    let bound = server.bound(tenant.account, &[&seen.zone]);
    for operation in OPERATIONS {
        let (method, path) = (operation.method.as_str(), operation.path);
        let answer = hidden.ask(&bound, method, path);
        if (method, path) == ("POST", "/dns-zones/") {
            answer.refused(403, "permission_denied", None);
            continue;
        }
        if (method, path) == ("POST", UPDATE_KEYS) {
            answer.expect(201);
            continue;
        }
        if path.contains("{uuid}") || (method, path) == ("POST", "/dns-records/") {
            answer.error(404);
            assert_eq!(answer.body, nowhere.ask(&bound, method, path).body, "{operation:?}");
            continue;
        }
        assert_eq!(answer.status, 200, "{operation:?}: {answer:?}");
        let text = String::from_utf8(answer.body).unwrap();
        assert!(!text.contains("hidden") && !text.contains("198.51.100.7"), "{operation:?} shows {text}");
    }
    for name in ["www", "www.hidden.example", "www.hidden.example."] {
        let list = bound.get(&format!("/dns-records/?name={name}")).expect(200);
        assert!(!list.to_string().contains("198.51.100.7"), "{name}: {list}");
    }
    bound.get(&format!("/dns-records/?zone={}", hidden.zone)).refused(404, "not_found", Some("zone"));
    assert_eq!(bound.get("/dns-zones/?domain=hidden.example").expect(200), json!([]));
    assert_eq!(bound.get("/dns-zones/?page_size=1").header("link"), None, "the one it sees is all there is");
    assert_eq!(bound.get("/dns-zones/").expect(200)[0]["domain"], OWN_ZONE);
    assert_eq!(bound.get("/dns-records/").expect(200).as_array().unwrap().len(), 1);
    let after = tenant.client.get(&format!("/dns-zones/{}/", hidden.zone)).expect(200);
    assert_eq!(after, before, "nothing was changed");

    // What was answered to another token under a key is not answered again to this one.
    let body = json!({"zone": hidden.zone, "record_type": "A", "name": "key", "value": "192.0.2.3"}).to_string();
    let key = [("content-type", "application/json"), ("idempotency-key", "the-same")];
    tenant.client.request("POST", "/dns-records/", &key, Some(body.as_bytes())).expect(201);
    bound.request("POST", "/dns-records/", &key, Some(body.as_bytes())).refused(404, "not_found", Some("zone"));

    // In its own zone it does everything; what deletes comes last, and the zone very last.
    let mut in_order: Vec<_> = OPERATIONS.iter().filter(|operation| operation.path != "/dns-zones/").collect();
    in_order
        .sort_by_key(|operation| (operation.method == http::Method::DELETE, operation.path == "/dns-zones/{uuid}/"));
    for operation in in_order {
        let answer = seen.ask(&bound, operation.method.as_str(), operation.path);
        assert!(is_answered(operation, &answer), "{operation:?}: {answer:?}");
    }
    // The zone is gone, and the token is not wider for it.
    assert_eq!(bound.get("/dns-zones/").expect(200), json!([]));
    assert_eq!(bound.get("/dns-records/").expect(200), json!([]));
    tenant.zone("example.net");
    assert_eq!(bound.get("/dns-zones/").expect(200), json!([]));
}

#[test]
fn a_bad_body_tells_nothing_about_what_exists() {
    let server = Server::start();
    let (tenant, stranger) = (server.tenant(), server.tenant());
    let zone = tenant.zone("example.com");
    let record = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let has_body = |operation: &&api::Operation| body(operation.method.as_str(), operation.path, "", 1).is_some();
    for operation in OPERATIONS.iter().filter(has_body) {
        let answers = [(&zone, &record), (&NOWHERE.to_owned(), &NOWHERE.to_owned())].map(|(zone, record)| {
            let id = object(operation.path, zone, record, NOWHERE);
            let path = filled(operation.path, id, 1);
            let body = if is_zone_file(operation) { json!("www A 192.0.2") } else { json!({"surprise": 1}) };
            send(&stranger.client, operation.method.as_str(), &path, &[], Some(&body))
        });
        if is_zone_file(operation) {
            // Which of its names are relative to what only the zone says.
            answers[0].refused(404, "not_found", None);
        } else {
            answers[0].refused(400, "validation_error", Some("surprise"));
        }
        assert_eq!(answers[0].body, answers[1].body, "{operation:?}");
    }
}

#[test]
fn every_change_keeps_to_the_terms_of_its_request() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let record = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let serial = newest_serial(&tenant.client, &zone);
    let mut writing: Vec<_> = OPERATIONS.iter().filter(|operation| operation.method != http::Method::GET).collect();
    // These change no zone.
    writing.retain(|operation| operation.path != CLAIM && !operation.path.starts_with(UPDATE_KEYS));
    writing.sort_by_key(|operation| (operation.method == http::Method::DELETE, operation.path == "/dns-zones/{uuid}/"));
    for operation in writing {
        let id = object(operation.path, &zone, &record, NOWHERE);
        let (method, path) = (operation.method.as_str(), operation.path.replace("{uuid}", id));
        let body = body(method, operation.path, &zone, serial);
        let ask = |headers: &[(&str, &str)]| send(&tenant.client, method, &path, headers, body.as_ref());
        ask(&[("if-match", "17")]).refused(400, "validation_error", Some("If-Match"));
        ask(&[("if-match", "\"17\"")]).refused(412, "precondition_failed", None);
        ask(&[("idempotency-key", "a b")]).refused(400, "validation_error", Some("Idempotency-Key"));
        let key = ("idempotency-key", method);
        let (first, again) = (ask(&[key]), ask(&[key]));
        assert!((200..300).contains(&first.status), "{operation:?}: {first:?}");
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{operation:?}");
        assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
        for header in ["etag", "location", "deployment", "content-type"] {
            assert_eq!(first.header(header), again.header(header), "{operation:?}: {header}");
        }
        assert!(first.header("etag").is_some(), "{operation:?}");
        ask(&[key, ("if-match", "17")]).refused(400, "validation_error", Some("If-Match"));
    }
}

#[test]
fn both_forms_of_every_path_answer_the_same_without_a_redirect() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let record = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let (serial, key) = (newest_serial(&tenant.client, &zone), tenant.update_key("example.com"));
    for operation in OPERATIONS.iter().filter(|operation| operation.method == http::Method::GET) {
        let id = object(operation.path, &zone, &record, &key);
        let with = filled(operation.path, id, serial);
        let without = with.trim_end_matches('/');
        let (with, without) = (tenant.client.get(&with), tenant.client.get(without));
        assert_eq!((with.status, &with.body), (200, &without.body), "{operation:?}");
        assert_eq!(without.status, 200);
    }
    for operation in OPERATIONS.iter().filter(|operation| operation.method != http::Method::GET) {
        let path = filled(operation.path, NOWHERE, 1);
        let body = body(operation.method.as_str(), operation.path, NOWHERE, 1);
        let path = path.trim_end_matches('/');
        let mut answer = send(&tenant.client, operation.method.as_str(), path, &[], body.as_ref());
        if path.ends_with("/dns-zones") {
            answer.expect(201);
            answer = tenant.client.post(path, &json!({"domain": "walk.example.org"}));
            answer.refused(400, "validation_error", Some("domain"));
        } else if path.ends_with("/update-keys") {
            answer.expect(201);
        } else {
            answer.error(404);
        }
    }
}

#[test]
fn other_methods_are_refused_with_those_that_are_allowed() {
    let server = Server::start();
    let tenant = server.tenant();
    for operation in OPERATIONS {
        let mut allowed: Vec<_> =
            OPERATIONS.iter().filter(|other| other.path == operation.path).map(|other| other.method.as_str()).collect();
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        let path = filled(operation.path, NOWHERE, 1);
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            if allowed.contains(&method) {
                continue;
            }
            for path in [path.as_str(), path.trim_end_matches('/')] {
                let answer = tenant.client.send(method, path, None);
                assert_eq!(answer.header("allow"), Some(allowed.join(", ").as_str()), "{method} {path}");
                if method == "HEAD" {
                    assert_eq!(answer.status, 405);
                } else {
                    answer.refused(405, "method_not_allowed", None);
                }
            }
        }
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let record = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let (serial, key) = (newest_serial(&tenant.client, &zone), tenant.update_key("example.com"));
    for operation in OPERATIONS.iter().filter(|operation| operation.method == http::Method::GET) {
        let id = object(operation.path, &zone, &record, &key);
        let path = filled(operation.path, id, serial);
        let (get, head) = (tenant.client.get(&path), tenant.client.send("HEAD", &path, None));
        assert_eq!((head.status, head.body.len()), (200, 0), "{operation:?}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{operation:?}");
    }
}
