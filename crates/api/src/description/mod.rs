//! The description of each operation, used for the OpenAPI document and the reference pages.
//!
//! Every row of the table of operations names a function that returns its [`Description`], so an operation without one does not
//! compile. A description has only what is specific to the operation. `operations` adds what follows from the method, the path
//! and the permission (identifiers in the path, errors of tokens and bodies), and `openapi` adds the headers of every response.
//! The tests validate every response against the result, and send the examples to the real router.
//!
//! This module does not depend on the operations, so that every module can describe its own requests and responses. What all
//! changes have in common is described in `writing`.
//!
//! Decided against: deriving the description from the handlers' types (utoipa). Request members are read one by one, each with
//! its own error (see `json`), and lists are streamed, so there are no types with the shape of the JSON; they would exist only
//! for the derived schemas.

pub(crate) mod examples;
pub(crate) mod headers;
pub(crate) mod problems;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::error::{ErrorCode, Problem};
use crate::schema::Schema;

pub use headers::Header;
use headers::link;
pub(crate) use headers::{etag, file_name, location};

/// The identifier of the zone in examples.
pub const EXAMPLE_ZONE: &str = "0192a0c8-3f5e-7c2a-9b1d-5e6f7a8b9c0d";
/// The identifier of the record in examples.
pub const EXAMPLE_RECORD: &str = "0192a0c9-71b2-7d4e-8f30-1a2b3c4d5e6f";
/// The identifier of the update key in examples.
pub const EXAMPLE_UPDATE_KEY: &str = "0192a0ca-2b7f-7e11-a4c5-6d7e8f90a1b2";

/// The serial of the zone's newest version in examples.
pub const EXAMPLE_SERIAL: u32 = 1_705_314_600;

/// One operation, described.
#[derive(Debug, Clone)]
pub struct Description {
    /// Its name in programs, for ever the same.
    pub id: &'static str,
    /// The group that it is shown in.
    pub group: Group,
    /// What it does, in a few words.
    pub title: &'static str,
    /// What there is to know about it. Blank lines part paragraphs, and `backticks` mark code.
    pub text: &'static str,
    /// The identifiers of its path, its parameters, and the headers that it understands.
    pub parameters: Vec<Parameter>,
    /// The bodies that it understands, by media type.
    pub bodies: Vec<Body>,
    /// How it answers when it succeeds.
    pub answers: Vec<Success>,
    /// How it answers when it does not.
    pub refusals: Vec<Refusal>,
}

/// The groups of operations, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Zones.
    Zones,
    /// Records.
    Records,
    /// The versions of zones.
    History,
    /// What the nameservers serve.
    Deployment,
    /// Credentials for dynamic updates and other protocols.
    UpdateKeys,
    /// The caller.
    Account,
    /// The API about itself.
    Discovery,
}

/// A value in the URL or the head of a request.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: ParameterPlace,
    /// What it means.
    pub text: &'static str,
    /// What it looks like.
    pub schema: Schema,
    /// A value that works.
    pub example: Value,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterPlace {
    /// In the path; always required.
    Path,
    /// In the query part of the URL.
    Query,
    /// In a header.
    Header,
}

/// The body of a request.
#[derive(Debug, Clone)]
pub struct Body {
    /// How it is written.
    pub media_type: &'static str,
    /// What it looks like.
    pub schema: Schema,
    /// Bodies that succeed, each with a few words about it.
    pub examples: Vec<(&'static str, Value)>,
}

/// A success.
#[derive(Debug, Clone)]
pub struct Success {
    /// Its status.
    pub status: StatusCode,
    /// What it says.
    pub text: &'static str,
    /// How its body is written, what it looks like, and an example; `None` where it has none.
    pub body: Option<(&'static str, Schema, Value)>,
    /// Its headers, without those of every answer.
    pub headers: Vec<Header>,
    /// The operations that what it made can be used with, by [`Description::id`].
    pub leads_to: &'static [&'static str],
}

/// An answer that is no success.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Its status.
    pub status: StatusCode,
    /// The stable `error_code`.
    pub code: &'static str,
    /// A body.
    pub example: Value,
    /// What the body looks like.
    pub schema: Schema,
    /// Its headers, without those of every answer.
    pub headers: Vec<Header>,
}

impl Description {
    pub(crate) fn new(id: &'static str, group: Group, title: &'static str) -> Description {
        let (parameters, bodies, answers, refusals) = Default::default();
        Description { id, group, title, text: "", parameters, bodies, answers, refusals }
    }

    /// What there is to know about it.
    pub(crate) fn text(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }

    /// An identifier of the path other than the UUID of a zone, a record or a key, which is described already.
    pub(crate) fn in_path(self, name: &'static str, text: &'static str, schema: Schema, example: Value) -> Self {
        self.parameter(Parameter { name, place: ParameterPlace::Path, text, schema, example })
    }

    /// A parameter in the query part of the URL.
    pub(crate) fn query(self, name: &'static str, text: &'static str, schema: Schema, example: Value) -> Self {
        self.parameter(Parameter { name, place: ParameterPlace::Query, text, schema, example })
    }

    /// A header of the request.
    pub(crate) fn takes(self, name: &'static str, text: &'static str, schema: Schema, example: Value) -> Self {
        self.parameter(Parameter { name, place: ParameterPlace::Header, text, schema, example })
    }

    fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// `page_size`, `cursor`, and the `Link` of the answer that was described last.
    pub(crate) fn paged(self) -> Self {
        let size = Schema::integer(1..=1000);
        let cursor = "Where the page starts. Use the value from the `Link` header unchanged: its form may change, and a cursor \
                      from another list is refused.";
        self.query("page_size", "Items per page. Default: 100.", size, json!(100))
            .query("cursor", cursor, Schema::string(), Value::Null)
            .header(link())
    }

    /// A JSON body.
    pub(crate) fn json(self, schema: Schema) -> Self {
        self.body("application/json", schema)
    }

    /// A body in another form.
    pub(crate) fn body(mut self, media_type: &'static str, schema: Schema) -> Self {
        self.bodies.push(Body { media_type, schema, examples: Vec::new() });
        self
    }

    /// An example of the body that was described last. It has to succeed, on the zone and the record that
    /// [`EXAMPLE_ZONE`] and [`EXAMPLE_RECORD`] stand for.
    pub(crate) fn example(mut self, about: &'static str, body: Value) -> Self {
        if let Some(last) = self.bodies.last_mut() {
            last.examples.push((about, body));
        }
        self
    }

    /// A success with a JSON body.
    pub(crate) fn answers(self, status: StatusCode, text: &'static str, schema: Schema, example: Value) -> Self {
        self.answer(status, text, Some(("application/json", schema, example)))
    }

    /// A success with a body in another form.
    pub(crate) fn answers_as(
        self,
        media_type: &'static str,
        text: &'static str,
        schema: Schema,
        example: Value,
    ) -> Self {
        self.answer(StatusCode::OK, text, Some((media_type, schema, example)))
    }

    /// 204.
    pub(crate) fn answers_nothing(self, text: &'static str) -> Self {
        self.answer(StatusCode::NO_CONTENT, text, None)
    }

    fn answer(mut self, status: StatusCode, text: &'static str, body: Option<(&'static str, Schema, Value)>) -> Self {
        self.answers.push(Success { status, text, body, headers: Vec::new(), leads_to: &[] });
        self
    }

    /// A header of the success that was described last.
    pub(crate) fn header(mut self, header: Header) -> Self {
        if let Some(last) = self.answers.last_mut() {
            last.headers.push(header);
        }
        self
    }

    /// What can be done with the `uuid` of the success that was described last.
    pub(crate) fn leads_to(mut self, operations: &'static [&'static str]) -> Self {
        if let Some(last) = self.answers.last_mut() {
            last.leads_to = operations;
        }
        self
    }

    /// The response shows a version of a zone or record: adds the ETag, `If-None-Match` and 304. Call it after the success.
    pub(crate) fn tagged(self, tag: Header) -> Self {
        let text = "One or more ETags. The response is 304 if the zone or record is still at one of these versions.";
        self.header(tag)
            .takes("If-None-Match", text, Schema::string(), Value::Null)
            .answer(StatusCode::NOT_MODIFIED, "The client has this version already", None)
            .header(etag())
    }

    /// An answer that is no success, beside those that every operation of its kind has.
    pub(crate) fn refuses(mut self, problem: Problem) -> Self {
        self.refusals.push(Refusal::new(&problem));
        self
    }

    /// The same with a body of its own.
    pub(crate) fn refuses_with(mut self, code: ErrorCode, schema: Schema, example: Value) -> Self {
        self.refusals.push(Refusal { schema, example, ..Refusal::new(&Problem::new(code, "")) });
        self
    }
}

impl Group {
    /// All of them, in their order.
    pub const ALL: [Group; 7] =
        [Self::Zones, Self::Records, Self::History, Self::Deployment, Self::UpdateKeys, Self::Account, Self::Discovery];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zones => "Zones",
            Self::Records => "Records",
            Self::History => "History",
            Self::Deployment => "Deployment",
            Self::UpdateKeys => "Update keys",
            Self::Account => "Account",
            Self::Discovery => "Discovery",
        }
    }

    /// What is in it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Zones => "A zone is a domain name that the operator's nameservers serve.",
            Self::Records => "The data that the nameservers answer with: addresses, mail servers, texts and others.",
            Self::History => "Every change creates a version of its zone. The serial of a version identifies it.",
            Self::Deployment => {
                "Whether the nameservers serve what was stored. Each nameserver is polled for each request."
            }
            Self::UpdateKeys => {
                "Credentials for dynamic updates, zone transfers and the protocols of existing clients, each limited to some zones, names and types."
            }
            Self::Account => "The account and the token of a request.",
            Self::Discovery => "The API's description of itself.",
        }
    }
}

impl Refusal {
    fn new(problem: &Problem) -> Refusal {
        let (status, code) = (problem.status(), problem.code());
        let headers = match code {
            ErrorCode::AuthenticationFailed => vec![headers::www_authenticate()],
            ErrorCode::RateLimited => headers::of_limits(),
            _ => Vec::new(),
        };
        // An error's body is always JSON.
        let example = serde_json::from_slice(&problem.body()).unwrap_or_default();
        Refusal { status, code: code.name(), example, schema: problems::of_one_fault(), headers }
    }
}
