//! One request in curl, Python (requests) and JavaScript (fetch). A test runs the examples of the page unchanged, with the token
//! in the environment.

use std::fmt::Write as _;

use api::{Body, Description, Operation, ParameterPlace};
use serde_json::Value;

/// A request that an example makes.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    method: &'a str,
    url: String,
    body: Option<(&'static str, &'a Value)>,
    /// How the answer is read.
    answers: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Json,
    Text,
    Nothing,
}

impl<'a> Request<'a> {
    /// The request of an operation's first example, to the server at `base`.
    pub(crate) fn new(operation: &'a Operation, description: &'a Description, base: &str) -> Request<'a> {
        let mut path = operation.path.to_owned();
        for parameter in description.parameters.iter().filter(|parameter| parameter.place == ParameterPlace::Path) {
            path = path.replace(&format!("{{{}}}", parameter.name), &plain(&parameter.example));
        }
        let body = |body: &'a Body| body.examples.first().map(|(_, example)| (body.media_type, example));
        let media_type = description.answers.first().and_then(|answer| answer.body.as_ref()).map(|(kind, _, _)| *kind);
        let answers = match media_type {
            Some("application/json") => Reading::Json,
            Some(_) => Reading::Text,
            None => Reading::Nothing,
        };
        let url = format!("{base}{}{path}", api::BASE);
        Request { method: operation.method.as_str(), url, body: description.bodies.first().and_then(body), answers }
    }

    /// A POST request with a JSON body, whose answer is JSON.
    pub(crate) fn post(url: String, body: &'a Value) -> Request<'a> {
        Request { method: "POST", url, body: Some(("application/json", body)), answers: Reading::Json }
    }

    /// The request as several programs write it: key, name and text of each.
    pub(crate) fn programs(&self) -> Vec<(&'static str, &'static str, String)> {
        vec![
            ("curl", "curl", self.curl()),
            ("python", "Python", self.python()),
            ("javascript", "JavaScript", self.javascript()),
        ]
    }

    fn curl(&self) -> String {
        let method = if self.method == "GET" { String::new() } else { format!(" -X {}", self.method) };
        let mut text = format!("curl --fail-with-body -sS{method} {} \\\n", shell(&self.url));
        text.push_str("  -H \"Authorization: Bearer $TOKEN\"");
        if let Some((media_type, body)) = self.body {
            // Writing to a String does not fail.
            let _ =
                write!(text, " \\\n  -H 'Content-Type: {media_type}' \\\n  --data-binary {}", shell(&written(body)));
        }
        text
    }

    fn python(&self) -> String {
        let mut text = String::from("import os\nimport requests\n\n");
        let _ = writeln!(text, "answer = requests.{}(", self.method.to_lowercase());
        let _ = writeln!(text, "    {},", quoted(&self.url));
        let token = "\"Authorization\": f\"Bearer {os.environ['TOKEN']}\"";
        match self.body {
            Some(("application/json", body)) => {
                let _ = writeln!(text, "    headers={{{token}}},\n    json={},", literal(body, Dialect::Python, 4));
            }
            Some((media_type, body)) => {
                let _ = writeln!(text, "    headers={{{token}, \"Content-Type\": {}}},", quoted(media_type));
                let _ = writeln!(text, "    data={}.encode(),", quoted(&plain(body)));
            }
            None => {
                let _ = writeln!(text, "    headers={{{token}}},");
            }
        }
        text.push_str("    timeout=30,\n)\nanswer.raise_for_status()\n");
        text.push_str(match self.answers {
            Reading::Json => "print(answer.json())",
            Reading::Text => "print(answer.text)",
            Reading::Nothing => "print(answer.status_code)",
        });
        text
    }

    fn javascript(&self) -> String {
        let mut text = format!("const answer = await fetch({}, {{\n", quoted(&self.url));
        if self.method != "GET" {
            let _ = writeln!(text, "  method: \"{}\",", self.method);
        }
        let token = "Authorization: `Bearer ${process.env.TOKEN}`";
        match self.body {
            Some((media_type, body)) => {
                let body = match media_type {
                    "application/json" => format!("JSON.stringify({})", literal(body, Dialect::Json, 2)),
                    _ => quoted(&plain(body)),
                };
                let _ = writeln!(text, "  headers: {{ {token}, \"Content-Type\": {} }},", quoted(media_type));
                let _ = writeln!(text, "  body: {body},");
            }
            None => {
                let _ = writeln!(text, "  headers: {{ {token} }},");
            }
        }
        text.push_str("});\nif (!answer.ok) throw new Error(await answer.text());\n");
        text.push_str(match self.answers {
            Reading::Json => "console.log(await answer.json());",
            Reading::Text => "console.log(await answer.text());",
            Reading::Nothing => "console.log(answer.status);",
        });
        text
    }
}

/// A value as people read it: on one line where it fits, indented otherwise.
pub(crate) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => literal(value, Dialect::Json, 0),
    }
}

/// A value as a URL or a header carries it.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// In single quotes, which nothing but a single quote ends.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// In double quotes, as JSON, JavaScript and Python read it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// In which language a literal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Also JavaScript's.
    Json,
    Python,
}

/// Lines longer than this are broken.
const WIDTH: usize = 88;

fn literal(value: &Value, dialect: Dialect, indent: usize) -> String {
    let flat = flat(value, dialect);
    if indent + flat.len() <= WIDTH {
        return flat;
    }
    let inside = " ".repeat(indent + 2);
    let end = " ".repeat(indent);
    match value {
        Value::Array(items) => {
            let items = items.iter().map(|item| format!("{inside}{}", literal(item, dialect, indent + 2)));
            format!("[\n{}\n{end}]", items.collect::<Vec<_>>().join(",\n"))
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{inside}{}: {}", quoted(name), literal(value, dialect, indent + 2)));
            format!("{{\n{}\n{end}}}", members.collect::<Vec<_>>().join(",\n"))
        }
        _ => flat,
    }
}

fn flat(value: &Value, dialect: Dialect) -> String {
    match value {
        Value::Null if dialect == Dialect::Python => "None".to_owned(),
        Value::Bool(true) if dialect == Dialect::Python => "True".to_owned(),
        Value::Bool(false) if dialect == Dialect::Python => "False".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| flat(item, dialect)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!("{}: {}", quoted(name), flat(value, dialect))).collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_each_language_reads_them() {
        let value = json!({"a": null, "b": [true, 1], "c": "it's \"\n"});
        assert_eq!(literal(&value, Dialect::Json, 0), r#"{"a": null, "b": [true, 1], "c": "it's \"\n"}"#);
        assert_eq!(literal(&value, Dialect::Python, 0), r#"{"a": None, "b": [True, 1], "c": "it's \"\n"}"#);
        let long = json!({"list": ["x".repeat(50), "y".repeat(50)]});
        let lines = literal(&long, Dialect::Json, 0);
        assert_eq!(
            lines.lines().map(|line| line.len() - line.trim_start().len()).collect::<Vec<_>>(),
            [0, 2, 4, 4, 2, 0]
        );
        assert_eq!(serde_json::from_str::<Value>(&lines).unwrap(), long);
    }

    #[test]
    fn nothing_in_a_value_ends_the_shells_quotes() {
        assert_eq!(shell("it's $HOME `x`"), r"'it'\''s $HOME `x`'");
    }
}
