//! Opens the database of a configuration.

use store::{Clock, Database, Options, Store, StoreError};

use crate::cli::DataFlags;
use crate::config::Config;
use crate::failure::{Failure, chain};

/// Opens the database of a configuration; it and the data directory are made where they are missing.
pub(crate) fn open_store(config: &Config) -> Result<Store, Failure> {
    make_private_folder(&config.data).map_err(|error| {
        let (place, shown) = (config.set_by("data"), config.data.display());
        Failure::Other(format!(
            "{place}: data: cannot create {shown}: {error} (choose a directory that this user can write to)"
        ))
    })?;
    let options = Options {
        clock: Clock::system(),
        limits: config.limits,
        apex: config.apex.clone(),
        key_file: Some(config.key_file()),
        own_names: config.own_names(),
        policy: config.policy,
    };
    Store::open(config.database.clone(), options).map_err(|error| {
        let key = if config.database.file().is_some() { "data" } else { "database" };
        let place = config.set_by(key);
        let shown = match &config.database {
            Database::Sqlite(_) => config.data.display().to_string(),
            Database::Postgres(address) => address.to_string(),
        };
        let is_shared = config.database.file().is_none();
        let hint = match error.health() {
            None if is_shared && matches!(error, StoreError::Key(_)) => {
                " (every node has the same key: copy secret.key from the data directory of another node)"
            }
            Some(store::Health::Damaged) => {
                " (move the file and the files next to it away, and restore the newest backup as zonewright.sqlite)"
            }
            Some(store::Health::DiskFull) => " (free some disk space)",
            Some(store::Health::Unreachable) => " (is the server running, and may this machine connect to it?)",
            Some(store::Health::Good) | None => "",
        };
        let text = format!("{place}: {key}: {shown}: {}{hint}", chain(&error));
        if matches!(error, StoreError::Key(_)) { Failure::Key(text) } else { Failure::Other(text) }
    })
}

/// Opens a database that is there, for commands that make no sense without: a slip in `--data` must not make a new one.
pub(crate) fn open_existing_store(config: &Config) -> Result<Store, Failure> {
    let Some(file) = config.database.file() else { return open_store(config) };
    match file.try_exists() {
        Ok(true) => open_store(config),
        Ok(false) => {
            let (place, shown) = (config.set_by("data"), config.data.display());
            Err(Failure::Other(format!(
                "{place}: data: there is no database in {shown} (check the directory; `zonewright serve` creates the database)"
            )))
        }
        Err(error) => Err(Failure::Other(format!("cannot read {}: {error}", file.display()))),
    }
}

/// Makes a folder that only its owner may look into; one that exists is left as it is.
pub(crate) fn make_private_folder(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens the database for a command that only uses the data.
pub(crate) fn open(data: &DataFlags) -> Result<Store, Failure> {
    open_existing_store(&Config::load_for_data(data)?)
}
