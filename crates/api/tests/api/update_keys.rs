//! Update keys: what is refused, what is shown and to whom, and that no key is wider than its token.

use dns::Name;
use serde_json::{Value, json};
use store::{KeyIdentity, NetworkScope, NewToken, Permission, Refusal, RefusedBy, Source, Transport, ZoneScope};

use crate::server::{Client, Server, Tenant};

const KEYS: &str = "/update-keys/";

fn create(client: &Client, members: Value) -> Value {
    client.post(KEYS, &members).expect(201)
}

/// The identity of the key with this name on the wire, as a door finds it.
fn found(server: &Server, key: &Value) -> Option<std::sync::Arc<KeyIdentity>> {
    let name = Name::parse(key["key_name"].as_str().unwrap()).unwrap();
    server.runtime.block_on(server.store.doors().by_key_name(&name)).unwrap()
}

#[test]
fn what_makes_no_key_is_refused_by_its_member() {
    let server = Server::start();
    let (tenant, stranger) = (server.tenant(), server.tenant());
    tenant.zone("example.com");
    stranger.zone("example.net");
    let many = |text: &'static str| vec![text; 101];
    for (members, field) in [
        (json!({"zones": ["example.com"]}), "name"),
        (json!({"name": " ", "zones": ["example.com"]}), "name"),
        (json!({"name": "a\nb", "zones": ["example.com"]}), "name"),
        (json!({"name": "a".repeat(101), "zones": ["example.com"]}), "name"),
        (json!({"name": "k"}), "zones"),
        (json!({"name": "k", "zones": []}), "zones"),
        (json!({"name": "k", "zones": "example.com"}), "zones"),
        (json!({"name": "k", "zones": [7]}), "zones"),
        (json!({"name": "k", "zones": ["example.net"]}), "zones"),
        (json!({"name": "k", "zones": ["example.com", "nowhere.example"]}), "zones"),
        (json!({"name": "k", "zones": ["a..b"]}), "zones"),
        (json!({"name": "k", "zones": many("example.com")}), "zones"),
        (json!({"name": "k", "zones": ["example.com"], "purpose": "read"}), "purpose"),
        (json!({"name": "k", "zones": ["example.com"], "names": []}), "names"),
        (json!({"name": "k", "zones": ["example.com"], "names": ["a.*.b"]}), "names"),
        (json!({"name": "k", "zones": ["example.com"], "names": ["www.example.net."]}), "names"),
        (json!({"name": "k", "zones": ["example.com"], "names": many("a")}), "names"),
        (json!({"name": "k", "zones": ["example.com"], "types": ["BOGUS"]}), "types"),
        (json!({"name": "k", "zones": ["example.com"], "types": ["SOA"]}), "types"),
        (json!({"name": "k", "zones": ["example.com"], "types": []}), "types"),
        (json!({"name": "k", "zones": ["example.com"], "algorithm": "md5"}), "algorithm"),
        (json!({"name": "k", "zones": ["example.com"], "permissions": ["dns:write"]}), "permissions"),
        (json!({"name": "k", "zones": ["example.com"], "permissions": []}), "permissions"),
        (json!({"name": "k", "zones": ["example.com"], "networks": ["192.0.2.1/24"]}), "networks"),
        (json!({"name": "k", "zones": ["example.com"], "networks": ["home"]}), "networks"),
        (json!({"name": "k", "zones": ["example.com"], "networks": []}), "networks"),
        (json!({"name": "k", "zones": ["example.com"], "expires_at": "2024-01-15T10:29:59Z"}), "expires_at"),
        (json!({"name": "k", "zones": ["example.com"], "expires_at": "soon"}), "expires_at"),
        (json!({"name": "k", "zones": ["example.com"], "door": "dyndns"}), "door"),
        (json!({"name": "k", "zones": ["example.com"], "secret": "c2VjcmV0"}), "secret"),
        (json!({"name": "k", "acme": "www.example.net"}), "acme"),
        (json!({"name": "k", "acme": "www.example.com", "names": ["www"]}), "names"),
        (json!({"name": "k", "acme": "www.example.com", "types": ["TXT"]}), "types"),
        (json!({"name": "k", "acme": "www.example.com", "host": "www.example.com"}), "host"),
        (json!({"name": "k", "host": "*.example.com", "zones": ["example.com"]}), "host"),
        (json!({"name": "k", "zones": ["example.com"], "purpose": "transfer", "names": ["www"]}), "names"),
        (json!({"name": "k", "zones": ["example.com"], "purpose": "transfer", "types": ["A"]}), "types"),
        (json!({"name": "k", "zones": ["example.com"], "purpose": "transfer", "door": "acme-dns"}), "door"),
        (
            json!({"name": "k", "zones": ["example.com"], "purpose": "transfer", "permissions": ["dns:*"]}),
            "permissions",
        ),
    ] {
        tenant.client.post(KEYS, &members).refused(400, "validation_error", Some(field));
    }
    let (hidden, missing) = (json!(["example.net"]), json!(["example.org"]));
    let [hidden, missing] =
        [hidden, missing].map(|zones| tenant.client.post(KEYS, &json!({"name": "k", "zones": zones})));
    let text = |answer: &crate::server::Answer| String::from_utf8(answer.body.clone()).unwrap();
    assert_eq!(text(&hidden).replace("example.net", "x"), text(&missing).replace("example.org", "x"));
    assert_eq!(tenant.client.get(KEYS).expect(200), json!([]), "nothing was created");
}

#[test]
fn a_key_is_shown_with_its_scope_and_its_secrets_only_once() {
    let server = Server::start();
    let tenant = server.tenant();
    tenant.zone("example.com");
    let whole = create(&tenant.client, json!({"name": "whole zone", "zones": ["EXAMPLE.com."]}));
    let shown = |key: &Value| {
        ["algorithm", "purpose", "zones", "names", "types", "permissions", "networks", "expires_at"]
            .map(|member| key[member].clone())
    };
    let zones = json!(["example.com"]);
    let default = [
        json!("hmac-sha256"),
        json!("manage"),
        zones.clone(),
        Value::Null,
        Value::Null,
        json!(["dns:*"]),
        Value::Null,
        Value::Null,
    ];
    assert_eq!(shown(&whole), default);
    let KeyIdentity { secret, .. } = &*found(&server, &whole).unwrap();
    assert_eq!(whole["secret"], secret.as_ref().unwrap().base64());
    assert!(whole["key_name"].as_str().unwrap().starts_with("whole-zone-"), "{whole}");
    let token = whole["token"].as_str().unwrap();
    assert!(token.starts_with("vps_"));
    let by_key = server.client(Some(token.to_owned()));
    for path in ["/dns-zones/", "/account/me/", KEYS] {
        by_key.get(path).refused(401, "authentication_failed", None);
    }

    for (members, names, types) in [
        (json!({"acme": "www.example.com"}), json!(["_acme-challenge.**.www"]), json!(["TXT"])),
        (json!({"acme": "*.example.com"}), json!(["_acme-challenge.**"]), json!(["TXT"])),
        (json!({"acme": "www", "zones": zones}), json!(["_acme-challenge.**.www"]), json!(["TXT"])),
        (json!({"host": "home.example.com"}), json!(["home"]), json!(["A", "AAAA"])),
        (
            json!({"zones": zones, "names": ["*.Lab.example.com", "**"], "types": ["any"]}),
            json!(["*.lab", "**"]),
            json!(["ANY"]),
        ),
        (json!({"zones": zones, "types": ["txt", "Caa"]}), Value::Null, json!(["TXT", "CAA"])),
    ] {
        let mut members = members;
        members["name"] = "k".into();
        let key = create(&tenant.client, members.clone());
        assert_eq!((&key["names"], &key["types"], &key["zones"]), (&names, &types, &zones), "{members}");
    }
    let wide = json!({
        "name": "wide", "zones": zones, "purpose": "transfer", "algorithm": "HMAC-MD5", "networks": ["192.0.2.53"],
        "expires_at": "2030-01-01T00:00:00Z", "permissions": null,
    });
    let wide = create(&tenant.client, wide);
    let shown_wide = [
        json!("hmac-md5"),
        json!("transfer"),
        zones,
        Value::Null,
        Value::Null,
        json!(["dns:list"]),
        json!(["192.0.2.53/32"]),
        json!("2030-01-01T00:00:00Z"),
    ];
    assert_eq!(shown(&wide), shown_wide);
    let path = create(&tenant.client, json!({"name": "p", "zones": ["example.com"], "door": "acme-dns"}));
    assert_eq!((&path["secret"], &path["token"], &path["door"]), (&Value::Null, &Value::Null, &json!("acme-dns")));
    assert!(path["path"].as_str().unwrap().starts_with("/acme-dns/"), "{path}");

    let list = tenant.client.get(KEYS);
    let text = String::from_utf8(list.body.clone()).unwrap();
    for key in [&whole, &wide, &path] {
        for secret in ["secret", "token", "path"].iter().filter_map(|member| key[*member].as_str()) {
            assert!(!text.contains(secret.trim_start_matches("/acme-dns/")), "the list has a secret");
        }
    }
    let list = list.expect(200);
    assert_eq!(list.as_array().unwrap().len(), 9);
    let mut first = whole.clone();
    first.as_object_mut().unwrap().retain(|member, _| !["secret", "token", "path"].contains(&member.as_str()));
    assert_eq!(list[0], first);
}

fn token(tenant: &Tenant<'_>, new: NewToken) -> (store::TokenId, Client) {
    let person = tenant.server.store.command_line().person(tenant.account);
    let created = tenant.server.runtime.block_on(person.create_token(new)).unwrap();
    (created.token.id, tenant.server.client(Some(created.plain.reveal().to_owned())))
}

#[test]
fn a_key_has_at_most_what_its_token_has_and_ends_with_it() {
    let server = Server::start();
    let tenant = server.tenant();
    let zone = tenant.zone("example.com");
    tenant.zone("example.org");
    let narrow = NewToken {
        zones: ZoneScope::Only(vec![dns::ZoneId(zone.parse().unwrap())]),
        networks: NetworkScope::Only(vec!["127.0.0.0/8".parse().unwrap()]),
        expires_at: Some("2030-01-01T00:00:00Z".parse().unwrap()),
        ..NewToken::unlimited("narrow", [Permission::Update].into_iter().collect())
    };
    let (id, client) = token(&tenant, narrow);
    for (members, status, field) in [
        (json!({"zones": ["example.org"]}), 400, Some("zones")),
        (json!({"host": "www.example.org"}), 400, Some("host")),
        (json!({"zones": ["example.com"], "permissions": ["dns:*"]}), 400, Some("permissions")),
        (json!({"zones": ["example.com"], "networks": ["192.0.2.0/24"]}), 400, Some("networks")),
        (json!({"zones": ["example.com"], "expires_at": "2030-01-01T00:00:01Z"}), 400, Some("expires_at")),
        (json!({"zones": ["example.com"], "purpose": "transfer"}), 403, None),
    ] {
        let mut members = members;
        members["name"] = "k".into();
        let (_, found, detail) = client.post(KEYS, &members).error(status);
        assert_eq!(found.as_deref(), field, "{members}: {detail}");
    }
    let key = create(&client, json!({"name": "k", "zones": ["example.com"]}));
    assert_eq!(
        (&key["permissions"], &key["networks"], &key["expires_at"]),
        (&json!(["dns:update"]), &json!(["127.0.0.0/8"]), &json!("2030-01-01T00:00:00Z"))
    );
    assert!(found(&server, &key).is_some());
    server.runtime.block_on(server.store.command_line().revoke_token(id)).unwrap();
    assert!(found(&server, &key).is_none());
    assert_eq!(tenant.client.get(KEYS).expect(200), json!([]));
}

#[test]
fn its_owner_reads_what_it_was_refused_and_deletes_it() {
    let server = Server::start();
    let (tenant, stranger) = (server.tenant(), server.tenant());
    tenant.zone("example.com");
    let key = create(&tenant.client, json!({"name": "k", "acme": "www.example.com"}));
    let path = format!("{KEYS}{}/", key["uuid"].as_str().unwrap());
    let log = format!("{path}log/");
    let identity = found(&server, &key).unwrap();
    let doors = server.store.doors();
    doors.tenant(&identity, Source::Rfc2136, None).unwrap();
    let refusal = Refusal {
        time: "2024-01-15T10:30:05Z".parse().unwrap(),
        source: Some("2001:db8::7".parse().unwrap()),
        transport: Transport::Udp,
        asked: "add mail.example.com. A".to_owned(),
        rule: RefusedBy::Name,
        detail: "the key may not change the name mail".to_owned(),
        count: 1,
    };
    (0..2).for_each(|_| doors.note_refusal(&identity, refusal.clone()));
    stranger.client.get(&log).refused(404, "not_found", None);
    stranger.client.send("DELETE", &path, None).refused(404, "not_found", None);
    let wanted = json!([{
        "time": "2024-01-15T10:30:05Z", "source": "2001:db8::7", "transport": "udp", "asked": "add mail.example.com. A",
        "rule": "name", "detail": "the key may not change the name mail", "count": 2,
    }]);
    assert_eq!(tenant.client.get(&log).expect(200), wanted);
    assert_eq!(tenant.client.get(KEYS).expect(200)[0]["last_error"], wanted[0]["detail"]);
    assert_eq!(tenant.client.send("DELETE", &path, None).status, 204);
    assert!(found(&server, &key).is_none());
    tenant.client.send("DELETE", &path, None).refused(404, "not_found", None);
    tenant.client.get(&log).refused(404, "not_found", None);
}
