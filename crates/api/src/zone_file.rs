//! Zone files in requests, and their results in responses.
//!
//! A file is read outside the asynchronous threads. All its errors, of the syntax and of the zone's rules, are reported together,
//! with line and column.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use dns::zonefile::{Content, FileFault, LeftOut, LeftOutReason, Note, Options};
use forms::ZoneFileError;
use http_server::Permit;
use hyper::body::Body as _;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use store::AccountId;

use crate::changes::WarningView;
use crate::description::Description;
use crate::error::{ErrorCode, Problem};
use crate::json::{BodyError, read_within, single_header};
use crate::query::{Parameters, QueryError};
use crate::schema::{Member, Schema, required};
use crate::shared::Shared;

/// How zone files are named (RFC 4027).
pub(crate) const MEDIA_TYPE: &str = "text/dns";

/// A zone file as the body of a request.
pub(crate) struct ZoneFileBody {
    pub(crate) text: Bytes,
    /// Its place in the gate.
    pub(crate) place: Option<Permit<AccountId>>,
}

impl FromRequest<Arc<Shared>> for ZoneFileBody {
    type Rejection = BodyError;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, BodyError> {
        let (parts, body) = request.into_parts();
        check_media_type(&parts.headers, &body)?;
        let (text, place) = read_within(body, shared.settings.bulk_limit, &parts, shared).await?;
        Ok(ZoneFileBody { text, place })
    }
}

fn check_media_type(headers: &HeaderMap, body: &Body) -> Result<(), BodyError> {
    let encoding = single_header(headers, header::CONTENT_ENCODING)?;
    let media_type = single_header(headers, header::CONTENT_TYPE)?;
    let essence = media_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    let is_zone_file = essence.map_or(body.is_end_stream(), |essence| essence.eq_ignore_ascii_case(MEDIA_TYPE));
    let is_plain = encoding.is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
    if is_zone_file && is_plain { Ok(()) } else { Err(BodyError::NotAZoneFile) }
}

/// How a file is to be read, as the parameters `keep_keys`, `keep_ttl` and `leave_out_unknown` say.
pub(crate) fn options(parameters: &Parameters) -> Result<Options, QueryError> {
    Ok(Options {
        keep_keys: parameters.flag("keep_keys")?,
        keep_ttl: parameters.flag("keep_ttl")?,
        leave_out_unknown: parameters.flag("leave_out_unknown")?,
        ..Options::default()
    })
}

/// What the reference says of the parameters of [`options`].
pub(crate) fn describe_switches(description: Description) -> Description {
    let keep_keys = "`true`: DNSKEY, CDS and CDNSKEY records are imported, for a zone that several parties sign.";
    let keep_ttl = "`true`: a TTL of 1 in a file from Cloudflare stays 1. Otherwise it becomes 300, because there it means \
                    \"automatic\".";
    let leave_out_unknown = "`true`: records of types that this server does not support are left out and listed in `left_out`. \
                             Otherwise the file is refused.";
    description
        .query("keep_keys", keep_keys, Schema::boolean(), json!(true))
        .query("keep_ttl", keep_ttl, Schema::boolean(), json!(true))
        .query("leave_out_unknown", leave_out_unknown, Schema::boolean(), json!(true))
}

/// 400 with every fault of a file; `field` is where it stands in the request, where that is a member.
pub(crate) fn refuse(error: ZoneFileError, field: Option<&'static str>) -> Response {
    match error {
        ZoneFileError::Faults(faults) => refusal(faults, field),
        error @ ZoneFileError::EndedEarly => Problem::internal(error).into_response(),
    }
}

fn refusal(faults: Vec<FileFault>, field: Option<&'static str>) -> Response {
    let more = faults.len().saturating_sub(1);
    let detail = match faults.first() {
        Some(first) if more > 0 => format!("{first} (and {more} more)"),
        Some(first) => first.to_string(),
        None => "the file has faults".to_owned(),
    };
    let problem = Problem::text(detail, faults);
    let problem = match field {
        Some(field) => problem.at(field),
        None => problem,
    };
    problem.into_response()
}

/// What a 400 for a file looks like.
pub(crate) fn refusal_schema() -> Schema {
    let place = || Schema::integer(1..=u32::MAX);
    let error = Schema::object([
        required("line", place()),
        required("column", place().about("Counted in octets.")),
        required("field", Schema::string().or_null()),
        required("detail", Schema::string()),
        required("error_code", Schema::string()),
    ]);
    Schema::object([
        required("detail", Schema::string()),
        required("error_code", Schema::string()),
        required("field", Schema::string().or_null()),
        required("errors", Schema::array(error).about("All errors of the file, at most 101.")),
    ])
    .named("ZoneFileError")
}

/// What such a 400 says.
pub(crate) fn refusal_example() -> Value {
    let fault = "address must be an address such as 192.0.2.1, not \"192.0.2\"";
    let code = ErrorCode::ValidationError.name();
    json!({
        "detail": format!("line 4, column 7: {fault}"), "error_code": code, "field": null,
        "errors": [{"line": 4, "column": 7, "field": "value", "detail": fault, "error_code": code}],
    })
}

/// Records of a file that are not among the zone's.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LeftOutView {
    record_type: String,
    count: usize,
    line: u32,
    reason: &'static str,
    detail: &'static str,
}

/// A note for the author of the file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NoteView {
    line: u32,
    column: u32,
    code: &'static str,
    detail: String,
}

/// What answers say of a file that was taken.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FileView {
    left_out: Vec<LeftOutView>,
    notes: Vec<NoteView>,
    warnings: Vec<WarningView>,
}

impl FileView {
    pub(crate) fn new(content: &Content) -> FileView {
        let left_out = |LeftOut { reason, record_type, count, first }: &LeftOut| LeftOutView {
            record_type: record_type.clone(),
            count: *count,
            line: first.line,
            reason: reason.name(),
            detail: reason.reason(),
        };
        let note = |Note { at, check, detail }: &Note| NoteView {
            line: at.line,
            column: at.column,
            code: check,
            detail: detail.to_string(),
        };
        FileView {
            left_out: content.left_out.iter().map(left_out).collect(),
            notes: content.notes.iter().map(note).collect(),
            warnings: content.warnings.iter().map(WarningView::new).collect(),
        }
    }

    pub(crate) fn members() -> [Member; 3] {
        let number = || Schema::raw(json!({"type": "integer", "minimum": 1}));
        let reasons = LeftOutReason::ALL.map(LeftOutReason::name);
        let left_out = Schema::object([
            required("record_type", Schema::string()),
            required("count", number()),
            required("line", number().about("The line of the first of them.")),
            required("reason", Schema::one_of_the_words(&reasons)),
            required("detail", Schema::string()),
        ]);
        let note = Schema::object([
            required("line", number()),
            required("column", number()),
            required("code", Schema::string().about("The kind; more may be added.")),
            required("detail", Schema::string()),
        ]);
        let warnings = "Warnings about the zone with these records; the first 100. The records are valid, but probably not \
                        intended.";
        [
            required("left_out", Schema::array(left_out).about("The records of the file that were left out.")),
            required(
                "notes",
                Schema::array(note).about("Lines of the file that may have been read in another sense than intended."),
            ),
            required("warnings", Schema::array(WarningView::schema()).about(warnings)),
        ]
    }

    pub(crate) fn left_out_example() -> Value {
        json!([{
            "record_type": "SOA", "count": 1, "line": 2, "reason": LeftOutReason::Soa.name(),
            "detail": LeftOutReason::Soa.reason(),
        }])
    }
}
