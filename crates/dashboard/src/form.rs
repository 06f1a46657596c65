//! Forms: the submitted values, the problems, and the fields that show both.
//!
//! A form with problems is shown again with the submitted values. A list at the top links to each problem, and the sentence is
//! also next to the field. Passwords are never shown again.

mod multipart;

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use subtle::ConstantTimeEq;

use crate::failure::Failure;
use crate::shared::Shared;
use crate::visit::Visit;

/// The largest file that a form takes, in octets.
pub(crate) const LARGEST_FILE: usize = 4 * 1024 * 1024;
/// The largest form. A file that is shown in a field comes back with two octets for each end of a line.
const LARGEST: usize = 2 * LARGEST_FILE + 1024 * 1024;
/// The limit for anonymous visitors, whose forms have only names and passwords.
const LARGEST_OF_A_VISITOR: usize = 64 * 1024;
/// How long a form may take to come.
const TAKES: Duration = Duration::from_secs(30);
/// The field that carries the session's token.
pub(crate) const CSRF: &str = "csrf";

/// The fields of a form that was sent from one of our pages: its session's token was compared.
#[derive(Clone, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
}

impl Form {
    /// A field's text, without the space around it; empty where it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field's text as it was typed.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.fields.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// The values of all fields of a name: the boxes that were ticked.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The content of a file that was chosen; `None` where none was.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        let file = self.files.iter().find(|(found, _)| found == name).map(|(_, content)| content.as_slice());
        file.filter(|content| !content.is_empty())
    }

    /// Whether a box was ticked.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|found| found == value)
    }
}

impl FromRequest<Arc<Shared>> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Arc<Shared>) -> Result<Form, Failure> {
        let csrf = request.extensions().get::<Visit>().map(|visit| visit.csrf.clone()).unwrap_or_default();
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_encoded = kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
        if !is_encoded && !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
            return Err(Failure::NoForm);
        }
        let octets = read(body, if csrf.is_empty() { LARGEST_OF_A_VISITOR } else { LARGEST }).await?;
        let form = if is_encoded { Form::encoded(&octets) } else { Form::of_parts(kind, &octets)? };
        // Without a session there is nothing to protect that the origin does not protect.
        if !csrf.is_empty() && !bool::from(csrf.as_bytes().ct_eq(form.raw(CSRF).as_bytes())) {
            return Err(Failure::Foreign);
        }
        Ok(form)
    }
}

impl Form {
    fn encoded(octets: &[u8]) -> Form {
        Form { fields: form_urlencoded::parse(octets).into_owned().collect(), files: Vec::new() }
    }

    fn of_parts(kind: &str, octets: &[u8]) -> Result<Form, Failure> {
        let mut form = Form::default();
        for part in multipart::read(kind, octets).ok_or(Failure::NoForm)? {
            if part.is_file {
                form.files.push((part.name, part.content.to_vec()));
            } else {
                form.fields.push((part.name, String::from_utf8_lossy(part.content).into_owned()));
            }
        }
        Ok(form)
    }
}

async fn read(body: Body, largest: usize) -> Result<Vec<u8>, Failure> {
    let collected = tokio::time::timeout(TAKES, Limited::new(body, largest).collect()).await;
    let collected = collected
        .map_err(|_| Failure::NoForm)?
        .map_err(|error| if error.is::<LengthLimitError>() { Failure::TooLarge } else { Failure::NoForm })?;
    Ok(collected.to_bytes().into())
}

/// What is wrong with a form.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "problems.html")]
pub(crate) struct Problems {
    /// What stands above the list.
    pub(crate) heading: &'static str,
    /// Each with the field that it concerns; empty where it concerns none.
    list: Vec<(&'static str, String)>,
}

impl HtmlSafe for Problems {}

impl Problems {
    pub(crate) fn new(heading: &'static str) -> Problems {
        Problems { heading, list: Vec::new() }
    }

    /// Notes a mistake in a field (or, with an empty name, in none).
    pub(crate) fn add(&mut self, field: &'static str, text: impl Into<String>) {
        self.list.push((field, text.into()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The first sentence about a field.
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.list.iter().find(|(found, _)| *found == field).map(|(_, text)| text.as_str())
    }
}

/// One field with its label, hint and mistake. Shown by `{{ field }}`.
#[derive(Debug, Clone, Template)]
#[template(path = "field.html")]
pub(crate) struct Field {
    name: &'static str,
    label: String,
    kind: &'static str,
    value: String,
    hint: String,
    problem: Option<String>,
    autocomplete: &'static str,
    inputmode: &'static str,
    required: bool,
    autofocus: bool,
    longest: u32,
    rows: u32,
}

impl HtmlSafe for Field {}

impl Field {
    /// A line of text.
    pub(crate) fn text(name: &'static str, label: &str) -> Field {
        Field {
            name,
            label: label.to_owned(),
            kind: "text",
            value: String::new(),
            hint: String::new(),
            problem: None,
            autocomplete: "off",
            inputmode: "",
            required: false,
            autofocus: false,
            longest: 254,
            rows: 1,
        }
    }

    /// An address of mail.
    pub(crate) fn email(name: &'static str, label: &str) -> Field {
        // Not type=email: browsers refuse some valid addresses there.
        Field { inputmode: "email", autocomplete: "username", ..Field::text(name, label) }
    }

    /// A password, which is never shown again. `autocomplete` is `current-password` or `new-password`.
    pub(crate) fn password(name: &'static str, label: &str, autocomplete: &'static str) -> Field {
        Field { kind: "password", autocomplete, longest: 1024, ..Field::text(name, label) }
    }

    /// Several lines of text.
    pub(crate) fn lines(name: &'static str, label: &str, rows: u32) -> Field {
        Field { kind: "textarea", rows, longest: 0, ..Field::text(name, label) }
    }

    /// A file to choose.
    pub(crate) fn file(name: &'static str, label: &str) -> Field {
        Field { kind: "file", ..Field::text(name, label) }
    }

    pub(crate) fn value(mut self, value: &str) -> Field {
        if self.kind != "password" {
            value.clone_into(&mut self.value);
        }
        self
    }

    pub(crate) fn hint(mut self, hint: &str) -> Field {
        hint.clone_into(&mut self.hint);
        self
    }

    /// What is wrong with it, if something is.
    pub(crate) fn problem(mut self, problems: &Problems) -> Field {
        self.problem = problems.get(self.name).map(str::to_owned);
        self
    }

    pub(crate) fn autocomplete(mut self, autocomplete: &'static str) -> Field {
        self.autocomplete = autocomplete;
        self
    }

    /// Phones show digits for it.
    pub(crate) fn numeric(mut self) -> Field {
        self.inputmode = "numeric";
        self
    }

    /// The maximum number of characters. Default: 254.
    pub(crate) fn longest(mut self, characters: u32) -> Field {
        self.longest = characters;
        self
    }

    pub(crate) fn required(mut self) -> Field {
        self.required = true;
        self
    }

    pub(crate) fn autofocus(mut self) -> Field {
        self.autofocus = true;
        self
    }

    /// What assistive technology reads with the field.
    fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if self.problem.is_some() {
            ids.push(format!("{}-problem", self.name));
        }
        if !self.hint.is_empty() {
            ids.push(format!("{}-hint", self.name));
        }
        ids.join(" ")
    }
}

/// Nothing of what was typed: there may be passwords in it.
impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form(..)")
    }
}
