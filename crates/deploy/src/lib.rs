//! Deployment: brings every nameserver to the newest version of every zone, and polls what they serve.
//!
//! It is a reconciler, not a queue of commands. It does not depend on notifications of changes: it polls which serial a
//! nameserver serves, reads the step from there to the head from the store, and sends it. It can be woken, delayed, killed and
//! run twice, and ends in the same state.
//!
//! ```text
//!   store.position() --> follow --> one Driver per nameserver --> reconcile --> Nameserver
//!                                      ^
//!              store.heads() --> sweep-'
//! ```
//!
//! Decided against: storing what is deployed (a second source of truth, and a write per change), and passing the change itself to
//! the deployer (if it were lost, the change would be lost).

pub mod bind9;
pub mod catalog;
mod config_text;
mod driver;
mod embedded;
pub mod knot;
mod nameserver;
pub mod notify;
mod polling;
mod progress;
pub mod query;
mod reconcile;
pub mod secondary;
pub mod signing;
mod sweep;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dns::{Serial, ZoneName};
use futures_util::future::join_all;
use store::{Backoff, Head, Journal, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use crate::config_text::{ConfigText, ConfigTextError};
pub use crate::embedded::Embedded;
pub use crate::nameserver::{DeployError, Nameserver, NameserverKind, Served, Witness};
pub use store::Chain;

use crate::driver::Driver;
use crate::polling::{Observer, PollResult};
use crate::progress::Progress;
use crate::reconcile::is_at;
use crate::sweep::sweep_for_ever;

/// How many zones a sweep may run ahead of the work on them.
const SWEPT_AHEAD: usize = 256;
/// The wait of a caller that waits for a version before a nameserver that is ahead is looked at again.
const AHEAD_AGAIN: Duration = Duration::from_millis(200);
/// The wait after the journal could not be read, and the longest after many failures in a row.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How deployment goes about its work.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How often all zones are compared with what is served, beside the comparison at start.
    pub sweep_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { sweep_every: Duration::from_secs(300) }
    }
}

/// The running deployment. Cheap to clone.
#[derive(Clone)]
pub struct Deployment {
    targets: Arc<[Target]>,
    stop: CancellationToken,
}

/// A nameserver, as those see it who want to know what it serves.
struct Target {
    witness: Arc<dyn Witness>,
    observer: Observer,
    progress: Arc<Progress>,
    store: Journal,
    /// `false` for a secondary: it takes its zones from a primary.
    is_primary: bool,
}

/// Whether and how one nameserver serves a zone.
#[derive(Debug, Clone)]
pub struct NameserverStatus {
    /// Which nameserver.
    pub name: String,
    /// How it is reached.
    pub kind: NameserverKind,
    /// The serial it serves now; `None` where it serves no such zone or did not answer.
    pub serial: Option<Serial>,
    /// Whether it serves the version asked about, or a later one that the store has.
    pub in_sync: bool,
    /// When it answered, or was given up.
    pub checked_at: Timestamp,
    /// What is wrong, for everybody.
    pub trouble: Option<Trouble>,
    /// Why it could not be asked, or why the last deployment of this zone failed: for the operator only, as it may name
    /// addresses and files.
    pub error: Option<String>,
}

/// What may be wrong between a zone and a nameserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It could not be asked what it serves.
    NoAnswer,
    /// The last attempt to deploy the zone to it failed; it is tried again.
    DeployFailed,
    /// It serves a serial above the newest one that the store has: what it serves does not come from here.
    Ahead,
}

impl Deployment {
    /// Starts to keep `nameservers` at the heads of all zones, until `stop`; `secondaries` are only asked what they serve. The
    /// handle resolves when all work has ended.
    pub fn start(
        store: Journal,
        nameservers: Vec<Arc<dyn Nameserver>>,
        secondaries: Vec<Arc<dyn Witness>>,
        settings: Settings,
        stop: CancellationToken,
    ) -> (Deployment, JoinHandle<()>) {
        // The position is taken before the first sweep, so that what moves during the sweep is seen by one or the other.
        let position = store.position();
        let start = *position.borrow();
        let mut tasks = Vec::new();
        let mut channels = Vec::new();
        let mut targets = Vec::new();
        for nameserver in nameservers {
            let target = Target::new(Arc::clone(&nameserver) as Arc<dyn Witness>, true, &store);
            let (moved_sender, moved) = mpsc::unbounded_channel();
            let (swept_sender, swept) = mpsc::channel(SWEPT_AHEAD);
            let driver = Driver::new(store.clone(), Arc::clone(&nameserver), Arc::clone(&target.progress));
            tasks.push(tokio::spawn(driver.run(moved, swept, stop.clone())));
            let (every, swept_store) = (settings.sweep_every, store.clone());
            tasks.push(tokio::spawn(sweep_for_ever(
                swept_store,
                Arc::clone(&nameserver),
                Arc::clone(&target.progress),
                swept_sender,
                every,
                stop.clone(),
            )));
            channels.push(moved_sender);
            targets.push(target);
        }
        targets.extend(secondaries.into_iter().map(|witness| Target::new(witness, false, &store)));
        tasks.push(tokio::spawn(follow(store, position, start, channels, stop.clone())));
        let all = tokio::spawn(async {
            join_all(tasks).await;
        });
        (Deployment { targets: targets.into(), stop }, all)
    }

    /// Whether every nameserver has been compared with the store once since the start, and what differed was brought up to
    /// date or at least tried.
    pub fn is_settled(&self) -> bool {
        self.targets.iter().filter(|target| target.is_primary).all(|target| target.progress.is_settled())
    }

    /// What keeps [`Deployment::is_settled`] from being so, a line for each nameserver: in words for everybody.
    pub fn waits_for(&self) -> Vec<String> {
        let unsettled = self.targets.iter().filter(|target| target.is_primary && !target.progress.is_settled());
        let wait = |target: &Target| {
            let why = target.witness.waits_for().unwrap_or(if target.progress.is_unreachable() {
                "it does not respond"
            } else {
                "zones are compared with what it serves, and deployed"
            });
            format!("{}: {why}", target.witness.name())
        };
        unsettled.map(wait).collect()
    }

    /// Asks every nameserver what it serves of a zone, now. One that does not answer delays this by two seconds at most.
    pub async fn status(&self, head: &Head) -> Vec<NameserverStatus> {
        join_all(self.targets.iter().map(|target| target.status(head))).await
    }

    /// Waits until every nameserver serves this version or a later one, for at most `patience` and not beyond the stop; says
    /// whether they do. Where there is no nameserver, nothing can be proved, and the answer is no at once.
    pub async fn wait(&self, head: &Head, patience: Duration) -> bool {
        let serves_it = |answer: &PollResult| matches!(answer.served, Ok(Some(served)) if is_at(head, served));
        self.wait_for(&head.name, serves_it, Some(head), patience).await
    }

    /// Waits until no nameserver serves anything of a zone that was deleted; otherwise like [`Deployment::wait`]. `last` is the
    /// version of the deletion; another zone may have taken the name since.
    pub async fn wait_gone(&self, last: &Head, patience: Duration) -> bool {
        let since = Instant::now();
        let serves_nothing_of_it = |answer: &PollResult| {
            // While a deployment that began before the deletion is running, "not served" may mean "not yet".
            let is_settled = answer.quiet && answer.asked >= since;
            let is_another = |served: Served| match served.id {
                Some(id) => id != last.id,
                // A name's serials only grow, whichever zone has it.
                None => served.serial.is_newer_than(last.serial),
            };
            is_settled && matches!(answer.served, Ok(served) if served.is_none_or(is_another))
        };
        self.wait_for(&last.name, serves_nothing_of_it, None, patience).await
    }

    /// Waits until all have given an answer that is enough; with `head`, also one that is not ahead of that zone.
    async fn wait_for(
        &self,
        name: &ZoneName,
        is_enough: impl Fn(&PollResult) -> bool,
        head: Option<&Head>,
        patience: Duration,
    ) -> bool {
        if self.targets.is_empty() {
            return false;
        }
        let every_nameserver = async {
            // A secondary cannot have it before the primaries, so it is not asked before.
            for is_primary in [true, false] {
                let targets = self.targets.iter().filter(|target| target.is_primary == is_primary);
                join_all(targets.map(|target| target.until(name, &is_enough, head))).await;
            }
        };
        tokio::select! {
            biased;
            () = every_nameserver => true,
            () = tokio::time::sleep(patience) => false,
            () = self.stop.cancelled() => false,
        }
    }
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.targets.iter().map(|target| target.witness.name());
        f.write_str("Deployment ")?;
        f.debug_list().entries(names).finish()
    }
}

impl Target {
    fn new(witness: Arc<dyn Witness>, is_primary: bool, store: &Journal) -> Target {
        let progress = Arc::<Progress>::default();
        let observer = Observer::new(Arc::clone(&witness), Arc::clone(&progress), store.clone());
        Target { witness, observer, progress, is_primary, store: store.clone() }
    }

    /// See [`Deployment::wait_for`].
    async fn until(&self, name: &ZoneName, is_enough: impl Fn(&PollResult) -> bool, head: Option<&Head>) {
        loop {
            let answer = self.observer.until(name, &is_enough).await;
            match (answer.served, head) {
                (Ok(Some(served)), Some(head)) if self.is_ahead(head, served.serial).await => {
                    tokio::time::sleep(AHEAD_AGAIN).await;
                }
                _ => return,
            }
        }
    }

    /// Whether it serves a serial above the store's newest. `head` may be older than the answer, so where the answer is above
    /// it, the newest is read again: what was served before that and came from here is not above.
    async fn is_ahead(&self, head: &Head, served: Serial) -> bool {
        if !served.is_newer_than(head.serial) {
            return false;
        }
        match self.store.head(&head.name).await {
            Ok(newest) => newest.is_some_and(|newest| served.is_newer_than(newest.serial)),
            Err(error) => {
                tracing::warn!(zone.name = %head.name, error = %Chain(&error), "the newest version could not be read");
                false
            }
        }
    }

    async fn status(&self, head: &Head) -> NameserverStatus {
        let answer = self.observer.now(&head.name).await;
        let (served, trouble, error) = match answer.served {
            Err(error) => (None, Some(Trouble::NoAnswer), Some(error)),
            Ok(Some(served)) if self.is_ahead(head, served.serial).await => {
                let error = format!("it serves {}, which is above the newest version", served.serial);
                (Some(served), Some(Trouble::Ahead), Some(error))
            }
            Ok(served) => {
                let error = self.progress.last_error(&head.name);
                (served, error.as_ref().map(|_| Trouble::DeployFailed), error)
            }
        };
        NameserverStatus {
            name: self.witness.name().to_owned(),
            kind: self.witness.kind(),
            serial: served.map(|served| served.serial),
            in_sync: trouble != Some(Trouble::Ahead) && served.is_some_and(|served| is_at(head, served)),
            checked_at: answer.at,
            trouble,
            error,
        }
    }
}

/// Follows the journal and notifies the drivers of changed zones.
async fn follow(
    store: Journal,
    mut position: tokio::sync::watch::Receiver<u64>,
    mut after: u64,
    drivers: Vec<mpsc::UnboundedSender<Arc<[ZoneName]>>>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(PAUSE_AFTER_ERROR, LONGEST_PAUSE);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            moved = position.changed() => if moved.is_err() { return },
        }
        match store.moves(after).await {
            Ok(moves) => {
                backoff.worked();
                after = moves.position;
                let names: Arc<[ZoneName]> = moves.names.into();
                for driver in &drivers {
                    // A driver only ends with the process.
                    let _ = driver.send(Arc::clone(&names));
                }
            }
            Err(error) => {
                let pause = backoff.failed();
                tracing::error!(error = %Chain(&error), again_in = ?pause, "the journal could not be read");
                if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                    return;
                }
                position.mark_changed();
            }
        }
    }
}
