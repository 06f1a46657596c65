//! `GET /update-keys/{uuid}/log/`: what an update key was refused, and why.

use axum::Json;
use axum::http::StatusCode;
use serde_json::json;
use store::UpdateKeyId;

use crate::auth::{Caller, List};
use crate::description::{Description, Group};
use crate::query::{Parameters, PathId};
use crate::read_error::ReadError;
use crate::schema::Schema;
use crate::update_key_view::RefusalView;

pub(crate) fn describe() -> Description {
    Description::new("listUpdateKeyRefusals", Group::UpdateKeys, "List refused requests")
        .text(
            "The last 100 refused requests of the key, newest first; equal requests are one entry with a count. Protocols such as \
             dynamic updates can only say REFUSED; the reason is here.",
        )
        .answers(
            StatusCode::OK,
            "The refused requests",
            Schema::array(RefusalView::schema()),
            json!([RefusalView::example()]),
        )
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
) -> Result<Json<Vec<RefusalView>>, ReadError> {
    parameters.refuse_unknown(&[])?;
    let id = UpdateKeyId(id.ok_or(ReadError::NoUpdateKey)?);
    let refusals = caller.zones().refusals(id).await?.ok_or(ReadError::NoUpdateKey)?;
    Ok(Json(refusals.into_iter().map(RefusalView::new).collect()))
}
