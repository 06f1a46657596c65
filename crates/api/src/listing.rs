//! Complete lists of a zone's records, of any length.
//!
//! The store's reader renders each record as it reads it, into chunks of text; there is never a JSON value of the whole. The reader
//! is not made to wait for a slow client, because it holds a view of the database while it reads: chunks queue up instead, and are
//! let go as the client takes them. A list that fits one chunk is answered with its length.

use std::io;
use std::ops::ControlFlow;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dns::{Serial, ZoneId};
use futures_util::stream;
use store::{AccountId, RecordFilter, RecordVisitor, StoreError, StoredRecord, Zone};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::Instrument;

use crate::scoped::Scoped;
use crate::tags::{Seen, etag};
use crate::views::{RecordView, ZoneView};

/// What the records stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// An array.
    Records,
    /// An array, each record with its zone.
    FlatRecords,
    /// The zone, with its records as its last member.
    Zone,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListingError {
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a record could not be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("the reading of a list ended early")]
    EndedEarly,
}

/// Answers all records of a zone that pass the filter, with the zone's tag; 304 to who has `seen` this version of the zone.
pub(crate) async fn all_records(
    store: &Scoped,
    account: AccountId,
    zone: ZoneId,
    filter: RecordFilter,
    frame: Frame,
    seen: &Seen,
) -> Result<Response, ListingError> {
    if seen.anything() {
        let now = store.zone(account, zone).await?.ok_or(ListingError::NoZone)?;
        if let Some(unchanged) = seen.unchanged(now.serial) {
            return Ok(unchanged);
        }
    }
    let (sender, mut pieces) = unbounded_channel();
    let store = store.clone();
    let reading = async move {
        let renderer = Renderer { text: Vec::new(), any: false, frame, pieces: sender.clone(), failed: None };
        let outcome = match store.visit_records(account, zone, filter, renderer).await {
            Ok(Some(renderer)) => renderer.finish().map_or_else(Piece::Failed, Piece::Last),
            Ok(None) => Piece::Failed(ListingError::NoZone),
            Err(error) => Piece::Failed(error.into()),
        };
        // Nobody listens any more when the client is gone.
        let _ = sender.send(outcome);
    };
    tokio::spawn(reading.in_current_span());
    let (tag, first) = match pieces.recv().await {
        Some(Piece::Version(serial)) => (etag(serial), pieces.recv().await),
        Some(Piece::Failed(error)) => return Err(error),
        Some(Piece::Part(_) | Piece::Last(_)) | None => return Err(ListingError::EndedEarly),
    };
    let body = match first {
        Some(Piece::Last(whole)) => Body::from(whole),
        Some(Piece::Part(first)) => stream_on(first, pieces),
        Some(Piece::Failed(error)) => return Err(error),
        Some(Piece::Version(_)) | None => return Err(ListingError::EndedEarly),
    };
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), (header::ETAG, tag)];
    Ok((headers, body).into_response())
}

/// What the reading sends.
enum Piece {
    /// First: the version that is read.
    Version(Serial),
    Part(Bytes),
    Last(Bytes),
    Failed(ListingError),
}

/// The rest of a list whose head is out. A failure can only be shown by breaking off, which no client takes for a whole list.
fn stream_on(first: Bytes, pieces: UnboundedReceiver<Piece>) -> Body {
    let first = stream::once(async move { Ok::<_, io::Error>(first) });
    let rest = stream::unfold(Some(pieces), |pieces| async move {
        let mut pieces = pieces?;
        match pieces.recv().await {
            Some(Piece::Part(part)) => Some((Ok(part), Some(pieces))),
            Some(Piece::Last(last)) => Some((Ok(last), None)),
            Some(Piece::Failed(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a list broke off");
                Some((Err(io::Error::other("the list broke off")), None))
            }
            Some(Piece::Version(_)) | None => Some((Err(io::Error::other("the list broke off")), None)),
        }
    });
    Body::from_stream(stream::StreamExt::chain(first, rest))
}

/// Renders records as they are read.
struct Renderer {
    text: Vec<u8>,
    any: bool,
    frame: Frame,
    pieces: UnboundedSender<Piece>,
    failed: Option<serde_json::Error>,
}

/// From this size on, text is sent on.
const CHUNK: usize = 64 * 1024;

impl Renderer {
    fn finish(mut self) -> Result<Bytes, ListingError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        self.text.extend_from_slice(match self.frame {
            Frame::Records | Frame::FlatRecords => b"]",
            Frame::Zone => b"]}",
        });
        Ok(Bytes::from(self.text))
    }

    fn push(&mut self, view: &impl serde::Serialize) {
        if let Err(error) = serde_json::to_writer(&mut self.text, view) {
            self.failed = Some(error);
        }
    }
}

impl RecordVisitor for Renderer {
    fn zone(&mut self, zone: &Zone) {
        // Who does not listen any more is found out with the records.
        let _ = self.pieces.send(Piece::Version(zone.serial));
        if self.frame == Frame::Zone {
            self.push(&ZoneView::of(zone));
            self.text.pop();
            self.text.extend_from_slice(b",\"records\":");
        }
        self.text.push(b'[');
    }

    fn record(&mut self, record: &StoredRecord) -> ControlFlow<()> {
        if self.any {
            self.text.push(b',');
        }
        self.any = true;
        match self.frame {
            Frame::FlatRecords => self.push(&RecordView::flat(record)),
            Frame::Records | Frame::Zone => self.push(&RecordView::nested(record)),
        }
        if self.failed.is_some() {
            return ControlFlow::Break(());
        }
        if self.text.len() < CHUNK {
            return ControlFlow::Continue(());
        }
        let part = std::mem::replace(&mut self.text, Vec::with_capacity(CHUNK + CHUNK / 8));
        match self.pieces.send(Piece::Part(Bytes::from(part))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}
