//! The response to a change. It is built inside the transaction, and stored with the request's `Idempotency-Key`.

use axum::http::{StatusCode, header};
use dns::Serial;
use serde::Serialize;
use store::{Answer, Head, StoreError, Zone};

use crate::shared::BASE;
use crate::tags::etag;

/// Bodies above this size, in octets, are not stored completely if they can be rebuilt.
const LONG: usize = 4 * 1024;

/// The body of an answer.
pub(crate) fn json(view: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    // Views are made of text and numbers, which always have a JSON form.
    serde_json::to_vec(view).map_err(|_| StoreError::Bug("a response without a JSON form"))
}

/// The response to a change, before it is known whether it is stored.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    serial: Serial,
    location: Option<String>,
    body: Vec<u8>,
    rest: Option<Vec<u8>>,
}

impl Reply {
    /// 204, with the tag of what was changed.
    pub(crate) fn empty(serial: Serial) -> Reply {
        Reply { status: StatusCode::NO_CONTENT, serial, location: None, body: Vec::new(), rest: None }
    }

    /// 200, with the tag of what is shown.
    pub(crate) fn json(serial: Serial, view: &impl Serialize) -> Result<Reply, StoreError> {
        Ok(Reply { status: StatusCode::OK, body: json(view)?, ..Reply::empty(serial) })
    }

    /// Stores `rest` instead of a long body: see `ChangeView::again`.
    pub(crate) fn keeping(self, rest: impl FnOnce() -> Result<Vec<u8>, StoreError>) -> Result<Reply, StoreError> {
        let rest = if self.body.len() > LONG { Some(rest()?) } else { None };
        Ok(Reply { rest, ..self })
    }

    /// 201, and where to find what was made: a path below [`BASE`].
    pub(crate) fn created(self, path: String) -> Reply {
        Reply { status: StatusCode::CREATED, location: Some(format!("{BASE}{path}")), ..self }
    }

    /// What the store keeps with the change; the tag of a deleted zone is its last.
    pub(crate) fn into_answer(self, zone: &Zone, deleted: bool) -> Answer {
        let mut headers = Vec::with_capacity(3);
        if !self.body.is_empty() {
            headers.push((header::CONTENT_TYPE.to_string(), "application/json".to_owned()));
        }
        headers.push((header::ETAG.to_string(), String::from_utf8_lossy(etag(self.serial).as_bytes()).into_owned()));
        headers.extend(self.location.map(|location| (header::LOCATION.to_string(), location)));
        let head = Head::from(zone.clone());
        Answer { status: self.status.as_u16(), headers, body: self.body, rest: self.rest, head, deleted }
    }
}
