//! The past of a zone: its versions, what each changed, and what lies between two.

use serde_json::{Value, json};

use crate::server::{Client, Server};

fn versions(client: &Client, zone: &str) -> Vec<Value> {
    client.get(&format!("/dns-zones/{zone}/history/")).expect(200).as_array().unwrap().clone()
}

fn address(name: &str, value: &str) -> Value {
    json!({"record_type": "A", "name": name, "value": value})
}

#[test]
fn what_cannot_be_shown_is_refused() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let serial = &versions(&tenant.client, &zone)[0]["serial"];
    let path = format!("/dns-zones/{zone}/history");
    for (query, status, code, field) in [
        ("?page_size=0", 400, "validation_error", Some("page_size")),
        ("?cursor=v1", 400, "validation_error", Some("cursor")),
        ("?cursor=z0192aaaabbbb7ccc8dddeeeeffff0000", 400, "validation_error", Some("cursor")),
        ("?since=1", 400, "validation_error", Some("since")),
        ("?from=x", 400, "validation_error", Some("from")),
        ("?from=-1", 400, "validation_error", Some("from")),
        (&format!("?from={serial}&to="), 400, "validation_error", Some("to")),
        (&format!("?from={serial}&to=4294967296"), 400, "validation_error", Some("to")),
        (&format!("?to={serial}"), 400, "validation_error", Some("from")),
        (&format!("?from={serial}&page_size=3"), 400, "validation_error", Some("page_size")),
        (&format!("?from={serial}&cursor=v00000000000000a7"), 400, "validation_error", Some("cursor")),
        ("?from=7", 404, "not_found", Some("from")),
        (&format!("?from={serial}&to=7"), 404, "not_found", Some("to")),
        ("/7/", 404, "not_found", None),
        ("/x/", 404, "not_found", None),
        (&format!("/{serial}/?page_size=1"), 400, "validation_error", Some("page_size")),
    ] {
        tenant.client.get(&format!("{path}{query}")).refused(status, code, field);
    }
}

#[test]
fn a_version_says_who_made_it_and_what_it_changed() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let www = tenant.record(&zone, address("www", "192.0.2.1"));
    let before = tenant.client.get(&format!("/dns-zones/{zone}/records/")).expect(200);
    tenant.client.patch(&format!("/dns-records/{www}/"), &json!({"value": "192.0.2.2"})).expect(200);
    let after = tenant.client.get(&format!("/dns-zones/{zone}/records/")).expect(200);
    tenant.client.delete(&format!("/dns-records/{www}/")).expect(204);

    let shown = versions(&tenant.client, &zone);
    let email = tenant.client.get("/account/me/").expect(200)["account"]["email"].clone();
    for version in &shown {
        let author = json!({"account": email, "token": "ci", "address": "127.0.0.1"});
        assert_eq!(
            (&version["author"], &version["source"], &version["comment"]),
            (&author, &json!("api"), &Value::Null)
        );
        let members: Vec<_> = version.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members.len(), 7, "{members:?}");
        assert!(version["time"].as_str().unwrap().starts_with("2024-01-15T10:30:"));
    }
    let told: Vec<_> = shown.iter().map(|version| (&version["event"], &version["counts"])).collect();
    let counts = |removed, added, changed| json!({"removed": removed, "added": added, "changed": changed});
    let (created, changed) = (json!("created"), json!("changed"));
    assert_eq!(
        told,
        [
            (&changed, &counts(1, 0, 0)),
            (&changed, &counts(1, 1, 1)),
            (&changed, &counts(0, 1, 0)),
            (&created, &counts(0, 0, 0)),
        ]
    );

    let path = format!("/dns-zones/{zone}/history/{}/", shown[1]["serial"]);
    let answer = tenant.client.get(&path);
    assert_eq!(answer.header("etag"), Some(format!("\"{}\"", shown[1]["serial"]).as_str()));
    let version = answer.expect(200);
    assert_eq!(version["previous"], shown[2]["serial"]);
    assert_eq!((&version["removed"], &version["added"], &version["changed"]), (&before, &after, &json!([www])));
    for (name, value) in shown[1].as_object().unwrap() {
        assert_eq!(&version[name], value, "{name} is as in the list");
    }
    let first = tenant.client.get(&format!("/dns-zones/{zone}/history/{}/", shown[3]["serial"])).expect(200);
    assert_eq!((&first["previous"], &first["removed"], &first["added"]), (&Value::Null, &json!([]), &json!([])));
}

#[test]
fn the_difference_between_two_versions_can_be_asked_for_both_ways() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    tenant.record(&zone, address("www", "192.0.2.1"));
    tenant.record(&zone, address("web", "192.0.2.2"));
    let serials: Vec<_> = versions(&tenant.client, &zone).iter().map(|version| version["serial"].clone()).collect();
    let difference = |query: &str| tenant.client.get(&format!("/dns-zones/{zone}/history/?{query}")).expect(200);
    let all = tenant.client.get(&format!("/dns-zones/{zone}/records/")).expect(200);
    let (head, first) = (&serials[0], &serials[2]);
    let forth = difference(&format!("from={first}"));
    assert_eq!((&forth["from"], &forth["to"], &forth["removed"]), (first, head, &json!([])));
    let names = |list: &Value| list.as_array().unwrap().iter().map(|it| it["name"].to_string()).collect::<Vec<_>>();
    assert_eq!(names(&forth["added"]), ["\"web\"", "\"www\""], "by name; {all}");
    let back = difference(&format!("from={head}&to={first}"));
    assert_eq!((&back["removed"], &back["added"]), (&forth["added"], &json!([])));
    let nothing = difference(&format!("from={head}&to={head}"));
    assert_eq!(nothing, json!({"from": head, "to": head, "removed": [], "added": [], "changed": []}));
}

#[test]
fn versions_come_in_pages_newest_first() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    for number in 0..6 {
        tenant.record(&zone, address(&format!("n{number}"), "192.0.2.1"));
    }
    let all = versions(&tenant.client, &zone);
    assert_eq!(all.len(), 7);
    let mut path = Some(format!("/dns-zones/{zone}/history/?page_size=3"));
    let mut walked = Vec::new();
    while let Some(current) = path {
        let answer = tenant.client.get(&current);
        walked.extend(answer.expect(200).as_array().unwrap().iter().cloned());
        let link = answer.header("link").map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
        // A version that is made meanwhile shifts nothing.
        tenant.record(&zone, address(&format!("m{}", walked.len()), "192.0.2.1"));
        path = link;
    }
    assert_eq!(walked, all);
    let page = tenant.client.get(&format!("/dns-zones/{zone}/history/"));
    let head = page.expect(200)[0]["serial"].clone();
    let tag = format!("\"{head}\"");
    assert_eq!(page.header("etag"), Some(tag.as_str()));
    for path in [format!("/dns-zones/{zone}/history/"), format!("/dns-zones/{zone}/history/{head}/")] {
        let unchanged = tenant.client.request("GET", &path, &[("if-none-match", &tag)], None);
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0), "{path}");
        let changed = tenant.client.request("GET", &path, &[("if-none-match", "\"7\"")], None);
        assert_eq!(changed.status, 200, "{path}");
    }
}

fn records(client: &Client, zone: &str) -> Value {
    client.get(&format!("/dns-zones/{zone}/records/")).expect(200)
}

#[test]
fn a_rollback_that_cannot_be_is_refused_and_changes_nothing() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    tenant.record(&zone, address("www", "192.0.2.1"));
    let first = versions(&tenant.client, &zone)[1]["serial"].clone();
    let path = format!("/dns-zones/{zone}/rollback/");
    let long = "x".repeat(500);
    for (body, field) in [
        (json!({}), "serial"),
        (json!({"serial": null}), "serial"),
        (json!({"serial": "1"}), "serial"),
        (json!({"serial": -1}), "serial"),
        (json!({"serial": 4_294_967_296_u64}), "serial"),
        (json!({"serial": 7}), "serial"),
        (json!({"serial": first, "version": 1}), "version"),
        (json!({"serial": first, "comment": 1}), "comment"),
        (json!({"serial": first, "comment": "two\nlines"}), "comment"),
        (json!({"serial": first, "comment": "two\u{200b}words"}), "comment"),
        (json!({"serial": first, "comment": long}), "comment"),
    ] {
        tenant.client.post(&path, &body).refused(400, "validation_error", Some(field));
    }
    for query in ["?dry_run=yes", "?dry_run=", "?dry_run=TRUE"] {
        tenant.client.post(&format!("{path}{query}"), &json!({"serial": first})).refused(
            400,
            "validation_error",
            Some("dry_run"),
        );
    }
    tenant.client.post(&format!("{path}?dryrun=true"), &json!({"serial": first})).refused(
        400,
        "validation_error",
        Some("dryrun"),
    );
    let headers = [("content-type", "application/json"), ("if-match", "\"7\"")];
    let body = json!({"serial": first}).to_string();
    let moved = tenant.client.request("POST", &path, &headers, Some(body.as_bytes()));
    moved.refused(412, "precondition_failed", None);
    assert_eq!(
        (records(&tenant.client, &zone).as_array().unwrap().len(), versions(&tenant.client, &zone).len()),
        (1, 2)
    );
}

#[test]
fn a_rollback_is_a_version_that_says_where_it_went_and_can_be_undone() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let www = tenant.record(&zone, address("www", "192.0.2.1"));
    let then = versions(&tenant.client, &zone)[0]["serial"].clone();
    let before = records(&tenant.client, &zone);
    tenant.client.delete(&format!("/dns-records/{www}/")).expect(204);
    tenant.record(&zone, address("new", "192.0.2.2"));
    let after = records(&tenant.client, &zone);
    let undo = versions(&tenant.client, &zone)[0]["serial"].clone();

    let path = format!("/dns-zones/{zone}/rollback/");
    let answer = tenant.client.post(&format!("{path}?dry_run=true"), &json!({"serial": then}));
    assert_eq!(answer.header("etag"), Some(format!("\"{undo}\"").as_str()));
    let rehearsed = answer.expect(200);
    assert_eq!(
        (&rehearsed["serial"], &rehearsed["dry_run"], &rehearsed["changed"]),
        (&undo, &json!(true), &json!(true))
    );
    assert_eq!((records(&tenant.client, &zone), versions(&tenant.client, &zone).len()), (after.clone(), 4));

    // On the version that was read, once however often it is sent.
    let tag = format!("\"{undo}\"");
    let headers = [("content-type", "application/json"), ("if-match", tag.as_str()), ("idempotency-key", "back")];
    let body = json!({"serial": then, "comment": "the new one was wrong"}).to_string();
    let made = tenant.client.request("POST", &path, &headers, Some(body.as_bytes()));
    let repeated = tenant.client.request("POST", &path, &headers, Some(body.as_bytes()));
    assert_eq!((repeated.expect(200), repeated.header("idempotency-replayed")), (made.expect(200), Some("true")));
    assert_eq!(made.header("deployment"), Some("pending"));
    let made = made.expect(200);
    assert_eq!((&made["removed"], &made["added"]), (&rehearsed["removed"], &rehearsed["added"]));
    assert_eq!((&made["changed"], &made["dry_run"], &made["added"]), (&json!(true), &json!(false), &before));
    assert_eq!(records(&tenant.client, &zone), before, "UUID and time of creation too");

    let newest = versions(&tenant.client, &zone).remove(0);
    assert_eq!((&newest["serial"], &newest["source"]), (&made["serial"], &json!("rollback")));
    assert_eq!(newest["comment"], json!(format!("back to {then}: the new one was wrong")));
    assert_eq!(newest["author"]["token"], json!("ci"));

    let nothing = tenant.client.post(&path, &json!({"serial": then})).expect(200);
    assert_eq!((&nothing["serial"], &nothing["changed"]), (&made["serial"], &json!(false)));
    tenant.client.post(&path, &json!({"serial": undo})).expect(200);
    assert_eq!(records(&tenant.client, &zone), after);
}
