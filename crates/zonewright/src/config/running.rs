//! The settings of the servers on a data directory, for commands that run beside them.
//!
//! Each `serve` process writes its settings to its own file, `running/N.toml` in the data directory, and holds a lock (`flock`)
//! on it. The kernel releases the lock when the process ends for any reason, so a locked file belongs to a live process. Of
//! several live processes the oldest is used: a second server, such as one that takes over for an upgrade, changes nothing for
//! commands while the first runs. If no server runs, the one that started last is used.
//!
//! Decided against: process ids, which the kernel reuses and which have no meaning in another container; and asking the server
//! over HTTP, for which a command would need the server's address and a token.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::ConfigError;

/// The folder in the data directory.
const FOLDER: &str = "running";
/// Held while a server adds its file, so that two that start at once get different numbers.
const LOCK: &str = "lock";
/// Where a file is written before it is complete.
const UNFINISHED: &str = "unfinished";
const EXTENSION: &str = "toml";
/// Settings are a few kilobytes; more is no file of ours.
const LONGEST: u64 = 1 << 20;
/// How often the folder is read again when a file disappears in between: each time, a server has started meanwhile.
const ATTEMPTS: usize = 5;

/// The settings of a server.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) path: PathBuf,
    /// Whether its process is alive.
    pub(super) is_running: bool,
    pub(super) settings: toml::Table,
}

/// The lock on the file of this process; commands take the process for dead once it is dropped.
#[derive(Debug)]
pub(crate) struct Announcement(#[expect(dead_code, reason = "it is held, not used")] File);

/// Writes the settings of this process, and removes the files of dead ones.
pub(super) fn announce(data: &Path, settings: &toml::Table) -> io::Result<Announcement> {
    let folder = data.join(FOLDER);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let lock = private(&folder.join(LOCK))?;
    lock.lock()?;
    let text = toml::to_string(settings).map_err(io::Error::other)?;
    let unfinished = folder.join(UNFINISHED);
    let mut file = private(&unfinished)?;
    file.lock()?;
    file.set_len(0)?;
    writeln!(file, "# The settings of the server with process id {}, for commands.", std::process::id())?;
    writeln!(file, "# Written at its start; changes here have no effect on it.")?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let known = numbers(&folder)?;
    fs::rename(&unfinished, path(&folder, known.last().map_or(1, |last| last + 1)))?;
    for number in known {
        let path = path(&folder, number);
        if File::open(&path).is_ok_and(|file| matches!(is_held(&file), Ok(false))) {
            fs::remove_file(&path)?;
        }
    }
    Ok(Announcement(file))
}

/// The settings that count: those of the oldest server that runs, or of the last one that did.
pub(super) fn find(data: &Path) -> Result<Option<Running>, ConfigError> {
    let folder = data.join(FOLDER);
    let failed = |path: &Path, error: &dyn std::fmt::Display| ConfigError::File {
        path: path.to_owned(),
        problem: format!("cannot read the settings of the running server: {error}"),
    };
    for _ in 0..ATTEMPTS {
        let numbers = match numbers(&folder) {
            Ok(numbers) => numbers,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(failed(&folder, &error)),
        };
        let mut last = None;
        let mut has_gone = false;
        for number in numbers {
            let path = path(&folder, number);
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    has_gone = true;
                    continue;
                }
                Err(error) => return Err(failed(&path, &error)),
            };
            let is_running = is_held(&file).map_err(|error| failed(&path, &error))?;
            match read(file) {
                Ok(settings) if is_running => return Ok(Some(Running { path, is_running, settings })),
                Ok(settings) => last = Some(Running { path, is_running, settings }),
                Err(error) if is_running => return Err(failed(&path, &error)),
                // Damaged, and no longer in use.
                Err(_) => {}
            }
        }
        if !has_gone {
            return Ok(last);
        }
    }
    Err(failed(&folder, &"servers start and stop repeatedly"))
}

/// Whether a process holds the lock. Looking takes a shared one for a moment, which is no obstacle to others who look.
fn is_held(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn read(file: File) -> io::Result<toml::Table> {
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    text.parse().map_err(|error: toml::de::Error| io::Error::new(ErrorKind::InvalidData, error.message().to_owned()))
}

/// The numbers of the files that are there, lowest first.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = PathBuf::from(entry?.file_name());
        let is_ours = path.extension().is_some_and(|end| end == EXTENSION);
        let number = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_ours);
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(number.to_string()).with_extension(EXTENSION)
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
