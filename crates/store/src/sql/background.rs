//! Starting threads, and the loop of those in the background: work at fixed intervals, and after failures at growing ones.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::shared::Shared;
use crate::{Backoff, Chain, StoreError};

/// Does `round` every `every` until the other end of `stop` is dropped. After failures in a row it waits longer, up to `longest`;
/// each is logged as `what` failing, with its causes.
pub(super) fn repeat(
    what: &'static str,
    (every, longest): (Duration, Duration),
    shared: &Shared,
    stop: &Receiver<()>,
    mut round: impl FnMut() -> Result<(), StoreError>,
) {
    let mut backoff = Backoff::new(every, longest);
    let mut pause = every;
    while stop.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        pause = match round() {
            Ok(()) => {
                backoff.worked();
                every
            }
            Err(error) => {
                shared.health.failed(&error);
                let pause = backoff.failed();
                let error = Chain(&error).to_string();
                tracing::warn!(error, again_in = ?pause, "{what} failed");
                pause
            }
        };
    }
}

/// Starts a thread.
pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder.spawn(run).map_err(|source| StoreError::File { path: PathBuf::from(name), source })
}
