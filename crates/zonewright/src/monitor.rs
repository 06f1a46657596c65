//! What is measured, for Prometheus: the recorder, and what the names mean. No label names a zone, an account or a client.

use std::time::Duration;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::{Failure, chain};

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
    describe_counter!("zonewright_http_requests_total", "HTTP requests answered, by method, route and status");
    describe_histogram!("zonewright_http_request_duration_seconds", "From a request's head to its answer's");
    describe_gauge!("zonewright_http_connections", "HTTP connections open");
    describe_counter!("zonewright_http_connections_refused_total", "Connections refused: their network had its share");
    describe_histogram!("zonewright_deploy_seconds", "From a change seen to its zone being served, by nameserver");
    describe_counter!("zonewright_deploy_errors_total", "Deployments of a zone that failed and are tried again");
    describe_counter!("zonewright_ask_errors_total", "Nameservers that did not say what they serve, by nameserver");
    describe_gauge!("zonewright_deploy_waiting", "Zones that wait for deployment or are under way");
    describe_gauge!("zonewright_deploy_oldest_waiting_seconds", "For how long the oldest of them waits");
    describe_counter!("zonewright_notify_errors_total", "NOTIFYs that a secondary refused or did not answer");
    describe_counter!("zonewright_audited_zones_total", "Zones compared whole with what is served");
    describe_counter!("zonewright_audit_repairs_total", "Zones of those that were served otherwise than stored");
    describe_counter!("zonewright_named_restarts_total", "How often a named of ours ended and was started again");
    describe_counter!("zonewright_retention_removed_total", "What was forgotten because it was too old, by kind");
    describe_counter!("zonewright_retention_passes_total", "How often all zones were looked at for what is too old");
    describe_counter!("zonewright_mail_sent_total", "Letters that the mail server took");
    describe_counter!("zonewright_mail_failures_total", "Attempts to hand a letter over that failed");
    describe_gauge!("zonewright_mail_waiting", "Letters that wait to be sent");
    describe_counter!("zonewright_mail_lost_total", "Letters that were given up, by reason");
    describe_counter!("zonewright_passwords_refused_total", "Passwords not looked at because too many were waiting");
    describe_gauge!("zonewright_disk_free_bytes", "Room on the disk of the data directory");
    describe_gauge!("zonewright_disk_full", "1 while changes are refused because the disk is full");
    describe_gauge!("zonewright_database_damaged", "1 when the database file was found damaged");
    describe_gauge!("zonewright_info", "Always 1; the version is in the label");
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
