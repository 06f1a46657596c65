//! Behind a proxy: whose address a token's networks, the history, the last use and the count of failures go by.

use std::time::{Duration, Instant};

use api::Settings;
use store::{NetworkScope, NewToken, Permission};

use crate::server::{Client, PATIENCE, Server, Setup};

fn server(proxies: &[&str]) -> Server {
    let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
    Server::with(Setup {
        settings: Settings { failed_auth_burst: 2, ..Settings::default() },
        http: http_server::Settings { proxies, ..http_server::Settings::default() },
        ..Setup::default()
    })
}

fn status(client: &Client, forwarded: &str) -> u16 {
    client.request("GET", "/dns-zones/", &[("x-forwarded-for", forwarded)], None).status
}

#[test]
fn only_a_trusted_proxy_widens_or_narrows_a_token() {
    for (proxies, spoofed, honest) in
        [(&[][..], 401, 401), (&["192.0.2.0/24"], 401, 401), (&["127.0.0.1/32"], 401, 200)]
    {
        let server = server(proxies);
        let tenant = server.tenant();
        let networks = NetworkScope::Only(vec!["192.0.2.0/24".parse().unwrap()]);
        let token = NewToken { networks, ..NewToken::unlimited("bound", [Permission::All].into_iter().collect()) };
        let token =
            server.runtime.block_on(server.store.command_line().person(tenant.account).create_token(token)).unwrap();
        let bound = server.client(Some(token.plain.reveal().to_owned()));
        assert_eq!(status(&bound, "192.0.2.7, 203.0.113.9"), spoofed, "{proxies:?}");
        assert_eq!(status(&bound, "203.0.113.9, 192.0.2.7"), honest, "{proxies:?}");
    }
}

#[test]
fn failures_are_counted_by_whom_the_proxy_speaks_for() {
    let direct = server(&[]);
    let nobody = direct.client(Some("vps_no".to_owned()));
    let told: Vec<u16> = (1..4).map(|number| status(&nobody, &format!("203.0.113.{number}"))).collect();
    assert_eq!(told, [401, 401, 429], "another header is no other client");
    let behind = server(&["127.0.0.1/32"]);
    let nobody = behind.client(Some("vps_no".to_owned()));
    for _ in 0..2 {
        assert_eq!(status(&nobody, "203.0.113.1"), 401);
    }
    assert_eq!(status(&nobody, "203.0.113.2, 203.0.113.1"), 429, "what the client wrote itself does not count");
    assert_eq!(status(&nobody, "203.0.113.2"), 401);
}

#[test]
fn history_and_last_use_have_the_clients_address() {
    for (proxies, wanted) in [(&[][..], "127.0.0.1"), (&["127.0.0.1/32"], "2001:db8::7")] {
        let server = server(proxies);
        let tenant = server.tenant();
        let headers = [("content-type", "application/json"), ("x-forwarded-for", "192.0.2.1, 2001:db8::7")];
        // The very first request: the uses of a minute count as one.
        let made =
            tenant.client.request("POST", "/dns-zones/", &headers, Some(br#"{"domain": "example.com"}"#)).expect(201);
        let zone = made["uuid"].as_str().unwrap();
        let last_address = || {
            let tokens = server.runtime.block_on(server.store.command_line().person(tenant.account).tokens()).unwrap();
            tokens[0].last_address.map(|address| address.to_string())
        };
        let end = Instant::now() + PATIENCE;
        while last_address().as_deref() != Some(wanted) {
            assert!(Instant::now() < end, "last used from {:?} instead of {wanted}", last_address());
            std::thread::sleep(Duration::from_millis(10));
        }
        let history = tenant.client.get(&format!("/dns-zones/{zone}/history/")).expect(200);
        assert_eq!(history[0]["author"]["address"], wanted, "{history}");
    }
}
