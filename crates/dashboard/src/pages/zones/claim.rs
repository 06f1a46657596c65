//! Proving control of a zone's domain with a record in the public DNS.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use claims::{Look, LookError, OpenClaim, Unproved};
use store::ProveError;

use super::{Head, Tab, failure, path, zone_id, zone_of};
use crate::failure::Failure;
use crate::form::{Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, show_with};
use crate::texts::zones::ZoneTexts;
use crate::texts::{minute, say};
use crate::visit::SignedIn;

#[derive(Template)]
#[template(path = "zones/claim.html")]
struct ClaimPage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    problems: Problems,
    claim: OpenClaim,
    state: String,
}

async fn page(who: &SignedIn, id: &str, status: StatusCode, problem: Option<&str>) -> Result<Response, Failure> {
    let (zone, proved_at) = who.zones().zone_proved_at(zone_id(id)?).await?.ok_or(Failure::NotFound)?;
    let claim = who.visit.shared.claims.claim(&who.zones(), &zone.name).await?;
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    let mut problems = Problems::new(page.t.problems);
    if let Some(problem) = problem {
        problems.add("", problem);
    }
    let page = ClaimPage {
        head: Head::new(&zone, Tab::Settings),
        claim: claim.ok_or(Failure::NotFound)?,
        state: proved_at.map_or_else(|| z.not_proved.to_owned(), |time| say(z.proved_at, &[&minute(time)])),
        problems,
        z,
        page,
    };
    show_with(status, &page)
}

pub(crate) async fn show(who: SignedIn, Path(id): Path<String>) -> Result<Response, Failure> {
    page(&who, &id, StatusCode::OK, None).await
}

pub(crate) async fn submit(who: SignedIn, Path(id): Path<String>, _: Form) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let z = who.visit.language.zone_texts();
    let refuse = |status, problem| page(&who, &id, status, Some(problem));
    match who.visit.shared.claims.look_at(&who.zones(), &zone.name).await {
        Ok(Look::NotClaimable) => Err(Failure::NotFound),
        Ok(Look::Open(OpenClaim { unproved: Unproved::NoAnswer, .. })) => {
            refuse(StatusCode::UNPROCESSABLE_ENTITY, z.claim_no_answer).await
        }
        Ok(Look::Open(_)) => refuse(StatusCode::UNPROCESSABLE_ENTITY, z.claim_not_seen).await,
        Ok(Look::Proved(proof)) => match who.zones().prove_zone(zone.id, proof).await {
            Ok(_) => {
                let notice = Some(Notice::ZoneProved);
                Ok(go(&format!("{}claim/", path(zone.id)), notice, &who.visit.shared.settings))
            }
            Err(ProveError::NoZone) => Err(Failure::NotFound),
            Err(ProveError::NoClaim) => refuse(StatusCode::CONFLICT, z.claim_not_seen).await,
            Err(ProveError::Change(error)) => Err(failure(error)),
            Err(ProveError::Store(error)) => Err(error.into()),
        },
        Err(LookError::TooMany { .. }) => refuse(StatusCode::TOO_MANY_REQUESTS, z.claim_too_often).await,
        Err(LookError::Store(error)) => Err(error.into()),
    }
}
