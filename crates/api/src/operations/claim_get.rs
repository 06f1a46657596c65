//! `GET /dns-zones/{uuid}/claim/`: the record that proves control of a zone's name, and whether it was found.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use claims::OpenClaim;
use dns::ZoneId;
use serde::Serialize;
use serde_json::{Value, json};
use store::{StoreError, Timestamp};

use crate::auth::{Caller, List};
use crate::claim_view::OpenClaimView;
use crate::description::{Description, Group, examples};
use crate::error::Problem;
use crate::query::{Parameters, PathId, QueryError};
use crate::schema::{Schema, required};
use crate::views::iso;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("no such zone")]
    NoZone,
    #[error("no claim can be published for a name as long as this one")]
    TooLong,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        match self {
            Self::Query(error) => Problem::from(error),
            Self::NoZone => Problem::no_zone(),
            Self::TooLong => Problem::validation("uuid", detail),
            Self::Store(error) => Problem::store(error),
        }
        .into_response()
    }
}

/// A zone's claim.
#[derive(Debug, Serialize)]
pub(crate) struct ClaimView {
    #[serde(flatten)]
    claim: OpenClaimView,
    proved_at: Option<String>,
}

impl ClaimView {
    pub(crate) fn new(claim: OpenClaim, proved_at: Option<Timestamp>) -> ClaimView {
        ClaimView { claim: claim.into(), proved_at: proved_at.map(iso) }
    }

    pub(crate) fn schema() -> Schema {
        let proved_at = "When the record was last seen; null if never.";
        let proved_at = required("proved_at", Schema::time().or_null().about(proved_at));
        Schema::object(OpenClaimView::members().into_iter().chain([proved_at])).named("ZoneClaim")
    }

    pub(crate) fn example(proved_at: Value) -> Value {
        examples::with(OpenClaimView::example(), "proved_at", proved_at)
    }
}

pub(crate) fn describe() -> Description {
    Description::new("getZoneClaim", Group::Zones, "Get claim of DNS zone")
        .text("The TXT record that proves that the zone's name is yours, and when it was last seen in the public DNS. If a \
               zone's name is proved, another account that proves control of the name does not displace the zone; the operator \
               decides.")
        .answers(StatusCode::OK, "The claim", ClaimView::schema(), ClaimView::example(json!(null)))
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
) -> Result<Json<ClaimView>, Error> {
    parameters.refuse_unknown(&[])?;
    let id = ZoneId(id.ok_or(Error::NoZone)?);
    let (zone, proved_at) = caller.zones().zone_proved_at(id).await?.ok_or(Error::NoZone)?;
    let claim = caller.claims().claim(caller.zones(), &zone.name).await?.ok_or(Error::TooLong)?;
    Ok(Json(ClaimView::new(claim, proved_at)))
}
