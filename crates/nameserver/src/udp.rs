//! Queries over UDP: receive, answer, send, one datagram after the other.

use std::io;
use std::time::Duration;

use tokio::net::UdpSocket;

use crate::answer::{Context, Outcome, Scratch, Transport, respond};
use crate::metrics::Metrics;

/// Longer than any query that makes sense; what is cut off here is a format error.
const DATAGRAM: usize = 4096;
/// After an error of the socket, so that one that stays does not take a whole core.
const PAUSE: Duration = Duration::from_millis(20);

/// Answers what comes to one socket, until it is dropped.
pub(crate) async fn serve(socket: &UdpSocket, context: &Context, metrics: &Metrics) {
    let mut packet = vec![0; DATAGRAM];
    let mut response = Vec::with_capacity(DATAGRAM);
    let mut scratch = Scratch::default();
    loop {
        let (length, peer) = match socket.recv_from(&mut packet).await {
            Ok(received) => received,
            Err(error) => {
                pause("receiving", &error).await;
                continue;
            }
        };
        response.clear();
        let query = packet.get(..length).unwrap_or_default();
        let outcome = respond(context, query, Transport::Udp, peer.ip(), &mut scratch, &mut response);
        metrics.count(Transport::Udp, &outcome);
        if let Outcome::Replied { .. } = outcome
            && let Err(error) = socket.send_to(&response, peer).await
        {
            // A client that cannot be reached is its own affair; it gives an error here at once, and the next may be fine.
            tracing::debug!(%error, %peer, "a response could not be sent");
        }
    }
}

async fn pause(what: &'static str, error: &io::Error) {
    tracing::warn!(%error, what, "the UDP socket failed");
    tokio::time::sleep(PAUSE).await;
}
