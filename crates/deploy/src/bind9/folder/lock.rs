//! The lock on a zone folder: `flock` on a file in it, which the kernel releases when the process ends for any reason.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::FolderError;
use crate::bind9::NO_FOLLOW;

const NAME: &str = ".lock";

/// Held as long as the value lives.
#[derive(Debug)]
pub(super) struct Lock {
    folder: PathBuf,
    /// What the folder is open for, should it be made again.
    mode: u32,
    file: Mutex<File>,
}

impl Lock {
    pub(super) fn take(folder: &Path) -> Result<Lock, FolderError> {
        let file = Mutex::new(take(folder)?);
        let mode = fs::metadata(folder).map_err(FolderError::at(folder))?.permissions().mode() & 0o7777;
        Ok(Lock { folder: folder.to_owned(), mode, file })
    }

    /// Makes sure that the lock is still the one that others would meet. Who wipes the folder takes the lock's file away: then it is
    /// made and taken again, unless another process was quicker.
    pub(super) fn assure(&self) -> Result<(), FolderError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join(NAME);
        let held = file.metadata().map_err(FolderError::at(&path))?;
        if fs::metadata(&path).is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino())) {
            return Ok(());
        }
        if !self.folder.is_dir() {
            let made = fs::create_dir_all(&self.folder)
                .and_then(|()| fs::set_permissions(&self.folder, Permissions::from_mode(self.mode)));
            made.map_err(FolderError::at(&self.folder))?;
        }
        *file = take(&self.folder)?;
        Ok(())
    }
}

fn take(folder: &Path) -> Result<File, FolderError> {
    let path = folder.join(NAME);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(NO_FOLLOW)
        .open(&path)
        .map_err(FolderError::at(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who holds it may be just writing it.
            let process = file.read_to_string(&mut holder).ok().and_then(|_| holder.trim().parse().ok());
            return Err(FolderError::Locked { folder: folder.to_owned(), process });
        }
        Err(TryLockError::Error(error)) => return Err(FolderError::at(&path)(error)),
    }
    sign(&mut file).map_err(FolderError::at(&path))?;
    Ok(file)
}

/// The process's number is for people; a full disk may keep it from being written.
fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    match writeln!(file, "{}", std::process::id()) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
        result => result,
    }
}
