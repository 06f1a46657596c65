//! The settings of a zone: the default TTL, the SOA's timers, a comment. An empty field means the server's default.
//!
//! The form contains its version and the original value of each field. If another user changed the zone meanwhile, nothing is
//! stored: their versions are shown, unedited fields take their values, and a field that both changed shows the other value next
//! to it.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use dns::{Fault, Serial};
use forms::TypedSettings;
use store::{Change, ChangeError, Condition, OwnSettings, TIMER_BOUNDS, Wish, Zone};

use super::setting_names::{label, members, members_mut};
use super::version_row::VersionRow;
use super::{Head, Tab, VERSIONS, failure, path, serial_of, zone_id, zone_of};
use crate::failure::Failure;
use crate::form::{Field, Form, Problems};
use crate::notice::Notice;
use crate::page::{Page, Section, go, show as show_page, show_with};
use crate::texts::zones::ZoneTexts;
use crate::texts::{Texts, say};
use crate::visit::SignedIn;

#[derive(Template)]
#[template(path = "zones/settings.html")]
struct SettingsPage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    problems: Problems,
    serial: Serial,
    /// Each field as it was when the form was made.
    was: [(&'static str, String); 6],
    default_ttl: Field,
    timers: Vec<Field>,
    comment: Field,
    /// What happened meanwhile, where something did.
    meanwhile: Vec<VersionRow>,
}

/// A form, as it was made and as it was typed into.
#[derive(Debug, Clone)]
struct Typed {
    /// The version that it was made from.
    base: Serial,
    was: TypedSettings,
    now: TypedSettings,
}

impl Typed {
    fn read(form: &Form) -> Result<Typed, Failure> {
        let field = |prefix: &str, name: &str| form.text(&format!("{prefix}{name}")).to_owned();
        let settings = |prefix: &str| TypedSettings {
            default_ttl: field(prefix, "default_ttl"),
            refresh: field(prefix, "refresh"),
            retry: field(prefix, "retry"),
            expire: field(prefix, "expire"),
            minimum: field(prefix, "minimum"),
            comment: field(prefix, "comment"),
        };
        Ok(Typed { base: serial_of(form)?, was: settings("was-"), now: settings("") })
    }

    /// Continues from the stored settings. Returns the fields that another user changed too, with their values.
    fn rebase(&mut self, current: &OwnSettings) -> Vec<(&'static str, String)> {
        let theirs = TypedSettings::from_settings(&current.own);
        let mut both = Vec::new();
        for ((name, now), ((_, was), (_, theirs))) in
            members_mut(&mut self.now).into_iter().zip(members(&self.was).into_iter().zip(members(&theirs)))
        {
            if now == was {
                theirs.clone_into(now);
            } else if was != theirs && now != theirs {
                both.push((name, theirs.clone()));
            }
        }
        self.base = current.zone.serial;
        self.was = theirs;
        both
    }
}

impl SettingsPage {
    fn new(
        page: Page,
        current: &OwnSettings,
        typed: &Typed,
        problems: Problems,
        meanwhile: Vec<VersionRow>,
    ) -> SettingsPage {
        let z = page.language.zone_texts();
        let server = &current.server;
        let Typed { base, was, now } = typed;
        let number = |name, label: &str, hint: &str, value: &str| {
            Field::text(name, label).hint(hint).value(value).numeric().problem(&problems)
        };
        let default_hint = say(z.default_ttl_hint, &[&server.default_ttl.to_string()]);
        let timers = [
            (z.refresh_hint, server.timers.refresh, &now.refresh),
            (z.retry_hint, server.timers.retry, &now.retry),
            (z.expire_hint, server.timers.expire, &now.expire),
            (z.minimum_hint, server.timers.minimum, &now.minimum),
        ];
        SettingsPage {
            head: Head::new(&current.zone, Tab::Settings),
            serial: *base,
            was: members(was).map(|(name, value)| (name, value.clone())),
            default_ttl: number("default_ttl", z.default_ttl, &default_hint, &now.default_ttl),
            timers: TIMER_BOUNDS
                .into_iter()
                .zip(timers)
                .map(|((name, least, most), (about, server, value))| {
                    let range = [least.to_string(), most.to_string(), server.to_string()];
                    let range = say(z.timer_range, &range.each_ref().map(String::as_str));
                    number(name, label(name, z), &format!("{about} {range}"), value)
                })
                .collect(),
            comment: Field::text("comment", z.comment)
                .hint(z.zone_comment_hint)
                .value(&now.comment)
                .longest(500)
                .problem(&problems),
            meanwhile,
            z,
            problems,
            page,
        }
    }
}

async fn current(who: &SignedIn, id: &str) -> Result<OwnSettings, Failure> {
    who.zones().own_zone_settings(zone_id(id)?).await?.ok_or(Failure::NotFound)
}

pub(crate) async fn show(who: SignedIn, Path(id): Path<String>) -> Result<Response, Failure> {
    let current = current(&who, &id).await?;
    let as_stored = TypedSettings::from_settings(&current.own);
    let typed = Typed { base: current.zone.serial, was: as_stored.clone(), now: as_stored };
    show_page(&SettingsPage::new(who.page(Section::Zones), &current, &typed, Problems::default(), Vec::new()))
}

pub(crate) async fn submit(who: SignedIn, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let typed = Typed::read(&form)?;
    let wanted = match typed.now.change(&typed.was) {
        Ok(wanted) => wanted,
        Err(faults) => return refuse(&who, &id, &typed, faults).await,
    };
    let change = Change::of(Wish::Settings(wanted)).on(Condition::Zone(vec![typed.base]));
    match who.zones().change(zone.id, change).await {
        Ok(committed) => {
            let notice = if committed.changed { Notice::ChangesApplied } else { Notice::NothingChanged };
            Ok(go(&format!("{}settings/", path(zone.id)), Some(notice), &who.visit.shared.settings))
        }
        Err(ChangeError::Condition) => conflict(&who, &zone, typed).await,
        Err(ChangeError::Faults(faults)) => {
            let faults = faults.into_iter().map(|(_, fault)| fault).collect();
            refuse(&who, &id, &typed, faults).await
        }
        Err(error) => Err(failure(error)),
    }
}

async fn refuse(who: &SignedIn, id: &str, typed: &Typed, faults: Vec<Fault>) -> Result<Response, Failure> {
    let current = current(who, id).await?;
    let page = who.page(Section::Zones);
    let mut problems = Problems::new(page.t.problems);
    for fault in faults {
        problems.add(fault.field.unwrap_or_default(), page.language.say(&fault.detail));
    }
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &SettingsPage::new(page, &current, typed, problems, Vec::new()))
}

/// Another user changed the zone first: shows their changes, and the form based on them.
async fn conflict(who: &SignedIn, zone: &Zone, mut typed: Typed) -> Result<Response, Failure> {
    // Before the versions: what is stored between the two is listed, and meets the condition of the next attempt.
    let current = who.zones().own_zone_settings(zone.id).await?.ok_or(Failure::NotFound)?;
    let history = who.zones().history(zone.id, None, VERSIONS).await?.ok_or(Failure::NotFound)?;
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    let newer = history.versions.iter().take_while(|version| version.serial != typed.base);
    let meanwhile = newer.map(|version| VersionRow::new(version, history.zone.serial, z)).collect();
    let problems = problems(typed.rebase(&current), page.t, z);
    show_with(StatusCode::CONFLICT, &SettingsPage::new(page, &current, &typed, problems, meanwhile))
}

fn problems(both: Vec<(&'static str, String)>, t: &Texts, z: &ZoneTexts) -> Problems {
    let mut problems = Problems::new(t.problems);
    for (name, theirs) in both {
        let text = if theirs.is_empty() { z.set_meanwhile_empty.to_owned() } else { say(z.set_meanwhile, &[&theirs]) };
        problems.add(name, text);
    }
    problems
}
