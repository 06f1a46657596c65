//! Requests that are not HTTP, or whose head is too large.
//!
//! hyper refuses these by itself, with a head and no body, before any service sees them, and has no hook for it. Every response
//! of this server must be JSON with a request id, so this head is recognised on its way out and replaced. It is the only one with
//! an error status, no body and no request id, because the [envelope](crate::envelope) adds one to all others.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use uuid::Uuid;

use crate::error::{ErrorBody, ServerError};
use crate::line_endings::LineEndings;

/// A connection on which bare refusals are given a body.
pub(crate) struct Refusals<S> {
    stream: S,
    error_body: ErrorBody,
    endings: LineEndings,
    /// What is left to write in place of a head that was recognised.
    instead: Vec<u8>,
}

impl<S> Refusals<S> {
    pub(crate) fn new(stream: S, error_body: ErrorBody) -> Refusals<S> {
        Refusals { stream, error_body, endings: LineEndings::new(), instead: Vec::new() }
    }
}

/// The whole answer in place of `head`, where that is a bare refusal.
fn replacement(head: &[u8], error_body: ErrorBody) -> Option<Vec<u8>> {
    let status = head.strip_prefix(b"HTTP/1.1 ")?.get(..3).filter(|status| status.starts_with(b"4"))?;
    let head = std::str::from_utf8(head).ok()?.strip_suffix("\r\n\r\n")?.to_ascii_lowercase();
    let mut fields = head.split("\r\n").skip(1);
    let bare = fields.clone().any(|field| field == "content-length: 0");
    if !bare || fields.any(|field| field.starts_with("x-request-id:")) {
        return None;
    }
    let status = StatusCode::from_bytes(status).ok()?;
    let id = Uuid::now_v7();
    tracing::info!("request.id" = %id, "http.status" = status.as_u16(), "a request could not be read");
    let body = error_body(ServerError::Status(status));
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nx-request-id: {id}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    Some(answer)
}

impl<S: AsyncWrite + Unpin> Refusals<S> {
    fn replace(&mut self, context: &mut Context<'_>, head: &[u8]) -> Poll<Option<io::Result<usize>>> {
        if self.instead.is_empty() {
            match replacement(head, self.error_body) {
                Some(answer) => self.instead = answer,
                None => return Poll::Ready(None),
            }
        }
        while !self.instead.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.instead)) {
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::WriteZero.into()))),
                Ok(written) => drop(self.instead.drain(..written)),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        Poll::Ready(Some(Ok(head.len())))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Refusals<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match ready!(self.replace(context, octets)) {
            Some(replaced) => Poll::Ready(replaced),
            None => Pin::new(&mut self.stream).poll_write(context, octets),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty()).map(|slice| &**slice).unwrap_or_default();
        match ready!(self.replace(context, first)) {
            Some(replaced) => Poll::Ready(replaced),
            None => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Refusals<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.endings.check(&mut buffer.filled_mut()[before..]);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_refusal_is_replaced() {
        let body = |_| b"{\"field\":null}".to_vec();
        let refusal = |more: &str| format!("HTTP/1.1 431 Request Header Fields Too Large\r\n{more}\r\n").into_bytes();
        let answer = String::from_utf8(replacement(&refusal("content-length: 0\r\n"), body).unwrap()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{answer}");
        assert!(answer.ends_with("\"field\":null}"), "{answer}");
        for other in [
            refusal("content-length: 2\r\n"),
            refusal("content-length: 0\r\nX-Request-Id: 1\r\n"),
            b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n".to_vec(),
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\nmore".to_vec(),
            b"{\"detail\": \"HTTP/1.1 400\"}".to_vec(),
        ] {
            assert_eq!(replacement(&other, body), None, "{}", String::from_utf8_lossy(&other));
        }
    }
}
