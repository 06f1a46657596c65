//! The answer to a change of many records: what it removed and added, and what is unwise about the outcome.

use dns::warnings::{Code, Warning};
use serde::Serialize;
use serde_json::{Value, json};
use store::{Committed, StoreError};
use uuid::Uuid;

use crate::description::{EXAMPLE_RECORD, EXAMPLE_SERIAL, Schema, examples, required};
use crate::views::RecordView;
use crate::writing::Reply;

/// What a change did, or, after a dry run, would do.
#[derive(Debug, Serialize)]
pub(crate) struct ChangeView {
    serial: u32,
    changed: bool,
    dry_run: bool,
    removed: Vec<RecordView>,
    added: Vec<RecordView>,
    records: Vec<Option<Uuid>>,
    warnings: Vec<WarningView>,
}

/// Something that is accepted and yet unwise.
#[derive(Debug, Serialize)]
pub(crate) struct WarningView {
    code: &'static str,
    field: &'static str,
    detail: String,
    name: String,
}

impl ChangeView {
    fn of(made: &Committed, dry_run: bool) -> ChangeView {
        // What is not stored has no serial of its own.
        let zone = if dry_run { &made.before } else { &made.zone };
        ChangeView {
            serial: zone.serial.0,
            changed: made.changed,
            dry_run,
            removed: made.removed.iter().map(RecordView::nested).collect(),
            added: made.added.iter().map(RecordView::nested).collect(),
            records: made
                .records
                .iter()
                .map(|record| record.as_ref().map(|stored| stored.record.id.0).filter(|_| !dry_run))
                .collect(),
            warnings: made.warnings.iter().map(WarningView::of).collect(),
        }
    }

    /// The whole answer, with the tag of the version that there is now.
    pub(crate) fn reply(made: &Committed, dry_run: bool) -> Result<Reply, StoreError> {
        let zone = if dry_run { &made.before } else { &made.zone };
        Reply::json(zone.serial, &ChangeView::of(made, dry_run))
    }

    pub(crate) fn schema() -> Schema {
        let serial =
            "The zone's newest version: the one that was made, or, where nothing was stored, the one that there is.";
        let records = "For each change the UUID of its record; null where it deleted one, was about a whole RRset, or was a dry run.";
        let removed =
            "The records that ended, as they were. One that changed is here and in `added`, with the same `uuid`.";
        Schema::object([
            required("serial", Schema::serial().about(serial)),
            required(
                "changed",
                Schema::boolean().about("Whether anything is different: if not, there is no new version."),
            ),
            required("dry_run", Schema::boolean().about("Whether nothing was stored.")),
            required("removed", Schema::array(RecordView::schema()).about(removed)),
            required("added", Schema::array(RecordView::schema()).about("The records that began.")),
            required("records", Schema::array(Schema::uuid().or_null()).about(records)),
            required("warnings", Schema::array(WarningView::schema()).about("What is accepted and yet unwise.")),
        ])
        .named("Change")
    }

    pub(crate) fn example() -> Value {
        json!({
            "serial": EXAMPLE_SERIAL, "changed": true, "dry_run": false, "removed": [], "added": [examples::record()],
            "records": [EXAMPLE_RECORD],
            "warnings": [{
                "code": "dangling-target", "field": "value", "name": "@",
                "detail": "the MX record names mail.example.com, which this zone does not have",
            }],
        })
    }
}

impl WarningView {
    pub(crate) fn schema() -> Schema {
        let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        Schema::object([
            required("code", Schema::one_of_the_words(&codes).about("What kind; more may be added.")),
            required("field", Schema::string().about("The member of the record that it is about.")),
            required("detail", Schema::string().about("A sentence for people.")),
            required("name", Schema::string().about("The name that it is about.")),
        ])
        .named("Warning")
    }

    pub(crate) fn of(warning: &Warning) -> WarningView {
        WarningView {
            code: warning.code.name(),
            field: warning.field,
            detail: warning.detail.clone(),
            name: warning.owner.to_string(),
        }
    }
}
