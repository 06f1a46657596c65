//! `POST /dns-zones/{uuid}/changes/`: many changes of a zone, all or nothing, as one version.
//!
//! The members of all changes are checked first, and all errors are reported together. If there are none, the rules of the zone
//! are checked. A change needs the permission of what it does, so that a token which can only create can create in bulk.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::change::{Edit, NO_RECORD, NewSet, TtlChoice};
use dns::{Fault, Message, RecordData, RecordId, RecordType, Ttl, ZoneId, ZoneName};
use forms::{MemberError, RecordChanges, WholeRecord, owner};
use serde_json::json;
use store::{Change, ChangeError, Comment, Committed, Permission, StoreError, Tenant};
use uuid::Uuid;

use crate::auth::{AnyChange, AuthError, Caller};
use crate::changes::ChangeView;
use crate::description::{Description, EXAMPLE_RECORD, Group, problems};
use crate::error::{ErrorCode, Problem};
use crate::json::{Bulk, Json, Members};
use crate::members;
use crate::query::{Parameters, PathId, QueryError, parse_uuid};
use crate::schema::{Schema, optional, required};
use crate::writing::{Write, Writing};

/// The most changes in one request.
const MOST: usize = 10_000;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("changes must have from 1 to {MOST} changes")]
    Count,
    #[error(transparent)]
    Comment(Fault),
    #[error("{} changes have errors", .0.len())]
    Parts(Vec<(usize, PartError)>),
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with one change.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PartError {
    #[error("a change must be an object")]
    NotAnObject,
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<PartError> for Problem {
    fn from(error: PartError) -> Problem {
        let detail = error.to_string();
        match error {
            PartError::NotAnObject => Problem::new(ErrorCode::ValidationError, detail),
            PartError::Member(error) => Problem::from(error),
            PartError::Fault(fault) => Problem::fault(fault),
        }
    }
}

/// The member that has the changes.
const CHANGES: &str = "changes";

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        let no_record = || Problem::no_record().at("uuid");
        let part = |fault: Fault| if fault.check == NO_RECORD { no_record() } else { Problem::fault(fault) };
        match self {
            Self::Query(error) => Problem::from(error),
            Self::Member(error) => Problem::from(error),
            Self::Count => Problem::validation(CHANGES, detail),
            Self::Comment(fault) => Problem::fault(fault),
            Self::Parts(faults) => {
                Problem::parts(CHANGES, faults.into_iter().map(|(index, error)| (index, error.into())).collect())
            }
            Self::Auth(error) => return error.into_response(),
            Self::NoZone | Self::Change(ChangeError::NoZone) => Problem::no_zone(),
            Self::Change(ChangeError::Faults(faults)) => {
                Problem::parts(CHANGES, faults.into_iter().map(|(index, fault)| (index, part(fault))).collect())
            }
            Self::Change(ChangeError::NoRecord { index }) => Problem::parts(CHANGES, vec![(index, no_record())]),
            Self::Change(ChangeError::DailyLimit(limit)) => Problem::daily_limit(&limit),
            Self::Change(ChangeError::Condition) => Problem::precondition_failed(),
            // No such condition was set, and permissions were checked before, change by change.
            Self::Change(
                error @ (ChangeError::Moved
                | ChangeError::Forbidden(_)
                | ChangeError::OutOfScope(_)
                | ChangeError::Unmet(_)),
            ) => Problem::internal(error),
            Self::Store(error) | Self::Change(ChangeError::Store(error)) => Problem::store(error),
        }
        .into_response()
    }
}

/// One change, as its members say it.
enum Action {
    Create(WholeRecord),
    Update(RecordId, RecordChanges),
    Delete(RecordId),
    UpsertSet { name: String, record_type: RecordType, ttl: Option<Ttl>, values: Vec<(String, Option<u16>)> },
    DeleteSet { name: String, record_type: RecordType },
}

impl Action {
    fn read(part: &Json) -> Result<Action, PartError> {
        let members = part.object().ok_or(PartError::NotAnObject)?;
        match members.required_string("action")? {
            "create" => {
                members.refuse_unknown(&["action", "record_type", "name", "value", "ttl", "priority"])?;
                Ok(Action::Create(members::whole_record(members)?))
            }
            "update" => {
                members.refuse_unknown(&["action", "uuid", "record_type", "name", "value", "ttl", "priority"])?;
                Ok(Action::Update(record(members)?, members::record_changes(members)?))
            }
            "delete" => {
                members.refuse_unknown(&["action", "uuid"])?;
                Ok(Action::Delete(record(members)?))
            }
            "upsert_rrset" => {
                members.refuse_unknown(&["action", "record_type", "name", "ttl", "records"])?;
                let values = members.required_array("records")?;
                if values.is_empty() {
                    let detail = Message::untranslated(
                        "an RRset has at least one record; to remove it, the action is delete_rrset",
                    );
                    return Err(Fault::of("records", "rrset-empty", detail).into());
                }
                Ok(Action::UpsertSet {
                    name: members.required_string("name")?.to_owned(),
                    record_type: RecordType::parse(members.required_string("record_type")?)?,
                    ttl: members::ttl(members)?,
                    values: values.iter().map(value).collect::<Result<_, _>>()?,
                })
            }
            "delete_rrset" => {
                members.refuse_unknown(&["action", "record_type", "name"])?;
                Ok(Action::DeleteSet {
                    name: members.required_string("name")?.to_owned(),
                    record_type: RecordType::parse(members.required_string("record_type")?)?,
                })
            }
            _ => {
                let detail =
                    Message::untranslated("action must be create, update, delete, upsert_rrset or delete_rrset");
                Err(Fault::of("action", "action", detail).into())
            }
        }
    }

    /// To say how a whole RRset is to be may create, change and delete.
    fn needs(&self) -> &'static [Permission] {
        match self {
            Action::Create(_) => &[Permission::Create],
            Action::Update(..) => &[Permission::Update],
            Action::Delete(_) | Action::DeleteSet { .. } => &[Permission::Delete],
            Action::UpsertSet { .. } => &[Permission::Create, Permission::Update, Permission::Delete],
        }
    }

    fn edit(&self, zone: &ZoneName, zones: &Tenant) -> Result<Edit, Fault> {
        let choice = |ttl: &Option<Ttl>| ttl.map_or(TtlChoice::Default, TtlChoice::Set);
        Ok(match self {
            Action::Create(record) => Edit::Create(zones.new_record_id(), record.in_zone(zone)?),
            Action::Update(id, changes) => Edit::Amend(*id, changes.in_zone(zone)?),
            Action::Delete(id) => Edit::Delete(*id),
            Action::UpsertSet { name, record_type, ttl, values } => {
                let data = |(value, priority): &(String, Option<u16>)| {
                    let data = RecordData::parse(*record_type, value, *priority, zone);
                    data.map(|data| (zones.new_record_id(), data))
                };
                let records = values.iter().map(data).collect::<Result<_, Fault>>()?;
                let (owner, record_type) = (owner(name, zone)?, *record_type);
                Edit::ReplaceSet(NewSet { owner, record_type, ttl: choice(ttl), records })
            }
            Action::DeleteSet { name, record_type } => {
                let (owner, record_type, ttl) = (owner(name, zone)?, *record_type, choice(&None));
                Edit::ReplaceSet(NewSet { owner, record_type, ttl, records: Vec::new() })
            }
        })
    }
}

/// One record of an RRset that is given as a whole.
fn value(part: &Json) -> Result<(String, Option<u16>), PartError> {
    let not_an_object =
        || MemberError::Type { name: "records", expected: Message::untranslated("an array of objects") };
    let members = part.object().ok_or_else(not_an_object)?;
    members.refuse_unknown(&["value", "priority"])?;
    Ok((members.required_string("value")?.to_owned(), members::priority(members)?.flatten()))
}

fn record(members: &Members) -> Result<RecordId, MemberError> {
    let uuid: Uuid = parse_uuid(members.required_string("uuid")?).ok_or(MemberError::Uuid { name: "uuid" })?;
    Ok(RecordId(uuid))
}

struct Request {
    actions: Vec<Result<Action, PartError>>,
    comment: Option<Comment>,
    dry_run: bool,
}

impl Request {
    fn read(parameters: &Parameters, members: &Members) -> Result<Request, Error> {
        parameters.refuse_unknown(&["dry_run"])?;
        let dry_run = parameters.flag("dry_run")?;
        members.refuse_unknown(&[CHANGES, "comment"])?;
        let comment = members.string("comment")?.map(Comment::parse).transpose().map_err(Error::Comment)?.flatten();
        let parts = members.required_array(CHANGES)?;
        if !(1..=MOST).contains(&parts.len()) {
            return Err(Error::Count);
        }
        let actions = parts.iter().map(Action::read).collect();
        Ok(Request { actions, comment, dry_run })
    }
}

/// All outcomes, or all faults with their places.
fn all<T>(outcomes: impl Iterator<Item = Result<T, PartError>>) -> Result<Vec<T>, Error> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (index, outcome) in outcomes.enumerate() {
        match outcome {
            Ok(value) => good.push(value),
            Err(error) => bad.push((index, error)),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(Error::Parts(bad)) }
}

pub(crate) fn describe() -> Description {
    let action = |word: &'static str| required("action", Schema::raw(json!({"type": "string", "const": word})));
    let id = || required("uuid", Schema::uuid().about("The record's UUID."));
    let of_set = || [required("record_type", Schema::string()), required("name", Schema::string())];
    let value = Schema::request([
        required("value", Schema::string()),
        optional("priority", Schema::integer(0..=65535).or_null()),
    ])
    .named("RrsetRecord");
    let ttl = "Default: the TTL of the RRset stays.";
    let upsert = [
        action("upsert_rrset"),
        optional("ttl", Schema::integer(0..=Ttl::MAX.seconds()).or_null().about(ttl)),
        required("records", Schema::array(value).about("All records of the RRset, at least one.")),
    ];
    // Each under a name of its own: generated clients take it for the name of a type.
    let change = Schema::any_of([
        Schema::request(members::whole_record_members().into_iter().chain([action("create")])).named("CreateChange"),
        Schema::request(members::record_changes_members().into_iter().chain([action("update"), id()]))
            .named("UpdateChange"),
        Schema::request([action("delete"), id()]).named("DeleteChange"),
        Schema::request(upsert.into_iter().chain(of_set())).named("UpsertRrsetChange"),
        Schema::request(of_set().into_iter().chain([action("delete_rrset")])).named("DeleteRrsetChange"),
    ]);
    let changes = Schema::array(change).with("minItems", 1).with("maxItems", MOST);
    let comment = "A comment for the history: one line of at most 500 characters.";
    let dry_run = "`true`: nothing is stored; the response shows what would change.";
    let detail = Message::untranslated("an IPv4 address such as 192.0.2.1 is expected");
    let fault = Fault::of("value", "value", detail);
    let example = Problem::parts(CHANGES, vec![(2, Problem::fault(fault))]);
    Description::new("changeZone", Group::Records, "Apply many changes at once")
        .text("All changes are applied in their order as one version, or none is. The rules are checked on the result. Each \
               change needs the permission of what it does: `create`, `update` and `delete` need the permission of the same \
               name, `delete_rrset` the permission to delete, `upsert_rrset` all three.")
        .query("dry_run", dry_run, Schema::boolean(), json!(true))
        .json(Schema::request([required(CHANGES, changes), optional("comment", Schema::string().about(comment))]))
        .example("Another address", json!({
            "changes": [
                {"action": "upsert_rrset", "record_type": "A", "name": "www", "ttl": 300,
                 "records": [{"value": "192.0.2.1"}, {"value": "192.0.2.2"}]},
                {"action": "create", "record_type": "TXT", "name": "www", "value": "moved"},
            ],
            "comment": "www moves",
        }))
        .example("Another mail server", json!({
            "changes": [
                {"action": "update", "uuid": EXAMPLE_RECORD, "value": "mail2.example.com"},
                {"action": "delete_rrset", "record_type": "TXT", "name": "old"},
            ],
        }))
        .answers(StatusCode::OK, "The changes", ChangeView::schema(), ChangeView::example())
        .changes()
        .refuses_with(ErrorCode::ValidationError, problems::of_parts(), example.json())
        .refuses(Problem::new(ErrorCode::PermissionDenied, AuthError::Lacks(Permission::Delete).to_string()))
}

pub(crate) async fn handle(
    caller: Caller<AnyChange>,
    PathId(id): PathId,
    parameters: Parameters,
    writing: Writing,
    Bulk(members): Bulk,
) -> Response {
    let work = async |write: Write| -> Result<Response, Error> {
        let Request { actions, comment, dry_run } = Request::read(&parameters, &members)?;
        for action in actions.iter().flatten() {
            action.needs().iter().try_for_each(|permission| caller.check(*permission))?;
        }
        let zone = match id {
            Some(id) => caller.zones().zone(ZoneId(id)).await?,
            None => None,
        };
        let Some(zone) = zone else {
            all(actions.into_iter())?;
            return Err(Error::NoZone);
        };
        let edit = |action: Action| Ok(action.edit(&zone.name, caller.zones())?);
        let edits = all(actions.into_iter().map(|action| action.and_then(edit)))?;
        let conditions = write.on_zone();
        let change = Change { conditions, comment, dry_run, warn: true, ..Change::from(edits) };
        let reply = move |made: &Committed| ChangeView::reply(made, dry_run);
        Ok(write.change(&caller, zone.id, change, reply).await?)
    };
    writing.once(&caller, members.octets(), work).await
}
