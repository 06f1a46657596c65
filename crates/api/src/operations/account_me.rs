//! `GET /account/me/`: the account and the permissions of the token. Any valid token is accepted.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::auth::{AnyToken, Caller};
use crate::description::{Description, Group};
use crate::query::{Parameters, QueryError};
use crate::views::MeView;

pub(crate) fn describe() -> Description {
    let example = json!({
        "account": {
            "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "company_name": "Engines Ltd",
            "created_at": "2024-06-15",
        },
        "token": {
            "name": "ci", "permissions": ["dns:list", "dns:create"], "created_at": "2024-06-15T09:00:00Z", "expires_at": null,
            "last_used_at": null,
        },
    });
    Description::new("getMe", Group::Account, "Get current account and token")
        .text("Any valid token is accepted; no permission is needed.")
        .answers(StatusCode::OK, "The account and the token", MeView::schema(), example)
}

pub(crate) async fn handle(caller: Caller<AnyToken>, parameters: Parameters) -> Result<Response, QueryError> {
    parameters.refuse_unknown(&[])?;
    Ok(Json(MeView::new(caller.identity())).into_response())
}
