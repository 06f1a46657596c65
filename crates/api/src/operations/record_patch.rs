//! `PATCH /dns-records/{uuid}/`: changes some members of a record.
//!
//! The members are merged into the record inside the transaction that stores the result. If two clients change different members
//! at the same time, both changes are applied.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::change::Edit;
use dns::{Fault, RecordId};
use forms::MemberError;
use serde_json::json;
use store::{Change, ChangeError, StoreError};

use super::record_put::shown;
use crate::auth::{Caller, Update};
use crate::description::{Description, Group, examples};
use crate::error::Problem;
use crate::json::Members;
use crate::members::{self, ReadOnly};
use crate::query::PathId;
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
            // No such condition was set, and the permission is the operation's.
            Self::Change(
                error @ (ChangeError::Moved
                | ChangeError::Forbidden(_)
                | ChangeError::OutOfScope(_)
                | ChangeError::Unmet(_)),
            ) => Problem::internal(error),
            Self::Change(ChangeError::DailyLimit(limit)) => Problem::daily_limit(&limit),
            Self::Change(ChangeError::Condition) => Problem::precondition_failed(),
            Self::Store(error) | Self::Change(ChangeError::Store(error)) => Problem::store(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    Description::new("updateRecord", Group::Records, "Update DNS record")
        .text("Only the members that are given change. If two clients change different members at the same time, both changes \
               are applied. If the new type has no priority, the old priority is removed.")
        .json(members::record_changes_schema())
        .example("Another TTL", json!({"ttl": 1800}))
        .example("Another mail server", json!({"value": "mail2.example.com", "priority": 20}))
        .answers(StatusCode::OK, "The record", RecordView::flat_schema(), examples::flat_record())
        .changes()
}

pub(crate) async fn handle(caller: Caller<Update>, PathId(id): PathId, writing: Writing, members: Members) -> Response {
    let patch = async |write: Write| -> Result<Response, Error> {
        members.refuse_unknown(ReadOnly::WITH_RECORD)?;
        let (changes, read_only) = (members::record_changes(&members)?, ReadOnly::read(&members)?);
        let id = RecordId(id.ok_or(Error::NoRecord)?);
        let (zone, current) = caller.zones().record(id).await?.ok_or(Error::NoRecord)?;
        // What they are about never changes, so that there is no need to look again.
        read_only.check(&current)?;
        let edit = Edit::Amend(id, changes.in_zone(&zone.name)?);
        let change = Change { conditions: write.on_record(id), ..Change::from(vec![edit]) };
        Ok(write.change(&caller, zone.id, change, shown).await?)
    };
    writing.once(&caller, members.octets(), patch).await
}
