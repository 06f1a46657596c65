//! One zone on one nameserver: what is served, what should be, and the step between.
//!
//! Nothing is remembered from one run to the next, and nothing is told by the caller beside the name. A run can therefore be
//! repeated, delayed or cut off anywhere, and the next one ends in the same place.

use std::cmp::Ordering;

use dns::{Serial, ZoneName};
use store::{Head, Step, Store};

use crate::nameserver::{DeployError, Nameserver, Served};

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing was to do.
    InSync,
    /// The difference was applied.
    Applied,
    /// The whole zone was loaded.
    Loaded,
    /// The whole zone was written anew.
    Rebuilt,
    /// The zone was removed.
    Removed,
}

/// Brings one nameserver to the newest version of the zone of that name.
pub(crate) async fn reconcile(
    store: &Store,
    nameserver: &dyn Nameserver,
    name: &ZoneName,
) -> Result<Outcome, DeployError> {
    let served = nameserver.served(name).await?;
    let mut whole = Whole::Load;
    if let Some(served) = served {
        match step(store, nameserver, served).await? {
            Next::Done(outcome) => return Ok(outcome),
            Next::Take(wanted) => whole = wanted,
        }
    }
    let Some(head) = store.head(name).await? else {
        // Also where nothing is served: there may be a file, or a zone that could not be loaded.
        nameserver.remove(name).await?;
        return Ok(if served.is_some() { Outcome::Removed } else { Outcome::InSync });
    };
    if let Some(served) = served {
        if served.id.is_some_and(|id| id != head.id) {
            // The zone of that name is another one now: nothing of the old one may shine through.
            nameserver.remove(name).await?;
        } else if served.serial.is_newer_than(head.serial) {
            // The head was read after the serial, so the store was never there: a backup was restored, or the zone was changed
            // on the nameserver.
            raise(store, nameserver, &head, served.serial).await?;
        }
    }
    match take(store, nameserver, &head, whole).await {
        Err(DeployError::Ahead { served }) => {
            raise(store, nameserver, &head, served).await?;
            take(store, nameserver, &head, whole).await
        }
        result => result,
    }
}

/// How a nameserver is given a whole zone.
#[derive(Debug, Clone, Copy)]
enum Whole {
    /// So that it serves this content in the end.
    Load,
    /// Written anew, whatever is there.
    Rebuild,
}

/// What comes after a look at the journal.
enum Next {
    Done(Outcome),
    Take(Whole),
}

async fn take(store: &Store, nameserver: &dyn Nameserver, head: &Head, whole: Whole) -> Result<Outcome, DeployError> {
    // Deleted since the head was read: that deletion is a move of its own, and wakes another run.
    let Some(zone) = store.snapshot(head.id).await? else { return Ok(Outcome::InSync) };
    match whole {
        Whole::Load => nameserver.load(zone).await.map(|()| Outcome::Loaded),
        Whole::Rebuild => nameserver.rebuild(zone).await.map(|()| Outcome::Rebuilt),
    }
}

async fn raise(store: &Store, nameserver: &dyn Nameserver, head: &Head, above: Serial) -> Result<(), DeployError> {
    tracing::warn!(
        zone.name = %head.name, server.id = nameserver.name(), served = %above, head = %head.serial,
        "a nameserver is ahead of the store; the zone gets a version above"
    );
    store.raise_serial(head.id, above).await?;
    Ok(())
}

/// The usual case, by one look at the journal: the zone that is served has a newer version, and the step to it is made. Where
/// that is not so, or where the nameserver diverged, it takes the whole zone.
async fn step(store: &Store, nameserver: &dyn Nameserver, served: Served) -> Result<Next, DeployError> {
    let Some(id) = served.id else { return Ok(Next::Take(Whole::Load)) };
    let delta = match store.step(id, served.serial).await? {
        Some(Step::Delta(delta)) => delta,
        Some(Step::Rebuild) => return Ok(Next::Take(Whole::Rebuild)),
        None => return Ok(Next::Take(Whole::Load)),
    };
    if delta.to.serial == served.serial {
        return Ok(Next::Done(Outcome::InSync));
    }
    match nameserver.apply(delta).await {
        Ok(()) => Ok(Next::Done(Outcome::Applied)),
        Err(DeployError::Diverged(why)) => {
            tracing::warn!(server.id = nameserver.name(), why, "a nameserver diverged; the whole zone is loaded");
            Ok(Next::Take(Whole::Load))
        }
        Err(DeployError::NeedsLoad(why)) => {
            tracing::info!(server.id = nameserver.name(), why, "the whole zone is loaded");
            Ok(Next::Take(Whole::Load))
        }
        Err(other) => Err(other),
    }
}

/// Whether the nameserver serves this version or a later one of the same zone.
pub(crate) fn is_at(head: &Head, served: Served) -> bool {
    served.id.is_none_or(|id| id == head.id)
        && matches!(served.serial.partial_cmp(&head.serial), Some(Ordering::Equal | Ordering::Greater))
}
