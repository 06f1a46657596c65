//! The zones of one nameserver: which are waiting, which are running, which failed and when they are retried.
//!
//! ```text
//!             moved                      a place is free
//!   (in order) ----> waiting ---------------------------> running ---- done ----> (in order)
//!                    ^  ^  ^                               |   |
//!                    |  |  `--- moved while running, done -'   |
//!                    |  |       or: a step is not enough       |
//!                    |  `------ back-off over, or moved ---- failed <--- (error)
//! ```
//!
//! A zone is in one of these states at a time, so operations on one name never overlap. Different names run concurrently, and a
//! zone that fails does not delay others.
//!
//! There are two lanes, each with its own limit. The step lane runs many small updates concurrently; they mostly wait for the
//! nameserver's disk. A zone that needs more (a new, lost or removed zone) moves to the other lane, where an operation may take
//! seconds and the full zone is in memory. So a customer's change does not wait behind a thousand new zones.
//!
//! The serial after a step is cached for a while, so that the next step of a busy zone needs no query. A wrong value does no
//! harm: the step compares and sets the serial, and if it fails, the nameserver is queried.
//!
//! If a nameserver cannot be reached, no zone can be deployed, and trying each of them would only slow its recovery. So all zones
//! go back to waiting, nothing is started until a back-off is over, and then a single zone is tried. When it gets any response,
//! all continue.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::time::Duration;

use dns::ZoneName;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use store::Journal;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::time::{DelayQueue, delay_queue};

use crate::nameserver::{DeployError, Nameserver, Served};
use crate::progress::Progress;
use crate::reconcile::{Next, Outcome, Whole, bring_to_head, step};
use crate::sweep::Swept;
use store::Chain;

/// The maximum number of concurrent steps: not much more than BIND accepts at once, so that changes that wait longer are merged.
const STEPS_AT_ONCE: usize = 96;
/// How many whole zones are given at the same time: as many may be in memory.
const WHOLE_AT_ONCE: usize = 32;
/// Of how many zones it is remembered what is served.
const GUESSES: usize = 16_384;
/// The wait after a first failure; doubled with each further one, and shortened at random by up to a half.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// The longest wait between two tries.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// How often the gauges are set.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Keeps one nameserver at the heads of its zones.
pub(crate) struct Driver {
    store: Journal,
    nameserver: Arc<dyn Nameserver>,
    progress: Arc<Progress>,
    zones: HashMap<ZoneName, State>,
    /// The zones that wait for a step, the longest waiting first.
    steps: VecDeque<ZoneName>,
    /// Those that need more.
    whole: VecDeque<(ZoneName, Whole)>,
    /// How many are worked on, of either.
    stepping: usize,
    taking: usize,
    /// What is probably served, of zones that took a step not long ago.
    guesses: HashMap<ZoneName, Served>,
    /// After the first sweep: the operations that were running at its end.
    unsettled: Option<HashSet<ZoneName>>,
    /// The failed ones, until they are tried again.
    failed: DelayQueue<ZoneName>,
    jitter: RandomState,
    outage: Option<Outage>,
}

/// The nameserver was not there when it was last tried.
struct Outage {
    /// How often in a row.
    failures: u32,
    /// Nothing is started before; after it, one zone.
    until: Instant,
}

enum State {
    Waiting(Wish),
    Running { wish: Wish, moved_again: Option<Instant> },
    Failed { wish: Wish, retry: delay_queue::Key },
}

/// A piece of work on a zone, and what came of it.
struct Done {
    name: ZoneName,
    lane: Lane,
    result: Result<Next, DeployError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Steps,
    Whole,
}

#[derive(Clone, Copy)]
struct Wish {
    /// Since when the zone waits.
    since: Instant,
    /// How often it failed since it was last in order.
    failures: u32,
}

impl Driver {
    pub(crate) fn new(store: Journal, nameserver: Arc<dyn Nameserver>, progress: Arc<Progress>) -> Driver {
        // So that there is a number before the first failure.
        let server = nameserver.name().to_owned();
        metrics::counter!("zonewright_deploy_errors_total", "nameserver" => server).increment(0);
        progress.set_seeding(true);
        Driver {
            store,
            nameserver,
            progress,
            zones: HashMap::new(),
            steps: VecDeque::new(),
            whole: VecDeque::new(),
            stepping: 0,
            taking: 0,
            guesses: HashMap::new(),
            unsettled: None,
            failed: DelayQueue::new(),
            jitter: RandomState::new(),
            outage: None,
        }
    }

    /// Runs until `stop`, or until the sender of changes is gone. Zones that a sweep found different yield to zones that were
    /// just changed.
    pub(crate) async fn run(
        mut self,
        mut moved: mpsc::UnboundedReceiver<Arc<[ZoneName]>>,
        mut swept: mpsc::Receiver<Swept>,
        stop: CancellationToken,
    ) {
        tokio::select! {
            () = stop.cancelled() => return,
            () = until_ready(&*self.nameserver, &mut moved) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = self.seed() => self.progress.set_seeding(false),
        }
        let mut running = FuturesUnordered::new();
        let mut report = tokio::time::interval(REPORT_EVERY);
        loop {
            while let Some(work) = self.start_next() {
                running.push(work);
            }
            let paused_until = self.outage.as_ref().map(|outage| outage.until).filter(|until| *until > Instant::now());
            let is_idle = self.steps.is_empty() && self.whole.is_empty() && self.has_room();
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                names = moved.recv() => match names {
                    Some(names) => names.iter().for_each(|name| self.mark(name)),
                    None => return,
                },
                Some(done) = running.next() => self.finished(done),
                Some(expired) = self.failed.next(), if !self.failed.is_empty() => self.retry(expired.into_inner()),
                Some(message) = swept.recv(), if is_idle => match message {
                    Swept::Differs(name) => {
                        self.guesses.remove(&name);
                        self.mark(&name);
                    }
                    Swept::Through => self.swept(),
                },
                () = sleep_until(paused_until.unwrap_or_else(Instant::now)), if paused_until.is_some() => {}
                _ = report.tick() => self.report(),
            }
        }
    }

    /// Gives the nameserver all zones at once, if it wants them so.
    async fn seed(&self) {
        let mut failures = 0;
        while let Err(error) = self.nameserver.seed(&self.store).await {
            failures += 1;
            let (server, error_text) = (self.nameserver.name(), Chain(&error).to_string());
            tracing::warn!(
                server.id = server,
                failures,
                error = error_text,
                "the zones could not be loaded into a nameserver at once"
            );
            if !matches!(error, DeployError::Unreachable(_)) {
                return;
            }
            tokio::time::sleep(self.backoff(server, failures)).await;
        }
    }

    /// How many zones may be worked on now in a lane.
    fn may_run(&self, lane: Lane) -> usize {
        let others = if lane == Lane::Steps { self.taking } else { self.stepping };
        match (&self.outage, lane) {
            (None, Lane::Steps) => STEPS_AT_ONCE,
            (None, Lane::Whole) => WHOLE_AT_ONCE,
            (Some(outage), _) if outage.until > Instant::now() || others > 0 => 0,
            (Some(_), _) => 1,
        }
    }

    fn has_room(&self) -> bool {
        self.stepping < self.may_run(Lane::Steps) && self.taking < self.may_run(Lane::Whole)
    }

    /// The sweep is complete: once the running operations end, the nameserver is settled.
    fn swept(&mut self) {
        if !self.progress.is_settled() {
            let unsettled = self.zones.iter().filter(|(_, state)| !matches!(state, State::Failed { .. }));
            self.unsettled = Some(unsettled.map(|(name, _)| name.clone()).collect());
            self.settle(None);
        }
    }

    fn settle(&mut self, ended: Option<&ZoneName>) {
        let Some(unsettled) = &mut self.unsettled else { return };
        if let Some(name) = ended {
            unsettled.remove(name);
        }
        if unsettled.is_empty() {
            self.unsettled = None;
            self.progress.set_settled();
        }
    }

    /// The head of a zone may have changed.
    fn mark(&mut self, name: &ZoneName) {
        let now = Instant::now();
        match self.zones.get_mut(name) {
            Some(State::Waiting(_)) => {}
            Some(State::Running { moved_again, .. }) => {
                moved_again.get_or_insert(now);
            }
            Some(State::Failed { wish, retry }) => {
                let wish = *wish;
                self.failed.remove(retry);
                self.wait(name.clone(), wish);
            }
            None => self.wait(name.clone(), Wish { since: now, failures: 0 }),
        }
    }

    fn wait(&mut self, name: ZoneName, wish: Wish) {
        self.progress.begin(&name);
        self.steps.push_back(name.clone());
        self.zones.insert(name, State::Waiting(wish));
    }

    /// The next piece of work that there is a place for.
    fn start_next(&mut self) -> Option<impl Future<Output = Done> + use<>> {
        let (name, whole) = if self.stepping < self.may_run(Lane::Steps)
            && let Some(name) = self.steps.pop_front()
        {
            self.stepping += 1;
            (name, None)
        } else if self.taking < self.may_run(Lane::Whole)
            && let Some((name, whole)) = self.whole.pop_front()
        {
            self.taking += 1;
            (name, Some(whole))
        } else {
            return None;
        };
        if let Some(state) = self.zones.get_mut(&name)
            && let State::Waiting(wish) = *state
        {
            *state = State::Running { wish, moved_again: None };
        }
        let (store, nameserver) = (self.store.clone(), Arc::clone(&self.nameserver));
        let guess = self.guesses.remove(&name);
        Some(async move {
            let (lane, result) = match whole {
                None => (Lane::Steps, step(&store, &*nameserver, &name, guess).await),
                Some(whole) => (
                    Lane::Whole,
                    bring_to_head(&store, &*nameserver, &name, whole).await.map(|outcome| Next::Done(outcome, None)),
                ),
            };
            Done { name, lane, result }
        })
    }

    fn retry(&mut self, name: ZoneName) {
        if let Some(State::Failed { wish, .. }) = self.zones.get(&name) {
            let wish = *wish;
            self.wait(name, wish);
        }
    }

    fn finished(&mut self, Done { name, lane, result }: Done) {
        match lane {
            Lane::Steps => self.stepping -= 1,
            Lane::Whole => self.taking -= 1,
        }
        let Some(State::Running { wish, moved_again }) = self.zones.remove(&name) else { return };
        let server = self.nameserver.name().to_owned();
        if let Err(error @ DeployError::Unreachable(_)) = &result {
            let error = Chain(error).to_string();
            metrics::counter!("zonewright_deploy_errors_total", "nameserver" => server).increment(1);
            self.progress.set_error(&name, Some(error.clone()));
            self.unreachable(&error);
            self.settle(Some(&name));
            // With a failure to its name, so that a success clears its error.
            return self.wait(name, Wish { failures: wish.failures.max(1), ..wish });
        }
        if self.outage.take().is_some() {
            self.progress.set_unreachable(false);
            tracing::info!(server.id = server, "the nameserver responds again");
        }
        match result {
            Ok(Next::Take(whole)) => {
                // What moved meanwhile is in the zone that is read then.
                self.whole.push_back((name.clone(), whole));
                self.zones.insert(name, State::Waiting(wish));
            }
            Ok(Next::Done(outcome, served)) => {
                if outcome != Outcome::InSync {
                    let waited = wish.since.elapsed();
                    tracing::debug!(zone.name = %name, server.id = server, ?outcome, ?waited, "deployed");
                    metrics::histogram!("zonewright_deploy_seconds", "nameserver" => server).record(waited);
                }
                self.progress.done(&name);
                self.settle(Some(&name));
                if let Some(served) = served {
                    if self.guesses.len() >= GUESSES {
                        self.guesses.clear();
                    }
                    self.guesses.insert(name.clone(), served);
                }
                if let Some(since) = moved_again {
                    self.wait(name, Wish { since, failures: 0 });
                }
            }
            Err(error) => {
                let failures = wish.failures.saturating_add(1);
                let delay = self.backoff(&name, failures);
                // What the store finds wrong with its whole file, it logs once, and not each zone again.
                let is_known = matches!(&error, DeployError::Store(error) if error.health().is_some());
                let error = Chain(&error).to_string();
                if is_known {
                    tracing::debug!(zone.name = %name, server.id = server, failures, ?delay, error, "deployment failed");
                } else {
                    tracing::warn!(zone.name = %name, server.id = server, failures, ?delay, error, "deployment failed");
                }
                metrics::counter!("zonewright_deploy_errors_total", "nameserver" => server).increment(1);
                self.progress.set_error(&name, Some(error));
                self.settle(Some(&name));
                let retry = self.failed.insert(name.clone(), delay);
                self.zones.insert(name, State::Failed { wish: Wish { failures, ..wish }, retry });
            }
        }
    }

    /// Pauses all work. Operations that were running when the nameserver became unreachable report the same failure, which counts
    /// once.
    fn unreachable(&mut self, error: &str) {
        let now = Instant::now();
        let failures = match &self.outage {
            Some(outage) if outage.until > now => return,
            Some(outage) => outage.failures.saturating_add(1),
            None => 1,
        };
        let server = self.nameserver.name();
        let delay = self.backoff(server, failures);
        let waiting = self.zones.len() + 1;
        tracing::warn!(server.id = server, failures, ?delay, waiting, error, "the nameserver cannot be reached");
        self.progress.set_unreachable(true);
        self.outage = Some(Outage { failures, until: now + delay });
    }

    fn backoff(&self, of: impl Hash, failures: u32) -> Duration {
        let doubled = FIRST_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(16));
        let share = (self.jitter.hash_one((of, failures)) % 512) as u32;
        doubled.min(LONGEST_BACKOFF) * (1024 - share) / 1024
    }

    fn report(&self) {
        let since = |state: &State| match state {
            State::Waiting(wish) | State::Running { wish, .. } | State::Failed { wish, .. } => wish.since,
        };
        let oldest = self.zones.values().map(since).min().map_or(Duration::ZERO, |since| since.elapsed());
        let server = self.nameserver.name().to_owned();
        metrics::gauge!("zonewright_deploy_waiting", "nameserver" => server.clone()).set(self.zones.len() as f64);
        metrics::gauge!("zonewright_deploy_oldest_waiting_seconds", "nameserver" => server).set(oldest.as_secs_f64());
    }
}

/// Waits for the nameserver. What moves meanwhile is forgotten, or it would pile up: the first sweep begins after this and compares
/// all zones.
async fn until_ready(nameserver: &dyn Nameserver, moved: &mut mpsc::UnboundedReceiver<Arc<[ZoneName]>>) {
    let mut ready = nameserver.ready();
    loop {
        tokio::select! {
            // The sweep may read the store as soon as this resolves: a move after that is not forgotten.
            biased;
            () = &mut ready => return,
            names = moved.recv() => if names.is_none() { return ready.await },
        }
    }
}
