//! Limits the memory of responses that wait for clients to read them, per account.
//!
//! A client holds a response in memory by not reading it, and an HTTP/2 connection has many streams. A response of more than a
//! few packets therefore takes a place in the [`Gate`] before it is sent, and releases it when it is sent or dropped. A list that
//! is read while it is sent takes the room of the two chunks that it holds at a time.

use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_server::{Full, Gate};
use hyper::body::Body as _;
use store::AccountId;

use crate::error::{ErrorCode, Problem};
use crate::listing::CHUNK;

/// Answers up to this size are not counted.
const SMALL: usize = 32 * 1024;
/// When a client that was refused may come again, in seconds.
const AGAIN: u32 = 5;

/// For whom a request is, once that is known: among the request's extensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct ForWhom(Arc<OnceLock<AccountId>>);

impl ForWhom {
    pub(crate) fn is(&self, account: AccountId) {
        // There is one caller for each request.
        let _ = self.0.set(account);
    }
}

/// Lets a large answer go only where there is room for it. What has changed something is answered in any case: what it was
/// asked with was counted.
pub(crate) async fn bound(State(gate): State<Gate<AccountId>>, mut request: Request, next: Next) -> Response {
    let for_whom = ForWhom::default();
    request.extensions_mut().insert(for_whom.clone());
    let is_read = request.method() == Method::GET;
    let response = next.run(request).await;
    let octets = match response.body().size_hint().exact() {
        Some(octets) => usize::try_from(octets).unwrap_or(usize::MAX),
        None => 2 * CHUNK,
    };
    let Some(account) = for_whom.0.get().filter(|_| octets > SMALL) else { return response };
    match gate.enter(*account, octets) {
        Ok(permit) => response.map(|body| permit.hold(body)),
        Err(full) if is_read => refusal(full).into_response(),
        Err(_) => response,
    }
}

/// 429 or 503 if there is no room for the response now.
pub(crate) fn refusal(full: Full) -> Problem {
    let problem = match full {
        Full::Account(most) => {
            let detail = "Too many large requests or unread answers of this account are under way; try again";
            Problem::new(ErrorCode::RateLimited, detail)
                .with(HeaderName::from_static("ratelimit-limit"), HeaderValue::from(most))
                .with(HeaderName::from_static("ratelimit-remaining"), 0)
                .with(HeaderName::from_static("ratelimit-reset"), AGAIN)
        }
        Full::Server => Problem::new(ErrorCode::Unavailable, "Too many large requests are under way; try again"),
    };
    problem.with(header::RETRY_AFTER, AGAIN)
}
