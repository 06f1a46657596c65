//! Limits the connections, so that one client cannot take all of them.
//!
//! One network (an IPv4 address, an IPv6 /64) can have a quarter of all connections. Its next connection replaces its longest
//! idle one, and is refused if none is idle. If all connections are taken, the longest idle one of all clients is closed for the
//! next client; if none is idle, the next client waits. Exempt networks (loopback and trusted proxies by default) have no limit
//! of their own, because many clients may connect through one of them.
//!
//! A connection is idle while it has no request in progress, also while a request's head is incomplete and during the TLS
//! handshake. A connection that has been idle for less than a second is not closed: its request may be on the way.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::client::network_of;
use crate::settings::Settings;
use crate::watch::Watch;

/// The share of all connections that one network may have: one in so many.
const SHARE: usize = 4;

/// How long a connection must be idle before it can be closed for another.
const IDLE_AT_LEAST: Duration = Duration::from_secs(1);
/// How often a waiting client checks for an idle connection.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The open connections. Cheap to clone; clones see the same.
#[derive(Debug, Clone)]
pub(crate) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    open: Mutex<Open>,
    /// Something was closed.
    closed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    last_id: u64,
    list: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// `None`: exempt.
    network: Option<IpAddr>,
    watch: Watch,
    evicted: CancellationToken,
}

/// An open connection's place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    connections: Connections,
    id: u64,
    /// What the connection is doing.
    pub(crate) watch: Watch,
    /// Cancelled when the connection has to give way.
    pub(crate) evicted: CancellationToken,
}

impl Connections {
    pub(crate) fn new(settings: &Settings) -> Connections {
        let most = settings.max_connections.max(1);
        Connections(Arc::new(Inner { most, open: Mutex::default(), closed: Notify::new() }))
    }

    /// A place for a new connection, once there is one; `None` where its network has its share and none of it is idle.
    pub(crate) async fn admit(&self, peer: IpAddr, settings: &Settings) -> Option<ConnectionSlot> {
        let network = (!settings.is_exempt(peer)).then(|| network_of(peer));
        loop {
            let closed = self.0.closed.notified();
            {
                let mut open = self.open();
                if network.is_some() && open.of_network(network).count() >= (self.0.most / SHARE).max(1) {
                    open.evict_longest_idle(|entry| entry.network == network).then_some(())?;
                }
                if open.list.len() < self.0.most {
                    return Some(self.place(&mut open, network));
                }
                // One closing connection is enough.
                if open.list.values().all(|entry| !entry.evicted.is_cancelled()) {
                    open.evict_longest_idle(|_| true);
                }
            }
            // A time-out means that it is time to look again.
            let _ = timeout(LOOK_EVERY, closed).await;
        }
    }

    fn place(&self, open: &mut Open, network: Option<IpAddr>) -> ConnectionSlot {
        open.last_id += 1;
        let (id, watch, evicted) = (open.last_id, Watch::new(), CancellationToken::new());
        open.list.insert(id, Entry { network, watch: watch.clone(), evicted: evicted.clone() });
        ConnectionSlot { connections: self.clone(), id, watch, evicted }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// A network's connections, without those that give way already.
    fn of_network(&self, network: Option<IpAddr>) -> impl Iterator<Item = &Entry> {
        self.list.values().filter(move |entry| entry.network == network && !entry.evicted.is_cancelled())
    }

    /// False where none of those is idle.
    fn evict_longest_idle(&mut self, among: impl Fn(&Entry) -> bool) -> bool {
        let candidates = self.list.values().filter(|entry| among(entry) && !entry.evicted.is_cancelled());
        let idle = candidates.filter_map(|entry| Some((entry.watch.idle_since()?, entry)));
        let idle = idle.filter(|(since, _)| since.elapsed() >= IDLE_AT_LEAST);
        let longest = idle.min_by_key(|(since, _)| *since);
        longest.inspect(|(_, entry)| entry.evicted.cancel()).is_some()
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.connections.open().list.remove(&self.id);
        self.connections.0.closed.notify_one();
    }
}
