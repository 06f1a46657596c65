//! Names and values that look sound to a nameserver and are not: what is refused, and what is accepted with a warning.

use serde_json::{Value, json};

use crate::server::Server;

#[test]
fn networks_urls_and_numbers_are_no_zones() {
    let server = Server::start();
    let tenant = server.tenant();
    for (domain, says) in [
        ("192.0.2.0/24", "2.0.192.in-addr.arpa"),
        ("192.0.2", "2.0.192.in-addr.arpa"),
        ("255.255", "255.255.in-addr.arpa"),
        ("2001:db8::/32", "8.b.d.0.1.0.0.2.ip6.arpa"),
        ("example.123", "ends with a number"),
        ("example.com/", "enter only the name, example.com"),
        ("www.example.com/index", "enter only the name, www.example.com"),
        ("https://example.com", "enter only the name, example.com"),
        ("0/25.example.com", "below in-addr.arpa"),
        ("exam\u{200b}ple.com", "U+200B"),
        ("\u{202e}example.com", "U+202E"),
    ] {
        let (code, field, detail) = tenant.client.post("/dns-zones/", &json!({"domain": domain})).error(400);
        assert_eq!((code.as_str(), field.as_deref()), ("validation_error", Some("domain")), "{domain}: {detail}");
        assert!(detail.contains(says), "{domain}: {detail}");
    }
    tenant.zone("0/25.2.0.192.in-addr.arpa");
}

#[test]
fn what_is_no_host_is_refused_where_a_host_is_needed() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let path = format!("/dns-zones/{zone}/records/");
    let names = ["https://x.example/", "mail.example.com:25", "*.x.example", "ns1.x.example/24", "192.0.2.1"];
    for name in names {
        for (record_type, value) in [
            ("MX", name.to_owned()),
            ("NS", name.to_owned()),
            ("SRV", format!("1 443 {name}")),
            ("AFSDB", format!("1 {name}")),
            ("KX", format!("1 {name}")),
            ("LP", format!("1 {name}")),
            ("HTTPS", format!("1 {name}")),
            ("SVCB", format!("0 {name}")),
            ("NAPTR", format!("1 1 \"\" \"\" \"\" {name}")),
            ("IPSECKEY", format!("10 3 2 {name} AQ==")),
            ("AMTRELAY", format!("10 0 3 {name}")),
            ("HIP", format!("2 00 AA== {name}")),
        ] {
            let priority = matches!(record_type, "MX" | "SRV").then_some(10);
            let record = json!({"record_type": record_type, "name": "x", "value": value, "priority": priority});
            let (_, field, detail) = tenant.client.post(&path, &record).error(400);
            assert_eq!(field.as_deref(), Some("value"), "{record_type} {value}: {detail}");
        }
    }
    for (record_type, name) in [("CNAME", "c"), ("PTR", "p")] {
        tenant.record(&zone, json!({"record_type": record_type, "name": name, "value": "*.x.example"}));
    }
}

#[test]
fn plain_text_of_spf_is_one_string() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let id = tenant.record(&zone, json!({"record_type": "SPF", "name": "@", "value": "v=spf1 mx -all"}));
    assert_eq!(tenant.client.get(&format!("/dns-records/{id}/")).expect(200)["value"], json!("\"v=spf1 mx -all\""));
}

#[test]
fn a_zone_file_is_read_as_it_is_meant_with_notes() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    let text = "$TTL 300\nbücher 60 A 192.0.2.1\nc CNAME bücher\n_sip._tls.@ SRV 1 2 443 sip.example.org.\n\
                host [AGE:3637620] 1200 A 192.0.2.2\n";
    let headers = [("content-type", "text/dns")];
    let path = format!("/dns-zones/{zone}/zonefile/");
    let answer = tenant.client.request("PUT", &path, &headers, Some(text.as_bytes())).expect(200);
    let lines: Vec<&Value> = answer["notes"].as_array().unwrap().iter().map(|note| &note["line"]).collect();
    assert_eq!(lines, [2, 3, 4, 5], "{answer}");
    let records = tenant.client.get(&format!("/dns-zones/{zone}/records/")).expect(200);
    let mut names: Vec<&str> =
        records.as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["_sip._tls", "c", "host", "xn--bcher-kva"]);
    assert!(
        records.as_array().unwrap().iter().any(|record| record["value"] == "xn--bcher-kva.example.com"),
        "{records}"
    );
}

#[test]
fn what_is_accepted_and_does_not_work_is_warned_of() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("dev.example");
    let create = |record_type: &str, name: &str, value: &str| {
        let priority = matches!(record_type, "MX" | "SRV").then_some(0);
        json!({"action": "create", "record_type": record_type, "name": name, "value": value, "priority": priority})
    };
    let changes = json!([
        create("MX", "m", "."),
        create("MX", "m", "mx.example.org"),
        create("SRV", "s", "0 0 ."),
        create("SRV", "s", "1 1 srv.example.org"),
        create("CAA", "q", "0 issue \u{201c}ca.example\u{201d}"),
        create("CAA", "t", "0 isue ca.example.org"),
        create("CAA", "u", "0 issue https://ca.example.org"),
        create("HTTPS", "h", "1 . alpn=\"h2, h3\""),
        create("CNAME", "l", "l.dev.example"),
        create("A", "x.dev.example.dev.example", "192.0.2.1"),
        create("TXT", "_dmarc", "v=DMARC1; p=nonee"),
        create("TXT", "f", "v=spf1 mx ~al"),
        create("CNAME", "n", "https://x.example/"),
        create("PTR", "p", "*.x.example"),
    ]);
    let answer = tenant
        .client
        .post(&format!("/dns-zones/{zone}/changes/?dry_run=true"), &json!({"changes": changes}))
        .expect(200);
    let mut found: Vec<(&str, &str)> = answer["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| (warning["name"].as_str().unwrap(), warning["code"].as_str().unwrap()))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("_dmarc", "dmarc-syntax"),
            ("f", "spf-syntax"),
            ("h", "alpn-space"),
            ("l", "cname-loop"),
            ("m", "null-mx-not-alone"),
            ("n", "not-a-host-name"),
            ("p", "not-a-host-name"),
            ("q", "curly-quotes"),
            ("s", "no-service-not-alone"),
            ("t", "caa-unknown-tag"),
            ("u", "caa-issuer"),
            ("x.dev.example", "doubled-name"),
        ]
    );
}
