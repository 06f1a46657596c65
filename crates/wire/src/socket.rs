//! UDP sockets for one nameserver each.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::SockRef;
use tokio::net::UdpSocket;

/// The receive buffer asked of the kernel, in octets: answers come in bursts.
const RECEIVE_BUFFER: usize = 1 << 20;

/// A socket that only hears from `server`.
pub(crate) async fn open(server: SocketAddr) -> io::Result<UdpSocket> {
    let local: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(local).await?;
    // With a smaller buffer, some responses are lost and their queries are sent again.
    let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER);
    socket.connect(server).await?;
    Ok(socket)
}
