//! `DELETE /update-keys/{uuid}/`: revokes an update key.

use axum::http::StatusCode;
use store::UpdateKeyId;

use crate::auth::{Caller, Update};
use crate::description::{Description, Group};
use crate::query::PathId;
use crate::read_error::ReadError;

pub(crate) fn describe() -> Description {
    Description::new("deleteUpdateKey", Group::UpdateKeys, "Delete an update key")
        .text("The key is refused by every server within a second.")
        .answers_nothing("The key is deleted")
}

pub(crate) async fn handle(caller: Caller<Update>, PathId(id): PathId) -> Result<StatusCode, ReadError> {
    let id = UpdateKeyId(id.ok_or(ReadError::NoUpdateKey)?);
    match caller.zones().revoke_update_key(id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ReadError::NoUpdateKey),
    }
}
