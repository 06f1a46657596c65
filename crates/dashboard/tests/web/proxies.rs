//! Behind a proxy: whose address counts, and whose word about TLS.

use dashboard::Settings;

use crate::browser::{PASSWORD, Server};

fn behind(proxies: &[&str]) -> Server {
    let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
    Server::build(
        Settings::default(),
        http_server::Settings { proxies, ..http_server::Settings::default() },
        None,
        claims::Claims::default(),
    )
}

#[test]
fn nobody_else_is_believed_where_they_come_from() {
    for proxies in [&[][..], &["192.0.2.0/24"]] {
        let server = behind(proxies);
        server.user("ann@example.com");
        let mut visitor = server.browser();
        let own = visitor.base.clone();
        let mut attempt = |number: u32, password: &str| {
            let forged = format!("203.0.113.{number}");
            let headers = [("origin", own.as_str()), ("x-forwarded-for", &forged), ("x-forwarded-proto", "https")];
            visitor.post_raw(
                "/sign-in/",
                &[("email", &format!("{number}@example.com")), ("password", password)],
                &headers,
            )
        };
        for number in 0..5 {
            attempt(number, "wrong").is(422);
        }
        attempt(6, "wrong").is(429);
        let events = server.trail();
        assert!(events.iter().all(|event| event.address == "127.0.0.1".parse().ok()), "{events:?}");
        // Nor over what: an origin that would be right over TLS is wrong.
        let tls = own.replace("http://", "https://");
        let fields = [("email", "ann@example.com"), ("password", PASSWORD)];
        let headers = [("origin", tls.as_str()), ("x-forwarded-proto", "https")];
        server.browser().post_raw("/sign-in/", &fields, &headers).is(403);
    }
}

#[test]
fn a_trusted_proxy_is_believed_whom_it_speaks_for() {
    let server = behind(&["127.0.0.1/32"]);
    server.user("ann@example.com");
    let tls = server.browser().base.replace("http://", "https://");
    let fields = [("email", "ann@example.com"), ("password", PASSWORD)];
    let from = |forwarded: &str, password: &str| {
        let headers = [("origin", tls.as_str()), ("x-forwarded-for", forwarded), ("x-forwarded-proto", "https")];
        let mut visitor = server.browser();
        (visitor.post_raw("/sign-in/", &[fields[0], ("password", password)], &headers), visitor)
    };
    // What the client wrote there itself does not count.
    for number in 0..4 {
        from(&format!("192.0.2.{number}, 203.0.113.9"), "wrong").0.is(422);
    }
    let (shown, mut ann) = from("203.0.113.7", PASSWORD);
    let cookie = shown.leads_to("/").header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-zonewright=") && cookie.contains("; Secure"), "{cookie}");
    let events = server.trail();
    let from: Vec<_> = events.iter().map(|event| event.address.unwrap().to_string()).collect();
    assert_eq!(from, ["203.0.113.7", "203.0.113.7", "203.0.113.9", "203.0.113.9", "203.0.113.9", "203.0.113.9"]);

    let behind = [("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "https")];
    let shown = ann.get_with("/account/", &behind);
    shown.is(200).says("203.0.113.7");
    assert!(shown.header("strict-transport-security").is_some());
    // The same session over plain HTTP has no cookie of that name.
    ann.get_with("/account/", &[("x-forwarded-proto", "http")]).is(303);
}
