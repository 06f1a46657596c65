//! Deleting a zone, after its name was typed.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use dns::Name;
use store::Zone;

use super::{Head, Tab, failure, view, zone_of};
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::texts::say;
use crate::texts::zones::ZoneTexts;
use crate::visit::SignedIn;

#[derive(Template)]
#[template(path = "zones/delete.html")]
struct DeletePage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    problems: Problems,
    text: String,
    domain: Field,
}

impl DeletePage {
    fn new(who: &SignedIn, zone: &Zone, typed: &str, problems: Problems) -> DeletePage {
        let page = who.page(Section::Zones);
        let z = page.language.zone_texts();
        let name = zone.name.to_string();
        let domain = Field::text("domain", &say(z.delete_type, &[&name])).value(typed).required();
        DeletePage {
            z,
            head: Head::new(zone, Tab::Delete),
            text: say(z.delete_text, &[&name, &view::count(zone.record_count)]),
            domain: domain.problem(&problems),
            problems,
            page,
        }
    }
}

pub(crate) async fn show(who: SignedIn, Path(id): Path<String>) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    show_page(&DeletePage::new(&who, &zone, "", Problems::default()))
}

pub(crate) async fn submit(who: SignedIn, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let typed = form.text("domain");
    if Name::parse(typed).ok().as_ref() != Some(zone.name.name()) {
        let mut problems = Problems::new(who.visit.language.texts().problems);
        problems.add("domain", who.visit.language.zone_texts().problem_delete);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &DeletePage::new(&who, &zone, typed, problems));
    }
    who.zones().delete_zone(zone.id, Vec::new()).await.map_err(failure)?;
    Ok(go("/zones/", Some(Notice::ZoneDeleted), &who.visit.shared.settings))
}
