//! Catalogs on a BIND primary: one zone file and one `addzone` each.
//!
//! A catalog is served only from its own file: a zone with a catalog's name from another file is removed from named first. An
//! update would make it a catalog that keeps the other file, and everything that secondaries got from it. `primary` never adds a
//! zone of such a name to named, and the store refuses the name to every account.
//!
//! Decided against: catalogs in `named.conf` (a wiped folder would need a restart).

mod file;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use dns::Name;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::control::{Command, Control, ControlError, ControlKey, KeyError, Refusal, ZoneConfig, ZoneKind};
use crate::catalog::{CatalogError, CatalogHost, CatalogName};
use crate::config_text::{ConfigText, ConfigTextError};

/// How the primary is reached, and where the catalogs' files are.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its control channel.
    pub control: SocketAddr,
    /// The control channel's key.
    pub control_key: ControlKey,
    /// The name of the key that may update the catalogs.
    pub update_key: Name,
    /// The folder of the catalogs' files. Created if missing. Only one process may use it.
    pub folder: PathBuf,
}

/// A BIND primary, as far as catalogs are added to it.
#[derive(Debug)]
pub struct CatalogZones {
    control: Control,
    settings: Settings,
}

impl CatalogZones {
    /// The primary that `settings` describe; sends nothing yet.
    ///
    /// # Errors
    ///
    /// The operating system gives no random bytes.
    pub fn new(settings: Settings) -> Result<CatalogZones, KeyError> {
        let control = Control::new(settings.control, settings.control_key.clone())?;
        Ok(CatalogZones { control, settings })
    }

    /// The catalog's file.
    fn file_of(&self, catalog: CatalogName) -> PathBuf {
        self.settings.folder.join(catalog.file_name())
    }
}

impl CatalogHost for CatalogZones {
    fn has(&self, catalog: CatalogName) -> BoxFuture<'_, Result<bool, CatalogError>> {
        async move {
            let status = match self.control.zone_status(&catalog.zone()).await {
                Ok(status) => status,
                Err(error) if matches!(error.refusal(), Some(Refusal::NotFound | Refusal::NotLoaded)) => {
                    return Ok(false);
                }
                Err(source) => return Err(HostError::control(catalog, source)),
            };
            let own = self.file_of(catalog);
            let is_own = status.kind == ZoneKind::Primary
                && status.files.as_deref().is_some_and(|files| own.as_os_str() == files);
            if !is_own {
                tracing::error!(
                    zone.name = %catalog.zone(), file = status.files.unwrap_or_default(),
                    "named has another zone with the name of a catalog; it is replaced with the catalog"
                );
            }
            Ok(is_own)
        }
        .boxed()
    }

    fn remove(&self, catalog: CatalogName) -> BoxFuture<'_, Result<(), CatalogError>> {
        async move {
            match self.control.send(&Command::DelZone(catalog.zone())).await {
                Err(error) if error.refusal() != Some(Refusal::NotFound) => Err(HostError::control(catalog, error)),
                _ => Ok(()),
            }
        }
        .boxed()
    }

    fn add(&self, catalog: CatalogName, zone_file: String) -> BoxFuture<'_, Result<(), CatalogError>> {
        async move {
            let (folder, name) = (self.settings.folder.clone(), catalog.file_name());
            let written = tokio::task::spawn_blocking(move || file::put(&folder, &name, &zone_file)).await;
            written.map_err(|_| HostError::Stopped)?.map_err(|(path, source)| HostError::File { path, source })?;
            let file = ConfigText::from_path(&self.file_of(catalog)).map_err(HostError::Folder)?;
            let config =
                ZoneConfig { update_keys: vec![self.settings.update_key.clone()], ..ZoneConfig::primary(file) };
            let add = Command::AddZone { zone: catalog.zone(), config: Box::new(config) };
            self.control.send(&add).await.map_err(|error| HostError::control(catalog, error))?;
            Ok(())
        }
        .boxed()
    }
}

/// The name of a catalog's file, as configuration spells it.
#[expect(clippy::expect_used, reason = "hexadecimal digits need no quoting")]
pub(super) fn file(catalog: CatalogName) -> ConfigText {
    ConfigText::new(&catalog.file_name()).expect("a plain text")
}

/// Why named does not take a catalog.
#[derive(Debug, thiserror::Error)]
enum HostError {
    /// A command was refused, or not answered.
    #[error("the catalog {catalog} could not be added")]
    Control {
        catalog: String,
        #[source]
        source: ControlError,
    },
    /// The file could not be written.
    #[error("{path} cannot be written")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The folder's path has no spelling in named's configuration.
    #[error("the folder of the catalogs is not valid")]
    Folder(#[source] ConfigTextError),
    /// The thread that writes files has ended, with the runtime.
    #[error("the server is stopping")]
    Stopped,
}

impl HostError {
    fn control(catalog: CatalogName, source: ControlError) -> CatalogError {
        HostError::Control { catalog: catalog.zone().to_string(), source }.into()
    }
}

impl From<HostError> for CatalogError {
    fn from(error: HostError) -> CatalogError {
        let is_away = match &error {
            HostError::Control { source, .. } => {
                !matches!(source, ControlError::Refused(_) | ControlError::Protocol(_) | ControlError::TooLong(_))
            }
            HostError::Stopped => true,
            HostError::File { .. } | HostError::Folder(_) => false,
        };
        if is_away { CatalogError::Away(Box::new(error)) } else { CatalogError::Host(Box::new(error)) }
    }
}
