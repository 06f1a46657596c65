//! The account of the signed-in user: details, security, and sessions.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use store::{AccountNames, Session, SessionId};

use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::texts::{minute, say};
use crate::visit::SignedIn;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    page: Page,
    problems: Problems,
    email: String,
    since: String,
    names: [Field; 3],
    sessions: Vec<SessionRow>,
    has_second_factor: bool,
    codes_left: String,
}

/// A place where they are signed in.
struct SessionRow {
    number: i64,
    is_this: bool,
    agent: String,
    address: String,
    last_seen: String,
    since: String,
}

impl SessionRow {
    fn new(session: &Session, this: &Session) -> SessionRow {
        SessionRow {
            number: session.id.number(),
            is_this: session.id == this.id,
            agent: browser(&session.agent),
            address: session.address.map(|address| address.to_string()).unwrap_or_default(),
            last_seen: minute(session.last_seen_at),
            since: minute(session.created_at),
        }
    }
}

/// A few words for what a browser says it is: its name and its system, where they are ones that people know.
fn browser(agent: &str) -> String {
    known_browser(agent).unwrap_or_else(|| agent.chars().take(40).collect())
}

/// The name of a browser that people know, and its system.
pub(crate) fn known_browser(agent: &str) -> Option<String> {
    let first =
        |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    // In this order: most browsers name others too.
    let name = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => Some(format!("{name}, {system}")),
        (Some(name), None) => Some(name.to_owned()),
        (None, _) => None,
    }
}

impl AccountPage {
    async fn new(who: &SignedIn, names: &AccountNames, problems: Problems) -> Result<AccountPage, Failure> {
        let page = who.page(Section::Account);
        let t = page.t;
        let field = |name, label, value: &str| Field::text(name, label).value(value).problem(&problems);
        let names = [
            field("first_name", t.first_name, &names.first_name).autocomplete("given-name"),
            field("last_name", t.last_name, &names.last_name).autocomplete("family-name"),
            field("company_name", t.company_name, &names.company_name).autocomplete("organization"),
        ];
        let sessions = who.person().sessions().await?;
        let left = who.person().recovery_codes_left().await?;
        Ok(AccountPage {
            email: who.account.email.clone(),
            since: who.account.created_at.strftime("%Y-%m-%d").to_string(),
            names,
            sessions: sessions.iter().rev().map(|session| SessionRow::new(session, &who.session)).collect(),
            has_second_factor: who.account.has_second_factor,
            codes_left: say(t.recovery_codes_left, &[&left.to_string()]),
            page,
            problems,
        })
    }
}

pub(crate) async fn show(who: SignedIn) -> Result<Response, Failure> {
    let names = AccountNames {
        first_name: who.account.first_name.clone(),
        last_name: who.account.last_name.clone(),
        company_name: who.account.company_name.clone(),
    };
    show_page(&AccountPage::new(&who, &names, Problems::default()).await?)
}

pub(crate) async fn submit(who: SignedIn, form: Form) -> Result<Response, Failure> {
    let t = who.visit.language.texts();
    let names = AccountNames {
        first_name: form.text("first_name").to_owned(),
        last_name: form.text("last_name").to_owned(),
        company_name: form.text("company_name").to_owned(),
    };
    let mut problems = Problems::new(t.problems);
    for (field, name) in
        [("first_name", &names.first_name), ("last_name", &names.last_name), ("company_name", &names.company_name)]
    {
        super::check_name(field, name, t, &mut problems);
    }
    if !problems.is_empty() {
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &AccountPage::new(&who, &names, problems).await?);
    }
    who.person().set_names(names).await?;
    Ok(go("/account/", Some(Notice::NamesSaved), &who.visit.shared.settings))
}

pub(crate) async fn end_session(who: SignedIn, form: Form) -> Result<Response, Failure> {
    let number = form.text("session").parse().map_err(|_| Failure::NotFound)?;
    who.person().end_session(SessionId::from_number(number)).await?;
    Ok(go("/account/", Some(Notice::SessionEnded), &who.visit.shared.settings))
}

pub(crate) async fn end_others(who: SignedIn, _: Form) -> Result<Response, Failure> {
    who.person().end_sessions(who.keep()).await?;
    Ok(go("/account/", Some(Notice::SessionsEnded), &who.visit.shared.settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named_as_people_know_them() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
                "Chrome, Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Mobile Safari/604.1",
                "Safari, iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("", ""),
        ] {
            assert_eq!(browser(agent), name);
        }
    }
}
