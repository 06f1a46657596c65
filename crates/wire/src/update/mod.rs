//! The client of dynamic updates (RFC 2136): sends a step of a zone as one signed message, and returns an [`Outcome`].
//!
//! [`Updater`] keeps a few TCP connections to one nameserver, with many updates in flight on each, identified by their message
//! ids. Updates of one zone use the same connection and BIND applies them in order; different zones run concurrently. Every
//! update has its own compare-and-set, so the order affects only speed and not correctness.
//!
//! ```text
//!   Updater::send --> queue (bounded) --> Worker: sign, write --> in flight --> answer verified --> Outcome
//!                        |                   |                        |
//!                        `-- not sent <------'-- cannot connect       `-- lost: time is up, or the connection broke
//! ```
//!
//! BIND syncs its journal to the disk twice for every update, so changes that wait for one zone are sent as one step: a
//! [`ZoneDelta`] may span many versions, and an [`UpdateBuilder`] may have many members of a catalog.
//!
//! Decided against: UDP, which has no room for large steps and may repeat them without the sender's knowledge; resending a lost
//! update here, because the caller must check the serial in any case and may have a newer step by then.

mod connection;
mod message;
mod outcome;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::time::Duration;

use dns::ZoneDelta;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

pub use self::message::{MAX_UNSIGNED, MessageError, UpdateBuilder, UpdateMessage};
pub use self::outcome::{Lost, NotSent, Outcome, UpdateError};

use self::connection::{Job, Worker};
use crate::tsig::{Clock, TsigKey};

/// The number of concurrent updates to a nameserver, and their time-out.
///
/// BIND silently drops updates when more than its `update-quota` (100) are in progress, from all its clients: `connections` times
/// `in_flight` must stay below.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The number of connections.
    pub connections: usize,
    /// How many updates may be in flight on each.
    pub in_flight: usize,
    /// How many more may wait for each; who comes after them waits to be let in.
    pub queue: usize,
    /// How long an update may take from the call of [`Updater::send`] to its answer.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { connections: 4, in_flight: 20, queue: 64, patience: Duration::from_secs(5) }
    }
}

/// Sends updates to one nameserver. The connections are made when they are needed, and closed when it is dropped.
#[derive(Debug)]
pub struct Updater {
    workers: Box<[mpsc::Sender<Job>]>,
    patience: Duration,
    hasher: RandomState,
}

impl Updater {
    /// An updater for the nameserver at `server`. Has to be called within a Tokio runtime.
    pub fn new(server: SocketAddr, key: &TsigKey, settings: Settings, clock: Clock) -> Updater {
        let worker = |_| {
            let (sender, jobs) = mpsc::channel(settings.queue.max(1));
            let worker = Worker::new(server, key.signer(), clock.clone(), settings.in_flight.max(1), jobs);
            tokio::spawn(worker.run());
            sender
        };
        let workers = (0..settings.connections.max(1)).map(worker).collect();
        Updater { workers, patience: settings.patience, hasher: RandomState::new() }
    }

    /// Makes the nameserver go the step of `delta`, if it serves the version that the step starts from.
    ///
    /// # Errors
    ///
    /// As [`Updater::send`], and [`UpdateError::Message`].
    pub async fn apply(&self, delta: &ZoneDelta) -> Result<Outcome, UpdateError> {
        self.send(UpdateMessage::from_delta(delta)?).await
    }

    /// Sends an update and waits for its answer.
    ///
    /// Dropping the future does not call an update back that was already sent.
    ///
    /// # Errors
    ///
    /// After [`UpdateError::Lost`] and [`UpdateError::Tsig`] the nameserver may have carried the update out: ask it for the
    /// serial. After all others nothing has changed.
    pub async fn send(&self, message: UpdateMessage) -> Result<Outcome, UpdateError> {
        let deadline = Instant::now() + self.patience;
        let place = self.hasher.hash_one(message.zone()) % self.workers.len() as u64;
        let worker = &self.workers[place as usize];
        let permit = match timeout_at(deadline, worker.reserve()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(UpdateError::NotSent(NotSent::Stopped)),
            Err(_) => return Err(UpdateError::NotSent(NotSent::Busy(self.patience))),
        };
        let (reply, answered) = oneshot::channel();
        permit.send(Job { message, deadline, patience: self.patience, reply });
        answered.await.unwrap_or(Err(UpdateError::Lost(Lost::Stopped)))
    }
}
