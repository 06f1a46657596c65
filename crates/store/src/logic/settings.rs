//! The settings of a zone that is being changed.

use dns::change::Limits;
use dns::{Fault, message};

use super::cache::Cache;
use super::source::ZoneRow;
use crate::*;

/// What `settings` come to in a zone.
pub(super) fn effective(
    cache: &Cache<'_>,
    zone: &ZoneRow,
    settings: &ZoneSettings,
) -> Result<EffectiveSettings, StoreError> {
    Ok(settings.effective(cache.apex(zone.apex)?.timers, &cache.rules.limits))
}

/// The limits, with the zone's default TTL.
pub(super) fn limits(cache: &mut Cache<'_>, zone: &ZoneRow) -> Result<Limits, StoreError> {
    let limits = cache.rules.limits;
    let own = cache.settings(zone.settings)?.default_ttl;
    Ok(Limits { default_ttl: own.unwrap_or(limits.default_ttl), ..limits })
}

/// What a zone's settings become by a change, and whether they are others than now.
pub(super) fn plan(
    cache: &mut Cache<'_>,
    zone: &ZoneRow,
    change: &SettingsChange,
) -> Result<(ZoneSettings, bool), ChangeError> {
    let current = cache.settings(zone.settings)?;
    let wanted = change.over(current.clone());
    let faults = wanted.faults(cache.apex(zone.apex)?.timers, &cache.rules.limits);
    if !faults.is_empty() {
        return Err(ChangeError::Faults(faults));
    }
    let is_other = wanted != current;
    Ok((wanted, is_other))
}

/// Whether a zone's settings become others when it gets those with the number `then` again.
pub(super) fn would_restore(cache: &mut Cache<'_>, zone: &ZoneRow, then: Option<i64>) -> Result<bool, ChangeError> {
    let wanted = cache.settings(then)?;
    if wanted == cache.settings(zone.settings)? {
        return Ok(false);
    }
    let faults = wanted.faults(cache.apex(zone.apex)?.timers, &cache.rules.limits);
    if !faults.is_empty() {
        let told =
            |Fault { check, detail, .. }: Fault| Fault::of("serial", check, message!("settings: {detail}", detail));
        return Err(ChangeError::Faults(faults.into_iter().map(|(index, fault)| (index, told(fault))).collect()));
    }
    Ok(true)
}
