//! Zones and their records.
//!
//! | page | purpose |
//! |---|---|
//! | `list`, `new`, `delete` | the zones of an account |
//! | `records` | a zone's records, and editing them: `draft` has the collected changes, `editor` the fields of one record, `view` what is shown |
//! | `review` | the difference of the collected changes, applying them, and changes that other users made meanwhile |
//! | `live` | the version that each nameserver serves |
//! | `history`, `restore` | the versions, and restoring one |
//! | `settings` | the settings of the zone |
//! | `zone_file`, `import` | export and import of a zone file |
//! | `difference` | removed, added and changed records, as a table |

mod difference;
mod draft;
mod editor;
mod setting_names;
mod state;
mod version_row;
mod view;
mod work;

pub(crate) mod claim;
pub(crate) mod delete;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod new;
pub(crate) mod records;
pub(crate) mod restore;
mod review;
pub(crate) mod settings;
pub(crate) mod zone_file;

use dns::{Serial, ZoneId};
use store::{ChangeError, Withheld, Zone};

use crate::failure::Failure;
use crate::form::Form;
use crate::texts::zones::ZoneTexts;
use crate::texts::{minute, say};
use crate::visit::SignedIn;

/// How many versions are shown of what happened meanwhile.
const VERSIONS: u32 = 20;

/// Which of a zone's pages is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Records,
    History,
    Settings,
    Import,
    Delete,
}

/// What stands above each of a zone's pages.
#[derive(Debug, Clone)]
struct Head {
    name: String,
    /// Its pages are below this path.
    path: String,
    tab: Tab,
    withheld: Withheld,
}

impl Head {
    fn new(zone: &Zone, tab: Tab) -> Head {
        Head { name: zone.name.to_string(), path: path(zone.id), tab, withheld: zone.withheld }
    }

    /// Why the zone is not served, in the visitor's language; empty where it is.
    fn not_served(&self, z: &ZoneTexts) -> String {
        match (self.withheld.until(), self.withheld) {
            (Some(until), withheld) if withheld.waits() => say(z.zone_waits, &[&minute(until)]),
            (Some(until), withheld) if withheld.is_displaced() => say(z.zone_displaced, &[&minute(until)]),
            (None, withheld) if withheld.waits() => z.zone_waits_operator.to_owned(),
            _ => String::new(),
        }
    }

    fn is(&self, tab: Tab) -> bool {
        self.tab == tab
    }
}

fn path(zone: ZoneId) -> String {
    format!("/zones/{}/", zone.0)
}

fn zone_id(text: &str) -> Result<ZoneId, Failure> {
    text.parse().map(ZoneId).map_err(|_| Failure::NotFound)
}

/// The zone that an address names, if it is the account's.
async fn zone_of(who: &SignedIn, text: &str) -> Result<Zone, Failure> {
    who.zones().zone(zone_id(text)?).await?.ok_or(Failure::NotFound)
}

/// The version that a form was made from.
fn serial_of(form: &Form) -> Result<Serial, Failure> {
    form.text("serial").parse().map(Serial).map_err(|_| Failure::NoForm)
}

/// What remains of a change's errors once those that the user can fix are shown.
fn failure(error: ChangeError) -> Failure {
    match error {
        ChangeError::NoZone => Failure::NotFound,
        ChangeError::DailyLimit(_) => Failure::DailyLimit,
        ChangeError::Store(error) => error.into(),
        other => Failure::server(other),
    }
}
