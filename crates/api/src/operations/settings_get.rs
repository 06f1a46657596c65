//! `GET /dns-zones/{uuid}/settings/`: the settings of a zone.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dns::ZoneId;

use crate::auth::{Caller, List};
use crate::description::{self, Description, Group};
use crate::query::{Parameters, PathId};
use crate::read_error::ReadError;
use crate::tags::{IfNoneMatch, etag};
use crate::zone_settings::SettingsView;

pub(crate) fn describe() -> Description {
    Description::new("getZoneSettings", Group::Zones, "Get DNS zone settings")
        .text("The settings of the zone. A setting that was never set has the server's default.")
        .answers(StatusCode::OK, "The settings", SettingsView::schema(), SettingsView::example())
        .tagged(description::etag())
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
) -> Result<Response, ReadError> {
    parameters.refuse_unknown(&[])?;
    let id = ZoneId(id.ok_or(ReadError::NoZone)?);
    let (zone, settings) = caller.zones().zone_settings(id).await?.ok_or(ReadError::NoZone)?;
    if let Some(unchanged) = if_none_match.unchanged(zone.serial) {
        return Ok(unchanged);
    }
    Ok(([(header::ETAG, etag(zone.serial))], Json(SettingsView::new(&settings))).into_response())
}
