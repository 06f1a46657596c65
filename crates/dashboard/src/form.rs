//! Forms: what was typed, what is wrong with it, and the fields that show both.
//!
//! A form with mistakes is shown again as it was typed, with a list of the mistakes at the top that leads to each field, and the
//! sentence beside the field. Nothing is shown again of a password.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use http_body_util::{BodyExt, Limited};
use subtle::ConstantTimeEq;

use crate::Shared;
use crate::failure::Failure;
use crate::visit::Visit;

/// The largest form, in octets. The largest thing that anybody pastes into one is a zone file.
const LARGEST: usize = 4 * 1024 * 1024;
/// How long a form may take to come.
const TAKES: Duration = Duration::from_secs(30);
/// The field that carries the session's token.
pub(crate) const CSRF: &str = "csrf";

/// The fields of a form that was sent from one of our pages: its session's token was compared.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// A field's text, without the space around it; empty where it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field's text as it was typed.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// The values of all fields of a name: the boxes that were ticked.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
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
        if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Err(Failure::NoForm);
        }
        let octets = read(body).await?;
        let form = Form(form_urlencoded::parse(&octets).into_owned().collect());
        // Without a session there is nothing to protect that the origin does not protect.
        if !csrf.is_empty() && !bool::from(csrf.as_bytes().ct_eq(form.raw(CSRF).as_bytes())) {
            return Err(Failure::Foreign);
        }
        Ok(form)
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Failure> {
    let collected = tokio::time::timeout(TAKES, Limited::new(body, LARGEST).collect()).await;
    Ok(collected.map_err(|_| Failure::NoForm)?.map_err(|_| Failure::NoForm)?.to_bytes().into())
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
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
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
        // Not type=email: browsers refuse addresses there that are good.
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
        self.problem = problems.of(self.name).map(str::to_owned);
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

    /// The most characters that it takes; 254 where nobody says so.
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
