//! `DELETE /dns-zones/{uuid}/`: deletes a zone with its records.

use axum::response::{IntoResponse, Response};
use dns::ZoneId;
use store::ChangeError;

use crate::auth::{Caller, Delete};
use crate::description::{Description, Group};
use crate::error::Problem;
use crate::query::PathId;
use crate::writing::{Write, Writing};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::NoZone | Self::Change(ChangeError::NoZone) => Problem::no_zone(),
            Self::Change(ChangeError::DailyLimit(limit)) => Problem::daily_limit(&limit),
            Self::Change(ChangeError::Condition) => Problem::precondition_failed(),
            Self::Change(ChangeError::Store(error)) => Problem::store(error),
            // Nothing is edited.
            Self::Change(
                error @ (ChangeError::NoRecord { .. }
                | ChangeError::Moved
                | ChangeError::Faults(_)
                | ChangeError::Forbidden(_)
                | ChangeError::OutOfScope(_)
                | ChangeError::Unmet(_)),
            ) => Problem::internal(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    Description::new("deleteZone", Group::Zones, "Delete DNS zone")
        .text("The zone is deleted with all its records. Its name can be used again at once by any account that is entitled to \
               it.")
        .answers_nothing("The zone is deleted")
        .changes()
}

pub(crate) async fn handle(caller: Caller<Delete>, PathId(id): PathId, writing: Writing) -> Response {
    let delete = async |write: Write| -> Result<Response, Error> {
        let zone = ZoneId(id.ok_or(Error::NoZone)?);
        Ok(write.delete_zone(&caller, zone).await?)
    };
    writing.once(&caller, &[], delete).await
}
