//! The activity of a connection, so that an inactive one can be ended.
//!
//! hyper's own timer limits the head of an HTTP/1 request, and the socket's write timer a client that reads nothing. Three ways
//! to hold a connection remain: to send nothing at all (hyper waits for the first octets without a timer), to be idle with
//! HTTP/2, and to use up the window of an HTTP/2 stream. This module detects all three.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::settings::Settings;

/// One connection's state; clones see the same.
#[derive(Debug, Clone)]
pub(crate) struct Watch(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Requests that wait for us.
    ours: usize,
    /// Answers that wait for the client to take them.
    theirs: usize,
    /// Whether any request came.
    used: bool,
    /// When any of this last changed.
    changed: Instant,
}

/// Why a connection should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// No request is in progress: the connection can be closed gracefully.
    Idle,
    /// The client takes nothing of what is ready.
    Stalled,
    /// It was idle, and another client needs its place.
    Evicted,
}

impl Watch {
    pub(crate) fn new() -> Watch {
        Watch(Arc::new(Mutex::new(State { ours: 0, theirs: 0, used: false, changed: Instant::now() })))
    }

    /// Since when the connection has no request in progress; `None` while it has one.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.ours == 0 && state.theirs == 0).then_some(state.changed)
    }

    /// Notes a request.
    pub(crate) fn request(&self) -> UnderWay {
        let mut state = self.state();
        state.used = true;
        state.ours += 1;
        state.changed = Instant::now();
        UnderWay { watch: self.clone(), ours: true }
    }

    /// Waits until the connection should end.
    pub(crate) async fn expired(&self, settings: &Settings) -> Expired {
        loop {
            let (deadline, expired) = self.deadline(settings);
            if let Some(expired) = expired
                && deadline <= Instant::now()
            {
                return expired;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }

    /// When to check again, and what it means if nothing has changed by then.
    fn deadline(&self, settings: &Settings) -> (Instant, Option<Expired>) {
        let state = self.state();
        if state.theirs > 0 {
            (state.changed + settings.write_timeout, Some(Expired::Stalled))
        } else if state.ours > 0 {
            (Instant::now() + settings.write_timeout.min(settings.idle_timeout), None)
        } else if state.used {
            (state.changed + settings.idle_timeout, Some(Expired::Idle))
        } else {
            (state.changed + settings.header_timeout, Some(Expired::Idle))
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request until its answer is taken.
#[derive(Debug)]
pub(crate) struct UnderWay {
    watch: Watch,
    ours: bool,
}

impl UnderWay {
    /// Records activity, and which side is expected to act next.
    fn moved(&mut self, ours: bool) {
        let mut state = self.watch.state();
        state.changed = Instant::now();
        if self.ours != ours {
            self.ours = ours;
            let (more, less) = if ours { (1, 0) } else { (0, 1) };
            state.ours = state.ours + more - less;
            state.theirs = state.theirs + less - more;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.watch.state();
        state.changed = Instant::now();
        if self.ours {
            state.ours -= 1;
        } else {
            state.theirs -= 1;
        }
    }
}

/// An answer's body, watched while the client takes it.
pub(crate) struct Watched {
    body: Body,
    under_way: UnderWay,
}

impl Watched {
    pub(crate) fn new(body: Body, mut under_way: UnderWay) -> Watched {
        under_way.moved(false);
        Watched { body, under_way }
    }
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.under_way.moved(polled.is_pending());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings() -> Settings {
        Settings {
            header_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(2),
            ..Settings::default()
        }
    }

    fn seconds(watch: &Watch) -> (u64, Option<Expired>) {
        let (deadline, expired) = watch.deadline(&settings());
        (deadline.saturating_duration_since(Instant::now()).as_millis().div_ceil(1000) as u64, expired)
    }

    #[test]
    fn each_state_has_its_own_patience() {
        let watch = Watch::new();
        assert_eq!(seconds(&watch), (1, Some(Expired::Idle)));
        let first = watch.request();
        let second = watch.request();
        assert_eq!(seconds(&watch), (2, None), "handlers have their own deadlines");
        let answer = Watched::new(Body::from("x"), first);
        assert_eq!(seconds(&watch), (2, Some(Expired::Stalled)));
        drop(answer);
        assert_eq!(seconds(&watch), (2, None));
        drop(second);
        assert_eq!(seconds(&watch), (5, Some(Expired::Idle)));
    }
}
