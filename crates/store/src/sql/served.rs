//! Zones as they are served, for queries: found by a name inside, and read name by name.

use std::sync::Arc;

use dns::{Name, ZoneName};

use super::db::Connection;
use super::readers::Size;
use super::writer::View;
use super::zones;
use crate::logic::served::ServedZone;
use crate::{Journal, StoreError};

impl Journal {
    /// Reads in the zone that `name` lies in, its first `skip` labels left out: the deepest one that nameservers are to serve.
    /// All that `read` sees is of one moment, and it must ask for a few names only. `None`: there is no such zone.
    pub async fn within<T, F>(&self, name: &Name, skip: usize, read: F) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&ServedZone<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (name, shared) = (name.clone(), Arc::clone(&self.store.inner.shared));
        let read = move |connection: &Connection| {
            let names = std::iter::successors(Some(name), Name::parent).skip(skip);
            for name in names.filter(|name| !name.is_root()).map(ZoneName::from_stored) {
                let Some(zone) = zones::by_name(connection, &name)? else { continue };
                if !zone.zone.withheld.is_served() {
                    return Ok(None);
                }
                let view = View { connection, shared: &shared };
                return read(&ServedZone::new(&view, zone)?).map(Some);
            }
            Ok(None)
        };
        self.store.inner.readers.run(Size::Small, read).await
    }
}
