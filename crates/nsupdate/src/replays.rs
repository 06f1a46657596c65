//! Signed messages that arrive again: a client that got no response sends the same packet again, or an attacker sends a recorded
//! packet.
//!
//! A message is remembered by its key and its MAC until its signature is too old to be accepted. The same message again gets the
//! first response code, and changes nothing. So a client over UDP does not get YXDOMAIN because of its own first attempt, and a
//! recorded message cannot restore a deleted record.
//!
//! The table is in memory: in the first five minutes after a restart, a message from before the restart would be carried out again.
//! The table has at most [`MOST`] messages; with more than 3,000 updates a second for five minutes, the oldest are forgotten.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::base::iana::Rcode;
use store::UpdateKeyId;
use tokio::sync::watch;

/// The maximum number of remembered messages.
const MOST: usize = 1 << 20;

/// A message: its key, and the first octets of its verified MAC.
pub(crate) type MessageId = (UpdateKeyId, [u8; 16]);

/// The messages of the last minutes.
#[derive(Default, Clone)]
pub(crate) struct Replays(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    known: HashMap<MessageId, Entry>,
    /// When each message is forgotten, in seconds since 1970, in the order of arrival.
    order: VecDeque<(u64, MessageId)>,
}

enum Entry {
    /// It is being carried out.
    Running(watch::Receiver<Option<Rcode>>),
    Done(Rcode),
}

impl Replays {
    /// Runs `work` for the first message, and returns its response code for all of them. A failure of this server is not
    /// remembered, so that the client may send the message again.
    ///
    /// If the caller is dropped, the work continues: otherwise its outcome would be unknown.
    pub(crate) async fn once(
        &self,
        id: MessageId,
        expires: u64,
        now: u64,
        work: impl Future<Output = Rcode> + Send + 'static,
    ) -> Rcode {
        let mut outcome = {
            let mut table = self.table();
            table.forget(now);
            match table.known.get(&id) {
                Some(Entry::Done(rcode)) => return *rcode,
                Some(Entry::Running(outcome)) => outcome.clone(),
                None => {
                    let (sender, outcome) = watch::channel(None);
                    table.known.insert(id, Entry::Running(outcome.clone()));
                    table.order.push_back((expires, id));
                    let replays = self.clone();
                    tokio::spawn(async move {
                        let rcode = work.await;
                        let mut table = replays.table();
                        if rcode == Rcode::SERVFAIL {
                            table.known.remove(&id);
                        } else if let Some(entry) = table.known.get_mut(&id) {
                            *entry = Entry::Done(rcode);
                        }
                        sender.send_replace(Some(rcode));
                    });
                    outcome
                }
            }
        };
        // The sender is dropped without an outcome only if the work panicked.
        let rcode = outcome.wait_for(Option::is_some).await.ok().and_then(|rcode| *rcode);
        rcode.unwrap_or(Rcode::SERVFAIL)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn forget(&mut self, now: u64) {
        while let Some((expires, id)) = self.order.front() {
            if *expires >= now && self.order.len() < MOST {
                break;
            }
            self.known.remove(id);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn id(number: u8) -> MessageId {
        (UpdateKeyId(Default::default()), [number; 16])
    }

    #[tokio::test]
    async fn a_message_is_carried_out_once() {
        let (replays, runs) = (Replays::default(), Arc::new(AtomicU32::new(0)));
        let send = |number, now, rcode| {
            let runs = runs.clone();
            replays.once(id(number), now + 300, now, async move {
                tokio::task::yield_now().await;
                runs.fetch_add(1, Ordering::Relaxed);
                rcode
            })
        };
        // Two at the same time, and one later.
        let both = tokio::join!(send(1, 1000, Rcode::YXDOMAIN), send(1, 1000, Rcode::NOERROR));
        assert_eq!(both, (Rcode::YXDOMAIN, Rcode::YXDOMAIN));
        assert_eq!(send(1, 1300, Rcode::NOERROR).await, Rcode::YXDOMAIN);
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        assert_eq!(send(2, 1300, Rcode::NOERROR).await, Rcode::NOERROR);
        // Its signature is too old by now, so that it does not get here.
        assert_eq!(send(1, 1301, Rcode::NOERROR).await, Rcode::NOERROR);
        // A failure is not remembered.
        assert_eq!(send(3, 1302, Rcode::SERVFAIL).await, Rcode::SERVFAIL);
        assert_eq!(send(3, 1302, Rcode::NOERROR).await, Rcode::NOERROR);
        assert_eq!(replays.table().known.len(), 3);
    }

    #[tokio::test]
    async fn the_work_goes_on_when_the_client_has_left() {
        let replays = Replays::default();
        let (begin, begun) = tokio::sync::oneshot::channel::<()>();
        let first = replays.once(id(1), 300, 0, async move {
            let _ = begun.await;
            Rcode::NXRRSET
        });
        assert!(tokio::time::timeout(std::time::Duration::ZERO, first).await.is_err());
        begin.send(()).unwrap();
        assert_eq!(replays.once(id(1), 300, 0, async { Rcode::NOERROR }).await, Rcode::NXRRSET);
    }
}
