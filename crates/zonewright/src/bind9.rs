//! BIND 9 as primary: an external `named`, or one that the server runs itself; and the configurations to print.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use deploy::ConfigText;
use deploy::bind9::audit::{AuditSettings, audit_for_ever};
use deploy::bind9::catalog::{self, CatalogZones};
use deploy::bind9::config::{Identity, Keys, PrimaryConfig, SecondaryConfig, primary, reached_at, secondary};
use deploy::bind9::control::ControlKey;
use deploy::bind9::managed::{self, Managed, StartError, User, UserError};
use deploy::bind9::{Bind9, Bind9Settings};
use deploy::catalog::{Catalogs, Published};
use deploy::notify::Notifier;
use deploy::secondary::Secondary;
use deploy::{Deployment, Nameserver, Witness};
use store::{Clock, Journal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cli::{Bind9Command, ConfigCommand, ConfigFlags};
use crate::config::{Config, NameserverSetting};
use crate::database::make_private_folder;
use crate::failure::{Failure, chain};
use crate::output::print;

/// What the one primary is called in answers, logs and metrics.
const PRIMARY: &str = "primary";
/// How often the catalogs' serials are compared with the store, beside being kept up to date with every zone.
const CATALOGS_EVERY: Duration = Duration::from_secs(300);
/// How long rests lie between the comparisons of all zones with what a secondary serves.
const SECONDARIES_EVERY: Duration = Duration::from_secs(300);
/// How often the primary is checked for being up to date after a start.
const SETTLED_EVERY: Duration = Duration::from_millis(20);

/// A primary that zones are deployed to, and all that runs beside it.
pub(crate) struct Primary {
    pub(crate) nameserver: Arc<dyn Nameserver>,
    pub(crate) secondaries: Vec<Arc<dyn Witness>>,
    /// Where it answers.
    pub(crate) dns: SocketAddr,
    catalogs: Option<Catalogs>,
    work: Vec<JoinHandle<()>>,
    managed: Option<(Managed, CancellationToken)>,
}

impl Primary {
    /// Opens the operator's own named, which need not be running yet.
    pub(crate) async fn external(
        config: &Config,
        journal: &Journal,
        stop: &CancellationToken,
    ) -> Result<Primary, Failure> {
        let way = Way {
            control: config.bind9.control,
            dns: reached_at(config.dns),
            keys: keys(config)?,
            folder: absolute(&config.bind9.directory)?,
        };
        Primary::open(way, config, journal, stop, None).await
    }

    /// Begins to start a named, and opens it.
    pub(crate) async fn managed(
        config: &Config,
        user: Option<User>,
        journal: &Journal,
        stop: &CancellationToken,
    ) -> Result<Primary, Failure> {
        let folder = absolute(&config.bind9.directory)?;
        let mut settings = managed::Settings::new(folder.clone(), with_port(config.dns)?);
        settings.secondaries.clone_from(&config.secondaries);
        settings.user = user;
        settings.data = Some(config.data.clone());
        settings.rate_limit.clone_from(&config.rate_limit);
        settings.identity = identity(config);
        // named ends after everything that talks to it.
        let stop_named = CancellationToken::new();
        let named =
            Managed::start(settings, stop_named.clone()).await.map_err(|error| Failure::Other(chain(&error)))?;
        let way = Way { control: named.control(), dns: named.dns(), keys: named.keys().clone(), folder };
        Primary::open(way, config, journal, stop, Some((named, stop_named))).await
    }

    async fn open(
        way: Way,
        config: &Config,
        journal: &Journal,
        stop: &CancellationToken,
        managed: Option<(Managed, CancellationToken)>,
    ) -> Result<Primary, Failure> {
        let settings = Bind9Settings {
            name: PRIMARY.to_owned(),
            control: way.control,
            control_key: ControlKey::from(&way.keys.control),
            dns: way.dns,
            update_key: way.keys.update.clone(),
            zone_folder: way.folder.join("zones"),
            new_zones_folder: Some(way.folder.clone()),
            max_records_per_type: u32::try_from(config.limits.rrset_records).ok(),
            named: managed.as_ref().map(|(named, _)| named.state()),
            clock: Clock::system(),
        };
        let bind9 = Arc::new(Bind9::lock(settings).await.map_err(|error| Failure::Other(chain(&error)))?);
        let audit = audit_for_ever(journal.clone(), Arc::clone(&bind9), AuditSettings::default(), stop.clone());
        let work = vec![tokio::spawn(audit)];
        let mut nameserver: Arc<dyn Nameserver> = bind9;
        let mut catalogs = None;
        // Catalogs are for secondaries, which must be configured here to be notified and to have access.
        if !config.secondaries.is_empty() {
            let notifier = Notifier::new(&config.secondaries, &way.keys.transfer, &Clock::system(), stop);
            let host = CatalogZones::new(catalog::Settings {
                control: way.control,
                control_key: ControlKey::from(&way.keys.control),
                update_key: way.keys.update.name().clone(),
                folder: way.folder.join("catalogs"),
            });
            let settings = deploy::catalog::Settings {
                host: Arc::new(host.map_err(|error| Failure::Other(chain(&error)))?),
                dns: way.dns,
                update_key: way.keys.update.clone(),
                notifier: notifier.clone(),
                clock: Clock::system(),
            };
            let made = Catalogs::new(journal.clone(), settings);
            nameserver = Arc::new(Published::new(nameserver, made.clone()));
            catalogs = Some(made);
        }
        let secondaries =
            config.secondaries.iter().map(|address| Arc::new(Secondary::new(*address)) as Arc<dyn Witness>);
        Ok(Primary { nameserver, secondaries: secondaries.collect(), dns: way.dns, catalogs, work, managed })
    }

    /// Begins to notify secondaries as soon as the primary is up to date.
    pub(crate) fn publish(&mut self, deployment: Deployment, journal: Journal, stop: &CancellationToken) {
        let Some(catalogs) = self.catalogs.take() else { return };
        let stop = stop.clone();
        self.work.push(tokio::spawn(async move {
            while !deployment.is_settled() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(SETTLED_EVERY) => {}
                }
            }
            tokio::join!(
                catalogs.run(CATALOGS_EVERY, stop),
                catalogs.notifier().sweep_for_ever(journal, SECONDARIES_EVERY),
            );
        }));
    }

    /// Waits until the work beside the deployment has ended, then ends a named of our own.
    pub(crate) async fn ended(self) {
        for work in self.work {
            // An error is a panic, which was logged.
            let _ = work.await;
        }
        if let Some((named, stop)) = self.managed {
            stop.cancel();
            named.ended().await;
        }
    }
}

/// Resolves with the reason when a managed named is given up permanently.
pub(crate) async fn given_up(primary: &mut Option<Primary>) -> StartError {
    match primary.as_mut().and_then(|primary| primary.managed.as_mut()) {
        Some((named, _)) => named.failed().await,
        None => std::future::pending().await,
    }
}

/// The user that a managed named has to run as; `None` where it runs as this process does. Only root can choose.
pub(crate) fn user_of_named(config: &Config) -> Result<Option<User>, Failure> {
    let name = config.bind9.user.as_str();
    if config.nameserver != NameserverSetting::Bind9Managed || !managed::is_root() || name == "root" {
        return Ok(None);
    }
    match User::find(name) {
        Ok(user) => Ok(Some(user)),
        Err(error @ UserError::Unknown(_)) => {
            let hint = "the package bind9 of Debian and Ubuntu creates the user bind, other distributions use named; set root to run named as root";
            Err(config.bad("bind9.user", error.to_string(), hint).into())
        }
        Err(error @ UserError::Lookup(_)) => Err(Failure::Other(chain(&error))),
    }
}

fn identity(config: &Config) -> Identity {
    Identity {
        cookie_secrets: config.edns.cookie_secrets.clone(),
        require_server_cookie: config.edns.require_cookie,
        nsid: config.edns.nsid.clone(),
    }
}

/// How a primary is reached.
struct Way {
    control: SocketAddr,
    dns: SocketAddr,
    keys: Keys,
    folder: PathBuf,
}

/// `zonewright bind9 ...`: prints a complete `named.conf`.
pub(crate) fn config(command: Bind9Command) -> Result<ExitCode, Failure> {
    let Bind9Command::Config(side) = command;
    let text = match side {
        ConfigCommand::Primary(flags) => primary_config(&flags)?,
        ConfigCommand::Secondary(flags) => secondary_config(&flags)?,
    };
    print(&text).map(|_| ExitCode::SUCCESS)
}

fn primary_config(flags: &ConfigFlags) -> Result<String, Failure> {
    let config = Config::load_for_nameserver(flags)?;
    let directory = flags.directory.clone().unwrap_or_else(|| config.bind9.directory.clone());
    let keys = keys(&config)?;
    Ok(primary(&PrimaryConfig {
        directory: folder(&directory)?,
        listen: vec![flags.listen.unwrap_or(config.dns)],
        control: config.bind9.control,
        control_key: keys.control,
        update_key: keys.update,
        transfer_key: keys.transfer,
        secondaries: config.secondaries.clone(),
        is_managed: false,
        rate_limit: config.rate_limit.clone(),
        identity: identity(&config),
    }))
}

fn secondary_config(flags: &ConfigFlags) -> Result<String, Failure> {
    let config = Config::load_for_nameserver(flags)?;
    let listen = flags.listen.or_else(|| config.secondaries.first().copied()).ok_or_else(|| {
        Failure::Other("the secondary's address is missing; use --listen ADDR or --secondary ADDR".to_owned())
    })?;
    let directory = flags.directory.clone().unwrap_or_else(|| config.data.join("bind9-secondary"));
    Ok(secondary(&SecondaryConfig {
        directory: folder(&directory)?,
        listen: vec![listen],
        primaries: vec![reached_at(config.dns)],
        transfer_key: keys(&config)?.transfer,
        max_records_per_type: u32::try_from(config.limits.rrset_records).ok().filter(|most| *most > 100),
        rate_limit: config.rate_limit.clone(),
        identity: identity(&config),
    }))
}

/// The address with a port that is free, where the configuration leaves the choice (port 0): named itself would not choose.
fn with_port(address: SocketAddr) -> Result<SocketAddr, Failure> {
    if address.port() != 0 {
        return Ok(address);
    }
    for _ in 0..16 {
        let chosen = UdpSocket::bind(address).and_then(|socket| socket.local_addr());
        if let Ok(chosen) = chosen
            && TcpListener::bind(chosen).is_ok()
        {
            return Ok(chosen);
        }
    }
    Err(Failure::Other(format!("there is no free port at {}", address.ip())))
}

/// The keys that this server shares with nameservers; made where they are missing.
fn keys(config: &Config) -> Result<Keys, Failure> {
    let unusable = |error: &dyn std::fmt::Display| Failure::Other(format!("{}: {error}", config.data.display()));
    make_private_folder(&config.data).map_err(|error| unusable(&error))?;
    Keys::load_or_create(&config.bind9_keys()).map_err(|error| Failure::Other(chain(&error)))
}

/// The absolute path as named is to read it. The folder is made: named does not make it.
fn folder(path: &Path) -> Result<ConfigText, Failure> {
    let path = absolute(path)?;
    let unusable = |error: &dyn std::fmt::Display| Failure::Other(format!("--directory {}: {error}", path.display()));
    std::fs::create_dir_all(&path).map_err(|error| unusable(&error))?;
    ConfigText::from_path(&path).map_err(|error| unusable(&error))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::Other(format!("{}: {error}", path.display())))
}
