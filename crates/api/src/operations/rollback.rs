//! `POST /dns-zones/{uuid}/rollback/`: creates a version with the records and the settings of an earlier one.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::{Fault, Message, Serial, ZoneId};
use forms::MemberError;
use serde_json::json;
use store::{Change, ChangeError, Comment, Committed, Permission, Source, Wish};

use crate::auth::{AnyChange, AuthError, Caller};
use crate::changes::ChangeView;
use crate::description::{Description, EXAMPLE_SERIAL, Group};
use crate::error::{ErrorCode, Problem};
use crate::json::Members;
use crate::query::{Parameters, PathId, QueryError};
use crate::schema::{Schema, optional, required};
use crate::writing::{Write, Writing};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Comment(Fault),
    #[error("no such zone")]
    NoZone,
    #[error(transparent)]
    Change(#[from] ChangeError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Query(error) => Problem::from(error),
            Self::Member(error) => Problem::from(error),
            Self::Comment(fault) => Problem::fault(fault),
            Self::NoZone | Self::Change(ChangeError::NoZone) => Problem::no_zone(),
            Self::Change(ChangeError::Faults(faults)) => not_possible(&faults),
            Self::Change(ChangeError::DailyLimit(limit)) => Problem::daily_limit(&limit),
            Self::Change(ChangeError::Condition) => Problem::precondition_failed(),
            Self::Change(ChangeError::Store(error)) => Problem::store(error),
            Self::Change(ChangeError::Forbidden(needed)) => return AuthError::Lacks(needed).into_response(),
            // The edits are made inside the transaction, of the records that are there; a token has no scope of names.
            Self::Change(
                error @ (ChangeError::NoRecord { .. }
                | ChangeError::Moved
                | ChangeError::OutOfScope(_)
                | ChangeError::Unmet(_)),
            ) => Problem::internal(error),
        }
        .into_response()
    }
}

/// 400 with everything that is in the way.
fn not_possible(faults: &[(usize, Fault)]) -> Problem {
    let all: Vec<String> = faults.iter().map(|(_, fault)| fault.detail.to_string()).collect();
    Problem::validation("serial", all.join("; "))
}

struct Request {
    serial: Serial,
    comment: Option<Comment>,
    dry_run: bool,
}

impl Request {
    fn read(parameters: &Parameters, members: &Members) -> Result<Request, Error> {
        parameters.refuse_unknown(&["dry_run"])?;
        members.refuse_unknown(&["serial", "comment"])?;
        let serial = members.integer("serial", u32::MAX)?.flatten().ok_or(MemberError::Missing("serial"))?;
        // The journal says where it went back to, whatever else its author says.
        let words = match members.string("comment")? {
            Some(text) => Comment::parse(text).map_err(Error::Comment)?,
            None => None,
        };
        let text = match words {
            Some(words) => format!("back to {serial}: {}", words.as_str()),
            None => format!("back to {serial}"),
        };
        let comment = Comment::parse(&text).map_err(Error::Comment)?;
        Ok(Request { serial: Serial(serial), comment, dry_run: parameters.flag("dry_run")? })
    }
}

pub(crate) fn describe() -> Description {
    let detail = Message::untranslated("the zone has no version 7; it never had one, or it was too old to be kept");
    let gone = Fault::of("serial", "no-such-version", detail);
    let body = Schema::request([
        required("serial", Schema::serial().about("The version whose records and settings are restored.")),
        optional("comment", Schema::string().about("A comment for the history: one line of at most 500 characters.")),
    ]);
    Description::new("rollBackZone", Group::History, "Roll back DNS zone")
        .text("Creates a new version with the records and the settings of an earlier one. Only the difference is stored. A \
               record that is restored gets back its UUID and its `created_at`. The rules are checked as for any change: if the \
               zone can no longer contain a record, nothing is changed and the error says why.\n\nA rollback is a version like \
               any other and can itself be rolled back. If the zone already has those records and settings, there is no new \
               version.\n\nLike a changeset, it needs the permissions of what it does: `dns:create` if it restores records, \
               `dns:delete` if it removes records, `dns:update` if it changes records or settings.")
        .query("dry_run", "`true`: nothing is stored; the response shows what would change.", Schema::boolean(), json!(true))
        .json(body)
        .example("Back to an earlier version", json!({"serial": EXAMPLE_SERIAL}))
        .answers(StatusCode::OK, "What changed", ChangeView::schema(), ChangeView::example())
        .changes()
        .refuses(Problem::fault(gone))
        .refuses(Problem::new(ErrorCode::PermissionDenied, AuthError::Lacks(Permission::Delete).to_string()))
}

pub(crate) async fn handle(
    caller: Caller<AnyChange>,
    PathId(id): PathId,
    parameters: Parameters,
    writing: Writing,
    members: Members,
) -> Response {
    let roll_back = async |write: Write| -> Result<Response, Error> {
        let Request { serial, comment, dry_run } = Request::read(&parameters, &members)?;
        let zone = ZoneId(id.ok_or(Error::NoZone)?);
        let conditions = write.on_zone();
        let allowed = Some(caller.permissions());
        let change = Change { conditions, comment, allowed, dry_run, warn: true, ..Change::of(Wish::Version(serial)) };
        let reply = move |made: &Committed| ChangeView::reply(made, dry_run);
        Ok(write.change_as(&caller, Source::Rollback, zone, change, reply).await?)
    };
    writing.once(&caller, members.octets(), roll_back).await
}
