//! `/healthz`, `/readyz` and `/metrics`: for whoever watches the server.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use deploy::Deployment;
use metrics_exporter_prometheus::PrometheusHandle;

/// The routes. Alive is: it answers. Ready is: every nameserver was compared with the store and brought up to date once.
pub(crate) fn router(deployment: Deployment, metrics: PrometheusHandle) -> Router {
    let ready = move || {
        let settled = deployment.is_settled();
        async move {
            if settled { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "loading zones\n") }
        }
    };
    let render = move || {
        let text = metrics.render();
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response() }
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(render))
}
