//! Nameservers that misbehave as a test says.

use std::sync::{Arc, Mutex, MutexGuard};

use deploy::{DeployError, Embedded, Nameserver, NameserverKind, Served, Witness};
use dns::{Serial, ZoneDelta, ZoneName, ZoneSnapshot};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nameserver::Zones;

/// What nobody but the operator may read.
pub(crate) const SECRET: &str = "/etc/named/keys/secret.key";

/// A nameserver that does what the embedded one does, but for what the test forbids it.
#[derive(Clone)]
pub(crate) struct Double {
    inner: Embedded,
    kind: NameserverKind,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    /// Every change is refused.
    pub(crate) refuses: bool,
    /// How far its serials are above those that it was given.
    pub(crate) ahead: u32,
    /// It never says what it serves.
    pub(crate) silent: bool,
    /// How often it was asked.
    pub(crate) asked: usize,
}

impl Double {
    /// A primary of another make than the embedded one, so that the API may not know how cheap it is to ask.
    pub(crate) fn primary() -> Double {
        Double { inner: Embedded::new(Zones::new()), kind: NameserverKind::Bind9, state: Arc::default() }
    }

    /// A secondary of this primary, without delay. It cannot tell one zone from another of the same name.
    pub(crate) fn secondary(&self) -> Double {
        Double { inner: self.inner.clone(), kind: NameserverKind::Secondary, state: Arc::default() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn check(&self) -> Result<(), DeployError> {
        if self.state().refuses { Err(DeployError::Refused(format!("{SECRET} is not readable"))) } else { Ok(()) }
    }
}

impl Witness for Double {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn kind(&self) -> NameserverKind {
        self.kind
    }

    fn served<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<Option<Served>, DeployError>> {
        async move {
            self.state().asked += 1;
            if self.state().silent {
                std::future::pending::<()>().await;
            }
            let served = self.inner.served(name).await?;
            let ahead = self.state().ahead;
            Ok(served.map(|served| Served {
                id: served.id.filter(|_| self.kind != NameserverKind::Secondary),
                serial: Serial(served.serial.0.wrapping_add(ahead)),
            }))
        }
        .boxed()
    }
}

impl Nameserver for Double {
    fn load(&self, zone: ZoneSnapshot) -> BoxFuture<'_, Result<(), DeployError>> {
        async move {
            self.check()?;
            self.inner.load(zone).await
        }
        .boxed()
    }

    fn apply(&self, delta: ZoneDelta) -> BoxFuture<'_, Result<(), DeployError>> {
        async move {
            self.check()?;
            self.inner.apply(delta).await
        }
        .boxed()
    }

    fn remove<'a>(&'a self, name: &'a ZoneName) -> BoxFuture<'a, Result<(), DeployError>> {
        async move {
            self.check()?;
            self.inner.remove(name).await
        }
        .boxed()
    }
}
