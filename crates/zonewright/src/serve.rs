//! `zonewright serve`: connects, starts and stops the store, the nameserver, the deployment, the API and the dashboard.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use dashboard::{Dashboard, Registration};
use deploy::{Deployment, Embedded, Nameserver};
use nameserver::{Server, Zones};
use nsupdate::{Takes, Updates};
use store::Backoff;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::bind9::Primary;
use crate::config::{Config, NameserverSetting, SetBy, UpdatesSetting};
use crate::database::open_store;
use crate::failure::{Failure, chain};
use crate::{
    bind9, cookie_secret, disk, first_start, health, logging, mailing, monitor, security_txt, tls, update_keys,
};

/// The maximum time from SIGTERM to the end; requests in progress get most of it.
const STOP_WITHIN: Duration = Duration::from_secs(9);
/// How many zones get the operator's new nameservers in one transaction.
const ROLL_OUT_STEP: u32 = 200;
/// The pause between two of those transactions, which leaves the writer to the users.
const ROLL_OUT_PAUSE: Duration = Duration::from_millis(20);
/// The pause after one that failed, and after many that failed in a row.
const ROLL_OUT_RETRY: Duration = Duration::from_secs(5);
const ROLL_OUT_RETRY_AT_MOST: Duration = Duration::from_secs(300);

/// Runs until SIGTERM or SIGINT.
///
/// The addresses are taken before the database is opened: a second server that is started by mistake touches nothing.
pub(crate) async fn serve(config: Config) -> Result<ExitCode, Failure> {
    let tls = tls::acceptor(&config)?;
    let user_of_named = bind9::user_of_named(&config)?;
    let stop = CancellationToken::new();
    let post = mailing::post(&config)?;
    logging::start();
    let mut signals = Signals::new()?;
    let metrics = monitor::start()?;
    let listener =
        TcpListener::bind(config.http).await.map_err(|error| cannot_listen(&config, "http", config.http, &error))?;
    let http = listener.local_addr().unwrap_or(config.http);
    let for_metrics = listen_for_metrics(&config).await?;
    let for_dyndns = match config.dyndns {
        Some(address) => {
            let listener = TcpListener::bind(address).await;
            Some(listener.map_err(|error| cannot_listen(&config, "dyndns", address, &error))?)
        }
        None => None,
    };
    let zones = Zones::new();
    let server = match config.nameserver {
        NameserverSetting::Embedded => {
            let server = Server::bind(config.dns, zones.clone(), config.embedded());
            Some(server.map_err(|error| cannot_listen(&config, "dns", config.dns, &error))?)
        }
        NameserverSetting::Bind9 | NameserverSetting::Bind9Managed | NameserverSetting::None => None,
    };
    let for_updates = match config.updates {
        UpdatesSetting::At(address) => {
            let bound = Server::bind(address, Zones::new(), config.embedded());
            Some(bound.map_err(|error| cannot_listen(&config, "updates", address, &error))?)
        }
        UpdatesSetting::Shared | UpdatesSetting::Nowhere => None,
    };
    let store = open_store(&config)?;
    // Only here: a command that is run with another configuration must not forget what this one promises.
    store.command_line().retain(config.retention);
    if config.dashboard.registration == Registration::Closed {
        let ended = store.command_line().end_invitations().await?;
        if ended > 0 {
            tracing::info!(invitations = ended, "registration is closed: unused invitations have expired");
        }
    }

    let server = match server {
        Some(server) => {
            let secrets = cookie_secret::secrets(&config);
            let unusable = |error| Failure::Other(format!("the DNS cookie secret cannot be used: {}", chain(&error)));
            Some(server.with_cookie_secrets(secrets.map_err(unusable)?))
        }
        None => None,
    };
    let updates = |takes| Arc::new(Updates::new(store.doors(), store.journal(), takes));
    let server = match config.updates {
        UpdatesSetting::Shared => {
            server.map(|server| server.with_door(updates(Takes::UpdatesAndSigned(zones.clone()))))
        }
        UpdatesSetting::At(_) | UpdatesSetting::Nowhere => server,
    };
    let for_updates = for_updates.map(|server| server.with_door(updates(Takes::Everything)));

    let stop_http = CancellationToken::new();
    // Only what keeps a nameserver from ever working ends this. How long it takes to work, nothing here waits for: the API and
    // the pages answer whatever it does.
    let mut bind9 = match config.nameserver {
        NameserverSetting::Bind9 => Some(Primary::external(&config, &store.journal(), &stop).await?),
        NameserverSetting::Bind9Managed => {
            Some(Primary::managed(&config, user_of_named, &store.journal(), &stop).await?)
        }
        NameserverSetting::Embedded | NameserverSetting::None => None,
    };
    let updates_address = for_updates.as_ref().or(server.as_ref().filter(|_| config.updates == UpdatesSetting::Shared));
    let updates_address = updates_address.map(Server::local_addr);
    let dns = server.as_ref().map(Server::local_addr).or(bind9.as_ref().map(|primary| primary.dns));
    let (nameservers, secondaries): (Vec<Arc<dyn Nameserver>>, _) = match &bind9 {
        Some(primary) => (vec![Arc::clone(&primary.nameserver)], primary.secondaries.clone()),
        None if server.is_some() => (vec![Arc::new(Embedded::new(zones))], Vec::new()),
        None => (Vec::new(), Vec::new()),
    };
    let (deployment, deploying) =
        Deployment::start(store.journal(), nameservers, secondaries, deploy::Settings::default(), stop.clone());
    if let Some(primary) = &mut bind9 {
        primary.publish(deployment.clone(), store.journal(), &stop);
    }
    let mut answering = match server {
        Some(server) => tokio::spawn(server.run(stop.clone())),
        None => tokio::spawn(stop.clone().cancelled_owned()),
    };
    let mut updating = match for_updates {
        Some(server) => tokio::spawn(server.run(stop.clone())),
        None => tokio::spawn(stop.clone().cancelled_owned()),
    };
    let claims = Arc::new(claims::Claims::new(config.resolver()));
    let telling = tokio::spawn(mailing::tell_displaced(store.outbox(), post.clone(), stop.clone()));
    let sending = match post.clone() {
        Some(post) => tokio::spawn({
            let (outbox, stop) = (store.outbox(), stop.clone());
            async move { post.deliver(outbox, stop).await }
        }),
        None => tokio::spawn(async {}),
    };
    let updates = updates_address.map(|listening| update_keys::reached_at(&config, listening));
    let of_pages = dashboard::Settings { dns, updates, ..config.dashboard.clone() };
    let pages = Dashboard::new(store.clone(), deployment.clone(), Arc::clone(&claims), of_pages, post);
    let waits_for = {
        let (store, deployment) = (store.clone(), deployment.clone());
        move || health::of_database(store.health()).into_iter().chain(deployment.waits_for()).collect()
    };
    let contact = security_txt::router(config.security_contact.clone(), config.dashboard.url.clone(), store.clock());
    let api = api::Api::new(store.clone(), deployment, claims, config.api.clone());
    let doors = doors::Doors::new(store.clone(), api.limits(), config.doors());
    let app = api.router().merge(doors.router()).merge(health::router(waits_for)).merge(contact);
    let app = pages.over(app);
    let mut serving = tokio::spawn(http_server::serve(
        listener,
        tls.clone(),
        app,
        api::error_body,
        config.http_server.clone(),
        stop_http.clone(),
    ));
    let dyndns_address = for_dyndns.as_ref().and_then(|listener| listener.local_addr().ok());
    let moving = for_dyndns.map(|listener| {
        let (app, settings) = (doors.plain_dyndns(), config.http_server.clone());
        tokio::spawn(http_server::serve(listener, None, app, api::error_body, settings, stop_http.clone()))
    });
    let metrics_address = for_metrics.as_ref().and_then(|listener| listener.local_addr().ok());
    let scraping = for_metrics.map(|listener| {
        let app = health::metrics(metrics.clone());
        tokio::spawn(http_server::serve(
            listener,
            None,
            app,
            api::error_body,
            http_server::Settings::default(),
            stop_http.clone(),
        ))
    });
    let upkeep = tokio::spawn(monitor::upkeep(metrics, stop.clone()));
    let watching = tokio::spawn(disk::watch(config.data.clone(), config.disk, store.clone(), stop.clone()));
    let rolling = tokio::spawn(roll_out_apex(store.clone(), stop.clone()));
    let writing = tokio::spawn({
        let (pages, stop) = (pages.clone(), stop.clone());
        async move { stop.run_until_cancelled(pages.write_to_owners()).await }
    });

    // Held until the end: the file says what a live process has.
    let announced = config.announce(http, dns);
    if let Err(error) = &announced {
        let error = error as &dyn std::error::Error;
        tracing::warn!(error, "cannot write the settings of this server for commands; pass its flags to commands");
    }
    tracing::info!(
        http.address = %http, dns.address = dns.map(tracing::field::display),
        updates.address = updates_address.map(tracing::field::display),
        metrics.address = metrics_address.map(tracing::field::display),
        dyndns.address = dyndns_address.map(tracing::field::display), data = %config.data.display(),
        version = env!("CARGO_PKG_VERSION"), "zonewright is running"
    );
    if let Some(text) = first_start::welcome(&store, &config, http, dns).await? {
        show(&text);
    }

    let failed = tokio::select! {
        () = signals.next() => None,
        _ = &mut serving => Some("the HTTP server stopped unexpectedly".to_owned()),
        _ = &mut answering => Some("the nameserver stopped unexpectedly".to_owned()),
        _ = &mut updating => Some("the server for dynamic updates stopped unexpectedly".to_owned()),
        error = bind9::given_up(&mut bind9) => Some(chain(&error)),
    };
    tracing::info!("stopping");
    // Requests first: until the last is answered, what they change is deployed, and DNS answers.
    stop_http.cancel();
    let ended = async {
        end_of(serving).await;
        for beside in [scraping, moving].into_iter().flatten() {
            end_of(beside).await;
        }
        stop.cancel();
        end_of(answering).await;
        end_of(updating).await;
        let _ = tokio::join!(deploying, upkeep, watching, rolling, writing, telling, sending);
        if let Some(primary) = bind9 {
            primary.ended().await;
        }
        store.close().await;
    };
    tokio::select! {
        () = ended => tracing::info!("stopped"),
        () = tokio::time::sleep(STOP_WITHIN) => {
            tracing::warn!("some background tasks did not stop in time and were aborted; no acknowledged change is lost");
        }
        () = signals.next() => tracing::warn!("second stop signal: requests in progress are aborted"),
    }
    match failed {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => Err(Failure::Other(why)),
    }
}

/// Waits for a task that may have been waited for already.
async fn end_of(task: JoinHandle<()>) {
    if !task.is_finished() {
        // A task that panicked has ended, which is what is wanted here.
        let _ = task.await;
    }
}

/// Where metrics are served. Nothing needs them to start: where the default address is taken, the server runs without.
async fn listen_for_metrics(config: &Config) -> Result<Option<TcpListener>, Failure> {
    let Some(address) = config.metrics else { return Ok(None) };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if config.set_by("metrics") == SetBy::Default => {
            tracing::warn!(metrics.address = %address, %error, "metrics are not served; set another address with --metrics");
            Ok(None)
        }
        Err(error) => Err(cannot_listen(config, "metrics", address, &error)),
    }
}

fn cannot_listen(config: &Config, key: &str, address: SocketAddr, error: &std::io::Error) -> Failure {
    let place = config.set_by(key);
    let hint = match error.kind() {
        std::io::ErrorKind::AddrInUse => "another program uses the port; stop it or choose another port",
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need the capability CAP_NET_BIND_SERVICE",
        _ => "choose an address of this machine",
    };
    Failure::Other(format!("{place}: {key}: cannot listen on {address}: {error} ({hint})"))
}

/// SIGTERM and SIGINT, from the start on.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Signals, Failure> {
        let receive = |kind| signal(kind).map_err(|error| Failure::Other(format!("cannot receive signals: {error}")));
        Ok(Signals { terminate: receive(SignalKind::terminate())?, interrupt: receive(SignalKind::interrupt())? })
    }

    /// Resolves with the next of either.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Gives every zone the operator's nameservers of today, each as a version of its own, a few zones at a time.
async fn roll_out_apex(store: store::Store, stop: CancellationToken) {
    let mut total = 0;
    let mut backoff = Backoff::new(ROLL_OUT_RETRY, ROLL_OUT_RETRY_AT_MOST);
    loop {
        let pause = match store.command_line().roll_out_apex(ROLL_OUT_STEP).await {
            Ok(0) => break,
            Ok(zones) => {
                backoff.worked();
                total += zones;
                ROLL_OUT_PAUSE
            }
            Err(error) => {
                let (error, pause) = (chain(&error), backoff.failed());
                tracing::error!(error, again_in = ?pause, "the configured nameservers could not be set on existing zones; retrying");
                pause
            }
        };
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            break;
        }
    }
    if total > 0 {
        tracing::info!(zones = total, "existing zones now have the configured nameservers");
    }
}

/// Prints a text at the start; failing to print it does not stop the server.
fn show(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
