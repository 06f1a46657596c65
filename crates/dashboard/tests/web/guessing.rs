//! Codes that are guessed, and passwords that many try at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dashboard::Settings;
use store::EventKind;

use crate::browser::{Browser, PASSWORD, Server};

/// A server behind a proxy, so that a test comes from many addresses.
fn behind_a_proxy() -> Server {
    let proxies = vec!["127.0.0.0/8".parse().unwrap()];
    Server::build(
        Settings::default(),
        http_server::Settings { proxies, ..http_server::Settings::default() },
        None,
        claims::Claims::default(),
    )
}

/// Ends the crowd, also when the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn post_from(browser: &mut Browser, address: &str, path: &str, fields: &[(&str, &str)]) -> crate::browser::Shown {
    let (origin, csrf) = (browser.base.clone(), browser.csrf.clone());
    let fields = [fields, &[("csrf", csrf.as_str())]].concat();
    browser.post_raw(path, &fields, &[("origin", &origin), ("x-forwarded-for", address)])
}

fn judged(server: &Server) -> usize {
    let events = server.runtime.block_on(server.store.command_line().events(None, None, 1000)).unwrap();
    events.iter().filter(|event| event.kind == EventKind::CodeFailed).count()
}

#[test]
fn codes_cannot_be_guessed_from_many_addresses() {
    let server = behind_a_proxy();
    let ann = server.user("ann@example.com");
    let key = server.turn_codes_on(&ann);
    let mut owner = server.signed_in_with_code("ann@example.com", &key.code_at(server.store.now()));
    let mut ended = 0;
    for host in 1..=12 {
        let address = format!("203.0.113.{host}");
        let mut guesser = server.browser();
        let fields = [("email", "ann@example.com"), ("password", PASSWORD)];
        post_from(&mut guesser, &address, "/sign-in/", &fields).leads_to("/sign-in/code/");
        guesser.get("/sign-in/code/").is(200);
        for _ in 0..4 {
            let shown = post_from(&mut guesser, &address, "/sign-in/code/", &[("code", "000000")]);
            match shown.status {
                422 => {}
                429 => {
                    shown.says("Too many wrong codes").says("in 1 minutes");
                    assert_eq!(shown.header("retry-after"), Some("60"));
                    ended += 1;
                }
                other => panic!("{other}"),
            }
        }
    }
    assert_eq!((judged(&server), ended), (5, 43), "five of 48 were judged");

    // Not even the right one is, but for the owner, whose browser is known.
    server.pass(30);
    let right = key.code_at(server.store.now());
    let mut stranger = server.browser();
    stranger.sign_in("ann@example.com", PASSWORD).leads_to("/sign-in/code/");
    stranger.get("/sign-in/code/").is(200);
    stranger.post("/sign-in/code/", &[("code", &right)]).is(429);
    owner.post("/sign-out/", &[]).leads_to("/sign-in/");
    owner.csrf.clear();
    owner.sign_in("ann@example.com", PASSWORD).leads_to("/sign-in/code/");
    owner.get("/sign-in/code/").is(200);
    owner.post("/sign-in/code/", &[("code", &right)]).leads_to("/");
}

#[test]
fn five_wrong_codes_end_the_sign_in() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let key = server.turn_codes_on(&ann);
    let mut browser = server.browser();
    browser.sign_in("ann@example.com", PASSWORD).leads_to("/sign-in/code/");
    browser.get("/sign-in/code/?next=%2Faccount%2F").is(200);
    for _ in 0..4 {
        browser.post("/sign-in/code/", &[("code", "000000")]).is(422).says("This code is wrong");
    }
    let ended = browser.post("/sign-in/code/", &[("code", "000000"), ("next", "/account/")]);
    ended.is(422).says("Five codes were wrong").says("value=\"/account/\"").says("value=\"ann@example.com\"");
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    browser.get("/sign-in/code/").is(303);
    browser.post("/sign-in/code/", &[("code", &key.code_at(server.store.now()))]).is(303);
    server.pass(60);
    browser.csrf.clear();
    browser.sign_in("ann@example.com", PASSWORD).leads_to("/sign-in/code/");
    browser.get("/sign-in/code/").is(200);
    browser.post("/sign-in/code/", &[("code", &key.code_at(server.store.now()))]).leads_to("/");
}

#[test]
fn a_crowd_of_guessers_is_refused_and_known_browsers_sign_in() {
    let server = behind_a_proxy();
    server.user("ann@example.com");
    let mut ann = server.signed_in("ann@example.com");
    ann.post("/sign-out/", &[]).leads_to("/sign-in/");
    let over = AtomicBool::new(false);
    let (refused, tried) = std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..60)
            .map(|host| {
                let (over, server) = (&over, &server);
                scope.spawn(move || {
                    let (mut refused, mut tried) = (0, 0);
                    let mut guesser = server.browser();
                    while !over.load(Ordering::SeqCst) {
                        tried += 1;
                        let address = format!("10.{host}.{}.{}", tried / 250, tried % 250);
                        let email = format!("{host}.{tried}@example.com");
                        let fields = [("email", email.as_str()), ("password", "wrong password")];
                        let shown = post_from(&mut guesser, &address, "/sign-in/", &fields);
                        match shown.status {
                            422 => {}
                            503 => {
                                assert_eq!(shown.header("retry-after"), Some("2"));
                                shown.says("too many passwords");
                                refused += 1;
                                // A client that was refused waits before it tries again.
                                std::thread::sleep(Duration::from_millis(100));
                            }
                            other => panic!("{other}"),
                        }
                    }
                    (refused, tried)
                })
            })
            .collect();
        let _ended = End(&over);
        let deadline = Instant::now() + Duration::from_secs(60);
        // While the crowd fills its queue, a stranger is refused, and the owner signs in.
        let mut stranger = server.browser();
        let fields = [("email", "ann@example.com"), ("password", PASSWORD)];
        while post_from(&mut stranger, "192.0.2.1", "/sign-in/", &fields).status != 503 {
            stranger = server.browser();
            assert!(Instant::now() < deadline, "the queue is never full");
        }
        for _ in 0..3 {
            ann.cookies.remove("zonewright");
            post_from(&mut ann, "192.0.2.2", "/sign-in/", &fields).leads_to("/");
        }
        over.store(true, Ordering::SeqCst);
        crowd.into_iter().map(|guesser| guesser.join().unwrap()).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    });
    assert!(refused > 0 && refused < tried, "{refused} of {tried}");
}
