//! The user that named runs as if this server is root, and the files that belong to this user.
//!
//! ```text
//!   /var/lib/zonewright          root:bind 0710   bind may pass through, and see nothing
//!   |-- zonewright.sqlite, ...   root      0600
//!   `-- bind9/                   bind:bind 2770   files that root makes here get the group, so that both can write them
//!       |-- keys/, rndc.conf     root      0700, 0600
//!       |-- named.conf           root:bind 0640
//!       `-- zones/, catalogs/, dnssec/            as the folder
//! ```
//!
//! Folders above the data directory belong to the system and their permissions are never changed. If one is not accessible, the
//! error names it.
//!
//! `id` looks up the user, from the same sources as named. Decided against: reading `/etc/passwd`, which does not have all users;
//! and a crate around `getpwnam`, of which only one call would be used.

use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::StartError;

/// Of the folders that named writes in.
const FOLDER_MODE: u32 = 0o2770;

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    /// The user's own group.
    pub(super) gid: u32,
    /// All groups of the user.
    groups: Vec<u32>,
}

/// Why a user cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// There is no such user.
    #[error("there is no user \"{0}\" on this machine")]
    Unknown(String),
    /// The user could not be looked up.
    #[error("users cannot be looked up: `id` cannot be run")]
    Lookup(#[source] io::Error),
}

impl User {
    /// Looks a user up by name. Blocks.
    ///
    /// # Errors
    ///
    /// See [`UserError`].
    pub fn find(name: &str) -> Result<User, UserError> {
        let unknown = || UserError::Unknown(name.to_owned());
        // A number would be taken for a user's number, and named takes names only.
        if name.starts_with('-') || name.parse::<u32>().is_ok() {
            return Err(unknown());
        }
        let numbers = |option: &str| {
            let mut id = Command::new("id");
            let output = id.args([option, name]).stdin(Stdio::null()).output().map_err(UserError::Lookup)?;
            let text = String::from_utf8_lossy(&output.stdout);
            let numbers: Option<Vec<u32>> = text.split_whitespace().map(|number| number.parse().ok()).collect();
            numbers.filter(|numbers| output.status.success() && !numbers.is_empty()).ok_or_else(unknown)
        };
        Ok(User { name: name.to_owned(), uid: numbers("-u")?[0], gid: numbers("-g")?[0], groups: numbers("-G")? })
    }

    /// Whether the user may pass through a folder.
    fn may_pass(&self, folder: &Metadata) -> bool {
        let bit = if folder.uid() == self.uid {
            0o100
        } else if self.groups.contains(&folder.gid()) {
            0o010
        } else {
            0o001
        };
        folder.mode() & bit != 0
    }

    /// Sees to it that the user can reach `folder`. Of the folders above it only `own` is opened where it is closed.
    pub(super) fn reach(&self, folder: &Path, own: Option<&Path>) -> Result<(), StartError> {
        for above in folder.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
            let metadata = fs::metadata(above).map_err(StartError::file(above))?;
            if self.may_pass(&metadata) {
                continue;
            }
            if own != Some(above) {
                return Err(StartError::Closed { folder: above.to_owned(), user: self.name.clone() });
            }
            self.open(above, &metadata).map_err(StartError::file(above))?;
        }
        Ok(())
    }

    /// Allows the user to traverse a folder of this server, and no others unless its group already has access.
    fn open(&self, folder: &Path, metadata: &Metadata) -> io::Result<()> {
        let mode = metadata.mode() & 0o7777;
        if mode & 0o070 != 0 {
            return fs::set_permissions(folder, Permissions::from_mode(mode | 0o001));
        }
        lchown(folder, None, Some(self.gid))?;
        fs::set_permissions(folder, Permissions::from_mode(mode | 0o010))
    }

    /// Gives a folder to the user, without what is in it.
    pub(super) fn own(&self, folder: &Path) -> Result<(), StartError> {
        let owned = lchown(folder, Some(self.uid), Some(self.gid))
            .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)));
        owned.map_err(StartError::file(folder))
    }

    /// Opens a folder for the user, and for files that both make there. Whose it is says whether what is in it was adopted.
    pub(super) fn share(&self, folder: &Path) -> Result<(), StartError> {
        let shared = lchown(folder, None, Some(self.gid))
            .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)));
        shared.map_err(StartError::file(folder))
    }

    /// Gives the user what an earlier named of another user left in a folder, and then the folder itself: a process that is
    /// killed in between begins again. What disappears meanwhile does not count. Blocks.
    pub(super) fn adopt(&self, folder: &Path) -> io::Result<()> {
        match self.adopt_all(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            adopted => adopted,
        }
    }

    fn adopt_all(&self, folder: &Path) -> io::Result<()> {
        if fs::symlink_metadata(folder)?.uid() == self.uid {
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { self.adopt(&entry.path())? } else { self.adopt_file(&entry.path())? }
        }
        lchown(folder, Some(self.uid), Some(self.gid))?;
        fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))
    }

    /// Gives the user one file, if it is there. Links are not followed.
    pub(super) fn adopt_file(&self, path: &Path) -> io::Result<()> {
        match lchown(path, Some(self.uid), Some(self.gid)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Lets the user read a file that stays this server's.
    pub(super) fn let_read(&self, path: &Path) -> Result<(), StartError> {
        let done =
            lchown(path, None, Some(self.gid)).and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o640)));
        done.map_err(StartError::file(path))
    }
}

/// Whether this process is root, and so has to run named as another user.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What of a folder may be an earlier named's, beside its subfolders.
pub(super) fn files_of_named(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_of_named = |name: &str| name.starts_with("_default.") || matches!(name, "named.pid" | "named.lock");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_of_named) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_only() {
        let root = User::find("root").unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        for name in ["", "0", "-u", "nobody-of-this-name", "root root", "../root"] {
            assert!(matches!(User::find(name), Err(UserError::Unknown(_))), "{name}");
        }
    }

    #[test]
    fn of_the_folders_above_only_the_servers_own_is_opened() {
        let top = tempfile::tempdir().unwrap();
        let (data, folder) = (top.path().join("data"), top.path().join("data/bind9"));
        fs::create_dir_all(&folder).unwrap();
        // A user that owns nothing here.
        let user = User { name: "other".to_owned(), uid: 4_000_000, gid: 4_000_000, groups: vec![4_000_000] };
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        fs::set_permissions(top.path(), Permissions::from_mode(0o700)).unwrap();
        let error = user.reach(&folder, Some(&data)).unwrap_err();
        let closed = matches!(&error, StartError::Closed { folder, .. } if folder == top.path());
        assert!(closed && error.to_string().contains("chmod o+x"), "{error}");
        fs::set_permissions(top.path(), Permissions::from_mode(0o711)).unwrap();
        // A group with rights of its own keeps them.
        fs::set_permissions(&data, Permissions::from_mode(0o750)).unwrap();
        user.reach(&folder, Some(&data)).unwrap();
        assert_eq!(mode(&data), 0o751);
        user.reach(&folder, Some(&data)).unwrap();
        assert_eq!((mode(&data), mode(top.path())), (0o751, 0o711));
    }
}
