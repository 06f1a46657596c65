//! `GET /update-keys/`: the update keys of the account, without their secrets.

use axum::Json;
use axum::http::StatusCode;
use serde_json::json;

use crate::auth::{Caller, List};
use crate::description::{Description, Group};
use crate::query::Parameters;
use crate::read_error::ReadError;
use crate::schema::Schema;
use crate::update_key_view::UpdateKeyView;

pub(crate) fn describe() -> Description {
    Description::new("listUpdateKeys", Group::UpdateKeys, "List update keys")
        .text(
            "The account's update keys, oldest first, without their secrets. A token that is limited to some zones sees the keys \
             for no other zones.",
        )
        .answers(
            StatusCode::OK,
            "The update keys",
            Schema::array(UpdateKeyView::schema()),
            json!([UpdateKeyView::example()]),
        )
}

pub(crate) async fn handle(
    caller: Caller<List>,
    parameters: Parameters,
) -> Result<Json<Vec<UpdateKeyView>>, ReadError> {
    parameters.refuse_unknown(&[])?;
    let keys = caller.zones().update_keys().await?;
    Ok(Json(keys.iter().map(UpdateKeyView::new).collect()))
}
