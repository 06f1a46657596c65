//! `GET /dns-zones/{uuid}/`: a zone with all its records.

use axum::response::{IntoResponse, Response};
use dns::ZoneId;
use store::RecordFilter;

use crate::auth::{Caller, List};
use crate::error::Problem;
use crate::listing::{Frame, ListingError, all_records};
use crate::query::{Parameters, PathId, QueryError};

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
            Self::Listing(error @ (ListingError::Json(_) | ListingError::EndedEarly)) => Problem::internal(error),
        }
        .into_response()
    }
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
) -> Result<Response, Error> {
    parameters.only(&[])?;
    let zone = ZoneId(id.ok_or(ListingError::NoZone)?);
    Ok(all_records(caller.store(), caller.account(), zone, RecordFilter::default(), Frame::Zone).await?)
}
