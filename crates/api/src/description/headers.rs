//! The headers of requests and answers, each described once.

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
        Header::always("X-Request-Id", "The request's id. Quote it when you ask the operator.", Schema::uuid()),
        Header::always("Cache-Control", "Answers are never cached.", constant("no-store")),
        Header::always("X-Content-Type-Options", "The media type is the one that is said.", constant("nosniff")),
    ]
}

/// The path of what was made.
pub(crate) fn location() -> Header {
    let path = Schema::string().with("format", "uri-reference");
    let path = path.like("/api/v1/dns-zones/0192a0c8-3f5e-7c2a-9b1d-5e6f7a8b9c0d/");
    Header::always("Location", "The path of what was made.", path)
}

/// The version that the answer shows.
pub(crate) fn etag() -> Header {
    let text = "The version, as the zone's serial in quotes, for `If-Match`.";
    Header::always("ETag", text, pattern("^\"[0-9]+\"$").like("\"1705314600\""))
}

/// What to call the answer when it is kept.
pub(crate) fn file_name() -> Header {
    let example = "attachment; filename=\"example.com.zone\"";
    Header::always("Content-Disposition", "A name for the file.", Schema::string().like(example))
}

/// The next page of a list.
pub(crate) fn link() -> Header {
    let text = "The next page, ready to be asked for, with all other parameters (RFC 8288). The last page has none.";
    let example = "</api/v1/dns-zones/?page_size=100&cursor=z0192a0c83f5e7c2a9b1d5e6f7a8b9c0d>; rel=\"next\"";
    Header::always("Link", text, pattern("^</api/v1/.*>; rel=\"next\"$").like(example)).sometimes()
}

/// On the answer to every change that succeeds.
pub(crate) fn of_changes() -> Vec<Header> {
    let deployment = "Whether every nameserver serves the change: `live`: whoever asks one of them sees it. `pending`: not yet, or, \
                      without the preference, nobody was asked; the change is stored and follows by itself.";
    let applied = "The seconds that were granted, where `Prefer: wait` asked for some.";
    let replayed =
        "`true` where this is the answer that the first of several equal requests got, by its `Idempotency-Key`.";
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
    Header::always("WWW-Authenticate", "The scheme to use.", constant("Bearer"))
}

/// On answers with 429.
pub(super) fn of_limits() -> Vec<Header> {
    let number = || Schema::integer(0..=u32::MAX);
    vec![
        Header::always("Retry-After", "Seconds until the next attempt is judged.", number().like(1)),
        Header::always("RateLimit-Limit", "How many failures an address may make at once.", number().like(200)),
        Header::always("RateLimit-Remaining", "How many are left.", number().like(0)),
        Header::always("RateLimit-Reset", "Seconds until the next attempt is judged.", number().like(1)),
    ]
}

fn constant(value: &'static str) -> Schema {
    Schema::raw(json!({"type": "string", "const": value}))
}

fn pattern(pattern: &'static str) -> Schema {
    Schema::string().with("pattern", Value::from(pattern))
}
