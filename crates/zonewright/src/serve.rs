//! `zonewright serve`: the store, the nameserver, the deployment and the API, wired together, started and stopped.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use deploy::{Deployment, Embedded, Nameserver};
use metrics_exporter_prometheus::PrometheusBuilder;
use nameserver::{Server, Zones};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, NameserverKind, Tls};
use crate::{Failure, chain, first_start, health, logging, open_store};

/// From SIGTERM to the end, at most: requests under way get most of it.
const STOP_WITHIN: Duration = Duration::from_secs(9);
/// How many zones get the operator's new nameservers in one transaction.
const ROLL_OUT_STEP: u32 = 200;
/// The pause between two of those transactions, which leaves the writer to the users.
const ROLL_OUT_PAUSE: Duration = Duration::from_millis(20);

/// Runs until SIGTERM or SIGINT.
pub(crate) async fn serve(config: Config) -> Result<ExitCode, Failure> {
    logging::start();
    let metrics = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| Failure::Other(format!("metrics could not start: {}", chain(&error))))?;
    let tls = config.tls.as_ref().map(tls_acceptor).transpose()?;
    let store = open_store(&config)?;
    let stop = CancellationToken::new();

    let listener = TcpListener::bind(config.http).await.map_err(|error| cannot_listen("http", config.http, &error))?;
    let http = listener.local_addr().unwrap_or(config.http);
    let zones = Zones::new();
    let mut nameservers: Vec<Arc<dyn Nameserver>> = Vec::new();
    let mut dns = None;
    let mut answering = tokio::spawn(std::future::ready(()));
    match config.nameserver {
        NameserverKind::Embedded => {
            let server =
                Server::bind(config.dns, zones.clone()).map_err(|error| cannot_listen("dns", config.dns, &error))?;
            dns = Some(server.local_addr());
            nameservers.push(Arc::new(Embedded::new(zones)));
            answering = tokio::spawn(server.run(stop.clone()));
        }
        NameserverKind::None => {}
    }
    let (deployment, deploying) =
        Deployment::start(store.clone(), nameservers, Vec::new(), deploy::Settings::default(), stop.clone());

    let app =
        api::Api::new(store.clone(), config.api.clone()).router().merge(health::router(deployment, metrics.clone()));
    let mut serving = tokio::spawn(api::serve(listener, tls.clone(), app, config.api.clone(), stop.clone()));
    let upkeep = tokio::spawn(upkeep(metrics, stop.clone()));
    let rolling = tokio::spawn(roll_out_apex(store.clone(), stop.clone()));

    tracing::info!(http.address = %http, dns.address = ?dns, data = %config.data.display(), version = env!("CARGO_PKG_VERSION"), "zonewright is running");
    if let Some(text) = first_start::welcome(&store, http, tls.is_some(), dns).await? {
        show(&text);
    }

    let failed = tokio::select! {
        () = asked_to_stop() => false,
        _ = &mut serving => true,
    };
    tracing::info!("stopping");
    stop.cancel();
    let ended = async {
        if !serving.is_finished() {
            let _ = serving.await;
        }
        let _ = tokio::join!(answering, deploying, upkeep, rolling);
        store.close().await;
    };
    if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
        tracing::warn!("some work did not end in time and was cut off; nothing acknowledged is lost");
    }
    if failed { Err(Failure::Other("the HTTP server ended by itself".to_owned())) } else { Ok(ExitCode::SUCCESS) }
}

fn cannot_listen(key: &str, address: std::net::SocketAddr, error: &std::io::Error) -> Failure {
    let hint = match error.kind() {
        std::io::ErrorKind::AddrInUse => "another program listens there; stop it or choose another port",
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need the capability CAP_NET_BIND_SERVICE",
        _ => "choose an address of this machine",
    };
    Failure::Other(format!("cannot listen on {address} (key {key}): {error}; {hint}"))
}

fn tls_acceptor(tls: &Tls) -> Result<TlsAcceptor, Failure> {
    let bad =
        |key: &str, path: &std::path::Path, why: String| Failure::Other(format!("{key} {}: {why}", path.display()));
    let certificates = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| bad("tls_cert", &tls.cert, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| bad("tls_key", &tls.key, error.to_string()))?;
    let mut server = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad("tls_cert", &tls.cert, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| bad("tls_cert", &tls.cert, error.to_string()))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

async fn asked_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received; only a kill ends this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Lets the metrics' histograms forget what is old.
async fn upkeep(metrics: metrics_exporter_prometheus::PrometheusHandle, stop: CancellationToken) {
    let mut every = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => metrics.run_upkeep(),
        }
    }
}

/// Gives every zone the operator's nameservers of today, each as a version of its own, a few zones at a time.
async fn roll_out_apex(store: store::Store, stop: CancellationToken) {
    let mut total = 0;
    while !stop.is_cancelled() {
        match store.roll_out_apex(ROLL_OUT_STEP).await {
            Ok(0) => break,
            Ok(zones) => total += zones,
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    "the nameservers of existing zones could not be brought up to date"
                );
                break;
            }
        }
        tokio::time::sleep(ROLL_OUT_PAUSE).await;
    }
    if total > 0 {
        tracing::info!(zones = total, "zones got the configured nameservers");
    }
}

/// Shows a text to whoever started the server; where nobody reads, that is no reason to stop.
fn show(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
