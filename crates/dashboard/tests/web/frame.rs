//! What every answer carries, and what becomes of requests that no page answers.

use dashboard::Settings;
use store::Role;

use crate::browser::{PASSWORD, Server};

#[test]
fn every_page_tells_the_browser_what_it_may_not_do() {
    let server = Server::start();
    let mut visitor = server.browser();
    for path in ["/sign-in/", "/account/", "/link/x/", "/nowhere/"] {
        let shown = visitor.get_with(path, &[("accept", "text/html,*/*;q=0.8")]);
        let policy = shown.header("content-security-policy").unwrap();
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.split("; ").any(|part| part.trim() == directive), "{path}: {directive} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(shown.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(shown.header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(shown.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(shown.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(shown.header("strict-transport-security"), None, "{path}: this is no HTTPS");
        assert!(!shown.text.contains("style=") && !shown.text.contains("onclick"), "{path}");
    }
}

#[test]
fn over_https_the_cookie_is_bound_to_the_host() {
    let url = "https://dns.example.net".to_owned();
    let server = Server::with(Settings { https: true, url: Some(url.clone()), ..Settings::default() });
    server.user("ann@example.com");
    let mut browser = server.browser();
    assert!(browser.get("/sign-in/").header("strict-transport-security").is_some());
    let fields = [("email", "ann@example.com"), ("password", PASSWORD)];
    let own = browser.base.clone();
    browser.post_raw("/sign-in/", &fields, &[("origin", &own)]).is(403);
    let shown = browser.post_raw("/sign-in/", &fields, &[("origin", &url)]);
    let cookie = shown.is(303).header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-zonewright="), "{cookie}");
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.split("; ").any(|part| part == attribute), "{attribute} in {cookie}");
    }
    assert!(!cookie.contains("Domain"));
}

#[test]
fn failures_are_pages_for_browsers_and_json_for_the_api() {
    let server = Server::start();
    let mut visitor = server.browser();
    let page = [("accept", "text/html,application/xhtml+xml"), ("accept-language", "es")];
    let shown = visitor.get_with("/nowhere/", &page);
    shown.is(404).says("Página no encontrada");
    for path in ["/api/v1/nowhere/", "/api/v1/dns-zones/"] {
        let shown = visitor.get_with(path, &page);
        assert_eq!(shown.header("content-type"), Some("application/json"), "{path}");
    }
    let shown = visitor.get_with("/nowhere/", &[("accept", "*/*")]);
    assert_eq!((shown.status, shown.header("content-type")), (404, Some("application/json")));
    let shown = visitor.post("/account/developers/", &[]);
    assert_eq!(shown.is(405).header("allow"), Some("GET, HEAD"));
    shown.says("<h1>");
}

#[test]
fn the_language_is_kept() {
    let server = Server::start();
    let mut visitor = server.browser();
    visitor.get("/sign-in/?lang=ms").says("Log masuk");
    visitor.get_with("/sign-in/", &[("accept-language", "es")]).says("Log masuk");
    visitor.get("/sign-in/?lang=en").says("Sign in");
}

#[test]
fn what_somebody_wrote_is_shown_as_they_wrote_it_and_never_run() {
    let server = Server::start();
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&amp;";
    server.account("ann@example.com", Role::Operator);
    let mut ann = server.signed_in("ann@example.com");
    for (path, fields) in [
        ("/account/", vec![("first_name", hostile), ("last_name", hostile), ("company_name", hostile)]),
        ("/account/developers/new/", vec![("name", hostile), ("permission", "dns:list"), ("zones", hostile)]),
        ("/account/developers/new/", vec![("name", hostile), ("permission", "dns:list")]),
        ("/account/close/", vec![("email", hostile)]),
        ("/prove/", vec![("password", hostile), ("next", hostile)]),
        ("/sign-in/", vec![("email", hostile), ("password", hostile), ("next", hostile)]),
    ] {
        let shown = ann.post(path, &fields);
        assert!([200, 303, 422].contains(&shown.status), "{path}: {}", shown.status);
        shown.does_not_say("<script>alert").does_not_say("<img src=x");
    }
    for path in ["/account/", "/account/developers/", "/operator/accounts/", "/operator/events/"] {
        let shown = ann.get(path);
        shown.is(200).does_not_say("<script>alert").does_not_say("<img src=x");
    }
    ann.get("/account/developers/").says("&#60;script&#62;alert(1)");
    let shown = ann.get_with("/nowhere/%22%3E%3Cscript%3Ealert(1)%3C/script%3E?'onload='", &[("accept", "text/html")]);
    shown.does_not_say("<script>alert");
}

#[test]
fn assets_may_be_kept_for_ever_because_their_paths_change_with_them() {
    let server = Server::start();
    let mut visitor = server.browser();
    let page = visitor.get("/sign-in/");
    for (before, kind) in [("rel=\"stylesheet\" href=\"", "text/css"), ("<script src=\"", "text/javascript")] {
        let path = page.between(before, "\"").to_owned();
        let shown = visitor.get(&path);
        assert!(shown.is(200).header("content-type").unwrap().starts_with(kind), "{path}");
        assert!(shown.header("cache-control").unwrap().contains("immutable"), "{path}");
    }
}
