//! The reasons why a page is not shown. A handler returns a [`Failure`]; the frame renders it as a page in the visitor's
//! language.

use std::error::Error;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use store::StoreError;

use crate::addresses::with_next;
use crate::texts::Texts;

/// After how many seconds it makes sense to try a password again: the queue has emptied by then.
const BUSY_FOR: &str = "2";
/// After how many seconds it makes sense to look whether the database can be used again.
const UNAVAILABLE_FOR: &str = "30";

/// Why there is no page.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Failure {
    /// The visitor is not signed in; the path is the redirect target after sign-in.
    #[error("not signed in")]
    SignIn { next: String },
    /// A one-time code is still missing.
    #[error("a one-time code is missing")]
    Code { next: String },
    /// It is too long ago that they proved who they are.
    #[error("recent re-authentication required")]
    Prove { next: String },
    /// There is no such thing, or it is another's, or only for operators.
    #[error("not found")]
    NotFound,
    /// The request came from another site, or without the session's token.
    #[error("the request came from another origin")]
    Foreign,
    /// The body is no form, or too large.
    #[error("not a valid form")]
    NoForm,
    /// The form is larger than any that is taken.
    #[error("the form is too large")]
    TooLarge,
    /// The account has made as many changes today as it may.
    #[error("too many changes today")]
    DailyLimit,
    /// The page has no such method.
    #[error("no such method")]
    Method,
    /// More passwords wait to be checked than may.
    #[error("too many passwords are waiting to be checked")]
    Busy,
    /// Something large of the zone or the account is being stored; it may be tried again.
    #[error("busy with a large change")]
    Storing,
    /// The database cannot be used: its disk is full, or its file is damaged. The store has logged the cause.
    #[error("the database cannot be used")]
    Unavailable,
    /// The server failed.
    #[error("the server failed")]
    Server(#[source] Arc<dyn Error + Send + Sync>),
}

impl Failure {
    /// A failure of the server.
    pub(crate) fn server(error: impl Error + Send + Sync + 'static) -> Failure {
        Failure::Server(Arc::new(error))
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } | Self::Code { .. } | Self::Prove { .. } => StatusCode::SEE_OTHER,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::NoForm => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::DailyLimit => StatusCode::TOO_MANY_REQUESTS,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy | Self::Storing | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Server(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The heading and the sentence below it.
    pub(crate) fn texts(&self, t: &Texts) -> (&'static str, &'static str) {
        match self {
            Self::SignIn { .. } | Self::Code { .. } | Self::Prove { .. } | Self::NotFound => {
                (t.failure_not_found, t.failure_not_found_text)
            }
            Self::Foreign => (t.failure_foreign, t.failure_foreign_text),
            Self::NoForm | Self::Method => (t.failure_no_form, t.failure_no_form_text),
            Self::TooLarge => (t.failure_too_large, t.failure_too_large_text),
            Self::DailyLimit => (t.failure_daily_limit, t.failure_daily_limit_text),
            Self::Busy => (t.failure_busy, t.failure_busy_text),
            Self::Storing => (t.failure_storing, t.failure_storing_text),
            Self::Unavailable => (t.failure_unavailable, t.failure_unavailable_text),
            Self::Server(_) => (t.failure_server, t.failure_server_text),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::PasswordsBusy => Failure::Busy,
            StoreError::Busy => Failure::Storing,
            failure if failure.health().is_some() => Failure::Unavailable,
            // All others are failures of the server, whatever they will be called.
            failure => Failure::server(failure),
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Failure {
        Failure::server(error)
    }
}

impl IntoResponse for Failure {
    /// Only the status, and the failure itself for the frame; a redirection is complete.
    fn into_response(self) -> Response {
        match &self {
            Self::SignIn { next } => to("/sign-in/", next),
            Self::Code { next } => to("/sign-in/code/", next),
            Self::Prove { next } => to("/prove/", next),
            _ => {
                let mut response = self.status().into_response();
                let retry_after = match &self {
                    Self::Busy | Self::Storing => Some(BUSY_FOR),
                    Self::Unavailable => Some(UNAVAILABLE_FOR),
                    _ => None,
                };
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
                }
                response.extensions_mut().insert(self);
                response
            }
        }
    }
}

/// To a page that leads on to `next`.
fn to(path: &str, next: &str) -> Response {
    Redirect::to(&with_next(path, next)).into_response()
}

/// Whether a response brings its own body; those of the frame's own failures do not.
pub(crate) fn unrendered(response: &Response) -> Option<&Failure> {
    let is_bare = !response.headers().contains_key(header::CONTENT_TYPE);
    response.extensions().get::<Failure>().filter(|_| is_bare)
}
