//! The `zonewright` command: configuration, wiring, start and stop. Everything else is in the crates below.

mod admin;
mod bind9;
mod cli;
mod config;
mod cookie_secret;
mod database;
mod deleted;
mod disk;
mod doctor;
mod duration;
mod failure;
mod first_start;
mod health;
mod logging;
mod mailing;
mod monitor;
mod operands;
mod output;
mod resync;
mod secrets;
mod security_txt;
mod serve;
mod shell;
mod status;
mod tls;
mod update_keys;
mod zone_files;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command, DeployCommand};

use crate::config::Config;
use crate::failure::Failure;

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
        Command::Key(command) => update_keys::key(command).await,
        Command::Zone(command) => admin::zone(command).await,
        Command::Backup { file, with_keys, data } => admin::backup(&file, with_keys, &data).await,
        Command::Secrets(command) => secrets::secrets(command).await,
        Command::Deploy(DeployCommand::Status { domain, serve }) => status::status(domain, &serve).await,
        Command::Deploy(DeployCommand::Resync { domain, serve }) => resync::resync(domain, &serve).await,
        Command::Bind9(command) => bind9::config(command),
    }
}

#[expect(clippy::print_stderr, reason = "the last word of a command that failed is for the terminal")]
fn fail(failure: &Failure) -> ExitCode {
    eprintln!("zonewright: {failure}");
    match failure {
        Failure::Config(_) => ExitCode::from(EXIT_CONFIG),
        Failure::Other(_) | Failure::Key(_) => ExitCode::FAILURE,
    }
}
