//! A catalog's file: written completely or not at all, and without the journals of an earlier file.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::bind9::NO_FOLLOW;

/// What named keeps beside a zone file.
const JOURNALS: [&str; 2] = [".jnl", ".jbk"];

/// Puts a file in its place; an error names the file. The zone must not be loaded. Blocks.
pub(super) fn put(folder: &Path, name: &str, text: &str) -> Result<(), (PathBuf, io::Error)> {
    let path = folder.join(name);
    write(folder, &path, text).map_err(|source| (path, source))
}

fn write(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    make(folder)?;
    for suffix in JOURNALS {
        match fs::remove_file(with_suffix(path, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let draft = with_suffix(path, ".new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).custom_flags(NO_FOLLOW).open(&draft)?;
    // As readable as the folder is: named may be another user, of the same group.
    let mode = fs::metadata(folder)?.permissions().mode();
    file.set_permissions(Permissions::from_mode(mode & 0o666))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}

/// As open as the folder above it: named writes its journals there, perhaps as another user of the same group.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    match folder.parent() {
        Some(above) => fs::set_permissions(folder, fs::metadata(above)?.permissions()),
        None => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
