//! A named of our own: configured, started, watched and stopped by this server, for one machine and for tests.
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
//! named runs as the user of this server. As root it gives up the right to read other users' files, so the folder has to be
//! root's then.

mod error;
mod leftover;
mod log;
mod process;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::config::{Keys, PrimaryConfig, primary, reached_at, write_private};
use super::control::{Command, ConfigText, Control, ControlError, Timeouts};
use store::Chain;

pub use self::error::{Hint, StartError};

use self::log::Tail;
use self::process::Process;

/// How long named may take to answer on its control channel; with 100,000 zones it takes half a minute.
const READY: Duration = Duration::from_secs(180);
const READY_POLL: Duration = Duration::from_millis(20);
/// How long somebody else's answer on the control channel is taken for a slip.
const FOREIGN: Duration = Duration::from_secs(3);
/// Where free ports are looked for, up from here, and how often.
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
    /// Its folder. Made where there is none.
    pub folder: PathBuf,
    /// Where it answers queries, UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// The secondaries' DNS addresses.
    pub secondaries: Vec<SocketAddr>,
    /// The program, looked up in `PATH`, `/usr/sbin`, `/usr/local/sbin` and `/sbin` unless it is a path.
    pub program: PathBuf,
    /// Where its control channel is. `None`: on a free port of the loopback address, another one at every start.
    pub control: Option<SocketAddr>,
}

impl Settings {
    /// A named in this folder that answers at `listen`, without secondaries.
    pub fn new(folder: PathBuf, listen: SocketAddr) -> Settings {
        let (listen, secondaries) = (vec![listen], Vec::new());
        Settings { folder, listen, secondaries, program: PathBuf::from("named"), control: None }
    }
}

/// A running named, kept running.
#[derive(Debug)]
pub struct Managed {
    folder: PathBuf,
    dns: SocketAddr,
    control: SocketAddr,
    keys: Keys,
    supervisor: JoinHandle<()>,
}

impl Managed {
    /// Starts it and waits until it answers. It runs until `stop`, and is started again when it ends by itself.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; nothing is left running.
    pub async fn start(settings: Settings, stop: CancellationToken) -> Result<Managed, StartError> {
        let program = process::find(&settings.program).ok_or(StartError::NotInstalled(settings.program))?;
        let folder = std::path::absolute(&settings.folder).map_err(StartError::file(&settings.folder))?;
        make_folder(&folder)?;
        let lock = take_lock(&folder)?;
        for part in ["zones", "catalogs", "dnssec"] {
            make_folder(&folder.join(part))?;
        }
        let keys = Keys::load_or_create(&folder.join("keys"))?;
        let config = folder.join("named.conf");
        let left = leftover::stop(&folder.join("named.pid"), &config).await;
        left.map_err(|process| StartError::Leftover { process })?;
        for address in &settings.listen {
            check_free(*address)?;
        }
        let control = match settings.control {
            Some(address) => address,
            None => free_port().map_err(StartError::NoPort)?,
        };
        let dns = settings.listen.first().copied().ok_or(StartError::NoAddress)?;
        let primary_config = PrimaryConfig {
            directory: ConfigText::from_path(&folder)
                .map_err(|source| StartError::Folder { folder: folder.clone(), source })?,
            listen: settings.listen,
            control,
            control_key: keys.control.clone(),
            update_key: keys.update.clone(),
            transfer_key: keys.transfer.clone(),
            secondaries: settings.secondaries,
            is_managed: true,
        };
        write(&config, &primary(&primary_config))?;
        write(&folder.join("rndc.conf"), &rndc_config(&primary_config))?;

        let supervisor = Supervisor { program, config, control, keys: keys.clone(), _lock: lock };
        let process = supervisor.start_named().await?;
        tracing::info!(process = process.id(), address = %dns, %control, "named is running");
        let supervisor = tokio::spawn(supervisor.run(process, stop));
        Ok(Managed { folder, dns: reached_at(dns), control, keys, supervisor })
    }

    /// Where this server asks and changes it.
    pub fn dns(&self) -> SocketAddr {
        self.dns
    }

    /// Where its control channel is; its key is [`Keys::control`].
    pub fn control(&self) -> SocketAddr {
        self.control
    }

    /// Its keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The folder of its zone files, absolute, under the same path for both.
    pub fn zone_folder(&self) -> PathBuf {
        self.folder.join("zones")
    }

    /// The folder of its catalogs' files.
    pub fn catalog_folder(&self) -> PathBuf {
        self.folder.join("catalogs")
    }

    /// The folder of the keys of signed zones.
    pub fn dnssec_folder(&self) -> PathBuf {
        self.folder.join("dnssec")
    }

    /// Waits until it has ended after the stop it was started with.
    pub async fn ended(self) {
        // An error is a panic there, which ended named as well.
        let _ = self.supervisor.await;
    }
}

/// Keeps named running.
struct Supervisor {
    program: PathBuf,
    config: PathBuf,
    control: SocketAddr,
    keys: Keys,
    _lock: File,
}

impl Supervisor {
    async fn run(self, process: Process, stop: CancellationToken) {
        let mut running = Some((process, Instant::now()));
        let mut backoff = FIRST_BACKOFF;
        loop {
            if let Some((process, since)) = running.take() {
                tokio::select! {
                    () = stop.cancelled() => return end(process).await,
                    status = process.ended() => {
                        if since.elapsed() >= STEADY {
                            backoff = FIRST_BACKOFF;
                        }
                        let status = status.map(|status| status.to_string());
                        tracing::error!(status, again_in = ?backoff, "named ended by itself");
                    }
                }
            }
            metrics::counter!("zonewright_named_restarts_total").increment(1);
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(backoff) => {}
            }
            backoff = LONGEST_BACKOFF.min(backoff * 2);
            tokio::select! {
                () = stop.cancelled() => return,
                started = self.start_named() => match started {
                    Ok(process) => {
                        tracing::info!(process = process.id(), "named is running again");
                        running = Some((process, Instant::now()));
                    }
                    Err(error) => tracing::error!(error = %Chain(&error), again_in = ?backoff, "named does not start"),
                },
            }
        }
    }

    /// Starts named and waits until it answers on its control channel.
    async fn start_named(&self) -> Result<Process, StartError> {
        let tail = Tail::default();
        let process = Process::start(&self.program, &self.config, tail.clone())
            .map_err(|source| StartError::Spawn { program: self.program.clone(), source })?;
        let control =
            Control::new(self.control, self.keys.control.control_key().clone()).map_err(StartError::Control)?;
        let control =
            control.with_timeouts(Timeouts { connect: Duration::from_secs(1), command: Duration::from_secs(10) });
        let begun = Instant::now();
        let answers = async {
            loop {
                match control.send(&Command::Status).await {
                    Ok(_) => return Ok(()),
                    // Somebody else answers there: waiting does not help.
                    Err(error @ ControlError::Authentication { .. }) if begun.elapsed() > FOREIGN => return Err(error),
                    Err(_) => sleep(READY_POLL).await,
                }
            }
        };
        tokio::select! {
            status = process.ended() => Err(StartError::ended(status, &self.config, &tail.lines())),
            answered = timeout(READY, answers) => match answered {
                Ok(Ok(())) => Ok(process),
                Ok(Err(source)) => Err(StartError::ControlTaken { address: self.control, source: Box::new(source) }),
                Err(_) => Err(StartError::Silent { after: READY, log: tail.lines().join("; ") }),
            },
        }
    }
}

async fn end(process: Process) {
    process.terminate();
    if timeout(STOP, process.ended()).await.is_err() {
        tracing::warn!(after = ?STOP, "named does not end when asked to; it is killed");
        process.kill();
        process.ended().await;
    }
    tracing::info!("named has ended");
}

fn make_folder(path: &Path) -> Result<(), StartError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StartError::file(path))
}

/// Two servers on one data directory must not stop each other's named.
fn take_lock(folder: &Path) -> Result<File, StartError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(&path).map_err(StartError::file(&path))?;
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

/// A port that the kernel does not give to outgoing connections: one of those may take it while named is started again, and
/// connecting to such a port where nobody listens can even connect to itself.
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

fn write(path: &Path, text: &str) -> Result<(), StartError> {
    let draft = path.with_extension("new");
    let written = write_private(&draft, text.as_bytes()).and_then(|()| fs::rename(&draft, path));
    written.map_err(StartError::file(path))
}

/// For the operator's own `rndc -c`.
fn rndc_config(config: &PrimaryConfig) -> String {
    format!(
        "{}options {{\n\tdefault-key {};\n\tdefault-server {};\n\tdefault-port {};\n}};\n",
        config.control_key.to_statement(),
        config.control_key.label(),
        config.control.ip(),
        config.control.port(),
    )
}
