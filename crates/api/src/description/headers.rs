//! The headers of requests and responses, each described once.

use serde_json::{Value, json};

use crate::schema::Schema;

/// A header of an answer.
#[derive(Debug, Clone)]
pub struct Header {
    /// Its name, as it is usually written.
    pub name: &'static str,
    /// What it says.
    pub text: &'static str,
    /// Whether each such answer has it.
    pub required: bool,
    /// What its value looks like.
    pub schema: Schema,
}

impl Header {
    fn always(name: &'static str, text: &'static str, schema: Schema) -> Header {
        Header { name, text, required: true, schema }
    }

    /// Not on each such answer.
    pub(crate) fn sometimes(self) -> Header {
        Header { required: false, ..self }
    }
}

/// On every answer of the server.
pub(crate) fn of_every_answer() -> Vec<Header> {
    vec![
        Header::always("X-Request-Id", "The request's id. Quote it when you contact the operator.", Schema::uuid()),
        Header::always("Cache-Control", "Responses must not be cached.", constant("no-store")),
        Header::always("X-Content-Type-Options", "Clients must not guess another media type.", constant("nosniff")),
    ]
}

/// The path of what was made.
pub(crate) fn location() -> Header {
    let path = Schema::string().with("format", "uri-reference");
    let path = path.like("/api/v1/dns-zones/0192a0c8-3f5e-7c2a-9b1d-5e6f7a8b9c0d/");
    Header::always("Location", "The path of the new zone or record.", path)
}

/// The version that the answer shows.
pub(crate) fn etag() -> Header {
    let text = "The version, as the zone's serial in quotes, for `If-Match`.";
    Header::always("ETag", text, pattern("^\"[0-9]+\"$").like("\"1705314600\""))
}

/// The file name for saving the response.
pub(crate) fn file_name() -> Header {
    let example = "attachment; filename=\"example.com.zone\"";
    Header::always("Content-Disposition", "A name for the file.", Schema::string().like(example))
}

/// The next page of a list.
pub(crate) fn link() -> Header {
    let text = "The URL of the next page, with all other parameters (RFC 8288). Absent on the last page.";
    let example = "</api/v1/dns-zones/?page_size=100&cursor=z0192a0c83f5e7c2a9b1d5e6f7a8b9c0d>; rel=\"next\"";
    Header::always("Link", text, pattern("^</api/v1/.*>; rel=\"next\"$").like(example)).sometimes()
}

/// On the answer to every change that succeeds.
pub(crate) fn of_changes() -> Vec<Header> {
    let deployment = "Whether every nameserver serves the change. `live`: yes. `pending`: not yet, or `Prefer: wait` was not \
                      sent; the change is stored and will be deployed.";
    let applied = "The granted waiting time, if `Prefer: wait` was sent.";
    let replayed = "`true` if this is the stored response of an earlier request with the same `Idempotency-Key`.";
    vec![
        etag(),
        Header::always("Idempotency-Replayed", replayed, constant("true")).sometimes(),
        Header::always("Deployment", deployment, Schema::one_of_the_words(&["live", "pending"])),
        Header::always("Preference-Applied", applied, pattern("^wait=([0-9]|[1-5][0-9]|60)$").like("wait=10"))
            .sometimes(),
    ]
}

/// On answers with 401.
pub(super) fn www_authenticate() -> Header {
    Header::always("WWW-Authenticate", "The authentication scheme.", constant("Bearer"))
}

/// On answers with 429.
pub(super) fn of_limits() -> Vec<Header> {
    let number = || Schema::integer(0..=u32::MAX);
    vec![
        Header::always("Retry-After", "Seconds until the next attempt is allowed.", number().like(1)),
        Header::always("RateLimit-Limit", "The number of attempts that the limit allows.", number().like(200)),
        Header::always("RateLimit-Remaining", "The number of attempts that are left.", number().like(0)),
        Header::always("RateLimit-Reset", "Seconds until the next attempt is allowed.", number().like(1)),
    ]
}

fn constant(value: &'static str) -> Schema {
    Schema::raw(json!({"type": "string", "const": value}))
}

fn pattern(pattern: &'static str) -> Schema {
    Schema::string().with("pattern", Value::from(pattern))
}
