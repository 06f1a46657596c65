//! A managed named: configured, started, monitored and stopped by this server, for one machine and for tests.
//!
//! ```text
//!   start --> folder, keys, named.conf --> leftover stopped --> Process --> ready: the control channel answers
//!                                                                  |
//!                              back-off <---- it ended ------------'---- stop: TERM, then KILL
//! ```
//!
//! Everything is in one folder:
//!
//! ```text
//!   lock                       held while a server runs named here
//!   named.conf, rndc.conf      written at every start; `rndc -c rndc.conf status` works
//!   keys/                      made once, mode 0600: worth a backup where there are secondaries
//!   zones/, catalogs/          rebuilt from the store
//!   dnssec/                    the keys of signed zones: worth a backup
//!   _default.nzd, named.pid    named's
//! ```
//!
//! named runs as the user of this server, or as [`Settings::user`] if the server is root (`user.rs`).
//!
//! [`Managed::start`] returns when everything is prepared for a named to run; [`Managed::state`] says whether it runs and
//! responds. With a million zones, a named responds only after minutes, and nothing else should wait for that.

mod error;
mod leftover;
mod log;
mod process;
mod user;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use store::Chain;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::NO_FOLLOW;
use super::config::{Identity, Keys, PrimaryConfig, RateLimit, primary, reached_at, write_private};
use super::control::{Command, Control, ControlError, ControlKey, Timeouts};
use super::key;
use crate::config_text::ConfigText;

pub use self::error::{Hint, StartError};
pub use self::user::{User, UserError, is_root};

use self::log::Tail;
use self::process::Process;

/// How often the log says that named does not answer on its control channel yet. There is no end to that: with a million zones it
/// takes minutes, and a named that is killed meanwhile would begin again.
const SILENT: Duration = Duration::from_secs(60);
const READY_POLL: Duration = Duration::from_millis(20);
/// How long a wrong response on the control channel is tolerated.
const FOREIGN: Duration = Duration::from_secs(3);
/// The folders in which named and this server write.
const PARTS: [&str; 3] = ["zones", "catalogs", "dnssec"];
/// The first of the ports that are tried, and how many.
const LOWEST_PORT: u16 = 10_000;
const PORT_TRIES: u32 = 100;
/// How long named may take to end when asked to.
const STOP: Duration = Duration::from_secs(5);
/// The wait before it is started again, doubled each time.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// The longest such wait.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// After so long without trouble the waits are short again.
const STEADY: Duration = Duration::from_secs(60);

/// What a managed named is run with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its folder. Created if missing.
    pub folder: PathBuf,
    /// Where it answers queries, UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// The secondaries' DNS addresses.
    pub secondaries: Vec<SocketAddr>,
    /// The program, looked up in `PATH`, `/usr/sbin`, `/usr/local/sbin` and `/sbin` unless it is a path.
    pub program: PathBuf,
    /// Where its control channel is. `None`: on a free port of the loopback address, another one at every start.
    pub control: Option<SocketAddr>,
    /// The user that it runs as, and that its folder is given to. Only root can run it as another user. `None`: as this process.
    pub user: Option<User>,
    /// The one folder above its own that may be opened for `user`: the data directory.
    pub data: Option<PathBuf>,
    /// How many responses it gives a network.
    pub rate_limit: Option<RateLimit>,
    /// What it says of itself.
    pub identity: Identity,
}

impl Settings {
    /// A named in this folder that answers at `listen`, without secondaries.
    pub fn new(folder: PathBuf, listen: SocketAddr) -> Settings {
        let (listen, secondaries) = (vec![listen], Vec::new());
        Settings {
            folder,
            listen,
            secondaries,
            program: PathBuf::from("named"),
            control: None,
            user: None,
            data: None,
            rate_limit: None,
            identity: Identity::default(),
        }
    }
}

/// Whether a managed named can be used.
#[derive(Debug, Clone)]
pub enum State {
    /// It does not answer on its control channel yet.
    Starting,
    /// It answers, or did: it is started again when it ends.
    Running,
    /// The last start failed; there will be another.
    Failing(Arc<StartError>),
}

/// A named that is kept running.
#[derive(Debug)]
pub struct Managed {
    folder: PathBuf,
    dns: SocketAddr,
    control: SocketAddr,
    keys: Keys,
    state: watch::Receiver<State>,
    supervisor: JoinHandle<Result<(), StartError>>,
}

impl Managed {
    /// Prepares everything and begins to start it. It runs until `stop`, and is started again when it ends by itself.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; nothing is left running. What shows only later is in [`Managed::state`].
    pub async fn start(settings: Settings, stop: CancellationToken) -> Result<Managed, StartError> {
        let program = process::find(&settings.program).ok_or(StartError::NotInstalled(settings.program))?;
        let folder = std::path::absolute(&settings.folder).map_err(StartError::file(&settings.folder))?;
        make_folder(&folder)?;
        let lock = take_lock(&folder)?;
        for part in PARTS {
            make_folder(&folder.join(part))?;
        }
        if let Some(user) = &settings.user {
            let data = settings.data.as_ref().map(std::path::absolute).transpose();
            let data = data.map_err(StartError::file(&folder))?;
            user.reach(&folder, data.as_deref())?;
            user.own(&folder)?;
            PARTS.iter().try_for_each(|part| user.share(&folder.join(part)))?;
        }
        let keys = Keys::load_or_create(&folder.join("keys"))?;
        let config = folder.join("named.conf");
        let has_leftover = leftover::is_there(&folder.join("named.pid"), &config);
        if !has_leftover {
            settings.listen.iter().try_for_each(|address| check_free(*address))?;
        }
        let control = match settings.control {
            Some(address) => address,
            None => free_port().map_err(StartError::NoPort)?,
        };
        let dns = settings.listen.first().copied().ok_or(StartError::NoAddress)?;
        let primary_config = PrimaryConfig {
            directory: ConfigText::from_path(&folder)
                .map_err(|source| StartError::Folder { folder: folder.clone(), source })?,
            listen: settings.listen.clone(),
            control,
            control_key: keys.control.clone(),
            update_key: keys.update.clone(),
            transfer_key: keys.transfer.clone(),
            secondaries: settings.secondaries,
            is_managed: true,
            rate_limit: settings.rate_limit,
            identity: settings.identity,
        };
        write(&config, &primary(&primary_config), settings.user.as_ref())?;
        write(&folder.join("rndc.conf"), &rndc_config(&primary_config), None)?;

        let (sender, state) = watch::channel(State::Starting);
        let supervisor = Supervisor {
            program,
            folder: folder.clone(),
            config,
            control,
            keys: keys.clone(),
            user: settings.user,
            state: sender,
            _lock: lock,
        };
        let before = has_leftover.then_some(settings.listen);
        let supervisor = tokio::spawn(supervisor.run(before, stop));
        Ok(Managed { folder, dns: reached_at(dns), control, keys, state, supervisor })
    }

    /// Where this server asks and changes it.
    pub fn dns(&self) -> SocketAddr {
        self.dns
    }

    /// Where its control channel is; its key is [`Keys::control`].
    pub fn control(&self) -> SocketAddr {
        self.control
    }

    /// Whether it can be used, now and as that changes.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Waits until it answers for the first time.
    ///
    /// # Errors
    ///
    /// Why its start failed; there will be another, and this may be called again.
    pub async fn running(&self) -> Result<(), Arc<StartError>> {
        let mut state = self.state();
        let state = state.wait_for(|state| !matches!(state, State::Starting)).await;
        match state.as_deref() {
            Ok(State::Failing(error)) => Err(Arc::clone(error)),
            // An error is the end after the stop.
            Ok(State::Starting | State::Running) | Err(_) => Ok(()),
        }
    }

    /// Resolves when it is given up for good, with the reason. What an earlier server left running is stopped in the background, and
    /// only then can be seen whether the addresses are free.
    pub async fn failed(&mut self) -> StartError {
        match (&mut self.supervisor).await {
            Ok(Err(error)) => error,
            // It was stopped, or it panicked, which was logged.
            Ok(Ok(())) | Err(_) => std::future::pending().await,
        }
    }

    /// Its keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The folder of its zone files, absolute, under the same path for both.
    pub fn zone_folder(&self) -> PathBuf {
        self.folder.join("zones")
    }

    /// Waits until it has ended after the stop it was started with.
    pub async fn ended(self) {
        if !self.supervisor.is_finished() {
            // An error is a panic there, which ended named as well.
            let _ = self.supervisor.await;
        }
    }
}

/// Keeps named running.
struct Supervisor {
    program: PathBuf,
    folder: PathBuf,
    config: PathBuf,
    control: SocketAddr,
    keys: Keys,
    user: Option<User>,
    state: watch::Sender<State>,
    _lock: File,
}

impl Supervisor {
    /// `after_leftover`: a named of an earlier run has to be stopped first, and these addresses be free then.
    async fn run(self, after_leftover: Option<Vec<SocketAddr>>, stop: CancellationToken) -> Result<(), StartError> {
        if let Some(listen) = after_leftover {
            let left = leftover::stop(&self.folder.join("named.pid"), &self.config).await;
            left.map_err(|process| StartError::Leftover { process })?;
            listen.into_iter().try_for_each(check_free)?;
        }
        let mut backoff = FIRST_BACKOFF;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                started = self.start_named() => match started {
                    Ok(process) => {
                        tracing::info!(process = process.id(), control = %self.control, "named is running");
                        self.state.send_replace(State::Running);
                        let since = Instant::now();
                        tokio::select! {
                            () = stop.cancelled() => {
                                end(process).await;
                                return Ok(());
                            }
                            status = process.ended() => {
                                if since.elapsed() >= STEADY {
                                    backoff = FIRST_BACKOFF;
                                }
                                let status = status.map(|status| status.to_string());
                                tracing::error!(status, again_in = ?backoff, "named exited");
                            }
                        }
                    }
                    Err(error) => {
                        tracing::error!(error = %Chain(&error), again_in = ?backoff, "named does not start");
                        // Once it has run, it is only away for a while.
                        self.state.send_if_modified(|state| {
                            let is_new = !matches!(state, State::Running);
                            if is_new {
                                *state = State::Failing(Arc::new(error));
                            }
                            is_new
                        });
                    }
                },
            }
            metrics::counter!("zonewright_named_restarts_total").increment(1);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(backoff) => {}
            }
            backoff = LONGEST_BACKOFF.min(backoff * 2);
        }
    }

    /// Starts named and waits until it answers on its control channel.
    async fn start_named(&self) -> Result<Process, StartError> {
        self.adopt().await?;
        let tail = Tail::default();
        let process = Process::start(&self.program, &self.config, self.user.as_ref(), tail.clone())
            .map_err(|source| StartError::Spawn { program: self.program.clone(), source })?;
        let control = Control::new(self.control, ControlKey::from(&self.keys.control)).map_err(StartError::Control)?;
        let control = control.with_timeouts(Timeouts {
            connect: Duration::from_secs(1),
            command: Duration::from_secs(10),
            ..Timeouts::default()
        });
        let begun = Instant::now();
        let answers = async {
            let mut said = begun;
            loop {
                match control.send(&Command::Status).await {
                    Ok(_) => return Ok(()),
                    // Another program responds there: waiting does not help.
                    Err(error @ ControlError::Authentication { .. }) if begun.elapsed() > FOREIGN => return Err(error),
                    Err(_) => sleep(READY_POLL).await,
                }
                if said.elapsed() >= SILENT {
                    said = Instant::now();
                    let log = tail.lines().join("; ");
                    tracing::warn!(after = ?begun.elapsed(), log, "named does not respond on its control channel yet");
                }
            }
        };
        tokio::select! {
            status = process.ended() => Err(StartError::ended(status, &self.config, &tail.lines())),
            answered = answers => match answered {
                Ok(()) => Ok(process),
                Err(source) => Err(StartError::ControlTaken { address: self.control, source: Box::new(source) }),
            },
        }
    }

    /// Gives named's user what is in the folder. Only the first time after a change of the user is there anything to do.
    async fn adopt(&self) -> Result<(), StartError> {
        let Some(user) = self.user.clone() else { return Ok(()) };
        let folder = self.folder.clone();
        let adopted = tokio::task::spawn_blocking(move || {
            for part in PARTS.map(|part| folder.join(part)) {
                // It may have been wiped while named ran.
                DirBuilder::new().recursive(true).mode(0o700).create(&part)?;
                user.adopt(&part)?;
            }
            user::files_of_named(&folder)?.iter().try_for_each(|file| user.adopt_file(file))
        });
        let adopted = adopted.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
        adopted.map_err(StartError::file(&self.folder))
    }
}

async fn end(process: Process) {
    process.terminate();
    if timeout(STOP, process.ended()).await.is_err() {
        tracing::warn!(after = ?STOP, "named does not stop; it is killed");
        process.kill();
        process.ended().await;
    }
    tracing::info!("named has exited");
}

fn make_folder(path: &Path) -> Result<(), StartError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StartError::file(path))
}

/// Two servers on one data directory must not stop each other's named.
fn take_lock(folder: &Path) -> Result<File, StartError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).custom_flags(NO_FOLLOW);
    let mut file = options.open(&path).map_err(StartError::file(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who holds it may be just writing it.
            let process = file.read_to_string(&mut holder).ok().and_then(|_| holder.trim().parse().ok());
            return Err(StartError::Locked { folder: folder.to_owned(), process });
        }
        Err(TryLockError::Error(error)) => return Err(StartError::file(&path)(error)),
    }
    let signed = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    signed.map_err(StartError::file(&path))?;
    Ok(file)
}

/// named itself only logs that an address is taken, and runs without it.
fn check_free(address: SocketAddr) -> Result<(), StartError> {
    let bound = UdpSocket::bind(address).and_then(|_| TcpListener::bind(address)).map(drop);
    bound.map_err(|source| StartError::Listen { address, source })
}

/// A port that the kernel does not give to outgoing connections: one of them could take it while named restarts, and connecting
/// to such a port without a listener can even connect to itself.
fn free_port() -> io::Result<SocketAddr> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first_ephemeral = range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32_768);
    let ports = LOWEST_PORT..first_ephemeral.max(LOWEST_PORT + 1000);
    for _ in 0..PORT_TRIES {
        let random = getrandom::u32().map_err(|error| io::Error::other(error.to_string()))?;
        let port = ports.start + (random % ports.len() as u32) as u16;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener.local_addr();
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Writes a file that `reader` may read beside this server.
fn write(path: &Path, text: &str, reader: Option<&User>) -> Result<(), StartError> {
    let draft = path.with_extension("new");
    write_private(&draft, text.as_bytes()).map_err(StartError::file(path))?;
    if let Some(reader) = reader {
        reader.let_read(&draft)?;
    }
    fs::rename(&draft, path).map_err(StartError::file(path))
}

/// For the operator's own `rndc -c`.
fn rndc_config(config: &PrimaryConfig) -> String {
    format!(
        "{}options {{\n\tdefault-key {};\n\tdefault-server {};\n\tdefault-port {};\n}};\n",
        key::statement(&config.control_key),
        key::label(&config.control_key),
        config.control.ip(),
        config.control.port(),
    )
}
