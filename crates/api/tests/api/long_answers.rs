//! Repeats of requests whose answer is long: it is not kept, and is made again of the zone's history.

use std::collections::BTreeMap;

use dns::{ZoneId, ZoneName};
use serde_json::{Value, json};

use crate::server::{Answer, Client, Server, Tenant};

/// A request that was answered, and may be sent again.
struct Asked {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    first: Answer,
}

impl Asked {
    fn new(client: &Client, method: &'static str, path: String, key: &str, media_type: &str, body: String) -> Asked {
        let headers = vec![("content-type", media_type.to_owned()), ("idempotency-key", key.to_owned())];
        let mut asked = Asked { method, path, headers, body, first: client.get("/record-types/") };
        asked.first = asked.send(client, &asked.body);
        assert_eq!(asked.first.status, 200, "{}", String::from_utf8_lossy(&asked.first.body));
        assert_eq!(asked.first.header("idempotency-replayed"), None);
        asked
    }

    fn changes(client: &Client, zone: &str, key: &str, changes: &[Value]) -> Asked {
        let (path, body) = (format!("/dns-zones/{zone}/changes/"), json!({ "changes": changes }).to_string());
        Asked::new(client, "POST", path, key, "application/json", body)
    }

    fn send(&self, client: &Client, body: &str) -> Answer {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        client.request(self.method, &self.path, &headers, Some(body.as_bytes()))
    }

    #[track_caller]
    fn repeat(&self, client: &Client, when: &str) {
        let again = self.send(client, &self.body);
        assert_eq!((again.status, again.header("idempotency-replayed")), (200, Some("true")), "{when}");
        for name in ["etag", "content-type", "location"] {
            assert_eq!(again.header(name), self.first.header(name), "{when}");
        }
        assert!(again.body == self.first.body, "{when}: {} {}", self.method, self.path);
        self.send(client, &format!("{} ", self.body)).refused(422, "idempotency_key_reused", None);
    }
}

/// Records of several types at one name, in an order that is not the history's.
fn creates(count: usize) -> Vec<Value> {
    let create = |number: usize| {
        let name = format!("n{}", (count - number) / 3);
        match number % 3 {
            0 => {
                json!({"action": "create", "record_type": "TXT", "name": name, "value": format!("\"text {number}\" \"\\010\\195\\169\"")})
            }
            1 => {
                json!({"action": "create", "record_type": "MX", "name": name, "value": "mail.example.org", "priority": 7})
            }
            _ => json!({"action": "create", "record_type": "A", "name": name, "value": "192.0.2.1"}),
        }
    };
    (0..count).map(create).collect()
}

/// Updates, updates that change nothing, deletions, whole RRsets and new records.
fn mixed(ids: &[Value]) -> Vec<Value> {
    let change = |(number, id): (usize, &Value)| match number % 15 {
        0 | 1 | 6 | 7 => json!({"action": "update", "uuid": id, "ttl": 77}),
        5 => json!({"action": "update", "uuid": id, "value": format!("198.51.100.{}", number / 15 % 250)}),
        4 | 8 | 9 => json!({"action": "delete", "uuid": id}),
        10 => {
            json!({"action": "create", "record_type": "AAAA", "name": format!("v6-{number}"), "value": "2001:db8::1"})
        }
        11 => json!({"action": "upsert_rrset", "record_type": "A", "name": format!("set{number}"), "ttl": 60,
                     "records": [{"value": "192.0.2.9"}, {"value": "192.0.2.8"}]}),
        12 => json!({"action": "delete_rrset", "record_type": "SRV", "name": "none"}),
        _ => json!({"action": "update", "uuid": id}),
    };
    ids.iter().enumerate().map(change).collect()
}

fn head(tenant: &Tenant<'_>, zone: &str) -> u64 {
    tenant.client.get(&format!("/dns-zones/{zone}/history/?page_size=1")).expect(200)[0]["serial"].as_u64().unwrap()
}

/// The answer's difference is in the history's order, which is what allows to make it again.
#[track_caller]
fn is_in_the_order_of_the_history(tenant: &Tenant<'_>, zone: &str, answer: &Answer) {
    let answer = answer.json();
    let version = tenant.client.get(&format!("/dns-zones/{zone}/history/{}/", answer["serial"])).expect(200);
    assert!(version["removed"] == answer["removed"] && version["added"] == answer["added"]);
}

#[test]
fn a_long_answer_is_given_again_octet_for_octet_whatever_came_after() {
    let server = Server::start();
    let tenant = server.tenant();
    let client = &tenant.client;
    let zone = tenant.zone("example.com");
    let mut asked = BTreeMap::new();

    // One that is written at once, one that is written in steps.
    let few = Asked::changes(client, &zone, "few", &creates(90));
    few.repeat(client, "a short change");
    let ids = few.first.json()["records"].as_array().unwrap().clone();
    assert_eq!(ids.len(), 90);
    let gone: Vec<Value> = ids.iter().map(|id| json!({"action": "delete", "uuid": id})).collect();
    client.post(&format!("/dns-zones/{zone}/changes/"), &json!({ "changes": gone })).expect(200);
    asked.insert("few", few);
    let empty = head(&tenant, &zone);

    let many = Asked::changes(client, &zone, "many", &creates(1800));
    many.repeat(client, "at once");
    is_in_the_order_of_the_history(&tenant, &zone, &many.first);
    let ids = many.first.json()["records"].as_array().unwrap().clone();
    asked.insert("many", many);

    let changed = Asked::changes(client, &zone, "mixed", &mixed(&ids));
    changed.repeat(client, "at once");
    is_in_the_order_of_the_history(&tenant, &zone, &changed.first);
    let answer = changed.first.json();
    let of = |name: &str| answer[name].as_array().unwrap().len();
    assert!(of("removed") > 700 && of("added") > 700 && of("records") > 1500, "{} {}", of("removed"), of("added"));
    asked.insert("mixed", changed);

    let same: Vec<Value> = ids.iter().skip(13).step_by(15).map(|id| json!({"action": "update", "uuid": id})).collect();
    let nothing = Asked::changes(client, &zone, "nothing", &same);
    assert_eq!(nothing.first.json()["changed"], json!(false));
    assert!(nothing.first.body.len() > 4096, "only the identities make it long");
    asked.insert("nothing", nothing);

    let back = (format!("/dns-zones/{zone}/rollback/"), json!({ "serial": empty }).to_string());
    asked.insert("back", Asked::new(client, "POST", back.0, "back", "application/json", back.1));
    let file: String = (0..2000).map(|number| format!("f{} 300 IN A 192.0.2.1\n", 2000 - number)).collect();
    let put = (format!("/dns-zones/{zone}/zonefile/"), format!("$ORIGIN example.com.\n{file}"));
    asked.insert("put", Asked::new(client, "PUT", put.0, "put", "text/dns", put.1));
    assert_eq!(asked["put"].first.json()["added"], json!(2000));
    client.delete(&format!("/dns-zones/{zone}/records/A/f1/"));

    let again = |client: &Client, when: &str| asked.values().for_each(|asked| asked.repeat(client, when));
    again(client, "after other changes of the same records");
    let stranger = server.tenant();
    let name = ZoneName::parse("example.com").unwrap();
    let moved = server.store.move_zone(&name, stranger.account);
    assert!(server.runtime.block_on(moved).unwrap());
    again(client, "while another account has the zone");
    stranger.client.delete(&format!("/dns-zones/{zone}/")).expect(204);
    again(client, "after the zone was deleted");
    let restarted = server.another();
    again(&restarted.client(client.token.clone()), "after a restart");

    let id = ZoneId(zone.parse().unwrap());
    assert!(server.runtime.block_on(server.store.command_line().purge_zone(id)).unwrap().is_some());
    for what in ["few", "many", "mixed", "back"] {
        let asked = &asked[what];
        asked.send(client, &asked.body).refused(404, "not_found", None);
    }
    for what in ["nothing", "put"] {
        asked[what].repeat(client, "it has nothing of the history");
    }
}
