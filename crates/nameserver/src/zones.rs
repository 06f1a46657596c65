//! The catalogue: the served zones, each at its current version.
//!
//! Readers load a pointer to the catalogue's map and then to a zone's version; they hold both for one query, and never wait for a
//! writer. A change of a zone swaps the zone's own pointer and not the map; a new or removed zone publishes a new map, which
//! shares all but one path with the one before.
//!
//! Decided against: a lock around a hash table. While a large table grows, every query would wait.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use dns::{OwnerName, RecordType, Serial, ZoneDelta, ZoneId, ZoneName, ZoneSnapshot};

use crate::name::FlatName;
use crate::zone::Zone;

/// The zones that are served. Cloning is cheap, and all clones are the same catalogue.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    catalogue: Arc<Catalogue>,
}

/// Why a delta was not applied. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// No zone of that name, or another zone under that name.
    #[error("the zone is not served")]
    NotServed,
    /// The zone is not at the version that the delta starts from.
    #[error("the zone is served at serial {served}, but the change starts from another serial")]
    OtherSerial {
        /// The serial it is served at.
        served: Serial,
    },
    /// The serial is right and the content is not: a record to be removed is missing (or has another TTL), or one to be added
    /// is there already (or its RRset has another TTL).
    #[error("the served zone does not match its serial: see {record_type} at {owner}")]
    Diverged {
        /// Where the difference was seen first.
        owner: OwnerName,
        /// In which RRset.
        record_type: RecordType,
    },
}

impl Zones {
    /// An empty catalogue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which zone is served under that name, and its serial.
    pub fn served(&self, name: &ZoneName) -> Option<(ZoneId, Serial)> {
        let zone = self.get(name.name().wire())?;
        Some((zone.id(), zone.serial()))
    }

    /// Serves a zone as it is in `snapshot`, whatever was served under its name before.
    pub fn load(&self, snapshot: ZoneSnapshot) {
        let zone = Arc::new(Zone::new(&snapshot));
        drop(snapshot);
        let shard = self.catalogue.shard(zone.name().name().wire());
        let _writing = shard.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let served = shard.served.load();
        if let Some(slot) = served.get(zone.name().name().wire()) {
            slot.store(zone);
            return;
        }
        let key = Key(zone.name().clone());
        shard.served.store(Arc::new(served.update(key, Arc::new(ArcSwap::new(zone)))));
    }

    /// Takes a zone from one version to another, if the zone with that id is served at exactly the serial of `delta.from`.
    /// Queries see all of the change or nothing of it.
    pub fn apply(&self, delta: &ZoneDelta) -> Result<(), ApplyError> {
        let wire = delta.name.name().wire();
        let slot = self.catalogue.shard(wire).served.load().get(wire).cloned().ok_or(ApplyError::NotServed)?;
        loop {
            let current = slot.load();
            if current.id() != delta.id {
                return Err(ApplyError::NotServed);
            }
            if current.serial() != delta.from.serial {
                return Err(ApplyError::OtherSerial { served: current.serial() });
            }
            let next = current.after(delta).map_err(|diverged| ApplyError::Diverged {
                owner: diverged.owner,
                record_type: diverged.record_type,
            })?;
            // Another writer may have been first; then the serial must be checked again.
            let before = slot.compare_and_swap(&*current, Arc::new(next));
            if Arc::ptr_eq(&before, &current) {
                return Ok(());
            }
        }
    }

    /// Stops serving the zone. Not an error if it is not served.
    pub fn remove(&self, name: &ZoneName) {
        let wire = name.name().wire();
        let shard = self.catalogue.shard(wire);
        let _writing = shard.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let served = shard.served.load();
        if served.contains_key(wire) {
            shard.served.store(Arc::new(served.without(wire)));
        }
    }

    /// How many zones are served.
    pub fn len(&self) -> usize {
        self.catalogue.shards.iter().map(|shard| shard.served.load().len()).sum()
    }

    /// Whether no zone is served.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The zone with exactly that name, in lower-case wire form, at its current version.
    pub(crate) fn get(&self, wire: &[u8]) -> Option<Arc<Zone>> {
        Some(self.catalogue.shard(wire).served.load().get(wire)?.load_full())
    }

    /// The zone that answers for a name, without its first `skip` labels, and how many labels the name has below the apex.
    pub(crate) fn closest(&self, name: &FlatName, skip: usize) -> Option<(Guard<Arc<Zone>>, usize)> {
        (skip..=name.label_count()).find_map(|depth| {
            let wire = name.suffix(depth);
            let zone = self.catalogue.shard(wire).served.load().get(wire)?.load();
            Some((zone, depth))
        })
    }

    /// Whether no zone is served between a name and its ancestor `depth` labels above.
    pub(crate) fn none_closer(&self, name: &FlatName, depth: usize) -> bool {
        (0..depth)
            .map(|labels| name.suffix(labels))
            .all(|wire| !self.catalogue.shard(wire).served.load().contains_key(wire))
    }
}

/// Writers of different zones rarely meet, and the path to copy for a new zone is short, with this many maps instead of one.
const SHARDS: usize = 64;

struct Catalogue {
    shards: Box<[Shard]>,
    hasher: RandomState,
}

impl Catalogue {
    fn shard(&self, wire: &[u8]) -> &Shard {
        &self.shards[self.hasher.hash_one(wire) as usize % SHARDS]
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Catalogue { shards: (0..SHARDS).map(|_| Shard::default()).collect(), hasher: RandomState::new() }
    }
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Shard {
    served: ArcSwap<imbl::HashMap<Key, Arc<ArcSwap<Zone>>>>,
    /// Held while a new map is made, so that none is lost.
    writing: Mutex<()>,
}

/// A zone's name that can be looked up by octets.
#[derive(Clone, PartialEq, Eq)]
struct Key(ZoneName);

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.0.name().wire()
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let wire: &[u8] = self.borrow();
        wire.hash(state);
    }
}
