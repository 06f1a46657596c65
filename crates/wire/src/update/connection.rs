//! One connection and the updates in flight on it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use domain::base::Message;
use domain::base::iana::Rcode;
use domain::tsig::{ClientTransaction, Key};
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::message::UpdateMessage;
use super::outcome::{Lost, NotSent, Outcome, UpdateError};
use crate::frame::FrameReader;
use crate::tsig::{Clock, TsigFault};

/// No more is signed while this many octets wait to be written.
const MAX_UNWRITTEN: usize = 256 * 1024;
/// So many answers may be overdue before the connection is given up: their ids cannot be used again on it.
const MAX_OVERDUE: usize = 4096;

/// An update on its way.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) message: UpdateMessage,
    pub(super) deadline: Instant,
    pub(super) patience: Duration,
    pub(super) reply: oneshot::Sender<Result<Outcome, UpdateError>>,
}

impl Job {
    fn fail(self, error: UpdateError) {
        // Who no longer waits does not need to know.
        let _ = self.reply.send(Err(error));
    }
}

/// Keeps one connection, as long as there is an updater.
pub(super) struct Worker {
    server: SocketAddr,
    key: Arc<Key>,
    clock: Clock,
    in_flight: usize,
    jobs: mpsc::Receiver<Job>,
}

impl Worker {
    pub(super) fn new(
        server: SocketAddr,
        key: Arc<Key>,
        clock: Clock,
        in_flight: usize,
        jobs: mpsc::Receiver<Job>,
    ) -> Worker {
        Worker { server, key, clock, in_flight, jobs }
    }

    pub(super) async fn run(mut self) {
        let mut left_over = None;
        loop {
            let job = match left_over.take() {
                Some(job) => job,
                None => match self.jobs.recv().await {
                    Some(job) => job,
                    None => return,
                },
            };
            match timeout_at(job.deadline, connect(self.server)).await {
                Ok(Ok(stream)) => left_over = self.serve(stream, job).await,
                Ok(Err(error)) => {
                    let error = UpdateError::NotSent(NotSent::Connect(Arc::new(error)));
                    // Those that wait behind it would learn the same, one after the other.
                    while let Ok(next) = self.jobs.try_recv() {
                        next.fail(error.clone());
                    }
                    job.fail(error);
                }
                Err(_) => {
                    let patience = job.patience;
                    job.fail(UpdateError::NotSent(NotSent::Busy(patience)));
                }
            }
        }
    }

    /// Runs updates over a connection until it breaks, or until there is no updater any more. Gives back an update for which
    /// the connection was found closed.
    async fn serve(&mut self, mut stream: TcpStream, first: Job) -> Option<Job> {
        let (mut reader, mut writer) = stream.split();
        let mut frames = FrameReader::default();
        let mut unwritten = BytesMut::new();
        let mut flight = Flight::new(0);
        self.start(first, &mut flight, &mut unwritten);
        let broken = loop {
            let has_room = flight.len() < self.in_flight && unwritten.len() < MAX_UNWRITTEN;
            let next_deadline = flight.next_deadline();
            tokio::select! {
                biased;
                filled = frames.fill(&mut reader) => {
                    flight.last_heard = Instant::now();
                    if let Err(error) = filled.and_then(|()| self.answered(&mut frames, &mut flight)) {
                        break error;
                    }
                }
                written = writer.write_buf(&mut unwritten), if !unwritten.is_empty() => match written {
                    Ok(0) => break io::ErrorKind::WriteZero.into(),
                    Ok(_) => {}
                    Err(error) => break error,
                },
                job = self.jobs.recv(), if has_room => match job {
                    // BIND closes a connection that was idle for 30 s. An update written to it would be lost.
                    Some(job) if flight.len() == 0 && !is_usable(reader.as_ref()) => return Some(job),
                    Some(job) => self.start(job, &mut flight, &mut unwritten),
                    None => return None,
                },
                () = sleep_until(next_deadline.unwrap_or_else(Instant::now)), if next_deadline.is_some() => {
                    if flight.expire(Instant::now()).is_err() {
                        break io::ErrorKind::TimedOut.into();
                    }
                }
            }
        };
        let lost = flight.len();
        if lost > 0 {
            tracing::warn!(server.address = %self.server, error = %broken, updates = lost, "updates were lost with their connection");
        }
        flight.lose_all(&Arc::new(broken));
        None
    }

    /// Signs an update and puts it into the stream.
    fn start(&self, job: Job, flight: &mut Flight, unwritten: &mut BytesMut) {
        if job.reply.is_closed() {
            return;
        }
        if job.deadline <= Instant::now() {
            let patience = job.patience;
            return job.fail(UpdateError::NotSent(NotSent::Busy(patience)));
        }
        let id = flight.free_id();
        let mut builder = job.message.builder;
        builder.header_mut().set_id(id);
        match ClientTransaction::request(Arc::clone(&self.key), &mut builder, self.clock.now()) {
            Ok(transaction) => {
                unwritten.extend_from_slice(builder.finish().as_target().as_stream_slice());
                flight.add(id, InFlight { transaction, reply: job.reply, patience: job.patience }, job.deadline);
            }
            Err(_) => {
                // The receiver may have gone.
                let _ = job.reply.send(Err(UpdateError::NotSent(NotSent::Signature)));
            }
        }
    }

    /// Hands out the answers that have arrived.
    fn answered(&self, frames: &mut FrameReader, flight: &mut Flight) -> io::Result<()> {
        while let Some(frame) = frames.take() {
            let message = Message::from_octets(frame);
            let mut message = message.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let Some(update) = flight.take(message.header().id()) else { continue };
            let verified = update.transaction.answer(&mut message, self.clock.now());
            let result = match verified {
                Ok(()) => outcome(message.header().rcode()),
                Err(error) => Err(TsigFault::new(error, &message).into()),
            };
            let _ = update.reply.send(result);
        }
        Ok(())
    }
}

async fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server).await?;
    // Updates are small and must not be delayed.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether the other side has not closed the connection. Asks the operating system: tokio knows only what its reactor has
/// seen, which lags behind.
fn is_usable(stream: &TcpStream) -> bool {
    match SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]) {
        Ok(octets) => octets > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// What a signed answer says (RFC 2136, section 3).
fn outcome(rcode: Rcode) -> Result<Outcome, UpdateError> {
    match rcode {
        Rcode::NOERROR => Ok(Outcome::Applied),
        Rcode::NXRRSET | Rcode::YXRRSET | Rcode::NXDOMAIN | Rcode::YXDOMAIN => Ok(Outcome::Conflict),
        Rcode::NOTAUTH | Rcode::NOTZONE => Ok(Outcome::NotServed),
        Rcode::REFUSED => Ok(Outcome::Refused),
        Rcode::SERVFAIL => Ok(Outcome::ServerFailed),
        other => Err(UpdateError::Rcode(other)),
    }
}

/// What is in flight on one connection. An id whose answer is overdue stays taken: the answer may still come.
struct Flight {
    by_id: HashMap<u16, Option<InFlight>>,
    /// How many of them have a waiting caller.
    waiting: usize,
    /// All have the same patience, so the first is the next.
    deadlines: VecDeque<Due>,
    next_id: u16,
    last_heard: Instant,
}

struct InFlight {
    transaction: ClientTransaction<Arc<Key>>,
    reply: oneshot::Sender<Result<Outcome, UpdateError>>,
    patience: Duration,
}

struct Due {
    at: Instant,
    sent: Instant,
    id: u16,
}

/// Nothing has been heard since an update was sent whose time is up.
struct Silent;

impl Flight {
    fn new(next_id: u16) -> Flight {
        let (by_id, deadlines) = (HashMap::new(), VecDeque::new());
        Flight { by_id, waiting: 0, deadlines, next_id, last_heard: Instant::now() }
    }

    fn len(&self) -> usize {
        self.waiting
    }

    /// An id that no update in flight has; there are far fewer of those than ids.
    fn free_id(&mut self) -> u16 {
        while self.by_id.contains_key(&self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        id
    }

    fn add(&mut self, id: u16, update: InFlight, deadline: Instant) {
        self.by_id.insert(id, Some(update));
        self.waiting += 1;
        self.deadlines.push_back(Due { at: deadline, sent: Instant::now(), id });
    }

    /// The update that a response belongs to, if its caller still waits.
    fn take(&mut self, id: u16) -> Option<InFlight> {
        let update = self.by_id.remove(&id)??;
        self.waiting -= 1;
        self.deadlines.retain(|due| due.id != id);
        Some(update)
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.front().map(|due| due.at)
    }

    /// Gives up what is overdue. The connection is given up with it where nothing at all comes back, or too much is overdue.
    fn expire(&mut self, now: Instant) -> Result<(), Silent> {
        let mut is_silent = false;
        while self.deadlines.front().is_some_and(|due| due.at <= now)
            && let Some(due) = self.deadlines.pop_front()
        {
            is_silent |= self.last_heard < due.sent;
            if let Some(update) = self.by_id.get_mut(&due.id).and_then(Option::take) {
                self.waiting -= 1;
                let _ = update.reply.send(Err(UpdateError::Lost(Lost::Timeout(update.patience))));
            }
        }
        let overdue = self.by_id.len() - self.waiting;
        if is_silent || overdue > MAX_OVERDUE { Err(Silent) } else { Ok(()) }
    }

    fn lose_all(self, error: &Arc<io::Error>) {
        for update in self.by_id.into_values().flatten() {
            let _ = update.reply.send(Err(UpdateError::Lost(Lost::Connection(Arc::clone(error)))));
        }
    }
}
