//! Queries over TCP: any number on one connection, answered in their order (RFC 7766).
//!
//! A connection is a task, never a thread, and has time-outs: for a complete message, for reading the response, and, shorter when
//! places are running out, for being idle (RFC 7766, section 6.2.3).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;
use wire::frame;

use crate::answer::{Context, Incoming, Outcome, Scratch, Transport, respond};
use crate::door::Client;
use crate::metrics::Metrics;
use crate::seats::{Seats, Taken};
use crate::transfer::Transfer;

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
pub(crate) async fn serve(listener: &TcpListener, context: &Arc<Context>, seats: &Arc<Seats>, metrics: &Arc<Metrics>) {
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
        // Without a place it is closed at once, so that its client can go elsewhere.
        let Some(place) = seats.take(peer.ip()) else { continue };
        // Without it, answers are as right and a little later.
        let _ = stream.set_nodelay(true);
        let connection = Connection { client: peer, context: context.clone(), metrics: metrics.clone(), place };
        connections.spawn(async move {
            let (receiver, sender) = stream.into_split();
            connection.metrics.connections.increment(1);
            if let Err(error) = connection.serve(receiver, sender).await {
                tracing::debug!(%error, %peer, "a connection ended early");
            }
            connection.metrics.connections.decrement(1);
        });
    }
}

struct Connection {
    client: SocketAddr,
    context: Arc<Context>,
    metrics: Arc<Metrics>,
    place: Taken,
}

impl Connection {
    async fn serve(&self, receiver: impl AsyncRead + Unpin, mut sender: impl AsyncWrite + Unpin) -> io::Result<()> {
        let mut receiver = BufReader::with_capacity(READ_BUFFER, receiver);
        let mut query = Vec::new();
        let mut out = Vec::new();
        let mut scratch = Scratch::default();
        loop {
            self.place.wait();
            let received = tokio::select! {
                biased;
                received = timeout(self.patience(), frame::read(&mut receiver, &mut query)) => received,
                () = self.place.lost() => return Ok(()),
            };
            self.place.work();
            // Silence is a client that has what it wanted, no error.
            match received {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) | Err(_) => return Ok(()),
                Ok(Err(error)) => return Err(error),
            }
            if let Some(door) = self.context.door.as_ref().filter(|door| door.takes(&query)) {
                flush(&mut sender, &mut out).await?;
                let client = Client { address: self.client, transport: Transport::Tcp };
                let Some(reply) = door.answer(std::mem::take(&mut query), client).await else { return Ok(()) };
                for message in reply.messages {
                    let start = frame::begin(&mut out);
                    out.extend(message);
                    frame::end(&mut out, start);
                    flush(&mut sender, &mut out).await?;
                }
                continue;
            }
            let start = frame::begin(&mut out);
            let incoming =
                Incoming { packet: &query, transport: Transport::Tcp, client: self.client.ip(), reserved: 0 };
            let outcome = respond(&self.context, &self.context.zones, incoming, &mut scratch, &mut out);
            self.metrics.count(Transport::Tcp, &outcome);
            match outcome {
                // RFC 7766, section 8: what is no query ends the connection. Rate limiting is for UDP.
                Outcome::Dropped | Outcome::Limited => {
                    out.truncate(start);
                    return flush(&mut sender, &mut out).await;
                }
                Outcome::Replied { .. } => frame::end(&mut out, start),
                Outcome::Transfer(transfer) => {
                    out.truncate(start);
                    flush(&mut sender, &mut out).await?;
                    send_zone(&mut sender, &mut out, &transfer).await?;
                }
            }
            if !frame::is_whole(receiver.buffer()) || out.len() >= FLUSH {
                flush(&mut sender, &mut out).await?;
            }
        }
    }

    /// How long the client may take until its next query is complete.
    fn patience(&self) -> Duration {
        if self.place.seats().are_scarce() { LITTLE_PATIENCE } else { PATIENCE }
    }
}

async fn send_zone(to: &mut (impl AsyncWrite + Unpin), out: &mut Vec<u8>, transfer: &Transfer) -> io::Result<()> {
    let mut messages = transfer.messages();
    loop {
        let start = frame::begin(out);
        if !messages.next(out) {
            out.truncate(start);
            return Ok(());
        }
        frame::end(out, start);
        flush(to, out).await?;
    }
}

async fn flush(to: &mut (impl AsyncWrite + Unpin), out: &mut Vec<u8>) -> io::Result<()> {
    timeout(SEND_PATIENCE, to.write_all(out)).await??;
    out.clear();
    // A connection that once carried something large does not keep the memory.
    out.shrink_to(FLUSH);
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, DuplexStream, duplex, split};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    use super::*;
    use crate::{Settings, TcpLimits, Zones};

    const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 53);

    fn context() -> Arc<Context> {
        Arc::new(Context::new(Zones::new(), Settings::default(), None))
    }

    fn seats(connections: usize) -> Arc<Seats> {
        Arc::new(Seats::new(TcpLimits { connections, ..TcpLimits::default() }))
    }

    fn connection() -> Connection {
        let place = seats(8).take(CLIENT.ip()).unwrap();
        Connection { client: CLIENT, context: context(), metrics: Arc::new(Metrics::register()), place }
    }

    /// Serves one side of a pipe that holds `capacity` octets; gives the other, and what becomes of the serving.
    fn pipe(capacity: usize) -> (DuplexStream, tokio::task::JoinHandle<io::Result<()>>) {
        let (near, far) = duplex(capacity);
        let (receiver, sender) = split(far);
        (near, tokio::spawn(async move { connection().serve(receiver, sender).await }))
    }

    /// A query with its length before it; it is answered with REFUSED.
    fn query(id: u8) -> Vec<u8> {
        let message = [0, id, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1];
        [&[0, message.len() as u8], message.as_slice()].concat()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_connection() {
        let (mut client, serving) = pipe(1024);
        let start = Instant::now();
        assert!(serving.await.unwrap().is_ok());
        assert_eq!(start.elapsed().as_secs(), PATIENCE.as_secs());
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_query_that_comes_octet_by_octet_ends_a_connection() {
        let (mut client, serving) = pipe(1024);
        let start = Instant::now();
        for octet in query(1) {
            if client.write_all(&[octet]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        assert!(serving.await.unwrap().is_ok());
        assert!(start.elapsed() < PATIENCE * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_loses_its_connection() {
        let (mut client, serving) = pipe(64);
        let feeding = tokio::spawn(async move { while client.write_all(&query(1)).await.is_ok() {} });
        let error = serving.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        feeding.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn queries_that_come_together_are_answered_in_order_and_without_waiting_for_more() {
        let (mut client, _serving) = pipe(4096);
        let mut together: Vec<u8> = (0..50).flat_map(query).collect();
        // The start of another is no reason to wait.
        together.extend(&query(50)[..5]);
        client.write_all(&together).await.unwrap();
        let mut answers = vec![0; 50 * query(0).len()];
        let start = Instant::now();
        client.read_exact(&mut answers).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1));
        let ids: Vec<u8> = answers.chunks(query(0).len()).map(|answer| answer[3]).collect();
        assert_eq!(ids, (0..50).collect::<Vec<u8>>());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_query_ends_a_connection_after_the_answers_before_it() {
        let (mut client, serving) = pipe(1024);
        let mut response = query(2);
        response[4] = 0x80;
        client.write_all(&[query(1), response].concat()).await.unwrap();
        assert!(serving.await.unwrap().is_ok());
        let mut answers = Vec::new();
        client.read_to_end(&mut answers).await.unwrap();
        assert_eq!(answers.len(), query(1).len());
    }

    #[tokio::test]
    async fn a_new_connection_takes_the_place_of_the_longest_idle_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            serve(&listener, &context(), &seats(2), &Arc::new(Metrics::register())).await;
        });
        async fn ask(stream: &mut TcpStream) -> bool {
            let mut answer = vec![0; query(1).len()];
            stream.write_all(&query(1)).await.is_ok() && stream.read_exact(&mut answer).await.is_ok()
        }
        let mut first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut first).await && ask(&mut second).await);
        let mut third = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut third).await);
        assert!(!ask(&mut first).await);
        assert!(ask(&mut second).await && ask(&mut third).await);
        server.abort();
    }
}
