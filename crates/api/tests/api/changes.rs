//! Changesets: all or nothing, every fault with its place, one version.

use std::sync::Barrier;

use serde_json::{Value, json};
use store::Permission;

use crate::server::{Answer, Server, Tenant};

fn path(zone: &str) -> String {
    format!("/dns-zones/{zone}/changes/")
}

fn post(tenant: &Tenant<'_>, zone: &str, changes: Value) -> Answer {
    tenant.client.post(&path(zone), &json!({ "changes": changes }))
}

fn create(name: &str, value: &str) -> Value {
    json!({"action": "create", "record_type": "A", "name": name, "value": value})
}

/// The places, members and codes of the faults of a refusal.
#[track_caller]
fn faults(answer: &Answer) -> Vec<(u64, Value, String)> {
    let body = answer.expect(400);
    assert_eq!((&body["error_code"], &body["field"]), (&json!("validation_error"), &json!("changes")));
    let fault = |fault: &Value| {
        assert!(fault["detail"].as_str().unwrap().len() > 5, "{fault}");
        (fault["index"].as_u64().unwrap(), fault["field"].clone(), fault["error_code"].as_str().unwrap().to_owned())
    };
    body["errors"].as_array().unwrap().iter().map(fault).collect()
}

#[track_caller]
fn expect_faults(answer: &Answer, expected: &[(u64, &str)]) {
    let found = faults(answer);
    let found: Vec<_> = found.iter().map(|(index, field, _)| (*index, field.as_str().unwrap_or("-"))).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_no_changeset_is_refused() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let long = "x".repeat(501);
    for (body, field) in [
        (json!({}), "changes"),
        (json!({"changes": []}), "changes"),
        (json!({"changes": {}}), "changes"),
        (json!({"changes": vec![create("a", "192.0.2.1"); 10_001]}), "changes"),
        (json!({"changes": [create("a", "192.0.2.1")], "comment": "a\nb"}), "comment"),
        (json!({"changes": [create("a", "192.0.2.1")], "comment": "a\u{202e}b"}), "comment"),
        (json!({"changes": [create("a", "192.0.2.1")], "comment": long}), "comment"),
        (json!({"changes": [create("a", "192.0.2.1")], "comment": 7}), "comment"),
        (json!({"changes": [create("a", "192.0.2.1")], "surprise": 7}), "surprise"),
    ] {
        tenant.client.post(&path(&zone), &body).refused(400, "validation_error", Some(field));
    }
    let twice = r#"{"changes": [{"action": "delete", "uuid": "x", "uuid": "y"}]}"#;
    tenant.client.send("POST", &path(&zone), Some(twice)).refused(400, "validation_error", Some("uuid"));
    for query in ["?dry_run=1", "?dry_run", "?dryrun=true"] {
        let answer = tenant.client.post(&format!("{}{query}", path(&zone)), &json!({"changes": []}));
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[test]
fn every_fault_is_answered_with_its_place() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let www = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let of_members = post(
        &tenant,
        &zone,
        json!([
            7,
            {},
            {"action": "rename", "uuid": www},
            create("ok", "192.0.2.1"),
            create("bad", "192.0.2.256"),
            {"action": "create", "record_type": "MX", "name": "@", "value": "mail.example.com"},
            {"action": "delete", "uuid": "7"},
            {"action": "delete", "uuid": www, "value": "x"},
            {"action": "update", "value": "192.0.2.1"},
            {"action": "upsert_rrset", "record_type": "A", "name": "x", "records": []},
            {"action": "upsert_rrset", "record_type": "A", "name": "x", "records": ["192.0.2.1"]},
            {"action": "delete_rrset", "record_type": "SOA", "name": "@"},
        ]),
    );
    // What each change says by itself, all together.
    expect_faults(
        &of_members,
        &[
            (0, "-"),
            (1, "action"),
            (2, "action"),
            (4, "value"),
            (5, "priority"),
            (6, "uuid"),
            (7, "value"),
            (8, "uuid"),
            (9, "records"),
            (10, "records"),
            (11, "record_type"),
        ],
    );
    let of_values = post(
        &tenant,
        &zone,
        json!([
            create("ok", "192.0.2.1"),
            create("bad", "192.0.2.256"),
            {"action": "create", "record_type": "MX", "name": "@", "value": "mail.example.com"},
            create("a..b", "192.0.2.1"),
        ]),
    );
    expect_faults(&of_values, &[(1, "value"), (2, "priority"), (3, "name")]);
    let missing = "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
    let of_rules = post(
        &tenant,
        &zone,
        json!([
            create("www", "192.0.2.1"),
            {"action": "delete", "uuid": missing},
            {"action": "update", "uuid": www, "value": "nonsense"},
            {"action": "create", "record_type": "CNAME", "name": "www", "value": "example.org"},
            {"action": "upsert_rrset", "record_type": "A", "name": "two", "ttl": 60, "records": [{"value": "192.0.2.1"}]},
            {"action": "create", "record_type": "A", "name": "two", "value": "192.0.2.2", "ttl": 61},
        ]),
    );
    expect_faults(&of_rules, &[(0, "value"), (1, "uuid"), (2, "value"), (3, "name"), (5, "ttl")]);
    assert_eq!(faults(&of_rules)[1].2, "not_found");
    let alone = post(&tenant, &zone, json!([{"action": "delete", "uuid": missing}]));
    assert_eq!(faults(&alone), [(0, json!("uuid"), "not_found".to_owned())]);
    let history = tenant.client.get(&format!("/dns-zones/{zone}/history/")).expect(200);
    assert_eq!(history.as_array().unwrap().len(), 2, "nothing of all that was stored");
}

#[test]
fn each_change_needs_the_permission_of_what_it_does() {
    use Permission::{Create, Delete, List, Update};
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let id = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let upsert =
        json!({"action": "upsert_rrset", "record_type": "A", "name": "x", "records": [{"value": "192.0.2.1"}]});
    for (change, needed) in [
        (create("a", "192.0.2.1"), &[Create][..]),
        (json!({"action": "update", "uuid": id, "ttl": 60}), &[Update]),
        (upsert, &[Create, Update, Delete]),
        (json!({"action": "delete_rrset", "record_type": "A", "name": "x"}), &[Delete]),
        (json!({"action": "delete", "uuid": id}), &[Delete]),
    ] {
        let body = json!({ "changes": [change] });
        for missing in needed {
            let others: Vec<_> = [List, Create, Update, Delete].into_iter().filter(|other| other != missing).collect();
            let (code, _, detail) = tenant.with(&others).post(&path(&zone), &body).error(403);
            assert_eq!(code, "permission_denied");
            assert_eq!(detail, format!("Token lacks {missing} permission"));
        }
        tenant.with(needed).post(&path(&zone), &body).expect(200);
    }
}

#[test]
fn all_actions_together_are_one_version() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let www = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let old = tenant.record(&zone, json!({"record_type": "TXT", "name": "old", "value": "x"}));
    let kept = tenant.record(&zone, json!({"record_type": "A", "name": "set", "value": "192.0.2.1", "ttl": 300}));
    tenant.record(&zone, json!({"record_type": "A", "name": "set", "value": "192.0.2.2"}));
    let body = json!({"comment": "a move", "changes": [
        {"action": "update", "uuid": www, "value": "192.0.2.9"},
        {"action": "update", "uuid": www, "ttl": 120},
        {"action": "create", "record_type": "MX", "name": "@", "value": "www.example.com", "priority": 5},
        {"action": "upsert_rrset", "record_type": "A", "name": "set", "records": [{"value": "192.0.2.3"}, {"value": "192.0.2.1"}]},
        {"action": "delete_rrset", "record_type": "TXT", "name": "old"},
        {"action": "delete_rrset", "record_type": "TXT", "name": "never"},
        {"action": "upsert_rrset", "record_type": "MX", "name": "m", "records": [{"value": "a.example.org", "priority": 1}]},
    ]});
    let before = tenant.client.get(&format!("/dns-zones/{zone}/"));
    let dry = tenant.client.post(&format!("{}?dry_run=true", path(&zone)), &body);
    let would = dry.expect(200);
    assert_eq!(dry.header("etag"), before.header("etag"), "a dry run leaves the zone at its version");
    assert_eq!(tenant.client.get(&format!("/dns-zones/{zone}/")).body, before.body);
    assert_eq!((&would["dry_run"], &would["records"][2]), (&json!(true), &Value::Null));

    let answer = tenant.client.post(&path(&zone), &body);
    let made = answer.expect(200);
    assert_eq!(answer.header("etag"), Some(format!("\"{}\"", made["serial"]).as_str()));
    let count = |side: &Value| side.as_array().unwrap().len();
    assert_eq!((count(&made["removed"]), count(&made["added"])), (3, 4));
    assert_eq!((count(&would["removed"]), count(&would["added"])), (3, 4), "a dry run says the same");
    assert_eq!(made["warnings"], json!([]));
    assert_eq!((&made["records"][0], &made["records"][3]), (&json!(www), &Value::Null));

    let record = tenant.client.get(&format!("/dns-records/{www}/")).expect(200);
    assert_eq!((&record["value"], &record["ttl"]), (&json!("192.0.2.9"), &json!(120)));
    let record = tenant.client.get(&format!("/dns-records/{kept}/")).expect(200);
    assert_eq!((&record["value"], &record["ttl"]), (&json!("192.0.2.1"), &json!(300)), "kept as it was");
    tenant.client.get(&format!("/dns-records/{old}/")).refused(404, "not_found", None);
    let version = tenant.client.get(&format!("/dns-zones/{zone}/history/{}/", made["serial"])).expect(200);
    assert_eq!(version["comment"], "a move");

    let nothing =
        tenant.client.post(&path(&zone), &json!({"changes": [{"action": "update", "uuid": www, "ttl": 120}]}));
    let nothing = nothing.expect(200);
    assert_eq!((&nothing["changed"], &nothing["serial"]), (&json!(false), &made["serial"]));
}

#[test]
fn what_is_unwise_is_said_and_stored() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let changes = json!([{"action": "create", "record_type": "MX", "name": "@", "value": "mail.example.com", "priority": 5, "ttl": 5}]);
    for dry_run in [true, false] {
        let path = format!("{}?dry_run={dry_run}", path(&zone));
        let answer = tenant.client.post(&path, &json!({ "changes": changes })).expect(200);
        let warnings: Vec<_> =
            answer["warnings"].as_array().unwrap().iter().map(|it| (&it["code"], &it["name"], &it["field"])).collect();
        let (low, dangling) = (json!("low-ttl"), json!("dangling-target"));
        assert_eq!(warnings, [(&low, &json!("@"), &json!("ttl")), (&dangling, &json!("@"), &json!("value"))]);
    }
}

#[test]
fn the_most_changes_in_one_request() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let changes: Vec<Value> = (0..10_000).map(|number| create(&format!("host-{number}"), "192.0.2.1")).collect();
    let made = post(&tenant, &zone, json!(changes)).expect(200);
    assert_eq!(made["added"].as_array().unwrap().len(), 10_000);
    let ids = made["records"].as_array().unwrap();
    let updates: Vec<Value> =
        ids.iter().map(|id| json!({"action": "update", "uuid": id, "value": "192.0.2.2"})).collect();
    let made = post(&tenant, &zone, json!(updates)).expect(200);
    assert_eq!(made["removed"].as_array().unwrap().len(), 10_000);
    let history = tenant.client.get(&format!("/dns-zones/{zone}/history/")).expect(200);
    assert_eq!(history.as_array().unwrap().len(), 3, "one version each");
}

#[test]
fn clients_that_change_one_zone_together_lose_nothing() {
    const CLIENTS: usize = 32;
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let barrier = Barrier::new(CLIENTS);
    let retries: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (client, zone, barrier) = (tenant.client.clone(), &zone, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let mut retries = 0;
                    loop {
                        let read = client.get(&format!("/dns-zones/{zone}/"));
                        let tag = read.header("etag").unwrap().to_owned();
                        // What each adds depends on what it has read: a lost update would show in the sum.
                        let count = read.json()["record_count"].as_u64().unwrap();
                        let change = create(&format!("n{count}"), &format!("192.0.2.{number}"));
                        let headers = [("content-type", "application/json"), ("if-match", tag.as_str())];
                        let body = json!({ "changes": [change] }).to_string();
                        let answer = client.request("POST", &path(zone), &headers, Some(body.as_bytes()));
                        if answer.status == 200 {
                            return retries;
                        }
                        answer.refused(412, "precondition_failed", None);
                        retries += 1;
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(retries > 0, "they were in each other's way");
    let records = tenant.client.get(&format!("/dns-zones/{zone}/records/")).expect(200);
    let mut names: Vec<_> =
        records.as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    let mut expected: Vec<_> = (0..CLIENTS).map(|number| format!("n{number}")).collect();
    expected.sort();
    assert_eq!(names, expected);
}
