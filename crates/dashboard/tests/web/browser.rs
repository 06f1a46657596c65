//! A server for one test, and a browser that visits it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use api::Api;
use dashboard::{Dashboard, Post, Settings};
use deploy::{Deployment, Nameserver};
use dns::apex::{Apex, ApexNameserver};
use dns::change::Limits;
use dns::{Name, ZoneName};
use mail::Mailer;
use resolve::Resolver;
use store::{
    Account, AccountEvent, AccountId, Author, Clock, EventKind, Keep, NewAccount, OneTimeKey, Options, PasswordHash,
    Role, Source, Store, Tenant, Timestamp, Zone, ZoneScope,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The password of every account that a test makes.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// 2024-01-15T10:30:00Z.
const START: i64 = 1_705_314_600;

pub(crate) struct Server {
    pub(crate) store: Store,
    pub(crate) runtime: Runtime,
    post: Option<Post>,
    address: SocketAddr,
    seconds: Arc<AtomicI64>,
    stop: CancellationToken,
    _folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Server {
        Server::build(settings, http_server::Settings::default(), None, claims::Claims::default())
    }

    /// One that sends mail to this port.
    pub(crate) fn mailing(port: u16) -> Server {
        Server::mailing_with(Settings::default(), port)
    }

    pub(crate) fn mailing_with(settings: Settings, port: u16) -> Server {
        let post = Server::post(port);
        Server::build(settings, http_server::Settings::default(), Some(post), claims::Claims::default())
    }

    fn post(port: u16) -> Post {
        let settings = mail::Settings {
            server: "127.0.0.1".to_owned(),
            port,
            security: mail::Security::None,
            login: None,
            sender: "dns@example.net".parse().unwrap(),
            authorities: None,
            host: "dns.example.net".to_owned(),
            retry_after: Vec::new(),
        };
        Post::new(Mailer::new(settings).unwrap(), "https://dns.example.net".to_owned())
    }

    /// One that looks for claims with this resolver.
    pub(crate) fn resolving(resolver: SocketAddr) -> Server {
        let claims = claims::Claims::new(Resolver::new(vec![resolver]));
        Server::build(Settings::default(), http_server::Settings::default(), None, claims)
    }

    pub(crate) fn build(
        settings: Settings,
        http: http_server::Settings,
        post: Option<Post>,
        claims: claims::Claims,
    ) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let seconds = Arc::new(AtomicI64::new(START));
        let now = Arc::clone(&seconds);
        let nameserver = ApexNameserver { name: Name::parse("ns1.zonewright.test").unwrap(), addresses: Vec::new() };
        let options = Options {
            clock: Clock::from_fn(move || Timestamp::from_second(now.load(Ordering::SeqCst)).unwrap()),
            limits: Limits::default(),
            apex: Apex::new(vec![nameserver]).unwrap(),
            key_file: None,
            own_names: Vec::new(),
            policy: store::Policy::default(),
        };
        let inside = runtime.enter();
        let store = crate::postgres::open(folder.path(), options);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let none: Vec<Arc<dyn Nameserver>> = Vec::new();
        let (deployment, _) =
            Deployment::start(store.journal(), none, Vec::new(), deploy::Settings::default(), stop.clone());
        let api = Api::new(store.clone(), deployment.clone(), Arc::default(), api::Settings::default()).router();
        if let Some(post) = post.clone() {
            let (outbox, stop) = (store.outbox(), stop.clone());
            runtime.spawn(async move { post.deliver(outbox, stop).await });
        }
        let pages = Dashboard::new(store.clone(), deployment, Arc::new(claims), settings, post.clone());
        let app = pages.over(api);
        runtime.spawn({
            let stop = stop.clone();
            async move { stop.run_until_cancelled(pages.write_to_owners()).await }
        });
        runtime.spawn(http_server::serve(listener, None, app, api::error_body, http, stop.clone()));
        drop(inside);
        Server { store, runtime, post, address, seconds, stop, _folder: folder }
    }

    /// Waits until every letter has been written and sent, or given up.
    pub(crate) fn letters_are_sent(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        let is_waiting = || {
            // Written comes before queued.
            self.post.as_ref().is_some_and(Post::is_writing)
                || self.runtime.block_on(self.store.outbox().mail_waiting()).unwrap().letters > 0
        };
        while is_waiting() {
            assert!(Instant::now() < end, "a letter is under way for ever");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lets time pass, after letters that wait have been sent: they would be too late then.
    pub(crate) fn pass(&self, seconds: i64) {
        self.letters_are_sent();
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn account(&self, email: &str, role: Role) -> Account {
        self.runtime.block_on(async {
            let password = Some(PasswordHash::new(PASSWORD).await.unwrap());
            let new = NewAccount { email: email.to_owned(), password, role, ..NewAccount::default() };
            self.store.command_line().create_account(new).await.unwrap()
        })
    }

    pub(crate) fn user(&self, email: &str) -> Account {
        self.account(email, Role::User)
    }

    pub(crate) fn zone(&self, account: &Account, name: &str) -> Zone {
        let author = Author { account: account.id, name: "test".to_owned(), source: Source::Operator, address: None };
        let made = self.store.create_zone(&author, ZoneName::parse(name).unwrap());
        self.runtime.block_on(made).unwrap()
    }

    /// The path of a new one-time link into an account.
    pub(crate) fn link(&self, account: &Account, hours: i64) -> String {
        let good_for = jiff::SignedDuration::from_hours(hours);
        let operator = self.store.command_line();
        let made = operator.create_link(account.id, good_for);
        format!("/link/{}/", self.runtime.block_on(made).unwrap().unwrap().reveal())
    }

    /// The audit trail, newest first, without the accounts that the test created.
    pub(crate) fn trail(&self) -> Vec<AccountEvent> {
        let operator = self.store.command_line();
        let mut events = self.runtime.block_on(operator.events(None, None, 100)).unwrap();
        events.retain(|event| event.kind != EventKind::AccountMade);
        events
    }

    /// The zones of an account.
    pub(crate) fn zones_of(&self, account: AccountId) -> Tenant {
        let author = Author { account, name: "test".to_owned(), source: Source::Api, address: None };
        self.store.tenant(author, ZoneScope::All)
    }

    pub(crate) fn browser(&self) -> Browser {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Browser {
            agent: config.into(),
            base: format!("http://{}", self.address),
            cookies: BTreeMap::new(),
            csrf: String::new(),
        }
    }

    /// A browser whose user has signed in.
    pub(crate) fn signed_in(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(email, PASSWORD).leads_to("/");
        browser
    }

    /// Turns on one-time codes for an account; the codes of the key are good from now on.
    pub(crate) fn turn_codes_on(&self, account: &Account) -> OneTimeKey {
        let key = OneTimeKey::draw().unwrap();
        let (code, owner) = (key.code_at(self.store.now()), self.store.command_line().person(account.id));
        let on = owner.turn_second_factor_on(key.clone(), &code, Keep::default());
        self.runtime.block_on(on).unwrap().unwrap();
        self.pass(30);
        key
    }

    /// [`Server::signed_in`] for an account with one-time codes.
    pub(crate) fn signed_in_with_code(&self, email: &str, code: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in(email, PASSWORD).leads_to("/sign-in/code/");
        browser.get("/sign-in/code/").is(200);
        browser.post("/sign-in/code/", &[("code", code)]).leads_to("/");
        browser.get("/account/").is(200);
        browser
    }

    /// What the API answers to `GET /account/me/` with a token.
    pub(crate) fn api_status(&self, token: &str) -> u16 {
        let browser = self.browser();
        let request = browser.agent.get(format!("{}/api/v1/account/me/", browser.base));
        request.header("authorization", format!("Bearer {token}")).call().unwrap().status().as_u16()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Keeps cookies, and the token of the form that it saw last.
#[derive(Clone)]
pub(crate) struct Browser {
    agent: ureq::Agent,
    pub(crate) base: String,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) csrf: String,
}

#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) fn get(&mut self, path: &str) -> Shown {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Shown {
        let mut request = self.agent.get(format!("{}{path}", self.base)).header("cookie", self.cookie_line());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.call().unwrap();
        self.take(response)
    }

    /// Sends a form as a browser sends one of ours: with the origin, and the token of the page before.
    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let origin = self.base.clone();
        let mut fields = fields.to_vec();
        let csrf = self.csrf.clone();
        fields.push(("csrf", &csrf));
        self.post_raw(path, &fields, &[("origin", &origin)])
    }

    /// Sends a form with these fields and headers alone.
    pub(crate) fn post_raw(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Shown {
        let mut request = self.agent.post(format!("{}{path}", self.base)).header("cookie", self.cookie_line());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body: String =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.iter().copied()).finish();
        let response = request.content_type("application/x-www-form-urlencoded").send(body).unwrap();
        self.take(response)
    }

    /// Sends a form with a file as browsers do: the fields, and then the file.
    pub(crate) fn post_file(&mut self, path: &str, fields: &[(&str, &str)], file: (&str, &[u8])) -> Shown {
        const BOUNDARY: &str = "----WebKitFormBoundaryZonewright";
        let csrf = self.csrf.clone();
        let mut body = Vec::new();
        for (name, value) in fields.iter().copied().chain([("csrf", csrf.as_str())]) {
            let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.as_bytes());
        }
        let disposition = format!("form-data; name=\"{}\"; filename=\"example.com.zone\"", file.0);
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: text/plain\r\n\r\n");
        body.extend([head.as_bytes(), file.1, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat());
        let request = self.agent.post(format!("{}{path}", self.base)).header("cookie", self.cookie_line());
        let request = request.header("origin", &self.base);
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let response = request.content_type(&kind).send(&body[..]).unwrap();
        self.take(response)
    }

    pub(crate) fn sign_in(&mut self, email: &str, password: &str) -> Shown {
        self.get("/sign-in/").is(200);
        let shown = self.post("/sign-in/", &[("email", email), ("password", password)]);
        if shown.status == 303 && shown.header("location") == Some("/") {
            // The token of the forms from now on.
            self.get("/account/").is(200);
        }
        shown
    }

    fn cookie_line(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn take(&mut self, mut response: http::Response<ureq::Body>) -> Shown {
        let headers = response.headers().clone();
        for cookie in headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let text = response.body_mut().read_to_string().unwrap();
        if let Some(token) = text.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()) {
            token.clone_into(&mut self.csrf);
        }
        Shown { status: response.status().as_u16(), headers, text }
    }
}

impl Shown {
    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Shown {
        assert_eq!(self.status, status, "{:?}\n{}", self.headers, self.text);
        self
    }

    #[track_caller]
    pub(crate) fn leads_to(&self, path: &str) -> &Shown {
        self.is(303);
        assert_eq!(self.header("location"), Some(path));
        self
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Shown {
        assert!(self.text.contains(text), "{text:?} is missing in\n{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn does_not_say(&self, text: &str) -> &Shown {
        assert!(!self.text.contains(text), "{text:?} stands in\n{}", self.text);
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// What stands between two marks.
    #[track_caller]
    pub(crate) fn between(&self, before: &str, after: &str) -> &str {
        let rest = self.text.split_once(before).unwrap_or_else(|| panic!("no {before} in\n{}", self.text)).1;
        rest.split_once(after).unwrap().0
    }
}
