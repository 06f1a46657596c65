//! `/healthz` and `/readyz` on the API's address, and `/metrics` on a separate address, because it shows the load of every part
//! of the server and needs no token.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use store::Health;

/// The routes. Alive is: it answers. Ready is: there is nothing that it waits for, which `waits_for` says in words for everybody.
pub(crate) fn router(waits_for: impl Fn() -> Vec<String> + Clone + Send + Sync + 'static) -> Router {
    let ready = move || {
        let waits_for = waits_for();
        async move {
            if waits_for.is_empty() {
                return (StatusCode::OK, "ready\n".to_owned());
            }
            let lines: String = waits_for.iter().map(|line| format!("not ready: {line}\n")).collect();
            (StatusCode::SERVICE_UNAVAILABLE, lines)
        }
    };
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready))
}

/// What keeps the database from taking changes.
pub(crate) fn of_database(health: Health) -> Option<String> {
    match health {
        Health::Good => None,
        Health::DiskFull => Some("the disk is full: changes are refused until there is free space".to_owned()),
        Health::Unreachable => Some("the database cannot be reached".to_owned()),
        Health::Damaged => Some("the database file is damaged: stop the server and restore a backup".to_owned()),
    }
}

/// The route for Prometheus.
pub(crate) fn metrics(metrics: PrometheusHandle) -> Router {
    let render = move || {
        let text = metrics.render();
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response() }
    };
    Router::new().route("/metrics", get(render))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test]
    async fn it_is_alive_before_it_is_ready() {
        let loaded = Arc::new(AtomicBool::new(false));
        let is_loaded = Arc::clone(&loaded);
        let waits_for = move || {
            let is_loaded = is_loaded.load(Ordering::Relaxed);
            if is_loaded { Vec::new() } else { vec!["primary: named is starting".to_owned()] }
        };
        let app = router(waits_for);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let serving = tokio::spawn(http_server::serve(
            listener,
            None,
            app,
            api::error_body,
            http_server::Settings::default(),
            stop.clone(),
        ));
        let asked = tokio::task::spawn_blocking(move || {
            let config = ureq::Agent::config_builder().http_status_as_error(false);
            let agent: ureq::Agent = config.build().into();
            let status = |path: &str| agent.get(format!("{base}{path}")).call().unwrap().status().as_u16();
            let before = (status("/healthz"), status("/readyz"));
            let text = agent.get(format!("{base}/readyz")).call().unwrap().body_mut().read_to_string().unwrap();
            assert_eq!(text, "not ready: primary: named is starting\n");
            loaded.store(true, Ordering::Relaxed);
            (before, (status("/healthz"), status("/readyz")))
        });
        assert_eq!(asked.await.unwrap(), ((200, 503), (200, 200)));
        stop.cancel();
        serving.await.unwrap();
    }
}
