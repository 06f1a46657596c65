//! `/healthz`, `/readyz` and `/metrics`: for whoever watches the server.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

/// The routes. Alive is: it answers. Ready is: every nameserver was compared with the store and brought up to date once.
pub(crate) fn router(is_ready: impl Fn() -> bool + Clone + Send + Sync + 'static, metrics: PrometheusHandle) -> Router {
    let ready = move || {
        let is_ready = is_ready();
        async move {
            if is_ready { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "loading zones\n") }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use metrics_exporter_prometheus::PrometheusBuilder;
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test]
    async fn it_is_alive_before_it_is_ready() {
        let loaded = Arc::new(AtomicBool::new(false));
        let is_loaded = Arc::clone(&loaded);
        let app = router(move || is_loaded.load(Ordering::Relaxed), PrometheusBuilder::new().build_recorder().handle());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let serving = tokio::spawn(api::serve(listener, None, app, api::Settings::default(), stop.clone()));
        let asked = tokio::task::spawn_blocking(move || {
            let config = ureq::Agent::config_builder().http_status_as_error(false);
            let agent: ureq::Agent = config.build().into();
            let status = |path: &str| agent.get(format!("{base}{path}")).call().unwrap().status().as_u16();
            let before = (status("/healthz"), status("/readyz"));
            loaded.store(true, Ordering::Relaxed);
            (before, (status("/healthz"), status("/readyz")))
        });
        assert_eq!(asked.await.unwrap(), ((200, 503), (200, 200)));
        stop.cancel();
        serving.await.unwrap();
    }
}
