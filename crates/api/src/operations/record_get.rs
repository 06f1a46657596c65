//! `GET /dns-records/{uuid}/`: one record.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use dns::RecordId;
use store::StoreError;

use crate::auth::{Caller, List};
use crate::description::{self, Description, Group, examples};
use crate::error::Problem;
use crate::query::{Parameters, PathId, QueryError};
use crate::tags::{Seen, etag};
use crate::views::RecordView;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("no such record")]
    NoRecord,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Query(error) => Problem::from(error),
            Self::NoRecord => Problem::no_record(),
            Self::Store(error) => Problem::store(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    Description::new("getRecord", Group::Records, "Get DNS record details")
        .answers(StatusCode::OK, "The record", RecordView::flat_schema(), examples::flat_record())
        .tagged(description::etag())
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
    seen: Seen,
) -> Result<Response, Error> {
    parameters.only(&[])?;
    let id = RecordId(id.ok_or(Error::NoRecord)?);
    let (_, stored) = caller.store().record(caller.account(), id).await?.ok_or(Error::NoRecord)?;
    if let Some(unchanged) = seen.unchanged(stored.serial) {
        return Ok(unchanged);
    }
    Ok(([(header::ETAG, etag(stored.serial))], Json(RecordView::flat(&stored))).into_response())
}
