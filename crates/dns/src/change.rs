//! Planning a change: from the edits of a user to the records that the zone loses and gains, with all rules checked.
//!
//! The zone is read only through [`Lookup`], at the names that the change touches (and the hosts of NS records at the apex, and
//! for a DNAME above), so that a change costs the same in a zone of ten records and of a million. The store runs [`plan`] inside
//! the transaction that stores the result, so the checked result is the stored one.
//!
//! Decided against: rules as database constraints. Their errors would name neither the member at fault nor a valid value.

mod content;
mod delegation;
mod dynamic;
mod edit;
mod lookup;
mod name_state;
mod outcome;
mod planner;
mod rules;

use crate::ZoneName;
use crate::apex::Apex;

pub use content::{ContentEdits, content};
pub use dynamic::{DynamicError, DynamicStep, DynamicUpdate, Prerequisite, Unmet, dynamic};
pub use edit::{Amendment, Edit, NewRecord, NewSet, TtlChoice};
pub use lookup::{Limits, Lookup};
pub use outcome::{Plan, PlanError};
use planner::Planner;
pub use planner::{NO_RECORD, no_record};
use rules::Setting;

/// Works out what `edits` do to the zone, and checks every rule on the outcome.
///
/// # Errors
///
/// [`PlanError::Faults`] has every broken rule at once, ordered by edit; a failed look-up ends the work where it arises.
pub fn plan<L: Lookup>(
    zone: &ZoneName,
    apex: &Apex,
    limits: &Limits,
    edits: &[Edit],
    lookup: &mut L,
) -> Result<Plan, PlanError<L::Error>> {
    let mut planner = Planner::new(Setting { zone, apex, limits }, lookup);
    for (index, edit) in edits.iter().enumerate() {
        planner.apply(index, edit)?;
    }
    planner.check().map_err(PlanError::Lookup)?;
    planner.outcome(edits)
}
