//! Random bodies: whatever comes, the answer is one that is documented, and never a 500.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::server::Server;

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..70_000u32).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z@*._\\\\\"; 0-9-]{0,24}".prop_map(Value::from),
    ]
}

/// Values that get past the first checks more often than chance would have it.
fn likely(member: &'static str) -> BoxedStrategy<Value> {
    let choose = |texts: &'static [&'static str]| proptest::sample::select(texts).prop_map(Value::from).boxed();
    let good = match member {
        "record_type" => choose(&["A", "AAAA", "CNAME", "MX", "TXT", "NS", "SRV", "CAA", "SOA", "mx"]),
        "name" => choose(&["@", "www", "*", "a.b", "_dmarc", "example.com", "www.example.com.", "\\000", "bücher"]),
        "value" => choose(&[
            "192.0.2.1",
            "::1",
            "mail.example.com",
            "@",
            ".",
            "10 5060 sip.example.com",
            "0 issue \"ca.example\"",
            "\"a\" \"b\"",
            "\"",
            "",
        ]),
        "domain" => choose(&["example.net", "bücher.example", "com", "a..b", "*.example.net"]),
        _ => (0..4_000_000_000u64).prop_map(Value::from).boxed(),
    };
    prop_oneof![3 => good, 1 => scalar()].boxed()
}

fn object(members: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let known = members.iter().map(|member| proptest::option::weighted(0.8, likely(member))).collect::<Vec<_>>();
    let unknown = proptest::option::weighted(0.1, (any::<String>(), scalar()));
    (known, unknown).prop_map(move |(values, unknown)| {
        let mut object = serde_json::Map::new();
        for (member, value) in members.iter().zip(values) {
            object.extend(value.map(|value| ((*member).to_owned(), value)));
        }
        object.extend(unknown);
        Value::Object(object)
    })
}

#[test]
fn no_body_makes_the_server_fail() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let record = tenant.record(&zone, json!({"record_type": "A", "name": "www", "value": "192.0.2.1"}));
    let members = &["record_type", "name", "value", "ttl", "priority"];
    let request = prop_oneof![
        object(&["domain"]).prop_map(|body| ("POST", 0, body)),
        object(members).prop_map(|body| ("POST", 1, body)),
        object(members).prop_map(|body| ("PATCH", 2, body)),
        object(members).prop_map(|body| ("PUT", 2, body)),
        scalar().prop_map(|body| ("PATCH", 2, body)),
    ];
    let paths = ["/dns-zones/".to_owned(), format!("/dns-zones/{zone}/records/"), format!("/dns-records/{record}/")];
    let config = Config { cases: 1500, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&request, |(method, path, body)| {
            let answer = tenant.client.send(method, &paths[path], Some(&body.to_string()));
            match answer.status {
                200 | 201 => {}
                400 => {
                    answer.error(400);
                }
                status => prop_assert!(false, "{status} for {body}"),
            }
            Ok(())
        })
        .unwrap();
    tenant.client.get(&format!("/dns-zones/{zone}/")).expect(200);
}
