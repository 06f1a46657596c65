//! `GET /account/me/`: who the token speaks for, and what it allows. Any good token may ask.

use axum::Json;
use axum::response::{IntoResponse, Response};

use crate::auth::{AnyToken, Caller};
use crate::query::{Parameters, QueryError};
use crate::views::MeView;

pub(crate) async fn handle(caller: Caller<AnyToken>, parameters: Parameters) -> Result<Response, QueryError> {
    parameters.only(&[])?;
    Ok(Json(MeView::of(caller.identity())).into_response())
}
