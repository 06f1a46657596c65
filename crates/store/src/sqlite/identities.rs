//! The identities that were asked for lately, in memory: with them, authenticating costs no database read.
//!
//! Emptied at once by this process's own changes, and by the watcher when another process changed one. What is unknown is not
//! kept: anybody could fill the memory with it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use subtle::ConstantTimeEq;

use super::tokens::{TokenHash, TokenUse};
use crate::{Identity, Timestamp, TokenId};

/// The most identities that are kept; a few hundred octets each.
const CAPACITY: usize = 10_000;

/// How often the use of a token is noted.
const NOTE_EVERY_MS: i64 = 60_000;

/// The identities in memory, and the uses that are yet to be stored.
#[derive(Debug, Default)]
pub(super) struct Identities {
    known: RwLock<Known>,
    uses: Mutex<HashMap<TokenId, TokenUse>>,
}

#[derive(Debug, Default)]
struct Known {
    /// Counts how often the memory was emptied.
    age: u64,
    by_hash: HashMap<TokenHash, Arc<Identity>>,
}

/// A moment of the memory: what was read before it was emptied may not come into it afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Age(u64);

impl Identities {
    /// The moment before a read of the database.
    pub(super) fn age(&self) -> Age {
        Age(self.known.read().unwrap_or_else(PoisonError::into_inner).age)
    }

    /// The identity of a hash, if it is known.
    pub(super) fn get(&self, hash: &TokenHash) -> Option<Arc<Identity>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.by_hash.get_key_value(hash).filter(|(known, _)| is_same(known, hash)).map(|(_, found)| Arc::clone(found))
    }

    /// Accepts a use of the token, and gives the identity back as it is known from now on.
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

    /// Forgets everything: an identity may have changed.
    pub(super) fn empty(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.age += 1;
        known.by_hash.clear();
    }

    /// The uses that are not stored yet; they count as stored from now on.
    pub(super) fn take_uses(&self) -> Vec<TokenUse> {
        std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect()
    }
}

/// Compares in a time that does not tell how much is equal.
pub(super) fn is_same(one: &TokenHash, other: &TokenHash) -> bool {
    one.ct_eq(other).into()
}
