//! Schemas as rows of a table: a member, its type and its meaning.

use std::collections::BTreeMap;

use api::{Description, Schema};
use serde_json::Value;

use super::words::Words;
use crate::texts::{Texts, say};

/// One row: a parameter, a header, a member of an object. Members of objects within have names with points.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Where it stands, for parameters.
    pub(crate) place: &'static str,
    pub(crate) required: bool,
    pub(crate) kinds: Vec<TypeText>,
    pub(crate) text: Prose,
}

/// What a value is, and the object that says more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeText {
    pub(crate) text: String,
    pub(crate) object: Option<String>,
}

/// A text, in pieces that are code or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prose(pub(crate) Vec<Piece>);

/// A piece of a text.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) is_code: bool,
    /// Where it leads, if it is a link.
    pub(crate) link: Option<String>,
}

impl Prose {
    /// Code is what stands between backticks.
    pub(crate) fn new(text: &str) -> Prose {
        let pieces = text.split('`').enumerate().filter(|(_, piece)| !piece.is_empty());
        Prose(
            pieces
                .map(|(index, piece)| Piece { text: piece.to_owned(), is_code: index % 2 == 1, link: None })
                .collect(),
        )
    }

    /// Code alone, whatever is in it.
    pub(crate) fn code(text: &str) -> Prose {
        Prose(vec![Piece { text: text.to_owned(), is_code: true, link: None }])
    }

    /// A link to another place.
    pub(crate) fn link(text: String, to: String) -> Prose {
        Prose(vec![Piece { text, is_code: false, link: Some(to) }])
    }

    /// The paragraphs of a text.
    pub(crate) fn paragraphs(text: &str) -> Vec<Prose> {
        text.split("\n\n").filter(|text| !text.is_empty()).map(Prose::new).collect()
    }
}

/// Writes schemas down in one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) t: &'static Texts,
    pub(crate) words: Words,
}

impl Writer {
    /// The members of an object, for each of its variants. Members that only responses have are not required.
    pub(crate) fn members(&self, schema: &Schema) -> Vec<Row> {
        let mut rows = Vec::new();
        let object = match referred(schema.json()) {
            Some(name) => schema.named_schemas().get(name),
            None => Some(schema.json()),
        };
        self.add_members(object.unwrap_or(&Value::Null), "", &mut rows);
        rows
    }

    /// The members of an object, for each of its variants. Members that only responses have are not required.
    pub(crate) fn shapes(&self, json: &Value) -> Vec<Vec<Row>> {
        let choices = json["anyOf"].as_array().map_or(std::slice::from_ref(json), Vec::as_slice);
        let shape = |object: &Value| {
            let mut rows = Vec::new();
            self.add_members(object, "", &mut rows);
            let is_of_requests = object["additionalProperties"] == false;
            rows.iter_mut().for_each(|row| row.required &= is_of_requests);
            rows
        };
        choices.iter().map(shape).filter(|rows| !rows.is_empty()).collect()
    }

    fn add_members(&self, object: &Value, before: &str, rows: &mut Vec<Row>) {
        let required: Vec<&str> =
            object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, member) in object["properties"].as_object().into_iter().flatten() {
            let full = format!("{before}{name}");
            rows.push(Row {
                name: full.clone(),
                place: "",
                required: required.contains(&name.as_str()),
                kinds: self.kinds(member),
                text: Prose::new(self.words.say(member["description"].as_str().unwrap_or_default())),
            });
            self.add_members(member, &format!("{full}."), rows);
            if referred(&member["items"]).is_none() {
                self.add_members(&member["items"], &format!("{full}[]."), rows);
            }
        }
    }

    /// What a value is.
    pub(crate) fn kinds(&self, schema: &Value) -> Vec<TypeText> {
        if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
            let mut kinds: Vec<TypeText> = choices.iter().flat_map(|choice| self.kinds(choice)).collect();
            kinds.dedup();
            return kinds;
        }
        if let Some(name) = referred(schema) {
            return vec![TypeText { text: name.to_owned(), object: Some(name.to_owned()) }];
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect(),
        };
        types.into_iter().flat_map(|name| self.kinds_of_type(name, schema)).collect()
    }

    fn kinds_of_type(&self, name: &str, schema: &Value) -> Vec<TypeText> {
        let t = self.t;
        let text = match name {
            "array" => {
                let listed = |kind: TypeText| TypeText { text: say(t.type_list, &[&kind.text]), object: kind.object };
                return self.kinds(&schema["items"]).into_iter().map(listed).collect();
            }
            "string" => match (&schema["enum"], schema["const"].as_str(), schema["format"].as_str()) {
                (Value::Array(words), _, _) => {
                    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                    words.join(" | ")
                }
                (_, Some(only), _) => only.to_owned(),
                (_, _, Some("uuid")) => "UUID".to_owned(),
                (_, _, Some("date-time")) => t.type_time.to_owned(),
                (_, _, Some("date")) => t.type_date.to_owned(),
                _ => t.type_text.to_owned(),
            },
            "integer" => match (&schema["minimum"], &schema["maximum"]) {
                (Value::Number(least), Value::Number(most)) => {
                    say(t.type_integer_between, &[&least.to_string(), &most.to_string()])
                }
                _ => t.type_integer.to_owned(),
            },
            "boolean" => "true | false".to_owned(),
            "null" => "null".to_owned(),
            _ => t.type_object.to_owned(),
        };
        vec![TypeText { text, object: None }]
    }
}

/// The object that a schema refers to.
pub(crate) fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// Every object that operations refer to, by name, but for those that are the whole body of a request: these are shown there.
pub(crate) fn objects<'a>(descriptions: impl Iterator<Item = &'a Description>) -> BTreeMap<&'static str, Value> {
    let mut objects = BTreeMap::new();
    for description in descriptions {
        let answers = description.answers.iter().filter_map(|answer| answer.body.as_ref()).map(|(_, schema, _)| schema);
        let refusals = description.refusals.iter().map(|refusal| &refusal.schema);
        for schema in answers.chain(refusals) {
            objects.extend(schema.named_schemas().iter().map(|(name, json)| (*name, json.clone())));
        }
        for schema in description.bodies.iter().map(|body| &body.schema) {
            let inside = schema.named_schemas().iter().filter(|(name, _)| referred(schema.json()) != Some(**name));
            objects.extend(inside.map(|(name, json)| (*name, json.clone())));
        }
    }
    objects
}
