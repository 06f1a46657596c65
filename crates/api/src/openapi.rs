//! The OpenAPI 3.1 document: the table of operations, written as JSON.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::description::{Body, Description, Group, Header, Parameter, ParameterPlace, Refusal, Success, headers};
use crate::operations::OPERATIONS;
use crate::schema::Schema;
use crate::shared::BASE;

/// The whole document.
pub fn document() -> Value {
    let mut parts = Parts::default();
    let mut paths = json!({});
    for operation in OPERATIONS {
        let description = operation.description();
        let security = operation.permission.map(|permission| permission.name());
        let security = json!([{"token": security.into_iter().collect::<Vec<_>>()}]);
        let json = parts.operation(&description, security);
        paths[operation.path][operation.method.as_str().to_lowercase()] = json;
    }
    paths[PATH]["get"] = parts.operation(&about_itself(), json!([]));
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Zonewright",
            "summary": "Managed DNS: zones and records, served by the operator's nameservers moments after a change.",
            "description": ABOUT,
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "externalDocs": {"description": "The reference, with examples", "url": format!("{BASE}/docs/dns/")},
        "servers": [{"url": BASE, "description": "This server"}],
        "security": [{"token": []}],
        "tags": Group::ALL.map(|group| json!({"name": group.name(), "description": group.text()})),
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token starts with `vps_` and is created on the page `/account/developers/`. Each operation \
                                names the permission that the token needs; `dns:*` allows everything.",
            }},
            "responses": parts.responses,
            "headers": parts.headers,
            "schemas": parts.schemas,
        },
    })
}

/// Where the document stands, below [`BASE`].
pub(crate) const PATH: &str = "/openapi.json";

/// What holds for the whole API.
pub const ABOUT: &str = "Every path works with and without its final slash, without a redirect. `HEAD` responds like `GET`, \
                         without the body. Requests and responses are JSON in UTF-8. Timestamps are UTC, ISO 8601, in whole \
                         seconds. Identifiers are UUIDs.\n\nEvery error response has the members `detail` (for people), \
                         `error_code` (for programs; stable) and `field` (the member or parameter at fault, or null). If a path \
                         does not support a method, the response is 405 `method_not_allowed` with `Allow`. An unknown path gets \
                         404 `not_found`. Zones and records of other accounts are reported as not found.\n\nUnknown members and \
                         parameters are refused, not ignored. Responses may get more members in later versions.";

/// `GET /openapi.json`.
pub(crate) async fn get_document() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], TEXT.as_str()).into_response()
}

/// It is not in the table, because it is the only path without a token.
fn about_itself() -> Description {
    let schema = Schema::raw(json!({"type": "object", "required": ["openapi", "info", "paths"]}));
    Description::new("getDescription", Group::Discovery, "Get OpenAPI document")
        .text("The API as an OpenAPI 3.1 document, for client generators. No token is needed.")
        .answers(StatusCode::OK, "The OpenAPI document", schema, json!({"openapi": "3.1.1", "info": {}, "paths": {}}))
}

/// What the operations refer to.
#[derive(Default)]
struct Parts {
    responses: BTreeMap<&'static str, Value>,
    headers: BTreeMap<&'static str, Value>,
    schemas: BTreeMap<&'static str, Value>,
}

impl Parts {
    fn operation(&mut self, description: &Description, security: Value) -> Value {
        let mut json = json!({
            "operationId": description.id,
            "tags": [description.group.name()],
            "summary": description.title,
            "description": description.text,
            "externalDocs": {"url": format!("{BASE}/docs/dns/#{}", description.id)},
            "security": security,
        });
        if !description.parameters.is_empty() {
            json["parameters"] = description.parameters.iter().map(|parameter| self.parameter(parameter)).collect();
        }
        if !description.bodies.is_empty() {
            let content: Map<_, _> =
                description.bodies.iter().map(|body| (body.media_type.to_owned(), self.body(body))).collect();
            json["requestBody"] = json!({"required": true, "content": content});
        }
        let mut responses = BTreeMap::new();
        for answer in &description.answers {
            responses.insert(answer.status.as_u16(), self.answer(answer));
        }
        let mut refusals: BTreeMap<u16, Vec<&Refusal>> = BTreeMap::new();
        for refusal in &description.refusals {
            refusals.entry(refusal.status.as_u16()).or_default().push(refusal);
        }
        for (status, refusals) in refusals {
            let json = self.refusals(&refusals);
            responses.insert(status, self.shared(status, json));
        }
        json["responses"] = responses.into_iter().map(|(status, json)| (status.to_string(), json)).collect();
        json
    }

    fn parameter(&mut self, parameter: &Parameter) -> Value {
        let place = match parameter.place {
            ParameterPlace::Path => "path",
            ParameterPlace::Query => "query",
            ParameterPlace::Header => "header",
        };
        let mut json = json!({
            "name": parameter.name,
            "in": place,
            "required": parameter.place == ParameterPlace::Path,
            "description": parameter.text,
            "schema": self.schema(&parameter.schema),
        });
        if !parameter.example.is_null() {
            json["example"] = parameter.example.clone();
        }
        json
    }

    fn body(&mut self, body: &Body) -> Value {
        let mut json = json!({"schema": self.schema(&body.schema)});
        if !body.examples.is_empty() {
            json["examples"] = examples(body.examples.iter().map(|(about, value)| (*about, value)));
        }
        json
    }

    fn answer(&mut self, answer: &Success) -> Value {
        let mut json = json!({"description": answer.text, "headers": self.headers(&answer.headers)});
        if let Some((media_type, schema, example)) = &answer.body {
            json["content"] = json!({*media_type: {"schema": self.schema(schema), "example": example}});
        }
        if !answer.leads_to.is_empty() {
            let link = |id: &&str| {
                ((*id).to_owned(), json!({"operationId": id, "parameters": {"uuid": "$response.body#/uuid"}}))
            };
            json["links"] = answer.leads_to.iter().map(link).collect();
        }
        json
    }

    /// All refusals with one status.
    fn refusals(&mut self, refusals: &[&Refusal]) -> Value {
        let mut codes: Vec<&str> = refusals.iter().map(|refusal| refusal.code).collect();
        codes.sort_unstable();
        codes.dedup();
        let mut schemas: Vec<Value> = Vec::new();
        for refusal in refusals {
            let schema = self.schema(&refusal.schema);
            if !schemas.contains(&schema) {
                schemas.push(schema);
            }
        }
        // Last, because every error has its members: generated clients take the first that fits.
        schemas.sort_by_key(|schema| schema["$ref"] == "#/components/schemas/Error");
        let mut schema = match schemas.as_slice() {
            [only] => only.clone(),
            _ => json!({ "anyOf": schemas }),
        };
        schema["properties"] = json!({"error_code": {"enum": codes}});
        let headers: Vec<Header> = refusals.first().map(|refusal| refusal.headers.clone()).unwrap_or_default();
        let words: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        let examples = examples(refusals.iter().map(|refusal| {
            let detail = refusal.example["detail"].as_str().unwrap_or_default();
            (detail, &refusal.example)
        }));
        json!({
            "description": words.join(", "),
            "headers": self.headers(&headers),
            "content": {"application/json": {"schema": schema, "examples": examples}},
        })
    }

    /// What every operation answers in the same way stands in one place; `json` itself where this operation differs.
    fn shared(&mut self, status: u16, json: Value) -> Value {
        let name = match status {
            401 => "BadToken",
            413 => "TooLarge",
            415 => "WrongMediaType",
            429 => "TooManyFailures",
            500 => "Failure",
            503 => "Stopping",
            _ => return json,
        };
        if *self.responses.entry(name).or_insert_with(|| json.clone()) != json {
            return json;
        }
        json!({ "$ref": format!("#/components/responses/{name}") })
    }

    fn headers(&mut self, own: &[Header]) -> Value {
        let mut list = Map::new();
        for header in own.iter().chain(&headers::of_every_answer()) {
            let schema = self.schema(&header.schema);
            let json = json!({"description": header.text, "required": header.required, "schema": schema});
            let shared = self.headers.entry(header.name).or_insert_with(|| json.clone());
            let reference = json!({"$ref": format!("#/components/headers/{}", header.name)});
            list.insert(header.name.to_owned(), if *shared == json { reference } else { json });
        }
        Value::Object(list)
    }

    fn schema(&mut self, schema: &Schema) -> Value {
        self.schemas.extend(schema.named_schemas().iter().map(|(name, json)| (*name, json.clone())));
        schema.json().clone()
    }
}

/// Examples under keys that are made of what is said about them.
fn examples<'a>(list: impl Iterator<Item = (&'a str, &'a Value)>) -> Value {
    let mut examples = Map::new();
    for (about, value) in list {
        let words = about.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).take(6);
        let key = words.collect::<Vec<_>>().join("-").to_lowercase();
        examples.insert(key, json!({"summary": about, "value": value}));
    }
    Value::Object(examples)
}
