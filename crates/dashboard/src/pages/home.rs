//! The first page after sign-in.

use axum::response::Redirect;

use crate::visit::SignedIn;

/// Leads to the zones: what most come for.
pub(crate) async fn show(_: SignedIn) -> Redirect {
    Redirect::to("/zones/")
}
