//! The difference of the collected changes, and applying them.
//!
//! They are applied only if the zone is still at the version of the page. If another user changed it meanwhile, nothing is
//! stored: the page shows both sets of changes, and continues with a preview on the new version. So users never overwrite changes
//! that they have not seen.

use std::collections::HashSet;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use dns::warnings::Warning;
use dns::{RecordId, Serial};
use store::{Change, ChangeError, Comment, Condition, HistoryError, Zone};

use super::difference::DifferenceTable;
use super::draft::{Draft, Item};
use super::state::State;
use super::version_row::VersionRow;
use super::view::{ItemRow, item_rows};
use super::work::Work;
use super::{Head, Tab, VERSIONS, failure, path};
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::language::Language;
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::texts::zones::ZoneTexts;
use crate::visit::SignedIn;

#[derive(Template)]
#[template(path = "zones/review.html")]
struct ReviewPage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    problems: Problems,
    state: State,
    difference: DifferenceTable,
    changes_nothing: bool,
    /// What is accepted and yet unwise.
    warnings: Vec<String>,
    comment: Field,
}

#[derive(Template)]
#[template(path = "zones/conflict.html")]
struct ConflictPage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    state: State,
    versions: Vec<VersionRow>,
    /// `None` if the version of the page is no longer kept.
    difference: Option<DifferenceTable>,
    items: Vec<ItemRow>,
}

/// Shows the difference of the changes, their errors, or that another user changed the zone first.
pub(super) async fn show(
    who: &SignedIn,
    zone: &Zone,
    work: &Work,
    refused: Option<(&Form, Problems)>,
) -> Result<Response, Failure> {
    let Some(base) = work.base else { return Ok(Redirect::to(&path(zone.id)).into_response()) };
    let Ok(edits) = work.draft.edits(who, zone) else {
        return if zone.serial == base { back(who, zone, work).await } else { conflict(who, zone, base, work).await };
    };
    let rehearsal = Change { dry_run: true, warn: true, ..Change::from(edits) }.on(Condition::Zone(vec![base]));
    let committed = match who.zones().change(zone.id, rehearsal).await {
        Ok(committed) => committed,
        Err(ChangeError::Condition) => return conflict(who, zone, base, work).await,
        Err(ChangeError::Faults(_) | ChangeError::NoRecord { .. }) => return back(who, zone, work).await,
        Err(error) => return Err(failure(error)),
    };
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    let typed = refused.as_ref().map(|(form, _)| form.text("comment")).unwrap_or_default();
    let is_refused = refused.is_some();
    let comment = Field::text("comment", z.comment).hint(z.comment_hint).value(typed).longest(500);
    let problems = refused.map(|(_, problems)| problems).unwrap_or_default();
    let shown = ReviewPage {
        z,
        head: Head::new(zone, Tab::Records),
        state: state(&page, zone, base, &work.draft),
        difference: DifferenceTable::new(&committed.removed, &committed.added, z),
        changes_nothing: !committed.changed,
        warnings: warnings(&committed.warnings, page.language),
        comment: comment.problem(&problems),
        problems,
        page,
    };
    if is_refused { show_with(StatusCode::UNPROCESSABLE_ENTITY, &shown) } else { show_page(&shown) }
}

/// What is accepted and yet unwise, each with the name it stands at.
pub(super) fn warnings(warnings: &[Warning], language: Language) -> Vec<String> {
    warnings.iter().map(|Warning { owner, detail, .. }| format!("{owner}: {}", language.say(detail))).collect()
}

/// To the records, where each change has its faults beside it.
async fn back(who: &SignedIn, zone: &Zone, work: &Work) -> Result<Response, Failure> {
    work.clone().page(who, zone).await
}

fn state(page: &Page, zone: &Zone, serial: Serial, draft: &Draft) -> State {
    State {
        csrf: page.csrf.clone(),
        path: path(zone.id),
        serial,
        draft: draft.encode(),
        query: String::new(),
        after: String::new(),
    }
}

/// Stores the changes as one version.
pub(super) async fn apply(who: &SignedIn, zone: &Zone, work: Work, form: &Form) -> Result<Response, Failure> {
    let Some(base) = work.base else { return Ok(Redirect::to(&path(zone.id)).into_response()) };
    let comment = match Comment::parse(form.text("comment")) {
        Ok(comment) => comment,
        Err(fault) => {
            let mut problems = Problems::new(who.visit.language.texts().problems);
            problems.add("comment", who.visit.language.say(&fault.detail));
            return show(who, zone, &work, Some((form, problems))).await;
        }
    };
    let Ok(edits) = work.draft.edits(who, zone) else { return show(who, zone, &work, None).await };
    let change = Change { comment, ..Change::from(edits) }.on(Condition::Zone(vec![base]));
    match who.zones().change(zone.id, change).await {
        Ok(committed) => {
            let notice = if committed.changed { Notice::ChangesApplied } else { Notice::NothingChanged };
            Ok(go(&path(zone.id), Some(notice), &who.visit.shared.settings))
        }
        Err(ChangeError::Condition) => conflict(who, zone, base, &work).await,
        Err(ChangeError::Faults(_) | ChangeError::NoRecord { .. }) => back(who, zone, &work).await,
        Err(error) => Err(failure(error)),
    }
}

/// Shows the changes of other users and the collected changes. The form continues from the shown version.
async fn conflict(who: &SignedIn, zone: &Zone, base: Serial, work: &Work) -> Result<Response, Failure> {
    let history = who.zones().history(zone.id, None, VERSIONS).await?.ok_or(Failure::NotFound)?;
    let newest = history.zone.serial;
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    let difference = match who.zones().difference(zone.id, base, Some(newest)).await {
        Ok(difference) => Some(difference),
        Err(HistoryError::NoVersion(_)) => None,
        Err(HistoryError::NoZone) => return Err(Failure::NotFound),
        Err(HistoryError::Store(error)) => return Err(error.into()),
    };
    let touched: HashSet<RecordId> = difference
        .iter()
        .flat_map(|difference| difference.removed.iter().chain(&difference.added))
        .map(|stored| stored.record.id)
        .collect();
    let mut items = item_rows(&work.draft, &Vec::new(), page.language);
    for (row, item) in items.iter_mut().zip(&work.draft.0) {
        if Item::id(item).is_some_and(|id| touched.contains(&id)) {
            row.faults.push(z.also_changed.to_owned());
        }
    }
    let newer = history.versions.iter().take_while(|version| version.serial != base);
    show_with(
        StatusCode::CONFLICT,
        &ConflictPage {
            z,
            head: Head::new(&history.zone, Tab::Records),
            state: state(&page, zone, newest, &work.draft),
            versions: newer.map(|version| VersionRow::new(version, newest, z)).collect(),
            difference: difference.map(|between| DifferenceTable::new(&between.removed, &between.added, z)),
            items,
            page,
        },
    )
}
