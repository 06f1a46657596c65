//! What is set for a zone as a whole.

use serde_json::json;

use crate::server::Server;

#[test]
fn settings_out_of_bounds_are_refused_by_name() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = format!("/dns-zones/{}/", tenant.zone("example.com"));
    for (body, field) in [
        (json!({"refresh": 59}), "refresh"),
        (json!({"refresh": 2_592_001}), "refresh"),
        (json!({"retry": 0}), "retry"),
        (json!({"expire": 86_399}), "expire"),
        (json!({"minimum": 86_401}), "minimum"),
        (json!({"minimum": "60"}), "minimum"),
        (json!({"default_ttl": 4_294_967_295_u32}), "default_ttl"),
        (json!({"expire": 90_000, "refresh": 86_400, "retry": 3_600}), "expire"),
        (json!({"comment": "a\nb"}), "comment"),
        (json!({"comment": "\u{feff}a"}), "comment"),
        (json!({"comment": 7}), "comment"),
        (json!({"domain": "example.org"}), "domain"),
    ] {
        tenant.client.patch(&zone, &body).refused(400, "validation_error", Some(field));
    }
    let history = tenant.client.get(&format!("{zone}history/")).expect(200);
    assert_eq!(history.as_array().unwrap().len(), 1);
}

#[test]
fn settings_are_versions_of_the_zone() {
    let server = Server::start();
    let tenant = server.tenant();
    let id = tenant.zone("example.com");
    let zone = format!("/dns-zones/{id}/");
    let settings = format!("{zone}settings/");
    let defaults = json!({"default_ttl": 3600, "refresh": 3600, "retry": 600, "expire": 1_209_600, "minimum": 300, "comment": null});
    let first = tenant.client.get(&settings);
    assert_eq!(first.expect(200), defaults);
    let tag = first.header("etag").unwrap().to_owned();

    let body = json!({"default_ttl": 300, "refresh": 7200, "comment": "the shop"});
    let patched = tenant.client.patch(&zone, &body);
    let expected = json!({"default_ttl": 300, "refresh": 7200, "retry": 600, "expire": 1_209_600, "minimum": 300, "comment": "the shop"});
    assert_eq!(patched.expect(200), expected);
    let now = tenant.client.get(&settings);
    assert_eq!((now.expect(200), now.header("etag")), (expected.clone(), patched.header("etag")));
    assert_ne!(now.header("etag"), Some(tag.as_str()));
    let unchanged = tenant.client.patch(&zone, &json!({"refresh": 7200}));
    assert_eq!(
        (unchanged.expect(200), unchanged.header("etag")),
        (expected, now.header("etag")),
        "no version for nothing"
    );

    let stale = [("content-type", "application/json"), ("if-match", tag.as_str())];
    let stale = tenant.client.request("PATCH", &zone, &stale, Some(b"{\"retry\": 60}"));
    stale.refused(412, "precondition_failed", None);

    let record = json!({"record_type": "A", "name": "www", "value": "192.0.2.1"});
    let made = tenant.client.post(&format!("{zone}records/"), &record).expect(201);
    assert_eq!(made["ttl"], 300, "the zone's default");
    let nulls = json!({"default_ttl": null, "refresh": null, "comment": null});
    assert_eq!(tenant.client.patch(&zone, &nulls).expect(200), defaults);
    let path = format!("/dns-records/{}/", made["uuid"].as_str().unwrap());
    assert_eq!(tenant.client.get(&path).expect(200)["ttl"], 300, "what was made stays as it was made");
    let changes = json!({"changes": [
        {"action": "create", "record_type": "A", "name": "www", "value": "192.0.2.2"},
        {"action": "upsert_rrset", "record_type": "A", "name": "new", "records": [{"value": "192.0.2.2"}]},
    ]});
    let made = tenant.client.post(&format!("{zone}changes/"), &changes).expect(200);
    let mut ttls: Vec<_> =
        made["added"].as_array().unwrap().iter().map(|record| record["ttl"].as_u64().unwrap()).collect();
    ttls.sort_unstable();
    assert_eq!(ttls, [300, 3600], "it joins the RRset, or gets the default");
}
