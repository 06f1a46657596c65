//! What all operations that write share: `If-Match`, `Idempotency-Key`, and the response.
//!
//! A handler takes [`Writing`], and works inside [`Writing::once`] with a [`Write`], which makes the change and builds the
//! response. The response is built inside the transaction, because a request with a key stores it there. If the key is already
//! known, the work is skipped. If the work fails, the key is looked up again: an equal request may have been first and have
//! caused the failure (a record can be deleted only once).
//!
//! Decided against: a middleware around the router. It would have to read bodies and authenticate before the operation does, in
//! an order that reveals what exists.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dns::{RecordId, Serial, ZoneId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use store::{
    Answer, Change, ChangeError, Committed, Condition, CreateZoneError, Done, NewZone, Once, Repeatable, Source,
    StoreError, Zone,
};

use crate::auth::Caller;
use crate::changes::ChangeView;
use crate::description::{Description, headers};
use crate::error::Problem;
use crate::proof::Proof;
use crate::reply::Reply;
use crate::schema::Schema;
use crate::shared::Shared;
use crate::tags::{TagError, Tags};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is the one that the first of several equal requests got.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The terms of a request that changes something.
pub(crate) struct Writing {
    if_match: Option<Tags>,
    key: Option<String>,
    operation: String,
    query: String,
    proof: Proof,
}

/// Why the terms of the request cannot be met.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TermsError {
    #[error(transparent)]
    Tags(#[from] TagError),
    #[error("Idempotency-Key must be given once, and be 1 to 255 visible ASCII characters")]
    Key,
}

impl From<TermsError> for Problem {
    fn from(error: TermsError) -> Problem {
        let detail = error.to_string();
        match error {
            TermsError::Tags(error) => Problem::from(error),
            TermsError::Key => Problem::validation("Idempotency-Key", detail),
        }
    }
}

impl IntoResponse for TermsError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl Description {
    /// The operation changes a zone: adds the headers and refusals of all changes. To be called after its successes.
    pub(crate) fn changes(mut self) -> Self {
        for answer in &mut self.answers {
            answer.headers.extend(headers::of_changes());
        }
        let text = "`wait=SECONDS` (RFC 7240): the response is sent when every nameserver serves the change, or after this \
                    time, at most 60 seconds. Other values are ignored.";
        let if_match = "One or more ETags, or `*`. The change is applied only if the zone (or the record, if the path names \
                        one) is at one of these versions.";
        let key = "A value that the client chooses for this one request: 1 to 255 visible ASCII characters. If the request is \
                   repeated within 24 hours, it gets the response of the first one, and nothing is done again.";
        self.takes("Prefer", text, Schema::string(), json!("wait=10"))
            .takes("If-Match", if_match, Schema::string(), json!("*"))
            .takes("Idempotency-Key", key, Schema::string().with("pattern", "^[!-~]{1,255}$"), Value::Null)
            .refuses(TermsError::Key.into())
            .refuses(Problem::precondition_failed())
            .refuses(Problem::key_reused())
    }
}

impl FromRequestParts<Arc<Shared>> for Writing {
    type Rejection = TermsError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, TermsError> {
        Ok(Writing {
            if_match: Tags::if_match(&parts.headers)?,
            key: key(parts)?,
            operation: format!("{} {}", parts.method, parts.uri.path().trim_end_matches('/')),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            proof: Proof::new(parts, shared),
        })
    }
}

fn key(parts: &Parts) -> Result<Option<String>, TermsError> {
    let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(key), None) => key.as_bytes(),
        (Some(_), Some(_)) => return Err(TermsError::Key),
    };
    let sound = (1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    let text = std::str::from_utf8(key).ok().filter(|_| sound).ok_or(TermsError::Key)?;
    Ok(Some(text.to_owned()))
}

impl Writing {
    /// Runs `work`, unless the same request was answered before. `body` is the request's, as it came.
    pub(crate) async fn once<P, E, F, W>(self, caller: &Caller<P>, body: &[u8], work: F) -> Response
    where
        E: IntoResponse,
        F: FnOnce(Write) -> W,
        W: Future<Output = Result<Response, E>>,
    {
        let Writing { if_match, key, operation, query, proof } = self;
        let request = key.map(|key| {
            // The length keeps apart what belongs to the query and what to the body.
            let head = (query.len() as u64).to_be_bytes();
            let fingerprint = Sha256::new().chain_update(head).chain_update(query).chain_update(body).finalize().into();
            Repeatable { account: caller.account(), operation, key, fingerprint }
        });
        let write = Write { if_match, request, proof };
        match write.before(caller).await {
            Ok(None) => {}
            Ok(Some(answer)) => return answer,
            Err(error) => return Problem::store(error).into_response(),
        }
        let again = write.clone();
        match work(write).await {
            Ok(answer) => answer,
            // The failure is the answer where there is no better one.
            Err(error) => again.before(caller).await.ok().flatten().unwrap_or_else(|| error.into_response()),
        }
    }
}

/// The right to make one change, on the request's terms.
#[derive(Clone)]
pub(crate) struct Write {
    if_match: Option<Tags>,
    request: Option<Repeatable>,
    proof: Proof,
}

impl Write {
    /// The condition under which a zone may be changed.
    pub(crate) fn on_zone(&self) -> Vec<Condition> {
        self.listed().map(|serials| Condition::Zone(serials.clone())).into_iter().collect()
    }

    /// The condition under which a record may be changed.
    pub(crate) fn on_record(&self, id: RecordId) -> Vec<Condition> {
        self.listed().map(|serials| Condition::Record(id, serials.clone())).into_iter().collect()
    }

    /// Whether the condition holds for something that is yet to be made: no tag is that of nothing.
    pub(crate) fn allows_new(&self) -> bool {
        self.listed().is_none()
    }

    fn listed(&self) -> Option<&Vec<Serial>> {
        match &self.if_match {
            None | Some(Tags::Any) => None,
            Some(Tags::Listed(serials)) => Some(serials),
        }
    }

    /// Makes a change and answers it. A dry run has no use for a key: it may be repeated as it is.
    pub(crate) async fn change<P>(
        &self,
        caller: &Caller<P>,
        zone: ZoneId,
        change: Change,
        reply: impl Fn(&Committed) -> Result<Reply, StoreError> + Send + Sync + 'static,
    ) -> Result<Response, ChangeError> {
        self.change_as(caller, Source::Api, zone, change, reply).await
    }

    /// The same through another door than the API's own: see [`store::Source`].
    pub(crate) async fn change_as<P>(
        &self,
        caller: &Caller<P>,
        source: Source,
        zone: ZoneId,
        change: Change,
        reply: impl Fn(&Committed) -> Result<Reply, StoreError> + Send + Sync + 'static,
    ) -> Result<Response, ChangeError> {
        let (zones, dry_run) = (caller.zones().through(source), change.dry_run);
        // A dry run leaves the zone at the version that it has.
        let answer = move |made: &Committed| {
            Ok(reply(made)?.into_answer(if dry_run { &made.before } else { &made.zone }, false))
        };
        let done = match &self.request {
            Some(request) if !dry_run => {
                let once = Once { request: request.clone(), answer: Box::new(answer) };
                zones.change_once(zone, change, once).await?
            }
            _ => Done::Now(answer(&zones.change(zone, change).await?)?),
        };
        Ok(self.answer(caller, done).await)
    }

    /// Makes a zone and answers that.
    pub(crate) async fn create_zone<P>(
        &self,
        caller: &Caller<P>,
        source: Source,
        new: NewZone,
        reply: impl Fn(&Zone) -> Result<Reply, StoreError> + Send + Sync + 'static,
    ) -> Result<Response, CreateZoneError> {
        let zones = caller.zones().through(source);
        let answer = move |zone: &Zone| Ok(reply(zone)?.into_answer(zone, false));
        let done = match &self.request {
            Some(request) => {
                let once = Once { request: request.clone(), answer: Box::new(answer) };
                zones.create_zone_once(new, once).await?
            }
            None => Done::Now(answer(&zones.create_zone(new).await?)?),
        };
        Ok(self.answer(caller, done).await)
    }

    /// Deletes a zone and answers that.
    pub(crate) async fn delete_zone<P>(&self, caller: &Caller<P>, id: ZoneId) -> Result<Response, ChangeError> {
        let zones = caller.zones();
        let answer = |zone: &Zone| Ok(Reply::empty(zone.serial).into_answer(zone, true));
        let done = match &self.request {
            Some(request) => {
                let once = Once { request: request.clone(), answer: Box::new(answer) };
                zones.delete_zone_once(id, self.on_zone(), once).await?
            }
            None => Done::Now(answer(&zones.delete_zone(id, self.on_zone()).await?)?),
        };
        Ok(self.answer(caller, done).await)
    }

    /// The answer to the same request before, if there was one.
    async fn before<P>(&self, caller: &Caller<P>) -> Result<Option<Response>, StoreError> {
        let Some(request) = &self.request else { return Ok(None) };
        match caller.zones().done_before(request).await? {
            Some(done) => Ok(Some(self.answer(caller, done).await)),
            None => Ok(None),
        }
    }

    async fn answer<P>(&self, caller: &Caller<P>, done: Done) -> Response {
        let (answer, replayed) = match done {
            Done::Now(answer) => (answer, false),
            Done::Before(answer) => (answer, true),
            Done::KeyReused(_) => return Problem::key_reused().into_response(),
        };
        let Answer { status, headers, mut body, rest, head, deleted } = answer;
        if let Some(rest) = rest.filter(|_| replayed) {
            body = match ChangeView::again(caller, &head, &rest).await {
                Ok(Some(body)) => body,
                Ok(None) => return Problem::no_zone().into_response(),
                Err(error) => return Problem::store(error).into_response(),
            };
        }
        let mut response = body.into_response();
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        response.headers_mut().remove(header::CONTENT_TYPE);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        if replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        self.proof.of_change(&head, deleted, response).await
    }
}
