//! What changes of records do to the record, its RRset and its neighbours.

use serde_json::{Value, json};

use crate::server::{Server, Tenant};

fn read(tenant: &Tenant<'_>, id: &str) -> Value {
    tenant.client.get(&format!("/dns-records/{id}/")).expect(200)
}

fn patch(tenant: &Tenant<'_>, id: &str, body: Value) -> Value {
    tenant.client.patch(&format!("/dns-records/{id}/"), &body).expect(200)
}

#[test]
fn a_ttl_is_its_rrsets() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let a = |value: &str, ttl: Option<u32>| {
        tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": value, "ttl": ttl}))
    };
    let first = a("192.0.2.1", Some(300));
    let second = a("192.0.2.2", None);
    assert_eq!(read(&tenant, &second)["ttl"], 300, "it joins");
    a("192.0.2.3", Some(60));
    assert_eq!((&read(&tenant, &first)["ttl"], &read(&tenant, &second)["ttl"]), (&json!(60), &json!(60)));
    patch(&tenant, &first, json!({"value": "192.0.2.9"}));
    patch(&tenant, &first, json!({"value": "192.0.2.8", "ttl": null}));
    assert_eq!((&read(&tenant, &first)["ttl"], &read(&tenant, &second)["ttl"]), (&json!(60), &json!(60)));
    let put = json!({"record_type": "A", "name": "www", "value": "192.0.2.7"});
    let put = tenant.client.put(&format!("/dns-records/{first}/"), &put).expect(200);
    assert_eq!(put["ttl"], 60, "PUT without a TTL joins the others");
    let moved = patch(&tenant, &first, json!({"name": "alone"}));
    assert_eq!(moved["ttl"], 60, "and PATCH takes its own along");
}

#[test]
fn a_users_nameserver_at_the_apex_keeps_its_ttl_when_something_else_is_changed() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let ns = tenant.record(&zone, json!({"record_type": "NS", "name": "@", "value": "ns.example.org", "ttl": 300}));
    assert_eq!(patch(&tenant, &ns, json!({"value": "ns2.example.org"}))["ttl"], 300);
    let duplicate = json!({"record_type": "NS", "name": "@", "value": "ns1.zonewright.test"});
    tenant.client.post(&format!("/dns-zones/{zone}/records/"), &duplicate).refused(
        400,
        "validation_error",
        Some("value"),
    );
}

#[test]
fn a_change_of_type_takes_or_drops_the_priority() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let id =
        tenant.record(&zone, json!({"record_type": "MX", "name": "x", "value": "mail.example.com", "priority": 10}));
    let txt = patch(&tenant, &id, json!({"record_type": "TXT"}));
    assert_eq!((&txt["value"], &txt["priority"]), (&json!("mail.example.com"), &json!(null)));
    let back = patch(&tenant, &id, json!({"record_type": "MX", "priority": 7}));
    assert_eq!(back["priority"], 7);
    let srv = patch(&tenant, &id, json!({"record_type": "SRV", "value": "1 2 mail.example.com"}));
    assert_eq!(srv["priority"], 7, "kept, where both types have one");
    let path = format!("/dns-records/{id}/");
    tenant.client.patch(&path, &json!({"priority": null})).refused(400, "validation_error", Some("priority"));
    let body = json!({"record_type": "A", "value": "192.0.2.1", "priority": 1});
    tenant.client.patch(&path, &body).refused(400, "validation_error", Some("priority"));
    assert_eq!(read(&tenant, &id), srv);
    let a = patch(&tenant, &id, json!({"record_type": "A", "value": "192.0.2.1", "priority": null}));
    assert_eq!(a["priority"], json!(null));
    assert_eq!(patch(&tenant, &id, json!({})), a, "nothing to change");
}

#[test]
fn an_address_that_the_apex_needs_stays() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let address = tenant.record(&zone, json!({"record_type": "A", "name": "ns", "value": "192.0.2.1"}));
    let ns = tenant.record(&zone, json!({"record_type": "NS", "name": "@", "value": "ns.example.com"}));
    tenant.client.delete(&format!("/dns-records/{address}/")).refused(400, "validation_error", None);
    assert_eq!(tenant.client.delete(&format!("/dns-records/{ns}/")).status, 204);
    assert_eq!(tenant.client.delete(&format!("/dns-records/{address}/")).status, 204);
}

#[test]
fn the_read_only_members_may_come_back_in_part() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let id = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let record = read(&tenant, &id);
    let body = json!({"uuid": id.to_uppercase(), "zone": zone, "created_at": record["created_at"], "ttl": 60});
    assert_eq!(patch(&tenant, &id, body)["ttl"], 60);
}

#[test]
fn the_operator_may_narrow_ttls() {
    use crate::server::Setup;
    use dns::change::Limits;
    let limits = Limits { ttl_min: dns::Ttl::new(60).unwrap(), ..Limits::default() };
    let server = Server::with(Setup { limits, ..Setup::default() });
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let body = json!({"record_type": "A", "name": "www", "value": "192.0.2.1", "ttl": 59});
    tenant.client.post(&format!("/dns-zones/{zone}/records/"), &body).refused(400, "validation_error", Some("ttl"));
}
