//! Making a zone, empty or from a zone file.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use dns::ZoneName;
use dns::zonefile::{self, FileFault};
use store::{Author, CreateZoneError, NewZone, Source};

use super::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, say, show as show_page, show_with};
use crate::texts::zones::ZoneTexts;
use crate::visit::SignedIn;

/// The most faults of a file that are listed.
const FAULTS: usize = 20;

#[derive(Template)]
#[template(path = "zones_new.html")]
struct NewPage {
    page: Page,
    z: &'static ZoneTexts,
    problems: Problems,
    domain: Field,
    file: Field,
    has_file: bool,
}

impl NewPage {
    fn of(who: &SignedIn, form: &Form, problems: Problems) -> NewPage {
        let page = who.page(Section::Zones);
        let z = page.language.zone_texts();
        let domain = Field::text("domain", z.domain).hint(z.domain_hint).value(form.text("domain")).required();
        let file = Field::lines("zonefile", z.zone_file, 12).hint(z.zone_file_hint).value(form.raw("zonefile"));
        NewPage {
            domain: domain.autofocus().problem(&problems),
            file: file.problem(&problems),
            has_file: !form.text("zonefile").is_empty(),
            z,
            problems,
            page,
        }
    }
}

pub(crate) async fn show(who: SignedIn) -> Result<Response, Failure> {
    show_page(&NewPage::of(&who, &Form::default(), Problems::default()))
}

pub(crate) async fn submit(who: SignedIn, form: Form) -> Result<Response, Failure> {
    let mut problems = Problems::new(who.visit.language.texts().problems);
    let refused = |problems| show_with(StatusCode::UNPROCESSABLE_ENTITY, &NewPage::of(&who, &form, problems));
    let name = match ZoneName::parse(form.text("domain")) {
        Ok(name) => name,
        Err(fault) => {
            problems.add("domain", fault.detail);
            return refused(problems);
        }
    };
    let mut author = who.author();
    let mut new = NewZone::named(name.clone());
    let mut content = None;
    if !form.text("zonefile").is_empty() {
        author = Author { source: Source::Import, ..author };
        match zonefile::parse(form.raw("zonefile").as_bytes(), &name, &zonefile::Options::default()) {
            Ok(file) => {
                let mut read = file.into_content(&name, who.store().apex());
                new.content = std::mem::take(&mut read.records);
                new.serial_above = read.serial;
                content = Some(read);
            }
            Err(faults) => {
                add(&mut problems, faults, who.visit.language.zone_texts());
                return refused(problems);
            }
        }
    }
    match who.store().create_zone_with(&author, new).await {
        Ok(zone) => Ok(go(&path(zone.id), Some(Notice::ZoneMade), &who.visit.shared.settings)),
        Err(error @ (CreateZoneError::Exists | CreateZoneError::Related)) => {
            problems.add("domain", error.to_string());
            refused(problems)
        }
        Err(CreateZoneError::Apex(fault)) => {
            problems.add("domain", fault.detail);
            refused(problems)
        }
        Err(CreateZoneError::Faults(faults)) => {
            let faults = content.map(|content| content.faults(faults)).unwrap_or_default();
            add(&mut problems, faults, who.visit.language.zone_texts());
            refused(problems)
        }
        Err(CreateZoneError::Store(error)) => Err(error.into()),
    }
}

/// The faults of a file, each with its place.
fn add(problems: &mut Problems, faults: Vec<FileFault>, z: &ZoneTexts) {
    let count = faults.len();
    for FileFault { at, fault } in faults.into_iter().take(FAULTS) {
        let place = [&at.line.to_string(), &at.column.to_string(), fault.detail.as_ref()];
        problems.add("zonefile", say(z.file_fault, &place.map(|part| part as &str)));
    }
    if count > FAULTS {
        problems.add("zonefile", say(z.more_faults, &[&(count - FAULTS).to_string()]));
    }
}
