//! `GET /dns-zones/{uuid}/records/`: a zone's records, all of them unless pages are asked for.

use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use dns::{RecordId, ZoneId};
use serde_json::json;
use store::{RecordFilter, StoreError};

use crate::auth::{Caller, List};
use crate::description::{self, Description, Group, examples};
use crate::error::Problem;
use crate::listing::{Frame, ListingError, all_records};
use crate::paging::{self, Page};
use crate::query::{Parameters, PathId, QueryError};
use crate::schema::Schema;
use crate::tags::{Seen, etag};
use crate::views::RecordView;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Listing(#[from] ListingError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Query(error) => Problem::from(error),
            Self::NoZone | Self::Listing(ListingError::NoZone) => Problem::no_zone(),
            Self::Store(error) | Self::Listing(ListingError::Store(error)) => Problem::store(error),
            Self::Listing(error @ (ListingError::Json(_) | ListingError::Gone)) => Problem::internal(error),
        }
        .into_response()
    }
}

pub(crate) fn describe() -> Description {
    let records = Schema::array(RecordView::schema());
    Description::new("listZoneRecords", Group::Records, "List DNS records in zone")
        .text("All records, oldest first: the answer is streamed, and one consistent view of the zone. It comes in pages only where \
               `page_size` or `cursor` is given.")
        .answers(StatusCode::OK, "The records", records, json!([examples::record()]))
        .paged()
        .tagged(description::etag())
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
    seen: Seen,
) -> Result<Response, Error> {
    parameters.only(&["page_size", "cursor"])?;
    let page = Page::if_asked(&parameters, paging::List::Records)?;
    let zone = ZoneId(id.ok_or(Error::NoZone)?);
    let filter = RecordFilter::default();
    let Some(page) = page else {
        return Ok(all_records(caller.store(), caller.account(), zone, filter, Frame::Records, &seen).await?);
    };
    // Before the page: a tag that is older than what it stands for is safe, a newer one is not.
    let serial = caller.store().zone(caller.account(), zone).await?.ok_or(Error::NoZone)?.serial;
    if let Some(unchanged) = seen.unchanged(serial) {
        return Ok(unchanged);
    }
    let after = page.after().map(RecordId);
    let records = caller.store().records(caller.account(), Some(zone), filter, after, page.limit()).await?;
    let records = records.ok_or(Error::NoZone)?;
    let mut answer = page.answer(records, &parameters, |stored| stored.record.id.0, RecordView::nested);
    answer.headers_mut().insert(header::ETAG, etag(serial));
    Ok(answer)
}
