//! Finding an update key by what its holder presents, and acting as it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dns::Name;

use super::db::Connection;
use super::identities::{self, Handle, NOTE_EVERY_MS};
use super::readers::Size;
use super::rows::Place;
use super::tokens::hash;
use super::update_keys::{BY_HASH, BY_NAME, Found, found};
use crate::sealing::Purpose;
use crate::*;

impl Doors {
    /// The key that signs messages under this name; `None` where it is unknown, revoked or expired, and where its account is
    /// suspended. The holder has shown nothing yet: the signature is to be verified with its secret.
    ///
    /// Answered from memory where it can be. A name that is unknown costs a read: limit how many an address may try.
    pub async fn by_key_name(&self, name: &Name) -> Result<Option<Arc<KeyIdentity>>, StoreError> {
        self.find(Handle::Name(name.clone())).await
    }

    /// The key with this token; `None` also where the text is malformed. Tokens of accounts are not found here
    /// ([`People::authenticate`]).
    pub async fn by_token(&self, presented: &str) -> Result<Option<Arc<KeyIdentity>>, StoreError> {
        if !PlainToken::is_well_formed(presented) {
            return Ok(None);
        }
        self.find(Handle::Token(hash(presented))).await
    }

    /// The key with this secret in the paths of a door; `None` also where the text is malformed.
    pub async fn by_path(&self, door: Door, presented: &str) -> Result<Option<Arc<KeyIdentity>>, StoreError> {
        if !PlainSecret::is_well_formed(presented) {
            return Ok(None);
        }
        self.find(Handle::Path(door, hash(presented))).await
    }

    async fn find(&self, handle: Handle) -> Result<Option<Arc<KeyIdentity>>, StoreError> {
        let shared = &self.store.inner.shared;
        let age = shared.identities.age();
        let identity = match shared.identities.key(&handle) {
            Some(known) => known,
            None => {
                let wanted = handle.clone();
                let read = move |connection: &Connection| match &wanted {
                    Handle::Name(name) => connection.optional(BY_NAME, [name.key()], found),
                    Handle::Token(hash) | Handle::Path(_, hash) => connection.optional(BY_HASH, [hash], found),
                };
                let found = self.store.inner.readers.run(Size::Small, read).await?;
                let Some(found) = found.filter(|found| is_presented(found, &handle)) else { return Ok(None) };
                let identity = Arc::new(self.open(found)?);
                shared.identities.remember_key(handle, &identity, age);
                identity
            }
        };
        let is_over = identity.key.expires_at.is_some_and(|end| end <= shared.now());
        Ok(Some(identity).filter(|_| !is_over))
    }

    fn open(&self, (account, key, sealed, _): Found) -> Result<KeyIdentity, StoreError> {
        let place = Place { table: "update_keys", row: key.row };
        let open = |sealed: Vec<u8>| {
            let secret = self.store.inner.shared.secrets.open(Purpose::UpdateKey, key.row, &sealed);
            place.sound("secret", secret.map(KeySecret))
        };
        let secret = sealed.map(open).transpose()?;
        let noted = key.last_used_at.map_or(0, |time| time.as_millisecond());
        Ok(KeyIdentity { account, key, secret, noted: AtomicI64::new(noted) })
    }

    /// What the key may do when it is used from that address; its changes are recorded as made through `source`, by the key's
    /// name. For a key whose holder was verified: the use is noted.
    ///
    /// The address of a UDP datagram proves nothing; give `None` for it, which is outside all networks.
    ///
    /// # Errors
    ///
    /// The key may not be used from there.
    pub fn tenant(
        &self,
        identity: &KeyIdentity,
        source: Source,
        address: Option<IpAddr>,
    ) -> Result<Tenant, OutsideNetworks> {
        let KeyIdentity { key, noted, .. } = identity;
        if !key.networks.contains(address) {
            return Err(OutsideNetworks);
        }
        let now = self.store.now().as_millisecond();
        if (now - noted.load(Ordering::Relaxed)).abs() >= NOTE_EVERY_MS {
            noted.store(now, Ordering::Relaxed);
            self.store.inner.shared.refusals.note_use(key.row, now);
        }
        let author = Author { account: key.account, name: key.name.clone(), source, address };
        let zones = ZoneScope::Only(key.zones.iter().map(|zone| zone.id).collect());
        Ok(Tenant { store: self.store.clone(), author, zones, scope: Some(Arc::clone(&key.scope)) })
    }

    /// Notes that a request of the key was refused, for its owner to read. Stored within a second or so, equal ones as one;
    /// beyond a bound, further ones are dropped.
    pub fn note_refusal(&self, identity: &KeyIdentity, refusal: Refusal) {
        self.store.inner.shared.refusals.note(identity.key.row, refusal.tidy());
    }

    /// [`Store::now`].
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }
}

/// Whether the key is one that can be presented in this way.
fn is_presented((_, key, _, stored): &Found, handle: &Handle) -> bool {
    match handle {
        Handle::Name(_) => key.door.is_none(),
        Handle::Token(hash) => key.door.is_none() && identities::is_same(stored, hash),
        Handle::Path(door, hash) => key.door == Some(*door) && identities::is_same(stored, hash),
    }
}
