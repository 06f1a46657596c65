//! Planning and checking one change. [`prepare`] only reads, through a [`Cache`], in any transaction: a dry run ends there, on a
//! reader. A change that is stored is prepared inside the writer's transaction and written in the same one, so what was checked
//! is what is stored.
//!
//! The rules look at the zone through [`LiveRecords`], which asks for single names and single records. So a change costs the
//! same in a zone of ten records and of a million. A change of a whole content reads the zone once, and then costs as much as
//! both are long.

use std::collections::{HashMap, HashSet};

use dns::change::{ContentEdits, Edit, NewRecord, Plan, PlanError, content, plan};
use dns::warnings;
use dns::{Record, RecordId, ZoneId};

use super::cache::Cache;
use super::dynamic::plan_dynamic;
use super::live::{After, LiveRecords, UNKNOWN_RECORD};
pub(crate) use super::prepared::Prepared;
use super::rollback::{self, plan_version};
use super::source::ZoneRow;
use super::{limits, settings, version};
use crate::*;

/// The most rows that a change writes within one job of the writer; what is larger is staged.
pub(crate) const AT_ONCE: usize = 500;

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

/// Whether a change whose [`weight`] is small is too large to be planned by the writer, as far as that is seen without planning it.
pub(super) fn is_large(cache: &mut Cache<'_>, author: &Author, id: ZoneId, wish: &Wish) -> Result<bool, StoreError> {
    match wish {
        Wish::Edits(_) | Wish::Dynamic(_) | Wish::Settings(_) => Ok(false),
        Wish::Content(wanted) => {
            let zone = cache.zone(author.account, id)?;
            Ok(zone.is_some_and(|zone| zone.zone.record_count + wanted.len() as u64 > AT_ONCE as u64))
        }
        Wish::Version(serial) => match cache.zone(author.account, id)? {
            Some(zone) => rollback::is_far(cache, &zone, *serial, AT_ONCE),
            None => Ok(false),
        },
    }
}

/// How much a wish says by itself of the rows that it will write.
pub(crate) fn weight(wish: &Wish) -> usize {
    match wish {
        Wish::Edits(edits) => edits.iter().map(edit_weight).sum(),
        Wish::Dynamic(update) => update.prerequisites.len() + update.steps.len(),
        Wish::Content(wanted) => wanted.len(),
        Wish::Version(_) | Wish::Settings(_) => 1,
    }
}

fn edit_weight(edit: &Edit) -> usize {
    match edit {
        Edit::ReplaceSet(set) | Edit::ExtendSet(set) | Edit::PruneSet(set) => set.records.len().max(1),
        Edit::Create(..) | Edit::Replace(..) | Edit::Amend(..) | Edit::Delete(_) => 1,
    }
}

/// Plans a change and checks everything about it. Reads only. The records that end are not in the cache any more afterwards:
/// before another change is planned on it, it has to [apply](Cache::apply) this one.
pub(crate) fn prepare(
    cache: &mut Cache<'_>,
    author: &Author,
    id: ZoneId,
    change: &Change,
) -> Result<Prepared, ChangeError> {
    let before = cache.zone(author.account, id)?.ok_or(ChangeError::NoZone)?;
    let mut live = LiveRecords::new(cache, id);
    check_all(&change.conditions, &before, &mut live)?;
    if let Wish::Content(wanted) = &change.wish {
        // Before anything is planned, which costs as much as the content is long.
        let records = usize::try_from(before.zone.record_count).unwrap_or(usize::MAX);
        check_growth(live.cache, author, wanted.len().saturating_sub(records), 0)?;
    }
    let Planned { mut plan, settings } = planned(&before, &change.wish, &mut live)?;
    // That of the history, from which answers are made again.
    plan.removed.sort_unstable_by(Difference::order);
    plan.added.sort_unstable_by(Difference::order);
    let mut zone = before.clone();
    let (new_settings, changes_settings, effective) = match settings {
        SettingsPlan::Stay => (None, false, None),
        SettingsPlan::Again(number) => {
            zone.settings = number;
            let again = live.cache.settings(number)?;
            (None, true, Some(settings::effective(live.cache, &zone, &again)?))
        }
        SettingsPlan::New(wanted, is_other) => {
            let effective = settings::effective(live.cache, &zone, &wanted)?;
            (is_other.then_some(wanted), is_other, Some(effective))
        }
    };
    let removed: HashSet<RecordId> = plan.removed.iter().map(|record| record.id).collect();
    let changed = plan.added.iter().filter(|record| removed.contains(&record.id)).count();
    drop(removed);
    if let Some(scope) = &change.scope {
        check_scope(scope, &plan, changes_settings).map_err(ChangeError::OutOfScope)?;
    }
    for allowed in change.allowed.into_iter().chain(change.scope.as_ref().map(|scope| scope.permissions)) {
        check_allowed(allowed, &plan, changed, changes_settings)?;
    }
    check_growth(live.cache, author, plan.added.len(), plan.removed.len())?;
    let is_other = changes_settings || !plan.is_empty();
    if is_other {
        let touched = plan.added.len() + plan.removed.len() - changed;
        limits::check_daily(live.cache, author, touched as u64)?.map_err(ChangeError::DailyLimit)?;
    }
    let warnings = if change.warn {
        let apex = live.cache.apex(zone.apex)?;
        let mut after = After::new(&mut live, &plan);
        warnings::check(&zone.zone.name, &apex, &after.touched(), &mut after)?
    } else {
        Vec::new()
    };
    let now = live.cache.rules.now();
    if is_other {
        version::raise_base(&mut zone, change.serial_above);
        version::next(&mut zone.zone, now, plan.removed.len(), plan.added.len());
    }
    let Plan { removed, added, results } = plan;
    let new = |record: Record| {
        let created_at = live.created_at(record.id).unwrap_or(now);
        version::stored(&zone.zone, record, created_at)
    };
    let added: Vec<StoredRecord> = added.into_iter().map(new).collect();
    let records = if results.iter().any(Option::is_some) {
        let new: HashMap<RecordId, &StoredRecord> = added.iter().map(|stored| (stored.record.id, stored)).collect();
        let stands = |record: &Record| match new.get(&record.id) {
            Some(stored) => Some((*stored).clone()),
            None => live.known(record.id).cloned(),
        };
        results.iter().map(|result| result.as_ref().and_then(stands)).collect()
    } else {
        results.iter().map(|_| None).collect()
    };
    let mut ends = Vec::with_capacity(removed.len());
    let mut ended = Vec::with_capacity(removed.len());
    for record in removed {
        let (row, stored) = live.take(record.id).ok_or(UNKNOWN_RECORD)?;
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

fn planned(zone: &ZoneRow, wish: &Wish, live: &mut LiveRecords<'_, '_>) -> Result<Planned, ChangeError> {
    let of_records = |plan| Planned { plan, settings: SettingsPlan::Stay };
    match wish {
        Wish::Settings(wanted) => {
            let (wanted, is_other) = settings::plan(live.cache, zone, wanted)?;
            let plan = Plan { removed: Vec::new(), added: Vec::new(), results: Vec::new() };
            Ok(Planned { plan, settings: SettingsPlan::New(wanted, is_other) })
        }
        Wish::Edits(edits) => plan_edits(zone, edits, live).map(of_records),
        Wish::Dynamic(update) => plan_dynamic(zone, update, live).map(of_records),
        Wish::Content(wanted) => plan_content(zone, wanted, live).map(of_records),
        Wish::Version(serial) => {
            let (plan, then) = plan_version(zone, *serial, live)?;
            let is_other = settings::would_restore(live.cache, zone, then)?;
            let settings = if is_other { SettingsPlan::Again(then) } else { SettingsPlan::Stay };
            Ok(Planned { plan, settings })
        }
    }
}

/// Refuses a change that makes the account's zones grow beyond what it may have.
pub(crate) fn check_growth(
    cache: &mut Cache<'_>,
    author: &Author,
    added: usize,
    removed: usize,
) -> Result<(), ChangeError> {
    let fault = limits::records_too_many(cache, author, added, removed)?;
    fault.map_or(Ok(()), |fault| Err(ChangeError::Faults(vec![(0, fault)])))
}

/// Refuses a difference with a record outside the scope of an update key.
fn check_scope(scope: &KeyScope, plan: &Plan, changes_settings: bool) -> Result<(), OutOfScope> {
    if changes_settings {
        return Err(OutOfScope::Zone);
    }
    let mut records = plan.removed.iter().chain(&plan.added);
    records.try_for_each(|record| scope.check(&record.owner, record.data.record_type()))
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
pub(crate) fn check_all(
    conditions: &[Condition],
    zone: &ZoneRow,
    live: &mut LiveRecords<'_, '_>,
) -> Result<(), ChangeError> {
    conditions.iter().try_for_each(|condition| check(condition, zone, live))
}

fn check(condition: &Condition, zone: &ZoneRow, live: &mut LiveRecords<'_, '_>) -> Result<(), ChangeError> {
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

pub(crate) fn plan_edits(zone: &ZoneRow, edits: &[Edit], live: &mut LiveRecords<'_, '_>) -> Result<Plan, ChangeError> {
    let apex = live.cache.apex(zone.apex)?;
    let limits = settings::limits(live.cache, zone)?;
    plan(&zone.zone.name, &apex, &limits, edits, live).map_err(|error| match error {
        PlanError::Lookup(error) => error.into(),
        PlanError::NoRecord { index } => ChangeError::NoRecord { index },
        PlanError::Faults(faults) => ChangeError::Faults(faults),
    })
}

/// The plan after which the zone has exactly the records that are wanted.
pub(crate) fn plan_content(
    zone: &ZoneRow,
    wanted: &[NewRecord],
    live: &mut LiveRecords<'_, '_>,
) -> Result<Plan, ChangeError> {
    let stored = live.read_all()?;
    let rules = live.cache.rules;
    let ContentEdits { edits, origins } = content(&stored, wanted, || RecordId(rules.new_id()));
    drop(stored);
    match plan_edits(zone, &edits, live) {
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
