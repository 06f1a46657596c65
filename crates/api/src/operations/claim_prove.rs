//! `POST /dns-zones/{uuid}/claim/`: looks up a zone's claim in the public DNS.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use claims::{Look, LookError, OpenClaim, Unproved};
use dns::ZoneId;
use serde_json::json;
use store::{ChangeError, ProveError, StoreError};

use super::claim_get::ClaimView;
use crate::auth::{Caller, Update};
use crate::claim_view::{OpenClaimView, hint};
use crate::description::{Description, Group};
use crate::error::{ErrorCode, Problem};
use crate::query::PathId;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such zone")]
    NoZone,
    #[error("no claim can be published for a name as long as this one")]
    TooLong,
    #[error("The name is not proved: {}", hint(.0.unproved))]
    Open(OpenClaim),
    #[error(transparent)]
    Look(#[from] LookError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        match self {
            Self::NoZone | Self::Prove(ProveError::NoZone) => Problem::no_zone(),
            Self::TooLong => Problem::validation("uuid", detail),
            Self::Open(claim) => Problem::new(ErrorCode::ValidationError, detail).claimable(claim),
            Self::Look(error) => Problem::looks(error),
            Self::Prove(ProveError::NoClaim) => {
                Problem::new(ErrorCode::Conflict, "The claim has expired; repeat this request")
            }
            Self::Prove(ProveError::Change(ChangeError::DailyLimit(limit))) => Problem::daily_limit(&limit),
            Self::Prove(ProveError::Change(error)) => Problem::internal(error),
            Self::Store(error) | Self::Prove(ProveError::Store(error)) => Problem::store(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    let refusal = json!({
        "detail": format!("The name is not proved: {}", hint(Unproved::NotFound)), "error_code": ErrorCode::ValidationError.name(),
        "field": null, "claim": OpenClaimView::example(),
    });
    Description::new("proveZoneClaim", Group::Zones, "Prove claim of DNS zone")
        .text("Looks up the TXT record of the zone's claim in the public DNS. The time limit is five seconds, and an account \
               may do this ten times per minute. Zones of other accounts that are below the name and not delegated in the \
               public DNS are displaced after three days.")
        .answers(
            StatusCode::OK,
            "The claim was seen",
            ClaimView::schema(),
            ClaimView::example(json!("2024-01-15T10:30:00Z")),
        )
        .refuses_with(ErrorCode::ValidationError, OpenClaimView::refusal_schema(), refusal)
        .refuses(Problem::new(ErrorCode::Conflict, "The claim has expired; repeat this request"))
}

pub(crate) async fn handle(caller: Caller<Update>, PathId(id): PathId) -> Result<Json<ClaimView>, Error> {
    let id = ZoneId(id.ok_or(Error::NoZone)?);
    let (zone, _) = caller.zones().zone_proved_at(id).await?.ok_or(Error::NoZone)?;
    match caller.claims().look_at(caller.zones(), &zone.name).await? {
        Look::NotClaimable => Err(Error::TooLong),
        Look::Open(claim) => Err(Error::Open(claim)),
        Look::Proved(proof) => {
            let proved_at = caller.zones().prove_zone(id, proof).await?;
            let claim = caller.claims().claim(caller.zones(), &zone.name).await?.ok_or(Error::TooLong)?;
            Ok(Json(ClaimView::new(claim, Some(proved_at))))
        }
    }
}
