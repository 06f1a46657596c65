//! `GET /dns-zones/{uuid}/`: a zone with all its records.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::ZoneId;
use serde_json::json;
use store::RecordFilter;

use crate::auth::{Caller, List};
use crate::description::{Description, Group, etag, examples};
use crate::error::Problem;
use crate::listing::{Frame, ListingError, all_records};
use crate::query::{Parameters, PathId, QueryError};
use crate::tags::Seen;
use crate::views::ZoneView;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Listing(#[from] ListingError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Query(error) => Problem::from(error),
            Self::Listing(ListingError::NoZone) => Problem::no_zone(),
            Self::Listing(ListingError::Store(error)) => Problem::store(error),
            Self::Listing(error @ (ListingError::Json(_) | ListingError::Gone)) => Problem::internal(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    let zone = examples::with(examples::zone(), "records", json!([examples::record()]));
    Description::new("getZone", Group::Zones, "Get DNS zone details")
        .text("The zone with all its records, however many they are: the answer is streamed, and one consistent view.")
        .answers(StatusCode::OK, "The zone", ZoneView::schema_with_records(), zone)
        .tagged(etag())
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
    seen: Seen,
) -> Result<Response, Error> {
    parameters.only(&[])?;
    let zone = ZoneId(id.ok_or(ListingError::NoZone)?);
    Ok(all_records(caller.store(), caller.account(), zone, RecordFilter::default(), Frame::Zone, &seen).await?)
}
