//! Who may hold a reserved name (`crate::reserved`), as the database says inside the transaction that gives the name.

use std::sync::Arc;

use dns::{Name, ZoneName};
use rusqlite::{Connection, params};

use super::Store;
use super::readers::Size;
use super::rows::{self, ZONE_WIDTH, ZoneRow, zone_columns};
use crate::reserved::catalogs;
use crate::{AccountId, Reservation, Reserved, Role, StoreError, ZoneOfAnyone};

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
    Ok(connection.prepare_cached(sql)?.exists(params![account.0, Role::Operator as u8])?)
}

/// The zones at and below a name.
pub(super) const WITHIN: &str = concat!(
    "SELECT ",
    zone_columns!(),
    ", a.email, a.role FROM zones z INDEXED BY zones_by_name CROSS JOIN accounts a ON a.id = z.account
     WHERE z.name >= ?1 AND z.name < ?2 AND z.deleted IS NULL AND z.withheld < 2 ORDER BY z.name"
);

/// A zone that its account may not hold.
type Misheld = (ZoneOfAnyone, Reservation);

/// Zones whose account may not hold the server's own names, at most `limit`.
fn misheld(reserved: &Reserved, connection: &Connection, limit: usize) -> Result<Vec<Misheld>, StoreError> {
    let mut found = Vec::new();
    for own in [&catalogs()].into_iter().chain(reserved.names()) {
        find_misheld(reserved, connection, (own.key(), beyond(own)), limit, &mut found)?;
        let mut above = own.parent();
        while let Some(name) = above.filter(|name| !name.is_root()) {
            // No key lies between a key and the same with a zero octet.
            let mut next = name.key();
            next.push(0);
            find_misheld(reserved, connection, (name.key(), next), limit, &mut found)?;
            above = name.parent();
        }
    }
    Ok(found)
}

fn find_misheld(
    reserved: &Reserved,
    connection: &Connection,
    (from, to): (Vec<u8>, Vec<u8>),
    limit: usize,
    found: &mut Vec<Misheld>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(WITHIN)?;
    let mut rows = statement.query(params![from, to])?;
    while let Some(row) = rows.next()? {
        let ZoneRow { account, zone, .. } = rows::zone(row)?;
        let role: u8 = row.get(ZONE_WIDTH + 1)?;
        let reservation = reserved.of(&zone.name).filter(|reservation| match reservation {
            Reservation::Catalogs => true,
            Reservation::Server => role != Role::Operator as u8,
            // The operator may have decided so.
            Reservation::Suffix | Reservation::Local => false,
        });
        let Some(reservation) = reservation else { continue };
        if found.len() >= limit {
            return Ok(());
        }
        if found.iter().all(|(known, _)| known.zone.id != zone.id) {
            found.push((ZoneOfAnyone { account, email: row.get(ZONE_WIDTH)?, zone }, reservation));
        }
    }
    Ok(())
}

/// The first key after those of the names below `name`, which all begin with its key, and that ends with a zero octet.
fn beyond(name: &Name) -> Vec<u8> {
    let mut key = name.key();
    if let Some(last) = key.last_mut() {
        *last = 1;
    }
    key
}

impl Store {
    /// Why this account may not be given a zone of this name; `None` where it may. `decided` as in [`crate::NewZone::reserved`]. A
    /// hint, for dry runs: what gives the zone asks again.
    pub async fn reservation(
        &self,
        account: AccountId,
        name: &ZoneName,
        decided: bool,
    ) -> Result<Option<Reservation>, StoreError> {
        let (shared, name) = (Arc::clone(&self.inner.shared), name.clone());
        let read = move |connection: &Connection| reservation(&shared.reserved, connection, account, &name, decided);
        self.inner.readers.run(Size::Small, read).await
    }

    /// The zones that are the server's own names and belong to an account that may not hold them: from before the name was
    /// reserved, or because the account is no operator's any more. At most `limit`.
    pub async fn misheld_zones(&self, limit: usize) -> Result<Vec<(ZoneOfAnyone, Reservation)>, StoreError> {
        let shared = Arc::clone(&self.inner.shared);
        self.inner.readers.run(Size::Large, move |connection| misheld(&shared.reserved, connection, limit)).await
    }
}
