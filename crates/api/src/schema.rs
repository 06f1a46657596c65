//! JSON Schema (2020-12, as OpenAPI 3.1 uses it), in the few forms that this API needs.
//!
//! A [`Schema`] contains its JSON and the named schemas that it refers to, so a description cannot refer to a schema that does
//! not exist, and no list of schemas is needed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What a value looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    json: Value,
    named: BTreeMap<&'static str, Value>,
}

/// One member of an object.
#[derive(Debug, Clone)]
pub struct Member {
    name: &'static str,
    schema: Schema,
    required: bool,
}

/// A member that is always there, or has to be.
pub(crate) fn required(name: &'static str, schema: Schema) -> Member {
    Member { name, schema, required: true }
}

/// A member that may be left out.
pub(crate) fn optional(name: &'static str, schema: Schema) -> Member {
    Member { name, schema, required: false }
}

impl Member {
    /// The same where it is not always there.
    pub(crate) fn only_sometimes(self) -> Member {
        Member { required: false, ..self }
    }
}

impl Schema {
    /// The JSON of the schema, which may refer to [`Schema::named_schemas`].
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The schemas that this one refers to as `#/components/schemas/...`.
    pub fn named_schemas(&self) -> &BTreeMap<&'static str, Value> {
        &self.named
    }

    /// Any other schema, without references.
    pub(crate) fn raw(json: Value) -> Schema {
        Schema { json, named: BTreeMap::new() }
    }

    pub(crate) fn string() -> Schema {
        Schema::raw(json!({"type": "string"}))
    }

    pub(crate) fn integer(range: std::ops::RangeInclusive<u32>) -> Schema {
        Schema::raw(json!({"type": "integer", "minimum": range.start(), "maximum": range.end()}))
    }

    pub(crate) fn boolean() -> Schema {
        Schema::raw(json!({"type": "boolean"}))
    }

    pub(crate) fn uuid() -> Schema {
        Schema::raw(json!({"type": "string", "format": "uuid"}))
    }

    /// A point in time, in UTC and whole seconds.
    pub(crate) fn time() -> Schema {
        let pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$";
        Schema::raw(json!({"type": "string", "format": "date-time", "pattern": pattern}))
    }

    /// The version of a zone: its SOA serial.
    pub(crate) fn serial() -> Schema {
        Schema::integer(0..=u32::MAX)
    }

    pub(crate) fn one_of_the_words(words: &[&str]) -> Schema {
        Schema::raw(json!({"type": "string", "enum": words}))
    }

    pub(crate) fn array(items: Schema) -> Schema {
        Schema { json: json!({"type": "array", "items": items.json}), named: items.named }
    }

    /// An object that may get more members in later versions: what answers are made of.
    pub(crate) fn object(members: impl IntoIterator<Item = Member>) -> Schema {
        let (mut properties, mut names) = (serde_json::Map::new(), Vec::new());
        let mut named = BTreeMap::new();
        for member in members {
            if member.required {
                names.push(member.name);
            }
            properties.insert(member.name.to_owned(), member.schema.json);
            named.extend(member.schema.named);
        }
        let mut json = json!({"type": "object", "properties": properties});
        if !names.is_empty() {
            json["required"] = names.into();
        }
        Schema { json, named }
    }

    /// An object without any other members: what requests are made of, for unknown members are refused.
    pub(crate) fn request(members: impl IntoIterator<Item = Member>) -> Schema {
        Schema::object(members).with("additionalProperties", false)
    }

    /// Any of several.
    pub(crate) fn any_of(choices: impl IntoIterator<Item = Schema>) -> Schema {
        let (mut json, mut named) = (Vec::new(), BTreeMap::new());
        for choice in choices {
            json.push(choice.json);
            named.extend(choice.named);
        }
        Schema { json: json!({ "anyOf": json }), named }
    }

    /// The same under a name, to be referred to wherever it is used.
    pub(crate) fn named(self, name: &'static str) -> Schema {
        let Schema { json, mut named } = self;
        named.insert(name, json);
        Schema { json: json!({ "$ref": format!("#/components/schemas/{name}") }), named }
    }

    /// The same, or null.
    pub(crate) fn or_null(mut self) -> Schema {
        if let Some(kind) = self.json.get("type").cloned() {
            self.json["type"] = json!([kind, "null"]);
            return self;
        }
        let Schema { json, named } = self;
        Schema { json: json!({"anyOf": [json, {"type": "null"}]}), named }
    }

    /// What the value means.
    pub(crate) fn about(self, text: &'static str) -> Schema {
        self.with("description", text)
    }

    /// An example of the value.
    pub(crate) fn like(self, example: impl Into<Value>) -> Schema {
        self.with("examples", json!([example.into()]))
    }

    /// Any other keyword.
    pub(crate) fn with(mut self, keyword: &str, value: impl Into<Value>) -> Schema {
        self.json[keyword] = value.into();
        self
    }
}
