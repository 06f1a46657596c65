//! `PATCH /dns-records/{uuid}/`: changes some members of a record.
//!
//! The members are laid over the record as it was read, and stored on the condition that it is still that; where somebody was
//! faster, it is read again. Two clients that change different members at the same time therefore both have their way.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::change::Edit;
use dns::{Fault, RecordId};
use serde_json::json;
use store::{Change, ChangeError, Condition, StoreError};

use super::record_put::shown;
use crate::auth::{Caller, Update};
use crate::description::{Description, Group, examples};
use crate::error::{ErrorCode, Problem};
use crate::json::{MemberError, Members};
use crate::members::{ReadOnly, RecordChanges};
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
    #[error("others kept changing the record; read it again, and repeat the request")]
    Conflict,
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        match self {
            Self::Member(error) => Problem::from(error),
            Self::NoRecord | Self::Change(ChangeError::NoZone | ChangeError::NoRecord { .. }) => Problem::no_record(),
            Self::Fault(fault) => Problem::fault(fault),
            Self::Change(ChangeError::Faults(faults)) => Problem::faults(faults),
            Self::Conflict | Self::Change(ChangeError::Moved) => Problem::new(ErrorCode::Conflict, detail),
            Self::Change(ChangeError::Condition) => Problem::precondition_failed(),
            Self::Store(error) | Self::Change(ChangeError::Store(error)) => Problem::store(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    Description::new("updateRecord", Group::Records, "Change a record")
        .text("Only the members that are given change. Two clients that change different members at the same time both have their way. \
               A type without a priority drops the old one.")
        .json(RecordChanges::schema())
        .example("Another TTL", json!({"ttl": 1800}))
        .example("Another mail server", json!({"value": "mail2.example.com", "priority": 20}))
        .answers(StatusCode::OK, "The record", RecordView::flat_schema(), examples::flat_record())
        .changes()
        .refuses(Problem::new(ErrorCode::Conflict, Error::Conflict.to_string()))
}

/// How often a record is read again. In each round somebody succeeds, so this is how many may be faster than one client.
const ATTEMPTS: usize = 100;

pub(crate) async fn handle(caller: Caller<Update>, PathId(id): PathId, writing: Writing, members: Members) -> Response {
    let patch = async |write: Write| -> Result<Response, Error> {
        members.only(ReadOnly::WITH_RECORD)?;
        let (changes, read_only) = (RecordChanges::of(&members)?, ReadOnly::of(&members)?);
        let id = RecordId(id.ok_or(Error::NoRecord)?);
        for _ in 0..ATTEMPTS {
            let (zone, current) = caller.store().record(caller.account(), id).await?.ok_or(Error::NoRecord)?;
            read_only.check(&current)?;
            let edit = Edit::Replace(id, changes.over(&current, &zone.name)?);
            let change = Change { conditions: write.on_record(id), ..Change::from(vec![edit]) };
            let unmoved = Condition::Unmoved(id, current.version);
            match write.change(&caller, zone.id, change.on(unmoved), shown).await {
                Err(ChangeError::Moved) => continue,
                answer => return Ok(answer?),
            }
        }
        Err(Error::Conflict)
    };
    writing.once(&caller, members.octets(), patch).await
}
