//! The three keys that this server shares with nameservers, each in a separate file that only this user can read.
//!
//! | file | who has it | what for |
//! |---|---|---|
//! | `control.key` | this server, the primary | the control channel |
//! | `update.key` | this server, the primary | dynamic updates, and transfers to compare |
//! | `transfer.key` | the primary, the secondaries | transfers and NOTIFY |
//!
//! They are created once. A new key must be copied to everything that uses it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use dns::Name;

use wire::secret::Algorithm;
use wire::tsig::{TsigKey, TsigKeyError};

use crate::bind9::key::{self, KeyStatementError};

/// The keys, under the names that configurations give them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// `zonewright-control`.
    pub control: TsigKey,
    /// `zonewright-update`.
    pub update: TsigKey,
    /// `zonewright-transfer`.
    pub transfer: TsigKey,
}

impl Keys {
    /// Reads the keys in `folder`, and makes those that are not there. Blocks.
    ///
    /// # Errors
    ///
    /// See [`KeysError`].
    pub fn load_or_create(folder: &Path) -> Result<Keys, KeysError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(KeysError::file(folder))?;
        Ok(Keys {
            control: load_or_create(folder, "control")?,
            update: load_or_create(folder, "update")?,
            transfer: load_or_create(folder, "transfer")?,
        })
    }
}

/// Why the keys cannot be read or created.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The operating system refused.
    #[error("{path} cannot be used")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file holds something else than one key.
    #[error("{path} is not a key file; if it is deleted, a new key is created, which secondaries then need too")]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyStatementError,
    },
    /// There is no new key.
    #[error("no key could be created")]
    Generate(#[source] TsigKeyError),
}

impl KeysError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> KeysError + use<> {
        let path = path.to_owned();
        move |source| KeysError::File { path, source }
    }
}

fn load_or_create(folder: &Path, purpose: &str) -> Result<TsigKey, KeysError> {
    let path = folder.join(format!("{purpose}.key"));
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(folder, purpose, &path)?;
            fs::read_to_string(&path)
        }
        read => read,
    };
    let text = text.map_err(KeysError::file(&path))?;
    let mode = fs::metadata(&path).map_err(KeysError::file(&path))?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "other users can read this key; run chmod 600");
    }
    key::read(&text).map_err(|source| KeysError::Key { path, source })
}

/// Two processes may do this at the same time: the first one's key counts for both.
fn create(folder: &Path, purpose: &str, path: &Path) -> Result<(), KeysError> {
    let name = Name::parse(&format!("zonewright-{purpose}")).map_err(|error| KeysError::Generate(error.into()))?;
    let new = TsigKey::generate(name, Algorithm::Sha256).map_err(KeysError::Generate)?;
    let draft = folder.join(format!(".{purpose}.key.{}", std::process::id()));
    let written = write_private(&draft, key::statement(&new).as_bytes()).and_then(|()| fs::hard_link(&draft, path));
    // The draft may not be there.
    let _ = fs::remove_file(&draft);
    match written {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(KeysError::file(path)(error)),
        _ => File::open(folder).and_then(|folder| folder.sync_all()).map_err(KeysError::file(folder)),
    }
}

/// Writes a file that only this user can read, whatever the permissions of the old file were.
pub(in crate::bind9) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_for_one_user_only() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("keys");
        let keys = Keys::load_or_create(&folder).unwrap();
        assert_eq!(Keys::load_or_create(&folder).unwrap(), keys);
        assert_eq!(keys.update.name().to_string(), "zonewright-update");
        let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap()).collect();
        names.sort_by_key(fs::DirEntry::file_name);
        for entry in &names {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        }
        assert_eq!(names.len(), 3);
        fs::write(folder.join("update.key"), "key \"other\" {").unwrap();
        let error = Keys::load_or_create(&folder).unwrap_err();
        assert!(matches!(error, KeysError::Key { path, .. } if path.ends_with("update.key")));
    }
}
