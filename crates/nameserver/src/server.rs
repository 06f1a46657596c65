//! The sockets: UDP and TCP on one address.
//!
//! UDP has one socket for each core, all on the same port (`SO_REUSEPORT`): the kernel distributes the clients among them, and
//! each is a task that answers one datagram after the other.
//!
//! Decided against: several tasks on one socket. They wake each other without need, and share the socket's lock.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::answer::Context;
use crate::door::Door;
use crate::metrics::Metrics;
use crate::seats::Seats;
use crate::settings::Settings;
use crate::{Zones, tcp, udp};

/// Bursts wait here while a core is busy; the kernel may give less.
const UDP_BUFFER: usize = 1 << 20;
/// How often another port is tried where the one that is free for TCP is taken for UDP.
const PORT_ATTEMPTS: usize = 16;
const TCP_BACKLOG: i32 = 256;

/// A nameserver that is bound to its address and not yet answering.
pub struct Server {
    zones: Zones,
    settings: Settings,
    door: Option<Arc<dyn Door>>,
    address: SocketAddr,
    udp: Vec<Arc<UdpSocket>>,
    tcp: Arc<TcpListener>,
    metrics: Arc<Metrics>,
}

impl Server {
    /// Binds UDP and TCP on the same address; port 0 takes one that is free for both. Needs a Tokio runtime, and counts with
    /// the metrics recorder that is installed at this moment.
    ///
    /// On a machine with several addresses bind to each of them: from the unspecified address, the kernel chooses where a UDP
    /// response comes from.
    ///
    /// # Errors
    ///
    /// What the operating system says: the address is in use, not this machine's, or a port that needs privileges.
    pub fn bind(addr: SocketAddr, zones: Zones, settings: Settings) -> io::Result<Server> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match bind_both(addr) {
                Ok((address, udp, tcp)) => {
                    let metrics = Arc::new(Metrics::register());
                    return Ok(Server { zones, settings, door: None, address, udp, tcp, metrics });
                }
                Err(error) => {
                    let again = addr.port() == 0 && error.kind() == io::ErrorKind::AddrInUse;
                    if !again || attempt == PORT_ATTEMPTS {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// The address that clients ask, with the port that was chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// With other secrets of server cookies: for a server that takes its address before it reads any file.
    #[must_use]
    pub fn with_cookie_secrets(mut self, secrets: Vec<[u8; 16]>) -> Server {
        self.settings.cookie_secrets = secrets;
        self
    }

    /// With a door on its sockets.
    #[must_use]
    pub fn with_door(mut self, door: Arc<dyn Door>) -> Server {
        self.door = Some(door);
        self
    }

    /// Answers until `stop` is cancelled. Connections that are open then are closed.
    pub async fn run(self, stop: CancellationToken) {
        let Server { zones, settings, door, udp, tcp, metrics, .. } = self;
        let seats = Arc::new(Seats::new(settings.tcp.clone()));
        let context = Arc::new(Context::new(zones, settings, door));
        let mut tasks = JoinSet::new();
        for socket in udp {
            let (context, metrics) = (context.clone(), metrics.clone());
            tasks.spawn(async move {
                // A fault of ours in one answer costs that answer. Zones are never left half changed: they are immutable.
                while AssertUnwindSafe(udp::serve(&socket, &context, &metrics)).catch_unwind().await.is_err() {
                    tracing::error!("answering a query over UDP panicked");
                }
            });
        }
        tasks.spawn(async move { tcp::serve(&tcp, &context, &seats, &metrics).await });
        stop.cancelled().await;
        tasks.shutdown().await;
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

type Sockets = (SocketAddr, Vec<Arc<UdpSocket>>, Arc<TcpListener>);

/// TCP comes first: it is bound exclusively, so another server on this address is an error and not a second reader of our
/// datagrams.
fn bind_both(addr: SocketAddr) -> io::Result<Sockets> {
    let listener = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier run may still be in TIME-WAIT.
    listener.set_reuse_address(true)?;
    listener.bind(&addr.into())?;
    listener.listen(TCP_BACKLOG)?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener.into())?;
    let address = listener.local_addr()?;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let sockets = (0..cores).map(|_| bind_udp(address).map(Arc::new)).collect::<io::Result<_>>()?;
    Ok((address, sockets, Arc::new(listener)))
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    socket.set_recv_buffer_size(UDP_BUFFER)?;
    socket.set_send_buffer_size(UDP_BUFFER)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}
