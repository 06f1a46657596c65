//! Metrics for Prometheus: the recorder, and the descriptions of the names. No label contains a zone, an account or a client.

use std::time::Duration;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, chain};

/// Upper bounds in seconds: from an answer out of memory to one that waited for a slow disk or nameserver.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
/// How often the recorder tidies up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Installs the recorder. Before anything that counts is made.
pub(crate) fn start() -> Result<PrometheusHandle, Failure> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::Other(format!("metrics could not start: {}", chain(&error))))?;
    describe_counter!("zonewright_http_requests_total", "HTTP requests by method, route and status");
    describe_histogram!(
        "zonewright_http_request_duration_seconds",
        "Time from the head of a request to the head of its response"
    );
    describe_gauge!("zonewright_http_connections", "Open HTTP connections");
    describe_counter!(
        "zonewright_http_connections_refused_total",
        "HTTP connections refused because the client's network had too many"
    );
    describe_histogram!("zonewright_deploy_seconds", "Time until a changed zone is deployed, by nameserver");
    describe_counter!("zonewright_deploy_errors_total", "Failed deployments of a zone; they are retried");
    describe_counter!(
        "zonewright_ask_errors_total",
        "Failed polls of a nameserver for the version it serves, by nameserver"
    );
    describe_gauge!("zonewright_deploy_waiting", "Zones waiting for deployment or being deployed");
    describe_gauge!(
        "zonewright_deploy_oldest_waiting_seconds",
        "How long the oldest zone has been waiting for deployment"
    );
    describe_counter!("zonewright_notify_errors_total", "NOTIFY messages that a secondary refused or did not answer");
    describe_counter!("zonewright_audited_zones_total", "Zones whose served content was compared with the store");
    describe_counter!("zonewright_audit_repairs_total", "Compared zones whose served content differed from the store");
    describe_counter!("zonewright_named_restarts_total", "Restarts of a managed named");
    describe_counter!("zonewright_retention_removed_total", "Items deleted by retention, by kind");
    describe_counter!("zonewright_retention_passes_total", "Completed retention passes over all zones");
    describe_counter!("zonewright_mail_sent_total", "E-mails accepted by the mail server");
    describe_counter!("zonewright_mail_failures_total", "Failed attempts to send an e-mail");
    describe_gauge!("zonewright_mail_waiting", "E-mails waiting to be sent");
    describe_counter!("zonewright_mail_lost_total", "E-mails that were dropped, by reason");
    describe_counter!("zonewright_passwords_refused_total", "Password checks refused because too many were waiting");
    describe_gauge!("zonewright_disk_free_bytes", "Free space on the disk of the data directory");
    describe_gauge!("zonewright_disk_full", "1 while changes are refused because the disk is full");
    describe_gauge!("zonewright_database_damaged", "1 if the database file is damaged");
    describe_gauge!("zonewright_database_unreachable", "1 while no database server can be reached");
    describe_gauge!("zonewright_info", "Always 1; the label has the version");
    metrics::gauge!("zonewright_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

/// Lets the recorder tidy up now and then, until `stop`.
pub(crate) async fn upkeep(metrics: PrometheusHandle, stop: CancellationToken) {
    let mut every = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => metrics.run_upkeep(),
        }
    }
}
