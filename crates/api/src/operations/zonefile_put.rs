//! `PUT /dns-zones/{uuid}/zonefile/`: replaces a zone's records with those of a BIND zone file.

use std::collections::HashSet;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dns::zonefile::Options;
use dns::{Fault, RecordId, ZoneId};
use forms::{ZoneFileError, read_zone_file};
use serde::Serialize;
use serde_json::json;
use store::{Change, ChangeError, Comment, Committed, Difference, Permission, Source, StoreError, Wish};

use crate::auth::{AnyChange, AuthError, Caller};
use crate::description::{Description, EXAMPLE_SERIAL, Group};
use crate::error::{ErrorCode, Problem};
use crate::query::{Parameters, PathId, QueryError};
use crate::reply::Reply;
use crate::schema::{Schema, required};
use crate::versions::DifferenceView;
use crate::writing::{Write, Writing};
use crate::zone_file::{self, FileView, MEDIA_TYPE, ZoneFileBody};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Comment(Fault),
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    File(#[from] ZoneFileError),
    #[error(transparent)]
    Change(ChangeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::File(error) => return zone_file::refuse(error, None),
            Self::Query(error) => Problem::from(error),
            Self::Comment(fault) => Problem::fault(fault),
            Self::NoZone | Self::Change(ChangeError::NoZone) => Problem::no_zone(),
            Self::Change(ChangeError::DailyLimit(limit)) => Problem::daily_limit(&limit),
            Self::Change(ChangeError::Condition) => Problem::precondition_failed(),
            Self::Store(error) | Self::Change(ChangeError::Store(error)) => Problem::store(error),
            Self::Change(ChangeError::Forbidden(needed)) => return AuthError::Lacks(needed).into_response(),
            // Replacing the content names no record ids, and its errors are already errors of the file. A token has no scope of names.
            error @ Self::Change(
                ChangeError::NoRecord { .. }
                | ChangeError::Moved
                | ChangeError::Faults(_)
                | ChangeError::OutOfScope(_)
                | ChangeError::Unmet(_),
            ) => Problem::internal(error),
        }
        .into_response()
    }
}

/// What the query part says.
struct Request {
    dry_run: bool,
    options: Options,
    comment: Option<Comment>,
}

impl Request {
    fn read(parameters: &Parameters) -> Result<Request, Error> {
        parameters.refuse_unknown(&["dry_run", "keep_keys", "keep_ttl", "leave_out_unknown", "comment"])?;
        let comment = parameters.get("comment").map_or(Ok(None), Comment::parse).map_err(Error::Comment)?;
        let options = zone_file::options(parameters)?;
        Ok(Request { dry_run: parameters.flag("dry_run")?, options, comment })
    }
}

#[derive(Serialize)]
struct Replaced {
    serial: u32,
    dry_run: bool,
    removed: usize,
    added: usize,
    changed: usize,
    difference: Option<DifferenceView>,
    #[serde(flatten)]
    file: FileView,
}

impl Replaced {
    fn new(made: &Committed, dry_run: bool, file: FileView) -> Replaced {
        let before: HashSet<RecordId> = made.removed.iter().map(|stored| stored.record.id).collect();
        let changed = made.added.iter().filter(|stored| before.contains(&stored.record.id)).count();
        let difference = || {
            DifferenceView::new(&Difference {
                from: Some(made.before.serial),
                to: made.zone.serial,
                removed: made.removed.clone(),
                added: made.added.clone(),
            })
        };
        Replaced {
            serial: made.zone.serial.0,
            dry_run,
            removed: made.removed.len() - changed,
            added: made.added.len() - changed,
            changed,
            difference: dry_run.then(difference),
            file,
        }
    }

    fn schema() -> Schema {
        let count = || Schema::raw(json!({"type": "integer", "minimum": 0}));
        let difference = DifferenceView::schema().or_null().about("The difference; only in a dry run, otherwise null.");
        let members = [
            required(
                "serial",
                Schema::serial().about(
                    "The zone's version after the change. In a dry run, the version that the change would create.",
                ),
            ),
            required("dry_run", Schema::boolean()),
            required("removed", count()),
            required("added", count()),
            required("changed", count().about("The number of records whose TTL changed.")),
            required("difference", difference),
        ];
        Schema::object(members.into_iter().chain(FileView::members())).named("ZoneFileAnswer")
    }
}

pub(crate) fn describe() -> Description {
    let dry_run = "`true`: nothing is stored, and the response has the difference.";
    let comment = "A comment for the history: one line of at most 500 characters.";
    let file = "$TTL 1h\n@ IN SOA ns.example.net. host.example.net. 1 1h 15m 2w 5m\n@ MX 10 mail\nmail A 192.0.2.25\n";
    let answer = json!({
        "serial": EXAMPLE_SERIAL, "dry_run": false, "removed": 0, "added": 1, "changed": 0, "difference": null,
        "left_out": FileView::left_out_example(), "notes": [], "warnings": [],
    });
    let description = Description::new("replaceZoneFile", Group::Zones, "Replace DNS zone by zone file")
        .text(
            "Replaces the records of the zone with those of the file. Only the difference is stored, as one new version; if \
             there is no difference, there is no new version. The accepted syntax is that of BIND 9.18; `$INCLUDE` is refused. \
             These records are left out and listed in the response: the SOA (the zone's serial stays above the file's), the \
             operator's own NS records at the apex with their addresses, records outside the zone, and records that signing \
             created. Other NS records at the apex are imported, with the warning `foreign-apex-ns`. All errors are reported at \
             once, with line and column.\n\nLike a changeset, it needs the permissions of what it does: `dns:create` if it adds \
             records, `dns:delete` if it removes records, `dns:update` if it changes records.",
        )
        .query("dry_run", dry_run, Schema::boolean(), json!(true));
    zone_file::describe_switches(description)
        .query("comment", comment, Schema::string(), json!("moved"))
        .body(MEDIA_TYPE, Schema::string())
        .example("A zone file", json!(file))
        .answers(StatusCode::OK, "The result", Replaced::schema(), answer)
        .header(crate::description::etag())
        .changes()
        .refuses_with(ErrorCode::ValidationError, zone_file::refusal_schema(), zone_file::refusal_example())
        .refuses(Problem::new(ErrorCode::PermissionDenied, AuthError::Lacks(Permission::Delete).to_string()))
}

pub(crate) async fn handle(
    caller: Caller<AnyChange>,
    PathId(id): PathId,
    parameters: Parameters,
    writing: Writing,
    ZoneFileBody { text, place }: ZoneFileBody,
) -> Response {
    let work = async |write: Write| replace(&caller, id.map(ZoneId), &parameters, &write, text.clone()).await;
    let response = writing.once(&caller, &text, work).await;
    drop(place);
    response
}

async fn replace(
    caller: &Caller<AnyChange>,
    id: Option<ZoneId>,
    parameters: &Parameters,
    write: &Write,
    text: Bytes,
) -> Result<Response, Error> {
    let Request { dry_run, options, comment } = Request::read(parameters)?;
    let zone = caller.zones().zone(id.ok_or(Error::NoZone)?).await?.ok_or(Error::NoZone)?;
    let apex = caller.zones().own_apex(Some(zone.id)).await?;
    let mut content = read_zone_file(text, &zone.name, apex, options).await?;
    let records = std::mem::take(&mut content.records);
    let change = Change {
        conditions: write.on_zone(),
        comment,
        serial_above: content.serial,
        allowed: Some(caller.permissions()),
        dry_run,
        ..Change::of(Wish::Content(records))
    };
    let view = FileView::new(&content);
    let reply = move |made: &Committed| Reply::json(made.zone.serial, &Replaced::new(made, dry_run, view.clone()));
    match write.change_as(caller, Source::Import, zone.id, change, reply).await {
        Ok(response) => Ok(response),
        Err(ChangeError::Faults(faults)) => Err(ZoneFileError::Faults(content.faults(faults)).into()),
        Err(error) => Err(Error::Change(error)),
    }
}
