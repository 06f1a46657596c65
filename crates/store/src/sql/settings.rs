//! The settings of zones as they are stored: a row for each time they were changed, at which the zone and its versions point. So the
//! SOA of every version is known for ever, like the server's own records (`apexes`).

use std::sync::Arc;

use dns::{Apex, Serial, Ttl, ZoneId, rdata::Soa};

use super::db::{Connection, params};
use super::readers::Size;
use super::rows::Place;
use super::shared::Shared;
use super::writer::Work;
use super::zones;
use crate::*;

impl Store {
    /// A zone's settings, its own or the server's.
    pub async fn zone_settings(
        &self,
        account: AccountId,
        id: ZoneId,
    ) -> Result<Option<(Zone, EffectiveSettings)>, StoreError> {
        let shared = Arc::clone(&self.inner.shared);
        let read = move |connection: &Connection| effective(&shared, connection, account, id);
        self.inner.readers.run(Size::Small, read).await
    }

    /// A zone's own settings, and the values that apply where it has none.
    pub async fn own_zone_settings(&self, account: AccountId, id: ZoneId) -> Result<Option<OwnSettings>, StoreError> {
        let shared = Arc::clone(&self.inner.shared);
        let read = move |connection: &Connection| own(&shared, connection, account, id);
        self.inner.readers.run(Size::Small, read).await
    }
}

/// The settings with that number.
pub(super) fn get(connection: &Connection, id: Option<i64>) -> Result<ZoneSettings, StoreError> {
    let Some(id) = id else { return Ok(ZoneSettings::default()) };
    let place = Place { table: "zone_settings", row: id };
    let sql = "SELECT default_ttl, refresh, retry, expire, minimum, comment FROM zone_settings WHERE id = ?1";
    let found = connection.optional(sql, [id], |row| {
        let comment: Option<String> = row.get("comment")?;
        Ok(ZoneSettings {
            default_ttl: row.get::<_, Option<u32>>("default_ttl")?.and_then(Ttl::new),
            refresh: row.get("refresh")?,
            retry: row.get("retry")?,
            expire: row.get("expire")?,
            minimum: row.get("minimum")?,
            comment: comment.as_deref().and_then(Comment::from_stored),
        })
    })?;
    place.sound("id", found)
}

/// What a zone's settings come to.
pub(super) fn effective(
    shared: &Shared,
    connection: &Connection,
    account: AccountId,
    id: ZoneId,
) -> Result<Option<(crate::Zone, EffectiveSettings)>, StoreError> {
    let Some(zone) = zones::of_account(connection, account, id)? else { return Ok(None) };
    let apex = shared.apexes.get(connection, zone.apex)?;
    let settings = get(connection, zone.settings)?.effective(apex.timers, &shared.rules.limits);
    Ok(Some((zone.zone, settings)))
}

/// A zone's own settings, and the server's.
pub(super) fn own(
    shared: &Shared,
    connection: &Connection,
    account: AccountId,
    id: ZoneId,
) -> Result<Option<OwnSettings>, StoreError> {
    let Some(zone) = zones::of_account(connection, account, id)? else { return Ok(None) };
    let apex = shared.apexes.get(connection, zone.apex)?;
    let server = ZoneSettings::default().effective(apex.timers, &shared.rules.limits);
    Ok(Some(OwnSettings { own: get(connection, zone.settings)?, zone: zone.zone, server }))
}

/// The SOA of a version that has this apex and these settings.
pub(super) fn soa(
    connection: &Connection,
    apex: &Apex,
    settings: Option<i64>,
    serial: Serial,
) -> Result<Soa, StoreError> {
    Ok(apex.soa_with(serial, get(connection, settings)?.timers(apex.timers)))
}

/// Stores settings; gives their number.
pub(super) fn insert(work: &Work, settings: &ZoneSettings) -> Result<i64, StoreError> {
    let inserted = work.connection.insert(
        "INSERT INTO zone_settings (default_ttl, refresh, retry, expire, minimum, comment)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
        params![
            settings.default_ttl.map(Ttl::seconds),
            settings.refresh,
            settings.retry,
            settings.expire,
            settings.minimum,
            settings.comment.as_ref().map(Comment::as_str),
        ],
    );
    Ok(inserted?)
}
