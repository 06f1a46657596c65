//! `GET /dns-records/`: records by zone, type and name. All records of one zone, paginated only on request; over all zones always
//! paginated.
//!
//! A name has the meaning that it would have for a new record in each zone: relative to the zone, unless it ends with the zone's
//! name. Over all zones, a name therefore selects the records that have it as relative name in any zone, and the records of that
//! name in the zone that contains it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use dns::{Fault, Name, OwnerName, RecordId, RecordType, ZoneId, ZoneName};
use forms::owner;
use serde_json::json;
use store::{RecordFilter, StoreError, StoredRecord, Tenant};

use crate::auth::{Caller, List};
use crate::description::{self, Description, EXAMPLE_ZONE, Group, examples};
use crate::error::Problem;
use crate::listing::{Frame, all_records};
use crate::paging::{self, Page};
use crate::query::{Parameters, QueryError, parse_uuid};
use crate::read_error::ReadError;
use crate::schema::Schema;
use crate::tags::{IfNoneMatch, etag};
use crate::views::RecordView;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Filter(#[from] Fault),
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Query(error) => Problem::from(error),
            Self::Filter(fault) => Problem::fault(fault),
            Self::NoZone | Self::Read(ReadError::NoZone) => Problem::no_zone().at("zone"),
            Self::Read(error) => Problem::from(error),
            Self::Store(error) => Problem::store(error),
        }
        .into_response()
    }
}

struct Request<'a> {
    zone: Option<ZoneId>,
    record_type: Option<RecordType>,
    name: Option<&'a str>,
    page: Option<Page>,
}

impl Request<'_> {
    fn read(parameters: &Parameters) -> Result<Request<'_>, Error> {
        parameters.refuse_unknown(&["zone", "record_type", "name", "page_size", "cursor"])?;
        let zone =
            parameters.get("zone").map(|text| parse_uuid(text).map(ZoneId).ok_or(QueryError::Zone)).transpose()?;
        let record_type = parameters.get("record_type").map(RecordType::parse).transpose()?;
        let page = match zone {
            Some(_) => Page::if_asked(parameters, paging::List::Records)?,
            None => Some(Page::read(parameters, paging::List::Records)?),
        };
        Ok(Request { zone, record_type, name: parameters.get("name"), page })
    }
}

pub(crate) fn describe() -> Description {
    let name = "Only the records with this name, relative or full. Without `zone`, a relative name matches in every zone, and \
                a full name matches in its zone too; with a final dot it is only a full name.";
    let records = Schema::array(RecordView::flat_schema());
    Description::new("listRecords", Group::Records, "List DNS records of all zones")
        .text("Oldest first. With `zone`, all records of that zone; it is paginated only if `page_size` or `cursor` is given. \
               Without `zone`, always paginated.")
        .query("zone", "Only the records of this zone.", Schema::uuid(), json!(EXAMPLE_ZONE))
        .query("record_type", "Only the records of this type, in any letter case.", Schema::string(), json!("MX"))
        .query("name", name, Schema::string(), json!("@"))
        .answers(StatusCode::OK, "The records", records, json!([examples::flat_record()]))
        .paged()
        .tagged(description::etag().sometimes())
        .refuses(Problem::no_zone().at("zone"))
}

pub(crate) async fn handle(
    caller: Caller<List>,
    parameters: Parameters,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    let Request { zone, record_type, name, page } = Request::read(&parameters)?;
    let zones = caller.zones();
    let places = match (zone, name) {
        (zone, None) => vec![(zone, None)],
        (Some(zone), Some(name)) => {
            let known = zones.zone(zone).await?.ok_or(Error::NoZone)?;
            vec![(Some(zone), Some(owner(name, &known.name)?))]
        }
        (None, Some(name)) => everywhere(zones, name).await?,
    };
    let filter = |owner| RecordFilter { record_type, owner };
    let Some(page) = page else {
        // Only one zone's list is answered without pages, and that has one place.
        let (zone, owner) =
            places.into_iter().next().and_then(|(zone, owner)| Some((zone?, owner))).ok_or(Error::NoZone)?;
        return Ok(all_records(zones, zone, filter(owner), Frame::FlatRecords, &if_none_match).await?);
    };
    let serial = match zone {
        // As in the list of one zone's records.
        Some(zone) => Some(zones.zone(zone).await?.ok_or(Error::NoZone)?.serial),
        None => None,
    };
    if let Some(unchanged) = serial.and_then(|serial| if_none_match.unchanged(serial)) {
        return Ok(unchanged);
    }
    let mut found: BTreeMap<RecordId, StoredRecord> = BTreeMap::new();
    for (zone, owner) in places {
        let after = page.after().map(RecordId);
        let records = zones.records(zone, filter(owner), after, page.limit()).await?;
        found.extend(records.ok_or(Error::NoZone)?.into_iter().map(|stored| (stored.record.id, stored)));
    }
    let first = found.into_values().take(page.limit() as usize).collect();
    let mut answer = page.answer(first, &parameters, |stored| stored.record.id.0, RecordView::flat);
    answer.headers_mut().extend(serial.map(|serial| (header::ETAG, etag(serial))));
    Ok(answer)
}

/// Where a name may stand when no zone is given.
async fn everywhere(zones: &Tenant, name: &str) -> Result<Vec<(Option<ZoneId>, Option<OwnerName>)>, Error> {
    let full_only = name.ends_with('.') && !name.ends_with("\\.");
    let relative = owner(name, &ZoneName::from_stored(Name::root()))?;
    let mut places = Vec::new();
    let mut above = Name::parse(name).ok();
    if !full_only {
        places.push((None, Some(relative)));
    }
    let full = above.clone();
    while let (Some(full), Some(candidate)) = (&full, above) {
        above = candidate.parent();
        let zone_name = ZoneName::from_stored(candidate);
        for zone in zones.zones(Some(zone_name.clone()), None, 1).await? {
            places.push((Some(zone.id), OwnerName::of(full, &zone_name)));
        }
    }
    Ok(places)
}
