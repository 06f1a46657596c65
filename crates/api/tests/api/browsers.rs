//! Pages of other origins: nothing by default, and the API for the origins that the operator allowed.

use api::Settings;

use crate::server::{Answer, Client, Server, Setup};

fn preflight(client: &Client, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,idempotency-key"),
    ];
    client.request("OPTIONS", "/dns-zones/", &headers, None)
}

fn server(origins: &[&str]) -> Server {
    let cors_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    Server::with(Setup { settings: Settings { cors_origins, ..Settings::default() }, ..Setup::default() })
}

#[test]
fn no_origin_is_allowed_by_default() {
    let server = server(&[]);
    let client = server.tenant().client;
    let refused = preflight(&client, "https://app.example.net");
    refused.refused(405, "method_not_allowed", None);
    let listed = client.request("GET", "/dns-zones/", &[("origin", "https://app.example.net")], None);
    assert_eq!((listed.status, listed.header("access-control-allow-origin")), (200, None));
}

#[test]
fn allowed_origins_may_use_the_api_and_others_may_not() {
    let server = server(&["https://app.example.net", "http://localhost:3000"]);
    let tenant = server.tenant();
    for origin in ["https://app.example.net", "http://localhost:3000"] {
        let allowed = preflight(&server.client(None), origin);
        assert_eq!(allowed.status, 200);
        assert_eq!(allowed.header("access-control-allow-origin"), Some(origin));
        assert!(allowed.header("access-control-allow-methods").unwrap().contains("PATCH"));
        assert!(allowed.header("access-control-allow-headers").unwrap().contains("idempotency-key"));
        assert_eq!(allowed.header("access-control-allow-credentials"), None);
        let listed = tenant.client.request("GET", "/dns-zones/", &[("origin", origin)], None);
        assert_eq!((listed.status, listed.header("access-control-allow-origin")), (200, Some(origin)));
        assert!(listed.header("access-control-expose-headers").unwrap().contains("etag"));
        let refused = server.client(None).request("GET", "/dns-zones/", &[("origin", origin)], None);
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some(origin)), "errors too");
    }
    for origin in
        ["https://evil.example", "https://app.example.net.evil.example", "null", "https://app.example.net:444"]
    {
        assert_eq!(preflight(&tenant.client, origin).header("access-control-allow-origin"), None, "{origin}");
        let listed = tenant.client.request("GET", "/dns-zones/", &[("origin", origin)], None);
        assert_eq!(listed.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[test]
fn every_origin_may_be_allowed() {
    let server = server(&["*"]);
    let allowed = preflight(&server.client(None), "https://any.example");
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (200, Some("*")));
}
