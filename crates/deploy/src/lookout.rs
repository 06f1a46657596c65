//! What one nameserver serves of a zone, for everybody who wants to know at the same time.
//!
//! A thousand clients may wait for the same zone, or for a thousand zones, on a nameserver that somebody else runs. So whoever wants
//! to know looks together with the others: while anybody looks at a zone, one task asks for it, at once for each newcomer and
//! after each deployment of that zone, otherwise less and less often, and everybody gets each answer. Over all zones, a
//! nameserver outside this process is asked at most every [`SPACING`].
//!
//! Decided against: believing the driver's success (it tells what was sent, not what is served, and nothing of secondaries), and
//! a cache of answers (it would answer what was, and who waits asks again anyway).

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
/// The next look comes after this time, ...
const FIRST_LOOK: Duration = Duration::from_millis(1);
/// ... then later and later, up to this.
const LAST_LOOK: Duration = Duration::from_millis(100);
/// The time between two questions to one nameserver, on average.
const SPACING: Duration = Duration::from_millis(2);
/// What a nameserver that was left alone may be asked at once, as time.
const BURST: Duration = SPACING.saturating_mul(64);

/// A nameserver that is asked what it serves. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Observer(Arc<Observed>);

struct Observed {
    witness: Arc<dyn Witness>,
    progress: Arc<Progress>,
    store: Journal,
    /// `None` for the nameserver in this process, which costs a look into a map.
    pace: Option<Pace>,
}

/// What a nameserver said.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// When the question was put.
    pub(crate) asked: Instant,
    /// Whether nothing was being done about the zone just before that ([`Progress::is_quiet`]).
    pub(crate) quiet: bool,
    /// When the answer came, or was given up.
    pub(crate) at: Timestamp,
    /// What is served, or why that could not be learnt.
    pub(crate) served: Result<Option<Served>, String>,
}

impl Observer {
    pub(crate) fn new(witness: Arc<dyn Witness>, progress: Arc<Progress>, store: Journal) -> Observer {
        let pace = (witness.kind() != NameserverKind::Embedded).then(Pace::new);
        Observer(Arc::new(Observed { witness, progress, store, pace }))
    }

    /// The answer to a question that was put at about this time, within [`PATIENCE`].
    pub(crate) async fn now(&self, name: &ZoneName) -> Answer {
        let asked = Instant::now();
        let mut answers = self.look_at(name);
        let first = async {
            answers.changed().await.ok()?;
            answers.borrow().clone()
        };
        timeout(PATIENCE, first).await.ok().flatten().unwrap_or_else(|| self.0.no_answer(asked))
    }

    /// Waits for an answer that is enough.
    pub(crate) async fn until(&self, name: &ZoneName, is_enough: impl Fn(&Answer) -> bool) -> Answer {
        loop {
            let mut answers = self.look_at(name);
            while answers.changed().await.is_ok() {
                if let Some(answer) = answers.borrow_and_update().as_ref().filter(|answer| is_enough(answer)) {
                    return answer.clone();
                }
            }
            // The task that asked was cut off.
            sleep(LAST_LOOK).await;
        }
    }

    /// All answers from now on.
    fn look_at(&self, name: &ZoneName) -> watch::Receiver<Option<Answer>> {
        let mut lookouts = self.0.progress.lookouts().lock();
        if let Some(lookout) = lookouts.get(name) {
            lookout.again.notify_one();
            return lookout.answers.subscribe();
        }
        let lookout = Arc::<Lookout>::default();
        let answers = lookout.answers.subscribe();
        lookouts.insert(name.clone(), Arc::clone(&lookout));
        tokio::spawn(Looking { observed: Arc::clone(&self.0), name: name.clone(), lookout }.run());
        answers
    }
}

impl Observed {
    async fn ask(&self, name: &ZoneName) -> Answer {
        if let Some(pace) = &self.pace {
            pace.turn().await;
        }
        let asked = Instant::now();
        let quiet = self.progress.is_quiet(name);
        let Ok(served) = timeout(PATIENCE, self.witness.served(name)).await else { return self.no_answer(asked) };
        let served = served.map_err(|error| self.failed(Chain(&error).to_string()));
        Answer { asked, quiet, at: self.store.now(), served }
    }

    fn no_answer(&self, asked: Instant) -> Answer {
        let error = self.failed(format!("no answer within {PATIENCE:?}"));
        Answer { asked, quiet: false, at: self.store.now(), served: Err(error) }
    }

    fn failed(&self, error: String) -> String {
        metrics::counter!("zonewright_ask_errors_total", "nameserver" => self.witness.name().to_owned()).increment(1);
        error
    }
}

/// The zones of one nameserver that somebody looks at.
#[derive(Debug, Default)]
pub(crate) struct Lookouts(Mutex<HashMap<ZoneName, Arc<Lookout>>>);

/// One zone that somebody looks at.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    answers: watch::Sender<Option<Answer>>,
    again: Notify,
}

impl Lookouts {
    /// Has a zone asked for at once, if anybody looks at it.
    pub(crate) fn look_again(&self, name: &ZoneName) {
        if let Some(lookout) = self.lock().get(name) {
            lookout.again.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ZoneName, Arc<Lookout>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that asks for one zone while anybody looks at it.
struct Looking {
    observed: Arc<Observed>,
    name: ZoneName,
    lookout: Arc<Lookout>,
}

impl Looking {
    async fn run(self) {
        let mut pause = FIRST_LOOK;
        loop {
            let answer = self.observed.ask(&self.name).await;
            self.lookout.answers.send_replace(Some(answer));
            tokio::select! {
                () = self.lookout.answers.closed() => {
                    let mut lookouts = self.observed.progress.lookouts().lock();
                    // Somebody may have come since.
                    if self.lookout.answers.receiver_count() == 0 {
                        lookouts.remove(&self.name);
                        return;
                    }
                }
                () = self.lookout.again.notified() => pause = FIRST_LOOK,
                () = sleep(pause) => pause = LAST_LOOK.min(pause * 2),
            }
        }
    }
}

impl Drop for Looking {
    /// However the task ended, the next who looks starts another.
    fn drop(&mut self) {
        let mut lookouts = self.observed.progress.lookouts().lock();
        if lookouts.get(&self.name).is_some_and(|other| Arc::ptr_eq(other, &self.lookout)) {
            lookouts.remove(&self.name);
        }
    }
}

/// Spaces the questions to one nameserver.
#[derive(Debug)]
struct Pace {
    /// When the next question may be put. Behind the present by as much as may be put at once.
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
