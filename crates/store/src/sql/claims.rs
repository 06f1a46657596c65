//! Claims on names: creating and proving them, and what a proof does to the zones of other accounts. See [`crate::claims`].

use data_encoding::HEXLOWER;
use dns::{Name, ZoneId, ZoneName};

use super::db::{Connection, params, value};
use super::readers::Size;
use super::rows::{self, Place, ZoneRow, zone_columns};
use super::writer::Work;
use super::{events, withheld, zone_delete, zone_names, zones};
use crate::*;

/// The most claims that an account has at a time; the oldest gives way.
const MOST_CLAIMS: i64 = 200;
/// How many rows one step handles.
const STEP: usize = 20;

/// What is in the way of a zone that is to be created, and gives way.
#[derive(Debug, Default)]
pub(super) struct GivingWay {
    /// The zone that has the name.
    holder: Option<ZoneRow>,
    /// Zones below it.
    below: Vec<ZoneRow>,
}

impl GivingWay {
    /// Why the new zone is not served yet.
    pub(super) fn withheld(&self, work: &Work) -> Result<Withheld, StoreError> {
        let Some(holder) = &self.holder else { return Ok(Withheld::default()) };
        Ok(Withheld { reasons: Withheld::WAITS, until: due(work, holder)? })
    }
}

fn due(work: &Work, holder: &ZoneRow) -> Result<Option<Timestamp>, StoreError> {
    if proved_at(&work.connection, holder)?.is_some() {
        return Ok(None);
    }
    let now = work.now();
    Ok(Some(now.checked_add(work.shared.rules.policy.notice).unwrap_or(Timestamp::MAX)))
}

fn proved_at(connection: &Connection, zone: &ZoneRow) -> Result<Option<Timestamp>, StoreError> {
    let proved = connection.one("SELECT proved FROM zones WHERE id = ?1", [zone.row], value)?;
    Place { table: "zones", row: zone.row }.time_or_none("proved", proved)
}

/// Whether a text is what the account was asked to publish for a name.
fn is_claim(work: &Work, account: AccountId, name: &ZoneName, value: &str) -> Result<bool, StoreError> {
    let claim = live(&work.connection, account, name, work.now())?;
    Ok(claim.is_some_and(|claim| claim == value))
}

fn live(
    connection: &Connection,
    account: AccountId,
    name: &ZoneName,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let after = now.checked_sub(CLAIM_FOR).unwrap_or(Timestamp::MIN);
    let sql = "SELECT value FROM claims WHERE account = ?1 AND name = ?2 AND created > ?3";
    connection.optional(sql, params![account.0, name.name().key(), after.as_millisecond()], value)
}

fn create_claim(work: &Work, account: AccountId, name: &ZoneName, value: &str) -> Result<Claim, StoreError> {
    let now = work.now();
    if let Some(value) = live(&work.connection, account, name, now)? {
        return Ok(Claim { value, is_new: false });
    }
    work.connection
        .prepare_cached(
            "DELETE FROM claims WHERE account = ?1 AND name IN
                 (SELECT name FROM claims WHERE account = ?1 ORDER BY created DESC LIMIT 9223372036854775807 OFFSET ?2)",
        )?
        .execute(params![account.0, MOST_CLAIMS - 1])?;
    work.connection
        .prepare_cached(
            "INSERT INTO claims VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (account, name) DO UPDATE SET value = excluded.value, created = excluded.created",
        )?
        .execute(params![account.0, name.name().key(), value, now.as_millisecond()])?;
    Ok(Claim { value: value.to_owned(), is_new: true })
}

pub(super) const BELOW: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_by_name
     WHERE z.deleted IS NULL AND z.withheld < 2 AND z.name > ?1 AND z.name < ?2 AND z.account <> ?3
     ORDER BY z.name LIMIT ?4"
);

fn below(connection: &Connection, account: AccountId, name: &Name, limit: usize) -> Result<Vec<ZoneRow>, StoreError> {
    let key = name.key();
    let values = params![key, zone_names::key_beyond(&key), account.0, limit as i64];
    connection.list(BELOW, values, rows::zone)
}

fn rivals(connection: &Connection, account: AccountId, name: &ZoneName) -> Result<Rivals, StoreError> {
    let own = zones::page(connection, account, Some(name), None, u32::MAX)?;
    Ok(Rivals {
        is_own: own.iter().any(|zone| !zone.withheld.is_displaced()),
        has_above: zone_names::above_another(connection, account, name.name())?.is_some(),
        below: below(connection, account, name.name(), MOST_BELOW)?
            .into_iter()
            .map(|row| (row.zone.id, row.zone.name))
            .collect(),
    })
}

fn is_operators(work: &Work, zone: &ZoneRow) -> Result<bool, StoreError> {
    let sql = "SELECT role FROM accounts WHERE id = ?1";
    let role: u8 = work.connection.one(sql, [zone.account.0], value)?;
    Ok(role == Role::Operator as u8)
}

/// What gives way to a zone that is to be created with a proof. `None` where what was seen is not what was asked for.
pub(super) fn judge(
    work: &Work,
    account: AccountId,
    name: &ZoneName,
    proof: &Proof,
) -> Result<Option<GivingWay>, CreateZoneError> {
    if !is_claim(work, account, name, &proof.value)? {
        return Ok(None);
    }
    let holder = zones::by_name(&work.connection, name)?;
    if let Some(holder) = &holder {
        if holder.account == account || is_operators(work, holder)? {
            return Err(CreateZoneError::Exists);
        }
        if let Some(waiting) = waiting(&work.connection, name)? {
            let own = waiting.account == account;
            return Err(if own { CreateZoneError::Exists } else { CreateZoneError::Contested });
        }
    }
    if !proof.is_delegated && zone_names::above_another(&work.connection, account, name.name())?.is_some() {
        return Err(CreateZoneError::Related);
    }
    let Some(below) = undelegated(work, account, name, proof)? else { return Err(CreateZoneError::Related) };
    Ok(Some(GivingWay { holder, below }))
}

/// The zones of others below a name that are not delegated; `None` where one may not be displaced, or was not looked at.
fn undelegated(
    work: &Work,
    account: AccountId,
    name: &ZoneName,
    proof: &Proof,
) -> Result<Option<Vec<ZoneRow>>, StoreError> {
    let mut found = below(&work.connection, account, name.name(), MOST_BELOW + 1)?;
    found.retain(|zone| !proof.delegated.contains(&zone.zone.id));
    for zone in &found {
        if !proof.undelegated.contains(&zone.zone.id) || is_operators(work, zone)? {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

pub(super) const WAITING: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_waiting WHERE z.name = ?1 AND z.deleted IS NULL AND z.withheld >= 4"
);

/// The zone that waits for a name.
fn waiting(connection: &Connection, name: &ZoneName) -> Result<Option<ZoneRow>, StoreError> {
    connection.optional(WAITING, [name.name().key()], rows::zone)
}

/// Notes that a zone's account proved that it controls its name, and that zones are to give way to it.
pub(super) fn proved(work: &Work, author: &Author, zone: &ZoneRow, giving_way: GivingWay) -> Result<(), StoreError> {
    work.connection
        .prepare_cached("UPDATE zones SET proved = ?2 WHERE id = ?1")?
        .execute(params![zone.row, work.now().as_millisecond()])?;
    for victim in giving_way.holder.iter().chain(&giving_way.below) {
        let is_holder = victim.zone.name == zone.zone.name;
        let now = work.now();
        let due = match is_holder {
            true => due(work, victim)?,
            false => Some(now.checked_add(work.shared.rules.policy.notice).unwrap_or(Timestamp::MAX)),
        };
        let inserted = work
            .connection
            .prepare_cached("INSERT INTO displacements VALUES (?1, ?2, ?3, NULL) ON CONFLICT (zone) DO NOTHING")?
            .execute(params![victim.row, zone.row, due.map(Timestamp::as_millisecond)])?;
        if inserted > 0 {
            let what = match due {
                Some(due) => format!("is displaced {due:.0}"),
                None => "both proved it, the operator decides".to_owned(),
            };
            note(work, author, victim, &what)?;
        }
    }
    Ok(())
}

fn note(work: &Work, author: &Author, victim: &ZoneRow, what: &str) -> Result<(), StoreError> {
    let by = Actor { account: Some(author.account), address: author.address };
    let detail = format!("{}: {what}", victim.zone.name);
    events::insert(work, &by, EventKind::ZoneClaimed, Some(victim.account), &detail)
}

/// Accepts a proof for a zone that is there.
fn prove(work: &Work, author: &Author, id: ZoneId, proof: &Proof) -> Result<Timestamp, ProveError> {
    let zone = zones::of_account(&work.connection, author.account, id)?.ok_or(ProveError::NoZone)?;
    if !is_claim(work, author.account, &zone.zone.name, &proof.value)? {
        return Err(ProveError::NoClaim);
    }
    let below = undelegated(work, author.account, &zone.zone.name, proof)?.unwrap_or_default();
    proved(work, author, &zone, GivingWay { holder: None, below })?;
    // It stays, where it was to give way: to one above because the name was seen to be its own, and to one of the same name
    // until the operator decides.
    let holder_waits = waiting(&work.connection, &zone.zone.name)?.filter(|waiting| waiting.row != zone.row);
    match holder_waits {
        Some(waiting) => {
            let set = |sql: &'static str, row: i64| -> Result<(), StoreError> {
                work.connection.prepare_cached(sql)?.execute([row])?;
                Ok(())
            };
            set("UPDATE displacements SET due = NULL WHERE zone = ?1", zone.row)?;
            set("UPDATE zones SET withheld_until = NULL WHERE id = ?1", waiting.row)?;
            note(work, author, &waiting, "both proved it, the operator decides")?;
        }
        None => {
            let sql = "DELETE FROM displacements WHERE zone = ?1";
            let spared = work.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([zone.row]));
            if spared.map_err(StoreError::from)? > 0 {
                note(work, author, &zone, "proved it too, and stays")?;
            }
        }
    }
    Ok(work.now())
}

/// Takes a zone off the nameservers and its name away; the zone that waits for the name has it from now on.
fn displace(work: &Work, zone: &mut ZoneRow) -> Result<(), StoreError> {
    let now = work.now();
    let until = now.checked_add(work.shared.rules.policy.keep).unwrap_or(Timestamp::MAX);
    zone.zone.withheld.until = Some(until);
    let reasons = zone.zone.withheld.reasons | Withheld::DISPLACED;
    withheld::set(work, zone, reasons, "displaced: another account proved that it controls the name")?;
    work.connection.prepare_cached("DELETE FROM displacements WHERE zone = ?1")?.execute([zone.row])?;
    let detail = format!("{}: displaced, kept until {until:.0}", zone.zone.name);
    events::insert(work, &Actor::command_line(), EventKind::ZoneClaimed, Some(zone.account), &detail)?;
    let Some(mut next) = waiting(&work.connection, &zone.zone.name)? else { return Ok(()) };
    give_name(work, &mut next)
}

/// Gives a zone the name that it waited for or had lost.
fn give_name(work: &Work, zone: &mut ZoneRow) -> Result<(), StoreError> {
    let reasons = zone.zone.withheld.reasons & Withheld::ACCOUNT;
    withheld::set(work, zone, reasons, "its account proved that it controls the name")
}

/// Cleans up after a zone that was just deleted: what waited for its name has it, and what was to give way to it stays.
pub(super) fn ended(work: &Work, zone: &ZoneRow) -> Result<(), StoreError> {
    for sql in ["DELETE FROM displacements WHERE zone = ?1", "DELETE FROM displacements WHERE by_zone = ?1"] {
        work.connection.prepare_cached(sql)?.execute([zone.row])?;
    }
    if zone.zone.withheld.has_name()
        && let Some(mut next) = waiting(&work.connection, &zone.zone.name)?
    {
        give_name(work, &mut next)?;
    }
    Ok(())
}

/// The operator's decision that a name is this account's: false where no zone of the account waits for it or had lost it, and
/// none of another is to displace the account's.
pub(super) fn decide(work: &Work, name: &ZoneName, to: AccountId) -> Result<bool, StoreError> {
    let holder = zones::by_name(&work.connection, name)?;
    let own = zones::page(&work.connection, to, Some(name), None, u32::MAX)?;
    let own = own.iter().find(|zone| !zone.withheld.has_name());
    if let Some(own) = own {
        if let Some(mut holder) = holder {
            if holder.account == to {
                return Ok(false);
            }
            displace(work, &mut holder)?;
        }
        let Some(mut own) = zones::of_account(&work.connection, to, own.id)? else { return Ok(false) };
        if !own.zone.withheld.has_name() {
            // Another may wait for the name too; then it waits for this one.
            give_back(work, &mut own)?;
        }
        return Ok(true);
    }
    let Some(holder) = holder.filter(|holder| holder.account == to) else { return Ok(false) };
    let Some(waiting) = waiting(&work.connection, name)? else {
        let sql = "DELETE FROM displacements WHERE zone = ?1";
        if work.connection.prepare_cached(sql)?.execute([holder.row])? == 0 {
            return Ok(false);
        }
        let detail = format!("{name}: stays, the operator decided");
        events::insert(work, &Actor::command_line(), EventKind::ZoneClaimed, Some(to), &detail)?;
        return Ok(true);
    };
    let author =
        Author { account: waiting.account, name: "operator".to_owned(), source: Source::Operator, address: None };
    zone_delete::delete(work, &author, waiting.zone.id)?;
    Ok(true)
}

/// Gives a displaced zone its name back.
fn give_back(work: &Work, zone: &mut ZoneRow) -> Result<(), StoreError> {
    if let Some(mut holder) = zones::by_name(&work.connection, &zone.zone.name)? {
        displace(work, &mut holder)?;
    }
    give_name(work, zone)
}

pub(super) const DUE: &str =
    "SELECT zone FROM displacements INDEXED BY displacements_by_due WHERE due IS NOT NULL AND due <= ?1 LIMIT ?2";
pub(super) const KEPT_LONG_ENOUGH: &str = concat!(
    "SELECT ",
    zone_columns!(),
    " FROM zones z INDEXED BY zones_displaced
     WHERE z.deleted IS NULL AND z.withheld_until IS NOT NULL AND z.withheld_until <= ?1 AND (z.withheld & 2) <> 0 LIMIT ?2"
);

/// Whether [`advance`] has something to do.
pub(super) fn is_due(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    let now = now.as_millisecond();
    Ok(connection.exists(DUE, params![now, 1])? || connection.exists(KEPT_LONG_ENOUGH, params![now, 1])?)
}

/// Displaces some zones whose time has come, and deletes some that were kept long enough.
pub(super) fn advance(work: &Work) -> Result<(), StoreError> {
    let now = work.now().as_millisecond();
    let due: Vec<i64> = work.connection.list(DUE, params![now, STEP as i64], value)?;
    for row in due {
        match zones::by_row(&work.connection, row)? {
            Some(mut zone) => displace(work, &mut zone)?,
            None => drop(work.connection.prepare_cached("DELETE FROM displacements WHERE zone = ?1")?.execute([row])?),
        }
    }
    for zone in work.connection.list(KEPT_LONG_ENOUGH, params![now, STEP as i64], rows::zone)? {
        let author =
            Author { account: zone.account, name: "displaced".to_owned(), source: Source::Server, address: None };
        zone_delete::delete(work, &author, zone.zone.id)?;
    }
    Ok(())
}

/// Removes some claims that are over.
pub(super) fn forget(work: &Work) -> Result<(), StoreError> {
    let before = work.now().checked_sub(CLAIM_FOR).unwrap_or(Timestamp::MIN);
    work.connection
        .prepare_cached(
            "DELETE FROM claims WHERE (account, name) IN
                 (SELECT account, name FROM claims INDEXED BY claims_by_age WHERE created <= ?1 LIMIT 200)",
        )?
        .execute([before.as_millisecond()])?;
    Ok(())
}

macro_rules! displacements {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            zone_columns!(),
            ", a.email, a.language, b.name AS by_name, c.email AS by_email, d.due FROM displacements d
             CROSS JOIN zones z ON z.id = d.zone CROSS JOIN accounts a ON a.id = z.account
             CROSS JOIN zones b ON b.id = d.by_zone CROSS JOIN accounts c ON c.id = b.account WHERE ",
            $condition,
            " ORDER BY d.zone LIMIT ?1"
        )
    };
}
pub(super) const DISPLACEMENTS: &str = displacements!("d.zone > 0");
pub(super) const UNNOTICED: &str = displacements!("d.noticed IS NULL");

fn displacements(connection: &Connection, sql: &'static str, limit: u32) -> Result<Vec<Displacement>, StoreError> {
    connection.list(sql, [limit], |row| {
        let zone = rows::zone(row)?;
        let place = Place { table: "displacements", row: zone.row };
        Ok(Displacement {
            zone: zone.zone.id,
            name: zone.zone.name,
            email: row.get("email")?,
            language: row.get("language")?,
            by_name: place.zone_name(row, "by_name")?,
            by_email: row.get("by_email")?,
            due: place.time_or_none("due", row.get("due")?)?,
        })
    })
}

impl Tenant {
    /// What an account has to publish for a name: the same for [`CLAIM_FOR`].
    pub async fn claim(&self, name: &ZoneName) -> Result<Claim, StoreError> {
        let (account, read_name, now) = (self.author.account, name.clone(), self.store.now());
        let read = move |connection: &Connection| live(connection, account, &read_name, now);
        if let Some(value) = self.store.inner.readers.run(Size::Small, read).await? {
            return Ok(Claim { value, is_new: false });
        }
        let mut random = [0; 20];
        getrandom::fill(&mut random).map_err(|_| StoreError::Random)?;
        let value = HEXLOWER.encode(&random);
        let name = name.clone();
        self.store.inner.writer.run(move |work| create_claim(work, account, &name, &value)).await
    }

    /// The zones of other accounts that a claim on a name is about.
    pub async fn rivals(&self, name: &ZoneName) -> Result<Rivals, StoreError> {
        let (account, name) = (self.author.account, name.clone());
        self.store.inner.readers.run(Size::Small, move |connection| rivals(connection, account, &name)).await
    }

    /// When a zone's account proved that it controls the zone's name. The outer `None`: the account has no such zone.
    pub async fn zone_proved_at(&self, id: ZoneId) -> Result<Option<(Zone, Option<Timestamp>)>, StoreError> {
        if !self.sees(id) {
            return Ok(None);
        }
        let account = self.author.account;
        let read = move |connection: &Connection| {
            let Some(zone) = zones::of_account(connection, account, id)? else { return Ok(None) };
            let proved = proved_at(connection, &zone)?;
            Ok(Some((zone.zone, proved)))
        };
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// Accepts a proof for a zone that is there, and gives the time.
    pub async fn prove_zone(&self, id: ZoneId, proof: Proof) -> Result<Timestamp, ProveError> {
        if !self.sees(id) {
            return Err(ProveError::NoZone);
        }
        let author = self.author.clone();
        self.store.inner.writer.run(move |work| prove(work, &author, id, &proof)).await
    }
}

impl Operator {
    /// The zones that are to be displaced, at most `limit`.
    pub async fn displacements(&self, limit: u32) -> Result<Vec<Displacement>, StoreError> {
        self.store
            .inner
            .readers
            .run(Size::Small, move |connection| displacements(connection, DISPLACEMENTS, limit))
            .await
    }
}

impl Outbox {
    /// Those of [`Operator::displacements`] whose owners have not been told.
    pub async fn unnoticed_displacements(&self, limit: u32) -> Result<Vec<Displacement>, StoreError> {
        self.store.inner.readers.run(Size::Small, move |connection| displacements(connection, UNNOTICED, limit)).await
    }

    /// Notes that the owner of a zone that is to be displaced was told.
    pub async fn displacement_noticed(&self, zone: ZoneId) -> Result<(), StoreError> {
        let note = move |work: &Work| {
            let sql = "UPDATE displacements SET noticed = ?2 WHERE zone = (SELECT id FROM zones WHERE uuid = ?1 AND deleted IS NULL)";
            work.connection.prepare_cached(sql)?.execute(params![zone.0.as_bytes(), work.now().as_millisecond()])?;
            Ok(())
        };
        self.store.inner.writer.run(note).await
    }
}
