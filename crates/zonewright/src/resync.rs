//! `zonewright deploy resync`: rewrites zones on every nameserver, while the server runs.
//!
//! The request is stored as a version without changes, which nameservers load as a full zone. The server notices it like any
//! other version, within a second; a server that is not running does so at its next start. The serial is higher than the serials
//! that nameservers serve now, so that the command also repairs zones that were edited by hand, and secondaries transfer the full
//! zone, because the primary has no journal of it.
//!
//! Only some zones are in progress at a time, so that customers' changes do not wait for a hundred thousand rebuilds.
//!
//! Decided against: a request to the running server, which would have to be found and would have to authenticate the caller; and
//! comparing the zones in this command, which cannot cover later changes.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use dns::{Serial, ZoneName};
use store::{Head, Store};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use wire::ask::Asker;

use crate::cli::ServeFlags;
use crate::config::Config;
use crate::database::open_existing_store;
use crate::failure::{Failure, chain};
use crate::operands::no_zone;
use crate::output::print;
use crate::status::{ask, line, nameservers};

/// The number of zones in progress at a time.
const AT_ONCE: usize = 32;
/// How many zones are read at a time.
const PAGE: u32 = 1000;
/// How long a zone may stay as it is on all nameservers before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long nothing at all may happen at the beginning: a server that runs notices within a second.
const FIRST_PATIENCE: Duration = Duration::from_secs(10);
/// The next look comes after this time, ...
const FIRST_LOOK: Duration = Duration::from_millis(10);
/// ... then later and later, up to this.
const LAST_LOOK: Duration = Duration::from_millis(250);
/// How often it is said how far it is.
const SAY_EVERY: Duration = Duration::from_secs(2);

type Nameservers = Arc<[(SocketAddr, Asker)]>;

/// Exit code 0 if every nameserver serves every rewritten zone, 1 otherwise.
pub(crate) async fn resync(domain: Option<ZoneName>, serve: &ServeFlags) -> Result<ExitCode, Failure> {
    let config = Config::load_beside(serve)?;
    let store = open_existing_store(&config)?;
    let nameservers = nameservers(&config);
    if nameservers.is_empty() {
        return Err(Failure::Other("no nameserver is configured (nameserver = \"none\", no secondary)".to_owned()));
    }
    let is_one = domain.is_some();
    let heads = match domain {
        Some(domain) => vec![store.journal().head(&domain).await?.ok_or_else(|| no_zone(&domain))?],
        None => all(&store).await?,
    };
    let tally = rebuild_all(&store, &nameservers, heads, is_one).await?;
    store.close().await;
    let (zones, behind) = (tally.in_sync + tally.behind, tally.behind);
    print(&format!("{zones} zones; {} nameservers; {behind} not in sync\n", nameservers.len()))?;
    if tally.is_ignored {
        return Err(Failure::Other(format!(
            "no nameserver was updated within {} s. Check that `zonewright serve` runs on this database; the zones are \
             rewritten when it runs",
            FIRST_PATIENCE.as_secs()
        )));
    }
    Ok(if behind == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How it went.
#[derive(Default)]
struct Tally {
    in_sync: usize,
    behind: usize,
    /// Nothing was rewritten: no server is running.
    is_ignored: bool,
}

async fn all(store: &Store) -> Result<Vec<Head>, Failure> {
    let mut all = Vec::new();
    loop {
        let page = store.journal().heads(all.last().map(|head: &Head| head.id), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn rebuild_all(
    store: &Store,
    nameservers: &Nameservers,
    heads: Vec<Head>,
    print_all: bool,
) -> Result<Tally, Failure> {
    let total = heads.len();
    let mut waiting = heads.into_iter();
    let mut running = JoinSet::new();
    let mut tally = Tally::default();
    let has_moved = Arc::<AtomicBool>::default();
    let begun = Instant::now();
    let mut say = tokio::time::interval_at(Instant::now() + SAY_EVERY, SAY_EVERY);
    say.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        while running.len() < AT_ONCE
            && let Some(head) = waiting.next()
        {
            running.spawn(rebuild(store.clone(), Arc::clone(nameservers), head, Arc::clone(&has_moved)));
        }
        tokio::select! {
            ended = running.join_next() => {
                let Some(ended) = ended else { return Ok(tally) };
                // Deleted meanwhile, a zone is no concern any more.
                let Some(outcome) = ended.map_err(|error| Failure::Other(chain(&error)))?? else { continue };
                *(if outcome.in_sync { &mut tally.in_sync } else { &mut tally.behind }) += 1;
                if print_all || !outcome.in_sync {
                    print(&outcome.lines)?;
                }
            }
            _ = say.tick() => {
                if begun.elapsed() >= FIRST_PATIENCE && !has_moved.load(Relaxed) {
                    return Ok(Tally { behind: total, is_ignored: true, ..tally });
                }
                print(&format!("{} of {total} zones rewritten\n", tally.in_sync))?;
            }
        }
    }
}

/// What became of a zone.
struct Outcome {
    in_sync: bool,
    /// What each nameserver serves.
    lines: String,
}

/// Requests the rewriting of a zone, and waits until it is served or the time is up. `None`: the zone was deleted.
async fn rebuild(
    store: Store,
    nameservers: Nameservers,
    head: Head,
    has_moved: Arc<AtomicBool>,
) -> Result<Option<Outcome>, Failure> {
    let mut last = served(&nameservers, &head.name).await;
    let highest = last.iter().flatten().flatten().copied().reduce(|a, b| if b.is_newer_than(a) { b } else { a });
    let Some(serial) = store.journal().rebuild(head.id, highest).await? else { return Ok(None) };
    let head = Head { serial, ..head };
    let mut moved_at = Instant::now();
    let mut pause = FIRST_LOOK;
    loop {
        tokio::time::sleep(pause).await;
        pause = LAST_LOOK.min(pause * 2);
        let now = served(&nameservers, &head.name).await;
        if now != last {
            has_moved.store(true, Relaxed);
            moved_at = Instant::now();
            last.clone_from(&now);
        }
        // A zone that was deleted is not served any more.
        let Some(newest) = store.journal().head(&head.name).await?.filter(|newest| newest.id == head.id) else {
            return Ok(None);
        };
        let answers = nameservers.iter().zip(now).map(|((address, _), served)| {
            // A version that was created after the rewriting includes it.
            let is_between =
                |served: &Serial| !head.serial.is_newer_than(*served) && !served.is_newer_than(newest.serial);
            let is_there = matches!(&served, Ok(Some(served)) if is_between(served));
            let (_, line) = line(&newest, *address, served);
            (is_there, line)
        });
        let (in_sync, lines): (Vec<bool>, Vec<String>) = answers.unzip();
        let in_sync = in_sync.into_iter().all(|in_sync| in_sync);
        if in_sync || moved_at.elapsed() >= PATIENCE {
            return Ok(Some(Outcome { in_sync, lines: lines.concat() }));
        }
    }
}

/// What each nameserver serves of a zone.
async fn served(nameservers: &Nameservers, name: &ZoneName) -> Vec<Result<Option<Serial>, String>> {
    let mut all = Vec::with_capacity(nameservers.len());
    for (_, asker) in &**nameservers {
        all.push(ask(asker, name).await);
    }
    all
}
