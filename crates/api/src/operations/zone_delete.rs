//! `DELETE /dns-zones/{uuid}/`: deletes a zone with its records.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::ZoneId;
use store::StoreError;

use crate::auth::{Caller, Delete};
use crate::description::{Description, Group};
use crate::error::Problem;
use crate::proof::Proof;
use crate::query::PathId;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::NoZone => Problem::no_zone(),
            Self::Store(error) => Problem::store(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    Description::new("deleteZone", Group::Zones, "Delete a zone")
        .text("The zone goes with all its records. Its name may be taken again at once, by anyone entitled to it.")
        .answers_nothing("The zone is deleted")
        .changes()
}

pub(crate) async fn handle(caller: Caller<Delete>, PathId(id): PathId, proof: Proof) -> Result<Response, Error> {
    let zone = ZoneId(id.ok_or(Error::NoZone)?);
    let deleted = caller.store().delete_zone(&caller.author(), zone).await?.ok_or(Error::NoZone)?;
    Ok(proof.of_deletion(deleted, StatusCode::NO_CONTENT).await)
}
