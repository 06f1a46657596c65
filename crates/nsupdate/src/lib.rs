//! Dynamic updates (RFC 2136) and zone transfers (RFC 5936, RFC 1995) for customers, signed with their update keys (RFC 8945).
//!
//! | module | job |
//! |---|---|
//! | `request` | the order of all checks: signature, key, network, then the request itself |
//! | `message` | UPDATE messages: parsing, and the response codes of malformed ones |
//! | `update` | a message becomes one change of a zone; its outcome becomes a response code |
//! | `replays` | a message that arrives again gets its first response code |
//! | `query` | queries, answered from the committed state |
//! | `transfer` | AXFR and IXFR |
//! | `refusal` | response codes, and the reasons that the owner of a key can read |
//!
//! [`Updates`] is a door of a [`nameserver::Server`], which has the sockets and their limits. An UPDATE becomes one
//! `store::Change`, which the store plans and writes in one transaction together with its prerequisites. This crate adds no
//! rules and no rights: `store::Tenant` checks the scope of a key.
//!
//! Decided against: answering queries from the embedded nameserver's memory. Clients read a record immediately after they wrote
//! it, when that memory may still have the older version; and with BIND there is no such memory.

mod message;
mod metrics;
mod query;
mod refusal;
mod replays;
mod request;
mod transfer;
mod update;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use nameserver::{Client, Door, Reply, Responder, Zones};
use store::{Doors, Journal};
use tokio::sync::Semaphore;
use wire::signed::Signature;

use crate::metrics::Metrics;
use crate::replays::Replays;

/// The maximum number of concurrent reads of the store for messages that are not verified yet. A flood of such messages delays
/// reads of the API by at most two milliseconds.
const READS_AT_ONCE: usize = 16;

/// Which messages of a server are for [`Updates`].
#[derive(Debug, Clone)]
pub enum Takes {
    /// All: the server has no zones of its own.
    Everything,
    /// Updates and signed messages. The nameserver answers unsigned queries from these zones.
    UpdatesAndSigned(Zones),
}

/// Answers updates, signed queries and transfers. Cheap to clone.
#[derive(Clone)]
pub struct Updates {
    inner: Arc<Inner>,
}

struct Inner {
    takes: Takes,
    doors: Doors,
    journal: Journal,
    replays: Replays,
    responder: Responder,
    /// Reads of the store for messages that are not verified yet.
    reads: Semaphore,
    preparing: Semaphore,
    /// Memory of transfers that are being sent, in KiB.
    sending: Arc<Semaphore>,
    metrics: Metrics,
}

impl Updates {
    /// Metrics go to the recorder that is installed when this is called.
    pub fn new(doors: Doors, journal: Journal, takes: Takes) -> Updates {
        let inner = Inner {
            takes,
            doors,
            journal,
            replays: Replays::default(),
            responder: Responder::default(),
            reads: Semaphore::new(READS_AT_ONCE),
            preparing: Semaphore::new(transfer::AT_ONCE),
            sending: Arc::new(Semaphore::new(transfer::MOST_SENDING_KIB as usize)),
            metrics: Metrics::register(),
        };
        Updates { inner: Arc::new(inner) }
    }
}

impl Door for Updates {
    fn takes(&self, message: &[u8]) -> bool {
        match &self.inner.takes {
            Takes::Everything => true,
            Takes::UpdatesAndSigned(_) => {
                message::is_update(message) || !matches!(Signature::read(message), Ok(None) | Err(_))
            }
        }
    }

    fn answer(&self, message: Vec<u8>, client: Client) -> Pin<Box<dyn Future<Output = Option<Reply>> + Send + '_>> {
        Box::pin(self.inner.answer(message, client))
    }
}
