//! The description of the API against the API itself: every answer that any test gets is checked by it, its examples are sent to
//! the real router, and the file in the repository is the one that the code makes.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use api::{BASE, EXAMPLE_RECORD, EXAMPLE_SERIAL, EXAMPLE_UPDATE_KEY, EXAMPLE_ZONE, OPERATIONS, ParameterPlace};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::routes;
use crate::server::{Answer, Server, Tenant};

static DOCUMENT: LazyLock<Value> = LazyLock::new(api::document);

/// Headers of HTTP itself, which no operation has to mention.
const OF_HTTP: &[&str] = &["connection", "content-length", "content-type", "date", "transfer-encoding"];

/// Checks an answer: its status is described, with this `error_code`, its headers are, and its body is as the schema says, without
/// a member more. Called for every answer in this test program.
#[track_caller]
pub(crate) fn check(method: &str, path: &str, answer: &Answer) {
    let path = path.strip_prefix(BASE).unwrap_or(path);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    // A preflight (CORS) is a question of browsers about an operation, not an operation.
    let is_preflight = method == "OPTIONS" && answer.status == 200;
    if !path.starts_with('/') || path.starts_with("//") || is_preflight {
        return;
    }
    let problems = problems(method, path, answer);
    let body = String::from_utf8_lossy(&answer.body);
    let body: String = body.chars().take(2000).collect();
    assert!(problems.is_empty(), "{method} {path} is not as described: {problems:#?}\n{} {body}", answer.status);
}

fn problems(method: &str, path: &str, answer: &Answer) -> Vec<String> {
    let Some((template, item)) = path_item(path) else {
        let unknown = &json!({ "$ref": "#/components/schemas/Error" });
        return body_problems(("unknown path", 404), unknown, answer.json());
    };
    let described = if method == "HEAD" { "get" } else { &method.to_lowercase() };
    let Some(operation) = item.get(described) else {
        let mut problems = body_problems_unless_head(method, ("any", 405), answer);
        if answer.status != 405 || answer.header("allow").is_none() {
            problems.push(format!("{method} is no method of {template}, but the answer is {}", answer.status));
        }
        return problems;
    };
    let Some(response) = operation["responses"].get(answer.status.to_string()) else {
        return vec![format!("{} is no status of {}", answer.status, operation["operationId"])];
    };
    let response = resolve(response);
    let mut problems = header_problems(response, answer);
    let media_type = answer.header("content-type");
    match (response.get("content"), media_type) {
        (None, None) => {}
        (None, Some(media_type)) => problems.push(format!("a body is not described, but there is one as {media_type}")),
        (Some(content), media_type) => match content.get(media_type.unwrap_or_default()) {
            None => problems.push(format!("the media type {media_type:?} is not described")),
            Some(_) if method == "HEAD" => {}
            Some(content) => {
                let id = operation["operationId"].as_str().unwrap();
                let body = match media_type {
                    Some("application/json") => answer.json(),
                    _ => Value::from(String::from_utf8_lossy(&answer.body)),
                };
                problems.extend(body_problems((id, answer.status), &content["schema"], body));
            }
        },
    }
    problems
}

fn body_problems_unless_head(method: &str, key: (&str, u16), answer: &Answer) -> Vec<String> {
    if method == "HEAD" {
        return Vec::new();
    }
    body_problems(key, &json!({ "$ref": "#/components/schemas/Error" }), answer.json())
}

fn header_problems(response: &'static Value, answer: &Answer) -> Vec<String> {
    let described: HashMap<String, &Value> = response["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, header)| (name.to_lowercase(), resolve(header)))
        .collect();
    let mut problems = Vec::new();
    for (name, value) in &answer.headers {
        let text = value.to_str().unwrap();
        match described.get(name.as_str()) {
            Some(header) => {
                // A header is text; where a number is described, it has to look like one.
                let value = if header["schema"]["type"] == "integer" {
                    text.parse().unwrap_or(Value::Null)
                } else {
                    text.into()
                };
                problems.extend(body_problems((name.as_str(), 0), &header["schema"], value));
            }
            None if OF_HTTP.contains(&name.as_str()) => {}
            // CORS, where the operator allows it: what browsers read, not what clients do.
            None if name == "vary" || name.as_str().starts_with("access-control-") => {}
            None => problems.push(format!("the header {name}: {text} is not described")),
        }
    }
    for (name, header) in described {
        if header["required"] == true && !answer.headers.contains_key(&name) {
            problems.push(format!("the header {name} is missing"));
        }
    }
    problems
}

/// What of a value is not as its schema says. Validators are made once for each `key`.
fn body_problems(key: (&str, u16), schema: &Value, value: Value) -> Vec<String> {
    type Validators = HashMap<(String, u16, String), Arc<Validator>>;
    static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);
    let key = (key.0.to_owned(), key.1, schema.to_string());
    let validator = {
        let mut validators = VALIDATORS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(validators.entry(key).or_insert_with(|| Arc::new(validator(schema))))
    };
    let errors = validator.iter_errors(&value);
    errors.map(|error| format!("{} at {:?}", error, error.instance_path().to_string())).collect()
}

fn validator(schema: &Value) -> Validator {
    let mut root = schema.clone();
    root["components"] = json!({"schemas": DOCUMENT["components"]["schemas"]});
    close(&mut root);
    jsonschema::options().should_validate_formats(true).build(&root).unwrap()
}

/// Forbids members that a schema does not name. Clients are to ignore what they do not know; the tests are to notice it.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(close);
            let is_object = object.get("type").is_some_and(|kind| kind == "object");
            if is_object && object.contains_key("properties") && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// The template that a path matches, with and without its final slash.
fn path_item(path: &str) -> Option<(&'static str, &'static Value)> {
    let segments =
        |path: &str| path.strip_suffix('/').unwrap_or(path).split('/').map(str::to_owned).collect::<Vec<_>>();
    let asked = segments(path);
    let matches = |template: &str| {
        let template = segments(template);
        let same = |(wanted, got): (&String, &String)| wanted == got || (wanted.starts_with('{') && !got.is_empty());
        template.len() == asked.len() && template.iter().zip(&asked).all(same)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.iter().find(|(template, _)| matches(template)).map(|(template, item)| (template.as_str(), item))
}

#[test]
fn the_file_in_the_repository_is_up_to_date() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    let made = format!("{:#}\n", *DOCUMENT);
    assert!(
        kept == made,
        "docs/openapi.json is old; make it anew: cargo run -p api --example openapi > docs/openapi.json"
    );
}

#[test]
fn it_is_served_to_everybody_and_describes_exactly_the_routes() {
    let server = Server::start();
    let nobody = server.client(None);
    for path in ["/openapi.json", "/openapi.json/"] {
        assert_eq!(&nobody.get(path).expect(200), &*DOCUMENT, "{path}");
        let wrong = nobody.send("POST", path, Some("{}"));
        wrong.refused(405, "method_not_allowed", None);
        assert_eq!(wrong.header("allow"), Some("GET, HEAD"));
    }
    let mut described: Vec<(String, String)> = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        described.extend(item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let mut routes: Vec<_> =
        OPERATIONS.iter().map(|operation| (operation.method.to_string(), operation.path.to_owned())).collect();
    routes.push(("GET".to_owned(), "/openapi.json".to_owned()));
    described.sort();
    routes.sort();
    assert_eq!(described, routes);
}

#[test]
fn names_are_distinct_and_nothing_is_left_without_words() {
    let mut ids = Vec::new();
    for operation in OPERATIONS {
        let description = operation.description();
        ids.push(description.id);
        assert!(!description.title.is_empty() && !description.answers.is_empty(), "{operation:?}");
        assert!(description.parameters.iter().all(|parameter| !parameter.text.is_empty()), "{operation:?}");
        let in_path = |name: &str| operation.path.contains(&format!("{{{name}}}"));
        for parameter in description.parameters.iter().filter(|parameter| parameter.place == ParameterPlace::Path) {
            assert!(in_path(parameter.name), "{} is not in {}", parameter.name, operation.path);
        }
        let identifiers = operation.path.matches('{').count();
        let described =
            description.parameters.iter().filter(|parameter| parameter.place == ParameterPlace::Path).count();
        assert_eq!(described, identifiers, "{operation:?}: each identifier of the path has to be described");
        for body in &description.bodies {
            assert!(!body.examples.is_empty(), "{operation:?} has no example of its body");
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "each operation has a name of its own");
}

#[test]
fn a_schema_has_one_meaning() {
    let mut known: HashMap<&str, Value> = HashMap::new();
    for operation in OPERATIONS {
        let description = operation.description();
        let answers = description.answers.iter().filter_map(|answer| answer.body.as_ref()).map(|(_, schema, _)| schema);
        let bodies = description.bodies.iter().map(|body| &body.schema);
        let refusals = description.refusals.iter().map(|refusal| &refusal.schema);
        for (name, json) in answers.chain(bodies).chain(refusals).flat_map(|schema| schema.named_schemas()) {
            let same = known.entry(name).or_insert_with(|| json.clone());
            assert_eq!(same, json, "{name} is something else in {}", description.id);
        }
    }
}

#[test]
fn what_it_shows_of_answers_is_as_it_says() {
    for operation in OPERATIONS {
        let description = operation.description();
        for answer in &description.answers {
            let Some((_, schema, example)) = &answer.body else { continue };
            let problems = body_problems((description.id, answer.status.as_u16()), schema.json(), example.clone());
            assert_eq!(problems, [""; 0], "{} {}", description.id, answer.status);
        }
        for refusal in &description.refusals {
            let problems = body_problems((refusal.code, 0), refusal.schema.json(), refusal.example.clone());
            assert_eq!(problems, [""; 0], "{} {}", description.id, refusal.example);
        }
        for parameter in description.parameters.iter().filter(|parameter| !parameter.example.is_null()) {
            let problems = body_problems((parameter.name, 0), parameter.schema.json(), parameter.example.clone());
            assert_eq!(problems, [""; 0], "{} {}", description.id, parameter.name);
        }
        for body in &description.bodies {
            for (about, example) in &body.examples {
                let problems = body_problems((description.id, 0), body.schema.json(), example.clone());
                assert_eq!(problems, [""; 0], "{} {about}", description.id);
            }
        }
    }
}

/// A zone as the examples expect it: an MX record, and its name.
struct Stage<'a> {
    tenant: Tenant<'a>,
    zone: String,
    record: String,
    key: String,
    serial: String,
}

impl<'a> Stage<'a> {
    fn of(server: &'a Server) -> Stage<'a> {
        let tenant = server.tenant();
        let zone = tenant.zone("example.com");
        let mx = json!({"record_type": "MX", "name": "@", "value": "mail.example.com", "priority": 30});
        let record = tenant.record(&zone, mx);
        let serial = tenant.client.get(&format!("/dns-zones/{zone}/deployment/")).expect(200)["serial"].to_string();
        let key = tenant.update_key("example.com");
        Stage { tenant, zone, record, key, serial }
    }

    /// A text of an example, about what there is.
    fn filled(&self, text: &str) -> String {
        let text = text.replace(EXAMPLE_ZONE, &self.zone).replace(EXAMPLE_RECORD, &self.record);
        let text = text.replace(EXAMPLE_UPDATE_KEY, &self.key);
        text.replace(&EXAMPLE_SERIAL.to_string(), &self.serial)
    }
}

#[test]
fn its_examples_succeed() {
    for operation in OPERATIONS {
        let description = operation.description();
        let statuses: Vec<u16> = description.answers.iter().map(|answer| answer.status.as_u16()).collect();
        let bodies = description.bodies.iter().flat_map(|body| {
            body.examples.iter().map(|(_, example)| {
                let text = if body.media_type == "application/json" {
                    example.to_string()
                } else {
                    example.as_str().unwrap().to_owned()
                };
                Some((body.media_type, text))
            })
        });
        let bodies: Vec<_> = if description.bodies.is_empty() { vec![None] } else { bodies.collect() };
        let optional: Vec<_> = description
            .parameters
            .iter()
            .filter(|parameter| parameter.place != ParameterPlace::Path && !parameter.example.is_null())
            .map(Some)
            .chain([None])
            .collect();
        for (body, parameter) in bodies.iter().flat_map(|body| optional.iter().map(move |parameter| (body, parameter)))
        {
            let server = Server::start();
            let stage = Stage::of(&server);
            let mut path = operation.path.to_owned();
            for parameter in description.parameters.iter().filter(|parameter| parameter.place == ParameterPlace::Path) {
                path = path.replace(&format!("{{{}}}", parameter.name), &stage.filled(&plain(&parameter.example)));
            }
            let mut headers = Vec::new();
            let value = parameter.map(|parameter| stage.filled(&plain(&parameter.example))).unwrap_or_default();
            match parameter {
                Some(parameter) if parameter.place == ParameterPlace::Query => {
                    path.push_str(&format!("?{}={value}", parameter.name))
                }
                Some(parameter) => headers.push((parameter.name, value.as_str())),
                None => {}
            }
            headers.extend(body.iter().map(|(media_type, _)| ("content-type", *media_type)));
            let text = body.as_ref().map(|(_, text)| stage.filled(text));
            let answer = stage.tenant.client.request(
                operation.method.as_str(),
                &path,
                &headers,
                text.as_deref().map(str::as_bytes),
            );
            let shown = String::from_utf8_lossy(&answer.body);
            // A claim is proved in the public DNS, which tests do not have.
            if operation.path == routes::CLAIM && answer.status == 400 {
                continue;
            }
            assert!(statuses.contains(&answer.status), "{} {path} {text:?}: {} {shown}", description.id, answer.status);
        }
    }
}

/// A value as a URL or a header carries it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn an_answer_that_is_not_as_described_is_noticed() {
    let good = |status: u16, body: Value| {
        let mut headers = http::HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            ("x-request-id", "0192a0c8-3f5e-7c2a-9b1d-5e6f7a8b9c0d"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ] {
            headers.insert(name, http::HeaderValue::from_static(value));
        }
        Answer { status, headers, body: body.to_string().into_bytes() }
    };
    let zone =
        json!({"uuid": EXAMPLE_ZONE, "domain": "a.example", "created_at": "2024-01-15T10:30:00Z", "record_count": 0});
    let path = "/dns-zones/";
    assert_eq!(problems("GET", path, &good(200, json!([zone]))), [""; 0]);
    let mut more = zone.clone();
    more["colour"] = "blue".into();
    let mut fewer = zone.clone();
    fewer.as_object_mut().unwrap().remove("domain");
    let mut other = zone.clone();
    other["created_at"] = "2024-01-15T10:30:00.5Z".into();
    for body in [json!([more]), json!([fewer]), json!([other]), json!({"zones": []})] {
        assert_eq!(problems("GET", path, &good(200, body.clone())).len(), 1, "{body}");
    }
    let error = |code: &str| json!({"detail": "x", "error_code": code, "field": null});
    assert_eq!(problems("GET", path, &good(400, error("validation_error"))), [""; 0]);
    assert_ne!(problems("GET", path, &good(400, error("conflict"))), [""; 0], "a code that it does not have");
    assert_ne!(problems("GET", path, &good(409, error("conflict"))), [""; 0], "a status that it does not have");
    assert_ne!(problems("GET", path, &good(401, error("authentication_failed"))), [""; 0], "without WWW-Authenticate");
    assert_ne!(problems("PUT", path, &good(200, json!([]))), [""; 0], "a method that it does not have");
    let mut surprising = good(200, json!([]));
    surprising.headers.insert("x-surprise", http::HeaderValue::from_static("1"));
    assert_ne!(problems("GET", path, &surprising), [""; 0], "a header that is not described");
    let mut text = good(200, json!([]));
    text.headers.insert("content-type", http::HeaderValue::from_static("text/html"));
    assert_ne!(problems("GET", path, &text), [""; 0], "another media type");
}
