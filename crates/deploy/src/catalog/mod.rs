//! The catalog zones (RFC 9432), from which secondaries learn their zones.
//!
//! There are 256 of them, because each change of a catalog costs a secondary time in proportion to its members: 105 ms with
//! 20,000 members, 10 ms with a few (BIND 9.18). A member's label is its zone's UUID, so that a zone that was deleted and created
//! again is another member, and secondaries discard the data of the old one (RFC 9432, section 5.4).
//!
//! [`Catalogs`] brings the primary's catalogs to the state of the store, including serials. Like the reconciler of zones, it does
//! not depend on notifications: it takes the served serial, reads the step from there from the store, and sends it as one
//! compare-and-set update.
//!
//! ```text
//!   publish(zone) --.                                   .--> the step: one UPDATE, members batched
//!                    >-- one at a time per catalog --> serial --> nothing served: added whole
//!   sweep, audit ---'                                   `--> unknown serial, wrong content: UPDATE from the difference
//! ```
//!
//! The served serial is remembered between two runs, because an update from a wrong serial changes nothing; the sweep queries it.
//!
//! The order keeps secondaries correct: a zone is loaded on the primary and then published; it is withdrawn, then removed from
//! the primary, then its files are deleted. A secondary that learns of a zone before the primary serves it fails to transfer it,
//! ignores the NOTIFY that arrives meanwhile, and retries after a minute. So the versions of a catalog are held back from the
//! first one that has such a zone, for at most a second: a zone that the primary refuses must not keep others from their
//! secondaries.
//!
//! Operations on full catalogs depend on the primary's software and are behind [`CatalogHost`].
//!
//! Decided against: serials that the primary assigns (two primaries with the same data would contradict each other).

mod content;
mod error;
mod host;
pub(crate) mod name;
mod published;
mod reconcile;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use dns::{Serial, ZoneName};
use futures_util::{StreamExt, stream};
use store::Chain;
use store::{Clock, Journal};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::ask::{self, Asker};
use wire::tsig::TsigKey;
use wire::update::{self, Updater};

use crate::notify::Notifier;
use crate::signing;

pub use self::error::CatalogError;
pub use self::host::CatalogHost;
pub use self::name::CatalogName;
pub use self::published::Published;

use self::reconcile::Reached;

/// How many catalogs a sweep works on at a time.
const AT_ONCE: usize = 16;
/// Every so many sweeps the content is compared too.
const AUDIT_EVERY: u64 = 12;
/// How long versions are held back for a zone that the primary does not serve yet. Also the wait before a sweep that failed is
/// made again.
const HELD_BACK: Duration = Duration::from_secs(1);
/// Between two looks whether a zone has left.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How the primary is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How it takes a catalog as a whole.
    pub host: Arc<dyn CatalogHost>,
    /// Where it answers questions, transfers and updates.
    pub dns: SocketAddr,
    /// The key of updates and transfers.
    pub update_key: TsigKey,
    /// Notifies the secondaries.
    pub notifier: Notifier,
    /// Where the time comes from.
    pub clock: Clock,
}

/// The catalogs of one primary. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalogs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Journal,
    settings: Settings,
    asker: Asker,
    updater: Updater,
    slots: Box<[Slot]>,
    /// Something could not be published: the next sweep is due.
    overdue: Notify,
    has_begun: AtomicBool,
}

/// What is known of one catalog.
#[derive(Debug, Default)]
struct Slot {
    /// Counts the requests; a run handles all requests that existed when it began.
    wished: AtomicU64,
    fulfilled: AtomicU64,
    /// Held by the one run at a time.
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The serial that was last seen served.
    served: Option<Serial>,
    /// Since when versions are held back.
    held_since: Option<Instant>,
}

/// How a run begins.
#[derive(Debug, Clone, Copy)]
struct Begin {
    /// The served serial, if it is known; otherwise the primary is queried.
    served: Option<Serial>,
    /// Whether what is served may be wrong whatever its serial.
    compare: bool,
    /// Whether nothing is held back.
    force: bool,
}

/// What makes a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// A zone came.
    Publish,
    /// A zone goes, and it has waited long enough for those before it.
    Insist,
    /// The serials are queried.
    Sweep,
    /// The content is compared.
    Audit,
}

impl Catalogs {
    /// The catalogs of the primary that `settings` describe. Has to be called within a Tokio runtime; sends nothing yet.
    pub fn new(store: Journal, settings: Settings) -> Catalogs {
        let asker = Asker::new(settings.dns, ask::Settings { sockets: 1, ..ask::Settings::default() });
        // Beside the zones' own updates, within BIND's quota.
        let few = update::Settings { connections: 1, in_flight: AT_ONCE, ..update::Settings::default() };
        let updater = Updater::new(settings.dns, &settings.update_key, few, signing::clock(&settings.clock));
        let slots = (0..256).map(|_| Slot::default()).collect();
        let (overdue, has_begun) = (Notify::new(), AtomicBool::new(false));
        Catalogs { inner: Arc::new(Inner { store, settings, asker, updater, slots, overdue, has_begun }) }
    }

    /// Brings the catalog of a zone of this name, which the primary serves by now, to the store's newest version. Calls at the
    /// same time for zones of one catalog are served together, by one update. Where another zone of the catalog is not served
    /// yet, this one may be published with that one.
    ///
    /// # Errors
    ///
    /// See [`CatalogError`]. It may be called again, and the next sweep of [`Catalogs::run`] comes soon.
    pub async fn publish(&self, zone: &ZoneName) -> Result<(), CatalogError> {
        self.run_one(CatalogName::for_zone(zone), Occasion::Publish).await.map(drop)
    }

    /// Takes zones of this name that are deleted out of their catalog. When it returns, the primary's catalog is without them,
    /// and the zone may be removed from the primary.
    ///
    /// # Errors
    ///
    /// As [`Catalogs::publish`].
    pub async fn withdraw(&self, zone: &ZoneName) -> Result<(), CatalogError> {
        let catalog = CatalogName::for_zone(zone);
        let begun = Instant::now();
        loop {
            let reached = self.run_one(catalog, Occasion::Publish).await?;
            if !reached.held_back || !self.inner.has_left_since(catalog, reached.serial, zone).await? {
                return Ok(());
            }
            if begun.elapsed() > HELD_BACK {
                return self.run_one(catalog, Occasion::Insist).await.map(drop);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Brings all catalogs to their newest versions, by what the primary says it serves.
    ///
    /// # Errors
    ///
    /// The first error; the other catalogs are brought up to date all the same.
    pub async fn sweep(&self) -> Result<(), CatalogError> {
        self.for_all(Occasion::Sweep).await
    }

    /// As [`Catalogs::sweep`], but compares what is in them.
    ///
    /// # Errors
    ///
    /// As [`Catalogs::sweep`].
    pub async fn audit(&self) -> Result<(), CatalogError> {
        self.for_all(Occasion::Audit).await
    }

    /// Audits, then sweeps every `every`, and audits every twelfth time, until `stop`. Soon after something could not be published
    /// there is a sweep, too.
    ///
    /// To be called when the primary has all zones: before, there is nothing to tell secondaries, and catalogs would keep it from
    /// taking all zones at once. Until then, [`Published`] publishes nothing.
    pub async fn run(&self, every: Duration, stop: CancellationToken) {
        let sweeps = async {
            self.inner.has_begun.store(true, SeqCst);
            let mut number = 0_u64;
            loop {
                let swept = if number.is_multiple_of(AUDIT_EVERY) { self.audit().await } else { self.sweep().await };
                match swept {
                    Ok(()) => number += 1,
                    Err(error) => {
                        tracing::warn!(error = %Chain(&error), "catalogs are not up to date; retrying");
                        self.inner.overdue.notify_one();
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(every) => {}
                    () = self.inner.overdue.notified() => tokio::time::sleep(HELD_BACK).await,
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = sweeps => {}
        }
    }

    /// Notifies the secondaries.
    pub fn notifier(&self) -> &Notifier {
        &self.inner.settings.notifier
    }

    /// Whether [`Catalogs::run`] has begun to publish.
    fn has_begun(&self) -> bool {
        self.inner.has_begun.load(SeqCst)
    }

    /// A run for one zone; where it does not come to the end, the next sweep is due.
    async fn run_one(&self, catalog: CatalogName, occasion: Occasion) -> Result<Reached, CatalogError> {
        let outcome = self.inner.run(catalog, occasion).await;
        if outcome.as_ref().map_or(true, |reached| reached.held_back) {
            self.inner.overdue.notify_one();
        }
        outcome
    }

    async fn for_all(&self, occasion: Occasion) -> Result<(), CatalogError> {
        let runs = CatalogName::all().map(|catalog| self.inner.run(catalog, occasion));
        let results: Vec<_> = stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
        results.into_iter().try_for_each(|result| result.map(drop))
    }
}

impl Inner {
    async fn run(&self, catalog: CatalogName, occasion: Occasion) -> Result<Reached, CatalogError> {
        let slot = &self.slots[usize::from(catalog.0)];
        let wish = slot.wished.fetch_add(1, SeqCst) + 1;
        let mut seen = slot.seen.lock().await;
        if let (Occasion::Publish, Some(serial)) = (occasion, seen.served)
            && slot.fulfilled.load(SeqCst) >= wish
        {
            return Ok(Reached { serial, held_back: seen.held_since.is_some() });
        }
        let wishes = slot.wished.load(SeqCst);
        // What is remembered does not outlive a run that failed or was dropped.
        let served = seen.served.take().filter(|_| matches!(occasion, Occasion::Publish | Occasion::Insist));
        let waited_enough = seen.held_since.is_some_and(|since| since.elapsed() >= HELD_BACK);
        let force = waited_enough || occasion == Occasion::Insist;
        let reached = self.reconcile(catalog, Begin { served, compare: occasion == Occasion::Audit, force }).await?;
        seen.served = Some(reached.serial);
        seen.held_since = if reached.held_back { seen.held_since.or_else(|| Some(Instant::now())) } else { None };
        slot.fulfilled.store(wishes, SeqCst);
        Ok(reached)
    }
}
