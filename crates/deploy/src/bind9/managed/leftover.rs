//! A named that a killed server left behind: found by its stored process id, and stopped before a new one is started.
//!
//! The id may belong to another process by now, so the process must be a named with our configuration file. It is stopped rather
//! than adopted, so that named always runs with the current configuration and its log is read.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

/// How long it may take to end when asked to.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it may take to be gone when killed.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// Whether there is one.
pub(super) fn is_there(pid_file: &Path, config: &Path) -> bool {
    process_in(pid_file).is_some_and(|id| is_named_on(id, config))
}

fn process_in(pid_file: &Path) -> Option<u32> {
    fs::read_to_string(pid_file).ok().and_then(|text| text.trim().parse().ok())
}

/// Stops what is left; `Err` with its number where it cannot be stopped.
pub(super) async fn stop(pid_file: &Path, config: &Path) -> Result<(), u32> {
    let Some(id) = process_in(pid_file) else { return Ok(()) };
    for (signal, patience) in [(Signal::TERM, PATIENCE), (Signal::KILL, LAST_PATIENCE)] {
        if !is_named_on(id, config) {
            return Ok(());
        }
        tracing::warn!(process = id, "a named of an earlier run is still running; it is stopped");
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or(id)?;
        // It may have just ended, or belong to another user: the next check shows it.
        let _ = kill_process(pid, signal);
        let deadline = Instant::now() + patience;
        while !has_ended(id) && Instant::now() < deadline {
            sleep(POLL).await;
        }
        if has_ended(id) {
            return Ok(());
        }
    }
    Err(id)
}

/// Whether nothing is left of a process, its sockets least of all: it is gone, or waits for its parent to notice, and its last
/// thread has ended. The first thread may end before others, which hold the sockets until they end too.
fn has_ended(id: u32) -> bool {
    let Ok(line) = fs::read_to_string(format!("/proc/{id}/stat")) else { return true };
    // The state stands after the program's name, which is in parentheses and may hold others.
    let state = line.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    let threads = fs::read_dir(format!("/proc/{id}/task")).map_or(0, Iterator::count);
    matches!(state, Some('Z' | 'X')) && threads <= 1
}

/// Whether the process is a named that was started on this configuration.
fn is_named_on(id: u32, config: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{id}/cmdline")) else { return false };
    let mut arguments = line.split(|octet| *octet == 0);
    let program = arguments.next().map(String::from_utf8_lossy);
    let is_named = program.is_some_and(|program| Path::new(&*program).file_name().is_some_and(|name| name == "named"));
    is_named && arguments.any(|argument| argument == config.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stranger_with_that_number_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (pid_file, config) = (folder.path().join("named.pid"), folder.path().join("named.conf"));
        assert_eq!(stop(&pid_file, &config).await, Ok(()));
        for text in ["", "x", "0", "4294967295", &std::process::id().to_string()] {
            fs::write(&pid_file, text).unwrap();
            assert_eq!(stop(&pid_file, &config).await, Ok(()), "{text}");
        }
    }
}
