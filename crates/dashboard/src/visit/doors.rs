//! The dashboard's access to the store. Only `visit` creates it, so that each page can do only what its visitor is allowed to do,
//! and gets this access only from its extractor.

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
