//! A cache of the identities of tokens and update keys: with it, authentication reads no database.
//!
//! This process flushes it at once when it changes a token, a key or an account; the watcher flushes it when another process does. Unknown
//! tokens are not cached: a client could fill the cache with them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use dns::Name;
use subtle::ConstantTimeEq;

use crate::{Door, Identity, KeyIdentity, Timestamp, TokenId};

/// The capacity of the cache for tokens; an identity takes a few hundred octets.
const CAPACITY: usize = 10_000;

/// The capacity of the cache for update keys; one with the widest scope takes 60 KB.
const KEY_CAPACITY: usize = 2_000;

/// How often the use of a token or a key is noted.
pub(super) const NOTE_EVERY_MS: i64 = 60_000;

/// What is stored of a token's text: SHA-256 is right for 256 random bits, which cannot be guessed at any speed.
pub(super) type TokenHash = [u8; 32];

/// A use of a token that is yet to be stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenUse {
    pub(super) token: TokenId,
    /// Milliseconds since 1970.
    pub(super) time: i64,
    pub(super) address: Option<IpAddr>,
}

/// The cache, and the uses of tokens that are not stored yet.
#[derive(Debug, Default)]
pub(super) struct Identities {
    known: RwLock<Known>,
    uses: Mutex<HashMap<TokenId, TokenUse>>,
}

#[derive(Debug, Default)]
struct Known {
    /// The number of flushes.
    age: u64,
    by_hash: HashMap<TokenHash, Arc<Identity>>,
    keys: HashMap<Handle, Arc<KeyIdentity>>,
}

/// What an update key is looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Handle {
    /// The name in a DNS message.
    Name(Name),
    /// Its token.
    Token(TokenHash),
    /// Its path.
    Path(Door, TokenHash),
}

/// Cache generation: a value read before a flush must not be inserted after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Age(u64);

impl Identities {
    /// The generation, to be read before the database.
    pub(super) fn age(&self) -> Age {
        Age(self.known.read().unwrap_or_else(PoisonError::into_inner).age)
    }

    /// The identity of a hash, if it is cached.
    pub(super) fn get(&self, hash: &TokenHash) -> Option<Arc<Identity>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.by_hash.get_key_value(hash).filter(|(known, _)| is_same(known, hash)).map(|(_, found)| Arc::clone(found))
    }

    /// Records a use of the token, and returns the identity as it is cached from now on.
    pub(super) fn accept(
        &self,
        hash: &TokenHash,
        identity: Arc<Identity>,
        age: Age,
        now: Timestamp,
        address: Option<IpAddr>,
    ) -> Arc<Identity> {
        let now_ms = now.as_millisecond();
        let noted = identity.token.last_used_at.map(|time| time.as_millisecond());
        let is_fresh = noted.is_some_and(|noted| (now_ms - noted).abs() < NOTE_EVERY_MS);
        if is_fresh {
            self.remember(hash, &identity, age, false);
            return identity;
        }
        let mut touched = Identity::clone(&identity);
        touched.token.last_used_at = Some(now);
        touched.token.last_address = address;
        self.uses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(touched.token.id, TokenUse { token: touched.token.id, time: now_ms, address });
        let touched = Arc::new(touched);
        self.remember(hash, &touched, age, true);
        touched
    }

    fn remember(&self, hash: &TokenHash, identity: &Arc<Identity>, age: Age, replace: bool) {
        if !replace && self.get(hash).is_some() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.age != age.0 {
            return;
        }
        if known.by_hash.len() >= CAPACITY && !known.by_hash.contains_key(hash) {
            known.by_hash.clear();
        }
        known.by_hash.insert(*hash, Arc::clone(identity));
    }

    /// The key, if it is cached.
    pub(super) fn key(&self, handle: &Handle) -> Option<Arc<KeyIdentity>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.keys.get(handle).map(Arc::clone)
    }

    /// Caches a key that was read from the database.
    pub(super) fn remember_key(&self, handle: Handle, identity: &Arc<KeyIdentity>, age: Age) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.age != age.0 {
            return;
        }
        if known.keys.len() >= KEY_CAPACITY {
            known.keys.clear();
        }
        known.keys.insert(handle, Arc::clone(identity));
    }

    /// Flushes the cache: an identity may have changed.
    pub(super) fn empty(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.age += 1;
        known.by_hash.clear();
        known.keys.clear();
    }

    /// The uses that are not stored yet; they count as stored from now on.
    pub(super) fn take_uses(&self) -> Vec<TokenUse> {
        std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect()
    }
}

/// Compares in constant time.
pub(super) fn is_same(one: &TokenHash, other: &TokenHash) -> bool {
    one.ct_eq(other).into()
}
