//! Versions of a zone: how requests name them, and how responses show them and their differences.

use std::convert::Infallible;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use dns::Serial;
use serde::Serialize;
use serde_json::{Value, json};
use store::{Counts, Difference, Event, Source, Version};
use uuid::Uuid;

use crate::description::{EXAMPLE_SERIAL, examples};
use crate::error::{ErrorCode, Problem};
use crate::query::parse_uuid;
use crate::schema::{Member, Schema, required};
use crate::views::{RecordView, iso};

/// A version, as lists show it.
#[derive(Debug, Serialize)]
pub(crate) struct VersionView {
    serial: u32,
    time: String,
    event: &'static str,
    author: AuthorView,
    source: &'static str,
    comment: Option<String>,
    counts: CountsView,
}

/// Who made a version. All null where that was the server or the operator, and where the zone was another account's then.
#[derive(Debug, Default, Serialize)]
struct AuthorView {
    account: Option<String>,
    token: Option<String>,
    address: Option<String>,
}

#[derive(Debug, Serialize)]
struct CountsView {
    removed: u64,
    added: u64,
    changed: u64,
}

impl VersionView {
    pub(crate) fn new(version: &Version) -> VersionView {
        let Counts { removed, added, changed } = version.counts;
        VersionView {
            serial: version.serial.0,
            time: iso(version.time),
            event: match version.event {
                Event::Created => "created",
                Event::Changed => "changed",
                Event::Deleted => "deleted",
                Event::Undeleted => "undeleted",
            },
            author: AuthorView::new(version),
            source: version.source.name(),
            comment: version.comment.clone(),
            counts: CountsView { removed, added, changed },
        }
    }
}

impl VersionView {
    pub(crate) fn schema() -> Schema {
        Schema::object(VersionView::members()).named("Version")
    }

    fn members() -> [Member; 7] {
        let count = || Schema::raw(json!({"type": "integer", "minimum": 0}));
        let author = Schema::object([
            required("account", Schema::string().or_null()),
            required(
                "token",
                Schema::string().or_null().about("The token's name; null for changes from the dashboard."),
            ),
            required("address", Schema::string().or_null()),
        ]);
        let counts =
            Schema::object([required("removed", count()), required("added", count()), required("changed", count())]);
        let event = Schema::one_of_the_words(&["created", "changed", "deleted", "undeleted"]);
        let source = Schema::one_of_the_words(&Source::ALL.map(Source::name));
        [
            required("serial", Schema::serial()),
            required("time", Schema::time()),
            required("event", event),
            required("author", author.about("The members are null if the server or the operator made the change.")),
            required("source", source),
            required("comment", Schema::string().or_null()),
            required("counts", counts.about("The numbers of records removed, added and changed.")),
        ]
    }

    pub(crate) fn example() -> Value {
        json!({
            "serial": EXAMPLE_SERIAL, "time": "2024-01-15T10:30:00Z", "event": "changed",
            "author": {"account": "ada@example.com", "token": "ci", "address": "192.0.2.7"}, "source": "api", "comment": null,
            "counts": {"removed": 0, "added": 1, "changed": 0},
        })
    }
}

impl AuthorView {
    fn new(version: &Version) -> AuthorView {
        let is_token = match version.source {
            Source::Api => true,
            // An update key's, or a token's.
            Source::Rfc2136 | Source::DynDns | Source::Acme | Source::Pdns | Source::Webhook => true,
            // A token's, or a signed-in user's.
            Source::Import | Source::Rollback => version.by.as_ref().is_some_and(|by| by.name != by.email),
            Source::Dashboard => false,
            // Done for the account, not by it.
            Source::Operator | Source::Server | Source::Undelete => return AuthorView::default(),
        };
        let Some(by) = &version.by else { return AuthorView::default() };
        AuthorView {
            account: Some(by.email.clone()),
            token: is_token.then(|| by.name.clone()),
            address: by.address.map(|address| address.to_string()),
        }
    }
}

/// The difference between two versions. A changed record is in both lists, and its UUID in the third.
#[derive(Debug, Serialize)]
pub(crate) struct DifferenceView {
    from: Option<u32>,
    to: u32,
    #[serde(flatten)]
    records: RecordsView,
}

#[derive(Debug, Serialize)]
struct RecordsView {
    removed: Vec<RecordView>,
    added: Vec<RecordView>,
    changed: Vec<Uuid>,
}

impl RecordsView {
    fn new(difference: &Difference) -> RecordsView {
        RecordsView {
            removed: difference.removed.iter().map(RecordView::nested).collect(),
            added: difference.added.iter().map(RecordView::nested).collect(),
            changed: difference.changed().map(|id| id.0).collect(),
        }
    }
}

impl RecordsView {
    fn members() -> [Member; 3] {
        let changed = "The UUIDs of the records in both lists: `removed` has their old content, `added` the new.";
        [
            required("removed", Schema::array(RecordView::schema())),
            required("added", Schema::array(RecordView::schema())),
            required("changed", Schema::array(Schema::uuid()).about(changed)),
        ]
    }
}

impl DifferenceView {
    pub(crate) fn schema() -> Schema {
        let from = Schema::serial().or_null().about("Null if the zone did not exist before.");
        let members = [required("from", from), required("to", Schema::serial())];
        Schema::object(members.into_iter().chain(RecordsView::members())).named("Difference")
    }

    pub(crate) fn new(difference: &Difference) -> DifferenceView {
        let from = difference.from.map(|serial| serial.0);
        DifferenceView { from, to: difference.to.0, records: RecordsView::new(difference) }
    }
}

/// A version with everything that it changed.
#[derive(Debug, Serialize)]
pub(crate) struct WholeVersionView {
    #[serde(flatten)]
    version: VersionView,
    previous: Option<u32>,
    #[serde(flatten)]
    records: RecordsView,
}

impl WholeVersionView {
    pub(crate) fn schema() -> Schema {
        let previous = Schema::serial().or_null().about("The previous version; null if there is none.");
        let members = VersionView::members().into_iter().chain([required("previous", previous)]);
        Schema::object(members.chain(RecordsView::members())).named("WholeVersion")
    }

    pub(crate) fn example() -> Value {
        let mut version = VersionView::example();
        version["previous"] = json!(EXAMPLE_SERIAL - 1);
        version["removed"] = json!([]);
        version["added"] = json!([examples::record()]);
        version["changed"] = json!([]);
        version
    }

    pub(crate) fn new(version: &Version, difference: &Difference) -> WholeVersionView {
        WholeVersionView {
            version: VersionView::new(version),
            previous: difference.from.map(|serial| serial.0),
            records: RecordsView::new(difference),
        }
    }
}

/// 404 for a version that never existed or is no longer kept.
pub(crate) fn no_version() -> Problem {
    Problem::new(
        ErrorCode::NotFound,
        "The zone has no version with this serial; it never existed, or it is no longer kept",
    )
}

/// Reads a serial: digits only, as answers have it.
pub(crate) fn read_serial(text: &str) -> Option<Serial> {
    let is_plain =
        !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok().map(Serial)).flatten()
}

/// The zone and the version in a path. What is no identifier or no serial names nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathVersion {
    pub(crate) zone: Option<Uuid>,
    pub(crate) serial: Option<Serial>,
}

impl<S: Send + Sync> FromRequestParts<S> for PathVersion {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let texts: Result<Path<(String, String)>, PathRejection> = Path::from_request_parts(parts, state).await;
        let (zone, serial) = texts.map(|Path(texts)| texts).unwrap_or_default();
        Ok(PathVersion { zone: parse_uuid(&zone), serial: read_serial(&serial) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_has_one_spelling() {
        for (text, serial) in [("0", 0), ("7", 7), ("4294967295", u32::MAX)] {
            assert_eq!(read_serial(text), Some(Serial(serial)), "{text}");
        }
        for text in ["", "07", "+7", "-1", "4294967296", "7.0", " 7", "seven"] {
            assert_eq!(read_serial(text), None, "{text}");
        }
    }
}
