//! Random sequences of every way to change a zone, against the simplest model of what it should hold; after each, the API, the zone file
//! and the nameserver are asked.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;

use deploy::Embedded;
use nameserver::Zones;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::server::{Answer, Server, Setup, Tenant};

/// A zone of A records: for each name the TTL and the addresses.
type Model = BTreeMap<String, (u64, BTreeSet<String>)>;
/// What is compared: name, TTL, address.
type Lines = BTreeSet<(String, u64, String)>;

const NAMES: [&str; 4] = ["@", "www", "a.b", "*"];

#[derive(Debug, Clone)]
enum Step {
    Create { name: usize, last: u8, ttl: Option<u64> },
    PatchTtl { record: Index, ttl: u64 },
    Move { record: Index, name: usize, last: u8 },
    Delete { record: Index },
    Upsert { name: usize, last: Vec<u8>, ttl: Option<u64> },
    DeleteSet { name: usize },
    DefaultTtl { ttl: u64 },
    Rollback { version: Index },
    ZoneFile { version: Index },
}

fn step() -> impl Strategy<Value = Step> {
    let (name, last, ttl) = (0..NAMES.len(), 1..6_u8, prop_oneof![Just(300_u64), Just(600)]);
    let maybe = proptest::option::of(ttl.clone());
    prop_oneof![
        4 => (name.clone(), last.clone(), maybe.clone()).prop_map(|(name, last, ttl)| Step::Create { name, last, ttl }),
        1 => (any::<Index>(), ttl.clone()).prop_map(|(record, ttl)| Step::PatchTtl { record, ttl }),
        2 => (any::<Index>(), name.clone(), last.clone()).prop_map(|(record, name, last)| Step::Move { record, name, last }),
        2 => any::<Index>().prop_map(|record| Step::Delete { record }),
        2 => (name.clone(), proptest::collection::vec(last, 1..4), maybe)
            .prop_map(|(name, last, ttl)| Step::Upsert { name, last, ttl }),
        1 => name.prop_map(|name| Step::DeleteSet { name }),
        1 => ttl.prop_map(|ttl| Step::DefaultTtl { ttl }),
        1 => any::<Index>().prop_map(|version| Step::Rollback { version }),
        1 => any::<Index>().prop_map(|version| Step::ZoneFile { version }),
    ]
}

fn address(last: u8) -> String {
    format!("192.0.2.{last}")
}

/// A zone, what it should be, and what it was.
struct Run<'a> {
    tenant: &'a Tenant<'a>,
    zone: String,
    domain: String,
    dns: u16,
    model: Model,
    default_ttl: u64,
    versions: Vec<Version>,
}

/// A version as it was: its serial, its records, and the default TTL that was set.
#[derive(Clone)]
struct Version {
    serial: u64,
    model: Model,
    default_ttl: u64,
}

impl Run<'_> {
    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json"), ("prefer", "wait=20")];
        let body = (!body.is_null()).then(|| body.to_string());
        self.tenant.client.request(method, path, &headers, body.as_deref().map(str::as_bytes))
    }

    fn path(&self, rest: &str) -> String {
        format!("/dns-zones/{}/{rest}", self.zone)
    }

    fn records(&self) -> Vec<Value> {
        self.tenant.client.get(&self.path("records/")).expect(200).as_array().unwrap().clone()
    }

    /// Puts an address at a name; false where it is there.
    fn put(&mut self, name: &str, address: String, ttl: Option<u64>) -> bool {
        let default = self.default_ttl;
        let set = self.model.entry(name.to_owned()).or_insert((default, BTreeSet::new()));
        if !set.1.insert(address) {
            return false;
        }
        set.0 = ttl.unwrap_or(set.0);
        true
    }

    fn take(&mut self, name: &str, address: &str) {
        let set = self.model.get_mut(name).unwrap();
        set.1.remove(address);
        if set.1.is_empty() {
            self.model.remove(name);
        }
    }

    /// Does one step to both; gives the answer where something was asked, and whether it should succeed.
    fn apply(&mut self, step: &Step) -> Option<(Answer, bool)> {
        let records = self.records();
        let pick = |index: &Index| (!records.is_empty()).then(|| index.get(&records).clone());
        let text = |record: &Value, member: &str| record[member].as_str().unwrap().to_owned();
        let flat = |record: &Value| format!("/dns-records/{}/", text(record, "uuid"));
        match step {
            Step::Create { name, last, ttl } => {
                let body = json!({"record_type": "A", "name": NAMES[*name], "value": address(*last), "ttl": ttl});
                let good = self.put(NAMES[*name], address(*last), *ttl);
                Some((self.send("POST", &self.path("records/"), &body), good))
            }
            Step::PatchTtl { record, ttl } => {
                let record = pick(record)?;
                self.model.get_mut(&text(&record, "name")).unwrap().0 = *ttl;
                Some((self.send("PATCH", &flat(&record), &json!({ "ttl": ttl })), true))
            }
            Step::Move { record, name, last } => {
                let record = pick(record)?;
                let before = self.model.clone();
                let (old, ttl) = (text(&record, "name"), record["ttl"].as_u64());
                self.take(&old, &text(&record, "value"));
                // It joins the TTL of the name that it comes to, or takes its own along.
                let alone = ttl.filter(|_| !self.model.contains_key(NAMES[*name]));
                let good = self.put(NAMES[*name], address(*last), alone);
                if !good {
                    self.model = before;
                }
                let change = json!({
                    "action": "update", "uuid": record["uuid"], "name": NAMES[*name], "value": address(*last),
                });
                Some((self.send("POST", &self.path("changes/"), &json!({"changes": [change]})), good))
            }
            Step::Delete { record } => {
                let record = pick(record)?;
                self.take(&text(&record, "name"), &text(&record, "value"));
                Some((self.send("DELETE", &flat(&record), &Value::Null), true))
            }
            Step::Upsert { name, last, ttl } => {
                let distinct: BTreeSet<u8> = last.iter().copied().collect();
                let good = distinct.len() == last.len();
                if good {
                    let kept = self.model.get(NAMES[*name]).map_or(self.default_ttl, |set| set.0);
                    let set = (ttl.unwrap_or(kept), distinct.into_iter().map(address).collect());
                    self.model.insert(NAMES[*name].to_owned(), set);
                }
                let records: Vec<Value> = last.iter().map(|last| json!({"value": address(*last)})).collect();
                let change = json!({
                    "action": "upsert_rrset", "record_type": "A", "name": NAMES[*name], "ttl": ttl, "records": records,
                });
                Some((self.send("POST", &self.path("changes/"), &json!({"changes": [change]})), good))
            }
            Step::DeleteSet { name } => {
                self.model.remove(NAMES[*name]);
                let change = json!({"action": "delete_rrset", "record_type": "A", "name": NAMES[*name]});
                Some((self.send("POST", &self.path("changes/"), &json!({"changes": [change]})), true))
            }
            Step::DefaultTtl { ttl } => {
                self.default_ttl = *ttl;
                Some((self.send("PATCH", &self.path(""), &json!({"default_ttl": ttl})), true))
            }
            Step::Rollback { version } => {
                let Version { serial, model, default_ttl } = version.get(&self.versions).clone();
                (self.model, self.default_ttl) = (model, default_ttl);
                Some((self.send("POST", &self.path("rollback/"), &json!({ "serial": serial })), true))
            }
            Step::ZoneFile { version } => {
                let Version { serial, model, .. } = version.get(&self.versions).clone();
                self.model = model;
                let file = self.tenant.client.get(&self.path(&format!("zonefile/?serial={serial}"))).body;
                let headers = [("content-type", "text/dns"), ("prefer", "wait=20")];
                Some((self.tenant.client.request("PUT", &self.path("zonefile/"), &headers, Some(&file)), true))
            }
        }
    }

    fn expected(&self) -> Lines {
        let of_name = |(name, (ttl, addresses)): (&String, &(u64, BTreeSet<String>))| -> Vec<_> {
            addresses.iter().map(|address| (name.clone(), *ttl, address.clone())).collect()
        };
        self.model.iter().flat_map(of_name).collect()
    }

    fn by_api(&self) -> Lines {
        let line = |record: &Value| {
            let text = |member: &str| record[member].as_str().unwrap().to_owned();
            (text("name"), record["ttl"].as_u64().unwrap(), text("value"))
        };
        self.records().iter().map(line).collect()
    }

    /// The A records of a text whose lines are owner, TTL, class, type, data.
    fn of_lines(&self, text: &str) -> Lines {
        let line = |line: &str| {
            let [owner, ttl, "IN", "A", data] = line.split_whitespace().collect::<Vec<_>>()[..] else { return None };
            let owner = owner.trim_end_matches('.');
            let relative = match owner.strip_suffix(&self.domain) {
                Some("") => "@",
                Some(relative) => relative.trim_end_matches('.'),
                None => owner,
            };
            Some((relative.to_owned(), ttl.parse().unwrap(), data.to_owned()))
        };
        text.lines().filter_map(line).collect()
    }

    fn by_zone_file(&self) -> Lines {
        self.of_lines(&String::from_utf8(self.tenant.client.get(&self.path("zonefile/")).body).unwrap())
    }

    fn by_nameserver(&self) -> Lines {
        let port = self.dns.to_string();
        let arguments = ["+noall", "+answer", "+onesoa", "-p", &port, "@127.0.0.1", self.domain.as_str(), "AXFR"];
        let transferred = Command::new("dig").args(arguments).output().unwrap();
        assert!(transferred.status.success(), "{transferred:?}");
        self.of_lines(&String::from_utf8(transferred.stdout).unwrap())
    }

    fn head(&self) -> u64 {
        let tag = self.tenant.client.get(&self.path("records/")).header("etag").unwrap().to_owned();
        tag.trim_matches('"').parse().unwrap()
    }
}

#[test]
fn every_sequence_of_changes_is_as_the_model_says() {
    let zones = Zones::new();
    let server =
        Server::with(Setup { nameservers: Some(vec![Arc::new(Embedded::new(zones.clone()))]), ..Setup::default() });
    let stop = CancellationToken::new();
    let dns = {
        let _inside = server.runtime.enter();
        let settings = nameserver::Settings { loopback_transfers: true, ..nameserver::Settings::default() };
        let dns = nameserver::Server::bind("127.0.0.1:0".parse().unwrap(), zones, settings).unwrap();
        let port = dns.local_addr().port();
        server.runtime.spawn(dns.run(stop.clone()));
        port
    };
    let tenant = server.tenant();
    let count = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&proptest::collection::vec(step(), 1..25), |steps| {
        count.set(count.get() + 1);
        let domain = format!("model{}.example", count.get());
        let (zone, model, default_ttl) = (tenant.zone(&domain), Model::new(), 3600);
        let mut run =
            Run { tenant: &tenant, zone, domain, dns, model: model.clone(), default_ttl, versions: Vec::new() };
        run.versions.push(Version { serial: run.head(), model, default_ttl });
        for step in &steps {
            let Some((answer, good)) = run.apply(step) else { continue };
            prop_assert_eq!((200..300).contains(&answer.status), good, "{:?}: {:?}", step, answer);
            if good {
                prop_assert_eq!(answer.header("deployment"), Some("live"));
            }
            let expected = run.expected();
            prop_assert_eq!(run.by_api(), expected.clone(), "the API after {:?}", step);
            prop_assert_eq!(run.by_zone_file(), expected.clone(), "the zone file after {:?}", step);
            prop_assert_eq!(run.by_nameserver(), expected, "the nameserver after {:?}", step);
            let head = run.head();
            if run.versions.last().is_none_or(|newest| newest.serial != head) {
                let (model, default_ttl) = (run.model.clone(), run.default_ttl);
                run.versions.push(Version { serial: head, model, default_ttl });
            }
        }
        let history = tenant.client.get(&run.path("history/?page_size=1000")).expect(200);
        prop_assert_eq!(history.as_array().unwrap().len(), run.versions.len(), "each change one version");
        Ok(())
    });
    stop.cancel();
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
