//! A zone's records, grouped by name, and everything that is done to them before it is applied.
//!
//! One page with three kinds of forms (the filter, the open editor, all other buttons), each of which carries the changes that
//! were collected. Each button names in `do` what it does; the answer is the page as it is then. Nothing is stored until the
//! changes are applied (`review`).

use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use dns::{OwnerName, RecordId, RecordType, Serial};
use store::{Change, ChangeError, Zone};

use api::TypedRecord;

use super::draft::{self, Draft, Faults, Item, MOST, current};
use super::editor::{Editing, Subject};
use super::live::Live;
use super::view::{RecordsPage, Shown, State};
use super::{path, review, serial_of, zone_of};
use crate::addresses::of_query;
use crate::failure::Failure;
use crate::form::Form;
use crate::page::{Section, show as show_page, show_with};
use crate::visit::SignedIn;

/// How many records stand on a page, at least.
const PAGE: usize = 200;

pub(crate) async fn show(
    who: SignedIn,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let query = query.as_deref();
    let work = Work {
        query: of_query(query, "q"),
        after: of_query(query, "after"),
        is_for_table: is_for_table(&headers),
        ..Work::default()
    };
    work.page(&who, &zone).await
}

/// What stands on the page beside the records themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    query: String,
    after: String,
    pub(super) draft: Draft,
    /// The version that the first collected change was made from; `None` where nothing is collected.
    pub(super) base: Option<Serial>,
    editing: Option<Editing>,
    problem: Option<&'static str>,
    /// Whether nothing of the answer is shown but the table: while somebody types into the filter, the nameservers are not
    /// asked at each key.
    is_for_table: bool,
}

fn is_for_table(headers: &HeaderMap) -> bool {
    headers.get("hx-target").is_some_and(|target| target == "table")
}

pub(crate) async fn act(
    who: SignedIn,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Failure> {
    let zone = zone_of(&who, &id).await?;
    let draft = Draft::decode(form.raw("draft")).ok_or(Failure::NoForm)?;
    let base = serial_of(&form)?;
    let mut work = Work {
        query: form.text("q").to_owned(),
        after: form.text("after").to_owned(),
        base: if draft.is_empty() { None } else { Some(base) },
        draft,
        is_for_table: is_for_table(&headers),
        ..Work::default()
    };
    let (verb, what) = form.text("do").split_once(' ').unwrap_or((form.text("do"), ""));
    match verb {
        "show" => {}
        "filter" => work.after.clear(),
        "from" => what.clone_into(&mut work.after),
        "add" => work.open_new(form.text("type"), &zone),
        "edit" => work.open(&who, &zone, record_id(what)?).await?,
        "change" => work.open_item(place(what)?),
        "remove" => {
            work.base = Some(base);
            work.remove(&who, &zone, record_id(what)?).await?;
        }
        "undo" => {
            work.draft.remove(place(what)?);
            work.base = work.base.filter(|_| !work.draft.is_empty());
        }
        "keep" | "keep-anyway" => {
            // The editor was opened on this version, whether something was collected before or not.
            work.base = Some(base);
            work.keep(&who, &zone, &form, verb == "keep-anyway").await?;
        }
        "review" => return review::show(&who, &zone, &work, None).await,
        "apply" => return review::apply(&who, &zone, work, &form).await,
        _ => return Err(Failure::NoForm),
    }
    work.page(&who, &zone).await
}

fn record_id(text: &str) -> Result<RecordId, Failure> {
    text.parse().map(RecordId).map_err(|_| Failure::NoForm)
}

fn place(text: &str) -> Result<usize, Failure> {
    text.parse().map_err(|_| Failure::NoForm)
}

impl Work {
    fn open_new(&mut self, record_type: &str, zone: &Zone) {
        let blank = TypedRecord { record_type: record_type.to_owned(), ..TypedRecord::default() };
        if RecordType::parse(record_type).is_ok() {
            self.editing = Some(Editing::open(Subject::New, blank.clone(), blank));
            self.base = self.base.or(Some(zone.serial));
        }
    }

    /// Opens the editor of a record: of what was collected for it, where something was.
    async fn open(&mut self, who: &SignedIn, zone: &Zone, id: RecordId) -> Result<(), Failure> {
        if let Some(place) = self.draft.of_record(id) {
            self.open_item(place);
            return Ok(());
        }
        match current(who, zone, id).await? {
            Some(stored) => {
                let was = TypedRecord::of(&stored);
                self.editing = Some(Editing::open(Subject::Record(id), was.clone(), was));
                self.base = self.base.or(Some(zone.serial));
            }
            None => self.problem = Some(who.visit.language.zone_texts().record_gone),
        }
        Ok(())
    }

    fn open_item(&mut self, place: usize) {
        let item = self.draft.0.get(place);
        if let Some((item, now)) = item.and_then(|item| Some((item, item.now()?))) {
            let was = item.was().unwrap_or(now).clone();
            self.editing = Some(Editing::open(Subject::Item(place), was, now.clone()));
        }
    }

    async fn remove(&mut self, who: &SignedIn, zone: &Zone, id: RecordId) -> Result<(), Failure> {
        let place = self.draft.of_record(id);
        let collected = place.and_then(|place| self.draft.0.get(place)).and_then(Item::was).cloned();
        let was = match collected {
            Some(was) => Some(was),
            None => current(who, zone, id).await?.map(|stored| TypedRecord::of(&stored)),
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
    async fn keep(&mut self, who: &SignedIn, zone: &Zone, form: &Form, anyway: bool) -> Result<(), Failure> {
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
        let found = who.store().find_records(who.account.id, zone.id, &self.query, after, PAGE).await?;
        let found = found.ok_or(Failure::NotFound)?;
        let (faults, _) = check(who, zone, &self.draft).await?;
        let editing = match &self.editing {
            Some(editing) => {
                let settings = who.store().zone_settings(who.account.id, zone.id).await?;
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
    who.store().apex().nameservers.iter().map(|nameserver| nameserver.name.to_string()).collect()
}

/// Everything that is wrong with the collected changes as things stand, and whether each can be read by itself.
pub(super) async fn check(who: &SignedIn, zone: &Zone, draft: &Draft) -> Result<(Faults, bool), Failure> {
    if draft.is_empty() {
        return Ok((Faults::new(), true));
    }
    let edits = match draft.edits(who, zone) {
        Ok(edits) => edits,
        Err(faults) => return Ok((faults, false)),
    };
    let rehearsal = Change { dry_run: true, ..Change::from(edits) };
    Ok(match who.store().change(&who.author(), zone.id, rehearsal).await {
        Ok(_) => (Faults::new(), true),
        Err(ChangeError::Faults(faults)) => (faults, true),
        Err(ChangeError::NoRecord { index }) => (vec![(index, draft::gone())], true),
        Err(error) => return Err(failure(error)),
    })
}

/// What remains of a change's errors once those that the user can mend are shown.
pub(super) fn failure(error: ChangeError) -> Failure {
    match error {
        ChangeError::NoZone => Failure::NotFound,
        ChangeError::DailyLimit(_) => Failure::DailyLimit,
        ChangeError::Store(error) => error.into(),
        other => Failure::server(other),
    }
}
