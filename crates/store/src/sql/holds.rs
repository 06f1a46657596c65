//! Names on hold: for some days after a deletion, only the last owner can take the name, its parents or its children. So a name that
//! was deleted by mistake, or by an attacker, is not lost to the first account that asks.
//!
//! A hold is a row of its own and does not depend on the deleted zone, which the operator can purge. It ends by time, or by
//! [`Operator::release_name`].

use dns::{Name, ZoneName};

use super::db::params;
use super::rows::ZoneRow;
use super::writer::{View, Work};
use crate::{AccountId, Operator, StoreError, Timestamp};

/// Puts the name of a zone on hold that is being deleted.
pub(super) fn begin(work: &Work, zone: &ZoneRow) -> Result<(), StoreError> {
    let hold = work.shared.rules.policy.hold;
    if hold.is_zero() {
        return Ok(());
    }
    let now = work.now();
    let until = now.checked_add(hold).unwrap_or(Timestamp::MAX);
    work.connection
        .prepare_cached(
            "INSERT INTO holds VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET account = excluded.account, until = excluded.until",
        )?
        .execute(params![zone.zone.name.name().key(), zone.account.0, until.as_millisecond()])?;
    Ok(())
}

pub(super) const BELOW: &str =
    "SELECT 1 FROM holds WHERE name >= ?1 AND name < ?2 AND account <> ?3 AND until > ?4 LIMIT 1";
const AT: &str = "SELECT 1 FROM holds WHERE name = ?1 AND account <> ?2 AND until > ?3";

/// Whether the name, or one above or below it, is on hold for another account.
pub(super) fn of_another(view: View<'_>, account: AccountId, name: &Name) -> Result<bool, StoreError> {
    let now = view.now().as_millisecond();
    let key = name.key();
    let beyond = super::zone_names::key_beyond(&key);
    if view.connection.exists(BELOW, params![key, beyond, account.0, now])? {
        return Ok(true);
    }
    let mut at = view.connection.prepare_cached(AT)?;
    let mut ancestor = name.parent();
    while let Some(name) = ancestor.filter(|name| !name.is_root()) {
        if at.exists(params![name.key(), account.0, now])? {
            return Ok(true);
        }
        ancestor = name.parent();
    }
    Ok(false)
}

/// Ends the hold on a name; false where there is none.
pub(super) fn release(work: &Work, key: &[u8]) -> Result<bool, StoreError> {
    let released = work.connection.prepare_cached("DELETE FROM holds WHERE name = ?1")?.execute([key])?;
    Ok(released > 0)
}

/// How many rows one step deletes.
const STEP: u32 = 200;

/// Removes some holds that are over.
pub(super) fn forget(work: &Work) -> Result<(), StoreError> {
    work.connection
        .prepare_cached(
            "DELETE FROM holds WHERE name IN (SELECT name FROM holds INDEXED BY holds_by_end WHERE until <= ?1 LIMIT ?2)",
        )?
        .execute(params![work.now().as_millisecond(), STEP])?;
    Ok(())
}

impl Operator {
    /// Lets every account take a name that is on hold; false where it is not.
    pub async fn release_name(&self, name: &ZoneName) -> Result<bool, StoreError> {
        let name = name.clone();
        let release_now = move |work: &Work| {
            let now = work.now().as_millisecond();
            let key = name.name().key();
            let held =
                work.connection.exists("SELECT 1 FROM holds WHERE name = ?1 AND until > ?2", params![key, now])?;
            release(work, &key)?;
            Ok(held)
        };
        self.store.inner.writer.run(release_now).await
    }
}
