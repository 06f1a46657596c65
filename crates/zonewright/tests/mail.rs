//! A forgotten password, from the page to the mail server and back, with the real binary.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod common;
#[path = "../../mail/tests/smtp_server/mod.rs"]
#[expect(dead_code, reason = "each program that includes it uses a part of it")]
mod smtp_server;

use std::fs;
use std::path::{Path, PathBuf};

use common::api::Api;
use common::{DEADLINE, Server, describe, run, wait_for, zonewright};
use serde_json::json;
use smtp_server::{Behaviour, MailServer, Tls};

/// What people reach the server by: not what these requests say.
const URL: &str = "http://dns.example.net";
const PASSWORD: &str = "hunter2 and some more";

fn configuration(folder: &Path, post: &MailServer, password: &str) -> PathBuf {
    let path = |name: &str| folder.join(name);
    fs::write(path("password"), format!("{password}\n")).expect("a file");
    fs::write(path("ca.pem"), MailServer::certificate()).expect("a file");
    let file = format!(
        "url = \"{URL}\"\n[mail]\nserver = \"localhost\"\nport = {}\ntls = \"starttls\"\nca = {:?}\n\
         user = \"dns-mailer\"\npassword_file = {:?}\nfrom = \"Zonewright <dns@example.net>\"\n",
        post.port(),
        path("ca.pem"),
        path("password"),
    );
    fs::write(path("zonewright.toml"), file).expect("a file");
    path("zonewright.toml")
}

/// A browser that believes the server is elsewhere, and keeps one cookie.
struct Visitor<'a> {
    server: &'a Server,
    agent: ureq::Agent,
    cookie: String,
    csrf: String,
}

impl<'a> Visitor<'a> {
    fn of(server: &'a Server) -> Visitor<'a> {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let agent = config.max_redirects_will_error(false).timeout_global(Some(DEADLINE)).build().into();
        Visitor { server, agent, cookie: String::new(), csrf: String::new() }
    }

    fn get(&mut self, path: &str) -> (u16, String) {
        let request = self.agent.get(format!("{}{path}", self.server.base())).header("cookie", &self.cookie);
        self.take(request.call().expect("an answer"))
    }

    fn post(&mut self, path: &str, field: &str, value: &str) -> (u16, String) {
        self.post_form(path, &[(field, value)])
    }

    fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let request = self.agent.post(format!("{}{path}", self.server.base())).header("cookie", &self.cookie);
        // Whoever asks may call the server anything.
        let request =
            request.header("origin", URL).header("host", "evil.example").header("x-forwarded-host", "evil.example");
        let csrf = self.csrf.clone();
        let fields = fields.iter().copied().chain([("csrf", csrf.as_str())]);
        self.take(request.send_form(fields).expect("an answer"))
    }

    fn take(&mut self, mut response: ureq::http::Response<ureq::Body>) -> (u16, String) {
        for cookie in response.headers().get_all("set-cookie") {
            let pair = cookie.to_str().expect("text").split(';').next().unwrap_or_default();
            if pair.starts_with("zonewright=") {
                pair.clone_into(&mut self.cookie);
            }
        }
        let text = response.body_mut().read_to_string().expect("a body");
        if let Some(token) = text.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()) {
            token.clone_into(&mut self.csrf);
        }
        (response.status().as_u16(), text)
    }
}

#[test]
fn a_forgotten_password_is_replaced_by_a_link_that_comes_by_mail() {
    let folder = tempfile::tempdir().expect("a folder");
    let login = Some(("dns-mailer", PASSWORD));
    let post = MailServer::start(Behaviour { login, tls: Some(Tls::Start), defer: 1, ..Behaviour::default() });
    let config = configuration(folder.path(), &post, PASSWORD);
    let config = config.to_str().expect("text");
    let server = Server::start(&["--config", config]);
    let made = run(&mut zonewright(server.data(), &["account", "create", "ann@example.com", "--config", config]));
    assert!(made.status.success(), "{}", describe(&made));

    let mut visitor = Visitor::of(&server);
    let unknown = visitor.post("/forgotten/", "email", "nobody@example.org");
    let known = visitor.post("/forgotten/", "email", "ann@example.com");
    assert_eq!(known.0, 200, "{}", known.1);
    assert_eq!(known, unknown);
    assert_eq!(visitor.post("/forgotten/", "email", "ann@example.com\r\nBcc: eve@example.org").0, 422);

    let letter = post.wait_for(1);
    assert_eq!(letter.to, ["ann@example.com"]);
    assert!(letter.over_tls && letter.from == "dns@example.net", "{letter:?}");
    assert!(!letter.text.contains("evil.example") && !letter.text.contains("127.0.0.1"), "{}", letter.text);
    let link = letter.link();
    let link = link.strip_prefix(URL).expect("a link to the configured address");

    assert_eq!(visitor.get(link).0, 200);
    assert_eq!(visitor.post(link, "x", "").0, 303);
    assert_eq!(visitor.get("/account/password/").0, 200);
    assert_eq!(visitor.post("/account/password/", "password", "correct horse battery").0, 303);
    assert_eq!(visitor.get("/account/").0, 200);
    assert_eq!(Visitor::of(&server).get(link).0, 410);
    assert_eq!(Visitor::of(&server).post(link, "x", "").0, 410);

    let told = post.wait_for_subject("Your password was changed", 1);
    assert_eq!(told.to, ["ann@example.com"]);

    // The first attempt was put off; it is counted, and the log tells why, and nothing else.
    let counted = |what: &str| server.metrics().lines().any(|line| line == what).then_some(());
    wait_for("the letters to be counted", || counted("zonewright_mail_sent_total 2"));
    wait_for("the failure to be counted", || counted("zonewright_mail_failures_total 1"));
    let log = server.log();
    assert!(log.contains("the mail server refused temporarily: 451 4.7.1"), "{log}");
    let secret = link.trim_matches('/').rsplit('/').next().expect("a secret");
    for said in [secret, "ann@example.com", "nobody@example.org", "hunter2", "come back later"] {
        assert!(!log.contains(said), "{said} stands in\n{log}");
    }
    assert_eq!(post.taken().len(), 2);
}

#[test]
fn owners_hear_of_what_the_command_line_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let login = Some(("dns-mailer", PASSWORD));
    let post = MailServer::start(Behaviour { login, tls: Some(Tls::Start), ..Behaviour::default() });
    let config = configuration(folder.path(), &post, PASSWORD);
    let config = config.to_str().expect("text");
    let server = Server::start(&["--config", config]);
    let command = |words: &[&str]| {
        let output = run(&mut zonewright(server.data(), &[words, &["--config", config]].concat()));
        (output.status.code(), describe(&output))
    };
    let (code, refused) = command(&["account", "second-factor", "ann@example.com"]);
    assert!(code == Some(2) && refused.contains("--off"), "{refused}");
    let (code, refused) = command(&["account", "second-factor", "ann@example.com", "--off"]);
    assert!(code != Some(0) && refused.contains("there is no account ann@example.com"), "{refused}");
    let (_, made) = command(&["account", "create", "ann@example.com"]);
    let (_, said) = command(&["account", "second-factor", "ann@example.com", "--off"]);
    assert!(said.contains("ann@example.com does not use two-factor authentication"), "{said}");

    let mut ann = Visitor::of(&server);
    let link = made.split_whitespace().find_map(|word| word.strip_prefix(URL)).expect("a link").to_owned();
    assert_eq!(ann.get(&link).0, 200);
    assert_eq!(ann.post(&link, "x", "").0, 303);
    let (_, page) = ann.get("/account/second-factor/");
    let key = page.split("name=\"key\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a key");
    let app = store::OneTimeKey::from_base32(key).expect("a key");
    let code = app.code_at(store::Clock::system().now());
    let (status, page) = ann.post_form("/account/second-factor/", &[("key", key), ("code", &code)]);
    assert!(status == 200 && page.contains("Recovery codes"), "{page}");
    let (_, listed) = command(&["account", "list"]);
    assert!(listed.contains("ann@example.com\tuser\tactive\tyes"), "{listed}");

    let (code, said) = command(&["account", "second-factor", "ann@example.com", "--off"]);
    assert!(code == Some(0) && said.contains("two-factor authentication is off for ann@example.com"), "{said}");
    let letter = post.wait_for_subject("Two-factor authentication was turned off", 1);
    assert_eq!(letter.to, ["ann@example.com"]);
    assert!(letter.body().contains(&format!("The operator of {URL} did this.")), "{}", letter.body());
    assert!(ann.get("/account/").1.contains("You sign in with your password only."));

    let create = ["token", "create", "--account", "ann@example.com", "--name", "ci", "--permission", "dns:list"];
    let (_, token) = command(&create);
    let letter = post.wait_for_subject("New API token", 1);
    assert!(letter.body().contains(": ci ...") && !letter.body().contains("vps_"), "{}", letter.body());
    assert!(!token.is_empty());
}

#[test]
fn a_letter_that_waits_outlives_a_restart_and_is_sent_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let login = Some(("dns-mailer", PASSWORD));
    let post = MailServer::start(Behaviour { login, tls: Some(Tls::Start), defer: 1, ..Behaviour::default() });
    let config = configuration(folder.path(), &post, PASSWORD);
    let flags = ["--config", config.to_str().expect("text")];
    let mut server = Server::start(&flags);
    let made = [&["account", "create", "ann@example.com"][..], &flags].concat();
    let made = run(&mut zonewright(server.data(), &made));
    assert!(made.status.success(), "{}", describe(&made));
    assert_eq!(Visitor::of(&server).post("/forgotten/", "email", "ann@example.com").0, 200);
    wait_for("the first attempt to be put off", || server.log().contains("will be retried").then_some(()));
    assert!(server.stop().success());
    assert!(post.taken().is_empty());
    let file = fs::read(server.data().join("zonewright.sqlite")).expect("the database");
    assert!(!file.windows(6).any(|part| part == b"/link/"), "the link stands in the database");

    let data = server.data().to_owned();
    let mut again = Server::start_in(&data, &flags);
    let letter = post.wait_for(1);
    let link = letter.link();
    assert_eq!(Visitor::of(&again).get(link.strip_prefix(URL).expect("a link")).0, 200);
    wait_for("the letter to leave the queue", || {
        again.metrics().lines().any(|line| line == "zonewright_mail_waiting 0").then_some(())
    });
    assert!(again.stop().success());
    Server::start_in(&data, &flags);
    assert_eq!(post.taken().len(), 1);
}

#[test]
fn the_doctor_knocks_at_the_mail_server_and_sends_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let login = Some(("dns-mailer", PASSWORD));
    let post = MailServer::start(Behaviour { login, tls: Some(Tls::Start), ..Behaviour::default() });
    let doctor = |password: &str| {
        let config = configuration(folder.path(), &post, password);
        let asked =
            ["doctor", "--config", config.to_str().expect("text"), "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"];
        describe(&run(&mut zonewright(folder.path(), &asked)))
    };
    let refused = doctor("wrong");
    assert!(refused.contains("BAD   mail: localhost, port ") && refused.contains("535 5.7.8"), "{refused}");
    let good = doctor(PASSWORD);
    assert!(good.contains("ok    mail: localhost, port ") && !good.contains("BAD"), "{good}");
    assert!(post.taken().is_empty());
}

#[test]
fn the_owner_of_a_zone_that_is_claimed_is_told_in_their_language_and_can_keep_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let login = Some(("dns-mailer", PASSWORD));
    let post = MailServer::start(Behaviour { login, tls: Some(Tls::Start), ..Behaviour::default() });
    let world = Server::start(&[]);
    let public = Api::new(&world, &world.token());
    let real = public.create_zone("brand.example");
    let config = configuration(folder.path(), &post, PASSWORD);
    let text = fs::read_to_string(&config).expect("text");
    let resolvers = format!("{text}[claims]\nresolvers = [\"{}\"]\n", world.dns());
    fs::write(&config, resolvers).expect("a file");
    let config = config.to_str().expect("text");
    let server = Server::start(&["--config", config]);
    let command = |words: &[&str]| {
        let output = run(&mut zonewright(server.data(), &[words, &["--config", config]].concat()));
        assert!(output.status.success(), "{words:?}: {}", describe(&output));
        String::from_utf8(output.stdout).expect("text")
    };
    let account = |email: &str| {
        let made = command(&["account", "create", email]);
        let token = command(&["token", "create", "--account", email, "--name", "ci", "--permission", "dns:*"]);
        let link = made.split_whitespace().find_map(|word| word.strip_prefix(URL)).expect("a link").to_owned();
        (link, Api::new(&server, token.trim()))
    };
    let publish = |claim: &serde_json::Value| {
        let value = claim["value"].as_str().expect("a value");
        let record = json!({"record_type": "TXT", "name": "_zonewright-claim", "value": value});
        let (status, answer) = public.send("POST", &format!("/dns-zones/{real}/records/"), Some(&record));
        assert_eq!(status, 201, "{answer}");
        world.dig_until(&["_zonewright-claim.brand.example", "TXT"], |answer| answer.contains(value));
    };
    let ((anns_link, ann), (_, bob)) = (account("ann@example.com"), account("bob@example.com"));
    let mut browser = Visitor::of(&server);
    browser.get(&format!("{anns_link}?lang=es"));
    assert_eq!(browser.post(&format!("{anns_link}?lang=es"), "x", "").0, 303);
    let names = ["brand.example", "shop.brand.example"];
    let zones = names.map(|name| ann.create_zone(name));

    let wanted = json!({"domain": "brand.example"});
    let (status, refusal) = bob.send("POST", "/dns-zones/", Some(&wanted));
    assert_eq!(status, 400, "{refusal}");
    publish(&refusal["claim"]);
    let (status, made) = bob.send("POST", "/dns-zones/", Some(&wanted));
    assert_eq!(status, 201, "{made}");
    let due = made["not_served"]["until"].as_str().expect("a time").replace('T', " ");
    let due = format!("{} UTC", due.get(..16).expect("a time"));

    for (name, zone) in names.iter().zip(&zones) {
        let letter = post.wait_for_subject(&format!("Su zona {name}"), 1);
        assert_eq!(letter.to, ["ann@example.com"]);
        let body = letter.body();
        for words in [
            "Otra cuenta demostró que controla el dominio brand.example, ",
            &format!("Su zona {name} en {URL} dejará de servirse el {due}."),
            &format!("\n{URL}/zones/{zone}/claim/\n"),
            &format!("GET y POST /dns-zones/{zone}/claim/"),
        ] {
            assert!(body.contains(words), "{words:?} is missing in\n{body}");
        }
        assert!(!body.contains("bob@example.com"), "{body}");
    }

    // What the letter says works, and each owner is told once.
    let page = format!("/zones/{}/claim/", zones[1]);
    let (_, shown) = browser.get(&page);
    assert!(shown.contains("_zonewright-claim.shop.brand.example"), "{shown}");
    let claim = format!("/dns-zones/{}/claim/", zones[0]);
    publish(&ann.send("GET", &claim, None).1);
    assert_eq!(ann.send("POST", &claim, None).0, 200);
    let listed = command(&["zone", "claims"]);
    assert!(listed.contains("both accounts proved control: zonewright zone move brand.example --to"), "{listed}");
    assert_eq!(post.taken().iter().filter(|letter| letter.text.contains("Subject: Su zona ")).count(), 2);
}
