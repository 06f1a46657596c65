//! Zones that exist and are not served: one number in the zone's row, which heads, snapshots, steps and catalogs respect.
//!
//! Removing a zone from the nameservers and adding it again are versions without changes. So all followers of the journal check
//! the name again, and the zone returns above every serial that its name was ever served with: meanwhile, the last served serial
//! is the name's floor.
//!
//! The housekeeper removes or adds all zones of an account, in steps.

use super::catalogs::{self, Change};
use super::db::{Connection, params, value};
use super::journal::{self, By};
use super::rows::{self, ZoneRow, zone_columns};
use super::writer::Work;
use super::zone_names;
use crate::{AccountId, Comment, StoreError, Timestamp, Withheld};

/// Sets why a zone is withheld. Where it is served from now on, or not any more, `why` is the comment of the version that says so.
pub(super) fn set(work: &Work, zone: &mut ZoneRow, reasons: u8, why: &str) -> Result<(), StoreError> {
    let was_served = zone.zone.withheld.is_served();
    if zone.zone.withheld.reasons == reasons {
        return Ok(());
    }
    zone.zone.withheld.reasons = reasons;
    let until = zone.zone.withheld.until.filter(|_| !zone.zone.withheld.has_name());
    zone.zone.withheld.until = until;
    work.connection
        .prepare_cached("UPDATE zones SET withheld = ?2, withheld_until = ?3 WHERE id = ?1")?
        .execute(params![zone.row, reasons, until.map(Timestamp::as_millisecond)])?;
    let is_served = zone.zone.withheld.is_served();
    if was_served == is_served {
        return Ok(());
    }
    let name = zone.zone.name.clone();
    if is_served {
        let floor = zone_names::floor(&work.connection, &name.name().key())?;
        journal::raise_base(zone, floor);
    }
    let comment = Comment::parse(why).ok().flatten();
    let by = By { comment: comment.as_ref(), ..By::SERVER };
    journal::append_empty(work, zone, &by)?;
    if !is_served {
        zone_names::raise_floor(work, zone)?;
    }
    let change = if is_served { Change::Joined(zone.row) } else { Change::Left(zone.row) };
    catalogs::moved(work, &name, change, work.now())
}

/// Whether the zones of an account are to be off the nameservers.
pub(super) fn is_off(connection: &Connection, account: AccountId) -> Result<bool, StoreError> {
    let sql = "SELECT zones_off IS NOT NULL FROM accounts WHERE id = ?1";
    Ok(connection.optional(sql, [account.0], value)?.unwrap_or_default())
}

/// The reasons of a zone, with those that follow from its account as that is now.
pub(super) fn reasons_for(work: &Work, account: AccountId, reasons: u8) -> Result<u8, StoreError> {
    let own = reasons & !Withheld::ACCOUNT;
    Ok(if is_off(&work.connection, account)? { own | Withheld::ACCOUNT } else { own })
}

pub(super) const ACCOUNTS: &str = "SELECT id, zones_off IS NOT NULL AS is_off FROM accounts INDEXED BY accounts_zones_move WHERE zones_move = 1 LIMIT 1";
pub(super) const TO_TAKE_OFF: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_by_withheld
     WHERE z.account = ?1 AND z.withheld IN (0, 2, 4) AND z.deleted IS NULL LIMIT ?2"
);
pub(super) const TO_PUT_BACK: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_by_withheld
     WHERE z.account = ?1 AND z.withheld IN (1, 3, 5) AND z.deleted IS NULL LIMIT ?2"
);

/// How many zones one step takes off or puts back: a few milliseconds of the writer's time.
const STEP: usize = 20;

/// Whether [`step`] has something to do.
pub(super) fn is_moving(connection: &Connection) -> Result<bool, StoreError> {
    connection.exists(ACCOUNTS, [])
}

/// Takes some zones off the nameservers, or puts some back, as their account says. False where there is nothing to do.
pub(super) fn step(work: &Work) -> Result<bool, StoreError> {
    let found: Option<(i64, bool)> =
        work.connection.optional(ACCOUNTS, [], |row| Ok((row.get("id")?, row.get("is_off")?)))?;
    let Some((account, off)) = found else { return Ok(false) };
    let sql = if off { TO_TAKE_OFF } else { TO_PUT_BACK };
    let mut zones = work.connection.list(sql, params![account, STEP as i64], rows::zone)?;
    let is_last = zones.len() < STEP;
    for zone in &mut zones {
        let (reasons, why) = match off {
            true => (zone.zone.withheld.reasons | Withheld::ACCOUNT, "the account's zones are not served"),
            false => (zone.zone.withheld.reasons & !Withheld::ACCOUNT, "the account's zones are served again"),
        };
        set(work, zone, reasons, why)?;
    }
    if is_last {
        work.connection.prepare_cached("UPDATE accounts SET zones_move = 0 WHERE id = ?1")?.execute([account])?;
    }
    Ok(true)
}
