//! `GET /dns-zones/{uuid}/history/`: a zone's versions, newest first, in pages; with `from` and `to`, the difference between two
//! versions.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dns::{Serial, ZoneId};
use serde_json::{Value, json};
use store::{HistoryError, StoreError, VersionNumber};

use crate::auth::{Caller, List};
use crate::description::{self, Description, EXAMPLE_SERIAL, Group};
use crate::error::Problem;
use crate::paging::{self, Page};
use crate::query::{Parameters, PathId, QueryError};
use crate::schema::Schema;
use crate::tags::{IfNoneMatch, etag};
use crate::versions::{DifferenceView, VersionView, no_version, read_serial};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("{0} must be a serial: an integer from 0 to 4294967295")]
    Serial(&'static str),
    #[error("to needs from: the serial of the version to compare with")]
    NoFrom,
    #[error("from and to return one difference, which is not paginated")]
    DifferenceInPages(&'static str),
    #[error("no such zone")]
    NoZone,
    #[error("no such version")]
    NoVersion(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        match self {
            Self::Query(error) => Problem::from(error),
            Self::Serial(name) | Self::DifferenceInPages(name) => Problem::validation(name, detail),
            Self::NoFrom => Problem::validation("from", detail),
            Self::NoZone => Problem::no_zone(),
            Self::NoVersion(name) => no_version().at(name),
            Self::Store(error) => Problem::store(error),
        }
        .into_response()
    }
}

enum Request {
    Versions(Page<VersionNumber>),
    Difference { from: Serial, to: Option<Serial> },
}

impl Request {
    fn read(parameters: &Parameters) -> Result<Request, Error> {
        parameters.refuse_unknown(&["page_size", "cursor", "from", "to"])?;
        let serial = |name| match parameters.get(name) {
            Some(text) => read_serial(text).map(Some).ok_or(Error::Serial(name)),
            None => Ok(None),
        };
        match (serial("from")?, serial("to")?) {
            (None, None) => Ok(Request::Versions(Page::read(parameters, paging::List::Versions)?)),
            (None, Some(_)) => Err(Error::NoFrom),
            (Some(from), to) => match ["page_size", "cursor"].into_iter().find(|name| parameters.get(name).is_some()) {
                Some(name) => Err(Error::DifferenceInPages(name)),
                None => Ok(Request::Difference { from, to }),
            },
        }
    }
}

pub(crate) fn describe() -> Description {
    let from = "The serial of a version. The response is then the net difference from this version to `to`, instead of a list. \
                `from` may be the later of the two; the difference is then reversed.";
    let schema = Schema::any_of([Schema::array(VersionView::schema()), DifferenceView::schema()]);
    Description::new("listVersions", Group::History, "List zone versions")
        .text("The versions, newest first, in pages. With `from`, the difference between two versions. Versions are kept for \
               the operator's retention period.")
        .query("from", from, Schema::serial(), json!(EXAMPLE_SERIAL))
        .query("to", "The serial of the other version. Default: the newest.", Schema::serial(), Value::Null)
        .answers(StatusCode::OK, "The versions, or the difference", schema, json!([VersionView::example()]))
        .paged()
        .tagged(description::etag().sometimes())
        .refuses(no_version().at("from"))
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    let request = Request::read(&parameters)?;
    let zone = ZoneId(id.ok_or(Error::NoZone)?);
    let page = match request {
        Request::Versions(page) => page,
        Request::Difference { from, to } => return difference(&caller, zone, from, to).await,
    };
    let history = caller.zones().history(zone, page.after(), page.limit()).await?;
    let history = history.ok_or(Error::NoZone)?;
    let head = history.zone.serial;
    if let Some(unchanged) = if_none_match.unchanged(head) {
        return Ok(unchanged);
    }
    let answer = page.answer(history.versions, &parameters, |version| version.number, VersionView::new);
    Ok(([(header::ETAG, etag(head))], answer).into_response())
}

async fn difference(caller: &Caller<List>, zone: ZoneId, from: Serial, to: Option<Serial>) -> Result<Response, Error> {
    match caller.zones().difference(zone, from, to).await {
        Ok(difference) => Ok(Json(DifferenceView::new(&difference)).into_response()),
        Err(HistoryError::NoZone) => Err(Error::NoZone),
        Err(HistoryError::NoVersion(serial)) => Err(Error::NoVersion(if serial == from { "from" } else { "to" })),
        Err(HistoryError::Store(error)) => Err(error.into()),
    }
}
