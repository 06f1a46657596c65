//! Notifies secondaries of new versions (NOTIFY, RFC 1996), repeatedly until they serve them.
//!
//! named can do this itself, but badly. It sends by a clock, ten at each tick at the configured rates, so that the second
//! secondary of a zone waits for the next tick. With short ticks, named 9.18 spins until its coarse clock has moved (about 2 ms
//! at each tick with Linux's usual 250 Hz), which takes a third of a processor under load. And it notifies only once: a secondary
//! that ignores it, because it just failed to transfer the zone, checks again after a minute.
//!
//! So this server notifies them as soon as the primary has taken a step, signed with the shared key:
//!
//! ```text
//!   tell(zone, serial) --> NOTIFY, sent again until it is answered --> a pause --> which serial is served?
//!                            ^                                                       |     |
//!                            |             older, or none: a longer pause            |     `--> that one, or a later: done
//!                            `------------------------------------------------------'
//! ```
//!
//! There is one such task for each zone and secondary at a time, and further notifications meanwhile join it. It ends after some
//! minutes in which the secondary responds but does not get the version, and when this server stops: so all zones are compared at
//! the start and from time to time ([`Notifier::sweep_for_ever`]).
//!
//! Decided against: one shared socket with many NOTIFYs in flight, as for SOA queries. A separate socket for each is less code,
//! equally hard to spoof, and cheap at a few hundred per second.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dns::{Serial, ZoneId, ZoneName};
use domain::base::iana::Rcode;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use store::{Chain, Clock, Head, Journal, StoreError};
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wire::ask::{self, AskError, Asker};
use wire::notify::NotifyClient;
use wire::tsig::TsigKey;

use crate::catalog::name::CatalogName;
use crate::{secondary, signing};

/// How many NOTIFYs a secondary has to answer at a time; others wait.
const IN_FLIGHT: usize = 64;
/// When a secondary is first polled for the version that it was notified of.
const FIRST_LOOK: Duration = Duration::from_millis(200);
/// After each look that finds something older the pause is doubled, up to this.
const LAST_LOOK: Duration = Duration::from_secs(30);
/// After this many checks (more than two minutes) with an older serial or no such zone, a zone is left to the sweep, and a
/// catalog to the secondary's own check once a minute: the secondary may be configured for fewer zones, or refuse this one.
const MAX_LOOKS: u32 = 11;
/// Beyond so many zones that one secondary was not seen to serve, the others are left to the sweep.
const MAX_BEHIND: usize = 20_000;
/// How many zones a sweep reads from the store at a time, and how long it rests after each page.
const PAGE: u32 = 1_000;
const REST: Duration = Duration::from_millis(500);
/// How many zones a sweep asks for at a time.
const ASKED_AT_ONCE: usize = 32;
/// Tells the secondaries of one primary. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Notifier {
    followers: Arc<[Arc<Follower>]>,
}

impl Notifier {
    /// Creates the notifier for these secondaries, with the transfer key, until `stop`. Must be called within a Tokio runtime.
    pub fn new(secondaries: &[SocketAddr], key: &TsigKey, clock: &Clock, stop: &CancellationToken) -> Notifier {
        let follower = |address: &SocketAddr| {
            metrics::counter!("zonewright_notify_errors_total", "nameserver" => secondary::name(*address)).increment(0);
            Arc::new(Follower {
                address: *address,
                notify: NotifyClient::new(*address, key, signing::clock(clock)),
                asker: Asker::new(*address, ask::Settings { sockets: 1, ..ask::Settings::default() }),
                behind: Mutex::default(),
                places: Semaphore::new(IN_FLIGHT),
                is_failing: AtomicBool::new(false),
                stop: stop.clone(),
            })
        };
        Notifier { followers: secondaries.iter().map(follower).collect() }
    }

    /// Tells all secondaries that the primary serves this version. Returns at once.
    pub fn tell(&self, zone: &ZoneName, serial: Serial) {
        for follower in &*self.followers {
            follower.tell(zone, serial);
        }
    }

    /// Leaves off telling of a zone.
    pub fn forget(&self, zone: &ZoneName) {
        for follower in &*self.followers {
            follower.behind().remove(zone);
        }
    }

    /// Compares all zones of the store with the secondaries, slowly, and notifies those that are behind; waits `every`, and
    /// repeats, until the stop. If a secondary has a later version than the store, as after a backup was restored, the zone gets
    /// a higher serial.
    pub async fn sweep_for_ever(&self, store: Journal, every: Duration) {
        let sweeps = self.followers.iter().map(|follower| async {
            // An interrupted comparison continues where it was.
            let mut after = None;
            loop {
                match follower.sweep(&store, &mut after).await {
                    Ok(0) => {}
                    Ok(zones) => {
                        tracing::info!(server.address = %follower.address, zones, "a secondary was behind and is notified again");
                    }
                    Err(error) => {
                        let error = Chain(&error).to_string();
                        tracing::warn!(server.address = %follower.address, error, "a secondary could not be compared");
                    }
                }
                sleep(every).await;
            }
        });
        let Some(stop) = self.followers.first().map(|follower| &follower.stop) else { return };
        tokio::select! {
            () = stop.cancelled() => {}
            _ = join_all(sweeps) => {}
        }
    }
}

/// One secondary that is notified.
#[derive(Debug)]
struct Follower {
    address: SocketAddr,
    notify: NotifyClient,
    asker: Asker,
    /// The zones of which it was not yet seen to serve this version. Each has its task.
    behind: Mutex<HashMap<ZoneName, watch::Sender<Serial>>>,
    places: Semaphore,
    /// Whether its last NOTIFY failed, so that only the first failure is logged.
    is_failing: AtomicBool,
    stop: CancellationToken,
}

impl Follower {
    fn tell(self: &Arc<Self>, zone: &ZoneName, serial: Serial) {
        let mut behind = self.behind();
        if let Some(told) = behind.get(zone).filter(|told| !told.is_closed()) {
            // Also where it is the same: then the primary serves it only now.
            told.send_modify(|told| *told = if serial.is_newer_than(*told) { serial } else { *told });
        } else if behind.len() < MAX_BEHIND {
            let (told, newest) = watch::channel(serial);
            behind.insert(zone.clone(), told);
            let (follower, zone) = (Arc::clone(self), zone.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = follower.stop.cancelled() => {}
                    () = follower.bring(&zone, newest) => {}
                }
            });
        }
    }

    /// Notifies a secondary of a zone until it serves the version, or until the zone is deleted or the time is up.
    async fn bring(&self, zone: &ZoneName, mut newest: watch::Receiver<Serial>) {
        let mut pause = FIRST_LOOK;
        let mut looks = 0;
        loop {
            let Ok(place) = self.places.acquire().await else { return };
            if newest.has_changed().is_err() {
                return;
            }
            newest.mark_unchanged();
            self.notify(zone).await;
            drop(place);
            tokio::select! {
                // Including later notifications: they may have come after the query that the NOTIFY caused.
                _ = newest.changed() => (pause, looks) = (FIRST_LOOK, 0),
                () = sleep(pause) => {
                    pause = LAST_LOOK.min(pause * 2);
                    let served = match self.asker.serial(zone).await {
                        Ok(served) => Some(served),
                        Err(AskError::Rcode(_) | AskError::Malformed) => Some(None),
                        // Without a response, nothing is known.
                        Err(_) => None,
                    };
                    if let Some(served) = served {
                        looks += 1;
                        if self.is_done(zone, &newest, served, looks) {
                            return;
                        }
                    }
                    if newest.has_changed().unwrap_or(false) {
                        (pause, looks) = (FIRST_LOOK, 0);
                    }
                }
            }
        }
    }

    /// Whether the notifications of a zone can end, from the served serial and the number of checks. The zone is then no longer
    /// behind.
    fn is_done(&self, zone: &ZoneName, newest: &watch::Receiver<Serial>, served: Option<Serial>, looks: u32) -> bool {
        let mut behind = self.behind();
        // Where it was forgotten meanwhile, what stands under its name is another task's.
        let Ok(is_told_again) = newest.has_changed() else { return true };
        let is_there = served.is_some_and(|served| !newest.borrow().is_newer_than(served));
        let is_done = is_there || (looks >= MAX_LOOKS && !is_told_again);
        if is_done {
            behind.remove(zone);
        }
        is_done
    }

    /// One NOTIFY, sent until it is answered or given up.
    async fn notify(&self, zone: &ZoneName) {
        match self.notify.send(zone).await {
            // Of a zone that it has not heard of yet it is no authority.
            Ok(Rcode::NOERROR | Rcode::NOTAUTH) => {
                if self.is_failing.swap(false, Relaxed) {
                    tracing::info!(server.address = %self.address, "the secondary accepts NOTIFY messages again");
                }
            }
            Ok(rcode) => self.failed(&Refused(rcode)),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &dyn Error) {
        metrics::counter!("zonewright_notify_errors_total", "nameserver" => secondary::name(self.address)).increment(1);
        if !self.is_failing.swap(true, Relaxed) {
            let error = Chain(error).to_string();
            tracing::warn!(server.address = %self.address, error, "a secondary could not be notified of a change; retrying");
        }
    }

    /// Compares the zones after `after` to the last one; returns how many were behind. Zones that the secondary does not serve
    /// are not counted: it learns of them from the catalogs, or is not configured for them.
    async fn sweep(self: &Arc<Self>, store: &Journal, after: &mut Option<ZoneId>) -> Result<usize, SweepError> {
        let mut found = 0;
        loop {
            let heads = store.heads(*after, PAGE).await?;
            let Some(last) = heads.last().map(|head| head.id) else {
                *after = None;
                return Ok(found);
            };
            let ask = |head: Head| async move { (self.asker.serial(&head.name).await, head) };
            let mut answers = stream::iter(heads).map(ask).buffer_unordered(ASKED_AT_ONCE);
            while let Some((answer, head)) = answers.next().await {
                match answer {
                    Ok(None) => {}
                    // What is served there is a catalog, and says nothing of an account's zone of its name.
                    _ if CatalogName::is_reserved(&head.name) => {}
                    Ok(Some(served)) if served == head.serial => {}
                    Ok(Some(served)) if served.is_newer_than(head.serial) => {
                        self.is_ahead(store, &head.name, served).await?;
                    }
                    // An answer that is an error concerns this zone; no answer concerns all.
                    Ok(Some(_)) | Err(AskError::Rcode(_) | AskError::Malformed) => {
                        found += 1;
                        if !self.behind().contains_key(&head.name) {
                            self.tell(&head.name, head.serial);
                        }
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            *after = Some(last);
            sleep(REST).await;
        }
    }

    /// Has a zone continue above what the secondary serves, unless the zone has only moved since it was compared.
    async fn is_ahead(&self, store: &Journal, name: &ZoneName, served: Serial) -> Result<(), SweepError> {
        let Some(head) = store.head(name).await?.filter(|head| served.is_newer_than(head.serial)) else {
            return Ok(());
        };
        if let Some(serial) = store.raise_serial(head.id, served).await? {
            tracing::warn!(
                zone.name = %name, server.address = %self.address, %served, %serial,
                "a secondary is ahead of the store; the zone gets a version with a higher serial"
            );
        }
        Ok(())
    }

    fn behind(&self) -> MutexGuard<'_, HashMap<ZoneName, watch::Sender<Serial>>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A secondary understood a NOTIFY and refused it.
#[derive(Debug, thiserror::Error)]
#[error("it responded to a NOTIFY with {0}: does it accept them with this key (allow-notify)?")]
struct Refused(Rcode);

/// Why a comparison came to no end.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error("the store could not be read")]
    Store(#[from] StoreError),
    #[error("it does not respond")]
    Ask(#[from] AskError),
}
