//! The accept loop: limits of a connection, and how the server stops.
//!
//! Every way in which a slow client can hold a connection has a time-out:
//!
//! | the client | ended by |
//! |---|---|
//! | does not finish the TLS handshake | `handshake_timeout` |
//! | sends nothing, or half a request's head | `header_timeout` |
//! | sends a body slowly | `body_timeout` (when the body is read) |
//! | is idle | `header_timeout` (HTTP/1), `idle_timeout` (HTTP/2), pings |
//! | does not read the response | `write_timeout` |

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::client::Client;
use crate::connections::{ConnectionSlot, Connections};
use crate::envelope::envelope;
use crate::error::ErrorBody;
use crate::host::check_host;
use crate::lingering::Lingering;
use crate::refusal::Refusals;
use crate::settings::Settings;
use crate::watch::{Expired, Watched};

/// Serves `app` until `stop` is cancelled, then lets the requests in progress finish, for at most `settings.shutdown_timeout`.
///
/// Every response gets its request id here, and each error without a body gets the one that `error_body` writes, so `app` may be
/// merged from any routers. Requests have their [`Client`] and [`Stopping`] as extensions.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: Router,
    error_body: ErrorBody,
    settings: Settings,
    stop: CancellationToken,
) {
    let server = Arc::new(Server {
        app: app.layer(from_fn_with_state(error_body, check_host)).layer(from_fn_with_state(error_body, envelope)),
        error_body,
        tls,
        stop,
        builder: builder(&settings),
        settings,
    });
    let open = Connections::new(&server.settings);
    let mut connections = JoinSet::new();
    while let Some((stream, peer, slot)) = server.next(&listener, &open).await {
        while connections.try_join_next().is_some() {}
        let server = Arc::clone(&server);
        connections.spawn(async move {
            let gauge = metrics::gauge!("zonewright_http_connections");
            gauge.increment(1.0);
            server.connection(stream, peer, &slot).await;
            gauge.decrement(1.0);
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(server.settings.shutdown_timeout, all).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections did not end in time and are closed");
        connections.shutdown().await;
    }
}

/// Cancelled when the server is to stop: an extension of each request, for handlers that wait for something.
#[derive(Debug, Clone)]
pub struct Stopping(pub CancellationToken);

/// How long to wait before accepting again when the operating system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long an idle connection may take to end when another client needs its slot.
const EVICTED_WITHIN: Duration = Duration::from_millis(10);
/// The maximum number of concurrent requests on one HTTP/2 connection.
const MAX_STREAMS: u32 = 64;
/// The head of a request, in octets.
const MAX_HEAD: usize = 32 * 1024;
/// The interval of HTTP/2 pings, and the time-out of the response.
const PING_EVERY: Duration = Duration::from_secs(20);

fn builder(settings: &Settings) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(settings.header_timeout).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32);
    builder
}

struct Server {
    app: Router,
    error_body: ErrorBody,
    tls: Option<TlsAcceptor>,
    builder: Builder<TokioExecutor>,
    settings: Settings,
    stop: CancellationToken,
}

impl Server {
    /// The next connection, once there is a place for it; `None` when the server is to stop.
    async fn next(
        &self,
        listener: &TcpListener,
        open: &Connections,
    ) -> Option<(TcpStream, SocketAddr, ConnectionSlot)> {
        let accepting = async {
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => match open.admit(peer.ip(), &self.settings).await {
                        Some(slot) => return Some((stream, peer, slot)),
                        None => {
                            metrics::counter!("zonewright_http_connections_refused_total").increment(1);
                            tracing::debug!(client.address = %peer, "a client has reached its limit of connections");
                        }
                    },
                    Err(error) if is_the_peers(&error) => {}
                    Err(error) => {
                        tracing::error!(%error, "no connection can be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            accepted = accepting => accepted,
        }
    }

    async fn connection(&self, stream: TcpStream, peer: SocketAddr, slot: &ConnectionSlot) {
        // Answers are written whole; waiting for more to send would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.settings.write_timeout));
        let stream = Box::pin(stream);
        let Some(tls) = &self.tls else { return self.http(stream, peer, slot).await };
        let handshake = tokio::select! {
            () = self.stop.cancelled() => return,
            () = slot.evicted.cancelled() => return,
            handshake = timeout(self.settings.handshake_timeout, tls.accept(stream)) => handshake,
        };
        match handshake {
            Ok(Ok(stream)) => self.http(stream, peer, slot).await,
            Ok(Err(error)) => tracing::debug!(client.address = %peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(client.address = %peer, "a TLS handshake took too long"),
        }
    }

    /// Serves HTTP until the client ends it, a deadline passes or the server stops.
    async fn http(
        &self,
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        peer: SocketAddr,
        slot: &ConnectionSlot,
    ) {
        let watch = &slot.watch;
        let service = service_fn(|request: Request<Incoming>| {
            let under_way = watch.request();
            let (app, stopping) = (self.app.clone(), Stopping(self.stop.clone()));
            let client = Client::new(peer, self.tls.is_some(), request.headers(), &self.settings.proxies);
            async move {
                let (parts, body) = request.into_parts();
                let body = Body::new(Lingering::new(body, &parts.headers));
                let mut request = Request::from_parts(parts, body);
                request.extensions_mut().insert(client);
                request.extensions_mut().insert(stopping);
                let response = app.oneshot(request).await?;
                Ok::<_, Infallible>(response.map(|body| Watched::new(body, under_way)))
            }
        });
        let mut connection =
            pin!(self.builder.serve_connection(TokioIo::new(Refusals::new(io, self.error_body)), service));
        let mut ending = pin!(async {
            tokio::select! {
                () = self.stop.cancelled() => None,
                () = slot.evicted.cancelled() => Some(Expired::Evicted),
                expired = watch.expired(&self.settings) => Some(expired),
            }
        });
        let reason = tokio::select! {
            ended = connection.as_mut() => return log_end(peer, ended),
            reason = ending.as_mut() => reason,
        };
        match reason {
            Some(Expired::Stalled) => tracing::debug!(client.address = %peer, "a client did not read its response"),
            Some(expired @ (Expired::Idle | Expired::Evicted)) => {
                connection.as_mut().graceful_shutdown();
                let within = if expired == Expired::Idle { self.settings.write_timeout } else { EVICTED_WITHIN };
                if let Ok(ended) = timeout(within, connection).await {
                    log_end(peer, ended);
                }
            }
            None => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => log_end(peer, ended),
                    expired = watch.expired(&self.settings) => {
                        tracing::debug!(client.address = %peer, ?expired, "a connection is closed because the server stops");
                    }
                }
            }
        }
    }
}

/// An error that concerns only the connection that was about to be accepted.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Clients may end connections in any way; it is logged at the debug level only.
fn log_end(peer: SocketAddr, ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(client.address = %peer, %error, "a connection ended early");
    }
}
