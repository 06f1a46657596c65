//! Tokens: creating, listing and revoking them, and finding the account of one.

use std::net::IpAddr;
use std::sync::Arc;

use dns::ZoneId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::accounts::{AFTER_ACCOUNT, account, account_columns};
use super::columns::columns;
use super::db::{Connection, Row, params, value};
use super::identities::{TokenHash, TokenUse};
use super::readers::Size;
use super::rows::Place;
use super::shared::Shared;
use super::writer::Work;
use super::{accounts, events, identities, zones};
use crate::*;

impl Operator {
    /// The tokens of all accounts, oldest first; revoked ones are gone.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.store.inner.readers.run(Size::Large, |connection| all(connection, None)).await
    }

    /// Revokes a token of any account; false where there is none with that number. It is refused from when this returns.
    pub async fn revoke_token(&self, id: TokenId) -> Result<bool, StoreError> {
        revoke_now(&self.store, None, id, self.by).await
    }
}

impl People {
    /// Whom the presented text speaks for, when it comes from that address; `None` where it is malformed, unknown, expired or
    /// revoked, where its account is suspended, and where the token may not be used from there. Answered from memory where it
    /// can be.
    pub async fn authenticate(
        &self,
        presented: &str,
        address: Option<IpAddr>,
    ) -> Result<Option<Arc<Identity>>, StoreError> {
        if !PlainToken::is_well_formed(presented) {
            return Ok(None);
        }
        let hash = hash(presented);
        let Shared { identities, .. } = &*self.store.inner.shared;
        let age = identities.age();
        let identity = match identities.get(&hash) {
            Some(known) => known,
            None => {
                let found = self.store.inner.readers.run(Size::Small, move |connection| identity(connection, hash));
                match found.await? {
                    Some((stored, identity)) if identities::is_same(&stored, &hash) => Arc::new(identity),
                    _ => return Ok(None),
                }
            }
        };
        let now = self.store.inner.shared.now();
        let is_over = identity.token.expires_at.is_some_and(|end| end <= now);
        if is_over || !identity.token.networks.contains(address) {
            return Ok(None);
        }
        Ok(Some(identities.accept(&hash, identity, age, now, address)))
    }
}

/// The hash of a token's text.
pub(super) fn hash(text: &str) -> TokenHash {
    Sha256::digest(text.as_bytes()).into()
}

// What [`token`] reads, of a table or alias named `t`.
columns! {
    token_columns, TokenColumns of "t": id, account, hash, name, permissions, last_four, created, expires, last_used,
        last_address, zones, networks
}
const TOKEN: TokenColumns = TokenColumns::after(0);
const TOKEN_AFTER_ACCOUNT: TokenColumns = TokenColumns::after(AFTER_ACCOUNT);

fn token(row: &Row<'_>, columns: &TokenColumns) -> Result<Token, StoreError> {
    let id: i64 = row.get(columns.id)?;
    let place = Place { table: "tokens", row: id };
    Ok(Token {
        id: TokenId(id),
        account: AccountId(row.get(columns.account)?),
        name: row.get(columns.name)?,
        permissions: Permissions::from_bits(row.get(columns.permissions)?),
        last_four: row.get(columns.last_four)?,
        created_at: place.time("created", row.get(columns.created)?)?,
        expires_at: place.time_or_none("expires", row.get(columns.expires)?)?,
        last_used_at: place.time_or_none("last_used", row.get(columns.last_used)?)?,
        last_address: place.address("last_address", row.get(columns.last_address)?)?,
        zones: place.sound("zones", zone_scope(row.get(columns.zones)?))?,
        networks: place.sound("networks", network_scope(row.get(columns.networks)?))?,
    })
}

fn zone_scope(stored: Option<Vec<u8>>) -> Option<ZoneScope> {
    let Some(stored) = stored else { return Some(ZoneScope::All) };
    let zones = stored.chunks(16).map(|octets| Uuid::from_slice(octets).ok().map(ZoneId));
    Some(ZoneScope::Only(zones.collect::<Option<_>>()?))
}

fn stored_zones(zones: &ZoneScope) -> Option<Vec<u8>> {
    match zones {
        ZoneScope::All => None,
        ZoneScope::Only(zones) => Some(zones.iter().flat_map(|zone| *zone.0.as_bytes()).collect()),
    }
}

pub(super) fn network_scope(stored: Option<String>) -> Option<NetworkScope> {
    let Some(stored) = stored else { return Some(NetworkScope::Anywhere) };
    let networks = stored.split_ascii_whitespace().map(|text| text.parse().ok());
    Some(NetworkScope::Only(networks.collect::<Option<_>>()?))
}

pub(super) fn stored_networks(networks: &NetworkScope) -> Option<String> {
    match networks {
        NetworkScope::Anywhere => None,
        NetworkScope::Only(networks) => Some(networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
    }
}

/// Refuses a token more than the account may have, and one for zones that are not its own.
fn check(work: &Work, id: AccountId, new: &NewToken) -> Result<(), CreateTokenError> {
    let account = accounts::active(&work.connection, id)?.ok_or(CreateTokenError::NoAccount)?;
    if let Some(most) = account.limits.tokens {
        let held: u32 = work.connection.one("SELECT count(*) FROM tokens WHERE account = ?1", [id.0], value)?;
        if held >= most {
            return Err(CreateTokenError::Limit(most));
        }
    }
    if let ZoneScope::Only(wanted) = &new.zones {
        for zone in wanted {
            zones::of_account(&work.connection, id, *zone)?.ok_or(CreateTokenError::NoZone)?;
        }
    }
    Ok(())
}

/// Makes a token with the text that the caller drew.
pub(super) fn create(
    work: &Work,
    account: AccountId,
    new: NewToken,
    plain: PlainToken,
    by: &Actor,
) -> Result<CreatedToken, CreateTokenError> {
    check(work, account, &new)?;
    Ok(insert(work, account, new, plain, by)?)
}

fn insert(
    work: &Work,
    account: AccountId,
    new: NewToken,
    plain: PlainToken,
    by: &Actor,
) -> Result<CreatedToken, StoreError> {
    let now = work.now();
    let last_four = plain.last_four().to_owned();
    let id = work.connection.insert(
        "INSERT INTO tokens (account, hash, name, permissions, last_four, created, expires, zones, networks)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
        params![
            account.0,
            hash(plain.reveal()),
            new.name,
            new.permissions.bits(),
            last_four,
            now.as_millisecond(),
            new.expires_at.map(|time| time.as_millisecond()),
            stored_zones(&new.zones),
            stored_networks(&new.networks),
        ],
    )?;
    let id = TokenId(id);
    events::insert(work, by, EventKind::TokenMade, Some(account), &format!("{} ...{last_four}", new.name))?;
    let token = Token {
        id,
        account,
        name: new.name,
        permissions: new.permissions,
        last_four,
        created_at: now,
        expires_at: new.expires_at,
        last_used_at: None,
        last_address: None,
        zones: new.zones,
        networks: new.networks,
    };
    Ok(CreatedToken { token, plain })
}

const OF_ALL: &str = concat!("SELECT ", token_columns!(), " FROM tokens t WHERE ?1 IS NULL ORDER BY t.id");
pub(super) const OF_ONE: &str =
    concat!("SELECT ", token_columns!(), " FROM tokens t WHERE t.account = ?1 ORDER BY t.id");

const ONE_OF_ONE: &str = concat!("SELECT ", token_columns!(), " FROM tokens t WHERE t.id = ?1 AND t.account = ?2");

/// The account's token of that number.
pub(super) fn one(connection: &Connection, account: AccountId, id: TokenId) -> Result<Option<Token>, StoreError> {
    connection.optional(ONE_OF_ONE, params![id.0, account.0], |row| token(row, &TOKEN))
}

/// The tokens of one account or of all, oldest first.
pub(super) fn all(connection: &Connection, account: Option<AccountId>) -> Result<Vec<Token>, StoreError> {
    let sql = if account.is_some() { OF_ONE } else { OF_ALL };
    connection.list(sql, [account.map(|account| account.0)], |row| token(row, &TOKEN))
}

/// Revokes a token: any, or one of an account's. It is refused from when this returns.
async fn revoke_now(store: &Store, of: Option<AccountId>, id: TokenId, by: Actor) -> Result<bool, StoreError> {
    let revoked = store.inner.writer.run(move |work| revoke(work, of, id, &by)).await;
    // Also after a failure: then it is not known what was stored.
    store.inner.shared.identities.empty();
    revoked
}

fn revoke(work: &Work, of: Option<AccountId>, id: TokenId, by: &Actor) -> Result<bool, StoreError> {
    let sql = "DELETE FROM tokens WHERE id = ?1 AND (?2 IS NULL OR account = ?2) RETURNING account, name, last_four";
    let revoked = work.connection.optional(sql, params![id.0, of.map(|account| account.0)], |row| {
        let (name, last_four): (String, String) = (row.get("name")?, row.get("last_four")?);
        Ok((row.get("account")?, format!("{name} ...{last_four}")))
    })?;
    let Some((account, detail)) = revoked else { return Ok(false) };
    events::insert(work, by, EventKind::TokenRevoked, Some(AccountId(account)), &detail)?;
    Ok(true)
}

/// Revokes all tokens of an account.
pub(super) fn revoke_all(work: &Work, account: AccountId, by: &Actor) -> Result<(), StoreError> {
    let sql = "SELECT id FROM tokens WHERE account = ?1 ORDER BY id";
    for number in work.connection.list(sql, [account.0], value)? {
        revoke(work, Some(account), TokenId(number), by)?;
    }
    Ok(())
}

/// Whom a hash speaks for, whether or not it has expired, with the hash that is stored.
pub(super) fn identity(connection: &Connection, hash: TokenHash) -> Result<Option<(TokenHash, Identity)>, StoreError> {
    connection.optional(
        concat!(
            "SELECT ",
            account_columns!(),
            ", ",
            token_columns!(),
            " FROM tokens t CROSS JOIN accounts a ON a.id = t.account
             WHERE t.hash = ?1 AND a.suspended IS NULL AND a.closed IS NULL"
        ),
        [hash],
        |row| {
            let columns = &TOKEN_AFTER_ACCOUNT;
            let identity = Identity { account: account(row)?, token: token(row, columns)? };
            Ok((row.get(columns.hash)?, identity))
        },
    )
}

/// Notes when and from where tokens were last used.
pub(super) fn note_uses(work: &Work, uses: &[TokenUse]) -> Result<(), StoreError> {
    let mut update =
        work.connection.prepare_cached("UPDATE tokens SET last_used = ?2, last_address = ?3 WHERE id = ?1")?;
    for TokenUse { token, time, address } in uses {
        update.execute(params![token.0, time, address.map(|address| address.to_string())])?;
    }
    Ok(())
}

/// What moves when an identity changes, whoever changed it.
pub(super) fn revision(connection: &Connection) -> Result<i64, StoreError> {
    connection.one("SELECT revision FROM identities WHERE \"only\" = 1", [], value)
}

impl Person {
    /// Creates a token.
    pub async fn create_token(&self, token: NewToken) -> Result<CreatedToken, CreateTokenError> {
        let (account, by, plain) = (self.account, self.by, PlainToken::draw()?);
        self.store.inner.writer.run(move |work| create(work, account, token, plain, &by)).await
    }

    /// Revokes one of the account's tokens; false where it has none with that number. It is refused from when this returns.
    pub async fn revoke_token(&self, id: TokenId) -> Result<bool, StoreError> {
        revoke_now(&self.store, Some(self.account), id, self.by).await
    }

    /// The account's tokens, oldest first; revoked ones are gone.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let account = self.account;
        self.store.inner.readers.run(Size::Large, move |connection| all(connection, Some(account))).await
    }

    /// The account's token of that number.
    pub async fn token(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        let account = self.account;
        self.store.inner.readers.run(Size::Small, move |connection| one(connection, account, id)).await
    }
}
