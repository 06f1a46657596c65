//! Dynamic updates: from prerequisites and steps to the plan.

use dns::change::{DynamicError, DynamicUpdate, Edit, Plan, dynamic};
use dns::{Fault, RecordId, message};

use super::change::plan_edits;
use super::live::LiveRecords;
use super::source::ZoneRow;
use crate::ChangeError;

/// The plan that an update comes to. Faults count the RRsets that it changes, and name them.
pub(super) fn plan_dynamic(
    zone: &ZoneRow,
    update: &DynamicUpdate,
    live: &mut LiveRecords<'_, '_>,
) -> Result<Plan, ChangeError> {
    let apex = live.cache.apex(zone.apex)?;
    let timers = live.cache.settings(zone.settings)?.timers(apex.timers);
    let soa = apex.soa_with(zone.zone.serial, timers);
    let rules = live.cache.rules;
    let new_id = || RecordId(rules.new_id());
    let edits = dynamic(update, &zone.zone.name, (&apex, &soa), live, new_id).map_err(|error| match error {
        DynamicError::Lookup(error) => error.into(),
        DynamicError::Unmet(unmet) => ChangeError::Unmet(unmet),
    })?;
    plan_edits(zone, &edits, live).map_err(|error| match error {
        ChangeError::Faults(faults) => {
            let told = |(index, fault): (usize, Fault)| (index, told(fault, edits.get(index)));
            ChangeError::Faults(faults.into_iter().map(told).collect())
        }
        other => other,
    })
}

/// A fault with the RRset in its text: the message has no numbers for its RRsets.
fn told(fault: Fault, edit: Option<&Edit>) -> Fault {
    let Some(Edit::ReplaceSet(set)) = edit else { return fault };
    let (owner, record_type) = (&set.owner, set.record_type);
    Fault { detail: message!("{owner} {record_type}: {detail}", owner, record_type, detail = fault.detail), ..fault }
}
