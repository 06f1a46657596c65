//! The REST API: one file per operation.
//!
//! [`OPERATIONS`] is the table of all operations. The router is built from it, and the tests iterate over it: every route is
//! tested without a token, without the permission, and with another account's object. A handler reaches the store only through
//! `auth::Caller`, which has authenticated the request and checked the permission. The table also has the description of each
//! operation, from which the OpenAPI [`document`] and the reference pages are generated.
//!
//! `http_server` serves the API beside the other routers of the process. [`error_body`] gives errors that no handler produced (a
//! panic, a wrong method on a page) the same JSON as every other error.
//!
//! Decided against: a project-wide error type (each operation lists its own errors and maps them to a status in one `match`), and
//! normalising paths before routing (both forms of each path are routes, so that other routers can be merged without changing
//! theirs).

mod answers;
mod auth;
mod changes;
mod claim_view;
mod cors;
mod description;
mod error;
mod json;
mod listing;
mod members;
mod openapi;
mod operations;
mod paging;
mod prefer;
mod proof;
mod query;
mod read_error;
mod reply;
mod schema;
mod settings;
mod shared;
mod tags;
mod update_key_view;
mod versions;
mod views;
mod writing;
mod zone_file;
mod zone_settings;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::on;
use claims::Claims;
use deploy::Deployment;
use http_server::{Limits, RouteFn, routes_by_path};
use store::{AccountId, Store};
use tower_http::set_header::SetResponseHeaderLayer;

pub use description::{
    Body, Description, EXAMPLE_RECORD, EXAMPLE_SERIAL, EXAMPLE_UPDATE_KEY, EXAMPLE_ZONE, Group, Header, Parameter,
    ParameterPlace, Refusal, Success,
};
pub use error::error_body;
pub use openapi::{ABOUT, document};
pub use operations::{OPERATIONS, Operation};
pub use schema::{Member, Schema};
pub use settings::Settings;
pub use shared::BASE;

use error::Problem;
use shared::Shared;

/// The API over one store and its deployment.
#[derive(Debug, Clone)]
pub struct Api {
    shared: Arc<Shared>,
}

impl Api {
    /// The API, with its store, the deployment that it polls, and the lookup of claims.
    pub fn new(store: Store, deployment: Deployment, claims: Arc<Claims>, settings: Settings) -> Api {
        Api { shared: Arc::new(Shared::new(store, deployment, claims, settings)) }
    }

    /// What the API counts, for routers that count together with it.
    pub fn limits(&self) -> Arc<Limits<AccountId>> {
        Arc::clone(&self.shared.limits)
    }

    /// All operations, with and without the final slash, and the JSON answer for every unknown path. To be merged with routers
    /// that have no fallback of their own, and handed to [`http_server::serve`].
    pub fn router(&self) -> Router {
        let mut router = Router::new();
        let document: RouteFn<_> = |method| on(method, openapi::get_document);
        let operations = OPERATIONS.iter().map(|operation| (operation.path, operation.method.clone(), operation.route));
        let table = operations.chain([(openapi::PATH, Method::GET, document)]);
        for (path, methods) in routes_by_path(table, |allowed| Problem::method_not_allowed(allowed).into_response()) {
            let path = format!("{BASE}{}", path.trim_end_matches('/'));
            router = router.route(&format!("{path}/"), methods.clone()).route(&path, methods);
        }
        let router = router
            .with_state(Arc::clone(&self.shared))
            .layer(from_fn_with_state(self.shared.limits.unread.clone(), answers::bound))
            .fallback(async || Problem::unknown_path())
            .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .layer(SetResponseHeaderLayer::overriding(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ));
        match cors::layer(&self.shared.settings.cors_origins) {
            Some(cors) => router.layer(cors),
            None => router,
        }
    }
}
