//! `GET /dns-zones/{uuid}/records/`: all records of a zone, paginated only on request.

use axum::http::StatusCode;
use axum::http::header;
use axum::response::Response;
use dns::{RecordId, ZoneId};
use serde_json::json;
use store::RecordFilter;

use crate::auth::{Caller, List};
use crate::description::{self, Description, Group, examples};
use crate::listing::{Frame, all_records};
use crate::paging::{self, Page};
use crate::query::{Parameters, PathId};
use crate::read_error::ReadError;
use crate::schema::Schema;
use crate::tags::{IfNoneMatch, etag};
use crate::views::RecordView;

pub(crate) fn describe() -> Description {
    let records = Schema::array(RecordView::schema());
    Description::new("listZoneRecords", Group::Records, "List DNS records in zone")
        .text("All records, oldest first. The response is streamed and shows one consistent state of the zone. It is paginated \
               only if `page_size` or `cursor` is given.")
        .answers(StatusCode::OK, "The records", records, json!([examples::record()]))
        .paged()
        .tagged(description::etag())
}

pub(crate) async fn handle(
    caller: Caller<List>,
    PathId(id): PathId,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
) -> Result<Response, ReadError> {
    parameters.refuse_unknown(&["page_size", "cursor"])?;
    let page = Page::if_asked(&parameters, paging::List::Records)?;
    let zone = ZoneId(id.ok_or(ReadError::NoZone)?);
    let filter = RecordFilter::default();
    let Some(page) = page else {
        return all_records(caller.zones(), zone, filter, Frame::Records, &if_none_match).await;
    };
    // Before the page: a tag that is older than what it stands for is safe, a newer one is not.
    let serial = caller.zones().zone(zone).await?.ok_or(ReadError::NoZone)?.serial;
    if let Some(unchanged) = if_none_match.unchanged(serial) {
        return Ok(unchanged);
    }
    let after = page.after().map(RecordId);
    let records = caller.zones().records(Some(zone), filter, after, page.limit()).await?;
    let records = records.ok_or(ReadError::NoZone)?;
    let mut answer = page.answer(records, &parameters, |stored| stored.record.id.0, RecordView::nested);
    answer.headers_mut().insert(header::ETAG, etag(serial));
    Ok(answer)
}
