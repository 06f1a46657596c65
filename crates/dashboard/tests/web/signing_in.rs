//! Coming in: what is refused, and that a refusal tells nothing.

use store::{EventKind, OneTimeKey, PasswordHash, Suspension};

use crate::browser::{PASSWORD, Server};

#[test]
fn a_refusal_says_the_same_and_takes_the_same_work_whatever_the_reason() {
    let server = Server::start();
    server.user("ann@example.com");
    let suspended = server.user("suspended@example.com");
    server.runtime.block_on(server.store.command_line().suspend_account(suspended.id, Suspension::SignIn)).unwrap();
    let without = store::NewAccount { email: "without@example.com".to_owned(), ..store::NewAccount::default() };
    server.runtime.block_on(server.store.command_line().create_account(without)).unwrap();
    let mut answers = Vec::new();
    for (email, password) in [
        ("ann@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("suspended@example.com", PASSWORD),
        ("without@example.com", ""),
        ("", PASSWORD),
    ] {
        // Each account's failures are few, but the address's are not.
        server.pass(3601);
        let before = store::passwords_hashed();
        let mut browser = server.browser();
        let shown = browser.post("/sign-in/", &[("email", email), ("password", password)]);
        shown.is(422);
        assert!(browser.cookies.is_empty(), "{email}: {:?}", browser.cookies);
        // Other tests hash in the same process: one at the least, and the store's own test holds that it is one.
        assert!(store::passwords_hashed() > before, "{email}");
        // The address as it was typed is all that differs.
        answers.push(shown.text.replace(&format!("value=\"{email}\""), ""));
    }
    for answer in &answers[1..4] {
        assert_eq!(answer, &answers[0]);
    }
}

#[test]
fn whoever_tries_passwords_waits_longer_and_longer() {
    let server = Server::start();
    server.user("ann@example.com");
    let mut browser = server.browser();
    for _ in 0..5 {
        browser.sign_in("ann@example.com", "wrong").is(422);
    }
    let hashed = server.runtime.block_on(server.store.command_line().events(None, None, 100)).unwrap().len();
    let refused = browser.sign_in("ann@example.com", PASSWORD);
    assert_eq!(refused.is(429).header("retry-after"), Some("1"), "also with the right password");
    refused.says("Too many attempts");
    let after = server.runtime.block_on(server.store.command_line().events(None, None, 100)).unwrap().len();
    assert_eq!(hashed, after, "nothing was looked at");
    server.pass(2);
    browser.sign_in("ann@example.com", "wrong").is(422);
    assert_eq!(browser.sign_in("ann@example.com", PASSWORD).is(429).header("retry-after"), Some("2"));
    server.pass(2);
    browser.sign_in("ann@example.com", PASSWORD).leads_to("/");
}

#[test]
fn sessions_end_when_they_are_idle_or_old_or_ended() {
    let server = Server::start();
    server.user("ann@example.com");
    let mut idle = server.signed_in("ann@example.com");
    server.pass(24 * 3600 - 1);
    idle.get("/account/").is(200);
    server.pass(24 * 3600);
    idle.get("/account/").is(303);

    let mut busy = server.signed_in("ann@example.com");
    for _ in 0..27 {
        server.pass(12 * 3600);
        busy.get("/account/").is(200);
    }
    server.pass(12 * 3600);
    busy.get("/account/").is(303);

    let mut signed_out = server.signed_in("ann@example.com");
    let kept = signed_out.clone();
    signed_out.post("/sign-out/", &[]).leads_to("/sign-in/");
    signed_out.get("/sign-in/").says("You are signed out.");
    signed_out.get("/sign-in/").does_not_say("You are signed out.");
    kept.clone().get("/account/").is(303);
    for value in ["", "x", &"A".repeat(43), &"é".repeat(43)] {
        let mut forged = kept.clone();
        forged.cookies.insert("zonewright".to_owned(), value.to_owned());
        forged.get("/account/").is(303);
    }
}

#[test]
fn a_suspended_account_is_out_at_once() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let mut browser = server.signed_in("ann@example.com");
    let token = store::NewToken::unlimited("t", [store::Permission::All].into_iter().collect());
    let token = server.runtime.block_on(server.store.command_line().person(ann.id).create_token(token)).unwrap();
    let link = server.link(&ann, 1);
    assert_eq!(server.api_status(token.plain.reveal()), 200);
    server.runtime.block_on(server.store.command_line().suspend_account(ann.id, Suspension::SignIn)).unwrap();
    assert_eq!(server.api_status(token.plain.reveal()), 401);
    browser.get("/account/").is(303);
    browser.get(&link).is(410);
    browser.post(&link, &[]).is(410);
    server.runtime.block_on(server.store.command_line().resume_account(ann.id)).unwrap();
    assert_eq!(server.api_status(token.plain.reveal()), 200);
    browser.get("/account/").is(303);
    browser.get(&link).is(410);
}

#[test]
fn a_link_is_good_once_and_looking_at_it_does_not_use_it() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let link = server.link(&ann, 1);
    for _ in 0..3 {
        server.browser().get(&link).is(200).says("ann@example.com");
    }
    server.browser().post_raw(&link, &[], &[("origin", "http://evil.example")]).is(403);
    let mut first = server.browser();
    first.get(&link).is(200);
    first.post(&link, &[]).leads_to("/account/password/");
    server.browser().get(&link).is(410);
    let mut second = server.browser();
    second.post(&link, &[]).is(410);
    assert!(second.cookies.is_empty());

    first.get("/account/password/").says("Choose a password now.");
    first.post("/account/password/", &[("password", "short")]).is(422).says("at least 10 characters");
    first.post("/account/password/", &[("password", "ANN@example.com")]).is(422);
    let other_link = server.link(&ann, 1);
    let mut elsewhere = server.signed_in("ann@example.com");
    first.post("/account/password/", &[("password", "another long one")]).leads_to("/");
    first.get("/account/").is(200);
    elsewhere.get("/account/").is(303);
    server.browser().get(&other_link).is(410);
    server.browser().sign_in("ann@example.com", PASSWORD).is(422);
    server.browser().sign_in("ann@example.com", "another long one").leads_to("/");

    let old = server.link(&ann, 1);
    server.pass(3600);
    server.browser().post(&old, &[]).is(410);
    for path in ["/link/x/", &format!("/link/{}/", "A".repeat(43)), "/link/%00/"] {
        server.browser().get(path).is(410);
    }
}

#[test]
fn a_new_password_revokes_all_tokens_where_that_is_wanted() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let bob = server.user("bob@example.com");
    let mut browser = server.signed_in("ann@example.com");
    browser.get("/account/password/").is(200).does_not_say("Revoke all");
    let token = |account: &store::Account| {
        let new = store::NewToken::unlimited("t", [store::Permission::All].into_iter().collect());
        server
            .runtime
            .block_on(server.store.command_line().person(account.id).create_token(new))
            .unwrap()
            .plain
            .reveal()
            .to_owned()
    };
    let (first, second, other) = (token(&ann), token(&ann), token(&bob));
    browser.get("/account/password/").is(200).says("Revoke all API tokens (2) and update keys (0) as well");
    browser.post("/account/password/", &[("password", "short"), ("tokens", "revoke")]).is(422).says(" checked");
    browser.post("/account/password/", &[("password", "another long one")]).leads_to("/");
    assert_eq!([&first, &second, &other].map(|token| server.api_status(token)), [200, 200, 200]);
    browser.post("/account/password/", &[("password", "one more of them"), ("tokens", "revoke")]).leads_to("/");
    assert_eq!([&first, &second, &other].map(|token| server.api_status(token)), [401, 401, 200]);
    let events = server.runtime.block_on(server.store.command_line().events(Some(ann.id), None, 100)).unwrap();
    assert_eq!(events.iter().filter(|event| event.kind == EventKind::TokenRevoked).count(), 2);
}

#[test]
fn a_second_factor_is_asked_for_and_its_codes_are_good_once() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    let mut browser = server.signed_in("ann@example.com");
    let page = browser.get("/account/second-factor/");
    let key = page.is(200).between("name=\"key\" value=\"", "\"").to_owned();
    page.says("<svg class=\"qr\"");
    let app = OneTimeKey::from_base32(&key).unwrap();
    let code = |ahead: i64| {
        let time = server.store.now().checked_add(jiff::SignedDuration::from_secs(ahead)).unwrap();
        app.code_at(time)
    };
    browser.post("/account/second-factor/", &[("key", &key), ("code", "000000")]).is(422).says(&key);
    browser.get("/account/").says("You sign in with your password only.");
    let mut elsewhere = server.signed_in("ann@example.com");
    let made = browser.post("/account/second-factor/", &[("key", &key), ("code", &code(0))]);
    // Sessions that began without a code end.
    elsewhere.get("/account/").leads_to("/sign-in/?next=%2Faccount%2F");
    let codes: Vec<String> =
        made.is(200).between("aria-label=\"Recovery codes\">", "</pre>").lines().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);
    browser.get("/account/").says("10 recovery codes are left.").does_not_say(&codes[0]);
    browser.get("/account/second-factor/codes/").is(200).says("The old ones stop working.");

    let used = code(0);
    let waiting = || {
        let mut browser = server.browser();
        browser.sign_in("ann@example.com", PASSWORD).leads_to("/sign-in/code/");
        browser.get("/sign-in/code/").is(200);
        browser
    };
    let mut other = waiting();
    other.post("/sign-in/code/", &[("code", &used)]).is(422);
    other.post("/sign-in/code/", &[("code", "")]).is(422);
    server.pass(30);
    let before = other.cookies["zonewright"].clone();
    other.post("/sign-in/code/", &[("code", &code(0))]).leads_to("/");
    assert_ne!(other.cookies["zonewright"], before, "another secret than before the code");
    other.get("/account/").is(200);
    let mut stale = other.clone();
    stale.cookies.insert("zonewright".to_owned(), before);
    stale.get("/account/").is(303);

    let mut third = waiting();
    third.post("/sign-in/code/", &[("code", &codes[3].to_lowercase())]).leads_to("/");
    waiting().post("/sign-in/code/", &[("code", &codes[3])]).is(422);
    let mut late = waiting();
    server.pass(601);
    late.post("/sign-in/code/", &[("code", &codes[4])]).is(303);
    late.get("/account/").is(303);

    let link = server.link(&ann, 1);
    let mut by_link = server.browser();
    by_link.get(&link).is(200);
    by_link.post(&link, &[]).leads_to("/sign-in/code/?next=%2Faccount%2Fpassword%2F");
    by_link.get("/account/password/").is(303);

    let mut off = server.signed_in_with_code("ann@example.com", &codes[5]);
    off.post("/account/second-factor/off/", &[]).leads_to("/account/");
    server.browser().sign_in("ann@example.com", PASSWORD).leads_to("/");
}

#[test]
fn the_trail_tells_who_came_in_and_who_tried() {
    let server = Server::start();
    let ann = server.user("ann@example.com");
    server.browser().sign_in("ann@example.com", "wrong").is(422);
    server.browser().sign_in("nobody@example.com", "my secret password").is(422);
    server.signed_in("ann@example.com").post("/sign-out/", &[]).is(303);
    let events = server.trail();
    let told: Vec<_> = events.iter().rev().map(|event| (event.kind, event.email.as_deref())).collect();
    let of_ann = Some("ann@example.com");
    assert_eq!(
        told,
        [
            (EventKind::SignInFailed, of_ann),
            (EventKind::SignInFailed, None),
            (EventKind::SignedIn, of_ann),
            (EventKind::NewBrowser, of_ann),
            (EventKind::SignedOut, of_ann),
        ],
    );
    assert!(events.iter().all(|event| event.address == Some("127.0.0.1".parse().unwrap())));
    assert!(!format!("{events:?}").contains("nobody@") && !format!("{events:?}").contains("secret"));
    // What a page hashes is what the store compares.
    let hash = server.runtime.block_on(PasswordHash::new(PASSWORD)).unwrap();
    assert!(hash.verify(PASSWORD));
    assert!(server.runtime.block_on(server.store.command_line().person(ann.id).has_password()).unwrap());
}
