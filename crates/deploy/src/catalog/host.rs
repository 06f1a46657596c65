//! How a primary adds or removes a full catalog, which depends on its software.

use std::fmt;

use futures_util::future::BoxFuture;

use super::error::CatalogError;
use super::name::CatalogName;

/// A primary that catalogs are added to. Later versions of a catalog come as dynamic updates, whatever the make.
///
/// Errors are [`CatalogError::Away`] and [`CatalogError::Host`]. After any of them the call may be made again.
pub trait CatalogHost: fmt::Debug + Send + Sync + 'static {
    /// Whether the primary has the catalog as [`CatalogHost::add`] added it. False where it has no such zone, and where it has
    /// another zone of that name.
    fn has(&self, catalog: CatalogName) -> BoxFuture<'_, Result<bool, CatalogError>>;

    /// Removes what the primary has under the catalog's name. That there is nothing is no error.
    fn remove(&self, catalog: CatalogName) -> BoxFuture<'_, Result<(), CatalogError>>;

    /// Adds a catalog that the primary does not have, with the content of a zone file (RFC 1035, section 5).
    fn add(&self, catalog: CatalogName, zone_file: String) -> BoxFuture<'_, Result<(), CatalogError>>;
}
