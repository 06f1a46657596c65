//! The Host header field (RFC 9112, section 3.2).
//!
//! A request over HTTP/1.1 must have exactly one valid Host; other requests may have one. If a server and a proxy select
//! different ones of two, they serve different sites for one request.

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::{ErrorBody, ServerError};

/// Refuses a request whose Host is missing, there twice, or invalid.
pub(crate) async fn check_host(State(body): State<ErrorBody>, request: Request, next: Next) -> Response {
    if is_allowed(request.version(), request.headers()) {
        return next.run(request).await;
    }
    let mut response = ServerError::Host.response(body);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn is_allowed(version: Version, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::HOST).iter();
    match (values.next(), values.next()) {
        (None, _) => version != Version::HTTP_11,
        (Some(value), None) => is_valid(value.as_bytes()),
        (Some(_), Some(_)) => false,
    }
}

/// A host and perhaps a port (RFC 3986, section 3.2). An `http` URI has no empty host (RFC 9110, section 4.2.1).
fn is_valid(value: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(value) else { return false };
    let (text, host) = (authority.as_str(), authority.host());
    let port = text.strip_prefix(host);
    let is_port = |port: &str| port.is_empty() || port == ":" || authority.port_u16().is_some();
    !host.is_empty() && port.is_some_and(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for good in
            ["a", "dns.example.net", "dns.example.net:8053", "192.0.2.1:80", "[2001:db8::1]", "[::1]:80", "a_b", "a:"]
        {
            assert!(is_valid(good.as_bytes()), "{good}");
        }
        for bad in
            ["", " ", "a b", "a@b", "user:x@b", "a/b", "http://a", "a:b", "a:99999", ":80", "[::1", "a\\b", "a?b"]
        {
            assert!(!is_valid(bad.as_bytes()), "{bad}");
        }
    }
}
