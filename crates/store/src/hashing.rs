//! How many passwords are hashed at once, and how many may wait for it.
//!
//! Hashing a password takes 19 MiB and tens of milliseconds of a processor, so two at a time are hashed, and only a few more wait:
//! further callers are refused at once ([`StoreError::PasswordsBusy`]) instead of waiting behind a crowd. Guessing addresses
//! can fill that queue. Owners are not in it: known browsers and signed-in owners have a lane with a hasher of its own, in
//! which an account has at most two places.
//!
//! The permit moves into the hashing thread: a client that hangs up does not let the next password begin before its own ends.
//!
//! Decided against: one queue with priorities (a hash that has begun cannot be interrupted, so owners would still wait for
//! two guesses), and places by address (the delays of sign-in already let an address have no more than five under way).

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::{AccountId, StoreError};

/// How many passwords wait in a lane, besides those that are being hashed: less than half a second on usual machines.
const WAITING: usize = 16;
/// How many places an account has in the lane of known browsers.
const PER_ACCOUNT: usize = 2;

/// In which queue a password waits to be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Sign-ins from browsers that are not known.
    Anyone,
    /// An owner who is signed in, or whose browser is known.
    Known(AccountId),
}

/// The hashers of one store.
#[derive(Debug)]
pub(crate) struct Hashers {
    anyone: Queue,
    known: Queue,
}

#[derive(Debug)]
struct Queue {
    hashers: Arc<Semaphore>,
    /// Who has a place: those that are hashed, and those that wait.
    places: Arc<Mutex<Vec<Option<AccountId>>>>,
    most: usize,
}

/// A place in a queue, given back when it is dropped.
struct Place {
    places: Arc<Mutex<Vec<Option<AccountId>>>>,
    account: Option<AccountId>,
}

impl Default for Hashers {
    fn default() -> Self {
        Hashers { anyone: Queue::new(2), known: Queue::new(1) }
    }
}

impl Hashers {
    /// Runs `hash` away from the async threads when it is its turn.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        hash: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (queue, account) = match lane {
            Lane::Anyone => (&self.anyone, None),
            Lane::Known(account) => (&self.known, Some(account)),
        };
        let place = queue.enter(account)?;
        let turn = Arc::clone(&queue.hashers).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let hash = move || {
            let _held = (place, turn);
            hash()
        };
        tokio::task::spawn_blocking(hash).await.map_err(|_| StoreError::Panicked)
    }
}

impl Queue {
    fn new(hashers: usize) -> Queue {
        Queue { hashers: Arc::new(Semaphore::new(hashers)), places: Arc::default(), most: hashers + WAITING }
    }

    fn enter(&self, account: Option<AccountId>) -> Result<Place, StoreError> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let own = places.iter().filter(|place| account.is_some() && **place == account).count();
        if places.len() >= self.most || own >= PER_ACCOUNT {
            metrics::counter!("zonewright_passwords_refused_total").increment(1);
            return Err(StoreError::PasswordsBusy);
        }
        places.push(account);
        Ok(Place { places: Arc::clone(&self.places), account })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = places.iter().position(|place| *place == self.account) {
            places.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A password whose hashing ends when the sender is dropped.
    fn slow(hashers: &Arc<Hashers>, lane: Lane) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), StoreError>>) {
        let (end, ended) = mpsc::channel::<()>();
        let hashers = Arc::clone(hashers);
        let hash = move || {
            let _ = ended.recv();
        };
        (end, tokio::spawn(async move { hashers.run(lane, hash).await }))
    }

    fn taken(queue: &Queue) -> usize {
        queue.places.lock().unwrap().len()
    }

    async fn until(condition: impl Fn() -> bool) {
        let waited = tokio::time::timeout(std::time::Duration::from_secs(30), async {
            while !condition() {
                tokio::task::yield_now().await;
            }
        });
        waited.await.expect("within the time");
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_known_browsers_are_not_in_it() {
        let hashers = Arc::new(Hashers::default());
        let crowd: Vec<_> = (0..2 + WAITING).map(|_| slow(&hashers, Lane::Anyone)).collect();
        until(|| taken(&hashers.anyone) == 2 + WAITING).await;
        assert!(matches!(hashers.run(Lane::Anyone, || ()).await, Err(StoreError::PasswordsBusy)));
        assert!(matches!(hashers.run(Lane::Known(AccountId(1)), || 7).await, Ok(7)), "owners do not wait");

        let (mut ends, mut tasks): (Vec<_>, Vec<_>) = crowd.into_iter().unzip();
        // A client that hangs up while its password is hashed keeps its hasher until the end.
        tasks[0].abort();
        until(|| tasks[0].is_finished()).await;
        assert_eq!(hashers.anyone.hashers.available_permits(), 0);
        // One that hangs up while it waits leaves its place.
        let last = tasks.pop().unwrap();
        last.abort();
        until(|| last.is_finished()).await;
        assert_eq!(taken(&hashers.anyone), 1 + WAITING);
        ends.clear();
        for task in tasks.into_iter().skip(1) {
            assert!(task.await.unwrap().is_ok());
        }
        until(|| taken(&hashers.anyone) == 0).await;
        assert!(hashers.run(Lane::Anyone, || ()).await.is_ok());
    }

    #[tokio::test]
    async fn an_account_has_two_places_among_known_browsers() {
        let hashers = Arc::new(Hashers::default());
        let (mallory, ann) = (Lane::Known(AccountId(1)), Lane::Known(AccountId(2)));
        let _busy: Vec<_> = (0..PER_ACCOUNT).map(|_| slow(&hashers, mallory)).collect();
        until(|| taken(&hashers.known) == PER_ACCOUNT).await;
        assert!(matches!(hashers.run(mallory, || ()).await, Err(StoreError::PasswordsBusy)));
        let (end, waiting) = slow(&hashers, ann);
        until(|| taken(&hashers.known) == PER_ACCOUNT + 1).await;
        drop((end, _busy));
        assert!(waiting.await.unwrap().is_ok());
    }
}
