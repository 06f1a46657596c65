//! `GET /dns-zones/{uuid}/history/{serial}/`: one version of a zone, with the records that it removed and added.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dns::ZoneId;
use serde_json::json;
use store::{HistoryError, StoreError};

use crate::auth::{Caller, List};
use crate::description::{self, Description, EXAMPLE_SERIAL, Group};
use crate::error::Problem;
use crate::query::{Parameters, QueryError};
use crate::schema::Schema;
use crate::tags::{IfNoneMatch, etag};
use crate::versions::{PathVersion, WholeVersionView, no_version};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("no such zone")]
    NoZone,
    #[error("no such version")]
    NoVersion,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<HistoryError> for Error {
    fn from(error: HistoryError) -> Error {
        match error {
            HistoryError::NoZone => Error::NoZone,
            HistoryError::NoVersion(_) => Error::NoVersion,
            HistoryError::Store(error) => Error::Store(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Query(error) => Problem::from(error),
            Self::NoZone => Problem::no_zone(),
            Self::NoVersion => no_version(),
            Self::Store(error) => Problem::store(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    let serial =
        "The serial of a version. A version that never existed, or is no longer kept, is reported as not found.";
    Description::new("getVersion", Group::History, "Get zone version")
        .text("One version with the records that it removed and added. A changed record is in `removed` with its old content \
               and in `added` with its new content, and its UUID is in `changed`.")
        .in_path("serial", serial, Schema::serial(), json!(EXAMPLE_SERIAL))
        .answers(StatusCode::OK, "The version", WholeVersionView::schema(), WholeVersionView::example())
        .tagged(description::etag())
        .refuses(no_version())
}

pub(crate) async fn handle(
    caller: Caller<List>,
    path: PathVersion,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    parameters.refuse_unknown(&[])?;
    let zone = ZoneId(path.zone.ok_or(Error::NoZone)?);
    let Some(serial) = path.serial else {
        // What is no serial is no version; but whose zone it would be comes first.
        caller.zones().zone(zone).await?.ok_or(Error::NoZone)?;
        return Err(Error::NoVersion);
    };
    let (version, difference) = caller.zones().version(zone, serial).await?;
    if let Some(unchanged) = if_none_match.unchanged(serial) {
        return Ok(unchanged);
    }
    let view = WholeVersionView::new(&version, &difference);
    Ok(([(header::ETAG, etag(serial))], Json(view)).into_response())
}
