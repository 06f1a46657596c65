//! One zone on one nameserver: the served version, the wanted version, and the operation between them.
//!
//! No state is kept from one run to the next, and the caller passes only the name and a guess of the served serial. So a run can
//! be repeated, delayed or aborted anywhere, and the next one ends in the same state.
//!
//! There are two halves: [`step`] handles quick operations, and returns what it cannot do, for [`take`].

use std::cmp::Ordering;

use dns::{Serial, ZoneName};
use store::{Head, Journal, Step};

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
    /// The full zone was written again.
    Rebuilt,
    /// The zone was removed.
    Removed,
}

/// What comes of trying a step.
#[derive(Debug)]
pub(crate) enum Next {
    /// The zone is in order, and perhaps known to be served so.
    Done(Outcome, Option<Served>),
    /// It needs [`take`].
    Take(Whole),
}

/// How a nameserver is given a whole zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// So that it serves this content in the end, or nothing.
    Load,
    /// The full zone is written again, whatever is served.
    Rebuild,
}

/// The usual case, by one look at the journal: a zone that is served has a newer version, and the step to it is made. With a
/// guess of what is served, the nameserver is asked only if that step cannot be made.
pub(crate) async fn step(
    store: &Journal,
    nameserver: &dyn Nameserver,
    name: &ZoneName,
    guess: Option<Served>,
) -> Result<Next, DeployError> {
    if let Some(guess) = guess
        && let Tried::Applied(served) = try_step(store, nameserver, guess).await?
    {
        return Ok(Next::Done(Outcome::Applied, Some(served)));
    }
    let Some(served) = nameserver.served(name).await? else { return Ok(Next::Take(Whole::Load)) };
    match try_step(store, nameserver, served).await? {
        Tried::Applied(served) => Ok(Next::Done(Outcome::Applied, Some(served))),
        Tried::InSync => Ok(Next::Done(Outcome::InSync, Some(served))),
        Tried::NoStep => Ok(Next::Take(Whole::Load)),
        Tried::Rebuild => Ok(Next::Take(Whole::Rebuild)),
        Tried::Diverged(why) => {
            let server = nameserver.name();
            tracing::warn!(zone.name = %name, server.id = server, why, "a nameserver diverged; the whole zone is loaded");
            Ok(Next::Take(Whole::Load))
        }
        Tried::NeedsLoad(why) => {
            tracing::info!(zone.name = %name, server.id = nameserver.name(), why, "the whole zone is loaded");
            Ok(Next::Take(Whole::Load))
        }
    }
}

enum Tried {
    Applied(Served),
    InSync,
    /// The journal has no step from there.
    NoStep,
    Rebuild,
    /// The nameserver serves something else.
    Diverged(String),
    /// The nameserver cannot make it.
    NeedsLoad(String),
}

async fn try_step(store: &Journal, nameserver: &dyn Nameserver, served: Served) -> Result<Tried, DeployError> {
    let Some(id) = served.id else { return Ok(Tried::NoStep) };
    let delta = match store.step(id, served.serial).await? {
        Some(Step::Delta(delta)) => delta,
        Some(Step::Rebuild) => return Ok(Tried::Rebuild),
        None => return Ok(Tried::NoStep),
    };
    let serial = delta.to.serial;
    if serial == served.serial {
        return Ok(Tried::InSync);
    }
    match nameserver.apply(delta).await {
        Ok(()) => Ok(Tried::Applied(Served { id: Some(id), serial })),
        Err(DeployError::Diverged(why)) => Ok(Tried::Diverged(why)),
        Err(DeployError::NeedsLoad(why)) => Ok(Tried::NeedsLoad(why)),
        Err(other) => Err(other),
    }
}

/// Brings a nameserver to the newest version of the zone of that name, whatever it serves: gives it all of the zone, or removes it.
pub(crate) async fn bring_to_head(
    store: &Journal,
    nameserver: &dyn Nameserver,
    name: &ZoneName,
    whole: Whole,
) -> Result<Outcome, DeployError> {
    let served = nameserver.served(name).await?;
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
    match send_whole(store, nameserver, &head, whole).await {
        Err(DeployError::Ahead { served }) => {
            raise(store, nameserver, &head, served).await?;
            send_whole(store, nameserver, &head, whole).await
        }
        result => result,
    }
}

async fn send_whole(
    store: &Journal,
    nameserver: &dyn Nameserver,
    head: &Head,
    whole: Whole,
) -> Result<Outcome, DeployError> {
    // Deleted since the head was read: that deletion is a move of its own, and wakes another run.
    let Some(zone) = store.snapshot(head.id).await? else { return Ok(Outcome::InSync) };
    match whole {
        Whole::Load => nameserver.load(zone).await.map(|()| Outcome::Loaded),
        Whole::Rebuild => nameserver.rebuild(zone).await.map(|()| Outcome::Rebuilt),
    }
}

async fn raise(store: &Journal, nameserver: &dyn Nameserver, head: &Head, above: Serial) -> Result<(), DeployError> {
    tracing::warn!(
        zone.name = %head.name, server.id = nameserver.name(), served = %above, head = %head.serial,
        "a nameserver is ahead of the store; the zone gets a version with a higher serial"
    );
    store.raise_serial(head.id, above).await?;
    Ok(())
}

/// Whether the nameserver serves this version or a later one of the same zone.
pub(crate) fn is_at(head: &Head, served: Served) -> bool {
    served.id.is_none_or(|id| id == head.id)
        && matches!(served.serial.partial_cmp(&head.serial), Some(Ordering::Equal | Ordering::Greater))
}
