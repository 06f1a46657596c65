//! What the reconciler needs of a nameserver of any kind.

use std::error::Error;

use dns::{Serial, ZoneDelta, ZoneId, ZoneName, ZoneSnapshot};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use store::Journal;

/// A nameserver that can be asked what it serves.
pub trait Witness: Send + Sync + 'static {
    /// What it is called in answers, logs and metrics; unique among the nameservers of a node.
    fn name(&self) -> &str;

    /// How it is reached.
    fn kind(&self) -> NameserverKind;

    /// What it serves under a name at this moment: asked, not remembered.
    fn served<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<Option<Served>, DeployError>>;

    /// Why nothing can be deployed to it yet, in a few words for everybody: no paths, no addresses. `None` after
    /// [`Nameserver::ready`].
    fn waits_for(&self) -> Option<&'static str> {
        None
    }
}

/// A nameserver that zones are deployed to.
///
/// Each call either succeeds or fails and can be repeated, and does not depend on earlier calls. The reconciler never makes two
/// calls for one zone name at the same time.
pub trait Nameserver: Witness {
    /// Resolves when zones can be deployed to it for the first time since the start; what is called before that fails. It may
    /// take minutes, and nothing but the deployment to this nameserver waits for it. May be called more than once.
    fn ready(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }

    /// Makes it serve exactly this content, whatever it served under that name before.
    fn load(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>>;

    /// Rewrites the zone whatever is served, as the operator requested, so that secondaries transfer the full zone too.
    fn rebuild(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>> {
        self.load(zone)
    }

    /// Makes it serve the later version, if it serves exactly the earlier one: compare-and-set.
    ///
    /// # Errors
    ///
    /// [`DeployError::Diverged`] where it serves something else, [`DeployError::NeedsLoad`] where this step cannot be made;
    /// nothing has changed then.
    fn apply(&self, delta: ZoneDelta) -> BoxFuture<'_, Result<(), DeployError>>;

    /// Makes it serve nothing under that name, and leaves nothing of the zone behind.
    fn remove<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<(), DeployError>>;

    /// All zones of the nameserver, served or not, as far as it can list them, including zones that were deleted from the store
    /// while this server was not running.
    fn zones(&self) -> BoxFuture<'_, Result<Vec<(ZoneName, ZoneId)>, DeployError>> {
        ready(Ok(Vec::new())).boxed()
    }

    /// Takes all zones of the store at once, where it has none and can do that faster than one by one. Called before
    /// anything else; what it does not take is loaded afterwards.
    fn seed<'a>(&'a self, _store: &'a Journal) -> BoxFuture<'a, Result<(), DeployError>> {
        ready(Ok(())).boxed()
    }
}

/// The kinds of nameserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameserverKind {
    /// The small nameserver in this process.
    Embedded,
    /// A BIND primary on this host.
    Bind9,
    /// A secondary of any make: asked, not deployed to.
    Secondary,
}

impl NameserverKind {
    /// Its name in answers and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            NameserverKind::Embedded => "embedded",
            NameserverKind::Bind9 => "bind9",
            NameserverKind::Secondary => "secondary",
        }
    }
}

/// What a nameserver serves under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// The zone's identity, if the nameserver knows it; a zone that was deleted and created again is another one.
    pub id: Option<ZoneId>,
    /// The version.
    pub serial: Serial,
}

/// Why an operation on a nameserver failed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// It serves something else than the step starts from.
    #[error("it serves other data than expected ({0})")]
    Diverged(String),
    /// The step cannot be made by itself; the whole zone has to be loaded.
    #[error("the full zone must be loaded: {0}")]
    NeedsLoad(String),
    /// It serves a later version than the store has, or another content under the store's version: the store has to move
    /// above it, for no serial ever goes back.
    #[error("it serves {served}, which is not an older version")]
    Ahead {
        /// What it serves.
        served: Serial,
    },
    /// It cannot be reached, does not answer, or knows another key: no zone can be deployed to it now.
    #[error("it does not respond")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// It understood and refused.
    #[error("it refused: {0}")]
    Refused(String),
    /// The folder of its zone files cannot be written.
    #[error("its zone folder cannot be written")]
    ZoneFolder(#[source] Box<dyn Error + Send + Sync>),
    /// The store could not be read.
    #[error("the store could not be read")]
    Store(#[from] store::StoreError),
}
