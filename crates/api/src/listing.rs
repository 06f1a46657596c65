//! Complete lists of a zone's records, of any length.
//!
//! A list is read in chunks, each after the client has read the one before, so that a slow client costs one chunk and no reader.
//! All chunks are of the version with which the list began; the journal knows the records of that version. Each record is
//! rendered as it is read; the list is never a JSON value in memory. A list that fits into one chunk is sent with its length.
//!
//! Decided against: one read transaction for the whole list. It would either wait for the client, so that slow clients use up the
//! few readers, or collect the list in memory.

use std::io;
use std::ops::ControlFlow;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dns::{RecordId, ZoneId};
use futures_util::stream;
use store::{RecordFilter, RecordVisitor, StoredRecord, Tenant, VersionNumber, Zone};

use crate::read_error::ReadError;
use crate::tags::{IfNoneMatch, etag};
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

/// Answers all records of a zone that pass the filter, with the zone's tag; 304 if `if_none_match` names this version.
pub(crate) async fn all_records(
    zones: &Tenant,
    zone: ZoneId,
    filter: RecordFilter,
    frame: Frame,
    if_none_match: &IfNoneMatch,
) -> Result<Response, ReadError> {
    if if_none_match.anything() {
        let now = zones.zone(zone).await?.ok_or(ReadError::NoZone)?;
        if let Some(unchanged) = if_none_match.unchanged(now.serial) {
            return Ok(unchanged);
        }
    }
    let first = zones.visit_records(zone, filter.clone(), Renderer::new(frame)).await?;
    let mut first = first.ok_or(ReadError::NoZone)?;
    let listed = first.zone.take().ok_or(ReadError::NoZone)?;
    let next = first.next();
    let text = first.finish()?;
    let body = match next {
        None => Body::from(text),
        Some(after) => {
            let list = List { zones: zones.clone(), zone, filter, frame, version: listed.version, after };
            list.go_on(text)
        }
    };
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), (header::ETAG, etag(listed.serial))];
    Ok((headers, body).into_response())
}

/// A list of which a part is out.
struct List {
    zones: Tenant,
    zone: ZoneId,
    filter: RecordFilter,
    frame: Frame,
    /// The version that is listed.
    version: VersionNumber,
    /// The last record that is out.
    after: RecordId,
}

impl List {
    /// The rest of a list whose head is out. A failure can only be shown by breaking off, which no client takes for a whole list.
    fn go_on(self, first: Bytes) -> Body {
        let first = stream::once(async move { Ok::<_, io::Error>(first) });
        let rest = stream::unfold(Some(self), |list| async move {
            let mut list = list?;
            match list.chunk().await {
                Ok((text, true)) => Some((Ok(text), Some(list))),
                Ok((text, false)) => Some((Ok(text), None)),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a list ended early");
                    Some((Err(io::Error::other("the list ended early")), None))
                }
            }
        });
        Body::from_stream(stream::StreamExt::chain(first, rest))
    }

    /// The next chunk, and whether there are more.
    async fn chunk(&mut self) -> Result<(Bytes, bool), ReadError> {
        let renderer = Renderer { any: true, ..Renderer::new(self.frame) };
        let filter = self.filter.clone();
        let visit = self.zones.visit_version(self.zone, self.version, filter, self.after, renderer);
        let chunk = visit.await?.ok_or(ReadError::Gone)?;
        let next = chunk.next();
        self.after = next.unwrap_or(self.after);
        Ok((chunk.finish()?, next.is_some()))
    }
}

/// Renders records as they are read, until there is a chunk.
struct Renderer {
    text: Vec<u8>,
    any: bool,
    frame: Frame,
    zone: Option<Zone>,
    last: Option<RecordId>,
    is_full: bool,
    failed: Option<serde_json::Error>,
}

/// From this size on, text is sent on.
pub(crate) const CHUNK: usize = 64 * 1024;

impl Renderer {
    fn new(frame: Frame) -> Renderer {
        Renderer { text: Vec::new(), any: false, frame, zone: None, last: None, is_full: false, failed: None }
    }

    /// After which record the next chunk begins, where there is one.
    fn next(&self) -> Option<RecordId> {
        self.last.filter(|_| self.is_full)
    }

    fn finish(mut self) -> Result<Bytes, ReadError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        if !self.is_full {
            self.text.extend_from_slice(match self.frame {
                Frame::Records | Frame::FlatRecords => b"]",
                Frame::Zone => b"]}",
            });
        }
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
        if self.frame == Frame::Zone {
            self.push(&ZoneView::new(zone));
            self.text.pop();
            self.text.extend_from_slice(b",\"records\":");
        }
        self.text.push(b'[');
        self.zone = Some(zone.clone());
    }

    fn record(&mut self, record: &StoredRecord) -> ControlFlow<()> {
        if self.any {
            self.text.push(b',');
        }
        self.any = true;
        self.last = Some(record.record.id);
        match self.frame {
            Frame::FlatRecords => self.push(&RecordView::flat(record)),
            Frame::Records | Frame::Zone => self.push(&RecordView::nested(record)),
        }
        self.is_full = self.text.len() >= CHUNK;
        if self.is_full || self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
