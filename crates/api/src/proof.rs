//! What the answer to a change says of its deployment: the one place for `Prefer: wait=N`, `Preference-Applied` and `Deployment`.
//!
//! A change is stored before any of this, and nothing here can fail: a nameserver that is down, a stop of the server and a client
//! that went away all leave it to the reconciler. Without the preference, nobody is asked, and the answer is `pending`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use store::{Head, Zone};

use crate::server::Stopping;
use crate::{Shared, prefer};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const DEPLOYMENT: HeaderName = HeaderName::from_static("deployment");

/// How long a request may go on waiting once the server is to stop: a change that is on its way is there by then.
const AFTER_STOP: Duration = Duration::from_secs(1);

/// What a request that changes something wants to know of its deployment. Every operation that changes a zone takes it, and hands
/// its answer through it.
pub(crate) struct Proof {
    wait: Option<u32>,
    stopping: Option<Stopping>,
    shared: Arc<Shared>,
}

impl FromRequestParts<Arc<Shared>> for Proof {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Infallible> {
        let stopping = parts.extensions.get().cloned();
        Ok(Proof { wait: prefer::wait(&parts.headers), stopping, shared: Arc::clone(shared) })
    }
}

impl Proof {
    /// Answers a change that left a zone like this: when every nameserver serves it, or after the time that the client waits.
    pub(crate) async fn of_version(self, zone: Zone, answer: impl IntoResponse) -> Response {
        let head = Head::from(zone);
        self.mark(answer, |patience| self.shared.deployment.wait(&head, patience)).await
    }

    /// Answers the deletion of a zone, which was this at last: when no nameserver serves it any more, or after that time.
    pub(crate) async fn of_deletion(self, zone: Zone, answer: impl IntoResponse) -> Response {
        let last = Head::from(zone);
        self.mark(answer, |patience| self.shared.deployment.wait_gone(&last, patience)).await
    }

    async fn mark<F: Future<Output = bool>>(
        &self,
        answer: impl IntoResponse,
        is_live_within: impl FnOnce(Duration) -> F,
    ) -> Response {
        let mut answer = answer.into_response();
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

    /// Resolves soon after the server was told to stop.
    async fn stop(&self) {
        match &self.stopping {
            Some(Stopping(stop)) => stop.cancelled().await,
            None => std::future::pending().await,
        }
        tokio::time::sleep(AFTER_STOP).await;
    }
}
