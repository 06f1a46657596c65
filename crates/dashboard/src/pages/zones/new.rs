//! Creating a zone, empty or from a zone file.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use claims::{Look, LookError, OpenClaim, Unproved};
use dns::ZoneName;
use dns::zonefile::{Content, LeftOutReason, Options};
use store::{CreateZoneError, NewZone, Reservation, Source, Zone};

use super::import::{LEAVE_OUT_UNKNOWN, Remarks, YES};
use super::{import, path};
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::{Imported, Notice};
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::texts::say;
use crate::texts::zones::ZoneTexts;
use crate::visit::SignedIn;

#[derive(Template)]
#[template(path = "zones/new.html")]
struct NewPage {
    page: Page,
    z: &'static ZoneTexts,
    problems: Problems,
    domain: Field,
    upload: Field,
    file: Field,
    has_file: bool,
    keep_apex_ns: bool,
    leave_out_unknown: bool,
    review: Option<Review>,
    /// What proves that the name is the visitor's.
    claim: Option<OpenClaim>,
}

/// What a file would bring.
struct Review {
    records: String,
    remarks: Remarks,
}

/// The box that is ticked to keep other nameservers.
const KEEP_APEX_NS: &str = "keep_apex_ns";

/// How the file is to be read, as the form says.
fn options(form: &Form) -> Options {
    Options {
        keep_apex_ns: form.has(KEEP_APEX_NS, YES),
        leave_out_unknown: form.has(LEAVE_OUT_UNKNOWN, YES),
        ..Options::default()
    }
}

impl NewPage {
    fn of(who: &SignedIn, form: &Form, problems: Problems) -> NewPage {
        let page = who.page(Section::Zones);
        let z = page.language.zone_texts();
        let domain = Field::text("domain", z.domain).hint(z.domain_hint).value(form.text("domain")).required();
        let text = import::file_of(form);
        let [upload, file] = import::fields(&text, 12, z, &problems);
        let options = options(form);
        NewPage {
            keep_apex_ns: options.keep_apex_ns,
            leave_out_unknown: options.leave_out_unknown,
            review: None,
            domain: domain.autofocus().problem(&problems),
            has_file: !text.trim().is_empty(),
            upload,
            file,
            claim: None,
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
        Err(fault) if fault.check == "domain-local" => {
            problems.add("domain", who.visit.language.zone_texts().domain_local);
            return refused(problems);
        }
        Err(fault) => {
            problems.add("domain", who.visit.language.say(&fault.detail));
            return refused(problems);
        }
    };
    let mut zones = who.zones();
    let mut new = NewZone::named(name.clone());
    let mut content = None;
    let text = import::file_of(&form);
    let _place = import::place(&who, &text)?;
    if !text.trim().is_empty() {
        zones = zones.through(Source::Import);
        match import::read(&who, &name, None, &text, options(&form)).await? {
            Ok(read) if form.text("do") == "preview" => {
                let page = NewPage::of(&who, &form, problems);
                let records = say(page.z.file_records, &[&read.records.len().to_string()]);
                let remarks = Remarks::of(&read, page.page.language);
                return show_page(&NewPage { review: Some(Review { records, remarks }), ..page });
            }
            Ok(mut read) => {
                new.content = std::mem::take(&mut read.records);
                new.serial_above = read.serial;
                content = Some(read);
            }
            Err(problems) => return refused(problems),
        }
    }
    let claims = &who.visit.shared.claims;
    let mut outcome = zones.create_zone(new.clone()).await;
    let z = who.visit.language.zone_texts();
    let obstacle = |error: &CreateZoneError| match error {
        CreateZoneError::Related => z.domain_related,
        CreateZoneError::OnHold => z.domain_on_hold,
        CreateZoneError::Contested => z.domain_contested,
        _ => z.domain_exists,
    };
    if let Err(refusal @ (CreateZoneError::Exists | CreateZoneError::Related | CreateZoneError::OnHold)) = &outcome {
        let refusal = obstacle(refusal);
        match claims.look(&zones, &name).await {
            Ok(Look::NotClaimable) => {}
            Ok(Look::Proved(proof)) => {
                outcome = zones.create_zone(NewZone { proof: Some(proof), ..new }).await;
            }
            Ok(Look::Open(claim)) => {
                problems.add("domain", refusal);
                match claim.unproved {
                    Unproved::New => {}
                    Unproved::NotFound => problems.add("", z.claim_not_seen),
                    Unproved::NoAnswer => problems.add("", z.claim_no_answer),
                }
                return offer(&who, &form, problems, claim);
            }
            Err(LookError::TooMany { .. }) => {
                problems.add("", who.visit.language.zone_texts().claim_too_often);
                let page = NewPage::of(&who, &form, problems);
                return show_with(StatusCode::TOO_MANY_REQUESTS, &page);
            }
            Err(LookError::Store(error)) => return Err(error.into()),
        }
    }
    match outcome {
        Ok(zone) => {
            let notice = content.map_or(Notice::ZoneMade, |content| Notice::Imported(imported(&zone, &content)));
            Ok(go(&path(zone.id), Some(notice), &who.visit.shared.settings))
        }
        Err(
            error @ (CreateZoneError::Exists
            | CreateZoneError::Related
            | CreateZoneError::OnHold
            | CreateZoneError::Contested),
        ) => {
            problems.add("domain", obstacle(&error));
            refused(problems)
        }
        Err(CreateZoneError::Reserved(reason)) => {
            problems.add(
                "domain",
                match reason {
                    Reservation::Catalogs | Reservation::Server => z.domain_reserved,
                    Reservation::Suffix => z.domain_suffix,
                    Reservation::Local => z.domain_local,
                },
            );
            refused(problems)
        }
        Err(CreateZoneError::Apex(fault)) => {
            problems.add("domain", who.visit.language.say(&fault.detail));
            refused(problems)
        }
        Err(CreateZoneError::Faults(faults)) => {
            let faults = content.map(|content| content.faults(faults)).unwrap_or_default();
            import::add(&mut problems, faults, who.visit.language);
            refused(problems)
        }
        Err(CreateZoneError::DailyLimit(_)) => Err(Failure::DailyLimit),
        Err(error @ CreateZoneError::OutOfScope(_)) => Err(Failure::server(error)),
        Err(CreateZoneError::Store(error)) => Err(error.into()),
    }
}

fn imported(zone: &Zone, content: &Content) -> Imported {
    let is_ours =
        |reason| matches!(reason, LeftOutReason::Soa | LeftOutReason::OwnNameserver | LeftOutReason::OwnAddress);
    Imported {
        records: usize::try_from(zone.record_count).unwrap_or(usize::MAX),
        left_out: content.left_out.iter().filter(|left| !is_ours(left.reason)).map(|left| left.count).sum(),
        warnings: content.warnings.len(),
    }
}

/// The form again, with the record that proves that the name is the visitor's.
fn offer(who: &SignedIn, form: &Form, problems: Problems, claim: OpenClaim) -> Result<Response, Failure> {
    let page = NewPage { claim: Some(claim), ..NewPage::of(who, form, problems) };
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
