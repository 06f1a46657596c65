//! The examples and the tables of the API's description, word by word.

use serde_json::json;
use store::Permission;

use crate::server::Server;

#[test]
fn the_example_of_a_missing_priority_is_answered_exactly() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let body = r#"{"record_type": "MX", "name": "@", "value": "mail.example.com"}"#;
    let answer = tenant.client.send("POST", &format!("/dns-zones/{zone}/records/"), Some(body));
    assert_eq!(answer.status, 400);
    let expected =
        r#"{"detail":"MX records require a priority value","error_code":"validation_error","field":"priority"}"#;
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
}

#[test]
fn zones_are_answered_as_the_table_says() {
    let server = Server::start();
    let tenant = server.tenant();
    assert_eq!(tenant.client.get("/dns-zones/").body, b"[]");

    let made = tenant.client.post("/dns-zones/", &json!({"domain": "NewDomain.COM."}));
    let body = made.expect(201);
    let id = body["uuid"].as_str().unwrap().to_owned();
    let created_at = body["created_at"].as_str().unwrap().to_owned();
    assert!(created_at.starts_with("2024-01-15T10:30:") && created_at.len() == 20 && created_at.ends_with('Z'));
    let text = String::from_utf8(made.body.clone()).unwrap();
    let head = format!(r#"{{"uuid":"{id}","domain":"newdomain.com","created_at":"{created_at}","record_count":"#);
    assert_eq!(text, format!("{head}0,\"records\":[]}}"));
    assert_eq!(made.header("location"), Some(format!("/api/v1/dns-zones/{id}/").as_str()));
    assert_eq!(made.header("content-type"), Some("application/json"));
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert_eq!(made.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(made.header("x-request-id").map(str::len), Some(36));

    tenant.record(&id, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let list = String::from_utf8(tenant.client.get("/dns-zones/").body).unwrap();
    assert_eq!(list, format!("[{head}1}}]"));
    let records = String::from_utf8(tenant.client.get(&format!("/dns-zones/{id}/records/")).body).unwrap();
    let whole = String::from_utf8(tenant.client.get(&format!("/dns-zones/{id}/")).body).unwrap();
    assert_eq!(whole, format!("{head}1,\"records\":{records}}}"));

    let gone = tenant.client.delete(&format!("/dns-zones/{id}/"));
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    tenant.client.get(&format!("/dns-zones/{id}/")).refused(404, "not_found", None);
    tenant.client.delete(&format!("/dns-zones/{id}/")).refused(404, "not_found", None);
    let again = tenant.client.post("/dns-zones/", &json!({"domain": "newdomain.com"})).expect(201);
    assert_ne!(again["uuid"], id.as_str(), "another zone under the same name");
}

#[test]
fn records_have_exactly_their_members_in_their_order() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let body = json!({"record_type": "mx", "name": "Example.com.", "value": "MAIL.example.com.", "priority": 10});
    let made = tenant.client.post(&format!("/dns-zones/{zone}/records/"), &body);
    let record = made.expect(201);
    let (id, time) = (record["uuid"].as_str().unwrap(), record["created_at"].as_str().unwrap());
    assert!(time.starts_with("2024-01-15T10:30:") && time.len() == 20);
    let members = format!(
        r#""uuid":"{id}","record_type":"MX","name":"@","value":"mail.example.com","ttl":3600,"priority":10,"created_at":"{time}""#
    );
    let text = |body: Vec<u8>| String::from_utf8(body).unwrap();
    assert_eq!(text(made.body.clone()), format!("{{{members}}}"));
    assert_eq!(made.header("location"), Some(format!("/api/v1/dns-records/{id}/").as_str()));
    let nested = tenant.client.get(&format!("/dns-zones/{zone}/records/"));
    assert_eq!(text(nested.body), format!("[{{{members}}}]"));
    let flat = format!("{{{members},\"zone\":\"{zone}\"}}");
    assert_eq!(text(tenant.client.get(&format!("/dns-records/{id}/")).body), flat);
    assert_eq!(text(tenant.client.get(&format!("/dns-records/?zone={zone}&record_type=MX")).body), format!("[{flat}]"));
    assert_eq!(text(tenant.client.get("/dns-records/").body), format!("[{flat}]"));
    let patched = tenant.client.patch(&format!("/dns-records/{id}/"), &json!({"ttl": 1800})).expect(200);
    assert_eq!((&patched["ttl"], &patched["zone"]), (&json!(1800), &json!(zone)));
    let put = json!({"record_type": "TXT", "name": "_dmarc", "value": "v=DMARC1; p=none"});
    let put = tenant.client.put(&format!("/dns-records/{id}/"), &put).expect(200);
    assert_eq!(put["ttl"], 3600, "PUT without a TTL means the default");
    assert_eq!((&put["priority"], &put["uuid"], &put["created_at"]), (&json!(null), &json!(id), &json!(time)));
    let gone = tenant.client.delete(&format!("/dns-records/{id}/"));
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    tenant.client.get(&format!("/dns-records/{id}/")).refused(404, "not_found", None);
    tenant.client.delete(&format!("/dns-records/{id}/")).refused(404, "not_found", None);
}

#[test]
fn every_type_of_the_table_is_made_and_answered_in_canonical_form() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let long = "é".repeat(30_000);
    for (record_type, name, value, priority, canonical_name, canonical) in [
        ("A", "www", "192.0.2.1", None, "www", "192.0.2.1"),
        ("aaaa", "WWW.example.com", "2001:0db8::1", None, "www", "2001:db8::1"),
        ("CNAME", "*", "Mail.Example.com.", None, "*", "mail.example.com"),
        ("MX", "none", ".", Some(0), "none", "."),
        ("TXT", "@", "v=spf1 include:_spf.google.com ~all", None, "@", "v=spf1 include:_spf.google.com ~all"),
        ("TXT", "quoted", "\"a\" \"b\"", None, "quoted", "\"a\" \"b\""),
        ("TXT", "inside", "say \"hi\" \u{1f980}", None, "inside", "say \"hi\" \u{1f980}"),
        ("TXT", "long", &long, None, "long", &long),
        ("NS", "sub", "ns.example.org", None, "sub", "ns.example.org"),
        ("SRV", "_sip._tcp", "10 5060 sip.example.com", Some(5), "_sip._tcp", "10 5060 sip.example.com"),
        ("CAA", "@", "0 issue \"letsencrypt.org\"", None, "@", "0 issue \"letsencrypt.org\""),
        ("A", "bücher", "192.0.2.1", None, "xn--bcher-kva", "192.0.2.1"),
        ("A", "a\\.b", "192.0.2.1", None, "a\\.b", "192.0.2.1"),
    ] {
        let body = json!({"record_type": record_type, "name": name, "value": value, "priority": priority, "ttl": null, "zone": zone});
        let made = tenant.client.post("/dns-records/", &body).expect(201);
        assert_eq!(made["record_type"], record_type.to_uppercase());
        assert_eq!((&made["name"], &made["value"]), (&json!(canonical_name), &json!(canonical)));
        assert_eq!((&made["priority"], &made["ttl"], &made["zone"]), (&json!(priority), &json!(3600), &json!(zone)));
        let path = format!("/dns-records/{}/", made["uuid"].as_str().unwrap());
        assert_eq!(tenant.client.put(&path, &made).expect(200), made, "what was read may be sent back");
        assert_eq!(tenant.client.patch(&path, &made).expect(200), made);
    }
}

#[test]
fn the_account_and_the_token_are_shown() {
    let server = Server::start();
    let tenant = server.tenant();
    let expires = "2024-03-01T00:00:00Z";
    let token = server.token(tenant.account, &[Permission::List, Permission::Create], Some(expires.parse().unwrap()));
    let me = server.client(Some(token)).get("/account/me/").expect(200);
    let account = json!({
        "email": "tenant0@example.net", "first_name": "Ada", "last_name": "Lovelace", "company_name": "Engines Ltd",
        "created_at": "2024-01-15"
    });
    assert_eq!(me["account"], account);
    assert_eq!(me["token"]["name"], "ci");
    assert_eq!(me["token"]["permissions"], json!(["dns:list", "dns:create"]));
    assert_eq!(me["token"]["expires_at"], expires);
    let text = me.to_string();
    let order = ["account", "email", "first_name", "last_name", "company_name", "created_at"];
    assert_eq!(me["account"].as_object().unwrap().len(), order.len() - 1);
    assert_eq!(me["token"].as_object().unwrap().len(), 5, "{text}");
    let star = tenant.client.get("/account/me/").expect(200);
    assert_eq!(star["token"]["permissions"], json!(["dns:*"]));
    assert_eq!(star["token"]["expires_at"], json!(null));
}

#[test]
fn zone_names_are_refused_as_the_contract_says() {
    let server = Server::start();
    let (tenant, stranger) = (server.tenant(), server.tenant());
    tenant.zone("example.com");
    tenant.zone("deep.sub.example.org");
    for (client, domain, detail) in [
        (&tenant, "example.com", "zone already exists"),
        (&stranger, "EXAMPLE.com.", "zone already exists"),
        (&stranger, "www.example.com", "a zone above or below this one belongs to another account"),
        (&stranger, "example.org", "a zone above or below this one belongs to another account"),
        (&tenant, "com", "top-level"),
        (&tenant, "co.uk", "public suffix"),
        (&tenant, "exa mple.com", ""),
        (&tenant, "", ""),
        (&tenant, "a..example", ""),
    ] {
        let (code, field, got) = client.client.post("/dns-zones/", &json!({ "domain": domain })).error(400);
        assert_eq!((code.as_str(), field.as_deref()), ("validation_error", Some("domain")), "{domain}");
        assert!(got.contains(detail), "{domain}: {got}");
        assert!(detail != "zone already exists" || got == detail, "clients compare these words: {got}");
        assert!(!got.contains("tenant0"), "whose it is stays untold");
    }
    tenant.zone("below.example.com");
    let made = tenant.client.post("/dns-zones/", &json!({"domain": "bücher.example"})).expect(201);
    assert_eq!(made["domain"], "xn--bcher-kva.example");
    for filter in ["b%C3%BCcher.example", "XN--BCHER-KVA.example.", "b%C3%9Ccher.EXAMPLE"] {
        let found = tenant.client.get(&format!("/dns-zones/?domain={filter}")).expect(200);
        assert_eq!(found[0]["uuid"], made["uuid"], "{filter}");
    }
    assert_eq!(tenant.client.get("/dns-zones/?domain=example.net").body, b"[]");
    assert_eq!(tenant.client.get("/dns-zones/?domain=com").body, b"[]");
    tenant.client.get("/dns-zones/?domain=a..b").refused(400, "validation_error", Some("domain"));
}
