//! A server for one test, and a client of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use api::{Api, Settings};
use axum::Router;
use deploy::{Deployment, Embedded, Nameserver, Witness};
use dns::apex::ApexNameserver;
use dns::change::{Edit, Limits, NewRecord, TtlChoice};
use dns::{Apex, Name, OwnerName, RecordData, RecordType, Ttl, ZoneId, ZoneName};
use serde_json::Value;
use store::{AccountId, Author, Clock, NewAccount, NewToken, Options, Permission, Source, Store, Timestamp, ZoneScope};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::description;

/// How long a test waits for anything before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) runtime: Runtime,
    pub(crate) stop: CancellationToken,
    stop_deploying: CancellationToken,
    serving: Option<JoinHandle<()>>,
    accounts: AtomicU32,
    folder: Arc<TempDir>,
}

/// What a test may change about its server.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    pub(crate) http: http_server::Settings,
    pub(crate) more: Router,
    pub(crate) limits: Limits,
    pub(crate) policy: store::Policy,
    pub(crate) tls: Option<tokio_rustls::TlsAcceptor>,
    /// `None`: one that is sound.
    pub(crate) nameservers: Option<Vec<Arc<dyn Nameserver>>>,
    pub(crate) secondaries: Vec<Arc<dyn Witness>>,
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::with(Setup::default())
    }

    pub(crate) fn with(setup: Setup) -> Server {
        Server::in_folder(Arc::new(tempfile::tempdir().unwrap()), setup)
    }

    /// A second server on the same file, which knows nothing but what is in it.
    pub(crate) fn another(&self) -> Server {
        Server::in_folder(Arc::clone(&self.folder), Setup::default())
    }

    fn in_folder(folder: Arc<TempDir>, setup: Setup) -> Server {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let started = Instant::now();
        let first: Timestamp = "2024-01-15T10:30:00Z".parse().unwrap();
        let nameserver = |text| ApexNameserver { name: Name::parse(text).unwrap(), addresses: Vec::new() };
        let options = Options {
            clock: Clock::from_fn(move || first + started.elapsed()),
            limits: setup.limits,
            apex: Apex::new(vec![nameserver("ns1.zonewright.test"), nameserver("ns2.zonewright.test")]).unwrap(),
            key_file: None,
            own_names: Vec::new(),
            policy: setup.policy,
        };
        let _inside = runtime.enter();
        let store = crate::postgres::open(folder.path(), options);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stop_deploying) = (CancellationToken::new(), CancellationToken::new());
        let nameservers = setup.nameservers.unwrap_or_else(|| vec![Arc::new(Embedded::new(nameserver::Zones::new()))]);
        let settings = deploy::Settings { sweep_every: Duration::from_millis(500) };
        let (deployment, _) =
            Deployment::start(store.journal(), nameservers, setup.secondaries, settings, stop_deploying.clone());
        let app = Api::new(store.clone(), deployment, Arc::default(), setup.settings).router().merge(setup.more);
        let serving = http_server::serve(listener, setup.tls, app, api::error_body, setup.http, stop.clone());
        let serving = runtime.spawn(serving);
        drop(_inside);
        Server {
            address,
            store,
            runtime,
            stop,
            stop_deploying,
            serving: Some(serving),
            accounts: AtomicU32::new(0),
            folder,
        }
    }

    /// A new account, and a client with a token that allows everything.
    pub(crate) fn tenant(&self) -> Tenant<'_> {
        let number = self.accounts.fetch_add(1, Ordering::Relaxed);
        let account = NewAccount {
            email: format!("tenant{number}@example.net"),
            first_name: "Ada".to_owned(),
            last_name: "Lovelace".to_owned(),
            company_name: "Engines Ltd".to_owned(),
            ..NewAccount::default()
        };
        let account = self.runtime.block_on(self.store.command_line().create_account(account)).unwrap().id;
        let client = self.client(Some(self.token(account, &[Permission::All], None)));
        Tenant { server: self, account, client }
    }

    pub(crate) fn token(&self, account: AccountId, allowed: &[Permission], expires_at: Option<Timestamp>) -> String {
        let token = NewToken { expires_at, ..NewToken::unlimited("ci", allowed.iter().copied().collect()) };
        let created = self.runtime.block_on(self.store.command_line().person(account).create_token(token)).unwrap();
        created.plain.reveal().to_owned()
    }

    /// A client whose token allows everything, in these zones.
    pub(crate) fn bound(&self, account: AccountId, zones: &[&str]) -> Client {
        let zones = zones.iter().map(|zone| ZoneId(zone.parse().unwrap())).collect();
        let all = [Permission::All].into_iter().collect();
        let token = NewToken { zones: ZoneScope::Only(zones), ..NewToken::unlimited("bound", all) };
        let created = self.runtime.block_on(self.store.command_line().person(account).create_token(token)).unwrap();
        self.client(Some(created.plain.reveal().to_owned()))
    }

    pub(crate) fn client(&self, token: Option<String>) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(PATIENCE))
            .build();
        Client { agent: Arc::new(config.into()), base: format!("http://{}/api/v1", self.address), token }
    }

    /// Waits until the server has ended.
    pub(crate) fn wait_for_end(&mut self) {
        if let Some(serving) = self.serving.take() {
            self.runtime.block_on(async { tokio::time::timeout(PATIENCE, serving).await }).unwrap().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        self.stop_deploying.cancel();
    }
}

pub(crate) struct Tenant<'a> {
    pub(crate) server: &'a Server,
    pub(crate) account: AccountId,
    pub(crate) client: Client,
}

impl Tenant<'_> {
    /// Another client of the same account.
    pub(crate) fn with(&self, allowed: &[Permission]) -> Client {
        self.server.client(Some(self.server.token(self.account, allowed, None)))
    }

    /// Makes a zone; its UUID.
    pub(crate) fn zone(&self, domain: &str) -> String {
        let made = self.client.post("/dns-zones/", &serde_json::json!({ "domain": domain }));
        made.expect(201)["uuid"].as_str().unwrap().to_owned()
    }

    /// Makes a record; its UUID.
    pub(crate) fn record(&self, zone: &str, record: Value) -> String {
        let made = self.client.post(&format!("/dns-zones/{zone}/records/"), &record);
        made.expect(201)["uuid"].as_str().unwrap().to_owned()
    }

    /// Creates an update key for a zone; its UUID.
    pub(crate) fn update_key(&self, domain: &str) -> String {
        let made = self.client.post("/update-keys/", &serde_json::json!({"name": "key", "zones": [domain]}));
        made.expect(201)["uuid"].as_str().unwrap().to_owned()
    }

    /// Makes a zone with that many A records, past the API; its UUID.
    pub(crate) fn large_zone(&self, domain: &str, records: usize) -> String {
        let name = ZoneName::parse(domain).unwrap();
        let author = Author { account: self.account, name: "test".to_owned(), source: Source::Operator, address: None };
        let store = &self.server.store;
        self.server.runtime.block_on(async {
            let zone = store.create_zone(&author, name.clone()).await.unwrap();
            let edit = |number: usize| {
                let owner = OwnerName::parse(&format!("host-{number}"), &name).unwrap();
                let data = RecordData::parse(RecordType::A, "192.0.2.1", None, &name).unwrap();
                Edit::Create(store.new_record_id(), NewRecord { owner, data, ttl: TtlChoice::Join(Ttl::DEFAULT) })
            };
            let edits: Vec<_> = (0..records).map(edit).collect();
            store.change(&author, zone.id, edits).await.unwrap();
            let ZoneId(id) = zone.id;
            id.to_string()
        })
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    agent: Arc<ureq::Agent>,
    base: String,
    pub(crate) token: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Checks that this is the JSON of an error, whole and with its headers; gives the `error_code`, the `field` and the `detail`.
    #[track_caller]
    pub(crate) fn error(&self, status: u16) -> (String, Option<String>, String) {
        let body = self.expect(status);
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("x-request-id").map(str::len), Some(36));
        let members: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
        let more = usize::from(body.get("claim").is_some());
        assert_eq!(members.len(), 3 + more, "{body}");
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        (text("error_code").unwrap(), text("field"), text("detail").unwrap())
    }

    /// [`Answer::error`] without the `detail`, for comparisons.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str, field: Option<&str>) {
        let (got_code, got_field, detail) = self.error(status);
        assert_eq!((got_code.as_str(), got_field.as_deref()), (code, field), "{detail}");
    }
}

impl Client {
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(&body.to_string()))
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, Some(&body.to_string()))
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, Some(&body.to_string()))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
    }

    /// A path below the base, with JSON.
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let headers: &[(&str, &str)] = if body.is_some() { &[("content-type", "application/json")] } else { &[] };
        self.request(method, path, headers, body.map(str::as_bytes))
    }

    /// Anything. A path that does not begin with the base's is one of another router: `//healthz`.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        let url = match path.strip_prefix('/') {
            Some(root) if root.starts_with('/') => format!("{}{root}", self.base.trim_end_matches("/api/v1")),
            _ if path.starts_with("/api/v1") => format!("{}{path}", self.base.trim_end_matches("/api/v1")),
            _ => format!("{}{path}", self.base),
        };
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answered = match body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answered = answered.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let body = answered.body_mut().with_config().limit(u64::MAX).read_to_vec().unwrap();
        let answer = Answer { status: answered.status().as_u16(), headers: answered.headers().clone(), body };
        description::check(method, path, &answer);
        answer
    }
}
