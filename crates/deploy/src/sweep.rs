//! The comparison of all zones with what a nameserver serves: at start, and from time to time.
//!
//! Notifications of changes are only hints: one may be lost with a process, and a nameserver may change by itself. The sweep
//! makes the reconciler correct; the hints make it fast.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use dns::ZoneName;
use futures_util::{StreamExt, TryStreamExt, stream};
use store::{Backoff, Head, Journal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::nameserver::{DeployError, Nameserver, Served};
use crate::progress::Progress;
use store::Chain;

/// How many zones are read from the store at a time.
const PAGE: u32 = 2_000;
/// How many zones a nameserver is asked for at a time.
const ASKED_AT_ONCE: usize = 256;
/// The wait before a sweep that failed is taken up again.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
/// The longest such wait: nothing is deployed after a start before all zones were compared once.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a sweep says.
#[derive(Debug)]
pub(crate) enum Swept {
    /// The nameserver does not serve this zone's newest version.
    Differs(ZoneName),
    /// Every zone was compared; the zones that differ were sent before.
    Through,
}

/// Sweeps at once and then every `every`, until `stop` or until the receiver is gone. The bounded channel keeps a sweep over a
/// million zones from running ahead of the driver.
pub(crate) async fn sweep_for_ever(
    store: Journal,
    nameserver: Arc<dyn Nameserver>,
    progress: Arc<Progress>,
    swept: mpsc::Sender<Swept>,
    every: Duration,
    stop: CancellationToken,
) {
    let sweeps = async {
        nameserver.ready().await;
        let mut is_first = true;
        let mut backoff = Backoff::new(PAUSE_AFTER_ERROR, LONGEST_PAUSE);
        while !swept.is_closed() {
            match sweep(&store, &*nameserver, &swept, is_first).await {
                Ok(()) => {
                    progress.set_unreachable(false);
                    is_first = false;
                    backoff.worked();
                    tokio::time::sleep(every).await;
                }
                Err(error) => {
                    progress.set_unreachable(matches!(error, DeployError::Unreachable(_)));
                    let (error, pause) = (Chain(&error).to_string(), backoff.failed());
                    let server = nameserver.name();
                    tracing::warn!(server.id = server, error, again_in = ?pause, "zones could not be compared");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = sweeps => {}
    }
}

/// Whether the nameserver serves this version of this very zone. One that serves a later version is looked at again: the zone
/// may have moved since the head was read, or the nameserver may be ahead of the store.
fn is_exactly_at(head: &Head, served: Served) -> bool {
    served.id == Some(head.id) && served.serial == head.serial
}

async fn sweep(
    store: &Journal,
    nameserver: &dyn Nameserver,
    swept: &mpsc::Sender<Swept>,
    is_first: bool,
) -> Result<(), DeployError> {
    // Listed before the store is read: what is made meanwhile is no orphan.
    let has = nameserver.zones().await?;
    let mut wanted = HashSet::new();
    let mut after = None;
    loop {
        let heads = store.heads(after, PAGE).await?;
        let Some(last) = heads.last() else { break };
        after = Some(last.id);
        if !has.is_empty() {
            wanted.extend(heads.iter().map(|head| head.id));
        }
        let wanted = heads.iter().map(|head| (&head.name, Some(head)));
        if tell_differing(nameserver, swept, wanted).await?.is_break() {
            return Ok(());
        }
    }
    if after.is_none() {
        answers(nameserver).await?;
    }
    if is_first && tell_deleted(store, nameserver, swept).await?.is_break() {
        return Ok(());
    }
    for (name, _) in has.into_iter().filter(|(_, id)| !wanted.contains(id)) {
        if swept.send(Swept::Differs(name)).await.is_err() {
            return Ok(());
        }
    }
    // The receiver is gone.
    let _ = swept.send(Swept::Through).await;
    Ok(())
}

/// Fails where the nameserver does not answer, which shows by no zone where there are none.
async fn answers(nameserver: &dyn Nameserver) -> Result<(), DeployError> {
    // Not a name of the catalogs, for which nameservers are not asked.
    let Ok(nobodys) = ZoneName::parse("no-such-zone.invalid") else { return Ok(()) };
    match nameserver.served(&nobodys).await {
        Err(error @ DeployError::Unreachable(_)) => Err(error),
        _ => Ok(()),
    }
}

/// Sends the zones that were deleted while this server was not running, including those whose files are gone and that only the
/// nameserver knows. Later removals come through the journal.
async fn tell_deleted(
    store: &Journal,
    nameserver: &dyn Nameserver,
    swept: &mpsc::Sender<Swept>,
) -> Result<ControlFlow<()>, DeployError> {
    let mut after = None;
    loop {
        let names = store.deleted_names(after, PAGE).await?;
        let Some(last) = names.last() else { return Ok(ControlFlow::Continue(())) };
        after = Some(last.clone());
        if tell_differing(nameserver, swept, names.iter().map(|name| (name, None))).await?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

/// Queries the served serials of some zones, and sends those that differ. Stops if the receiver is gone.
async fn tell_differing(
    nameserver: &dyn Nameserver,
    swept: &mpsc::Sender<Swept>,
    wanted: impl Iterator<Item = (&ZoneName, Option<&Head>)> + Send,
) -> Result<ControlFlow<()>, DeployError> {
    let differing = stream::iter(wanted)
        .map(|(name, wanted)| async move {
            let is_in_order = match (nameserver.served(name).await, wanted) {
                (Ok(Some(served)), Some(head)) => is_exactly_at(head, served),
                (Ok(served), wanted) => served.is_none() && wanted.is_none(),
                (Err(error @ DeployError::Unreachable(_)), _) => return Err(error),
                // An error of one zone: the driver remembers it, and the sweep continues.
                (Err(_), _) => false,
            };
            Ok((!is_in_order).then(|| name.clone()))
        })
        .buffer_unordered(ASKED_AT_ONCE)
        .try_filter_map(|name| async { Ok(name) })
        .boxed();
    // All responses are collected before any zone is sent. Otherwise the other queries would stop whenever the driver is busy,
    // and block the queries that the driver itself waits for.
    let differing: Vec<ZoneName> = differing.try_collect().await?;
    for name in differing {
        if swept.send(Swept::Differs(name)).await.is_err() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
