//! Which accounts can hold a reserved name (`crate::reserved`), checked in the transaction that assigns the name.

use std::sync::Arc;

use dns::ZoneName;

use super::db::{Connection, params};
use super::readers::Size;
use super::rows::{self, Place, ZoneRow, zone_columns};
use super::writer::Work;
use crate::{AccountId, Operator, Reservation, Reserved, Role, StoreError, ZoneOfAnyone};

/// Why `account` may not be given a zone of this name. `decided`: the operator has decided that this account gets it, which
/// counts for the names that are not the server's own.
pub(super) fn reservation(
    reserved: &Reserved,
    connection: &Connection,
    account: AccountId,
    name: &ZoneName,
    decided: bool,
) -> Result<Option<Reservation>, StoreError> {
    let Some(reservation) = reserved.of(name) else { return Ok(None) };
    let may_hold = match reservation {
        Reservation::Catalogs => false,
        Reservation::Server => is_operator(connection, account)?,
        Reservation::Suffix | Reservation::Local => decided,
    };
    Ok((!may_hold).then_some(reservation))
}

fn is_operator(connection: &Connection, account: AccountId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM accounts WHERE id = ?1 AND role = ?2 AND closed IS NULL";
    connection.exists(sql, params![account.0, Role::Operator as u8])
}

/// Stores the operator's decision that the account of the zone may keep its name.
pub(super) fn decided(work: &Work, name: &ZoneName) -> Result<(), StoreError> {
    let sql = "UPDATE zones SET decided = 1 WHERE name = ?1 AND deleted IS NULL AND withheld < 2";
    work.connection.prepare_cached(sql)?.execute([name.name().key()])?;
    Ok(())
}

const NAMES: &str = "SELECT z.id, z.name FROM zones z INDEXED BY zones_by_name
     WHERE z.deleted IS NULL AND z.withheld < 2 ORDER BY z.name";
pub(super) const ONE: &str = concat!(
    "SELECT ",
    zone_columns!(),
    ", a.email, a.role, z.decided FROM zones z CROSS JOIN accounts a ON a.id = z.account WHERE z.id = ?1"
);

/// A zone that its account may not hold.
type Misheld = (ZoneOfAnyone, Reservation);

/// Zones whose account may not hold their names, at most `limit`; those with the server's own names first. Looks at the names of
/// all zones: public suffixes are thousands, and lie anywhere.
fn misheld(reserved: &Reserved, connection: &Connection, limit: usize) -> Result<Vec<Misheld>, StoreError> {
    let suspects = connection.list(NAMES, [], |row| {
        let id = row.get(0)?;
        let name = Place { table: "zones", row: id }.zone_name(row, 1)?;
        Ok(reserved.of(&name).map(|reservation| (id, reservation)))
    })?;
    let mut suspects: Vec<(i64, Reservation)> = suspects.into_iter().flatten().collect();
    suspects.sort_by_key(|(_, reservation)| *reservation as u8);
    let mut found = Vec::new();
    for (id, reservation) in suspects {
        let held = connection.optional(ONE, [id], |row| {
            let ZoneRow { account, zone, .. } = rows::zone(row)?;
            let zone = ZoneOfAnyone { account, email: row.get("email")?, zone };
            Ok((zone, row.get::<_, u8>("role")?, row.get::<_, bool>("decided")?))
        })?;
        let Some((zone, role, is_decided)) = held else { continue };
        let is_users = role != Role::Operator as u8;
        let is_misheld = match reservation {
            Reservation::Catalogs => true,
            Reservation::Server => is_users,
            Reservation::Suffix | Reservation::Local => is_users && !is_decided,
        };
        if is_misheld && found.len() < limit {
            found.push((zone, reservation));
        }
    }
    Ok(found)
}

impl Operator {
    /// Why this account may not be given a zone of this name; `None` where it may. `decided` as in [`crate::NewZone::reserved`]. A
    /// hint, for dry runs: what gives the zone asks again.
    pub async fn reservation(
        &self,
        account: AccountId,
        name: &ZoneName,
        decided: bool,
    ) -> Result<Option<Reservation>, StoreError> {
        let (shared, name) = (Arc::clone(&self.store.inner.shared), name.clone());
        let read = move |connection: &Connection| reservation(&shared.reserved, connection, account, &name, decided);
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// The zones with reserved names that belong to an account which may not hold them: from before the name was reserved, or
    /// because the account is no operator's any more. At most `limit`; those with the server's own names first.
    pub async fn misheld_zones(&self, limit: usize) -> Result<Vec<(ZoneOfAnyone, Reservation)>, StoreError> {
        let shared = Arc::clone(&self.store.inner.shared);
        self.store.inner.readers.run(Size::Large, move |connection| misheld(&shared.reserved, connection, limit)).await
    }
}
