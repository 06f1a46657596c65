//! `PUT /dns-records/{uuid}/`: replaces a record, which keeps its UUID.
//!
//! The request has all stored members, so the last request wins and no condition is needed.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::change::Edit;
use dns::{Fault, RecordId};
use forms::MemberError;
use serde_json::json;
use store::{Change, ChangeError, Committed, StoreError};

use crate::auth::{Caller, Update};
use crate::description::{Description, Group, examples};
use crate::error::{ErrorCode, Problem};
use crate::json::Members;
use crate::members::{self, ReadOnly};
use crate::query::PathId;
use crate::reply::Reply;
use crate::views::RecordView;
use crate::writing::{Write, Writing};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("no such record")]
    NoRecord,
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Member(error) => Problem::from(error),
            Self::NoRecord | Self::Change(ChangeError::NoZone | ChangeError::NoRecord { .. }) => Problem::no_record(),
            Self::Fault(fault) => Problem::fault(fault),
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
    let record = json!({"record_type": "MX", "name": "@", "value": "mail2.example.com", "ttl": 3600, "priority": 20});
    Description::new("replaceRecord", Group::Records, "Replace DNS record")
        .text("Replaces all members of the record. Its UUID stays; its type and name may change. If two requests change the \
               same record, the last one wins.")
        .json(members::record_anew_schema())
        .example("Another mail server", record)
        .answers(StatusCode::OK, "The record", RecordView::flat_schema(), examples::flat_record())
        .changes()
        .refuses(Problem::new(ErrorCode::Conflict, MEANWHILE))
}

pub(crate) async fn handle(caller: Caller<Update>, PathId(id): PathId, writing: Writing, members: Members) -> Response {
    let put = async |write: Write| -> Result<Response, Error> {
        members.refuse_unknown(ReadOnly::WITH_RECORD)?;
        let (wanted, read_only) = (members::whole_record(&members)?, ReadOnly::read(&members)?);
        let id = RecordId(id.ok_or(Error::NoRecord)?);
        let (zone, current) = caller.zones().record(id).await?.ok_or(Error::NoRecord)?;
        read_only.check(&current)?;
        let record = wanted.in_zone(&zone.name)?;
        let change = Change { conditions: write.on_record(id), ..Change::from(vec![Edit::Replace(id, record)]) };
        Ok(write.change(&caller, zone.id, change, shown).await?)
    };
    writing.once(&caller, members.octets(), put).await
}

/// The answer with the record as it is now: also of PATCH.
pub(crate) fn shown(made: &Committed) -> Result<Reply, StoreError> {
    let stored = made.only_record().ok_or(StoreError::Bug("a change of one record without its record"))?;
    Reply::json(stored.serial, &RecordView::flat(stored))
}
