//! `POST /dns-zones/`: a new zone, without records.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::{Fault, ZoneName};
use serde::Serialize;
use serde_json::json;
use store::{CreateZoneError, NewZone, Zone};

use crate::auth::{Caller, CreateZones};
use crate::description::{Description, Group, Schema, examples, location, required};
use crate::error::Problem;
use crate::json::{MemberError, Members};
use crate::views::ZoneView;
use crate::writing::{Reply, Write, Writing};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Domain(#[from] Fault),
    #[error("a zone that is yet to be made has no tag")]
    Precondition,
    #[error(transparent)]
    Create(#[from] CreateZoneError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Member(error) => Problem::from(error),
            Self::Domain(fault) => Problem::validation("domain", fault.detail),
            Self::Precondition => Problem::precondition_failed(),
            Self::Create(CreateZoneError::Exists) => Problem::validation("domain", EXISTS),
            Self::Create(CreateZoneError::Related) => {
                Problem::validation("domain", "a zone above or below this one belongs to another account")
            }
            Self::Create(CreateZoneError::Apex(fault)) => Problem::validation("domain", fault.detail),
            Self::Create(CreateZoneError::Faults(faults)) => Problem::faults(faults),
            Self::Create(CreateZoneError::Store(error)) => Problem::store(error),
        }
        .into_response()
    }
}

const EXISTS: &str = "zone already exists";

struct Request {
    domain: ZoneName,
}

impl Request {
    fn of(members: &Members) -> Result<Request, Error> {
        members.only(&["domain"])?;
        Ok(Request { domain: ZoneName::parse(members.required_string("domain")?)? })
    }
}

#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    zone: ZoneView,
    records: [(); 0],
}

pub(crate) fn describe() -> Description {
    let domain = "A domain name, in Unicode or as A-labels. Neither a top-level domain nor a public suffix, nor above or below a zone \
                  of another account.";
    let zone = examples::with(examples::with(examples::zone(), "record_count", json!(0)), "records", json!([]));
    Description::new("createZone", Group::Zones, "Make a zone")
        .text(
            "The zone begins without records of its own. The SOA and the operator's NS records are made by the server.",
        )
        .json(
            Schema::request([required("domain", Schema::string().about(domain).like("newdomain.com"))])
                .named("NewZone"),
        )
        .example("A zone", json!({"domain": "newdomain.com"}))
        .answers(StatusCode::CREATED, "The zone", ZoneView::schema_with_records(), zone)
        .header(location())
        .leads_to(&["getZone", "deleteZone", "listZoneRecords", "createZoneRecord", "getDeployment"])
        .changes()
        .refuses(Problem::from(MemberError::Missing("domain")))
        .refuses(Problem::validation("domain", EXISTS))
}

pub(crate) async fn handle(caller: Caller<CreateZones>, writing: Writing, members: Members) -> Response {
    let create = async |write: Write| -> Result<Response, Error> {
        let request = Request::of(&members)?;
        if !write.allows_new() {
            return Err(Error::Precondition);
        }
        let reply = |zone: &Zone| {
            let view = Created { zone: ZoneView::of(zone), records: [] };
            Ok(Reply::json(zone.serial, &view)?.created(format!("/dns-zones/{}/", zone.id.0)))
        };
        Ok(write.create_zone(&caller, NewZone::named(request.domain), reply).await?)
    };
    writing.once(&caller, members.octets(), create).await
}
