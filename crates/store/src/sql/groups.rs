//! Groups of changes: planned together and written together (`crate::logic::group`).

use super::writer::Work;
use super::{answers, journal, limits, settings};
use crate::StoreError;
use crate::logic::group::{ChangeJob, ChangeResult, Outcome, Planned, plan};

/// Plans and writes changes; `None`, and nothing was done, where they have to be made one by one.
pub(super) fn make(work: &Work, jobs: &[&ChangeJob]) -> Result<Option<Vec<ChangeResult>>, StoreError> {
    let view = work.view();
    let Some(mut outcome) = plan(&mut view.cache(), jobs) else { return Ok(None) };
    write(work, &mut outcome)?;
    Ok(Some(outcome.planned.into_iter().map(Planned::into_result).collect()))
}

/// Writes the rows of a group of changes: what ends before what begins, because two records that live may not be equal.
pub(super) fn write(work: &Work, outcome: &mut Outcome<'_>) -> Result<(), StoreError> {
    for planned in &mut outcome.planned {
        let Planned::Rows(new) = planned else { continue };
        if let Some((request, answer)) = &new.answer {
            answers::keep(work, request, answer)?;
        }
        let prepared = &mut new.prepared;
        if prepared.committed.changed {
            if let Some(settings) = &prepared.new_settings {
                prepared.zone.settings = Some(settings::insert(work, settings)?);
            }
            journal::insert_row(work, &prepared.zone, &new.by, journal::Kind::Change, prepared.counts(), prepared.now)?;
            journal::end(work, &prepared.zone, &prepared.ends)?;
        }
    }
    for planned in &outcome.planned {
        let Planned::Rows(new) = planned else { continue };
        journal::begin_and_end(work, &new.prepared.zone, &new.prepared.committed.added, &outcome.short_lived)?;
    }
    for (last, added) in outcome.heads.values() {
        if let Some(Planned::Rows(new)) = outcome.planned.get(*last) {
            journal::make_head(work, &new.prepared.zone, *added)?;
        }
    }
    for (account, (day, made)) in &outcome.made {
        limits::count(work, *account, *day, *made)?;
    }
    Ok(())
}
