//! `GET /dns-records/{uuid}/`: returns one record.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use dns::RecordId;

use crate::auth::{Caller, List};
use crate::description::{self, Description, Group, examples};
use crate::query::{Parameters, PathId};
use crate::read_error::ReadError;
use crate::tags::{IfNoneMatch, etag};
use crate::views::RecordView;

pub(crate) fn describe() -> Description {
    Description::new("getRecord", Group::Records, "Get DNS record details")
        .answers(StatusCode::OK, "The record", RecordView::flat_schema(), examples::flat_record())
        .tagged(description::etag())
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
) -> Result<Response, ReadError> {
    parameters.refuse_unknown(&[])?;
    let id = RecordId(id.ok_or(ReadError::NoRecord)?);
    let (_, stored) = caller.zones().record(id).await?.ok_or(ReadError::NoRecord)?;
    if let Some(unchanged) = if_none_match.unchanged(stored.serial) {
        return Ok(unchanged);
    }
    Ok(([(header::ETAG, etag(stored.serial))], Json(RecordView::flat(&stored))).into_response())
}
