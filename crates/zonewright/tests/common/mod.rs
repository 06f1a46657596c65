//! The real binary as a process, for tests of the whole.
//!
//! Decided against running `serve` inside the test's process: a crash, a signal and what is printed at the first start can
//! only be tested from outside.

#![expect(dead_code, reason = "each file in `tests` is a program of its own that uses a part of this module")]
#![expect(clippy::expect_used, clippy::print_stderr, reason = "helpers of tests are tests")]

pub(crate) mod api;
pub(crate) mod named;
pub(crate) mod pebble;
pub(crate) mod raw;

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The account of the first start.
pub(crate) const ADMIN: &str = "admin@localhost";
/// For whatever should take milliseconds and may take longer on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Lets programs on this machine transfer zones from the built-in nameserver.
pub(crate) const TRANSFERS: [(&str, &str); 1] = [("ZONEWRIGHT_TRANSFERS_LOOPBACK", "on")];

/// A running server on loopback, on ports the kernel chose. Dropping it kills the process and removes its folder.
pub(crate) struct Server {
    child: Child,
    http: SocketAddr,
    dns: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
    updates: Option<SocketAddr>,
    base: String,
    stdout: Captured,
    stderr: Captured,
    data: Data,
}

impl Server {
    /// Starts on an empty data directory, with `flags` added, and returns when it is ready.
    #[track_caller]
    pub(crate) fn start(flags: &[&str]) -> Server {
        Server::start_with(&[], flags)
    }

    /// As [`Server::start`], with environment variables.
    #[track_caller]
    pub(crate) fn start_with(environment: &[(&str, &str)], flags: &[&str]) -> Server {
        let mut server = Server::begin(environment, flags);
        server.wait_until_ready();
        server
    }

    /// As [`Server::start_with`], but returns as soon as the server says where it listens.
    #[track_caller]
    pub(crate) fn begin(environment: &[(&str, &str)], flags: &[&str]) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // A managed named of another user has to pass through.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).expect("it is ours");
        let path = folder.path().join("data");
        Server::launch(Data { path, _folder: Some(folder) }, environment, flags)
    }

    /// [`Server::start`], with a terminal as its standard output.
    #[track_caller]
    pub(crate) fn start_on_terminal(flags: &[&str]) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("data");
        let command = zonewright(&path, &["serve"]);
        let mut server = Server::spawn(command, Data { path, _folder: Some(folder) }, flags, true);
        server.wait_until_ready();
        server
    }

    /// Starts on a data directory that outlives the server, such as one another server was killed on.
    #[track_caller]
    pub(crate) fn start_in(data: &Path, flags: &[&str]) -> Server {
        Server::start_in_with(data, &[], flags)
    }

    /// As [`Server::start_in`], with environment variables.
    #[track_caller]
    pub(crate) fn start_in_with(data: &Path, environment: &[(&str, &str)], flags: &[&str]) -> Server {
        let mut server = Server::launch(Data { path: data.to_owned(), _folder: None }, environment, flags);
        server.wait_until_ready();
        server
    }

    /// As [`Server::begin`], on a data directory that outlives the server.
    #[track_caller]
    pub(crate) fn begin_in(data: &Path, environment: &[(&str, &str)], flags: &[&str]) -> Server {
        Server::launch(Data { path: data.to_owned(), _folder: None }, environment, flags)
    }

    /// Starts with its data on a disk of its own, of so many MiB: a file system in memory that only this process sees. The
    /// folder is seen from outside by [`Server::own_view`].
    #[track_caller]
    pub(crate) fn start_on_small_disk(mebibytes: u32, flags: &[&str]) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let disk = folder.path().join("disk");
        std::fs::create_dir(&disk).expect("a folder");
        // A mount needs rights, which a new user namespace gives to everybody.
        let mut command = Command::new("unshare");
        let mount = format!("mount -t tmpfs -o size={mebibytes}m,mode=700 small \"$0\" && exec \"$@\"");
        command.args(["--mount", "--map-root-user", "sh", "-c", &mount]).arg(&disk);
        let path = disk.join("data");
        let serve = zonewright(&path, &["serve"]);
        command.arg(serve.get_program()).args(serve.get_args());
        Server::launch_with(command, Data { path, _folder: Some(folder) }, flags)
    }

    /// A path as the server's process sees it.
    pub(crate) fn own_view(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.pid()));
        root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// [`Server::start_in`] that does not wait until the server is ready, which it may never be.
    #[track_caller]
    pub(crate) fn start_unready_in(data: &Path, flags: &[&str]) -> Server {
        Server::spawn(zonewright(data, &["serve"]), Data { path: data.to_owned(), _folder: None }, flags, false)
    }

    #[track_caller]
    fn launch(data: Data, environment: &[(&str, &str)], flags: &[&str]) -> Server {
        let mut command = zonewright(&data.path, &["serve"]);
        command.envs(environment.iter().copied());
        Server::spawn(command, data, flags, false)
    }

    #[track_caller]
    fn launch_with(command: Command, data: Data, flags: &[&str]) -> Server {
        let mut server = Server::spawn(command, data, flags, false);
        server.wait_until_ready();
        server
    }

    /// Starts the process, and returns when it says where it listens.
    #[track_caller]
    fn spawn(mut command: Command, data: Data, flags: &[&str], on_terminal: bool) -> Server {
        for address in ["--http", "--dns", "--metrics"] {
            if !flags.contains(&address) {
                command.args([address, "127.0.0.1:0"]);
            }
        }
        let (terminal, stdout) = if on_terminal {
            let (terminal, end) = pseudo_terminal();
            (Some(terminal), Stdio::from(end))
        } else {
            (None, Stdio::piped())
        };
        let mut child = command
            .args(flags)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the zonewright binary starts");
        // Our copy of the terminal's other end would keep it open.
        drop(command);
        let stdout = match terminal {
            Some(terminal) => Captured::read(terminal),
            None => Captured::read(child.stdout.take().expect("piped")),
        };
        let stderr = Captured::read(child.stderr.take().expect("piped"));
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Server {
            child,
            http: unknown,
            dns: None,
            metrics: None,
            updates: None,
            base: String::new(),
            stdout,
            stderr,
            data,
        };
        let running = wait_for("the server to say where it listens", || {
            server.assert_alive();
            let log = server.stderr.text();
            let line = log.lines().find(|line| line.contains("zonewright is running"))?;
            serde_json::from_str::<serde_json::Value>(line).ok()
        });
        server.http = address(&running["http.address"]).expect("the log names the HTTP address");
        server.dns = address(&running["dns.address"]);
        server.metrics = address(&running["metrics.address"]);
        server.updates = address(&running["updates.address"]);
        let scheme = if flags.contains(&"--tls-cert") { "https" } else { "http" };
        // Not every address that is listened on can be asked: the unspecified ones become loopback.
        let asked = match server.http.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        server.base = format!("{scheme}://{}", SocketAddr::new(asked, server.http.port()));
        server
    }

    /// Waits until the server says that it is ready.
    #[track_caller]
    pub(crate) fn wait_until_ready(&mut self) {
        let ready = format!("{}/readyz", self.base);
        wait_for("the server to be ready", || {
            self.assert_alive();
            let asked = run(Command::new("curl").args(["-ksf", "--max-time", "30", &ready]));
            asked.status.success().then_some(())
        });
    }

    /// What the server says that it waits for.
    #[track_caller]
    pub(crate) fn waits_for(&self) -> String {
        let asked = run(Command::new("curl").args(["-ks", "--max-time", "5", &format!("{}/readyz", self.base)]));
        String::from_utf8_lossy(&asked.stdout).into_owned()
    }

    /// The base of everything, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// What was printed on standard output so far.
    pub(crate) fn said(&self) -> String {
        self.stdout.text()
    }

    /// The base of every API path, such as `http://127.0.0.1:40123/api/v1`.
    pub(crate) fn api(&self) -> String {
        format!("{}/api/v1", self.base)
    }

    /// Where HTTP is answered.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where the server's nameserver answers.
    #[track_caller]
    pub(crate) fn dns(&self) -> SocketAddr {
        self.dns.expect("this server was started with a nameserver of its own")
    }

    /// Where dynamic updates are taken.
    #[track_caller]
    pub(crate) fn updates(&self) -> SocketAddr {
        self.updates.expect("this server takes updates")
    }

    /// Where metrics are served, if they are.
    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// The metrics as they are now.
    #[track_caller]
    pub(crate) fn metrics(&self) -> String {
        let address = self.metrics.expect("this server serves metrics");
        let output = run(Command::new("curl").args(["-sf", &format!("http://{address}/metrics")]));
        assert!(output.status.success(), "{}", describe(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A new token of the account of the first start, which may do everything.
    #[track_caller]
    pub(crate) fn token(&self) -> String {
        self.welcome();
        self.ask_command(&["token", "create", "--account", ADMIN, "--name", "test", "--permission", "dns:*"])
    }

    /// A new one-time link into the account of the first start.
    #[track_caller]
    pub(crate) fn link(&self) -> String {
        self.welcome();
        self.ask_command(&["account", "link", ADMIN])
    }

    /// What a command on the server's data prints, without the end of the line.
    #[track_caller]
    fn ask_command(&self, arguments: &[&str]) -> String {
        let output = run(&mut zonewright(self.data(), arguments));
        assert!(output.status.success(), "{arguments:?}: {}", describe(&output));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// The whole text of the first start.
    #[track_caller]
    pub(crate) fn welcome(&self) -> String {
        wait_for("the text of the first start", || {
            // A terminal makes two octets of the end of a line.
            let text = self.stdout.text().replace("\r\n", "\n");
            let ends = ["\n  dig ", "\nThere is no nameserver", "\n  zonewright token create "];
            let last = ends.iter().find_map(|end| text.find(end))?;
            text[last + 1..].contains('\n').then_some(text)
        })
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data.path
    }

    /// The process, for signals and for looking at what it uses.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What was logged so far.
    pub(crate) fn log(&self) -> String {
        self.stderr.text()
    }

    /// Ends the process at once, as a power cut would (SIGKILL).
    pub(crate) fn kill(&mut self) {
        // One that has ended already cannot be killed, which is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks the process to stop (SIGTERM) and waits until it has.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended()
    }

    /// Sends a signal, such as `INT`.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let sent = run(Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()));
        assert!(sent.status.success(), "kill -{name}: {}", describe(&sent));
    }

    /// Waits until the process has ended.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait_for("the server to stop", || self.child.try_wait().expect("the process can be waited for"))
    }

    /// Asks the server's nameserver with dig, until the answer section is as wanted. Gives the answer as dig prints it.
    #[track_caller]
    pub(crate) fn dig_until(&self, question: &[&str], wanted: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let answer = poll(|| {
            last = self.dig(question);
            wanted(&last).then(|| last.clone())
        });
        answer
            .unwrap_or_else(|| panic!("dig {question:?} did not say what was wanted within {DEADLINE:?}, but:\n{last}"))
    }

    /// Asks the server's nameserver with dig, once. Gives the answer section, one record a line, columns one space apart.
    #[track_caller]
    pub(crate) fn dig(&self, question: &[&str]) -> String {
        let at = format!("@{}", self.dns().ip());
        let port = self.dns().port().to_string();
        let output = run_dig(&[&at, "-p", &port, "+noall", "+answer", "+time=2"], question);
        assert!(output.status.success(), "dig {question:?}: {}", describe(&output));
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with(';'));
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
    }

    #[track_caller]
    fn assert_alive(&mut self) {
        if let Some(status) = self.child.try_wait().expect("the process can be waited for") {
            panic!("the server ended by itself ({status}); its log:\n{}{}", self.stdout.text(), self.stderr.text());
        }
    }
}

/// Runs dig. It shares ports (`SO_REUSEPORT`), as nameservers do, and sometimes chooses the server's own: then it receives its own
/// query. Such a run has no response, and is repeated.
#[track_caller]
pub(crate) fn run_dig(options: &[&str], question: &[&str]) -> Output {
    wait_for("a response to dig", || {
        let output = run(Command::new("dig").args(options).args(question));
        let is_own_query = String::from_utf8_lossy(&output.stdout).contains("query response not set");
        (!is_own_query).then_some(output)
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of the server under {} ---\n{}", self.data.path.display(), self.stderr.text());
        }
    }
}

/// A `zonewright` command on a data directory, without what the environment of the test would set.
pub(crate) fn zonewright(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zonewright"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ZONEWRIGHT_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).arg("--data").arg(data);
    command
}

/// Runs a program to its end. One that cannot be started is a failure that says so.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| {
        panic!(
            "{:?} could not be started: {error}; the tests need it, and scripts/test installs what they need",
            command.get_program()
        )
    })
}

/// What a program ended with and what it said, for the message of a failure.
pub(crate) fn describe(output: &Output) -> String {
    let mut text = format!("{}\n", output.status);
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(bytes));
    }
    text
}

/// Calls `attempt` until it gives something; a failure after [`DEADLINE`].
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, attempt: impl FnMut() -> Option<T>) -> T {
    poll(attempt).unwrap_or_else(|| panic!("waited {DEADLINE:?} for {what}"))
}

fn poll<T>(mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    const PAUSE: Duration = Duration::from_millis(10);
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = attempt() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// An address in a log line, which may stand in an option's `Some(...)`.
fn address(field: &serde_json::Value) -> Option<SocketAddr> {
    let text = field.as_str()?;
    text.strip_prefix("Some(").and_then(|inner| inner.strip_suffix(')')).unwrap_or(text).parse().ok()
}

/// A terminal: the end that a user has, and the end that programs have.
fn pseudo_terminal() -> (std::fs::File, std::fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::OpenOptionsExt;
    let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&user).expect("a pseudo-terminal");
    unlockpt(&user).expect("a pseudo-terminal");
    let name = ptsname(&user, Vec::new()).expect("its name");
    let path = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
    let no_controlling_terminal = i32::try_from(OpenptFlags::NOCTTY.bits()).expect("a flag");
    let mut options = std::fs::OpenOptions::new();
    let program = options.read(true).write(true).custom_flags(no_controlling_terminal).open(path);
    (user.into(), program.expect("its other end"))
}

struct Data {
    path: PathBuf,
    /// Removed with the server that made it.
    _folder: Option<TempDir>,
}

/// What a process prints, read as it comes so that a full pipe never holds it up.
#[derive(Clone)]
struct Captured(Arc<Mutex<String>>);

impl Captured {
    fn read(from: impl Read + Send + 'static) -> Captured {
        let captured = Captured(Arc::default());
        let text = captured.0.clone();
        std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                text.lock().expect("nobody panics with the lock").push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        captured
    }

    fn text(&self) -> String {
        self.0.lock().expect("nobody panics with the lock").clone()
    }
}
