//! Deployment: every nameserver is brought to the newest version of every zone, and can be asked whether it is there.
//!
//! A reconciler, not a queue of commands. It takes no "what changed" from anybody: it asks a nameserver which serial it serves,
//! asks the store for the step from there to the head, and makes it. It can be woken, delayed, killed and run twice, and ends
//! in the same place.
//!
//! ```text
//!   store.position() --> follow --> one Driver per nameserver --> reconcile --> Nameserver
//!                                      ^
//!              store.heads() --> sweep-'
//! ```
//!
//! Decided against: storing what is deployed (a second truth, and a write per change), and handing the change itself to the
//! deployer (then a lost hand-over would be a lost change).

pub mod bind9;
mod chain;
mod driver;
mod embedded;
mod nameserver;
mod progress;
pub mod query;
mod reconcile;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use dns::{Serial, ZoneName};
use futures_util::future::join_all;
use store::{Head, Store};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use crate::embedded::Embedded;
pub use crate::nameserver::{DeployError, Kind, Nameserver, Served, Witness};

use crate::chain::Chain;
use crate::driver::Driver;
use crate::progress::Progress;
use crate::reconcile::is_at;
use crate::sweep::sweep_for_ever;

/// How many zones a sweep may run ahead of the work on them.
const SWEPT_AHEAD: usize = 256;
/// The wait after the journal could not be read.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);
/// Who waits for a version asks at first after this time, ...
const FIRST_LOOK: Duration = Duration::from_millis(1);
/// ... then less and less often, down to once in this.
const LAST_LOOK: Duration = Duration::from_millis(100);

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
}

/// A nameserver that is asked what it serves.
struct Target {
    witness: Arc<dyn Witness>,
    /// `None` for a secondary: it takes its zones from a primary.
    progress: Option<Arc<Progress>>,
}

/// Whether and how one nameserver serves a zone.
#[derive(Debug, Clone)]
pub struct NameserverStatus {
    /// Which nameserver.
    pub name: String,
    /// How it is reached.
    pub kind: Kind,
    /// The serial it serves now; `None` where it serves no such zone or did not answer.
    pub serial: Option<Serial>,
    /// Whether it serves the version asked about, or a later one.
    pub in_sync: bool,
    /// Why it could not be asked, or why the last deployment of this zone failed.
    pub error: Option<String>,
}

impl Deployment {
    /// Starts to keep `nameservers` at the heads of all zones, until `stop`; `secondaries` are only asked what they serve. The
    /// handle resolves when all work has ended.
    pub fn start(
        store: Store,
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
            let progress = Arc::<Progress>::default();
            let (moved_sender, moved) = mpsc::unbounded_channel();
            let (swept_sender, swept) = mpsc::channel(SWEPT_AHEAD);
            let driver = Driver::new(store.clone(), Arc::clone(&nameserver), Arc::clone(&progress));
            tasks.push(tokio::spawn(driver.run(moved, swept, stop.clone())));
            let (every, swept_store) = (settings.sweep_every, store.clone());
            tasks.push(tokio::spawn(sweep_for_ever(
                swept_store,
                Arc::clone(&nameserver),
                swept_sender,
                every,
                stop.clone(),
            )));
            channels.push(moved_sender);
            targets.push(Target { witness: nameserver, progress: Some(progress) });
        }
        targets.extend(secondaries.into_iter().map(|witness| Target { witness, progress: None }));
        tasks.push(tokio::spawn(follow(store, position, start, channels, stop)));
        let all = tokio::spawn(async {
            join_all(tasks).await;
        });
        (Deployment { targets: targets.into() }, all)
    }

    /// Whether every nameserver has been compared with the store once since the start, and what differed was brought up to
    /// date or at least tried.
    pub fn is_settled(&self) -> bool {
        self.targets.iter().filter_map(|target| target.progress.as_ref()).all(|progress| progress.is_settled())
    }

    /// Waits until every nameserver serves this version or a later one, for at most `patience`; says whether they do.
    pub async fn wait(&self, head: &Head, patience: Duration) -> bool {
        let all_serve = join_all(self.targets.iter().map(|target| target.wait(head)));
        tokio::time::timeout(patience, all_serve).await.is_ok()
    }

    /// Asks every nameserver what it serves of a zone, now.
    pub async fn status(&self, head: &Head) -> Vec<NameserverStatus> {
        join_all(self.targets.iter().map(|target| target.status(head))).await
    }
}

impl Target {
    async fn status(&self, head: &Head) -> NameserverStatus {
        let (served, asking_failed) = match self.witness.served(&head.name).await {
            Ok(served) => (served, None),
            Err(error) => (None, Some(Chain(&error).to_string())),
        };
        NameserverStatus {
            name: self.witness.name().to_owned(),
            kind: self.witness.kind(),
            serial: served.map(|served| served.serial),
            in_sync: served.is_some_and(|served| is_at(head, served)),
            error: asking_failed.or_else(|| self.progress.as_ref()?.last_error(&head.name)),
        }
    }

    async fn wait(&self, head: &Head) {
        let mut pause = FIRST_LOOK;
        while !self
            .witness
            .served(&head.name)
            .await
            .is_ok_and(|served| served.is_some_and(|served| is_at(head, served)))
        {
            tokio::time::sleep(pause).await;
            pause = LAST_LOOK.min(pause * 2);
        }
    }
}

/// Reads the journal as it grows and tells the drivers which zones moved.
async fn follow(
    store: Store,
    mut position: tokio::sync::watch::Receiver<u64>,
    mut after: u64,
    drivers: Vec<mpsc::UnboundedSender<Arc<[ZoneName]>>>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            moved = position.changed() => if moved.is_err() { return },
        }
        match store.moves(after).await {
            Ok(moves) => {
                after = moves.position;
                let names: Arc<[ZoneName]> = moves.names.into();
                for driver in &drivers {
                    // A driver only ends with the process.
                    let _ = driver.send(Arc::clone(&names));
                }
            }
            Err(error) => {
                tracing::error!(error = %Chain(&error), "the journal could not be read; trying again");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                position.mark_changed();
            }
        }
    }
}
