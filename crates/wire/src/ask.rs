//! Queries a nameserver for the serials of zones: SOA queries, thousands at a time.
//!
//! [`Asker`] keeps a few UDP sockets and many queries in flight on each; a query without a response is sent once more. So the
//! serials of 100,000 zones are read in seconds, and the proof of deployment costs one packet each way.
//!
//! A response is accepted if it comes from the queried nameserver (the sockets are connected), to the port of the query, with its
//! random id and its question, and is authoritative.
//!
//! Decided against: TCP, which costs BIND more for each response; a socket for each query, which costs more than the query.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dns::{Serial, ZoneName};
use domain::base::iana::{Class, Rcode};
use domain::base::{Message, MessageBuilder, Name, Rtype};
use domain::rdata::Soa;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::socket::open;

/// The largest answer asked for (EDNS, RFC 6891): an SOA with the longest names does not fit the 512 octets of old.
const MAX_ANSWER: u16 = 1232;

/// The settings of queries to a nameserver.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The number of sockets.
    pub sockets: usize,
    /// How many questions may be in flight on each; others wait.
    pub in_flight: usize,
    /// How often a query is sent.
    pub tries: u32,
    /// How long to wait for an answer to each try.
    pub patience: Duration,
}

impl Default for Settings {
    /// Fewer in flight altogether than fit the default receive buffer of a Linux socket (some 270): BIND has one for each
    /// thread, and a question that is dropped there costs its asker the patience.
    fn default() -> Self {
        Settings { sockets: 4, in_flight: 48, tries: 4, patience: Duration::from_secs(1) }
    }
}

/// Asks one nameserver. The sockets are opened when they are needed, and closed when it is dropped.
#[derive(Debug)]
pub struct Asker {
    workers: Box<[mpsc::Sender<Ask>]>,
    next: AtomicUsize,
}

impl Asker {
    /// An asker for the nameserver at `server`. Has to be called within a Tokio runtime.
    pub fn new(server: SocketAddr, settings: Settings) -> Asker {
        let worker = |_| {
            let (sender, asks) = mpsc::channel(settings.in_flight.max(1));
            tokio::spawn(Worker { server, settings, asks }.run());
            sender
        };
        Asker { workers: (0..settings.sockets.max(1)).map(worker).collect(), next: AtomicUsize::new(0) }
    }

    /// The serial that the nameserver serves of a zone, as its authority; `None` where it is not the zone's authority.
    ///
    /// # Errors
    ///
    /// See [`AskError`].
    pub async fn serial(&self, zone: &ZoneName) -> Result<Option<Serial>, AskError> {
        let worker = &self.workers[self.next.fetch_add(1, Ordering::Relaxed) % self.workers.len()];
        let (reply, answered) = oneshot::channel();
        let ask = Ask { question: question(zone)?, tries: 0, reply };
        worker.send(ask).await.map_err(|_| AskError::Stopped)?;
        answered.await.unwrap_or(Err(AskError::Stopped))
    }
}

/// Why a SOA query has no usable response.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AskError {
    /// Nothing came back in time.
    #[error("no response within {0:?}")]
    Timeout(Duration),
    /// The network refused.
    #[error("not reachable")]
    Unreachable(#[source] Arc<io::Error>),
    /// What came back is no answer to the question.
    #[error("the response is malformed")]
    Malformed,
    /// It answered with an error.
    #[error("it responded with {0}")]
    Rcode(Rcode),
    /// The asker's tasks have ended, with their runtime.
    #[error("the client has stopped")]
    Stopped,
}

/// A question on its way. Its id is chosen when it is sent.
#[derive(Debug)]
struct Ask {
    question: Message<Vec<u8>>,
    tries: u32,
    reply: oneshot::Sender<Result<Option<Serial>, AskError>>,
}

impl Ask {
    fn answer(self, result: Result<Option<Serial>, AskError>) {
        // Who no longer waits does not need to know.
        let _ = self.reply.send(result);
    }
}

fn question(zone: &ZoneName) -> Result<Message<Vec<u8>>, AskError> {
    let name = Name::from_octets(zone.name().wire()).map_err(|_| AskError::Malformed)?;
    let mut question = MessageBuilder::new_vec().question();
    question.push((name, Rtype::SOA, Class::IN)).map_err(|_| AskError::Malformed)?;
    let mut question = question.additional();
    let with_edns = question.opt(|opt| {
        opt.set_udp_payload_size(MAX_ANSWER);
        Ok(())
    });
    with_edns.map_err(|_| AskError::Malformed)?;
    Ok(question.into_message())
}

/// Keeps one socket, as long as there is an asker.
struct Worker {
    server: SocketAddr,
    settings: Settings,
    asks: mpsc::Receiver<Ask>,
}

impl Worker {
    async fn run(mut self) {
        while let Some(ask) = self.asks.recv().await {
            match open(self.server).await.and_then(|socket| Ok((socket, RandomIds::new()?))) {
                Ok((socket, ids)) => self.serve(&socket, Flight::new(ids), ask).await,
                Err(error) => self.unreachable(error, Some(ask)),
            }
        }
    }

    /// Runs questions over a socket until it fails, or until there is no asker any more.
    async fn serve(&mut self, socket: &UdpSocket, mut flight: Flight, first: Ask) {
        let mut unsent = VecDeque::from([first]);
        let mut buffer = vec![0; usize::from(MAX_ANSWER)];
        let failed = loop {
            if let Err(error) = self.send_all(socket, &mut flight, &mut unsent) {
                break error;
            }
            let next_deadline = flight.deadlines.front().map(|(at, _)| *at);
            let has_room = unsent.is_empty() && flight.by_id.len() < self.settings.in_flight;
            tokio::select! {
                // What has arrived is read before anything is given up: under load this task is the late one.
                biased;
                ready = socket.readable() => {
                    if let Err(error) = ready.and_then(|()| receive_all(socket, &mut buffer, &mut flight)) {
                        break error;
                    }
                }
                ask = self.asks.recv(), if has_room => match ask {
                    Some(ask) => unsent.push_back(ask),
                    None => return,
                },
                ready = socket.writable(), if !unsent.is_empty() => if let Err(error) = ready { break error },
                () = sleep_until(next_deadline.unwrap_or_else(Instant::now)), if next_deadline.is_some() => {
                    flight.expire(self.settings, &mut unsent);
                }
            }
        };
        self.unreachable(failed, flight.by_id.into_values().chain(unsent));
    }

    /// Sends as much as the socket takes at once.
    fn send_all(&self, socket: &UdpSocket, flight: &mut Flight, unsent: &mut VecDeque<Ask>) -> io::Result<()> {
        while let Some(mut ask) = unsent.pop_front() {
            if ask.reply.is_closed() {
                continue;
            }
            let id = flight.free_id()?;
            ask.question.header_mut().set_id(id);
            match socket.try_send(ask.question.as_slice()) {
                Ok(_) => {
                    ask.tries += 1;
                    flight.deadlines.push_back((Instant::now() + self.settings.patience, id));
                    flight.by_id.insert(id, ask);
                }
                Err(error) => {
                    unsent.push_front(ask);
                    return if error.kind() == io::ErrorKind::WouldBlock { Ok(()) } else { Err(error) };
                }
            }
        }
        Ok(())
    }

    /// The nameserver cannot be reached; this applies to all waiting queries.
    fn unreachable(&mut self, error: io::Error, asks: impl IntoIterator<Item = Ask>) {
        let error = AskError::Unreachable(Arc::new(error));
        for ask in asks {
            ask.answer(Err(error.clone()));
        }
        while let Ok(ask) = self.asks.try_recv() {
            ask.answer(Err(error.clone()));
        }
    }
}

/// Hands out the answers that have arrived.
fn receive_all(socket: &UdpSocket, buffer: &mut [u8], flight: &mut Flight) -> io::Result<()> {
    loop {
        match socket.try_recv(buffer) {
            Ok(length) => flight.answered(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// The questions in flight on one socket.
struct Flight {
    by_id: HashMap<u16, Ask>,
    /// When each query is sent again or given up, the next first; some have a response by then.
    deadlines: VecDeque<(Instant, u16)>,
    ids: RandomIds,
}

impl Flight {
    fn new(ids: RandomIds) -> Flight {
        Flight { by_id: HashMap::new(), deadlines: VecDeque::new(), ids }
    }

    fn free_id(&mut self) -> io::Result<u16> {
        loop {
            let id = self.ids.next()?;
            if !self.by_id.contains_key(&id) {
                return Ok(id);
            }
        }
    }

    fn answered(&mut self, datagram: &[u8]) {
        let Ok(message) = Message::from_slice(datagram) else { return };
        let id = message.header().id();
        if !self.by_id.get(&id).is_some_and(|ask| message.is_answer(ask.question.for_slice())) {
            return;
        }
        if let Some(ask) = self.by_id.remove(&id) {
            // As a rule it is the oldest one's.
            if let Some(at) = self.deadlines.iter().position(|(_, due)| *due == id) {
                self.deadlines.remove(at);
            }
            ask.answer(read(message));
        }
    }

    fn expire(&mut self, settings: Settings, unsent: &mut VecDeque<Ask>) {
        let now = Instant::now();
        while self.deadlines.front().is_some_and(|(at, _)| *at <= now)
            && let Some((_, id)) = self.deadlines.pop_front()
        {
            match self.by_id.remove(&id) {
                Some(ask) if ask.tries < settings.tries => unsent.push_back(ask),
                Some(ask) => ask.answer(Err(AskError::Timeout(settings.patience * settings.tries))),
                None => {}
            }
        }
    }
}

/// What an answer to the question says.
fn read(message: &Message<[u8]>) -> Result<Option<Serial>, AskError> {
    let header = message.header();
    match header.rcode() {
        Rcode::NOERROR if header.aa() => {
            let section = message.answer().map_err(|_| AskError::Malformed)?;
            let owner = message.sole_question().map_err(|_| AskError::Malformed)?;
            let mut soas = section.limit_to_in::<Soa<_>>();
            match soas.next() {
                Some(Ok(record)) if record.owner() == owner.qname() => {
                    Ok(Some(Serial(record.data().serial().into_int())))
                }
                // Of an apex without an SOA there is no such thing: this is a name inside another zone.
                None if !header.tc() => Ok(None),
                _ => Err(AskError::Malformed),
            }
        }
        Rcode::NOERROR | Rcode::REFUSED | Rcode::NOTAUTH | Rcode::NXDOMAIN => Ok(None),
        other => Err(AskError::Rcode(other)),
    }
}

/// Message ids that cannot be foretold, from the operating system's random numbers, some hundred at a time.
struct RandomIds {
    octets: [u8; 512],
    used: usize,
}

impl RandomIds {
    fn new() -> io::Result<RandomIds> {
        let mut ids = RandomIds { octets: [0; 512], used: 0 };
        ids.refill()?;
        Ok(ids)
    }

    fn next(&mut self) -> io::Result<u16> {
        if self.used == self.octets.len() {
            self.refill()?;
        }
        let id = u16::from_be_bytes([self.octets[self.used], self.octets[self.used + 1]]);
        self.used += 2;
        Ok(id)
    }

    fn refill(&mut self) -> io::Result<()> {
        getrandom::fill(&mut self.octets).map_err(|error| io::Error::other(error.to_string()))?;
        self.used = 0;
        Ok(())
    }
}
