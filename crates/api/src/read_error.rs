//! The errors that operations which only read share.

use axum::response::{IntoResponse, Response};
use store::StoreError;

use crate::error::Problem;
use crate::query::QueryError;

/// An error of the operations that read a zone, a record, or a list of records, and of those on update keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("no such zone")]
    NoZone,
    #[error("no such record")]
    NoRecord,
    #[error("no such update key")]
    NoUpdateKey,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a record could not be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("the zone was deleted, or its version forgotten, while it was listed")]
    Gone,
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Problem {
        match error {
            ReadError::Query(error) => Problem::from(error),
            ReadError::NoZone => Problem::no_zone(),
            ReadError::NoRecord => Problem::no_record(),
            ReadError::NoUpdateKey => Problem::no_update_key(),
            ReadError::Store(error) => Problem::store(error),
            error @ (ReadError::Json(_) | ReadError::Gone) => Problem::internal(error),
        }
    }
}

impl IntoResponse for ReadError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
