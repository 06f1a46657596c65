//! `GET /dns-zones/`: the account's zones, oldest first, in pages.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::{Name, NameError, ZoneId, ZoneName};
use serde_json::json;
use store::StoreError;

use crate::auth::{Caller, List};
use crate::description::{Description, Group, examples};
use crate::error::Problem;
use crate::paging::{self, Page};
use crate::query::{Parameters, QueryError};
use crate::schema::Schema;
use crate::views::ZoneView;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Domain(#[from] NameError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Query(error) => Problem::from(error),
            Self::Domain(error) => Problem::validation("domain", error.to_string()),
            Self::Store(error) => Problem::store(error),
        }
        .into_response()
    }
}

struct Request {
    domain: Option<ZoneName>,
    page: Page,
}

impl Request {
    fn read(parameters: &Parameters) -> Result<Request, Error> {
        parameters.refuse_unknown(&["domain", "page_size", "cursor"])?;
        // Only the name's form matters: a name that cannot be a zone is simply not found.
        let domain = parameters.get("domain").map(Name::parse).transpose()?.map(ZoneName::from_stored);
        Ok(Request { domain, page: Page::read(parameters, paging::List::Zones)? })
    }
}

pub(crate) fn describe() -> Description {
    let domain = "Only the zone with exactly this name, in any letter case, in Unicode or as A-labels.";
    Description::new("listZones", Group::Zones, "List all DNS zones")
        .text("The account's zones, oldest first, in pages. If zones are created or deleted meanwhile, every zone that existed \
               throughout is listed exactly once.")
        .query("domain", domain, Schema::string(), json!("example.com"))
        .answers(StatusCode::OK, "A page of zones", Schema::array(ZoneView::schema()), json!([examples::zone()]))
        .paged()
}

pub(crate) async fn handle(caller: Caller<List>, parameters: Parameters) -> Result<Response, Error> {
    let Request { domain, page } = Request::read(&parameters)?;
    let zones = caller.zones().zones(domain, page.after().map(ZoneId), page.limit()).await?;
    Ok(page.answer(zones, &parameters, |zone| zone.id.0, ZoneView::new))
}
