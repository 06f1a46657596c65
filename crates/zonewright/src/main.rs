//! The `zonewright` command: configuration, wiring, start and stop. Everything else is in the crates below.

mod admin;
mod bind9;
mod cli;
mod config;
mod cookie_secret;
mod deleted;
mod disk;
mod doctor;
mod duration;
mod first_start;
mod health;
mod logging;
mod mailing;
mod monitor;
mod resync;
mod secrets;
mod security_txt;
mod serve;
mod shell;
mod status;
mod tls;
mod zone_files;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command, DeployCommand};
use store::{Clock, Options, Store};

use crate::config::{Config, ConfigError};

/// Measured by `benches/neighbours.rs`: memory that one large change took is given back within seconds. With glibc's allocator
/// and with mimalloc, hundreds of megabytes stay.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What a wrong command line or configuration ends with.
const EXIT_CONFIG: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::Other(format!("the asynchronous runtime could not start: {error}"))),
    };
    let result = runtime.block_on(run(cli.command));
    // A name resolution or a read that hangs must not keep a finished process alive.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(failure) => fail(&failure),
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(flags) => serve::serve(Config::load(&flags)?).await,
        Command::Doctor(flags) => doctor::doctor(&flags).await,
        Command::Account(command) => admin::account(command).await,
        Command::Token(command) => admin::token(command).await,
        Command::Zone(command) => admin::zone(command).await,
        Command::Backup { file, with_keys, data } => admin::backup(&file, with_keys, &data).await,
        Command::Secrets(command) => secrets::secrets(command).await,
        Command::Deploy(DeployCommand::Status { domain, serve }) => status::status(domain, &serve).await,
        Command::Deploy(DeployCommand::Resync { domain, serve }) => resync::resync(domain, &serve).await,
        Command::Bind9(command) => bind9::config(command),
    }
}

/// Why a command ended early, in words for whoever typed it.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Other(String),
    /// The key file does not fit the database.
    #[error("{0}")]
    Key(String),
}

impl From<store::CreateTokenError> for Failure {
    fn from(error: store::CreateTokenError) -> Self {
        Failure::Other(chain(&error))
    }
}

impl From<store::AccountError> for Failure {
    fn from(error: store::AccountError) -> Self {
        Failure::Other(chain(&error))
    }
}

impl From<store::StoreError> for Failure {
    fn from(error: store::StoreError) -> Self {
        Failure::Other(chain(&error))
    }
}

/// An error and what caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    deploy::Chain(error).to_string()
}

#[expect(clippy::print_stderr, reason = "the last word of a command that failed is for the terminal")]
fn fail(failure: &Failure) -> ExitCode {
    eprintln!("zonewright: {failure}");
    match failure {
        Failure::Config(_) => ExitCode::from(EXIT_CONFIG),
        Failure::Other(_) | Failure::Key(_) => ExitCode::FAILURE,
    }
}

/// Opens the database of a configuration; it and the data directory are made where they are missing.
fn open_store(config: &Config) -> Result<Store, Failure> {
    make_private_folder(&config.data).map_err(|error| {
        let (place, shown) = (config.place("data"), config.data.display());
        Failure::Other(format!(
            "{place}: data: cannot create {shown}: {error} (choose a directory that this user can write to)"
        ))
    })?;
    let options = Options {
        clock: Clock::system(),
        limits: config.limits,
        apex: config.apex.clone(),
        key_file: Some(config.key_file()),
        own_names: config.own_names(),
        policy: config.policy,
    };
    Store::open(&config.database_file(), options).map_err(|error| {
        let (place, shown) = (config.place("data"), config.data.display());
        let hint = match error.health() {
            Some(store::Health::Damaged) => {
                " (move the file and the files next to it away, and restore the newest backup as zonewright.sqlite)"
            }
            Some(store::Health::DiskFull) => " (free some disk space)",
            Some(store::Health::Good) | None => "",
        };
        let text = format!("{place}: data: {shown}: {}{hint}", chain(&error));
        if matches!(error, store::StoreError::Key(_)) { Failure::Key(text) } else { Failure::Other(text) }
    })
}

/// Opens a database that is there, for commands that make no sense without: a slip in `--data` must not make a new one.
fn open_existing_store(config: &Config) -> Result<Store, Failure> {
    let file = config.database_file();
    match file.try_exists() {
        Ok(true) => open_store(config),
        Ok(false) => {
            let (place, shown) = (config.place("data"), config.data.display());
            Err(Failure::Other(format!(
                "{place}: data: there is no database in {shown} (check the directory; `zonewright serve` creates the database)"
            )))
        }
        Err(error) => Err(Failure::Other(format!("cannot read {}: {error}", file.display()))),
    }
}

/// Makes a folder that only its owner may look into; one that exists is left as it is.
fn make_private_folder(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
