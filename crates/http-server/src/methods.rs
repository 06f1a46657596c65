//! The routes of a table, by path and method.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};

/// Routes the methods of a filter to a handler.
pub type RouteFn<S> = fn(MethodFilter) -> MethodRouter<S>;

/// The paths of a table of routes, each with the router of its methods. A request with another method gets 405 with `Allow`, and
/// the rest of the response from `refuse`, which is given the allowed methods.
pub fn routes_by_path<S: Clone + Send + Sync + 'static>(
    table: impl IntoIterator<Item = (&'static str, Method, RouteFn<S>)>,
    refuse: fn(&str) -> Response,
) -> BTreeMap<&'static str, MethodRouter<S>> {
    let mut paths: BTreeMap<&str, (MethodRouter<S>, Vec<Method>)> = BTreeMap::new();
    for (path, method, route) in table {
        let (router, allowed) = paths.entry(path).or_default();
        // The filter knows every standard method, and the tables have no others.
        if let Ok(filter) = MethodFilter::try_from(method.clone()) {
            *router = std::mem::take(router).merge(route(filter));
            allowed.push(method);
        }
    }
    let with_refusal = |(path, (router, mut allowed)): (_, (MethodRouter<S>, Vec<Method>))| {
        if allowed.contains(&Method::GET) {
            allowed.push(Method::HEAD);
        }
        let allowed = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let refusal = async move || {
            let mut response = refuse(&allowed);
            let allow = HeaderValue::try_from(allowed).ok();
            response.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
            response
        };
        (path, router.fallback(refusal))
    };
    paths.into_iter().map(with_refusal).collect()
}
