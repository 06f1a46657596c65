//! Queries over TCP: any number on one connection, answered in their order (RFC 7766).
//!
//! A connection is a task, never a thread, and has to earn its place: a message must be complete in time, what is sent must be
//! taken in time, and when places are running out, idle connections get little patience (RFC 7766, section 6.2.3).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Zones;
use crate::answer::{Outcome, Scratch, Transport, respond};
use crate::metrics::Metrics;
use crate::transfer::Transfer;

/// Connections at one time. What comes above is closed at once, so that its client can go elsewhere.
const MAX_CONNECTIONS: usize = 500;
/// How long a client may take until its next query is complete.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same, when fewer than a quarter of the places are free.
const LITTLE_PATIENCE: Duration = Duration::from_secs(1);
/// How long a client may take to accept [`FLUSH`] octets, or one message.
const SEND_PATIENCE: Duration = Duration::from_secs(10);
/// Responses to queries that came together are sent together, up to this many octets.
const FLUSH: usize = 16_384;
/// Room for the queries that come together.
const READ_BUFFER: usize = 2048;
/// After an error of the listener (no more file descriptors, say), so that one that stays does not take a whole core.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections and answers what comes on them, until it is dropped, which ends them all.
pub(crate) async fn serve(listener: &TcpListener, zones: &Zones, metrics: &Arc<Metrics>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let connection = Connection {
            transport: Transport::Tcp { loopback: is_loopback(peer) },
            zones: zones.clone(),
            metrics: metrics.clone(),
            places: places.clone(),
        };
        connections.spawn(async move {
            connection.metrics.connections.increment(1);
            if let Err(error) = connection.serve(stream).await {
                tracing::debug!(%error, %peer, "a connection ended early");
            }
            connection.metrics.connections.decrement(1);
            drop(place);
        });
    }
}

/// Whether a client is on this machine. An IPv6 socket shows IPv4 clients as mapped addresses.
fn is_loopback(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}

struct Connection {
    transport: Transport,
    zones: Zones,
    metrics: Arc<Metrics>,
    places: Arc<Semaphore>,
}

impl Connection {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (receiver, mut sender) = stream.split();
        let mut receiver = BufReader::with_capacity(READ_BUFFER, receiver);
        let mut query = Vec::new();
        let mut out = Vec::new();
        let mut scratch = Scratch::default();
        loop {
            let crowded = self.places.available_permits() < MAX_CONNECTIONS / 4;
            let patience = if crowded { LITTLE_PATIENCE } else { PATIENCE };
            // Silence is a client that has what it wanted, no error.
            match timeout(patience, read_message(&mut receiver, &mut query)).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) | Err(_) => return Ok(()),
                Ok(Err(error)) => return Err(error),
            }
            let start = begin_message(&mut out);
            let outcome = respond(&self.zones, &query, self.transport, &mut scratch, &mut out);
            self.metrics.count(self.transport, &outcome);
            match outcome {
                // RFC 7766, section 8: what is no query ends the connection.
                Outcome::Dropped => return Ok(()),
                Outcome::Replied { .. } => end_message(&mut out, start),
                Outcome::Transfer(transfer) => {
                    out.truncate(start);
                    flush(&mut sender, &mut out).await?;
                    send_zone(&mut sender, &mut out, &transfer).await?;
                }
            }
            if receiver.buffer().is_empty() || out.len() >= FLUSH {
                flush(&mut sender, &mut out).await?;
            }
        }
    }
}

/// Reads the next message; false at the end of the stream.
async fn read_message(from: &mut (impl AsyncReadExt + Unpin), message: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; 2];
    if from.read(&mut length[..1]).await? == 0 {
        return Ok(false);
    }
    from.read_exact(&mut length[1..]).await?;
    message.resize(u16::from_be_bytes(length).into(), 0);
    from.read_exact(message).await?;
    Ok(true)
}

async fn send_zone(to: &mut (impl AsyncWriteExt + Unpin), out: &mut Vec<u8>, transfer: &Transfer) -> io::Result<()> {
    let mut messages = transfer.messages();
    loop {
        let start = begin_message(out);
        if !messages.next(out) {
            out.truncate(start);
            return Ok(());
        }
        end_message(out, start);
        flush(to, out).await?;
    }
}

/// Leaves room for a message's length (RFC 1035, section 4.2.2), and says where.
fn begin_message(out: &mut Vec<u8>) -> usize {
    out.extend([0, 0]);
    out.len() - 2
}

fn end_message(out: &mut [u8], start: usize) {
    let length = (out.len() - start - 2) as u16;
    if let Some(place) = out.get_mut(start..start + 2) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

async fn flush(to: &mut (impl AsyncWriteExt + Unpin), out: &mut Vec<u8>) -> io::Result<()> {
    timeout(SEND_PATIENCE, to.write_all(out)).await??;
    out.clear();
    // A connection that once carried something large does not keep the memory.
    out.shrink_to(FLUSH);
    Ok(())
}
