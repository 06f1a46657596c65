//! The zones of an account.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use dns::{Name, ZoneName};
use store::Zone;

use super::{path, view};
use crate::addresses::of_query;
use crate::failure::Failure;
use crate::page::{Page, Section, show as show_page};
use crate::texts::minute;
use crate::texts::zones::ZoneTexts;
use crate::visit::SignedIn;

/// How many stand on a page.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "zones/list.html")]
struct ListPage {
    page: Page,
    z: &'static ZoneTexts,
    query: String,
    is_first: bool,
    /// Where the list begins.
    first: String,
    zones: Vec<ZoneRow>,
    /// Where the next page is.
    next: Option<String>,
    nameservers: Vec<String>,
}

struct ZoneRow {
    path: String,
    name: String,
    records: String,
    created: String,
}

impl ZoneRow {
    fn new(zone: Zone) -> ZoneRow {
        ZoneRow {
            path: path(zone.id),
            name: zone.name.to_string(),
            records: view::count(zone.record_count),
            created: minute(zone.created_at),
        }
    }
}

impl ListPage {
    /// Whether there are no zones at all, not only no matches.
    fn is_new(&self) -> bool {
        self.zones.is_empty() && self.query.is_empty() && self.is_first
    }
}

pub(crate) async fn show(who: SignedIn, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let text = of_query(query.as_deref(), "q").trim().to_owned();
    let after = Name::parse(&of_query(query.as_deref(), "after")).ok().map(ZoneName::from_stored);
    let is_first = after.is_none();
    let found = who.zones().find_zones(&text, after, PAGE).await?;
    let next = found.next.map(|name| address(&text, &name.to_string()));
    let page = who.page(Section::Zones);
    show_page(&ListPage {
        z: page.language.zone_texts(),
        first: address(&text, ""),
        query: text,
        is_first,
        zones: found.zones.into_iter().map(ZoneRow::new).collect(),
        next,
        nameservers: super::work::nameservers(&who),
        page,
    })
}

fn address(text: &str, after: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([("q", text), ("after", after)].into_iter().filter(|(_, value)| !value.is_empty()));
    format!("/zones/?{}", query.finish())
}
