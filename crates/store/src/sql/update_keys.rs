//! Update keys: creating, listing and revoking them.

use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use dns::{Name, RecordType, ZoneId, ZoneName};
use ipnet::IpNet;
use uuid::Uuid;

use super::accounts::AFTER_ACCOUNT;
use super::columns::columns;
use super::db::{Connection, Row, params, value};
use super::identities::TokenHash;
use super::readers::Size;
use super::rows::Place;
use super::tokens::{hash, network_scope, stored_networks};
use super::writer::Work;
use super::{accounts, events, tokens, zones};
use crate::sealing::Purpose;
use crate::*;

// What [`key`] reads, of a table or alias named `k`.
columns! {
    key_columns, KeyColumns of "k": id, uuid, account, name, key_name, algorithm, purpose, door, zones, zone_names, names,
        types, permissions, networks, created, expires, last_used, secret, hash;
        last_error = "(SELECT r.detail FROM refusals r WHERE r.key = k.id ORDER BY r.time DESC, r.id DESC LIMIT 1)"
}
const KEY: KeyColumns = KeyColumns::after(0);
pub(super) const KEY_AFTER_ACCOUNT: KeyColumns = KeyColumns::after(AFTER_ACCOUNT);

/// Reads [`key_columns`].
pub(super) fn key(row: &Row<'_>, columns: &KeyColumns) -> Result<UpdateKey, StoreError> {
    let id: i64 = row.get(columns.id)?;
    let place = Place { table: "update_keys", row: id };
    let key_name = row.get_ref(columns.key_name)?.as_blob().ok().and_then(|key| Name::from_key(key).ok());
    let zones: Option<Vec<u8>> = row.get(columns.zones)?;
    let zone_names: String = row.get(columns.zone_names)?;
    let scope = KeyScope {
        purpose: place.sound("purpose", KeyPurpose::from_number(row.get(columns.purpose)?))?,
        names: place.sound("names", stored_patterns(row.get(columns.names)?))?,
        types: place.sound("types", stored_types(row.get(columns.types)?))?,
        permissions: Permissions::from_bits(row.get(columns.permissions)?),
    };
    let door: Option<u8> = row.get(columns.door)?;
    Ok(UpdateKey {
        id: UpdateKeyId(place.uuid("uuid", row, columns.uuid)?),
        row: id,
        account: AccountId(row.get(columns.account)?),
        name: row.get(columns.name)?,
        key_name: place.sound("key_name", key_name)?,
        algorithm: place.sound("algorithm", KeyAlgorithm::from_number(row.get(columns.algorithm)?))?,
        door: door.map(|door| place.sound("door", Door::from_number(door))).transpose()?,
        zones: place.sound("zones", key_zones(&zones.unwrap_or_default(), &zone_names))?,
        scope: Arc::new(scope),
        networks: place.sound("networks", network_scope(row.get(columns.networks)?))?,
        created_at: place.time("created", row.get(columns.created)?)?,
        expires_at: place.time_or_none("expires", row.get(columns.expires)?)?,
        last_used_at: place.time_or_none("last_used", row.get(columns.last_used)?)?,
        last_error: row.get(columns.last_error)?,
    })
}

fn key_zones(ids: &[u8], names: &str) -> Option<Vec<KeyZone>> {
    let mut names = names.split_ascii_whitespace();
    let zone = |id: &[u8]| {
        let name = Name::parse(names.next()?).ok()?;
        Some(KeyZone { id: ZoneId(Uuid::from_slice(id).ok()?), name: ZoneName::from_stored(name) })
    };
    ids.chunks(16).map(zone).collect()
}

/// The patterns that are stored; their texts have no spaces.
fn stored_patterns(stored: Option<String>) -> Option<Option<Vec<NamePattern>>> {
    let Some(stored) = stored else { return Some(None) };
    let patterns = stored.split_ascii_whitespace().map(|text| NamePattern::parse(text, &[]).ok());
    patterns.collect::<Option<_>>().map(Some)
}

const ANY: &str = "ANY";

fn stored_types(stored: Option<String>) -> Option<KeyTypes> {
    match stored.as_deref() {
        None => Some(KeyTypes::Usual),
        Some(ANY) => Some(KeyTypes::Any),
        Some(types) => {
            let types = types.split_ascii_whitespace().map(|text| RecordType::parse(text).ok());
            types.collect::<Option<_>>().map(KeyTypes::Only)
        }
    }
}

fn joined<T: ToString>(texts: &[T]) -> String {
    texts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

pub(super) const BY_NAME: &str = concat!(
    "SELECT ",
    accounts::account_columns!(),
    ", ",
    key_columns!(),
    " FROM update_keys k CROSS JOIN accounts a ON a.id = k.account
     WHERE k.key_name = ?1 AND a.suspended IS NULL AND a.closed IS NULL"
);
pub(super) const BY_HASH: &str = concat!(
    "SELECT ",
    accounts::account_columns!(),
    ", ",
    key_columns!(),
    " FROM update_keys k CROSS JOIN accounts a ON a.id = k.account
     WHERE k.hash = ?1 AND a.suspended IS NULL AND a.closed IS NULL"
);
const OF_ALL: &str = concat!("SELECT ", key_columns!(), " FROM update_keys k WHERE ?1 IS NULL ORDER BY k.id");
pub(super) const OF_ONE: &str =
    concat!("SELECT ", key_columns!(), " FROM update_keys k WHERE k.account = ?1 ORDER BY k.id");
const BY_UUID: &str = concat!("SELECT ", key_columns!(), " FROM update_keys k WHERE k.uuid = ?1");

/// What a statement finds by a name or a hash: the account, the key, its sealed secret, and its hash.
pub(super) type Found = (Account, UpdateKey, Option<Vec<u8>>, TokenHash);

/// Reads the row of [`BY_NAME`] or [`BY_HASH`].
pub(super) fn found(row: &Row<'_>) -> Result<Found, StoreError> {
    let columns = &KEY_AFTER_ACCOUNT;
    Ok((accounts::account(row)?, key(row, columns)?, row.get(columns.secret)?, row.get(columns.hash)?))
}

/// The keys of one account or of all, oldest first.
fn all(connection: &Connection, account: Option<AccountId>) -> Result<Vec<UpdateKey>, StoreError> {
    let sql = if account.is_some() { OF_ONE } else { OF_ALL };
    connection.list(sql, [account.map(|account| account.0)], |row| key(row, &KEY))
}

/// The key, where it is the account's and for these zones only.
fn one(
    connection: &Connection,
    account: Option<AccountId>,
    id: UpdateKeyId,
    within: &ZoneScope,
) -> Result<Option<UpdateKey>, StoreError> {
    let found = connection.optional(BY_UUID, [id.0.as_bytes()], |row| key(row, &KEY))?;
    Ok(found.filter(|key| account.is_none_or(|account| key.account == account) && is_within(key, within)))
}

fn is_within(key: &UpdateKey, zones: &ZoneScope) -> bool {
    key.zones.iter().all(|zone| zones.contains(zone.id))
}

/// Refuses one key too many, zones of others, and a key that is wider than the token that creates it.
fn check(work: &Work, id: AccountId, new: &NewUpdateKey) -> Result<Vec<ZoneName>, CreateUpdateKeyError> {
    let connection = &work.connection;
    accounts::active(connection, id)?.ok_or(CreateUpdateKeyError::NoAccount)?;
    let held: u32 = connection.one("SELECT count(*) FROM update_keys WHERE account = ?1", [id.0], value)?;
    if held >= MOST_UPDATE_KEYS {
        return Err(CreateUpdateKeyError::Limit);
    }
    if let Some(token) = new.token {
        let token = tokens::one(connection, id, token)?.ok_or(CreateUpdateKeyError::NoToken)?;
        if let Some(zone) = new.zones.iter().find(|zone| !token.zones.contains(**zone)) {
            return Err(CreateUpdateKeyError::NoZone(*zone));
        }
        if let Some(missing) = token.permissions.first_missing(new.scope.permissions) {
            return Err(CreateUpdateKeyError::Permission(missing));
        }
        if !token.networks.covers(&new.networks) {
            return Err(CreateUpdateKeyError::Network);
        }
        if token.expires_at.is_some_and(|end| new.expires_at.is_none_or(|own| own > end)) {
            return Err(CreateUpdateKeyError::Expiry);
        }
    }
    let name = |zone: &ZoneId| match zones::of_account(connection, id, *zone)? {
        Some(row) => Ok(row.zone.name),
        None => Err(CreateUpdateKeyError::NoZone(*zone)),
    };
    new.zones.iter().map(name).collect()
}

/// What is drawn for a key before the writer has it.
struct Drawn {
    suffix: String,
    credentials: KeyCredentials,
}

impl Drawn {
    fn new(new: &NewUpdateKey) -> Result<Drawn, StoreError> {
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|_| StoreError::Random)?;
        let credentials = match new.door {
            Some(door) => KeyCredentials::Path(door, PlainSecret::draw()?),
            None => KeyCredentials::Tsig { secret: KeySecret::draw(new.algorithm)?, token: PlainToken::draw()? },
        };
        Ok(Drawn { suffix: BASE32_NOPAD.encode(&random).to_ascii_lowercase(), credentials })
    }
}

/// The name on the wire: what can stand in a host name of the key's own name, and 80 random bits. Every program's configuration
/// can hold it without quotes or escapes.
fn key_name(name: &str, suffix: &str) -> Result<Name, StoreError> {
    let mut label = String::new();
    for c in name.chars().map(|c| c.to_ascii_lowercase()).take(40) {
        match c {
            'a'..='z' | '0'..='9' => label.push(c),
            _ if !label.is_empty() && !label.ends_with('-') => label.push('-'),
            _ => {}
        }
    }
    let separator = if label.is_empty() || label.ends_with('-') { "" } else { "-" };
    Name::parse(&format!("{label}{separator}{suffix}")).map_err(|_| StoreError::Bug("a key's name is no name"))
}

fn create(
    work: &Work,
    account: AccountId,
    new: NewUpdateKey,
    drawn: Drawn,
    by: &Actor,
) -> Result<CreatedUpdateKey, CreateUpdateKeyError> {
    let names = check(work, account, &new)?;
    Ok(insert(work, account, new, names, drawn, by)?)
}

fn insert(
    work: &Work,
    account: AccountId,
    new: NewUpdateKey,
    zone_names: Vec<ZoneName>,
    drawn: Drawn,
    by: &Actor,
) -> Result<CreatedUpdateKey, StoreError> {
    let Drawn { suffix, credentials } = drawn;
    let (now, uuid, key_name) = (work.now(), work.shared.rules.new_id(), key_name(&new.name, &suffix)?);
    let presented = match &credentials {
        KeyCredentials::Tsig { token, .. } => token.reveal(),
        KeyCredentials::Path(_, secret) => secret.reveal(),
    };
    let zones: Vec<u8> = new.zones.iter().flat_map(|zone| *zone.0.as_bytes()).collect();
    let row = work.connection.insert(
        "INSERT INTO update_keys (uuid, account, token, name, key_name, algorithm, purpose, door, hash, zones,
                                      zone_names, names, types, permissions, networks, created, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) RETURNING id",
        params![
            uuid.as_bytes(),
            account.0,
            new.token.map(|token| token.0),
            new.name,
            key_name.key(),
            new.algorithm as u8,
            new.scope.purpose as u8,
            new.door.map(|door| door as u8),
            hash(presented),
            zones,
            joined(&zone_names),
            new.scope.names.as_deref().map(joined),
            match &new.scope.types {
                KeyTypes::Usual => None,
                KeyTypes::Any => Some(ANY.to_owned()),
                KeyTypes::Only(types) => Some(joined(types)),
            },
            new.scope.permissions.bits(),
            stored_networks(&new.networks),
            now.as_millisecond(),
            new.expires_at.map(|time| time.as_millisecond()),
        ],
    )?;
    if let KeyCredentials::Tsig { secret, .. } = &credentials {
        // The row's number is part of what the secret is sealed with.
        let sealed = work.shared.secrets.seal(Purpose::UpdateKey, row, secret.octets())?;
        work.connection
            .prepare_cached("UPDATE update_keys SET secret = ?2 WHERE id = ?1")?
            .execute(params![row, sealed])?;
    }
    events::insert(work, by, EventKind::UpdateKeyMade, Some(account), &format!("{} ({key_name})", new.name))?;
    let zones = new.zones.into_iter().zip(zone_names).map(|(id, name)| KeyZone { id, name }).collect();
    let key = UpdateKey {
        id: UpdateKeyId(uuid),
        row,
        account,
        name: new.name,
        key_name,
        algorithm: new.algorithm,
        door: new.door,
        zones,
        scope: Arc::new(new.scope),
        networks: new.networks,
        created_at: now,
        expires_at: new.expires_at,
        last_used_at: None,
        last_error: None,
    };
    Ok(CreatedUpdateKey { key, credentials })
}

fn revoke(work: &Work, key: &UpdateKey, by: &Actor) -> Result<(), StoreError> {
    work.connection.prepare_cached("DELETE FROM update_keys WHERE id = ?1")?.execute([key.row])?;
    let detail = format!("{} ({})", key.name, key.key_name);
    events::insert(work, by, EventKind::UpdateKeyRevoked, Some(key.account), &detail)
}

/// Revokes all keys of an account.
pub(super) fn revoke_all(work: &Work, account: AccountId, by: &Actor) -> Result<(), StoreError> {
    all(&work.connection, Some(account))?.iter().try_for_each(|key| revoke(work, key, by))
}

async fn revoke_now(
    store: &Store,
    of: Option<AccountId>,
    id: UpdateKeyId,
    within: ZoneScope,
    by: Actor,
) -> Result<bool, StoreError> {
    let revoke = move |work: &Work| {
        let Some(key) = one(&work.connection, of, id, &within)? else { return Ok(false) };
        revoke(work, &key, &by).map(|()| true)
    };
    let revoked = store.inner.writer.run(revoke).await;
    // Also after a failure: then it is not known what was stored.
    store.inner.shared.identities.empty();
    revoked
}

impl Tenant {
    /// What update keys it manages: those for no other zones than it sees. One that was built from a key manages none.
    pub(super) fn managed(&self) -> ZoneScope {
        if self.scope.is_none() { self.zones.clone() } else { ZoneScope::Only(Vec::new()) }
    }

    /// Creates an update key.
    ///
    /// # Errors
    ///
    /// As listed; with [`NewUpdateKey::token`], where it would be wider than that token.
    pub async fn create_update_key(&self, new: NewUpdateKey) -> Result<CreatedUpdateKey, CreateUpdateKeyError> {
        let within = self.managed();
        if let Some(zone) = new.zones.iter().find(|zone| !within.contains(**zone)) {
            return Err(CreateUpdateKeyError::NoZone(*zone));
        }
        let (account, by, drawn) = (self.author.account, Actor::from(&self.author), Drawn::new(&new)?);
        self.store.inner.writer.run(move |work| create(work, account, new, drawn, &by)).await
    }

    /// The update keys for no other zones than these, oldest first; revoked ones are gone.
    pub async fn update_keys(&self) -> Result<Vec<UpdateKey>, StoreError> {
        let (account, within) = (self.author.account, self.managed());
        let read = move |connection: &Connection| {
            let mut keys = all(connection, Some(account))?;
            keys.retain(|key| is_within(key, &within));
            Ok(keys)
        };
        self.store.inner.readers.run(Size::Large, read).await
    }

    /// One of them.
    pub async fn update_key(&self, id: UpdateKeyId) -> Result<Option<UpdateKey>, StoreError> {
        let (account, within) = (self.author.account, self.managed());
        let read = move |connection: &Connection| one(connection, Some(account), id, &within);
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// Revokes one of them; false where there is none of that identity. It is refused from when this returns, and by other
    /// processes within a second.
    pub async fn revoke_update_key(&self, id: UpdateKeyId) -> Result<bool, StoreError> {
        let by = Actor::from(&self.author);
        revoke_now(&self.store, Some(self.author.account), id, self.managed(), by).await
    }
}

impl Operator {
    /// The update keys of all accounts, oldest first.
    pub async fn update_keys(&self) -> Result<Vec<UpdateKey>, StoreError> {
        self.store.inner.readers.run(Size::Large, |connection| all(connection, None)).await
    }

    /// Revokes an update key of any account; false where there is none of that identity.
    pub async fn revoke_update_key(&self, id: UpdateKeyId) -> Result<bool, StoreError> {
        revoke_now(&self.store, None, id, ZoneScope::All, self.by).await
    }
}

impl NetworkScope {
    /// Whether every address of the other scope is in this one.
    fn covers(&self, other: &NetworkScope) -> bool {
        match (self, other) {
            (NetworkScope::Anywhere, _) => true,
            (NetworkScope::Only(_), NetworkScope::Anywhere) => false,
            (NetworkScope::Only(own), NetworkScope::Only(others)) => {
                others.iter().all(|other: &IpNet| own.iter().any(|own| own.contains(other)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_wire_need_no_quotes() {
        for (name, label) in [
            ("certbot on www", "certbot-on-www-x"),
            ("Küche (2)", "k-che-2-x"),
            ("--", "x"),
            ("", "x"),
            ("日本", "x"),
            (&"a".repeat(100), &format!("{}-x", "a".repeat(40))),
        ] {
            assert_eq!(key_name(name, "x").unwrap().to_string(), label, "{name}");
        }
    }
}
