//! Polling one nameserver for the serials that it serves, shared by all callers that wait.
//!
//! A thousand clients may wait for the same zone, or for a thousand zones, on a nameserver that another operator runs. Callers that wait
//! for the same zone share one polling task. It polls at once for each new caller and after each deployment of the zone, otherwise at
//! growing intervals, and every caller gets each result. Over all zones, a nameserver outside this process is queried at most every
//! [`SPACING`].
//!
//! Decided against: relying on the driver's success (it shows what was sent, not what is served, and nothing about secondaries), and a
//! cache of results (it would return old serials, and callers that wait poll again anyway).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dns::ZoneName;
use store::{Journal, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::nameserver::{NameserverKind, Served, Witness};
use crate::progress::Progress;
use store::Chain;

/// How long a nameserver may take to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// The first pause between two polls of a zone, ...
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// ... and the longest. Each is twice the one before.
const LAST_PAUSE: Duration = Duration::from_millis(100);
/// The average time between two queries to one nameserver.
const SPACING: Duration = Duration::from_millis(2);
/// How many queries an idle nameserver may get at once, as time.
const BURST: Duration = SPACING.saturating_mul(64);

/// A nameserver that is polled. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Observer(Arc<Observed>);

struct Observed {
    witness: Arc<dyn Witness>,
    progress: Arc<Progress>,
    store: Journal,
    /// `None` for the nameserver in this process, which costs a look into a map.
    pace: Option<Pace>,
}

/// The result of one query.
#[derive(Debug, Clone)]
pub(crate) struct PollResult {
    /// When the query was sent.
    pub(crate) asked: Instant,
    /// Whether nothing was being done about the zone just before that ([`Progress::is_quiet`]).
    pub(crate) quiet: bool,
    /// When the response came, or the query timed out.
    pub(crate) at: Timestamp,
    /// What is served, or why the query failed.
    pub(crate) served: Result<Option<Served>, String>,
}

impl Observer {
    pub(crate) fn new(witness: Arc<dyn Witness>, progress: Arc<Progress>, store: Journal) -> Observer {
        let pace = (witness.kind() != NameserverKind::Embedded).then(Pace::new);
        Observer(Arc::new(Observed { witness, progress, store, pace }))
    }

    /// The result of a query sent at about this time, within [`PATIENCE`].
    pub(crate) async fn now(&self, name: &ZoneName) -> PollResult {
        let asked = Instant::now();
        let mut results = self.subscribe(name);
        let first = async {
            results.changed().await.ok()?;
            results.borrow().clone()
        };
        timeout(PATIENCE, first).await.ok().flatten().unwrap_or_else(|| self.0.no_answer(asked))
    }

    /// Polls until a result is enough.
    pub(crate) async fn until(&self, name: &ZoneName, is_enough: impl Fn(&PollResult) -> bool) -> PollResult {
        loop {
            let mut results = self.subscribe(name);
            while results.changed().await.is_ok() {
                if let Some(answer) = results.borrow_and_update().as_ref().filter(|answer| is_enough(answer)) {
                    return answer.clone();
                }
            }
            // The polling task was cut off.
            sleep(LAST_PAUSE).await;
        }
    }

    /// All results from now on.
    fn subscribe(&self, name: &ZoneName) -> watch::Receiver<Option<PollResult>> {
        let mut polls = self.0.progress.polls().lock();
        if let Some(poll) = polls.get(name) {
            poll.again.notify_one();
            return poll.results.subscribe();
        }
        let poll = Arc::<Poll>::default();
        let results = poll.results.subscribe();
        polls.insert(name.clone(), Arc::clone(&poll));
        tokio::spawn(PollTask { observed: Arc::clone(&self.0), name: name.clone(), poll }.run());
        results
    }
}

impl Observed {
    async fn ask(&self, name: &ZoneName) -> PollResult {
        if let Some(pace) = &self.pace {
            pace.turn().await;
        }
        let asked = Instant::now();
        let quiet = self.progress.is_quiet(name);
        let Ok(served) = timeout(PATIENCE, self.witness.served(name)).await else { return self.no_answer(asked) };
        let served = served.map_err(|error| self.failed(Chain(&error).to_string()));
        PollResult { asked, quiet, at: self.store.now(), served }
    }

    fn no_answer(&self, asked: Instant) -> PollResult {
        let error = self.failed(format!("no answer within {PATIENCE:?}"));
        PollResult { asked, quiet: false, at: self.store.now(), served: Err(error) }
    }

    fn failed(&self, error: String) -> String {
        metrics::counter!("zonewright_ask_errors_total", "nameserver" => self.witness.name().to_owned()).increment(1);
        error
    }
}

/// The zones of one nameserver that are polled.
#[derive(Debug, Default)]
pub(crate) struct Polls(Mutex<HashMap<ZoneName, Arc<Poll>>>);

/// One zone that is polled.
#[derive(Debug, Default)]
pub(crate) struct Poll {
    results: watch::Sender<Option<PollResult>>,
    again: Notify,
}

impl Polls {
    /// Polls a zone at once, if callers wait for it.
    pub(crate) fn poll_again(&self, name: &ZoneName) {
        if let Some(poll) = self.lock().get(name) {
            poll.again.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ZoneName, Arc<Poll>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that polls one zone as long as callers wait for it.
struct PollTask {
    observed: Arc<Observed>,
    name: ZoneName,
    poll: Arc<Poll>,
}

impl PollTask {
    async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = self.observed.ask(&self.name).await;
            self.poll.results.send_replace(Some(answer));
            tokio::select! {
                () = self.poll.results.closed() => {
                    let mut polls = self.observed.progress.polls().lock();
                    // A caller may have subscribed since.
                    if self.poll.results.receiver_count() == 0 {
                        polls.remove(&self.name);
                        return;
                    }
                }
                () = self.poll.again.notified() => pause = FIRST_PAUSE,
                () = sleep(pause) => pause = LAST_PAUSE.min(pause * 2),
            }
        }
    }
}

impl Drop for PollTask {
    /// However the task ended, the next caller starts another.
    fn drop(&mut self) {
        let mut polls = self.observed.progress.polls().lock();
        if polls.get(&self.name).is_some_and(|other| Arc::ptr_eq(other, &self.poll)) {
            polls.remove(&self.name);
        }
    }
}

/// Spaces the queries to one nameserver.
#[derive(Debug)]
struct Pace {
    /// When the next query may be sent. It lies in the past by as much as may be sent at once.
    next: Mutex<Instant>,
}

impl Pace {
    fn new() -> Pace {
        Pace { next: Mutex::new(Instant::now()) }
    }

    async fn turn(&self) {
        let now = Instant::now();
        let at = self.reserve(now);
        if at > now {
            sleep_until(at).await;
        }
    }

    fn reserve(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = now.checked_sub(BURST).map_or(*next, |earliest| earliest.max(*next));
        *next = at + SPACING;
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_spaced_after_a_burst() {
        let pace = Pace::new();
        let now = Instant::now() + Duration::from_secs(3600);
        let delays: Vec<_> = (0..564).map(|_| pace.reserve(now).saturating_duration_since(now)).collect();
        assert_eq!(delays[63], Duration::ZERO);
        assert_eq!(delays[563], Duration::from_millis(998), "500 a second");
    }
}
