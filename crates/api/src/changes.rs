//! The response to a changeset: the removed and added records, and warnings about the result.
//!
//! If a long response has an `Idempotency-Key`, only its JSON with empty lists and the UUIDs of `records` (16 octets each) are
//! stored. A repeated request reads `removed` and `added` from the zone's history, where they have the same order. It differs
//! from the first response only if a newer version of the server shows records differently.

use std::borrow::Cow;

use dns::warnings::{Code, Warning};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Committed, Head, StoreError};
use uuid::Uuid;

use crate::auth::Caller;
use crate::description::{EXAMPLE_RECORD, EXAMPLE_SERIAL, examples};
use crate::reply::{Reply, json};
use crate::schema::{Schema, required};
use crate::views::RecordView;

/// What a change did, or, after a dry run, would do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ChangeView {
    serial: u32,
    changed: bool,
    dry_run: bool,
    #[serde(skip_deserializing)]
    removed: Vec<RecordView>,
    #[serde(skip_deserializing)]
    added: Vec<RecordView>,
    #[serde(skip_deserializing)]
    records: Vec<Option<Uuid>>,
    warnings: Vec<WarningView>,
}

/// Something that is accepted and yet unwise.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WarningView {
    code: Cow<'static, str>,
    field: Cow<'static, str>,
    detail: String,
    name: String,
}

impl ChangeView {
    fn new(made: &Committed, dry_run: bool) -> ChangeView {
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
            warnings: made.warnings.iter().map(WarningView::new).collect(),
        }
    }

    /// The whole answer, with the tag of the version that there is now.
    pub(crate) fn reply(made: &Committed, dry_run: bool) -> Result<Reply, StoreError> {
        let zone = if dry_run { &made.before } else { &made.zone };
        let view = ChangeView::new(made, dry_run);
        Reply::json(zone.serial, &view)?.keeping(|| view.rest())
    }

    fn rest(self) -> Result<Vec<u8>, StoreError> {
        let records = self.records;
        let mut rest = json(&ChangeView { removed: Vec::new(), added: Vec::new(), records: Vec::new(), ..self })?;
        // No JSON of ours has a line break.
        rest.push(b'\n');
        rest.extend(records.iter().flat_map(|id| id.unwrap_or_default().into_bytes()));
        Ok(rest)
    }

    fn of_rest(rest: &[u8]) -> Option<ChangeView> {
        let (json, ids) = rest.split_at_checked(rest.iter().position(|octet| *octet == b'\n')? + 1)?;
        let id = |octets: &[u8]| Uuid::from_slice(octets).ok().map(|id| Some(id).filter(|id| !id.is_nil()));
        let records = ids.chunks(16).map(id).collect::<Option<_>>()?;
        Some(ChangeView { records, ..serde_json::from_slice(json).ok()? })
    }

    /// The body of the stored `rest`; `None` if its records are deleted.
    pub(crate) async fn again<P>(caller: &Caller<P>, made: &Head, rest: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut view = ChangeView::of_rest(rest).ok_or(StoreError::Bug("a stored answer cannot be read"))?;
        let mut difference = None;
        if view.changed {
            difference = caller.zones().own_change(made).await?;
            if difference.is_none() {
                return Ok(None);
            }
        }
        let make = move || {
            if let Some(difference) = difference {
                view.removed = difference.removed.iter().map(RecordView::nested).collect();
                view.added = difference.added.iter().map(RecordView::nested).collect();
            }
            json(&view).map(Some)
        };
        tokio::task::spawn_blocking(make).await.unwrap_or(Err(StoreError::Panicked))
    }

    pub(crate) fn schema() -> Schema {
        let serial = "The zone's newest version: the new one, or the current one if nothing was stored.";
        let records = "For each change, the UUID of its record. Null if the change deleted a record or concerned a whole \
                       RRset, and in a dry run.";
        let removed = "The removed records. A changed record is here with its old content and in `added` with its new content, with \
                       the same `uuid`.";
        Schema::object([
            required("serial", Schema::serial().about(serial)),
            required("changed", Schema::boolean().about("Whether the zone changed. If not, there is no new version.")),
            required("dry_run", Schema::boolean().about("Whether it was a dry run: nothing was stored.")),
            required("removed", Schema::array(RecordView::schema()).about(removed)),
            required("added", Schema::array(RecordView::schema()).about("The new records.")),
            required("records", Schema::array(Schema::uuid().or_null()).about(records)),
            required(
                "warnings",
                Schema::array(WarningView::schema())
                    .about("Warnings: records that are valid but probably not intended."),
            ),
        ])
        .named("Change")
    }

    pub(crate) fn example() -> Value {
        serde_json::json!({
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
            required("code", Schema::one_of_the_words(&codes).about("The kind; more may be added.")),
            required("field", Schema::string().about("The member of the record that the warning is about.")),
            required("detail", Schema::string().about("A message for people.")),
            required("name", Schema::string().about("The name that the warning is about.")),
        ])
        .named("Warning")
    }

    pub(crate) fn new(warning: &Warning) -> WarningView {
        WarningView {
            code: warning.code.name().into(),
            field: warning.field.into(),
            detail: warning.detail.to_string(),
            name: warning.owner.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use dns::{OwnerName, Record, RecordData, RecordId, RecordType, Serial, Ttl, ZoneId, ZoneName};
    use store::{StoredRecord, Timestamp, VersionNumber};

    use super::*;

    #[test]
    fn what_is_kept_has_16_octets_for_each_record() {
        let zone = ZoneName::parse("example.com").unwrap();
        let stored = |number: u128| StoredRecord {
            zone: ZoneId(Uuid::nil()),
            record: Record {
                id: RecordId(Uuid::from_u128(number + 1)),
                owner: OwnerName::parse(&format!("host-{number}"), &zone).unwrap(),
                ttl: Ttl::DEFAULT,
                data: RecordData::parse(RecordType::A, "192.0.2.1", None, &zone).unwrap(),
            },
            created_at: Timestamp::UNIX_EPOCH,
            version: VersionNumber(1),
            serial: Serial(1),
        };
        let all: Vec<StoredRecord> = (0..10_000).map(stored).collect();
        let lists = || all.iter().map(RecordView::nested).collect();
        let warning = WarningView {
            code: "low-ttl".into(),
            field: "ttl".into(),
            detail: "two\nlines".to_owned(),
            name: "@".to_owned(),
        };
        let view = ChangeView {
            serial: 7,
            changed: true,
            dry_run: false,
            removed: lists(),
            added: lists(),
            records: (0..10_000).map(|number| (number % 3 > 0).then(|| Uuid::from_u128(number))).collect(),
            warnings: vec![warning],
        };
        let first = json(&view).unwrap();
        let rest = view.rest().unwrap();
        assert!(first.len() > 3_000_000 && rest.len() < 16 * 10_000 + 300, "{} {}", first.len(), rest.len());
        let again = ChangeView { removed: lists(), added: lists(), ..ChangeView::of_rest(&rest).unwrap() };
        assert!(json(&again).unwrap() == first);
        for damaged in [&rest[..rest.len() - 1], b"", b"{}\n", b"\n"] {
            assert!(ChangeView::of_rest(damaged).is_none());
        }
    }
}
