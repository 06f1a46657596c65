//! Creating an update key. Its secrets, and the configurations of the programs that use it, are shown once, in the response to
//! the form.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use forms::{ClientFormat, Endpoints, TypedUpdateKey, UpdateKeyError, client_config};
use store::{CreateUpdateKeyError, CreatedUpdateKey, Door, KeyAlgorithm, KeyCredentials, KeyPurpose, MOST_UPDATE_KEYS};

use super::keys::algorithm;
use super::token_new::{DaysChoice, days_choices, expiry, words};
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::page::{Page, Section, show as show_page, show_with};
use crate::texts::keys::KeyTexts;
use crate::texts::{minute, say};
use crate::visit::{Proved, SignedIn};

/// What a key is for, as the form has it.
const KINDS: [&str; 4] = ["acme", "host", "records", "transfer"];

#[derive(Template)]
#[template(path = "keys/new.html")]
struct NewPage {
    page: Page,
    k: &'static KeyTexts,
    problems: Problems,
    name: Field,
    kinds: Vec<Choice>,
    target: Field,
    zones: Field,
    days: Vec<DaysChoice>,
    names: Field,
    types: Field,
    networks: Field,
    algorithms: Vec<Choice>,
    doors: Vec<Choice>,
    /// Whether one of the further limits is typed.
    has_more: bool,
}

/// One of several.
struct Choice {
    word: &'static str,
    title: String,
    text: &'static str,
    is_chosen: bool,
}

impl NewPage {
    fn of(who: &SignedIn, form: Option<&Form>, problems: Problems) -> NewPage {
        let (page, k) = (who.page(Section::Developers), who.visit.language.key_texts());
        let t = page.t;
        let empty = Form::default();
        let typed = form.unwrap_or(&empty);
        let line = |name, label, hint| Field::text(name, label).hint(hint).value(typed.text(name)).problem(&problems);
        let lines =
            |name, label, hint| Field::lines(name, label, 3).hint(hint).value(typed.raw(name)).problem(&problems);
        let chosen = |name, default| match typed.text(name) {
            "" => default,
            word => word,
        };
        let kind = chosen("kind", KINDS[0]);
        let kinds = [
            (k.kind_acme, k.kind_acme_text),
            (k.kind_host, k.kind_host_text),
            (k.kind_records, k.kind_records_text),
            (k.kind_transfer, k.kind_transfer_text),
        ];
        let kinds = KINDS.into_iter().zip(kinds);
        let algorithm = chosen("algorithm", KeyAlgorithm::Sha256.name());
        let door = typed.text("door");
        let name = line("name", t.token_name, k.name_hint).required();
        NewPage {
            name: if form.is_none() { name.autofocus() } else { name },
            kinds: kinds
                .map(|(word, (title, text))| Choice { word, title: title.to_owned(), text, is_chosen: word == kind })
                .collect(),
            target: line("target", k.target, k.target_hint),
            zones: lines("zones", k.zones, k.zones_hint),
            days: days_choices(form.map_or(0, |form| form.text("days").parse().unwrap_or(0)), t),
            names: lines("names", k.names, k.names_hint),
            types: line("types", k.types, k.types_hint),
            networks: lines("networks", t.token_networks, t.token_networks_hint),
            algorithms: KeyAlgorithm::ALL
                .iter()
                .rev()
                .map(|known| Choice {
                    word: known.name(),
                    title: if known.is_weak() { say(k.weak, &[known.name()]) } else { known.to_string() },
                    text: "",
                    is_chosen: known.name() == algorithm,
                })
                .collect(),
            doors: [("", k.door_none.to_owned())]
                .into_iter()
                .chain(Door::ALL.iter().map(|known| (known.name(), say(k.door_path, &[known.name()]))))
                .map(|(word, title)| Choice { word, title, text: "", is_chosen: word == door })
                .collect(),
            has_more: ["names", "types", "networks", "door"].iter().any(|field| !typed.text(field).is_empty())
                || algorithm != KeyAlgorithm::Sha256.name(),
            page,
            k,
            problems,
        }
    }
}

pub(crate) async fn show(Proved(who): Proved) -> Result<Response, Failure> {
    show_page(&NewPage::of(&who, None, Problems::default()))
}

pub(crate) async fn submit(Proved(who): Proved, form: Form) -> Result<Response, Failure> {
    let (t, k, language) = (who.visit.language.texts(), who.visit.language.key_texts(), who.visit.language);
    let mut problems = Problems::new(t.problems);
    let refused = |problems| show_with(StatusCode::UNPROCESSABLE_ENTITY, &NewPage::of(&who, Some(&form), problems));
    let now = who.visit.now();
    let zones = who.zones();
    let typed = TypedUpdateKey { expires_at: expiry(form.text("days"), now), ..typed(&form) };
    let new = match typed.read(&zones, None, now).await {
        Ok(new) => new,
        Err(UpdateKeyError::Fault(fault)) => {
            problems.add(field(fault.field), language.say(&fault.detail));
            return refused(problems);
        }
        Err(UpdateKeyError::Store(error)) => return Err(error.into()),
    };
    match zones.create_update_key(new).await {
        Ok(created) => show_page(&MadePage::new(&who, &created)),
        Err(CreateUpdateKeyError::Limit) => {
            problems.add("", say(k.problem_limit, &[&MOST_UPDATE_KEYS.to_string()]));
            refused(problems)
        }
        Err(CreateUpdateKeyError::NoZone(_)) => {
            problems.add("zones", t.problem_zone_gone);
            refused(problems)
        }
        Err(CreateUpdateKeyError::NoAccount) => Err(Failure::NotFound),
        Err(CreateUpdateKeyError::Store(error)) => Err(error.into()),
        // There is no token that it could be wider than.
        Err(
            error @ (CreateUpdateKeyError::NoToken
            | CreateUpdateKeyError::Permission(_)
            | CreateUpdateKeyError::Network
            | CreateUpdateKeyError::Expiry),
        ) => Err(Failure::server(error)),
    }
}

/// The members of the request that the form stands for.
fn typed(form: &Form) -> TypedUpdateKey {
    let list = |name| {
        let found: Vec<String> = words(form.text(name)).map(str::to_owned).collect();
        (!found.is_empty()).then_some(found)
    };
    let text = |name| Some(form.text(name).to_owned()).filter(|text| !text.is_empty());
    let target = || Some(form.text("target").to_owned());
    let rest = TypedUpdateKey {
        name: form.text("name").to_owned(),
        zones: list("zones"),
        names: list("names"),
        types: list("types"),
        algorithm: text("algorithm"),
        networks: list("networks"),
        door: text("door"),
        ..TypedUpdateKey::default()
    };
    match form.text("kind") {
        "records" => rest,
        "transfer" => TypedUpdateKey { purpose: Some(KeyPurpose::Transfer.to_string()), ..rest },
        "host" => TypedUpdateKey { host: target(), ..rest },
        _ => TypedUpdateKey { acme: target(), ..rest },
    }
}

/// The field of the form for a member of the request.
fn field(member: Option<&'static str>) -> &'static str {
    match member {
        Some("acme" | "host") => "target",
        Some("purpose") => "kind",
        Some(same) => same,
        None => "",
    }
}

#[derive(Template)]
#[template(path = "keys/made.html")]
struct MadePage {
    page: Page,
    k: &'static KeyTexts,
    name: String,
    wire_name: String,
    algorithm: String,
    expires: String,
    secrets: Vec<Shown>,
    configurations: Vec<Shown>,
}

/// A text to copy.
struct Shown {
    id: &'static str,
    title: String,
    text: &'static str,
    value: String,
}

impl MadePage {
    fn new(who: &SignedIn, created: &CreatedUpdateKey) -> MadePage {
        let (page, k) = (who.page(Section::Developers), who.visit.language.key_texts());
        let (t, key) = (page.t, &created.key);
        let shown = |id, title: &str, text, value: String| Shown { id, title: title.to_owned(), text, value };
        let secrets = match &created.credentials {
            KeyCredentials::Tsig { secret, token } => vec![
                shown("secret", k.secret, "", secret.base64()),
                shown("token", t.token, k.token_text, token.reveal().to_owned()),
            ],
            KeyCredentials::Path(door, path) => {
                vec![shown("path", k.path, "", format!("{}/{door}/{}", who.visit.base, path.reveal()))]
            }
        };
        let to = Endpoints { updates: who.visit.shared.settings.updates, url: who.visit.base.clone() };
        let configurations = ClientFormat::ALL
            .into_iter()
            .filter(|format| *format != ClientFormat::Token)
            .filter_map(|format| {
                let value = client_config(format, created, &to).ok()?;
                Some(shown(format.name(), format.title(), "", value))
            })
            .collect();
        MadePage {
            name: key.name.clone(),
            wire_name: key.key_name.to_string(),
            algorithm: algorithm(key, k),
            expires: key.expires_at.map_or_else(|| t.never.to_owned(), minute),
            page,
            k,
            secrets,
            configurations,
        }
    }
}
