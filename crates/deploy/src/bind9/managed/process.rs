//! The child process: it ends together with this process, its log is read line by line, and the thread that started it waits for
//! its end.
//!
//! The thread matters: the signal of the parent's death (`PR_SET_PDEATHSIG`) is tied to the thread that started the child, so
//! this thread must live as long as the child. `setpriv` from util-linux requests that signal before it becomes named, because
//! requesting it in this process needs unsafe code. It also changes to the user that named runs as: a process that changes its
//! user itself, as `named -u` does, no longer gets the signal. If there is no such `setpriv`, the next start finds a named that
//! outlived a killed server (`leftover.rs`).

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::fchown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use super::log::{Line, Tail};
use super::user::User;

/// Lines of the log are cut here, in octets.
const LONGEST_LINE: u64 = 4096;
/// The process ends almost at the same time as its log.
const REAP_POLL: Duration = Duration::from_millis(5);

/// A running named. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Process {
    child: Arc<Mutex<Child>>,
    id: u32,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts `program` on a configuration, as `user` or as this process's own.
    pub(super) fn start(program: &Path, config: &Path, user: Option<&User>, tail: Tail) -> io::Result<Process> {
        let (started_sender, started) = std::sync::mpsc::sync_channel(1);
        let (ended_sender, ended) = watch::channel(None);
        let mut command = command(program, config, user);
        let (log, end_of_named) = io::pipe()?;
        if let Some(user) = user {
            // named opens `/dev/stderr` by its name, which takes the right to do so.
            fchown(&end_of_named, Some(user.uid), Some(user.gid))?;
        }
        command.stderr(end_of_named);
        let run = move || {
            let child = match command.spawn() {
                Ok(child) => child,
                Err(error) => {
                    // The receiver waits for it.
                    let _ = started_sender.send(Err(error));
                    return;
                }
            };
            // The log ends when no process has the other end of the pipe.
            drop(command);
            let id = child.id();
            let child = Arc::new(Mutex::new(child));
            let _ = started_sender.send(Ok((Arc::clone(&child), id)));
            forward(log, &tail);
            let status = loop {
                match lock(&child).try_wait() {
                    Ok(Some(status)) => break status,
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "named cannot be waited for"),
                }
                std::thread::sleep(REAP_POLL);
            };
            ended_sender.send_replace(Some(status));
        };
        std::thread::Builder::new().name("named".to_owned()).spawn(run)?;
        let (child, id) = started.recv().map_err(|_| io::Error::other("the thread that starts named has ended"))??;
        Ok(Process { child, id, ended })
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Waits until it has ended, and is reaped.
    pub(super) async fn ended(&self) -> Option<ExitStatus> {
        let mut ended = self.ended.clone();
        ended.wait_for(Option::is_some).await.ok().and_then(|status| *status)
    }

    /// Asks it to end: it writes what it has and goes.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it. Its journals are whole all the same.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // Only who holds this lock reaps, so the number is still the child's, or the child is known to be gone.
        let mut child = lock(&self.child);
        let pid = i32::try_from(self.id).ok().and_then(Pid::from_raw);
        if let (Ok(None), Some(pid)) = (child.try_wait(), pid)
            && let Err(error) = kill_process(pid, signal)
        {
            tracing::warn!(%error, "named cannot be signalled");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where named is: in `PATH`, or where systems keep it out of users' `PATH`.
pub(super) fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return is_program(program).then(|| program.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(program)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Before its configuration is read, named would log to the system's log.
fn command(program: &Path, config: &Path, user: Option<&User>) -> Command {
    let preparation = preparation(user);
    let mut command = match find(Path::new("setpriv")).filter(|setpriv| can(setpriv, &preparation)) {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(preparation).arg("--").arg(program);
            command
        }
        None => Command::new(program),
    };
    if let Some(user) = user {
        // For a named without `setpriv`. One that is that user already stays it.
        command.args(["-u", &user.name]);
    }
    command.args(["-f", "-L", "/dev/stderr", "-c"]).arg(config);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// What `setpriv` does before it becomes named. Ports below 1024 are the one thing of root's that named needs.
fn preparation(user: Option<&User>) -> Vec<String> {
    let mut arguments = ["--pdeathsig", "TERM"].map(str::to_owned).to_vec();
    if let Some(User { uid, gid, .. }) = user {
        arguments.extend([format!("--reuid={uid}"), format!("--regid={gid}"), "--init-groups".to_owned()]);
        arguments.extend(["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"].map(str::to_owned));
    }
    arguments
}

fn can(setpriv: &Path, preparation: &[String]) -> bool {
    let mut probe = Command::new(setpriv);
    probe.args(preparation).args(["--", "true"]);
    probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

fn forward(log: impl Read, tail: &Tail) {
    let mut log = BufReader::new(log);
    let mut line = Vec::new();
    loop {
        line.clear();
        match log.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                let line = Line::parse(text.trim_end());
                line.trace();
                tail.push(&line);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%error, "the log of named cannot be read");
                return;
            }
        }
    }
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}
