//! The folder of a primary's zone files: the lock, the files, and how they are written and removed.
//!
//! ```text
//!   .lock                      held by the one process that deploys here; says its number
//!   3f/<uuid>.zone             a zone file; 256 subfolders by the UUID's last octet, the one that is most random
//!   3f/<uuid>.zone.new         ours, half written: removed at the next start
//!   3f/<uuid>.zone.old         ours, the file before a rebuild that is not confirmed yet: removed at the next start
//!   3f/<uuid>.zone.{jnl,jnw,jbk,signed,signed.jnl}   named's
//!   3f/tmp-XXXXXXXXXX          named's, while it writes a zone file; one that is an hour old was left behind, and is removed
//! ```
//!
//! A file is named after the zone's identity, never its name: a zone that is created again under an old name cannot meet the old
//! one's journal, and the slash of an RFC 2317 name is not part of a path. The lock makes `addzone`, `delzone`, renames, `freeze`
//! and `thaw` safe, which have no conditions; it also works for a process that was stopped and continued.
//!
//! Every file is complete or does not exist: it is written next to its final place, synced, renamed, and its folder synced.
//! Without that last sync, a power failure could restore the older file after the journal that made it newer was unlinked.
//!
//! The files are read once, at the start, and kept in memory as a map from name to identities, because a file's name has only the
//! identity. The header's first line has the name. If named has rewritten the file, which removes comments, the name is the owner
//! of the first record.
//!
//! Decided against: an index file (a second source of truth), and one flat folder, whose kernel lock all writers would compete
//! for.

mod header;
mod lock;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use dns::{Serial, ZoneId, ZoneName, ZoneSnapshot, zonefile};
use store::Clock;
use uuid::Uuid;

use self::lock::Lock;
use super::NO_FOLLOW;
use crate::config_text::{ConfigText, ConfigTextError};

/// How many threads read a folder at the start: more wait for the disk than for the processor.
const READERS: usize = 8;
/// What named and we add to a zone file's name. The journals come first: a zone file without its journal is an older version
/// at most, a journal without its zone file can be taken for another's.
const JOURNALS: [&str; 5] = [".jnl", ".jnw", ".jbk", ".signed.jnl", ".signed"];
const STAGED: &str = ".new";
const KEPT: &str = ".old";
/// What named's temporary files begin with, and after how long one has no use any more: a named that was killed left it.
const TEMPORARY: &str = "tmp-";
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(3600);

/// A folder of zone files that no other process deploys to. All methods block.
#[derive(Debug)]
pub struct ZoneFolder {
    path: PathBuf,
    mode: u32,
    clock: Clock,
    lock: Lock,
    files: Mutex<HashMap<ZoneName, Vec<ZoneId>>>,
}

impl ZoneFolder {
    /// As [`ZoneFolder::lock`], then [`ZoneFolder::read`].
    ///
    /// # Errors
    ///
    /// See there.
    pub fn open(path: &Path, clock: Clock) -> Result<ZoneFolder, FolderError> {
        let folder = ZoneFolder::lock(path, clock)?;
        folder.read()?;
        Ok(folder)
    }

    /// Takes the folder at `path`, and makes it where there is none. Before anything else, [`ZoneFolder::read`] has to be called.
    ///
    /// # Errors
    ///
    /// [`FolderError::Locked`] while another process has it.
    pub fn lock(path: &Path, clock: Clock) -> Result<ZoneFolder, FolderError> {
        ConfigText::from_path(path)?;
        fs::create_dir_all(path).map_err(FolderError::at(path))?;
        let lock = Lock::take(path)?;
        let mode = fs::metadata(path).map_err(FolderError::at(path))?.permissions().mode() & 0o7777;
        let files = Mutex::default();
        Ok(ZoneFolder { path: path.to_owned(), mode, clock, lock, files })
    }

    /// Clears away what an earlier process left half done, and reads which zones are there: a while, where there are many.
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn read(&self) -> Result<(), FolderError> {
        self.look(true)
    }

    /// The zones that have files here, each with its name.
    pub fn zones(&self) -> Vec<(ZoneName, ZoneId)> {
        let files = self.files();
        files.iter().flat_map(|(name, ids)| ids.iter().map(|id| (name.clone(), *id))).collect()
    }

    /// The zones of that name that have files here: as a rule one.
    pub fn ids(&self, name: &ZoneName) -> Vec<ZoneId> {
        self.files().get(name).cloned().unwrap_or_default()
    }

    /// Looks which files are there now: the folder may have been emptied or filled by others.
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn scan(&self) -> Result<(), FolderError> {
        self.look(false)
    }

    fn look(&self, is_start: bool) -> Result<(), FolderError> {
        let left_before = SystemTime::from(self.clock.now()) - LEFT_BEHIND_AFTER;
        let known: HashMap<ZoneId, ZoneName> = self.zones().into_iter().map(|(name, id)| (id, name)).collect();
        let shards: Vec<PathBuf> = (0..=u8::MAX).map(|shard| self.path.join(shard_name(shard))).collect();
        let found = std::thread::scope(|scope| {
            let readers: Vec<_> = shards
                .chunks(shards.len().div_ceil(READERS))
                .map(|shards| {
                    let known = &known;
                    scope.spawn(move || scan_shards(shards, known, is_start, left_before))
                })
                .collect();
            let mut found = Vec::new();
            for reader in readers {
                found.extend(reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            Ok::<_, FolderError>(found)
        })?;
        let mut files: HashMap<ZoneName, Vec<ZoneId>> = HashMap::with_capacity(found.len());
        for (name, id) in found {
            files.entry(name).or_default().push(id);
        }
        let mut now = self.files();
        // What was put there while the folder was read, it may have missed.
        for (name, ids) in now.iter() {
            for id in ids.iter().filter(|id| !known.contains_key(id)) {
                let ids = files.entry(name.clone()).or_default();
                if !ids.contains(id) {
                    ids.push(*id);
                }
            }
        }
        *now = files;
        Ok(())
    }

    /// Puts a zone's file in its place, without journals.
    ///
    /// # Errors
    ///
    /// See [`FolderError`]; the place is as it was then.
    pub fn write(self: &Arc<Self>, zone: &ZoneSnapshot) -> Result<(), FolderError> {
        self.stage(zone)?.put()
    }

    /// As [`ZoneFolder::write`], but the folder's own change is durable only after [`ZoneFolder::sync`]: for many files.
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn write_for_sync(self: &Arc<Self>, zone: &ZoneSnapshot) -> Result<(), FolderError> {
        self.stage(zone)?.rename()
    }

    /// Makes durable which files are where.
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn sync(&self) -> Result<(), FolderError> {
        (0..=u8::MAX).try_for_each(|shard| self.sync_shard(shard))
    }

    /// Writes a zone's file beside its place, durably.
    ///
    /// # Errors
    ///
    /// See [`FolderError`]; nothing is left behind then.
    pub fn stage(self: &Arc<Self>, zone: &ZoneSnapshot) -> Result<Staged, FolderError> {
        self.lock.assure()?;
        let path = self.file(zone.id);
        let (name, path) = (zone.name.clone(), with_suffix(&path, STAGED));
        let staged = Staged { folder: Arc::clone(self), id: zone.id, name, path, is_put: false };
        let mut text = header::line(zone, self.clock.now());
        text += &zonefile::render(zone);
        match self.write_new(&staged.path, text.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_shard(zone.id)?;
                self.write_new(&staged.path, text.as_bytes())
            }
            result => result,
        }
        .map_err(FolderError::at(&staged.path))?;
        Ok(staged)
    }

    /// Unlinks the journals of a zone, and what named keeps of its signatures. They say nothing that the store does not.
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn remove_journals(&self, id: ZoneId) -> Result<(), FolderError> {
        self.lock.assure()?;
        let file = self.file(id);
        JOURNALS.iter().try_for_each(|suffix| unlink(&with_suffix(&file, suffix)))
    }

    /// Unlinks a zone's file and all that belongs to it.
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn remove(&self, name: &ZoneName, id: ZoneId) -> Result<(), FolderError> {
        self.remove_journals(id)?;
        let file = self.file(id);
        [STAGED, KEPT, ""].iter().try_for_each(|suffix| unlink(&with_suffix(&file, suffix)))?;
        let mut files = self.files();
        if let Some(ids) = files.get_mut(name) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                files.remove(name);
            }
        }
        Ok(())
    }

    /// The serial in a zone's file; `None` where there is no file.
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn serial(&self, id: ZoneId) -> Result<Option<Serial>, FolderError> {
        let file = self.file(id);
        header::serial(&file).map_err(FolderError::at(&file))
    }

    /// Keeps the file that is in a zone's place, for [`ZoneFolder::restore`].
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn keep(&self, id: ZoneId) -> Result<(), FolderError> {
        let (file, kept) = (self.file(id), with_suffix(&self.file(id), KEPT));
        unlink(&kept)?;
        match fs::hard_link(&file, &kept) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(FolderError::at(&kept)(error)),
            _ => Ok(()),
        }
    }

    /// Restores the saved file.
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn restore(&self, id: ZoneId) -> Result<(), FolderError> {
        let (file, kept) = (self.file(id), with_suffix(&self.file(id), KEPT));
        match fs::rename(&kept, &file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(FolderError::at(&file)(error)),
            _ => Ok(()),
        }
    }

    /// Deletes the saved file.
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn drop_kept(&self, id: ZoneId) -> Result<(), FolderError> {
        unlink(&with_suffix(&self.file(id), KEPT))
    }

    /// The path of the zone's file for named.
    ///
    /// # Errors
    ///
    /// See [`ConfigTextError`].
    pub fn config_text(&self, id: ZoneId) -> Result<ConfigText, ConfigTextError> {
        ConfigText::from_path(&self.path.join(relative(id)))
    }

    /// The zone whose file this is, by its path; `None` for a file elsewhere.
    pub fn id_of(&self, path: &str) -> Option<ZoneId> {
        let rest = Path::new(path).strip_prefix(&self.path).ok()?.to_str()?;
        let (_, file) = rest.split_once('/')?;
        let id = ZoneId(Uuid::parse_str(file.strip_suffix(".zone")?).ok()?);
        (relative(id) == rest).then_some(id)
    }

    fn sync_shard(&self, shard: u8) -> Result<(), FolderError> {
        let shard = self.path.join(shard_name(shard));
        match File::open(&shard).and_then(|shard| shard.sync_all()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(FolderError::at(&shard)(error)),
            _ => Ok(()),
        }
    }

    fn files(&self) -> MutexGuard<'_, HashMap<ZoneName, Vec<ZoneId>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, id: ZoneId) -> PathBuf {
        self.path.join(relative(id))
    }

    /// The zone files are as readable and writable as the folder is: named may be another user, of the same group.
    fn make_shard(&self, id: ZoneId) -> Result<(), FolderError> {
        let shard = self.path.join(shard_name(shard_of(id)));
        fs::create_dir_all(&shard).map_err(FolderError::at(&shard))?;
        fs::set_permissions(&shard, Permissions::from_mode(self.mode)).map_err(FolderError::at(&shard))
    }

    fn write_new(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(NO_FOLLOW)
            .open(path)?;
        let written = file
            .set_permissions(Permissions::from_mode(self.mode & 0o666))
            .and_then(|()| file.write_all(content))
            .and_then(|()| file.sync_all());
        if written.is_err() {
            // It holds nothing; the next start removes it too.
            let _ = fs::remove_file(path);
        }
        written
    }
}

/// A zone file that is written and not in its place yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Staged {
    folder: Arc<ZoneFolder>,
    id: ZoneId,
    name: ZoneName,
    path: PathBuf,
    is_put: bool,
}

impl Staged {
    /// Unlinks the journals of what was in its place, and puts it there, durably.
    ///
    /// # Errors
    ///
    /// See [`FolderError`].
    pub fn put(self) -> Result<(), FolderError> {
        let (folder, shard) = (Arc::clone(&self.folder), shard_of(self.id));
        self.rename()?;
        folder.sync_shard(shard)
    }

    fn rename(mut self) -> Result<(), FolderError> {
        self.folder.remove_journals(self.id)?;
        let place = self.folder.file(self.id);
        fs::rename(&self.path, &place).map_err(FolderError::at(&place))?;
        self.is_put = true;
        let mut files = self.folder.files();
        let ids = files.entry(self.name.clone()).or_default();
        if !ids.contains(&self.id) {
            ids.push(self.id);
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_put {
            // The next start removes it too.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Why a zone folder cannot be used as it has to be.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process deploys there.
    #[error("the zone folder {folder} is in use by {}", process.map_or_else(|| "another process".to_owned(), |id| format!("process {id}")))]
    Locked {
        /// Which folder.
        folder: PathBuf,
        /// The other process, if it says.
        process: Option<u32>,
    },
    /// The operating system refused, or there is no room.
    #[error("{path} cannot be used")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder's path has no spelling in named's configuration.
    #[error("the zone folder's path is not valid")]
    Path(#[from] ConfigTextError),
}

impl FolderError {
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> FolderError + use<> {
        let path = path.to_owned();
        move |source| FolderError::File { path, source }
    }
}

fn shard_of(id: ZoneId) -> u8 {
    id.0.as_bytes()[15]
}

fn shard_name(shard: u8) -> String {
    format!("{shard:02x}")
}

fn relative(id: ZoneId) -> String {
    format!("{:02x}/{}.zone", shard_of(id), id.0)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// It is the outcome that counts: what is not there is removed.
fn unlink(path: &Path) -> Result<(), FolderError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(FolderError::at(path)(error)),
        _ => Ok(()),
    }
}

/// The zones of some subfolders. Reads only the files of zones that are not known. Removes what named has left behind, and at the
/// start what an earlier process of ours left half done.
fn scan_shards(
    shards: &[PathBuf],
    known: &HashMap<ZoneId, ZoneName>,
    is_start: bool,
    left_before: SystemTime,
) -> Result<Vec<(ZoneName, ZoneId)>, FolderError> {
    let mut found = Vec::new();
    for shard in shards {
        let entries = match fs::read_dir(shard) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(FolderError::at(shard)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(FolderError::at(shard))?;
            let Ok(file) = entry.file_name().into_string() else { continue };
            let path = shard.join(&file);
            let id_before =
                |suffix: &str| file.strip_suffix(suffix).and_then(|id| Uuid::parse_str(id).ok()).map(ZoneId);
            if let Some(id) = id_before(".zone") {
                match known.get(&id) {
                    Some(name) => found.push((name.clone(), id)),
                    None => match header::zone_name(&path).map_err(FolderError::at(&path))? {
                        Some(name) => found.push((name, id)),
                        None => tracing::warn!(path = %path.display(), "a file without a zone name is not touched"),
                    },
                }
            } else if is_start && (id_before(".zone.new").is_some() || id_before(".zone.old").is_some()) {
                unlink(&path)?;
            } else if file.starts_with(TEMPORARY)
                && entry.metadata().and_then(|file| file.modified()).is_ok_and(|modified| modified < left_before)
            {
                tracing::info!(path = %path.display(), "a file left behind by named is removed");
                unlink(&path)?;
            }
        }
    }
    Ok(found)
}
