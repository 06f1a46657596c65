//! The version of a zone that each nameserver serves, shown next to the records. It is polled again automatically at growing
//! intervals, and no longer after some minutes, so that an open window does not keep a session alive.
//!
//! Decided against: an event stream. It would hold a connection for each window, and poll the nameservers just as often.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use deploy::{NameserverStatus, Trouble};
use store::{Head as Newest, Zone};

use super::{path, zone_of};
use crate::addresses::of_query;
use crate::failure::Failure;
use crate::page::{Page, Section, show as show_page};
use crate::texts::say;
use crate::texts::zones::ZoneTexts;
use crate::visit::SignedIn;

/// How long a page waits for the nameservers before it is shown without them.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long the panel itself waits; a nameserver that does not answer is given up after two seconds.
const LONG_PATIENCE: Duration = Duration::from_secs(3);
/// The seconds between polls while a nameserver is behind; the last is repeated.
const BEHIND: [u32; 6] = [1, 1, 2, 3, 5, 10];
/// The same while all are at the newest version.
const IN_SYNC: u32 = 30;
/// How often it asks in all.
const MOST: usize = 40;

/// The panel. Shown by `{{ live }}`.
#[derive(Debug, Clone, Template)]
#[template(path = "zones/live.html")]
pub(super) struct Live {
    z: &'static ZoneTexts,
    path: String,
    serial: u32,
    state: State,
    servers: Vec<Server>,
    /// When it asks again, and which time that is.
    again: Option<(u32, usize)>,
}

impl HtmlSafe for Live {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Everybody serves the newest version.
    InSync,
    Behind,
    /// There is no nameserver.
    Nobody,
    /// They have not answered yet.
    Unknown,
}

#[derive(Debug, Clone)]
struct Server {
    name: String,
    serial: String,
    in_sync: bool,
    ahead: bool,
    trouble: &'static str,
}

impl Live {
    /// For an answer of which the panel takes no part.
    pub(super) fn unasked(who: &SignedIn, zone: &Zone) -> Live {
        Live {
            z: who.visit.language.zone_texts(),
            path: path(zone.id),
            serial: zone.serial.0,
            state: State::Unknown,
            servers: Vec::new(),
            again: None,
        }
    }

    /// For a page that is about something else, and must not wait.
    pub(super) async fn glance(who: &SignedIn, zone: &Zone) -> Live {
        ask(who, zone, PATIENCE, 0).await
    }
}

async fn ask(who: &SignedIn, zone: &Zone, patience: Duration, asked: usize) -> Live {
    let z = who.visit.language.zone_texts();
    let newest = Newest::from(zone.clone());
    let status = tokio::time::timeout(patience, who.visit.shared.deployment.status(&newest)).await.ok();
    let state = match &status {
        None => State::Unknown,
        Some(servers) if servers.is_empty() => State::Nobody,
        Some(servers) if servers.iter().all(|server| server.in_sync) => State::InSync,
        Some(_) => State::Behind,
    };
    let seconds = match state {
        State::InSync => Some(IN_SYNC),
        State::Behind | State::Unknown => BEHIND.get(asked).or(BEHIND.last()).copied(),
        State::Nobody => None,
    };
    Live {
        z,
        path: path(zone.id),
        serial: zone.serial.0,
        state,
        servers: status.into_iter().flatten().map(|status| server(status, z)).collect(),
        again: seconds.filter(|_| asked < MOST).map(|seconds| (seconds, asked + 1)),
    }
}

fn server(status: NameserverStatus, z: &'static ZoneTexts) -> Server {
    Server {
        name: status.name,
        serial: status.serial.map_or_else(|| z.serves_nothing.to_owned(), |serial| serial.to_string()),
        in_sync: status.in_sync,
        ahead: status.trouble == Some(Trouble::Ahead),
        trouble: match status.trouble {
            None => "",
            Some(Trouble::NoAnswer) => z.no_answer,
            Some(Trouble::DeployFailed) => z.deploy_failed,
            Some(Trouble::Ahead) => z.ahead_of_us,
        },
    }
}

#[derive(Template)]
#[template(path = "zones/live_page.html")]
struct LivePage {
    page: Page,
    title: String,
    live: Live,
}

/// A page by itself, of which the panel takes its own part.
pub(crate) async fn show(
    who: SignedIn,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let asked = of_query(query.as_deref(), "asked").parse().unwrap_or(0);
    let live = ask(&who, &zone, LONG_PATIENCE, asked).await;
    let page = who.page(Section::Zones);
    let title = say(live.z.live_of, &[&zone.name.to_string()]);
    show_page(&LivePage { page, title, live })
}
