//! Everything that is refused, with its code and its field, and everything that fails.

use std::time::Instant;

use axum::Router;
use axum::routing::get;
use serde_json::json;

use api::Settings;
use store::Permission;

use crate::server::{PATIENCE, Server, Setup};

#[test]
fn members_are_refused_by_name() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let nested = format!("/dns-zones/{zone}/records/");
    let record = format!(
        "/dns-records/{}/",
        tenant.record(&zone, json!({"record_type": "A", "name": "a", "value": "192.0.2.1"}))
    );
    let a = |more: &str| format!(r#"{{"record_type": "A", "name": "www", "value": "192.0.2.1"{more}}}"#);
    let mx = |more: &str| format!(r#"{{"record_type": "MX", "name": "www", "value": "mail.example.com"{more}}}"#);
    for (method, path, body, field) in [
        ("POST", "/dns-zones/", "{}".to_owned(), "domain"),
        ("POST", "/dns-zones/", r#"{"domain": 7}"#.to_owned(), "domain"),
        ("POST", "/dns-zones/", r#"{"domain": null}"#.to_owned(), "domain"),
        ("POST", "/dns-zones/", r#"{"domain": "a.example", "name": "b"}"#.to_owned(), "name"),
        ("POST", "/dns-zones/", r#"{"domain": "a.example", "domain": "a.example"}"#.to_owned(), "domain"),
        ("POST", &nested, r#"{"name": "www", "value": "192.0.2.1"}"#.to_owned(), "record_type"),
        ("POST", &nested, r#"{"record_type": "A", "value": "192.0.2.1"}"#.to_owned(), "name"),
        ("POST", &nested, r#"{"record_type": "A", "name": "www"}"#.to_owned(), "value"),
        ("POST", &nested, r#"{"record_type": "A", "name": "www", "value": ["192.0.2.1"]}"#.to_owned(), "value"),
        ("POST", &nested, r#"{"record_type": "SOA", "name": "@", "value": "x"}"#.to_owned(), "record_type"),
        ("POST", &nested, r#"{"record_type": "BOGUS", "name": "@", "value": "x"}"#.to_owned(), "record_type"),
        (
            "POST",
            &nested,
            r#"{"record_type": "A", "name": "www.example.org.", "value": "192.0.2.1"}"#.to_owned(),
            "name",
        ),
        ("POST", &nested, r#"{"record_type": "A", "name": "", "value": "192.0.2.1"}"#.to_owned(), "name"),
        ("POST", &nested, r#"{"record_type": "A", "name": "www", "value": "192.0.2.256"}"#.to_owned(), "value"),
        ("POST", &nested, r#"{"record_type": "CNAME", "name": "@", "value": "a.example.org"}"#.to_owned(), "name"),
        ("POST", &nested, r#"{"record_type": "CNAME", "name": "a", "value": "a.example.org"}"#.to_owned(), "name"),
        ("POST", &nested, r#"{"record_type": "NS", "name": "*", "value": "a.example.org"}"#.to_owned(), "name"),
        ("POST", &nested, r#"{"record_type": "NS", "name": "@", "value": "ns.example.com"}"#.to_owned(), "value"),
        ("POST", &nested, r#"{"record_type": "A", "name": "A", "value": "192.0.2.1"}"#.to_owned(), "value"),
        ("POST", &nested, r#"{"record_type": "MX", "name": "@", "value": "mail", "priority": 1}"#.to_owned(), "value"),
        ("POST", &nested, a(r#", "ttl": true"#), "ttl"),
        ("POST", &nested, a(r#", "ttl": 1.0"#), "ttl"),
        ("POST", &nested, a(r#", "ttl": 1e3"#), "ttl"),
        ("POST", &nested, a(r#", "ttl": "3600""#), "ttl"),
        ("POST", &nested, a(r#", "ttl": -1"#), "ttl"),
        ("POST", &nested, a(r#", "ttl": 2147483648"#), "ttl"),
        ("POST", &nested, a(r#", "ttl": 99999999999999999999"#), "ttl"),
        ("POST", &nested, a(r#", "priority": 1"#), "priority"),
        ("POST", &nested, a(r#", "comment": "x""#), "comment"),
        ("POST", &nested, a(r#", "uuid": "x""#), "uuid"),
        ("POST", &nested, a(r#", "TTL": 60"#), "TTL"),
        ("POST", &nested, mx(r#", "priority": null"#), "priority"),
        ("POST", &nested, mx(r#", "priority": "10""#), "priority"),
        ("POST", &nested, mx(r#", "priority": 65536"#), "priority"),
        ("POST", &nested, mx(r#", "priority": 65537"#), "priority"),
        ("POST", "/dns-records/", a(""), "zone"),
        ("POST", "/dns-records/", a(r#", "zone": 1"#), "zone"),
        ("POST", "/dns-records/", a(r#", "zone": "example.com""#), "zone"),
        ("PUT", &record, r#"{"value": "192.0.2.1"}"#.to_owned(), "record_type"),
        ("PUT", &record, a(r#", "uuid": "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000""#), "uuid"),
        ("PATCH", &record, r#"{"uuid": "x"}"#.to_owned(), "uuid"),
        ("PATCH", &record, r#"{"zone": "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000"}"#.to_owned(), "zone"),
        ("PATCH", &record, r#"{"created_at": "2024-01-15T10:30:00.5Z"}"#.to_owned(), "created_at"),
        ("PATCH", &record, r#"{"record_count": 1}"#.to_owned(), "record_count"),
        ("PATCH", &record, r#"{"name": null}"#.to_owned(), "name"),
        ("PATCH", &record, r#"{"record_type": "MX"}"#.to_owned(), "priority"),
        ("PATCH", &record, r#"{"priority": 5}"#.to_owned(), "priority"),
    ] {
        let answer = tenant.client.send(method, path, Some(&body));
        let (code, got, detail) = answer.error(400);
        assert_eq!((code.as_str(), got.as_deref()), ("validation_error", Some(field)), "{body}: {detail}");
    }
    assert_eq!(tenant.client.get(&nested).expect(200).as_array().unwrap().len(), 1, "nothing was stored");
}

#[test]
fn bodies_that_are_no_json_object_are_refused() {
    let server =
        Server::with(Setup { settings: Settings { body_limit: 4096, ..Settings::default() }, ..Setup::default() });
    let tenant = server.tenant();
    let json = [("content-type", "application/json; charset=utf-8")];
    let post =
        |headers: &[(&str, &str)], body: &[u8]| tenant.client.request("POST", "/dns-zones/", headers, Some(body));
    for body in
        [&b""[..], b" ", b"{", b"{\"domain\": \"\xff.example\"}", b"{'domain': 1}", b"{\"domain\": \"a.example\"} x"]
    {
        post(&json, body).refused(400, "invalid_json", None);
    }
    let (_, _, detail) = post(&json, b"{\n \"domain\": nonsense}").error(400);
    assert!(detail.contains("at line 2 column "), "{detail}");
    let deep = "[".repeat(2000);
    post(&json, format!("{{\"domain\": {deep}").as_bytes()).refused(400, "invalid_json", None);
    for body in [&b"[]"[..], b"\"a\"", b"1", b"null", b"[{\"domain\": \"a.example\"}]"] {
        post(&json, body).refused(400, "validation_error", None);
    }
    let good = b"{\"domain\": \"media.example\"}";
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/json; charset=utf-16")],
        &[("content-type", "application/json"), ("content-encoding", "gzip")],
    ] {
        post(headers, good).refused(415, "unsupported_media_type", None);
    }
    post(&[("content-type", "APPLICATION/JSON")], good).expect(201);
    let marked = "\u{feff}{\"domain\": \"marked.example\"}";
    post(&[("content-type", "application/json; charset=utf8")], marked.as_bytes()).expect(201);
    let large = vec![b' '; 4097];
    post(&json, &large).refused(413, "payload_too_large", None);
    let chunked = [json[0], ("transfer-encoding", "chunked")];
    post(&chunked, &large).refused(413, "payload_too_large", None);
    let padded = [&b"{\"domain\": \"padded.example\"}"[..], &vec![b' '; 4096 - 28]].concat();
    assert_eq!(padded.len(), 4096);
    post(&json, &padded).expect(201);
}

#[test]
fn a_large_body_does_not_cost_the_client_its_answer() {
    let server = Server::start();
    let tenant = server.tenant();
    let body = vec![b' '; 5 * 1024 * 1024];
    let json = [("content-type", "application/json")];
    tenant.client.request("POST", "/dns-zones/", &json, Some(&body)).refused(413, "payload_too_large", None);
    server.client(None).request("POST", "/dns-zones/", &json, Some(&body)).refused(401, "authentication_failed", None);
    tenant.client.request("POST", "/nothing/", &json, Some(&body)).refused(404, "not_found", None);
}

#[test]
fn unknown_paths_are_json_everywhere() {
    let more = Router::new().route("/healthz", get(async || "ok"));
    let server = Server::with(Setup { more, ..Setup::default() });
    let client = server.client(None);
    for path in
        ["//", "//api/v1", "//api", "/", "/dns-zone/", "/dns-zones/x/y/", "//favicon.ico", "/dns-zones/1/records/2/"]
    {
        client.get(path).refused(404, "not_found", None);
        client.send("BREW", path, None).refused(404, "not_found", None);
    }
    let healthy = client.get("//healthz");
    assert_eq!((healthy.status, healthy.body.as_slice()), (200, &b"ok"[..]));
    assert!(healthy.header("x-request-id").is_some(), "of other routers too");
    let wrong = client.send("DELETE", "//healthz", None);
    wrong.refused(405, "method_not_allowed", None);
    assert_eq!(wrong.header("allow"), Some("GET,HEAD"));
    let ids = [client.get("/"), client.get("/")].map(|answer| answer.header("x-request-id").unwrap().to_owned());
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_panic_is_a_500_that_tells_nothing() {
    let more = Router::new().route("/panic", get(async || -> () { panic!("the inside") }));
    let server = Server::with(Setup { more, ..Setup::default() });
    let client = server.client(None);
    let answer = client.get("//panic");
    answer.refused(500, "internal_error", None);
    assert!(!String::from_utf8_lossy(&answer.body).contains("inside"));
    client.get("//panic").refused(500, "internal_error", None);
    client.get("/account/me/").refused(401, "authentication_failed", None);
}

#[test]
fn a_closed_store_is_answered_as_unavailable() {
    let server = Server::start();
    let tenant = server.tenant();
    tenant.zone("example.com");
    server.runtime.block_on(server.store.close());
    let answer = tenant.client.post("/dns-zones/", &json!({"domain": "example.net"}));
    answer.refused(503, "unavailable", None);
}

#[test]
fn failed_authentications_are_limited_and_good_tokens_are_not() {
    let settings = Settings { failed_auth_burst: 3, failed_auth_per_second: 1, ..Settings::default() };
    let server = Server::with(Setup { settings, ..Setup::default() });
    let tenant = server.tenant();
    let guessing = server.client(Some(format!("vps_{}", "A".repeat(43))));
    for _ in 0..3 {
        guessing.get("/dns-zones/").refused(401, "authentication_failed", None);
    }
    let limited = guessing.get("/dns-zones/");
    limited.refused(429, "rate_limited", None);
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait));
    assert_eq!(limited.header("ratelimit-limit"), Some("3"));
    assert_eq!(limited.header("ratelimit-remaining"), Some("0"));
    assert_eq!(limited.header("ratelimit-reset"), limited.header("retry-after"));
    server.client(None).get("/account/me").refused(429, "rate_limited", None);
    for _ in 0..20 {
        tenant.client.get("/dns-zones/").expect(200);
    }
}

#[test]
fn queries_are_refused_by_parameter() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    for (path, field) in [
        ("/dns-zones/?page_size=0", "page_size"),
        ("/dns-zones/?page_size=1001", "page_size"),
        ("/dns-zones/?page_size=", "page_size"),
        ("/dns-zones/?page_size=%2B5", "page_size"),
        ("/dns-zones/?page_size=ten", "page_size"),
        ("/dns-zones/?page_size=-1", "page_size"),
        ("/dns-zones/?cursor=", "cursor"),
        ("/dns-zones/?cursor=abc", "cursor"),
        ("/dns-zones/?cursor=r0192aaaabbbb7ccc8dddeeeeffff0000", "cursor"),
        ("/dns-zones/?search=x", "search"),
        ("/dns-zones/?domain=a.example&domain=b.example", "domain"),
        ("/dns-records/?zone=1", "zone"),
        ("/dns-records/?record_type=BOGUS", "record_type"),
        ("/dns-records/?type=MX", "type"),
        ("/dns-records/?name=a..b", "name"),
        ("/account/me/?x=1", "x"),
        (&format!("/dns-zones/{zone}/?x=1"), "x"),
        (&format!("/dns-zones/{zone}/records/?cursor=z"), "cursor"),
        (&format!("/dns-records/?zone={zone}&name=www.example.org."), "name"),
    ] {
        let (code, got, detail) = tenant.client.get(path).error(400);
        assert_eq!((code.as_str(), got.as_deref()), ("validation_error", Some(field)), "{path}: {detail}");
    }
}

#[test]
fn an_account_that_changed_as_much_as_it_may_today_is_told_when_the_next_day_begins() {
    let policy = store::Policy { changes_per_day: Some(4), ..store::Policy::default() };
    let server = Server::with(Setup { policy, ..Setup::default() });
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let nested = format!("/dns-zones/{zone}/records/");
    let a = |name: &str| json!({"record_type": "A", "name": name, "value": "192.0.2.1"});
    let record = tenant.record(&zone, a("a"));
    let key = [("content-type", "application/json"), ("idempotency-key", "once")];
    for _ in 0..3 {
        // Done once, and counted once.
        tenant.client.request("POST", &nested, &key, Some(a("b").to_string().as_bytes())).expect(201);
    }
    let create = |name: &str| json!({"action": "create", "record_type": "A", "name": name, "value": "192.0.2.1"});
    let two = json!({"changes": [create("c"), create("d")]});
    let changes = format!("/dns-zones/{zone}/changes/");
    let too_many = tenant.client.post(&changes, &two);
    too_many.refused(429, "rate_limited", None);
    // 10:30 in UTC, and the time that the test took.
    let wait: u64 = too_many.header("retry-after").unwrap().parse().unwrap();
    assert!((48_500..=48_600).contains(&wait), "{wait}");
    assert_eq!(too_many.header("ratelimit-limit"), Some("4"));
    assert_eq!(too_many.header("ratelimit-remaining"), Some("1"));
    assert!(too_many.header("ratelimit-reset").is_some());
    tenant.client.delete(&format!("/dns-records/{record}/")).expect(204);
    for answer in [
        tenant.client.post("/dns-zones/", &json!({"domain": "other.example"})),
        tenant.client.post(&nested, &a("e")),
        tenant.client.patch(&format!("/dns-zones/{zone}/"), &json!({"default_ttl": 60})),
        tenant.client.delete(&format!("/dns-zones/{zone}/")),
    ] {
        answer.refused(429, "rate_limited", None);
        assert_eq!(answer.header("ratelimit-remaining"), Some("0"));
    }
    let other = server.tenant();
    other.zone("another.example");
    assert_eq!(tenant.client.get(&nested).expect(200).as_array().unwrap().len(), 1);
}

#[test]
fn an_account_that_stored_as_much_as_it_may_can_only_delete() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let serial =
        || tenant.client.get(&format!("/dns-zones/{zone}/history/?page_size=1")).expect(200)[0]["serial"].clone();
    let first = serial();
    let a = |name: &str, value: &str| json!({"record_type": "A", "name": name, "value": value});
    let (one, two) = (tenant.record(&zone, a("one", "192.0.2.1")), tenant.record(&zone, a("two", "192.0.2.1")));
    let full = serial();
    tenant.client.patch(&format!("/dns-records/{one}/"), &json!({"value": "192.0.2.2"})).expect(200);
    let limits = store::AccountLimits { stored_records: Some(3), ..store::AccountLimits::default() };
    let by = store::Actor::command_line();
    server.runtime.block_on(server.store.operator(by).set_limits(tenant.account, limits)).unwrap();

    let (path, nested) = (format!("/dns-zones/{zone}"), format!("/dns-zones/{zone}/records/"));
    let file = [("content-type", "text/dns")];
    let create = json!({"action": "create", "record_type": "A", "name": "three", "value": "192.0.2.1"});
    let refusals = [
        tenant.client.post(&nested, &a("three", "192.0.2.1")),
        tenant.client.patch(&format!("/dns-records/{one}/"), &json!({"value": "192.0.2.3"})),
        tenant.client.put(&format!("/dns-records/{one}/"), &a("one", "192.0.2.3")),
        tenant.client.post(&format!("{path}/changes/"), &json!({"changes": [create]})),
        tenant.client.post(&format!("{path}/changes/?dry_run=true"), &json!({"changes": [create]})),
        tenant.client.request("PUT", &format!("{path}/zonefile/"), &file, Some(b"three 60 A 192.0.2.1\n")),
        tenant.client.post(&format!("{path}/rollback/"), &json!({"serial": full})),
    ];
    for answer in refusals {
        let refusal = answer.expect(400);
        assert_eq!(refusal["error_code"], "validation_error");
        let reason = "This account may have at most 3 records in all kept versions of its zones";
        assert!(refusal["detail"].as_str().unwrap().contains(reason), "{refusal}");
    }
    assert_eq!(tenant.client.get(&nested).expect(200).as_array().unwrap().len(), 2);
    tenant.client.patch(&format!("{path}/"), &json!({"default_ttl": 60})).expect(200);
    tenant.client.delete(&format!("/dns-records/{two}/")).expect(204);
    tenant.client.post(&format!("{path}/rollback/"), &json!({"serial": first})).expect(200);
    tenant.zone("example.net");
    tenant.client.delete(&format!("{path}/")).expect(204);
}

#[test]
fn requests_of_an_account_are_limited_where_the_operator_says_so() {
    let settings = Settings { requests_per_second: Some(1), ..Settings::default() };
    let server = Server::with(Setup { settings, ..Setup::default() });
    let (tenant, other) = (server.tenant(), server.tenant());
    let second_token = tenant.with(&[Permission::List]);
    let started = Instant::now();
    let refused = loop {
        assert!(started.elapsed() < PATIENCE, "no request was refused");
        let answers = [tenant.client.get("/dns-zones/"), second_token.get("/dns-zones/")];
        if let Some(refused) = answers.into_iter().find(|answer| answer.status != 200) {
            break refused;
        }
    };
    refused.refused(429, "rate_limited", None);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("ratelimit-limit"), Some("1"));
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    assert_eq!(other.client.get("/dns-zones/").status, 200, "another account is not limited");
}
