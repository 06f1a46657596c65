//! `PUT /dns-records/{uuid}/`: a record anew, under the identity it has.
//!
//! All that is stored comes from the request, so whoever writes last wins, and no condition is needed.

use axum::Json;
use axum::response::{IntoResponse, Response};
use dns::change::Edit;
use dns::{Fault, RecordId};
use store::{ChangeError, StoreError};

use crate::auth::{Caller, Update};
use crate::error::{ErrorCode, Problem};
use crate::json::{MemberError, Members};
use crate::members::{ReadOnly, WholeRecord};
use crate::proof::Proof;
use crate::query::PathId;
use crate::views::RecordView;

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
            Self::Change(ChangeError::Moved) => Problem::new(ErrorCode::Conflict, "The record was changed meanwhile"),
            Self::Change(ChangeError::Condition) => Problem::precondition_failed(),
            Self::Store(error) | Self::Change(ChangeError::Store(error)) => Problem::store(error),
        }
        .into_response()
    }
}

pub(crate) async fn handle(
    caller: Caller<Update>,
    PathId(id): PathId,
    proof: Proof,
    members: Members,
) -> Result<Response, Error> {
    members.only(ReadOnly::WITH_RECORD)?;
    let (wanted, read_only) = (WholeRecord::of(&members)?, ReadOnly::of(&members)?);
    let id = RecordId(id.ok_or(Error::NoRecord)?);
    let (zone, current) = caller.store().record(caller.account(), id).await?.ok_or(Error::NoRecord)?;
    read_only.check(&current)?;
    let record = wanted.in_zone(&zone.name, caller.settings().default_ttl)?;
    let edits = vec![Edit::Replace(id, record)];
    let committed = caller.store().change(&caller.author(), zone.id, edits).await?;
    let stored = committed.records.into_iter().next().flatten().ok_or(Error::NoRecord)?;
    Ok(proof.of_version(committed.zone, Json(RecordView::flat(&stored))).await)
}
