//! A zone's versions with author, difference, time and comment.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use dns::Serial;
use store::{HistoryError, VersionNumber};

use super::difference::DifferenceTable;
use super::version_row::VersionRow;
use super::{Head, Tab, zone_id, zone_of};
use crate::addresses::of_query;
use crate::failure::Failure;
use crate::page::{Page, Section, show as show_page};
use crate::texts::zones::ZoneTexts;
use crate::visit::SignedIn;

/// How many versions stand on a page.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "zones/history.html")]
struct HistoryPage {
    page: Page,
    z: &'static ZoneTexts,
    head: Head,
    versions: Vec<VersionRow>,
    older: Option<u64>,
}

pub(crate) async fn list(
    who: SignedIn,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let before = of_query(query.as_deref(), "before").parse().ok().map(VersionNumber);
    let history = who.zones().history(zone_id(&id)?, before, PAGE).await?;
    let history = history.ok_or(Failure::NotFound)?;
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    let is_full = history.versions.len() == PAGE as usize;
    let older = history.versions.last().filter(|oldest| is_full && oldest.number.0 > 1).map(|oldest| oldest.number.0);
    let newest = history.zone.serial;
    let versions = history.versions.iter().map(|version| VersionRow::new(version, newest, z)).collect();
    show_page(&HistoryPage { page, z, head: Head::new(&history.zone, Tab::History), versions, older })
}

#[derive(Template)]
#[template(path = "zones/version.html")]
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
    let (version, difference) = match who.zones().version(zone.id, serial).await {
        Ok(found) => found,
        Err(HistoryError::NoZone | HistoryError::NoVersion(_)) => return Err(Failure::NotFound),
        Err(HistoryError::Store(error)) => return Err(error.into()),
    };
    let page = who.page(Section::Zones);
    let z = page.language.zone_texts();
    show_page(&VersionPage {
        head: Head::new(&zone, Tab::History),
        version: VersionRow::new(&version, zone.serial, z),
        difference: DifferenceTable::new(&difference.removed, &difference.added, z),
        z,
        page,
    })
}
