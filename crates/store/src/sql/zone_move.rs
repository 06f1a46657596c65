//! Giving a zone to another account.

use dns::ZoneName;

use super::db::params;
use super::writer::Work;
use super::{claims, reserved, withheld, zones};
use crate::*;

impl Store {
    /// Gives a zone to another account; false where there is no such zone.
    pub async fn move_zone(&self, name: &ZoneName, to: AccountId) -> Result<bool, MoveZoneError> {
        let name = name.clone();
        let give = move |work: &Work| {
            let is_given = give_to(work, &name, to)?;
            if is_given {
                reserved::decided(work, &name)?;
            }
            Ok(is_given)
        };
        self.inner.writer.run(give).await
    }
}

/// Gives a zone, with its records, to another account; or, where that account has a zone of this name which waits for the name
/// or was displaced, the name to that. Costs a row per record: the account stands in them.
fn give_to(work: &Work, name: &ZoneName, to: AccountId) -> Result<bool, MoveZoneError> {
    if let Some(reservation) = reserved::reservation(&work.shared.reserved, &work.connection, to, name, true)? {
        return Err(reservation.into());
    }
    if claims::decide(work, name, to)? {
        return Ok(true);
    }
    let found = zones::by_name(&work.connection, name)?;
    let Some(mut zone) = found else { return Ok(false) };
    if zone.account == to {
        return Ok(true);
    }
    for sql in [
        "UPDATE zones SET account = ?2, proved = NULL WHERE id = ?1",
        "UPDATE records SET account = ?2 WHERE zone = ?1 AND to_version IS NULL",
    ] {
        work.connection.execute(sql, params![zone.row, to.0]).map_err(StoreError::from)?;
    }
    zone.account = to;
    let reasons = withheld::reasons_for(work, to, zone.zone.withheld.reasons)?;
    withheld::set(work, &mut zone, reasons, "moved to another account")?;
    Ok(true)
}
