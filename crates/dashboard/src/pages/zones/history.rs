//! A zone's versions: who changed what, when and why.

use api::TypedSettings;
use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use dns::Serial;
use store::{Counts, Event, HistoryError, Source, Version, VersionNumber, ZoneSettings};

use super::difference::DifferenceTable;
use super::settings::{label, members};
use super::{Head, Tab, zone_id, zone_of};
use crate::addresses::of_query;
use crate::failure::Failure;
use crate::page::{Page, Section, minute, show as show_page};
use crate::texts::zones::ZoneTexts;
use crate::visit::SignedIn;

/// How many versions stand on a page.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "zones_history.html")]
struct HistoryPage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    versions: Vec<VersionRow>,
    older: Option<u64>,
}

/// A version as lists show it.
#[derive(Debug, Clone)]
pub(super) struct VersionRow {
    pub(super) serial: Serial,
    pub(super) is_newest: bool,
    pub(super) time: String,
    pub(super) event: &'static str,
    pub(super) by: String,
    pub(super) address: String,
    pub(super) source: &'static str,
    pub(super) comment: String,
    pub(super) counts: Counts,
    /// The settings that it changed: what each is, and was, and became.
    pub(super) settings: Vec<(&'static str, String, String)>,
}

impl VersionRow {
    pub(super) fn of(version: &Version, newest: Serial, z: &'static ZoneTexts) -> VersionRow {
        let by = version.by.as_ref();
        VersionRow {
            serial: version.serial,
            is_newest: version.serial == newest,
            time: minute(version.time),
            event: match version.event {
                Event::Created => z.event_created,
                Event::Changed => "",
                Event::Deleted => z.event_deleted,
                Event::Undeleted => z.event_undeleted,
            },
            // The name is a token's, or the address again.
            by: by.map_or(String::new(), |by| {
                if by.name.is_empty() || by.name == by.email {
                    by.email.clone()
                } else {
                    format!("{} · {}", by.email, by.name)
                }
            }),
            address: by.and_then(|by| by.address).map(|address| address.to_string()).unwrap_or_default(),
            source: match version.source {
                Source::Api => z.source_api,
                Source::Operator => z.source_operator,
                Source::Server => z.source_server,
                Source::Dashboard => z.source_dashboard,
                Source::Import => z.source_import,
                Source::Rollback => z.source_rollback,
                Source::Undelete => z.source_undelete,
            },
            comment: version.comment.clone().unwrap_or_default(),
            counts: version.counts,
            settings: version.settings.as_ref().map(|between| settings(between, z)).unwrap_or_default(),
        }
    }

    /// How many were only added or only removed, and how many changed.
    pub(super) fn added(&self) -> u64 {
        self.counts.added.saturating_sub(self.counts.changed)
    }

    pub(super) fn removed(&self) -> u64 {
        self.counts.removed.saturating_sub(self.counts.changed)
    }
}

fn settings(
    (before, after): &(ZoneSettings, ZoneSettings),
    z: &'static ZoneTexts,
) -> Vec<(&'static str, String, String)> {
    let [before, after] = [before, after].map(TypedSettings::of);
    let shown = |value: &str| if value.is_empty() { z.of_server.to_owned() } else { value.to_owned() };
    members(&before)
        .into_iter()
        .zip(members(&after))
        .filter(|((_, before), (_, after))| before != after)
        .map(|((name, before), (_, after))| (label(name, z), shown(before), shown(after)))
        .collect()
}

pub(crate) async fn list(
    who: SignedIn,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let before = of_query(query.as_deref(), "before").parse().ok().map(VersionNumber);
    let history = who.store().history(who.account.id, zone_id(&id)?, before, PAGE).await?;
    let history = history.ok_or(Failure::NotFound)?;
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    let is_full = history.versions.len() == PAGE as usize;
    let older = history.versions.last().filter(|oldest| is_full && oldest.number.0 > 1).map(|oldest| oldest.number.0);
    let newest = history.zone.serial;
    let versions = history.versions.iter().map(|version| VersionRow::of(version, newest, z)).collect();
    show_page(&HistoryPage { page, z, head: Head::of(&history.zone, Tab::History), versions, older })
}

#[derive(Template)]
#[template(path = "zones_version.html")]
struct VersionPage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    version: VersionRow,
    difference: DifferenceTable,
}

pub(crate) async fn show(who: SignedIn, Path((id, serial)): Path<(String, String)>) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let serial = serial.parse().map(Serial).map_err(|_| Failure::NotFound)?;
    let (version, difference) = match who.store().version(who.account.id, zone.id, serial).await {
        Ok(found) => found,
        Err(HistoryError::NoZone | HistoryError::NoVersion(_)) => return Err(Failure::NotFound),
        Err(HistoryError::Store(error)) => return Err(error.into()),
    };
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    show_page(&VersionPage {
        head: Head::of(&zone, Tab::History),
        version: VersionRow::of(&version, zone.serial, z),
        difference: DifferenceTable::of(&difference.removed, &difference.added, z),
        z,
        page,
    })
}
