//! The middleware of all pages: reads the session once, refuses requests from other origins, renders failures as pages, and sets
//! the security headers of every response.
//!
//! A request that can change something must come from our own pages. Browsers send its origin: in `Sec-Fetch-Site` over HTTPS and
//! on loopback, and always in `Origin`. Each header that is present must be correct, and at least one must be present. Forms of a
//! session also contain its token (`form`).

use std::sync::Arc;

use askama::Template;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_server::Client;

use crate::cookies;
use crate::failure::{self, Failure};
use crate::language::Language;
use crate::page::{Page, Section, show_with};
use crate::settings::Settings;
use crate::shared::Shared;
use crate::visit::Visit;

/// What a page may load and where it may send forms: from here, and here. Inline styles and scripts are not run at all.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Two years, as the preload list asks for.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=63072000";

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    page: Page,
    heading: &'static str,
    text: &'static str,
}

/// Runs a page's request.
pub(crate) async fn frame(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let is_https = shared.settings.is_https(parts.extensions.get::<Client>());
    let visit = match Visit::read(&parts, &shared).await {
        Ok(visit) => visit,
        Err(failure) => return finish(failure.into_response(), None, &parts.headers, is_https),
    };
    let chosen = Language::of_query(parts.uri.query());
    let had_notice = cookies::read(&parts.headers, cookies::NOTICE).is_some();
    let headers = parts.headers.clone();
    let response = if is_from_here(&parts, &shared.settings, is_https) {
        parts.extensions.insert(visit.clone());
        next.run(Request::from_parts(parts, body)).await
    } else {
        Failure::Foreign.into_response()
    };
    let mut response = finish(response, Some(&visit), &headers, is_https);
    let mut set = |cookie: Option<HeaderValue>| {
        if let Some(cookie) = cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    };
    if let Some(chosen) = chosen {
        const YEAR: i64 = 365 * 24 * 3600;
        set(cookies::set(cookies::LANGUAGE, chosen.tag(), YEAR, is_https));
    }
    let sets_notice = response
        .headers()
        .get_all(header::SET_COOKIE)
        .into_iter()
        .any(|cookie| cookie.as_bytes().starts_with(cookies::NOTICE.as_bytes()));
    if had_notice && !sets_notice && !response.status().is_redirection() {
        let cookie = cookies::remove(cookies::NOTICE, is_https);
        response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    }
    response
}

/// Sends browsers a page for an unknown path, instead of the API's JSON.
pub(crate) async fn pages_for_browsers(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let is_routed = request.extensions().get::<MatchedPath>().is_some();
    let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wants_page = accepts.is_some_and(|accept| accept.contains("text/html"));
    if is_routed || !wants_page || request.uri().path().starts_with(api::BASE) {
        return next.run(request).await;
    }
    let (parts, _) = request.into_parts();
    let visit = Visit::read(&parts, &shared).await.ok();
    let is_https = shared.settings.is_https(parts.extensions.get::<Client>());
    finish(Failure::NotFound.into_response(), visit.as_ref(), &parts.headers, is_https)
}

/// Whether a request may do what it asks for, going by where it comes from.
fn is_from_here(parts: &Parts, settings: &Settings, is_https: bool) -> bool {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return true;
    }
    let site = parts.headers.get("sec-fetch-site").map(|site| site == "same-origin");
    let origin = parts.headers.get(header::ORIGIN).map(|origin| is_own(origin, parts, settings, is_https));
    matches!((site, origin), (Some(true), Some(true) | None) | (None, Some(true)))
}

/// Whether an origin is the one that the request went to.
fn is_own(origin: &HeaderValue, parts: &Parts, settings: &Settings, is_https: bool) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    if let Some(url) = &settings.url {
        return origin.eq_ignore_ascii_case(url);
    }
    let host = parts.uri.authority().map(|authority| authority.as_str());
    let host = host.or_else(|| parts.headers.get(header::HOST)?.to_str().ok());
    let scheme = if is_https { "https://" } else { "http://" };
    host.is_some_and(|host| origin.strip_prefix(scheme).is_some_and(|origin| origin.eq_ignore_ascii_case(host)))
}

/// Turns a failure into a page, and adds the headers.
fn finish(response: Response, visit: Option<&Visit>, headers: &HeaderMap, is_https: bool) -> Response {
    let mut response = match failure::unrendered(&response).cloned() {
        Some(failure) => failure_page(response, failure, visit, headers),
        None => response,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        // Not no-referrer: with it browsers send no origin with forms. A one-time link stays on this server.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT_TRANSPORT_SECURITY));
    }
    response
}

fn failure_page(bare: Response, failure: Failure, visit: Option<&Visit>, headers: &HeaderMap) -> Response {
    if let Failure::Server(error) = &failure {
        tracing::error!(error = %deploy::Chain(&**error), "a page failed");
    }
    let page = match visit {
        Some(visit) => visit.page(Section::None),
        None => Page::of_nobody(Language::of_headers(headers)),
    };
    let (heading, text) = failure.texts(page.t);
    let shown = show_with(failure.status(), &FailurePage { page, heading, text });
    match shown {
        Ok(mut response) => {
            for (name, value) in bare.headers() {
                if name != header::CONTENT_LENGTH {
                    response.headers_mut().insert(name, value.clone());
                }
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, "an error page could not be rendered");
            bare
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, headers: &[(&str, &str)], settings: &Settings) -> bool {
        let mut request =
            axum::http::Request::builder().method(method).uri("/account/").header("host", "dns.example:80");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        is_from_here(&request.body(()).unwrap().into_parts().0, settings, settings.is_https(None))
    }

    #[test]
    fn only_our_own_pages_may_ask_for_changes() {
        let plain = Settings::default();
        for headers in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "http://evil.example")],
            &[("origin", "https://dns.example:80")],
            &[("origin", "http://dns.example:80.evil.example")],
            &[("origin", "http://dns.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://dns.example:80")],
        ] {
            assert!(!asked("POST", headers, &plain), "{headers:?}");
            assert!(!asked("DELETE", headers, &plain), "{headers:?}");
            assert!(asked("GET", headers, &plain), "{headers:?}");
        }
        for headers in [
            &[("origin", "http://dns.example:80")][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin"), ("origin", "http://DNS.example:80")],
        ] {
            assert!(asked("POST", headers, &plain), "{headers:?}");
        }
        let behind_a_proxy =
            Settings { url: Some("https://dns.example.net".to_owned()), https: true, ..Settings::default() };
        assert!(asked("POST", &[("origin", "https://dns.example.net")], &behind_a_proxy));
        assert!(!asked("POST", &[("origin", "http://dns.example:80")], &behind_a_proxy));
    }
}
