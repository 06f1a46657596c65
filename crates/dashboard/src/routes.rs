//! The table of pages. The router is built from it, and the tests iterate over it: pages that need a session are requested
//! without one, operators' pages by another user, and changes from another origin.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::response::IntoResponse;
use axum::routing::on;
use http_server::{RouteFn, routes_by_path};

use crate::failure::Failure;
use crate::pages::*;
use crate::shared::Shared;

/// One page, or one thing that a form does.
#[derive(Debug)]
pub struct Route {
    /// GET shows, POST does.
    pub method: Method,
    /// The path, with its final slash.
    pub path: &'static str,
    /// Who has access.
    pub access: Access,
    pub(crate) route: RouteFn<Arc<Shared>>,
}

/// Who has access to a page. The handler's extractor enforces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Anyone,
    /// Visitors who entered the password, but not yet the one-time code.
    Waiting,
    /// Signed-in users.
    SignedIn,
    /// Signed-in users who entered the password recently.
    Proved,
    /// Operators.
    Operator,
    /// Operators who entered the password recently.
    ProvedOperator,
}

macro_rules! route {
    ($method:ident $path:literal $access:ident $handler:path) => {
        Route { method: Method::$method, path: $path, access: Access::$access, route: |method| on(method, $handler) }
    };
}

/// Everything there is.
pub static ROUTES: &[Route] = &[
    route!(GET "/" SignedIn home::show),
    route!(GET "/api/v1/docs/dns/" Anyone reference::show),
    route!(GET "/zones/" SignedIn zones::list::show),
    route!(GET "/zones/new/" SignedIn zones::new::show),
    route!(POST "/zones/new/" SignedIn zones::new::submit),
    route!(GET "/zones/{id}/" SignedIn zones::records::show),
    route!(POST "/zones/{id}/" SignedIn zones::records::act),
    route!(GET "/zones/{id}/live/" SignedIn zones::live::show),
    route!(GET "/zones/{id}/history/" SignedIn zones::history::list),
    route!(GET "/zones/{id}/history/{serial}/" SignedIn zones::history::show),
    route!(GET "/zones/{id}/history/{serial}/restore/" SignedIn zones::restore::show),
    route!(POST "/zones/{id}/history/{serial}/restore/" SignedIn zones::restore::submit),
    route!(GET "/zones/{id}/settings/" SignedIn zones::settings::show),
    route!(POST "/zones/{id}/settings/" SignedIn zones::settings::submit),
    route!(GET "/zones/{id}/claim/" SignedIn zones::claim::show),
    route!(POST "/zones/{id}/claim/" SignedIn zones::claim::submit),
    route!(GET "/zones/{id}/zonefile/" SignedIn zones::zone_file::download),
    route!(GET "/zones/{id}/import/" SignedIn zones::import::show),
    route!(POST "/zones/{id}/import/" SignedIn zones::import::submit),
    route!(GET "/zones/{id}/delete/" SignedIn zones::delete::show),
    route!(POST "/zones/{id}/delete/" SignedIn zones::delete::submit),
    route!(GET "/sign-in/" Anyone sign_in::show),
    route!(POST "/sign-in/" Anyone sign_in::submit),
    route!(GET "/sign-in/code/" Waiting sign_in_code::show),
    route!(POST "/sign-in/code/" Waiting sign_in_code::submit),
    route!(POST "/sign-out/" Anyone sign_out::submit),
    route!(GET "/forgotten/" Anyone forgotten::show),
    route!(POST "/forgotten/" Anyone forgotten::submit),
    route!(GET "/register/" Anyone register::show),
    route!(POST "/register/" Anyone register::submit),
    route!(GET "/link/{secret}/" Anyone link::show),
    route!(POST "/link/{secret}/" Anyone link::submit),
    route!(GET "/prove/" SignedIn prove::show),
    route!(POST "/prove/" SignedIn prove::submit),
    route!(GET "/account/password/" Proved password::show),
    route!(POST "/account/password/" Proved password::submit),
    route!(GET "/account/" SignedIn account::show),
    route!(POST "/account/" SignedIn account::submit),
    route!(POST "/account/sessions/" SignedIn account::end_session),
    route!(POST "/account/sessions/end-others/" SignedIn account::end_others),
    route!(GET "/account/developers/" SignedIn developers::show),
    route!(GET "/account/developers/new/" Proved token_new::show),
    route!(POST "/account/developers/new/" Proved token_new::submit),
    route!(GET "/account/developers/{id}/revoke/" SignedIn developers::ask),
    route!(POST "/account/developers/{id}/revoke/" SignedIn developers::revoke),
    route!(GET "/account/keys/" SignedIn keys::list),
    route!(GET "/account/keys/new/" Proved key_new::show),
    route!(POST "/account/keys/new/" Proved key_new::submit),
    route!(GET "/account/keys/{id}/" SignedIn keys::show),
    route!(GET "/account/keys/{id}/delete/" SignedIn keys::ask),
    route!(POST "/account/keys/{id}/delete/" SignedIn keys::delete),
    route!(GET "/account/second-factor/" Proved second_factor::show),
    route!(POST "/account/second-factor/" Proved second_factor::submit),
    route!(GET "/account/second-factor/codes/" Proved second_factor::ask_codes),
    route!(POST "/account/second-factor/codes/" Proved second_factor::renew_codes),
    route!(GET "/account/second-factor/off/" Proved second_factor::ask_off),
    route!(POST "/account/second-factor/off/" Proved second_factor::turn_off),
    route!(GET "/account/close/" Proved close::show),
    route!(POST "/account/close/" Proved close::submit),
    route!(GET "/operator/accounts/" Operator operator_accounts::list),
    route!(GET "/operator/accounts/{id}/" Operator operator_accounts::show),
    route!(GET "/operator/accounts/{id}/limits/" ProvedOperator operator_actions::ask_limits),
    route!(POST "/operator/accounts/{id}/limits/" ProvedOperator operator_actions::set_limits),
    route!(GET "/operator/accounts/{id}/suspend/" ProvedOperator operator_actions::ask_suspend),
    route!(POST "/operator/accounts/{id}/suspend/" ProvedOperator operator_actions::suspend),
    route!(GET "/operator/accounts/{id}/resume/" ProvedOperator operator_actions::ask_resume),
    route!(POST "/operator/accounts/{id}/resume/" ProvedOperator operator_actions::resume),
    route!(GET "/operator/accounts/{id}/link/" ProvedOperator operator_actions::ask_link),
    route!(POST "/operator/accounts/{id}/link/" ProvedOperator operator_actions::make_link),
    route!(GET "/operator/accounts/{id}/second-factor-off/" ProvedOperator operator_actions::ask_codes_off),
    route!(POST "/operator/accounts/{id}/second-factor-off/" ProvedOperator operator_actions::codes_off),
    route!(GET "/operator/invite/" ProvedOperator operator_actions::ask_invite),
    route!(POST "/operator/invite/" ProvedOperator operator_actions::invite),
    route!(GET "/operator/events/" Operator operator_events::list),
];

/// The router of the table. A path answers without its final slash too, by a redirect.
pub(crate) fn router() -> Router<Arc<Shared>> {
    let mut router = Router::new();
    let table = ROUTES.iter().map(|route| (route.path, route.method.clone(), route.route));
    for (path, methods) in routes_by_path(table, |_| Failure::Method.into_response()) {
        router = router.route(path, methods.clone());
        let bare = path.trim_end_matches('/');
        if bare.starts_with(api::BASE) {
            // As every path below it.
            router = router.route(bare, methods);
        } else if !bare.is_empty() {
            router = router.route(bare, axum::routing::any(with_slash));
        }
    }
    router
}

async fn with_slash(uri: axum::http::Uri) -> axum::response::Redirect {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    axum::response::Redirect::permanent(&format!("{}/{query}", uri.path()))
}
