//! Every page of the table, visited by who may not: without a session, from elsewhere, without the form's token, by a user
//! where it is the operator's, and with a session that still waits for its code.
//!
//! The table is the one that the router is built from, so a new page is walked without anybody thinking of it.

use dashboard::{Access, ROUTES, Route};
use store::Role;

use crate::browser::{PASSWORD, Server};

fn path(route: &Route) -> String {
    route.path.replace("{id}", "1").replace("{serial}", "1").replace("{secret}", &"A".repeat(43))
}

fn needs_a_session(route: &Route) -> bool {
    matches!(route.access, Access::SignedIn | Access::Proved) || is_the_operators(route)
}

fn is_the_operators(route: &Route) -> bool {
    matches!(route.access, Access::Operator | Access::ProvedOperator)
}

fn needs_a_fresh_password(route: &Route) -> bool {
    matches!(route.access, Access::Proved | Access::ProvedOperator)
}

#[test]
fn without_a_session_there_is_only_the_way_to_sign_in() {
    let server = Server::start();
    let mut visitor = server.browser();
    for route in ROUTES.iter().filter(|route| needs_a_session(route)) {
        let shown = match route.method {
            http::Method::GET => visitor.get(&path(route)),
            _ => visitor.post(&path(route), &[]),
        };
        let location = shown.is(303).header("location").unwrap();
        assert!(location.starts_with("/sign-in/"), "{route:?} leads to {location}");
    }
    visitor.get("/sign-in/code/").is(303);
}

#[test]
fn nothing_is_done_for_a_form_from_elsewhere_or_without_its_token() {
    let server = Server::start();
    server.account("ann@example.com", Role::Operator);
    let mut ann = server.signed_in("ann@example.com");
    let (own, csrf) = (ann.base.clone(), ann.csrf.clone());
    assert_eq!(csrf.len(), 32);
    let events = || server.runtime.block_on(server.store.command_line().events(None, None, 100)).unwrap().len();
    let before = events();
    for route in ROUTES.iter().filter(|route| route.method == http::Method::POST) {
        let right = ("csrf", csrf.as_str());
        type Pairs<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(&str, Pairs<'_>, Pairs<'_>)] = &[
            ("no origin", &[right], &[]),
            ("a foreign origin", &[right], &[("origin", "http://evil.example")]),
            ("an opaque origin", &[right], &[("origin", "null")]),
            ("another port", &[right], &[("origin", "http://127.0.0.1:1")]),
            ("reload the page", &[right], &[("sec-fetch-site", "cross-site"), ("origin", &own)]),
            ("a neighbour", &[right], &[("sec-fetch-site", "same-site")]),
            ("no token", &[], &[("origin", &own)]),
            ("an empty token", &[("csrf", "")], &[("origin", &own)]),
            ("another token", &[("csrf", "00000000000000000000000000000000")], &[("origin", &own)]),
        ];
        for (what, fields, headers) in cases {
            let shown = ann.post_raw(&path(route), fields, headers);
            // The page of an operator may say first that there is no such account.
            assert!([403, 404].contains(&shown.status), "{what}: {route:?}: {shown:?}");
            shown.says("<h1>");
        }
    }
    assert_eq!(events(), before, "nothing was done");
    ann.get("/account/").is(200);
}

#[test]
fn what_is_the_operators_does_not_exist_for_users() {
    let server = Server::start();
    server.user("user@example.com");
    let mut user = server.signed_in("user@example.com");
    user.get("/account/").does_not_say("/operator/");
    let unknown = user.get_with("/operator/unknown/", &[("accept", "text/html")]);
    for route in ROUTES.iter().filter(|route| is_the_operators(route)) {
        let shown = match route.method {
            http::Method::GET => user.get(&path(route)),
            _ => user.post(&path(route), &[]),
        };
        shown.is(404).says("Page not found");
        if route.method == http::Method::GET {
            let without_path = |text: &str, path: &str| text.replace(path, "");
            let (shown, unknown) =
                (without_path(&shown.text, &path(route)), without_path(&unknown.text, "/operator/unknown/"));
            assert_eq!(shown, unknown, "{route:?}");
        }
    }
}

#[test]
fn a_session_that_waits_for_a_code_opens_nothing() {
    let server = Server::start();
    let ann = server.account("ann@example.com", Role::Operator);
    let key = store::OneTimeKey::draw().unwrap();
    let code = key.code_at(server.store.now());
    let owner = server.store.command_line().person(ann.id);
    let turned_on = owner.turn_second_factor_on(key, &code, store::Keep::default());
    server.runtime.block_on(turned_on).unwrap().unwrap();
    let mut browser = server.browser();
    browser.sign_in("ann@example.com", PASSWORD).leads_to("/sign-in/code/");
    browser.get("/sign-in/code/").is(200);
    for route in ROUTES.iter().filter(|route| needs_a_session(route)) {
        let shown = match route.method {
            http::Method::GET => browser.get(&path(route)),
            _ => browser.post(&path(route), &[]),
        };
        let location = shown.is(303).header("location").unwrap();
        assert!(location.starts_with("/sign-in/code/"), "{route:?} leads to {location}");
    }
}

#[test]
fn what_lets_people_in_is_changed_only_by_who_has_proved_of_late_who_they_are() {
    let server = Server::start();
    server.account("ann@example.com", Role::Operator);
    let mut ann = server.signed_in("ann@example.com");
    server.pass(601);
    for route in ROUTES.iter().filter(|route| needs_a_fresh_password(route)) {
        let shown = match route.method {
            http::Method::GET => ann.get(&path(route)),
            _ => ann.post(&path(route), &[]),
        };
        let location = shown.is(303).header("location").unwrap();
        assert!(location.starts_with("/prove/?next="), "{route:?} leads to {location}");
    }
    ann.get("/prove/?next=%2Faccount%2Fpassword%2F").is(200);
    let wrong = ann.post("/prove/", &[("password", "wrong"), ("next", "/account/password/")]);
    wrong.is(422).says("The password is wrong.");
    ann.get("/account/password/").is(303);
    let right = ann.post("/prove/", &[("password", PASSWORD), ("next", "/account/password/")]);
    right.leads_to("/account/password/");
    ann.get("/account/password/").is(200);
    ann.post("/prove/", &[("password", PASSWORD), ("next", "//evil.example/")]).leads_to("/");
}

#[test]
fn what_an_operator_does_to_others_needs_a_fresh_password_and_the_way_leads_back() {
    let does = |route: &&Route| route.method == http::Method::POST && is_the_operators(route);
    assert!(ROUTES.iter().filter(does).all(needs_a_fresh_password));
    for route in ROUTES.iter().filter(|route| route.method == http::Method::POST && needs_a_fresh_password(route)) {
        let leads_back = |other: &Route| other.method == http::Method::GET && other.path == route.path;
        assert!(ROUTES.iter().any(leads_back), "{route:?} has no page to come back to after the password");
    }
}

#[test]
fn every_page_is_there_with_one_heading_in_every_language() {
    let server = Server::start();
    server.account("1@example.com", Role::Operator);
    let mut operator = server.signed_in("1@example.com");
    for route in ROUTES.iter().filter(|route| route.method == http::Method::GET && !route.path.contains('{')) {
        for tag in ["en", "es", "ms"] {
            let shown = operator.get(&format!("{}?lang={tag}", route.path));
            if shown.status == 200 {
                assert_eq!(shown.text.matches("<h1").count(), 1, "{route:?}");
                shown.says(&format!("<html lang=\"{tag}\">"));
                assert!(!shown.text.contains("{0}") && !shown.text.contains("{1}"), "{route:?}");
            } else {
                assert!([303, 404].contains(&shown.status), "{route:?}: {}", shown.status);
            }
        }
        let bare = route.path.trim_end_matches('/');
        // What stands among the API's paths answers in both forms, as they do.
        if !bare.is_empty() && !bare.starts_with("/api/") {
            let shown = operator.get(&format!("{bare}?a=b"));
            assert_eq!((shown.status, shown.header("location")), (308, Some(format!("{}?a=b", route.path).as_str())));
        }
    }
}
