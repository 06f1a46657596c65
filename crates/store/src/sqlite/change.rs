//! Changing a zone. Every door into a zone leads through [`prepare`], which only reads: it plans the change and checks it, and
//! runs in any transaction. A dry run ends there, on a reader. A change that is stored is prepared inside the writer's transaction
//! and written by [`commit`] in the same one, so what was checked is what is stored.
//!
//! The rules look at the zone through [`LiveRecords`], which asks for single names and single records by index. So a change
//! costs the same in a zone of ten records and of a million. A wish for a whole content reads the zone once, and then costs as
//! much as both are long.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dns::change::{ContentEdits, Edit, NewRecord, Plan, PlanError, content, plan};
use dns::warnings;
use dns::{Record, RecordId, ZoneId};
use rusqlite::Connection;

use super::journal::{self, By};
use super::limits;
use super::live::{After, LiveRecords};
use super::readers::Size;
use super::rollback::{self, plan_version};
use super::rows::ZoneRow;
use super::staging::{AT_ONCE, Made};
use super::writer::{View, Work};
use super::{answers, settings, zones};
use crate::*;

impl Store {
    /// Changes a zone: wholly or not at all. Durable when it returns.
    pub async fn change(
        &self,
        author: &Author,
        zone: ZoneId,
        change: impl Into<Change>,
    ) -> Result<Committed, ChangeError> {
        let (mut author, mut change) = (author.clone(), change.into());
        if change.dry_run && weight(&change.wish) <= AT_ONCE {
            return self.rehearse(author, zone, change).await;
        }
        if !change.dry_run {
            self.inner.shared.stages.none_of(zone).await;
            if weight(&change.wish) <= AT_ONCE {
                let job = move |work: &Work| match change_at_once(work, &author, zone, &change)? {
                    Some(committed) => Ok::<_, ChangeError>(Ok(committed)),
                    None => Ok(Err((author, change))),
                };
                match self.inner.writer.run(job).await? {
                    Ok(committed) => return Ok(committed),
                    Err(unused) => (author, change) = unused,
                }
            }
        }
        match self.change_large(author, zone, change, None).await? {
            Made::Now(committed) => Ok(committed),
            Made::Keyed(_) => Err(StoreError::Bug("a large change of the wrong kind of outcome").into()),
        }
    }

    /// What a change would do, worked out on a reader's view of the zone: the writer has no part in it.
    async fn rehearse(&self, author: Author, zone: ZoneId, change: Change) -> Result<Committed, ChangeError> {
        let shared = Arc::clone(&self.inner.shared);
        let read = move |connection: &Connection| {
            let view = View { connection, shared: &shared };
            Ok(prepare(view, &author, zone, &change).map(|prepared| prepared.committed))
        };
        self.inner.readers.run(Size::Large, read).await?
    }

    /// [`Store::change`], done once however often the request comes. Not for dry runs, which may be repeated as they are.
    pub async fn change_once(
        &self,
        author: &Author,
        zone: ZoneId,
        change: Change,
        once: Once<Committed>,
    ) -> Result<Done, ChangeError> {
        let (mut author, mut change, mut once) = (author.clone(), change, once);
        self.inner.shared.stages.none_of(zone).await;
        if weight(&change.wish) <= AT_ONCE {
            let job = move |work: &Work| match answers::once(work, once, |work| {
                change_at_once(work, &author, zone, &change)
            })? {
                Ok(done) => Ok::<_, ChangeError>(Ok(done)),
                Err(once) => Ok(Err((author, change, once))),
            };
            match self.inner.writer.run(job).await? {
                Ok(done) => return Ok(done),
                Err(unused) => (author, change, once) = unused,
            }
        }
        match self.change_large(author, zone, change, Some(once)).await? {
            Made::Keyed(done) => Ok(done),
            Made::Now(_) => Err(StoreError::Bug("a large change of the wrong kind of outcome").into()),
        }
    }

    /// What a request under this key got before, in the last 24 hours. A hint, to spare work: what makes the change asks again.
    pub async fn done_before(&self, request: &Repeatable) -> Result<Option<Done>, StoreError> {
        let (request, now) = (request.clone(), self.now());
        self.inner.readers.run(Size::Small, move |connection| answers::find(connection, &request, now)).await
    }
}

/// A change that was planned and checked, and of which nothing is stored yet.
pub(super) struct Prepared {
    /// The zone as it will be, but for the number of settings that are yet to be stored.
    pub(super) zone: ZoneRow,
    /// The rows of the records that end, in the order of [`Committed::removed`].
    pub(super) ends: Vec<i64>,
    /// How many records are changed: they are among the removed and the added ones.
    pub(super) changed: usize,
    /// Settings that the zone gets and that have no row yet.
    pub(super) new_settings: Option<ZoneSettings>,
    /// When it was prepared: the time of the version.
    pub(super) now: Timestamp,
    /// The outcome.
    pub(super) committed: Committed,
}

/// What a wish comes to.
struct Planned {
    plan: Plan,
    settings: SettingsPlan,
}

enum SettingsPlan {
    Stay,
    /// Those with this number, which differ from the zone's.
    Again(Option<i64>),
    /// The zone's own; these are stored as they are where the flag says that they are others.
    New(ZoneSettings, bool),
}

impl Prepared {
    /// How many records it creates, changes or deletes; one that changes counts once.
    pub(super) fn touched(&self) -> u64 {
        (self.ends.len() + self.committed.added.len() - self.changed) as u64
    }

    /// What the version's row says of its records.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            removed: self.ends.len() as u64,
            added: self.committed.added.len() as u64,
            changed: self.changed as u64,
        }
    }
}

/// Makes the whole change or none of it. `None`, and nothing was done, where it is too large for one job of the writer.
fn change_at_once(work: &Work, author: &Author, id: ZoneId, change: &Change) -> Result<Option<Committed>, ChangeError> {
    if is_large(work.view(), author, id, change)? {
        return Ok(None);
    }
    let prepared = prepare(work.view(), author, id, change)?;
    if prepared.rows() > AT_ONCE {
        return Ok(None);
    }
    Ok(Some(commit(work, author, change, prepared)?))
}

/// Whether a change is too large to be planned by the writer, as far as that is seen without planning it.
fn is_large(view: View<'_>, author: &Author, id: ZoneId, change: &Change) -> Result<bool, StoreError> {
    if weight(&change.wish) > AT_ONCE {
        return Ok(true);
    }
    let Some(zone) = zones::of_account(view.connection, author.account, id)? else { return Ok(false) };
    Ok(match &change.wish {
        Wish::Content(wanted) => zone.zone.record_count + wanted.len() as u64 > AT_ONCE as u64,
        Wish::Version(serial) => rollback::is_far(view, &zone, *serial, AT_ONCE)?,
        Wish::Edits(_) | Wish::Settings(_) => false,
    })
}

/// How much a wish says by itself of the rows that it will write.
pub(super) fn weight(wish: &Wish) -> usize {
    match wish {
        Wish::Edits(edits) => edits.iter().map(edit_weight).sum(),
        Wish::Content(wanted) => wanted.len(),
        Wish::Version(_) | Wish::Settings(_) => 1,
    }
}

fn edit_weight(edit: &Edit) -> usize {
    match edit {
        Edit::ReplaceSet(set) => set.records.len().max(1),
        Edit::Create(..) | Edit::Replace(..) | Edit::Amend(..) | Edit::Delete(_) => 1,
    }
}

/// Stores what was prepared in the same transaction.
pub(super) fn commit(
    work: &Work,
    author: &Author,
    change: &Change,
    prepared: Prepared,
) -> Result<Committed, ChangeError> {
    let touched = prepared.touched();
    let Prepared { mut zone, ends, changed, new_settings, now, committed } = prepared;
    if committed.changed {
        limits::daily(work, author, touched)?.map_err(ChangeError::DailyLimit)?;
        if let Some(settings) = &new_settings {
            zone.settings = Some(settings::insert(work, settings)?);
        }
        let by = By { comment: change.comment.as_ref(), ..By::from(author) };
        journal::write(work, &zone, &by, (&ends, &committed.added, changed), now)?;
    }
    Ok(committed)
}

/// Plans a change and checks everything about it. Reads only.
pub(super) fn prepare(view: View<'_>, author: &Author, id: ZoneId, change: &Change) -> Result<Prepared, ChangeError> {
    let before = zones::of_account(view.connection, author.account, id)?.ok_or(ChangeError::NoZone)?;
    let mut live = LiveRecords::new(view.connection, &before);
    check_all(&change.conditions, &before, &mut live)?;
    if let Wish::Content(wanted) = &change.wish {
        // Before anything is planned, which costs as much as the content is long.
        let live = usize::try_from(before.zone.record_count).unwrap_or(usize::MAX);
        check_growth(view, author, wanted.len().saturating_sub(live), 0)?;
    }
    let Planned { mut plan, settings } = planned(view, &before, &change.wish, &mut live)?;
    // That of the history, from which answers are made again.
    plan.removed.sort_unstable_by(Difference::order);
    plan.added.sort_unstable_by(Difference::order);
    let mut zone = before.clone();
    let (new_settings, changes_settings, effective) = match settings {
        SettingsPlan::Stay => (None, false, None),
        SettingsPlan::Again(number) => {
            zone.settings = number;
            (None, true, Some(settings::of(view, &zone)?))
        }
        SettingsPlan::New(wanted, is_other) => {
            let effective = settings::effective_of(view, &zone, &wanted)?;
            (is_other.then_some(wanted), is_other, Some(effective))
        }
    };
    let removed: HashSet<RecordId> = plan.removed.iter().map(|record| record.id).collect();
    let changed = plan.added.iter().filter(|record| removed.contains(&record.id)).count();
    drop(removed);
    if let Some(allowed) = change.allowed {
        check_allowed(allowed, &plan, changed, changes_settings)?;
    }
    check_growth(view, author, plan.added.len(), plan.removed.len())?;
    let is_other = changes_settings || !plan.is_empty();
    if is_other {
        let touched = plan.added.len() + plan.removed.len() - changed;
        limits::check_daily(view, author, touched as u64)?.map_err(ChangeError::DailyLimit)?;
    }
    let warnings = if change.warn {
        let apex = view.shared.apexes.get(view.connection, zone.apex)?;
        let mut after = After::new(&mut live, &plan);
        warnings::check(&zone.zone.name, &apex, &after.touched(), &mut after)?
    } else {
        Vec::new()
    };
    let now = view.now();
    if is_other {
        journal::raise_base(&mut zone, change.serial_above);
        journal::next(&mut zone.zone, now, plan.removed.len(), plan.added.len());
    }
    let Plan { removed, added, results } = plan;
    let mut seen = live.into_rows();
    let new = |record: Record| {
        let created_at = seen.get(&record.id).map_or(now, |(_, before)| before.created_at);
        journal::stored(&zone.zone, record, created_at)
    };
    let added: Vec<StoredRecord> = added.into_iter().map(new).collect();
    let records = if results.iter().any(Option::is_some) {
        let new: HashMap<RecordId, &StoredRecord> = added.iter().map(|stored| (stored.record.id, stored)).collect();
        let stands = |record: &Record| match new.get(&record.id) {
            Some(stored) => Some((*stored).clone()),
            None => seen.get(&record.id).map(|(_, stored)| stored.clone()),
        };
        results.iter().map(|result| result.as_ref().and_then(stands)).collect()
    } else {
        results.iter().map(|_| None).collect()
    };
    let mut ends = Vec::with_capacity(removed.len());
    let mut ended = Vec::with_capacity(removed.len());
    for record in removed {
        let (row, stored) = seen.remove(&record.id).ok_or(StoreError::Bug("a planned removal names no live record"))?;
        ends.push(row);
        ended.push(stored);
    }
    let committed = Committed {
        before: before.zone,
        zone: zone.zone.clone(),
        records,
        removed: ended,
        added,
        settings: effective,
        warnings,
        changed: is_other,
    };
    Ok(Prepared { zone, ends, changed, new_settings, now, committed })
}

fn planned(view: View<'_>, zone: &ZoneRow, wish: &Wish, live: &mut LiveRecords<'_>) -> Result<Planned, ChangeError> {
    let of_records = |plan| Planned { plan, settings: SettingsPlan::Stay };
    match wish {
        Wish::Settings(wanted) => {
            let (wanted, is_other) = settings::plan(view, zone, wanted)?;
            let plan = Plan { removed: Vec::new(), added: Vec::new(), results: Vec::new() };
            Ok(Planned { plan, settings: SettingsPlan::New(wanted, is_other) })
        }
        Wish::Edits(edits) => plan_edits(view, zone, edits, live).map(of_records),
        Wish::Content(wanted) => plan_content(view, zone, wanted, live).map(of_records),
        Wish::Version(serial) => {
            let (plan, then) = plan_version(view, zone, *serial, live)?;
            let is_other = settings::would_restore(view, zone, then)?;
            let settings = if is_other { SettingsPlan::Again(then) } else { SettingsPlan::Stay };
            Ok(Planned { plan, settings })
        }
    }
}

/// Refuses a change that makes the account's zones grow beyond what it may have.
pub(super) fn check_growth(view: View<'_>, author: &Author, added: usize, removed: usize) -> Result<(), ChangeError> {
    let fault = limits::records_too_many(view, author, added, removed)?;
    fault.map_or(Ok(()), |fault| Err(ChangeError::Faults(vec![(0, fault)])))
}

/// Refuses a difference that has more in it than `allowed`; `changed` records are on both of its sides.
fn check_allowed(allowed: Permissions, plan: &Plan, changed: usize, changes_settings: bool) -> Result<(), ChangeError> {
    let needed = [
        (Permission::Create, plan.added.len() > changed),
        (Permission::Update, changed > 0 || changes_settings),
        (Permission::Delete, plan.removed.len() > changed),
    ];
    let lacking = needed.into_iter().find(|(permission, is_needed)| *is_needed && !allowed.allows(*permission));
    lacking.map_or(Ok(()), |(permission, _)| Err(ChangeError::Forbidden(permission)))
}

/// Refuses a change whose conditions do not all hold.
pub(super) fn check_all(
    conditions: &[Condition],
    zone: &ZoneRow,
    live: &mut LiveRecords<'_>,
) -> Result<(), ChangeError> {
    conditions.iter().try_for_each(|condition| check(condition, zone, live))
}

fn check(condition: &Condition, zone: &ZoneRow, live: &mut LiveRecords<'_>) -> Result<(), ChangeError> {
    let (holds, refusal) = match condition {
        Condition::Zone(serials) => (serials.contains(&zone.zone.serial), ChangeError::Condition),
        Condition::Record(id, serials) => {
            let now = live.stored(*id)?;
            (now.is_some_and(|now| serials.contains(&now.serial)), ChangeError::Condition)
        }
        Condition::Unmoved(id, version) => {
            (live.stored(*id)?.is_some_and(|now| now.version == *version), ChangeError::Moved)
        }
    };
    if holds { Ok(()) } else { Err(refusal) }
}

pub(super) fn plan_edits(
    view: View<'_>,
    zone: &ZoneRow,
    edits: &[Edit],
    live: &mut LiveRecords<'_>,
) -> Result<Plan, ChangeError> {
    let apex = view.shared.apexes.get(view.connection, zone.apex)?;
    plan(&zone.zone.name, &apex, &settings::limits(view, zone)?, edits, live).map_err(|error| match error {
        PlanError::Lookup(error) => error.into(),
        PlanError::NoRecord { index } => ChangeError::NoRecord { index },
        PlanError::Faults(faults) => ChangeError::Faults(faults),
    })
}

/// The plan after which the zone has exactly the records that are wanted.
pub(super) fn plan_content(
    view: View<'_>,
    zone: &ZoneRow,
    wanted: &[NewRecord],
    live: &mut LiveRecords<'_>,
) -> Result<Plan, ChangeError> {
    let stored = live.read_all()?;
    let now = view.now();
    let ContentEdits { edits, origins } = content(&stored, wanted, || RecordId(view.shared.ids.next(now)));
    drop(stored);
    match plan_edits(view, zone, &edits, live) {
        Ok(plan) => Ok(Plan { results: Vec::new(), ..plan }),
        Err(ChangeError::Faults(mut faults)) => {
            for (index, _) in &mut faults {
                *index = origins.get(*index).copied().unwrap_or(wanted.len());
            }
            faults.sort_by_key(|(index, _)| *index);
            Err(ChangeError::Faults(faults))
        }
        Err(other) => Err(other),
    }
}
