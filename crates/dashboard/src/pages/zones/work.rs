//! The state of the records page between two requests: the collected changes, and the open editor.

use axum::http::StatusCode;
use axum::response::Response;
use dns::change::no_record;
use dns::{OwnerName, RecordId, RecordType, Serial};
use forms::TypedRecord;
use store::{Change, ChangeError, Zone};

use super::draft::{Draft, Faults, Item, MOST, current};
use super::editor::{Editing, Subject};
use super::live::Live;
use super::state::State;
use super::view::{RecordsPage, Shown};
use super::{failure, path};
use crate::failure::Failure;
use crate::form::Form;
use crate::page::{Section, show as show_page, show_with};
use crate::visit::SignedIn;

/// How many records stand on a page, at least.
const PAGE: usize = 200;

/// What stands on the page beside the records themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    pub(super) query: String,
    pub(super) after: String,
    pub(super) draft: Draft,
    /// The version that the first collected change was made from; `None` where nothing is collected.
    pub(super) base: Option<Serial>,
    pub(super) editing: Option<Editing>,
    pub(super) problem: Option<&'static str>,
    /// Whether the browser shows only the table of the response, as it does while the user types into the filter. The
    /// nameservers are not polled then.
    pub(super) is_for_table: bool,
}

impl Work {
    pub(super) fn open_new(&mut self, record_type: &str, zone: &Zone) {
        let blank = TypedRecord { record_type: record_type.to_owned(), ..TypedRecord::default() };
        if RecordType::parse(record_type).is_ok() {
            self.editing = Some(Editing::open(Subject::New, blank.clone(), blank));
            self.base = self.base.or(Some(zone.serial));
        }
    }

    /// Opens the editor of a record: of what was collected for it, where something was.
    pub(super) async fn open(&mut self, who: &SignedIn, zone: &Zone, id: RecordId) -> Result<(), Failure> {
        if let Some(place) = self.draft.of_record(id) {
            self.open_item(place);
            return Ok(());
        }
        match current(who, zone, id).await? {
            Some(stored) => {
                let was = TypedRecord::from_stored(&stored);
                self.editing = Some(Editing::open(Subject::Record(id), was.clone(), was));
                self.base = self.base.or(Some(zone.serial));
            }
            None => self.problem = Some(who.visit.language.zone_texts().record_gone),
        }
        Ok(())
    }

    pub(super) fn open_item(&mut self, place: usize) {
        let item = self.draft.0.get(place);
        if let Some((item, now)) = item.and_then(|item| Some((item, item.now()?))) {
            let was = item.was().unwrap_or(now).clone();
            self.editing = Some(Editing::open(Subject::Item(place), was, now.clone()));
        }
    }

    pub(super) async fn remove(&mut self, who: &SignedIn, zone: &Zone, id: RecordId) -> Result<(), Failure> {
        let place = self.draft.of_record(id);
        let collected = place.and_then(|place| self.draft.0.get(place)).and_then(Item::was).cloned();
        let was = match collected {
            Some(was) => Some(was),
            None => current(who, zone, id).await?.map(|stored| TypedRecord::from_stored(&stored)),
        };
        match was {
            Some(_) if place.is_none() && self.is_full(who) => {}
            Some(was) => self.draft.put(place, Item::Delete { id, was }),
            None => self.problem = Some(who.visit.language.zone_texts().record_gone),
        }
        self.base = self.base.filter(|_| !self.draft.is_empty());
        Ok(())
    }

    fn is_full(&mut self, who: &SignedIn) -> bool {
        let is_full = self.draft.0.len() >= MOST;
        if is_full {
            self.problem = Some(who.visit.language.zone_texts().too_many_changes);
        }
        is_full
    }

    /// Takes what was typed in the editor among the changes, or shows the editor again with what is wrong.
    pub(super) async fn keep(&mut self, who: &SignedIn, zone: &Zone, form: &Form, anyway: bool) -> Result<(), Failure> {
        let editing = Editing::of(form).ok_or(Failure::NoForm)?;
        let (place, item) = match &editing.subject {
            Subject::New => (None, Item::Create(editing.typed.clone())),
            Subject::Record(id) => {
                // Something may have been collected for it in between, by going back.
                let place = self.draft.of_record(*id);
                (place, Item::Update { id: *id, was: editing.was.clone(), now: editing.typed.clone() })
            }
            Subject::Item(place) => match self.draft.0.get(*place) {
                Some(Item::Update { id, was, .. }) => {
                    (Some(*place), Item::Update { id: *id, was: was.clone(), now: editing.typed.clone() })
                }
                Some(_) => (Some(*place), Item::Create(editing.typed.clone())),
                None => return Err(Failure::NoForm),
            },
        };
        let mut with = self.draft.clone();
        with.put(place, item);
        let own = place.unwrap_or(with.0.len().saturating_sub(1));
        if place.is_none() && with.0.len() > self.draft.0.len() && self.is_full(who) {
            self.editing = Some(editing);
            return Ok(());
        }
        let (faults, is_readable) = check(who, zone, &with).await?;
        let fault = faults.into_iter().find(|(at, _)| *at == own).map(|(_, fault)| fault);
        // A change back to what was takes no place, or leaves its own.
        let is_kept = with.0.len() > self.draft.0.len() || (place.is_some() && with.0.len() == self.draft.0.len());
        match fault {
            Some(fault) if is_kept && !(anyway && is_readable) => {
                self.editing = Some(Editing { fault: Some(fault), may_keep: is_readable, ..editing });
            }
            _ => self.draft = with,
        }
        self.base = self.base.filter(|_| !self.draft.is_empty() || self.editing.is_some());
        Ok(())
    }

    pub(super) async fn page(self, who: &SignedIn, zone: &Zone) -> Result<Response, Failure> {
        let after = OwnerName::parse(&self.after, &zone.name).ok();
        let found = who.zones().find_records(zone.id, &self.query, after, PAGE).await?;
        let found = found.ok_or(Failure::NotFound)?;
        let (faults, _) = check(who, zone, &self.draft).await?;
        let editing = match &self.editing {
            Some(editing) => {
                let settings = who.zones().zone_settings(zone.id).await?;
                Some((editing, settings.ok_or(Failure::NotFound)?.1.default_ttl))
            }
            None => None,
        };
        let page = who.page(Section::Zones);
        let state = State {
            csrf: page.csrf.clone(),
            path: path(zone.id),
            serial: self.base.unwrap_or(found.zone.serial),
            draft: self.draft.encode(),
            query: self.query,
            after: self.after,
        };
        let has_fault = self.problem.is_some() || self.editing.as_ref().is_some_and(|editing| editing.fault.is_some());
        let shown = Shown {
            live: if self.is_for_table {
                Live::unasked(who, &found.zone)
            } else {
                Live::glance(who, &found.zone).await
            },
            nameservers: nameservers(who),
            found,
            draft: &self.draft,
            faults: &faults,
            editing,
            state,
            problem: self.problem,
        };
        let page = RecordsPage::of(page, shown);
        if has_fault { show_with(StatusCode::UNPROCESSABLE_ENTITY, &page) } else { show_page(&page) }
    }
}

/// The names to give to the registrar.
pub(super) fn nameservers(who: &SignedIn) -> Vec<String> {
    who.visit.apex().nameservers.iter().map(|nameserver| nameserver.name.to_string()).collect()
}

/// Everything that is wrong with the collected changes as things stand, and whether each can be read by itself.
async fn check(who: &SignedIn, zone: &Zone, draft: &Draft) -> Result<(Faults, bool), Failure> {
    if draft.is_empty() {
        return Ok((Faults::new(), true));
    }
    let edits = match draft.edits(who, zone) {
        Ok(edits) => edits,
        Err(faults) => return Ok((faults, false)),
    };
    let rehearsal = Change { dry_run: true, ..Change::from(edits) };
    Ok(match who.zones().change(zone.id, rehearsal).await {
        Ok(_) => (Faults::new(), true),
        Err(ChangeError::Faults(faults)) => (faults, true),
        Err(ChangeError::NoRecord { index }) => (vec![(index, no_record())], true),
        Err(error) => return Err(failure(error)),
    })
}
