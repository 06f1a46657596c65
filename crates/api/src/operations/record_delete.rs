//! `DELETE /dns-records/{uuid}/`: deletes a record.

use axum::response::{IntoResponse, Response};
use dns::RecordId;
use dns::change::Edit;
use store::{Change, ChangeError, Committed, StoreError};

use crate::auth::{Caller, Delete};
use crate::description::{Description, Group};
use crate::error::{ErrorCode, Problem};
use crate::query::PathId;
use crate::reply::Reply;
use crate::writing::{Write, Writing};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such record")]
    NoRecord,
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::NoRecord | Self::Change(ChangeError::NoZone | ChangeError::NoRecord { .. }) => Problem::no_record(),
            Self::Change(ChangeError::Faults(faults)) => Problem::faults(faults),
            Self::Change(ChangeError::DailyLimit(limit)) => Problem::daily_limit(&limit),
            Self::Change(ChangeError::Condition) => Problem::precondition_failed(),
            Self::Change(ChangeError::Moved) => Problem::new(ErrorCode::Conflict, MEANWHILE),
            // The permission is the operation's, and a token has no scope of names.
            Self::Change(error @ (ChangeError::Forbidden(_) | ChangeError::OutOfScope(_) | ChangeError::Unmet(_))) => {
                Problem::internal(error)
            }
            Self::Store(error) | Self::Change(ChangeError::Store(error)) => Problem::store(error),
        }
        .into_response()
    }
}

const MEANWHILE: &str = "The record was changed meanwhile";

pub(crate) fn describe() -> Description {
    Description::new("deleteRecord", Group::Records, "Delete DNS record")
        .text("Refused if the zone needs the record: the address of a nameserver inside the zone.")
        .answers_nothing("The record is deleted")
        .changes()
        .refuses(Problem::validation("value", "The zone needs this record"))
        .refuses(Problem::new(ErrorCode::Conflict, MEANWHILE))
}

pub(crate) async fn handle(caller: Caller<Delete>, PathId(id): PathId, writing: Writing) -> Response {
    let delete = async |write: Write| -> Result<Response, Error> {
        let id = RecordId(id.ok_or(Error::NoRecord)?);
        let (zone, _) = caller.zones().record(id).await?.ok_or(Error::NoRecord)?;
        let change = Change { conditions: write.on_record(id), ..Change::from(vec![Edit::Delete(id)]) };
        let reply = |made: &Committed| Ok(Reply::empty(made.zone.serial));
        Ok(write.change(&caller, zone.id, change, reply).await?)
    };
    writing.once(&caller, &[], delete).await
}
