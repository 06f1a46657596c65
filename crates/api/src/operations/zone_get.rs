//! `GET /dns-zones/{uuid}/`: a zone with all its records.

use axum::http::StatusCode;
use axum::response::Response;
use dns::ZoneId;
use serde_json::json;
use store::RecordFilter;

use crate::auth::{Caller, List};
use crate::description::{Description, Group, etag, examples};
use crate::listing::{Frame, all_records};
use crate::query::{Parameters, PathId};
use crate::read_error::ReadError;
use crate::tags::IfNoneMatch;
use crate::views::ZoneView;

pub(crate) fn describe() -> Description {
    let zone = examples::with(examples::zone(), "records", json!([examples::record()]));
    Description::new("getZone", Group::Zones, "Get DNS zone details")
        .text("The zone with all its records. The response is streamed and shows one consistent state of the zone.")
        .answers(StatusCode::OK, "The zone", ZoneView::schema_with_records(), zone)
        .tagged(etag())
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
) -> Result<Response, ReadError> {
    parameters.refuse_unknown(&[])?;
    let zone = ZoneId(id.ok_or(ReadError::NoZone)?);
    all_records(caller.zones(), zone, RecordFilter::default(), Frame::Zone, &if_none_match).await
}
