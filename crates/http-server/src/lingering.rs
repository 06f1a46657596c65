//! Request bodies that are dropped before their end.
//!
//! A response may be ready before the body is read: no token, too large, no such path. Closing the connection then makes the
//! operating system send a reset, which discards the response for a client that is still sending. The rest of the body is
//! therefore read and discarded for a short time (a lingering close), limited in octets and time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;

/// A body that is drained when it is dropped before its end.
pub(crate) struct Lingering {
    body: Option<Incoming>,
    drain: bool,
}

/// How much of an unwanted body is read.
const LINGER_OCTETS: usize = 8 * 1024 * 1024;
/// How long an unwanted body is read.
const LINGER_TIME: Duration = Duration::from_secs(2);

impl Lingering {
    /// Takes the body of a request with these headers. A client that waits for `100 Continue` has sent nothing that would have to
    /// be drained; reading would ask it to begin.
    pub(crate) fn new(body: Incoming, headers: &HeaderMap) -> Lingering {
        Lingering { body: Some(body), drain: !headers.contains_key(header::EXPECT) }
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let left = self.body.take().filter(|body| self.drain && !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (left, Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LINGER_TIME, drain(body)));
        }
    }
}

async fn drain(mut body: Incoming) {
    let mut octets = 0;
    while let Some(Ok(frame)) = body.frame().await {
        octets += frame.data_ref().map_or(0, Bytes::len);
        if octets > LINGER_OCTETS {
            return;
        }
    }
}
