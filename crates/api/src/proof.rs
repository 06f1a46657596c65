//! The deployment headers of the response to a change: `Prefer: wait=N`, `Preference-Applied` and `Deployment`.
//!
//! The change is already stored, and nothing here can fail: if a nameserver is down, the server stops or the client disconnects,
//! the reconciler deploys the change later. Without the preference, no nameserver is polled, and the response is `pending`.

use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use http_server::Stopping;
use store::Head;

use crate::prefer;
use crate::shared::Shared;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const DEPLOYMENT: HeaderName = HeaderName::from_static("deployment");

/// How long a request may go on waiting once the server is to stop: a change that is on its way is there by then.
const AFTER_STOP: Duration = Duration::from_secs(1);

/// What a request that changes something wants to know of its deployment.
#[derive(Clone)]
pub(crate) struct Proof {
    wait: Option<u32>,
    stopping: Option<Stopping>,
    shared: Arc<Shared>,
}

impl Proof {
    /// Reads the request's preference.
    pub(crate) fn new(parts: &Parts, shared: &Arc<Shared>) -> Proof {
        let stopping = parts.extensions.get().cloned();
        Proof { wait: prefer::wait(&parts.headers), stopping, shared: Arc::clone(shared) }
    }

    /// Answers a change that left a zone like this: when every nameserver serves it, or after the time that the client waits. A
    /// zone that was `deleted` was this at last, and is waited for until no nameserver serves it any more.
    pub(crate) async fn of_change(&self, head: &Head, deleted: bool, answer: Response) -> Response {
        let deployment = &self.shared.deployment;
        if deleted {
            self.mark(answer, |patience| deployment.wait_gone(head, patience)).await
        } else {
            self.mark(answer, |patience| deployment.wait(head, patience)).await
        }
    }

    async fn mark<F: Future<Output = bool>>(
        &self,
        mut answer: Response,
        is_live_within: impl FnOnce(Duration) -> F,
    ) -> Response {
        let mut is_live = false;
        if let Some(seconds) = self.wait {
            is_live = tokio::select! {
                is_live = is_live_within(Duration::from_secs(seconds.into())) => is_live,
                () = self.stop() => false,
            };
            if let Ok(applied) = HeaderValue::try_from(format!("wait={seconds}")) {
                answer.headers_mut().insert(PREFERENCE_APPLIED, applied);
            }
        }
        let deployment = HeaderValue::from_static(if is_live { "live" } else { "pending" });
        answer.headers_mut().insert(DEPLOYMENT, deployment);
        answer
    }

    /// Resolves soon after the server begins to stop.
    async fn stop(&self) {
        match &self.stopping {
            Some(Stopping(stop)) => stop.cancelled().await,
            None => std::future::pending().await,
        }
        tokio::time::sleep(AFTER_STOP).await;
    }
}
