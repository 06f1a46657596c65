//! The sockets: UDP and TCP on one address.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, UdpSocket};
use tokio_util::sync::CancellationToken;

use crate::Zones;

/// A nameserver that is bound to its address and not yet answering.
#[derive(Debug)]
pub struct Server {
    zones: Zones,
    address: SocketAddr,
    udp: Vec<UdpSocket>,
    tcp: TcpListener,
}

impl Server {
    /// Binds UDP and TCP on the same address; port 0 takes one that is free for both. Needs a Tokio runtime.
    ///
    /// # Errors
    ///
    /// What the operating system says: the address is in use, not this machine's, or a port that needs privileges.
    pub fn bind(addr: SocketAddr, zones: Zones) -> io::Result<Server> {
        let listener = std::net::TcpListener::bind(addr)?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let socket = std::net::UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(Server { zones, address, udp: vec![UdpSocket::from_std(socket)?], tcp: TcpListener::from_std(listener)? })
    }

    /// The address that clients ask, with the port that was chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let _serving = (&self.zones, &self.udp, &self.tcp);
        stop.cancelled().await;
    }
}
