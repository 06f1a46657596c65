//! `POST /dns-records/`: creates a record in the zone that the body names.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::ZoneId;
use forms::{MemberError, WholeRecord};
use serde_json::json;

use super::record_create::{CreateRecordError, create, describe_creation};
use crate::auth::{Caller, Create};
use crate::description::{Description, EXAMPLE_ZONE, examples, location};
use crate::error::Problem;
use crate::json::Members;
use crate::members;
use crate::query::parse_uuid;
use crate::views::RecordView;
use crate::writing::{Write, Writing};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Create(CreateRecordError),
}

impl From<MemberError> for Error {
    fn from(error: MemberError) -> Error {
        Error::Create(error.into())
    }
}

impl From<CreateRecordError> for Error {
    fn from(error: CreateRecordError) -> Error {
        match error {
            CreateRecordError::NoZone => Error::NoZone,
            error => Error::Create(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::NoZone => Problem::no_zone().at("zone"),
            Self::Create(error) => Problem::from(error),
        }
        .into_response()
    }
}

struct Request {
    zone: ZoneId,
    record: WholeRecord,
}

impl Request {
    fn read(members: &Members) -> Result<Request, MemberError> {
        members.refuse_unknown(&["zone", "record_type", "name", "value", "ttl", "priority"])?;
        let record = members::whole_record(members)?;
        let zone = parse_uuid(members.required_string("zone")?).ok_or(MemberError::Uuid { name: "zone" })?;
        Ok(Request { zone: ZoneId(zone), record })
    }
}

pub(crate) fn describe() -> Description {
    let record = json!({"zone": EXAMPLE_ZONE, "record_type": "AAAA", "name": "www", "value": "2001:db8::1"});
    describe_creation("createRecord", "Create DNS record", members::new_record_of_zone_schema())
        .example("An address", record)
        .answers(StatusCode::CREATED, "The record", RecordView::flat_schema(), examples::flat_record())
        .header(location())
        .leads_to(&["getRecord", "replaceRecord", "updateRecord", "deleteRecord"])
        .changes()
        .refuses(Problem::no_zone().at("zone"))
}

pub(crate) async fn handle(caller: Caller<Create>, writing: Writing, members: Members) -> Response {
    let work = async |write: Write| -> Result<Response, Error> {
        let request = Request::read(&members)?;
        Ok(create(&caller, &write, request.zone, &request.record, RecordView::flat).await?)
    };
    writing.once(&caller, members.octets(), work).await
}
