//! `GET /record-types/`: the supported record types and the fields of their data, from the table that the parser uses. Clients
//! can build forms from it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dns::RecordType;
use dns::rdata::Field;
use serde::Serialize;
use serde_json::json;

use crate::auth::{AnyToken, Caller};
use crate::description::{Description, Group};
use crate::query::{Parameters, QueryError};
use crate::schema::{Schema, required};

/// A record type.
#[derive(Debug, Serialize)]
struct TypeView {
    record_type: &'static str,
    number: u16,
    rfc: &'static str,
    description: &'static str,
    has_priority: bool,
    fields: Vec<FieldView>,
    example: ExampleView,
}

/// One field of its data.
#[derive(Debug, Serialize)]
struct FieldView {
    name: &'static str,
    member: &'static str,
    kind: &'static str,
    minimum: Option<u32>,
    maximum: Option<u32>,
    description: &'static str,
}

/// Members of a record that is accepted.
#[derive(Debug, Serialize)]
struct ExampleView {
    value: String,
    priority: Option<u16>,
}

impl TypeView {
    /// `None` for types that no user makes.
    fn new(record_type: RecordType) -> Option<TypeView> {
        let form = record_type.form()?;
        let example = record_type.example()?;
        let has_priority = record_type.has_priority();
        let field = |(index, field): (usize, &Field)| FieldView {
            name: field.name,
            // The priority is the first field of the types that have one.
            member: if has_priority && index == 0 { "priority" } else { "value" },
            kind: field.kind(),
            minimum: field.range().map(|(least, _)| least),
            maximum: field.range().map(|(_, most)| most),
            description: field.description,
        };
        Some(TypeView {
            record_type: form.name,
            number: form.code,
            rfc: form.rfc,
            description: form.description,
            has_priority,
            fields: form.fields.iter().enumerate().map(field).collect(),
            example: ExampleView { value: example.value(), priority: example.priority() },
        })
    }

    fn schema() -> Schema {
        let field = Schema::object([
            required("name", Schema::string().about("Its name in the RFC.")),
            required(
                "member",
                Schema::one_of_the_words(&["value", "priority"]).about("The member of a record that contains it."),
            ),
            required("kind", Schema::string().about("The syntax of the field, for example `u16`, `name` or `hex`.")),
            required(
                "minimum",
                Schema::integer(0..=u32::MAX).or_null().about("The smallest number; null if it is not a number."),
            ),
            required(
                "maximum",
                Schema::integer(0..=u32::MAX).or_null().about("The largest number; null if it is not a number."),
            ),
            required("description", Schema::string().about("What it says.")),
        ])
        .named("RecordTypeField");
        let example = Schema::object([
            required("value", Schema::string()),
            required("priority", Schema::integer(0..=u16::MAX.into()).or_null()),
        ]);
        Schema::object([
            required("record_type", Schema::string().about("Its mnemonic, as in the `record_type` of a record.")),
            required("number", Schema::integer(1..=u16::MAX.into()).about("Its number in the IANA registry.")),
            required("rfc", Schema::string().about("Where it is defined.")),
            required("description", Schema::string().about("What it is for.")),
            required("has_priority", Schema::boolean().about("Whether its records need a `priority`.")),
            required(
                "fields",
                Schema::array(field).about("The fields of its data, in the order in which they are written."),
            ),
            required("example", example.about("Members of a record that is accepted.")),
        ])
        .named("RecordType")
    }
}

pub(crate) fn describe() -> Description {
    let example = json!([{
        "record_type": "MX",
        "number": 15,
        "rfc": "RFC 1035, section 3.3.9",
        "description": "A host that takes mail for the owner.",
        "has_priority": true,
        "fields": [
            {"name": "preference", "member": "priority", "kind": "u16", "minimum": 0, "maximum": 65535,
             "description": "Lower is tried first."},
            {"name": "exchange", "member": "value", "kind": "name", "minimum": null, "maximum": null,
             "description": "The host; \".\" if the domain accepts no mail (RFC 7505)."},
        ],
        "example": {"value": "mail.example.com", "priority": 10},
    }]);
    let text = "In the order of their numbers. Any other type can be given by its number, as `TYPE65280`, with a value in the \
                form of RFC 3597. Any valid token is accepted; no permission is needed.";
    Description::new("listRecordTypes", Group::Records, "List record types").text(text).answers(
        StatusCode::OK,
        "The types and the fields of their data",
        Schema::array(TypeView::schema()),
        example,
    )
}

pub(crate) async fn handle(_: Caller<AnyToken>, parameters: Parameters) -> Result<Response, QueryError> {
    parameters.refuse_unknown(&[])?;
    let types: Vec<TypeView> = RecordType::EDITABLE.into_iter().filter_map(TypeView::new).collect();
    Ok(Json(types).into_response())
}
