//! What the dashboard has of the store. Only `visit` opens it: each page gets what its visitor may do, and that from its
//! extractor alone.

use store::Store;

/// The store, out of the reach of pages.
#[derive(Debug)]
pub(crate) struct Doors(Store);

impl Doors {
    pub(crate) fn new(store: Store) -> Doors {
        Doors(store)
    }

    pub(super) fn store(&self) -> &Store {
        &self.0
    }
}
