//! `POST /dns-zones/{uuid}/records/`: creates a record in a zone.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::change::Edit;
use dns::{Fault, Name, RecordData, RecordType, ZoneId, ZoneName};
use forms::{MemberError, WholeRecord};
use serde_json::json;
use store::{Change, ChangeError, Committed, StoreError, StoredRecord};

use crate::auth::{Caller, Create};
use crate::description::{Description, Group, examples, location};
use crate::error::{ErrorCode, Problem};
use crate::json::Members;
use crate::members;
use crate::query::PathId;
use crate::reply::Reply;
use crate::schema::Schema;
use crate::views::RecordView;
use crate::writing::{Write, Writing};

/// Also of the flat path, which does the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateRecordError {
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CreateRecordError> for Problem {
    fn from(error: CreateRecordError) -> Problem {
        use CreateRecordError as E;
        match error {
            E::Member(error) => Problem::from(error),
            E::NoZone | E::Change(ChangeError::NoZone) => Problem::no_zone(),
            E::Fault(fault) => Problem::fault(fault),
            E::Change(ChangeError::Faults(faults)) => Problem::faults(faults),
            E::Store(error) | E::Change(ChangeError::Store(error)) => Problem::store(error),
            E::Change(ChangeError::DailyLimit(limit)) => Problem::daily_limit(&limit),
            E::Change(ChangeError::Condition) => Problem::precondition_failed(),
            E::Change(ChangeError::Moved) => Problem::new(ErrorCode::Conflict, MEANWHILE),
            // The permission is the operation's, and a token has no scope of names.
            E::Change(error @ (ChangeError::Forbidden(_) | ChangeError::OutOfScope(_) | ChangeError::Unmet(_))) => {
                Problem::internal(error)
            }
            error @ E::Change(ChangeError::NoRecord { .. }) => Problem::internal(error),
        }
    }
}

const MEANWHILE: &str = "The zone was changed meanwhile";

impl IntoResponse for CreateRecordError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

pub(crate) fn describe() -> Description {
    let mx = json!({"record_type": "MX", "name": "@", "value": "mail.example.com", "priority": 10});
    describe_creation("createZoneRecord", "Create DNS record in zone", members::new_record_schema())
        .example("An address", json!({"record_type": "A", "name": "www", "value": "192.0.2.1", "ttl": 3600}))
        .example("A mail server", mx)
        .example("A text", json!({"record_type": "TXT", "name": "@", "value": "v=spf1 mx -all"}))
        .answers(StatusCode::CREATED, "The record", RecordView::schema(), examples::record())
        .header(location())
        .leads_to(&["getRecord", "replaceRecord", "updateRecord", "deleteRecord"])
        .changes()
}

/// What both paths for new records have in common.
pub(crate) fn describe_creation(id: &'static str, title: &'static str, request: Schema) -> Description {
    let no_priority = RecordData::parse(RecordType::Mx, "mail.example.com", None, &ZoneName::from_stored(Name::root()));
    let description = Description::new(id, Group::Records, title)
        .text("The record is checked together with its zone: no CNAME beside other data, no duplicate, one TTL per RRset (the \
               records of one name and type).")
        .json(request)
        .refuses(Problem::new(ErrorCode::Conflict, MEANWHILE));
    match no_priority {
        Ok(_) => description,
        Err(fault) => description.refuses(Problem::fault(fault)),
    }
}

pub(crate) async fn handle(caller: Caller<Create>, PathId(id): PathId, writing: Writing, members: Members) -> Response {
    let work = async |write: Write| -> Result<Response, CreateRecordError> {
        members.refuse_unknown(&["record_type", "name", "value", "ttl", "priority"])?;
        let wanted = members::whole_record(&members)?;
        let zone = ZoneId(id.ok_or(CreateRecordError::NoZone)?);
        create(&caller, &write, zone, &wanted, RecordView::nested).await
    };
    writing.once(&caller, members.octets(), work).await
}

/// Makes the record that `wanted` says in a zone of the caller's, and answers it as `view` shows it.
pub(crate) async fn create(
    caller: &Caller<Create>,
    write: &Write,
    zone: ZoneId,
    wanted: &WholeRecord,
    view: fn(&StoredRecord) -> RecordView,
) -> Result<Response, CreateRecordError> {
    let zone = caller.zones().zone(zone).await?.ok_or(CreateRecordError::NoZone)?;
    let record = wanted.in_zone(&zone.name)?;
    let edit = Edit::Create(caller.zones().new_record_id(), record);
    let change = Change { conditions: write.on_zone(), ..Change::from(vec![edit]) };
    let reply = move |made: &Committed| {
        let stored = made.only_record().ok_or(StoreError::Bug("a change of one record without its record"))?;
        let path = format!("/dns-records/{}/", stored.record.id.0);
        Ok(Reply::json(stored.serial, &view(stored))?.created(path))
    };
    Ok(write.change(caller, zone.id, change, reply).await?)
}
