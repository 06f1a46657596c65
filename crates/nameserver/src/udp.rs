//! Queries over UDP: receive, answer, send, one datagram after the other. What is for the door is answered beside that, a
//! bounded number of datagrams at a time: it may have to wait for the disk.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::answer::{Context, Incoming, Outcome, Scratch, Transport, respond};
use crate::door::{Client, Door};
use crate::metrics::Metrics;

/// Longer than any query that makes sense; what is cut off here is a format error.
const DATAGRAM: usize = 4096;
/// With a door, datagrams of any length are read: clients send updates of more than 10,000 octets over UDP.
const LONGEST_DATAGRAM: usize = 65_535;
/// How many datagrams the door answers at a time for one socket. Further ones are dropped; their clients send them again.
const AT_THE_DOOR: usize = 256;
/// After an error of the socket, so that one that stays does not take a whole core.
const PAUSE: Duration = Duration::from_millis(20);

/// Answers what comes to one socket, until it is dropped.
pub(crate) async fn serve(socket: &Arc<UdpSocket>, context: &Arc<Context>, metrics: &Metrics) {
    let mut packet = vec![0; if context.door.is_some() { LONGEST_DATAGRAM } else { DATAGRAM }];
    let mut at_the_door = JoinSet::new();
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
        if let Some(door) = context.door.as_ref().filter(|door| door.takes(query)) {
            while at_the_door.try_join_next().is_some() {}
            if at_the_door.len() < AT_THE_DOOR {
                let client = Client { address: peer, transport: Transport::Udp };
                at_the_door.spawn(answer(door.clone(), query.to_vec(), client, context.clone(), socket.clone()));
            }
            continue;
        }
        let incoming = Incoming { packet: query, transport: Transport::Udp, client: peer.ip(), reserved: 0 };
        let outcome = respond(context, &context.zones, incoming, &mut scratch, &mut response);
        metrics.count(Transport::Udp, &outcome);
        if let Outcome::Replied { .. } = outcome
            && let Err(error) = socket.send_to(&response, peer).await
        {
            // A client that cannot be reached is its own affair; it gives an error here at once, and the next may be fine.
            tracing::debug!(%error, %peer, "a response could not be sent");
        }
    }
}

/// Answers one datagram at the door.
async fn answer(door: Arc<dyn Door>, query: Vec<u8>, client: Client, context: Arc<Context>, socket: Arc<UdpSocket>) {
    let Some(reply) = door.answer(query, client).await else { return };
    let Some(message) = context.limit(reply, &client) else { return };
    if let Err(error) = socket.send_to(&message, client.address).await {
        tracing::debug!(%error, peer = %client.address, "a response could not be sent");
    }
}

async fn pause(what: &'static str, error: &io::Error) {
    tracing::warn!(%error, what, "the UDP socket failed");
    tokio::time::sleep(PAUSE).await;
}
