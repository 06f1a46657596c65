//! What every response gets, whichever router produced it: a request id, a log line, metrics, and a JSON body for errors without
//! one.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use hyper::body::Body as _;
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use crate::client::Client;
use crate::error::{Cause, ErrorBody, ServerError};

/// The header that carries a request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Runs a request. The id is always created here: an id from a client could put any text into the log.
pub(crate) async fn envelope(State(body): State<ErrorBody>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = Uuid::now_v7();
    let facts = Facts::new(&request);
    let span = tracing::info_span!("request", "request.id" = %id, "http.route" = facts.route);
    let outcome = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span).await;
    let mut response = match outcome {
        Ok(response) => with_body(response, body),
        Err(panic) => {
            let mut response = ServerError::Panicked.response(body);
            let cause = Cause::new(format_args!("a handler panicked: {}", panic_text(&*panic)));
            response.extensions_mut().insert(cause);
            response
        }
    };
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    // Outside the span, whose fields the line has itself.
    facts.record(&response, id, started.elapsed());
    response
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)").to_owned()
}

/// Gives an answer that failed without a body the JSON of every other error. Its headers stay (`Allow`, for example).
fn with_body(response: Response, body: ErrorBody) -> Response {
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    let bare = response.body().is_end_stream() && !response.headers().contains_key(header::CONTENT_TYPE);
    if !failed || !bare {
        return response;
    }
    let mut filled = ServerError::Status(status).response(body);
    for (name, value) in response.headers() {
        if name != header::CONTENT_LENGTH {
            filled.headers_mut().insert(name, value.clone());
        }
    }
    filled
}

/// What is known of a request before it runs. Labels are bounded: the route template is recorded, never the path.
struct Facts {
    method: &'static str,
    route: String,
    client: Option<Client>,
}

impl Facts {
    fn new(request: &Request) -> Facts {
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        let route = match route.trim_end_matches('/') {
            "" => "/",
            trimmed => trimmed,
        };
        Facts {
            method: method_label(request.method()),
            route: route.to_owned(),
            client: request.extensions().get::<Client>().copied(),
        }
    }

    fn record(&self, response: &Response, id: Uuid, duration: Duration) {
        let status = response.status();
        let client = self.client.map(tracing::field::display);
        if let Some(cause) = response.extensions().get::<Cause>() {
            tracing::error!(
                "request.id" = %id, "http.method" = self.method, "http.route" = self.route,
                "http.status" = status.as_u16(), error = cause.chain(), "a request failed"
            );
        }
        tracing::info!(
            "request.id" = %id, "http.method" = self.method, "http.route" = self.route,
            "http.status" = status.as_u16(), "client.address" = client, duration_ms = duration.as_secs_f64() * 1000.0,
            "request"
        );
        let labels = [("method", self.method.to_owned()), ("route", self.route.clone())];
        metrics::histogram!("zonewright_http_request_duration_seconds", &labels).record(duration.as_secs_f64());
        let [method, route] = labels;
        metrics::counter!("zonewright_http_requests_total", &[method, route, ("status", status_label(status))])
            .increment(1);
    }
}

fn status_label(status: StatusCode) -> String {
    status.as_str().to_owned()
}

/// Clients can invent methods, and every label is stored forever.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
