//! Errors that no handler produced, and the causes of all errors for the log.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// An error that the server answers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerError {
    /// 400: the Host header field is missing, repeated or invalid (RFC 9112, section 3.2).
    Host,
    /// 500: a handler panicked.
    Panicked,
    /// A router, or hyper, answered with this status and without a body.
    Status(StatusCode),
}

/// Writes the JSON body of an error, in the form that all errors of the process have.
pub type ErrorBody = fn(ServerError) -> Vec<u8>;

impl ServerError {
    fn status(self) -> StatusCode {
        match self {
            Self::Host => StatusCode::BAD_REQUEST,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Status(status) => status,
        }
    }

    /// The answer, with the body that `body` writes.
    pub(crate) fn response(self, body: ErrorBody) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (self.status(), headers, body(self)).into_response()
    }
}

/// What made an answer a 500 or a 503: an extension of the response, for the log only. Clients never see it.
#[derive(Debug, Clone)]
pub struct Cause(String);

impl Cause {
    /// A cause from its text: an error and all its sources, outermost first.
    pub fn new(chain: impl fmt::Display) -> Cause {
        Cause(chain.to_string())
    }

    /// The text for the log.
    pub fn chain(&self) -> &str {
        &self.0
    }
}
