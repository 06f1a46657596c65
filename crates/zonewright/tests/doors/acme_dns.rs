//! Clients of acme-dns.

use serde_json::{Value, json};

use crate::common::raw::{Answer, send};
use crate::common::wait_for;
use crate::{Door, steps};

const VALUE: &str = "DX22Tn0-XaiiIv-JVDhFgYkZRjBUCPD-56p_ZE44zyc";

/// A server with a zone for challenges, the zone of a customer, and a key for both; and the base path of that key.
fn open() -> (Door, Value, String) {
    let door = Door::open_with(&[("ZONEWRIGHT_DOORS_ACME_DNS_ZONE", "auth.example")], &[]);
    for domain in ["auth.example", "example.com"] {
        door.api.create_zone(domain);
    }
    let zones = ["auth.example", "example.com"];
    let key = door.update_key(&json!({"name": "acme", "zones": zones, "types": ["TXT", "CNAME"], "door": "acme-dns"}));
    let base = base(&key);
    (door, key, base)
}

fn base(key: &Value) -> String {
    format!("/acme-dns/{}", secret(key))
}

/// The secret of a path: the last part of what the API shows once.
fn secret(key: &Value) -> &str {
    let path = key["path"].as_str().unwrap_or_else(|| panic!("a path: {key}"));
    path.trim_end_matches('/').rsplit('/').next().expect("a secret")
}

#[track_caller]
fn post(door: &Door, path: &str, account: Option<&Value>, body: &str) -> Answer {
    let text = |member: &str| account.map_or("", |account| account[member].as_str().expect("text"));
    let headers = [("X-Api-User", text("username")), ("X-Api-Key", text("password"))];
    let headers = if account.is_some() { &headers[..] } else { &[] };
    send(door.server.http(), &format!("POST {path} HTTP/1.1"), headers, body)
}

fn txt(account: &Value, value: &str) -> String {
    json!({"subdomain": account["subdomain"], "txt": value}).to_string()
}

#[track_caller]
fn register(door: &Door, base: &str) -> Value {
    let answer = post(door, &format!("{base}/register"), None, "");
    assert_eq!((answer.status, answer.text.lines().count()), (201, 1), "{answer:?}");
    answer.json()
}

#[test]
fn only_a_registration_sets_its_own_name() {
    let (door, key, base) = open();
    let account = register(&door, &base);
    let other = register(&door, &base);
    let forbidden = json!({"error": "forbidden"});
    let wrong = format!("/acme-dns/{}", "A".repeat(43));
    let token = door.update_key(&json!({"name": "token", "zones": ["auth.example"]}))["token"].clone();
    let webhook = door.update_key(&json!({"name": "other door", "zones": ["auth.example"], "door": "external-dns"}));
    for path in [
        &wrong,
        "/acme-dns/x",
        &format!("/acme-dns/{}", token.as_str().expect("a token")),
        &format!("/acme-dns/{}", secret(&webhook)),
    ] {
        for (end, body) in
            [("register", String::new()), ("update", txt(&account, VALUE)), ("example.com", "{}".to_owned())]
        {
            let answer = post(&door, &format!("{path}/{end}"), Some(&account), &body);
            assert_eq!((answer.status, answer.json()), (401, forbidden.clone()), "{path}/{end}");
        }
        assert_eq!(send(door.server.http(), &format!("GET {path}/health HTTP/1.1"), &[], "").status, 401);
        assert_eq!(send(door.server.http(), &format!("GET {path}/example.com HTTP/1.1"), &[], "").status, 401);
    }
    let update = format!("{base}/update");
    let strange =
        json!({"username": account["username"], "password": other["password"], "subdomain": account["subdomain"]});
    for (who, body, status, error) in [
        (None, txt(&account, VALUE), 401, "forbidden"),
        (Some(&other), txt(&account, VALUE), 401, "forbidden"),
        (Some(&strange), txt(&account, VALUE), 401, "forbidden"),
        (Some(&account), json!({"subdomain": "www", "txt": VALUE}).to_string(), 401, "forbidden"),
        (Some(&account), json!({"txt": VALUE}).to_string(), 401, "forbidden"),
        (Some(&account), txt(&account, "short"), 400, "bad_txt"),
        (Some(&account), txt(&account, &VALUE.replace('-', "\"")), 400, "bad_txt"),
        (Some(&account), json!({"subdomain": account["subdomain"], "txt": 7}).to_string(), 400, "bad_txt"),
        (Some(&account), "{".to_owned(), 400, "malformed_json_payload"),
        (Some(&account), "[]".to_owned(), 400, "malformed_json_payload"),
    ] {
        let answer = post(&door, &update, who, &body);
        assert_eq!((answer.status, answer.json()), (status, json!({ "error": error })), "{body}");
    }
    for (body, error) in [
        ("{", "malformed_json_payload"),
        ("{\"allowfrom\": 7}", "malformed_json_payload"),
        ("{\"AllowFrom\": [\"192.0.2.0/24\"]}", "invalid_allowfrom_cidr"),
    ] {
        let answer = post(&door, &format!("{base}/register"), None, body);
        assert_eq!((answer.status, answer.json()), (400, json!({ "error": error })), "{body}");
    }
    assert_eq!(post(&door, &update, Some(&account), &"x".repeat(70_000)).status, 413);
    assert_eq!(door.versions("auth.example").len(), 1);
    assert!(!door.server.log().contains(secret(&key)), "paths are not logged");
    let metrics = door.server.metrics();
    assert!(!metrics.contains(secret(&key)) && metrics.contains("/acme-dns/{secret}/update"), "{metrics}");
}

#[test]
fn without_a_zone_nobody_registers_and_a_narrow_key_neither() {
    let door = Door::open();
    door.api.create_zone("auth.example");
    let key = door.update_key(&json!({"name": "acme", "zones": ["auth.example"], "door": "acme-dns"}));
    assert_eq!(post(&door, &format!("{}/register", base(&key)), None, "").status, 401);
    let (door, ..) = open();
    for key in [
        json!({"name": "elsewhere", "zones": ["example.com"], "door": "acme-dns"}),
        json!({"name": "one name", "zones": ["auth.example"], "names": ["www"], "door": "acme-dns"}),
        json!({"name": "one type", "zones": ["auth.example"], "types": ["A"], "door": "acme-dns"}),
    ] {
        let key = door.update_key(&key);
        let answer = post(&door, &format!("{}/register", base(&key)), None, "{}");
        assert_eq!((answer.status, answer.json()), (401, json!({"error": "forbidden"})), "{key}");
        assert_eq!(door.refusals(&key).len(), 1);
    }
}

#[test]
fn recorded_requests_of_acme_sh_are_answered_as_it_reads_them() {
    let (door, _, base) = open();
    let mut account = json!(null);
    for step in steps("captured-http.json", "acme.sh") {
        let path = format!("{base}{}", step["path"].as_str().expect("a path"));
        let mut body = step["body"].clone();
        if body.is_null() {
            let answer = post(&door, &path, None, "");
            assert_eq!(json!(answer.status), step["status"]);
            account = answer.json();
            assert_eq!(
                account["fulldomain"],
                json!(format!("{}.auth.example", account["subdomain"].as_str().expect("text")))
            );
            assert_eq!((account["password"].as_str().map(str::len), &account["allowfrom"]), (Some(40), &json!([])));
            continue;
        }
        body["subdomain"] = account["subdomain"].clone();
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let text = |member: &str| account[member].as_str().expect("text");
        let headers = [form, ("X-Api-User", text("username")), ("X-Api-Key", text("password"))];
        let answer = send(door.server.http(), &format!("POST {path} HTTP/1.1"), &headers, &body.to_string());
        assert_eq!((json!(answer.status), answer.json()), (step["status"].clone(), json!({"txt": body["txt"]})));
    }
    let name = account["subdomain"].as_str().expect("text");
    let line = |value: &str| format!("{name} 1 IN TXT \"{value}\"");
    assert_eq!(door.records("auth.example"), [line(VALUE), line("jJDa9c1YvR9U--_gVfl3Ct4_6mi40wqMNDNAS7q-A8U")]);
    assert_eq!(door.versions("auth.example")[0], ("acme".to_owned(), "acme".to_owned()));

    // Clients of Go with an older library.
    let body = json!({"SubDomain": name, "Txt": VALUE}).to_string();
    let versions = door.versions("auth.example").len();
    assert_eq!(post(&door, &format!("{base}/update"), Some(&account), &body).status, 200);
    assert_eq!(door.versions("auth.example").len(), versions, "it was there");
    assert_eq!(send(door.server.http(), &format!("GET {base}/health HTTP/1.1"), &[], "").status, 200);

    // At most ten values; the newest stay. Concurrent updates lose nothing.
    for number in 0..12 {
        let value = format!("{number:02}{}", &VALUE[2..]);
        assert_eq!(post(&door, &format!("{base}/update"), Some(&account), &txt(&account, &value)).status, 200);
    }
    let left = door.records("auth.example");
    assert_eq!((left.len(), left.contains(&line(&format!("11{}", &VALUE[2..])))), (10, true), "{left:?}");
    let second = register(&door, &base);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (door, base, second) = (&door, &base, &second);
            let body = txt(second, &format!("{number:02}{}", &VALUE[2..]));
            scope.spawn(move || assert_eq!(post(door, &format!("{base}/update"), Some(second), &body).status, 200));
        }
    });
    assert_eq!(door.records("auth.example").len(), 18);
}

#[test]
fn lego_keeps_its_accounts_as_aliases() {
    let (door, key, base) = open();
    let get = |domain: &str| send(door.server.http(), &format!("GET {base}/{domain} HTTP/1.1"), &[], "");
    assert_eq!(get("www.example.com").status, 404);
    assert_eq!(get("www.example.org").status, 404);
    let account = register(&door, &base);
    let other = register(&door, &base);
    let mut forged = account.clone();
    forged["password"] = other["password"].clone();
    assert_eq!(post(&door, &format!("{base}/www.example.com"), None, &forged.to_string()).status, 401);
    assert_eq!(get("www.example.com").status, 404);
    let created = post(&door, &format!("{base}/www.example.com"), None, &account.to_string());
    assert_eq!(created.status, 201, "the alias exists: {created:?}");
    let alias = format!("_acme-challenge.www 300 IN CNAME {}.", account["fulldomain"].as_str().expect("text"));
    assert_eq!(door.records("example.com"), std::slice::from_ref(&alias));
    assert_eq!(get("www.example.com").json(), account);
    assert_eq!(get("*.www.example.com").json(), account, "the same challenge");
    assert_eq!(post(&door, &format!("{base}/update"), Some(&account), &txt(&account, VALUE)).status, 200);
    let name = account["fulldomain"].as_str().expect("text");
    door.server.dig_until(&[name, "TXT"], |answer| answer.contains(VALUE));
    let second = post(&door, &format!("{base}/www.example.com"), None, &other.to_string());
    assert_eq!((second.status, door.records("example.com")), (200, vec![alias.clone()]), "an alias is not replaced");
    // A zone that is not the key's: the user creates the alias.
    assert_eq!(post(&door, &format!("{base}/www.example.org"), None, &account.to_string()).status, 200);
    let narrow = door.update_key(
        &json!({"name": "narrow", "zones": ["auth.example", "example.com"], "types": ["TXT"], "door": "acme-dns"}),
    );
    let account = register(&door, &super::acme_dns::base(&narrow));
    let kept = post(&door, &format!("{}/mail.example.com", super::acme_dns::base(&narrow)), None, &account.to_string());
    assert_eq!(kept.status, 200);
    assert_eq!(door.records("example.com"), [alias]);
    wait_for("the refusal", || Some(()).filter(|()| door.refusals(&narrow)[0].0 == "type"));

    // All registrations end with their key.
    let path = format!("/update-keys/{}/", key["uuid"].as_str().expect("a UUID"));
    assert_eq!(door.api.send("DELETE", &path, None).0, 204);
    assert_eq!(get("www.example.com").status, 401);
}
