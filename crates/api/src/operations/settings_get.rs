//! `GET /dns-zones/{uuid}/settings/`: what is set for a zone as a whole.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dns::ZoneId;
use store::StoreError;

use crate::auth::{Caller, List};
use crate::description::{self, Description, Group};
use crate::error::Problem;
use crate::query::{Parameters, PathId, QueryError};
use crate::tags::{Seen, etag};
use crate::zone_settings::SettingsView;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Query(error) => Problem::from(error),
            Self::NoZone => Problem::no_zone(),
            Self::Store(error) => Problem::store(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    Description::new("getZoneSettings", Group::Zones, "Get DNS zone settings")
        .text("What is set for the zone as a whole; what nobody set is the server's.")
        .answers(StatusCode::OK, "The settings", SettingsView::schema(), SettingsView::example())
        .tagged(description::etag())
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
    seen: Seen,
) -> Result<Response, Error> {
    parameters.only(&[])?;
    let id = ZoneId(id.ok_or(Error::NoZone)?);
    let (zone, settings) = caller.store().zone_settings(caller.account(), id).await?.ok_or(Error::NoZone)?;
    if let Some(unchanged) = seen.unchanged(zone.serial) {
        return Ok(unchanged);
    }
    Ok(([(header::ETAG, etag(zone.serial))], Json(SettingsView::of(&settings))).into_response())
}
