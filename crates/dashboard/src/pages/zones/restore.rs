//! Restoring an earlier version: first shown as a difference, then stored as a new version.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use dns::Serial;
use dns::apex::SoaTimers;
use store::{Change, ChangeError, Comment, Committed, Condition, EffectiveSettings, Source, Wish, Zone};

use super::difference::DifferenceTable;
use super::{Head, Tab, failure, path, serial_of, zone_of};
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::texts::say;
use crate::texts::zones::ZoneTexts;
use crate::visit::SignedIn;

#[derive(Template)]
#[template(path = "zones/restore.html")]
struct RestorePage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    problems: Problems,
    title: String,
    /// The version that the preview was made from.
    serial: Serial,
    wanted: Serial,
    difference: Option<DifferenceTable>,
    /// The settings that become others: what each is, and was, and becomes.
    settings: Vec<(&'static str, String, String)>,
    changes_nothing: bool,
    comment: Field,
}

pub(crate) async fn show(who: SignedIn, Path((id, wanted)): Path<(String, String)>) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    preview(&who, &zone, wanted_serial(&wanted)?, "", Problems::default()).await
}

fn wanted_serial(text: &str) -> Result<Serial, Failure> {
    text.parse().map(Serial).map_err(|_| Failure::NotFound)
}

async fn change(who: &SignedIn, zone: &Zone, change: Change) -> Result<Committed, ChangeError> {
    who.zones().through(Source::Rollback).change(zone.id, change).await
}

async fn preview(
    who: &SignedIn,
    zone: &Zone,
    wanted: Serial,
    comment: &str,
    mut problems: Problems,
) -> Result<Response, Failure> {
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    let rehearsal = Change { dry_run: true, ..Change::of(Wish::Version(wanted)) };
    let committed = match change(who, zone, rehearsal).await {
        Ok(committed) => Some(committed),
        Err(ChangeError::Faults(faults)) if faults.iter().any(|(_, fault)| fault.check == "no-such-version") => {
            return Err(Failure::NotFound);
        }
        Err(ChangeError::Faults(faults)) => {
            problems.heading = page.t.problems;
            faults.into_iter().for_each(|(_, fault)| problems.add("", page.language.say(&fault.detail)));
            None
        }
        Err(error) => return Err(failure(error)),
    };
    let settings = match committed.as_ref().and_then(|committed| committed.settings.as_ref()) {
        Some(then) => {
            let now = who.zones().zone_settings(zone.id).await?.ok_or(Failure::NotFound)?.1;
            settings_between(&now, then, z)
        }
        None => Vec::new(),
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let field = Field::text("comment", z.comment).hint(z.comment_hint).value(comment).longest(500);
    let shown = RestorePage {
        z,
        head: Head::new(zone, Tab::History),
        title: say(z.restore_version, &[&wanted.to_string()]),
        serial: committed.as_ref().map_or(zone.serial, |committed| committed.before.serial),
        wanted,
        settings,
        changes_nothing: committed.as_ref().is_some_and(|committed| !committed.changed),
        difference: committed.map(|committed| DifferenceTable::new(&committed.removed, &committed.added, z)),
        comment: field.problem(&problems),
        problems,
        page,
    };
    if status == StatusCode::OK { show_page(&shown) } else { show_with(status, &shown) }
}

fn settings_between(
    now: &EffectiveSettings,
    then: &EffectiveSettings,
    z: &'static ZoneTexts,
) -> Vec<(&'static str, String, String)> {
    let comment =
        |settings: &EffectiveSettings| settings.comment.as_ref().map(Comment::as_str).unwrap_or_default().to_owned();
    let rows = |settings: &EffectiveSettings| {
        let SoaTimers { refresh, retry, expire, minimum } = settings.timers;
        let numbers =
            [settings.default_ttl.seconds(), refresh, retry, expire, minimum].map(|number| number.to_string());
        numbers.into_iter().chain([comment(settings)])
    };
    let labels = [z.default_ttl, z.refresh, z.retry, z.expire, z.minimum, z.comment];
    let both = labels.into_iter().zip(rows(now).zip(rows(then)));
    both.filter(|(_, (now, then))| now != then).map(|(label, (now, then))| (label, now, then)).collect()
}

pub(crate) async fn submit(
    who: SignedIn,
    Path((id, wanted)): Path<(String, String)>,
    form: Form,
) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let wanted = wanted_serial(&wanted)?;
    let t = who.visit.language.texts();
    let z = who.visit.language.zone_texts();
    let typed = form.text("comment");
    let mut problems = Problems::new(t.problems);
    let comment = match Comment::parse(typed) {
        Ok(comment) => comment,
        Err(fault) => {
            problems.add("comment", who.visit.language.say(&fault.detail));
            return preview(&who, &zone, wanted, typed, problems).await;
        }
    };
    let wish = Change { comment, ..Change::of(Wish::Version(wanted)) }.on(Condition::Zone(vec![serial_of(&form)?]));
    match change(&who, &zone, wish).await {
        Ok(committed) => {
            let notice = if committed.changed { Notice::VersionRestored } else { Notice::NothingChanged };
            Ok(go(&path(zone.id), Some(notice), &who.visit.shared.settings))
        }
        Err(ChangeError::Condition) => {
            problems.add("", z.restore_moved);
            preview(&who, &zone, wanted, typed, problems).await
        }
        Err(ChangeError::Faults(_)) => preview(&who, &zone, wanted, typed, problems).await,
        Err(error) => Err(failure(error)),
    }
}
