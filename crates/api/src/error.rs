//! The body of every error response.
//!
//! A [`Problem`] is only the response. Each operation has its own enum of errors, and one `match` in it selects the status. The
//! cause of a 500 or 503 stays inside the process: `http_server` logs it once under the request's id, and it is never sent to the
//! client.

use std::borrow::Cow;
use std::error::Error;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use claims::{LOOKS_A_MINUTE, LookError, OpenClaim};
use dns::Fault;
use dns::zonefile::FileFault;
use http_server::{Cause, ServerError, TooMany};
use serde::Serialize;
use store::{DailyLimit, Health, StoreError};

use crate::claim_view::OpenClaimView;

/// The detail of every 500.
const FAILED: &str = "The server failed; its log has the cause under the id in X-Request-Id";

/// An answer that is no success.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: ErrorCode,
    detail: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    /// What is wrong with the parts of a request that has many, each with its place.
    errors: Vec<PartError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What would prove that a name is the account's.
    claim: Option<Box<OpenClaimView>>,
    cause: Option<Cause>,
}

/// The stable `error_code` of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    ValidationError,
    InvalidJson,
    AuthenticationFailed,
    PermissionDenied,
    NotFound,
    MethodNotAllowed,
    Conflict,
    PreconditionFailed,
    IdempotencyKeyReused,
    PayloadTooLarge,
    UnsupportedMediaType,
    RateLimited,
    InternalError,
    Unavailable,
}

impl ErrorCode {
    /// What clients compare. Never to be changed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ValidationError => "validation_error",
            Self::InvalidJson => "invalid_json",
            Self::AuthenticationFailed => "authentication_failed",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition_failed",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RateLimited => "rate_limited",
            Self::InternalError => "internal_error",
            Self::Unavailable => "unavailable",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::ValidationError | Self::InvalidJson => StatusCode::BAD_REQUEST,
            Self::AuthenticationFailed => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Problem {
    /// An answer with the status that belongs to `code`.
    pub(crate) fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem {
            status: code.status(),
            code,
            detail: detail.into(),
            field: None,
            errors: Vec::new(),
            headers: Vec::new(),
            claim: None,
            cause: None,
        }
    }

    /// 400 for one member or parameter of the request.
    pub(crate) fn validation(field: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(ErrorCode::ValidationError, detail).at(field)
    }

    /// 400 for a broken rule.
    pub(crate) fn fault(fault: Fault) -> Problem {
        let problem = Problem::new(ErrorCode::ValidationError, fault.detail.to_string());
        match fault.field {
            Some(field) => problem.at(field),
            None => problem,
        }
    }

    /// 400 for a request of many parts: all that are at fault, each with its place, counted from 0.
    pub(crate) fn parts(member: &'static str, faults: Vec<(usize, Problem)>) -> Problem {
        let detail = match faults.as_slice() {
            [(index, only)] => format!("{member}[{index}]: {}", only.detail),
            [(index, first), ..] => {
                let count = faults.len();
                format!("{count} {member} have errors, and nothing was stored; {member}[{index}]: {}", first.detail)
            }
            [] => "The change breaks a rule of the zone".to_owned(),
        };
        let errors = faults.into_iter().map(|(index, fault)| PartError {
            place: PartPlace::Part { index },
            field: fault.field,
            detail: fault.detail,
            error_code: fault.code.name(),
        });
        Problem { errors: errors.collect(), ..Problem::validation(member, detail) }
    }

    /// 400 for a text: all its faults, each with line and column.
    pub(crate) fn text(detail: impl Into<Cow<'static, str>>, faults: Vec<FileFault>) -> Problem {
        let errors = faults.into_iter().map(|FileFault { at, fault }| PartError {
            place: PartPlace::Text { line: at.line, column: at.column },
            field: fault.field.map(Cow::Borrowed),
            detail: fault.detail.to_string().into(),
            error_code: ErrorCode::ValidationError.name(),
        });
        Problem { errors: errors.collect(), ..Problem::new(ErrorCode::ValidationError, detail) }
    }

    /// 400 for a change of one record: the first rule that it breaks.
    pub(crate) fn faults(faults: Vec<(usize, Fault)>) -> Problem {
        match faults.into_iter().next() {
            Some((_, fault)) => Problem::fault(fault),
            None => Problem::new(ErrorCode::ValidationError, "The change breaks a rule of the zone"),
        }
    }

    /// 429: the account has made as many changes today as it may.
    pub(crate) fn daily_limit(limit: &DailyLimit) -> Problem {
        let DailyLimit { most, left, resets_in } = *limit;
        Problem::new(ErrorCode::RateLimited, limit.to_string()).limited(resets_in.into(), most, left)
    }

    /// 429: the account has checked claims too often.
    pub(crate) fn looks(error: LookError) -> Problem {
        let detail = error.to_string();
        match error {
            LookError::TooMany { seconds } => {
                Problem::new(ErrorCode::RateLimited, detail).limited(seconds, LOOKS_A_MINUTE, 0)
            }
            LookError::Store(error) => Problem::store(error),
        }
    }

    /// The headers of a 429: how long to wait, and what the limit is.
    pub(crate) fn limited(self, seconds: u64, most: u32, left: u32) -> Problem {
        self.with(header::RETRY_AFTER, seconds)
            .with(HeaderName::from_static("ratelimit-limit"), most)
            .with(HeaderName::from_static("ratelimit-remaining"), left)
            .with(HeaderName::from_static("ratelimit-reset"), seconds)
    }

    /// 429, with the headers that say when to try again.
    pub(crate) fn too_many(too_many: TooMany, detail: String) -> Problem {
        Problem::new(ErrorCode::RateLimited, detail).limited(too_many.seconds, too_many.burst, 0)
    }

    /// 404 for a zone that does not exist or belongs to another account, or for an invalid identifier.
    pub(crate) fn no_zone() -> Problem {
        Problem::new(ErrorCode::NotFound, "There is no such zone")
    }

    /// 404 for a record, as for a zone.
    pub(crate) fn no_record() -> Problem {
        Problem::new(ErrorCode::NotFound, "There is no such record")
    }

    /// 404 for an update key, as for a zone.
    pub(crate) fn no_update_key() -> Problem {
        Problem::new(ErrorCode::NotFound, "There is no such update key")
    }

    /// 412: the zone or record is not at any of the versions that If-Match names.
    pub(crate) fn precondition_failed() -> Problem {
        let detail = "It was changed in the meantime; read it again, and send the new ETag in If-Match";
        Problem::new(ErrorCode::PreconditionFailed, detail)
    }

    /// 422: the key of another request.
    pub(crate) fn key_reused() -> Problem {
        let detail = "This Idempotency-Key was used for another request; use a new key for a new request";
        Problem::new(ErrorCode::IdempotencyKeyReused, detail)
    }

    /// 404 for a path that no router knows.
    pub(crate) fn unknown_path() -> Problem {
        Problem::new(ErrorCode::NotFound, "There is nothing at this path")
    }

    /// 405, with the methods that are allowed.
    pub(crate) fn method_not_allowed(allowed: &str) -> Problem {
        Problem::new(ErrorCode::MethodNotAllowed, format!("This method is not allowed here; use one of {allowed}"))
    }

    /// 503 where the store is closing, its file cannot be used or the zone is being changed; 500 for any other failure of it.
    pub(crate) fn store(error: StoreError) -> Problem {
        let unavailable = match error.health() {
            Some(Health::DiskFull) => Some(("The server's disk is full, and nothing was changed; try again later", 30)),
            Some(Health::Damaged) => {
                Some(("The server's database cannot be used; the operator has to restore it", 300))
            }
            Some(Health::Unreachable) => Some(("The server's database cannot be reached at the moment; try again", 2)),
            Some(Health::Good) | None => None,
        };
        if let Some((detail, seconds)) = unavailable {
            let problem = Problem::new(ErrorCode::Unavailable, detail).with(header::RETRY_AFTER, seconds);
            return problem.because(error);
        }
        match error {
            StoreError::Closed => {
                Problem::new(ErrorCode::Unavailable, "The server is shutting down; try again").because(error)
            }
            StoreError::Busy => {
                let detail = "Other changes of the zone are being stored; try again";
                Problem::new(ErrorCode::Unavailable, detail).with(header::RETRY_AFTER, 1).because(error)
            }
            // The rest are failures of the server, whatever they will be called.
            failure => Problem::internal(failure),
        }
    }

    /// 500, which says nothing of its cause.
    pub(crate) fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Problem {
        Problem::new(ErrorCode::InternalError, FAILED).because(error)
    }

    /// A response for a status without a body from other code.
    pub(crate) fn of_status(status: StatusCode) -> Problem {
        let code = match status {
            StatusCode::UNAUTHORIZED => ErrorCode::AuthenticationFailed,
            StatusCode::FORBIDDEN => ErrorCode::PermissionDenied,
            StatusCode::NOT_FOUND => ErrorCode::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
            StatusCode::CONFLICT => ErrorCode::Conflict,
            StatusCode::PRECONDITION_FAILED => ErrorCode::PreconditionFailed,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
            StatusCode::TOO_MANY_REQUESTS => ErrorCode::RateLimited,
            StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Unavailable,
            status if status.is_server_error() => ErrorCode::InternalError,
            _ => ErrorCode::ValidationError,
        };
        let reason = status.canonical_reason().unwrap_or("The request failed");
        Problem { status, ..Problem::new(code, reason) }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    /// The answer's body, for examples.
    pub(crate) fn json(&self) -> serde_json::Value {
        // An error's body is always JSON.
        serde_json::from_slice(&self.body()).unwrap_or_default()
    }

    /// The JSON of the answer.
    pub(crate) fn body(&self) -> Vec<u8> {
        let body = Body {
            detail: &self.detail,
            error_code: self.code.name(),
            field: self.field.as_deref(),
            errors: &self.errors,
            claim: self.claim.as_deref(),
        };
        // Text always has a JSON form.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// Names the member at fault.
    pub(crate) fn at(mut self, field: impl Into<Cow<'static, str>>) -> Problem {
        self.field = Some(field.into());
        self
    }

    /// Adds what would prove that the name is the account's.
    pub(crate) fn claimable(mut self, claim: OpenClaim) -> Problem {
        self.claim = Some(Box::new(claim.into()));
        self
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Problem {
        self.headers.push((name, value.into()));
        self
    }

    fn because(mut self, error: impl Into<Box<dyn Error + Send + Sync>>) -> Problem {
        self.cause = Some(Cause::new(store::Chain(&*error.into())));
        self
    }
}

/// The JSON body of an error that the HTTP server answers by itself, in the form of all others.
pub fn error_body(error: ServerError) -> Vec<u8> {
    let problem = match error {
        ServerError::Host => {
            let detail = "A request over HTTP/1.1 needs exactly one Host header, with a host name or an address, and a port if needed";
            Problem::validation("Host", detail)
        }
        ServerError::Panicked => Problem::new(ErrorCode::InternalError, FAILED),
        ServerError::Status(status) => Problem::of_status(status),
    };
    problem.body()
}

/// The members of the answer, in their order.
#[derive(Serialize)]
struct Body<'a> {
    detail: &'a str,
    error_code: &'static str,
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [PartError],
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<&'a OpenClaimView>,
}

/// Which part of a request.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum PartPlace {
    Part { index: usize },
    Text { line: u32, column: u32 },
}

/// What is wrong with one part of a request.
#[derive(Debug, Clone, Serialize)]
struct PartError {
    #[serde(flatten)]
    place: PartPlace,
    field: Option<Cow<'static, str>>,
    detail: Cow<'static, str>,
    error_code: &'static str,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.extend(self.headers);
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_told_whole_to_the_log_and_not_to_the_client() {
        let io = std::io::Error::other("disk on fire");
        let error = StoreError::File { path: "/var/lib/zones".into(), source: io };
        let problem = Problem::store(error);
        assert!(!problem.detail.contains("zones"));
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let cause = response.extensions().get::<Cause>().unwrap();
        assert_eq!(cause.chain(), "/var/lib/zones cannot be used: disk on fire");
    }

    #[test]
    fn a_closed_store_is_unavailable() {
        assert_eq!(Problem::store(StoreError::Closed).into_response().status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
